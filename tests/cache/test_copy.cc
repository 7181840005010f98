#include <boost/test/unit_test.hpp>

#include "cache/copy.h"
#include "cache/limits.h"
#include "tests/cache/follower.h"

using namespace eightbells;
using namespace eightbells::cache;

namespace {

// A signer's page file and a Redis, both in memory.
struct Pair {
    explicit Pair(unsigned page_bits = 9, std::size_t certificates = 2000)
        : set(page_bits), serials(set.issue_many(certificates)) {
        set.set_crl("/demo.crl", Bytes(limits::crl_piece_octets + 5, 7));
        publish(from, set.publish_all());
        set.revoke(serials[0]);
        publish(from, set.publish());
    }
    Result<CopyReport> copy(CopyDepth depth = CopyDepth::differences) {
        return mirror(from, to, set.issuer(), set.keys(), depth);
    }
    // A front that has nothing finds everything in the target.
    bool target_is_whole() {
        Follower front{set};
        const auto report = front.replica().sync(to, {});
        return report && report->head_seen && !report->behind && front.snapshot()->head() == set.head();
    }

    BuiltSet set;
    std::vector<Bytes> serials;
    MemoryStore from;
    MemoryStore to;
};

// A signer that goes on publishing while its store is read back.
struct Busy final : Meanwhile {
    explicit Busy(Pair& used_pair) : pair(used_pair) {}
    Status turn() override {
        names_between = std::max(names_between, pair.to.names_fetched - names_before);
        names_before = pair.to.names_fetched;
        ++turns;
        if (const auto now = next ? next() : std::nullopt) {
            publish(pair.from, *now);
            publish(pair.to, *now);
            for (const auto& [name, bytes] : now->put)
                names.insert(name);
            names.insert(now->erase.begin(), now->erase.end());
        }
        return {};
    }
    bool touched(const std::string& name) const override { return names.contains(name); }

    Pair& pair;
    std::function<std::optional<Batch>()> next;
    std::set<std::string> names;
    std::size_t turns = 0;
    std::uint64_t names_before = 0;
    std::uint64_t names_between = 0;  // at most
};

}  // namespace

BOOST_AUTO_TEST_SUITE(copy)

// Covers: D-17
BOOST_AUTO_TEST_CASE(publications_pass_while_everything_is_read_back_and_nothing_newer_is_written_over) {
    Pair pair{11, 6000};
    need(pair.copy());
    Busy busy{pair};
    MemoryStore as_it_was = pair.from;  // what a View shows
    const auto read_back = [&] {
        return mirror(as_it_was, pair.to, pair.set.issuer(), pair.set.keys(), CopyDepth::everything, &busy);
    };
    BOOST_TEST(need(read_back()).copied == 0U);
    // 2,048 pages for each hash in fetches of 256.
    BOOST_TEST(busy.turns >= 16U);
    BOOST_TEST(busy.names_between <= 2 * limits::fetch_names);

    // Lost, or damaged: all tables and every third blob. And whatever is published is published in between.
    std::size_t place = 0;
    for (const auto& [name, bytes] : pair.from.blobs) {
        if (contains(name, ":head"))
            continue;
        if (contains(name, ":table:") || ++place % 3 == 0)
            pair.to.blobs[name].back() ^= 1;
        else if (place % 3 == 1)
            pair.to.blobs.erase(name);
    }
    std::size_t at = 0;
    busy.next = [&] {
        pair.set.revoke(pair.serials[++at]);
        if (at == 8)
            pair.set.set_crl("/demo.crl", Bytes(100, 8));
        const auto page = [&](std::size_t serial) { return pair.set.page_of(pair.serials[serial]); };
        return std::optional{at % 7 == 0 ? pair.set.join()
                                         : pair.set.publish({page(at - 1), page(3000 + at)})};
    };
    const CopyReport report = need(read_back());
    BOOST_TEST(report.copied > 1000U);
    BOOST_TEST(!report.head);
    BOOST_TEST(at >= 16U);
    BOOST_TEST((pair.to.blobs == pair.from.blobs));
    BOOST_TEST(pair.target_is_whole());
}

// It is not whole, and a head on top of it would say that it is.
BOOST_AUTO_TEST_CASE(nobody_publishes_to_a_store_that_is_being_brought_up) {
    Pair pair;
    Busy busy{pair};
    need(mirror(pair.from, pair.to, pair.set.issuer(), pair.set.keys(), CopyDepth::everything, &busy));
    BOOST_TEST(busy.turns == 0U);
    BOOST_TEST((pair.to.blobs == pair.from.blobs));
}

BOOST_AUTO_TEST_CASE(an_empty_store_gets_everything_and_a_second_copy_costs_one_fetch_of_each_head) {
    Pair pair;
    const CopyReport report = need(pair.copy());
    BOOST_TEST(report.head);
    BOOST_TEST(report.copied + 1 == pair.from.blobs.size());
    BOOST_TEST((pair.to.blobs == pair.from.blobs));
    BOOST_TEST(pair.target_is_whole());
    pair.from.names_fetched = pair.to.names_fetched = 0;
    const CopyReport again = need(pair.copy());
    BOOST_TEST(again.copied == 0U);
    BOOST_TEST(!again.head);
    BOOST_TEST(pair.from.names_fetched == 1U);
    BOOST_TEST(pair.to.names_fetched == 1U);
}

BOOST_AUTO_TEST_CASE(a_store_that_lags_gets_what_differs_and_loses_what_is_no_longer_named) {
    Pair pair;
    need(pair.copy());
    pair.set.revoke(pair.serials[1]);
    pair.set.set_crl("/demo.crl", Bytes(100, 8));
    publish(pair.from, pair.set.publish({pair.set.page_of(pair.serials[0])}));
    const CopyReport report = need(pair.copy());
    // For each hash a page and two tables; a patch, a CRL piece.
    BOOST_TEST(report.copied == 8U);
    BOOST_TEST((pair.to.blobs == pair.from.blobs));
    publish(pair.from, pair.set.split());
    need(pair.copy());
    BOOST_TEST((pair.to.blobs == pair.from.blobs));
    BOOST_TEST(pair.target_is_whole());
}

BOOST_AUTO_TEST_CASE(pages_that_became_empty_are_erased) {
    BuiltSet set{1};
    MemoryStore from;
    MemoryStore to;
    const Bytes a = set.issue();
    publish(from, set.publish_all());
    need(mirror(from, to, set.issuer(), set.keys()));
    set.expire(a);
    publish(from, set.publish({set.page_of(a)}));
    need(mirror(from, to, set.issuer(), set.keys()));
    BOOST_TEST((to.blobs == from.blobs));
}

BOOST_AUTO_TEST_CASE(a_publication_that_broke_off_at_any_blob_is_completed) {
    Pair pair{2, 20};
    need(pair.copy());
    const MemoryStore before = pair.to;
    pair.set.revoke(pair.serials[1]);
    const Batch batch =
        pair.set.publish({pair.set.page_of(pair.serials[0]), pair.set.page_of(pair.serials[2])});
    publish(pair.from, batch);
    for (std::size_t done = 0; done <= batch.put.size(); ++done) {
        // Tables first is the worst order.
        for (const bool backwards : {false, true}) {
            pair.to.blobs = before.blobs;
            for (std::size_t i = 0; i < done; ++i) {
                const auto& [name, bytes] = backwards ? batch.put[batch.put.size() - 1 - i] : batch.put[i];
                pair.to.blobs[name] = bytes;
            }
            need(pair.copy());
            BOOST_TEST((pair.to.blobs == pair.from.blobs));
        }
    }
}

BOOST_AUTO_TEST_CASE(
    garbage_in_any_table_or_head_is_not_believed_and_in_any_other_blob_it_is_found_when_asked) {
    Pair pair{9, 300};
    need(pair.copy());
    const MemoryStore whole = pair.to;
    std::size_t place = 0;
    for (const auto& [name, bytes] : whole.blobs) {
        if (++place % 7 != 0 && !contains(name, ":table:") && !contains(name, ":head"))
            continue;
        for (const bool missing : {false, true}) {
            pair.to.blobs = whole.blobs;
            if (missing)
                pair.to.blobs.erase(name);
            else
                pair.to.blobs[name][bytes.size() / 2] ^= 1;
            const CopyReport report = need(pair.copy(CopyDepth::everything));
            BOOST_TEST(report.copied >= (contains(name, ":head") ? 0U : 1U), name);
            BOOST_TEST((pair.to.blobs == pair.from.blobs), name);
        }
    }
    // Without reading everything back: a wrong head, and wrong tables once the head differs.
    pair.to.blobs = whole.blobs;
    pair.to.blobs[head_name(pair.set.issuer())] = {1, 2, 3};
    need(pair.copy());
    BOOST_TEST((pair.to.blobs == pair.from.blobs));
    for (auto& [name, bytes] : pair.to.blobs) {
        if (contains(name, ":table:"))
            bytes.back() ^= 1;
    }
    publish(pair.from, pair.set.publish());
    need(pair.copy());
    BOOST_TEST((pair.to.blobs == pair.from.blobs));
}

BOOST_AUTO_TEST_CASE(damage_in_the_source_does_not_spread) {
    Pair pair{2, 20};
    const MemoryStore whole = pair.from;
    for (const auto& [name, bytes] : whole.blobs) {
        pair.from.blobs = whole.blobs;
        pair.from.blobs[name][bytes.size() / 2] ^= 1;
        pair.to.blobs.clear();
        const auto refused = pair.copy();
        BOOST_REQUIRE(!refused);
        // Of a CRL only the whole can be checked.
        const bool piece = contains(name, ":crl:");
        BOOST_TEST(contains(refused.error().message, piece ? name.substr(0, name.size() - 1) : name),
                   refused.error().message);
        BOOST_TEST(!pair.to.blobs.contains(head_name(pair.set.issuer())));
    }
}

BOOST_AUTO_TEST_CASE(a_source_that_moves_on_is_copied_as_it_is_then) {
    Pair pair{2, 20};
    Batch next = [&] {
        pair.set.revoke(pair.serials[3]);
        return pair.set.publish_all();
    }();
    pair.from.after_each = [&](const std::string& name) {
        if (name == head_name(pair.set.issuer()) && !next.head.empty())
            publish(pair.from, std::exchange(next, {}));
    };
    BOOST_TEST(need(pair.copy()).head);
    BOOST_TEST(pair.target_is_whole());
}

// Copying takes longer than the time between two heads.
BOOST_AUTO_TEST_CASE(a_page_file_that_moves_on_at_every_moment_is_copied_as_it_was) {
    BuiltSet set{9};
    for (int i = 0; i < 2000; ++i)
        set.issue();
    const TemporaryFolder folder;
    const auto writer = need(PageFile::open(folder / "pages", PageFile::Access::write));
    publish(*writer, set.publish_all());
    const auto reader = need(PageFile::open(folder / "pages", PageFile::Access::read));
    MemoryStore target;
    std::uint32_t page = 0;
    target.after_each = [&](const std::string&) { publish(*writer, set.publish({page++ % set.pages()})); };
    BOOST_TEST(!mirror(*reader, target, set.issuer(), set.keys(), CopyDepth::everything));
    {
        const auto view = need(reader->view());
        const auto copied = mirror(*reader, target, set.issuer(), set.keys(), CopyDepth::everything);
        BOOST_REQUIRE_MESSAGE(copied, (copied ? "" : copied.error().message));
    }
    target.after_each = nullptr;
    Follower front{set};
    BOOST_TEST(!front.sync(target).behind);
    // The next copy has the rest.
    BOOST_TEST(need(mirror(*reader, target, set.issuer(), set.keys(), CopyDepth::differences)).copied > 0U);
    front.sync(target);
    BOOST_TEST((front.snapshot()->head() == set.head()));
}

// Covers: C-08
BOOST_AUTO_TEST_CASE(a_newer_head_is_never_written_over_by_an_older_one) {
    Pair pair{2, 20};
    need(pair.copy());
    const MemoryStore restored = pair.from;
    publish(pair.to, pair.set.publish());
    const auto newer = pair.to.blobs;
    pair.from = restored;
    const auto refused = pair.copy(CopyDepth::everything);
    BOOST_REQUIRE(!refused);
    BOOST_TEST(contains(refused.error().message, "version 1.3, newer than 1.2"), refused.error().message);
    BOOST_TEST((pair.to.blobs == newer));
    // A stranger's is.
    BuiltSet stranger{2, pair.set.issuer(), 2};
    for (int i = 0; i < 9; ++i)
        publish(pair.to, stranger.publish_all());
    BOOST_TEST(need(pair.copy()).head);
    Follower front{pair.set};
    BOOST_TEST(!front.sync(pair.to).behind);
    BOOST_TEST((front.snapshot()->head().version == Version{1, 2}));
}

BOOST_AUTO_TEST_CASE(a_source_with_nothing_published_changes_nothing) {
    BuiltSet set;
    MemoryStore from;
    MemoryStore to;
    to.blobs["x"] = {1};
    BOOST_TEST(need(mirror(from, to, set.issuer(), set.keys())).copied == 0U);
    BOOST_TEST(to.blobs.size() == 1U);
    from.offline = true;
    BOOST_TEST(!mirror(from, to, set.issuer(), set.keys()));
}

BOOST_AUTO_TEST_SUITE_END()
