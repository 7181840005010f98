#include <boost/test/unit_test.hpp>

#include "cache/copy.h"
#include "cache/limits.h"
#include "tests/cache/follower.h"

using namespace eightbells;
using namespace eightbells::cache;

namespace {

// A signer's page file and a Redis, both in memory.
struct Pair {
    explicit Pair(unsigned page_bits = 9, int certificates = 2000) : set(page_bits) {
        for (int i = 0; i < certificates; ++i)
            serials.push_back(set.issue());
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

}  // namespace

BOOST_AUTO_TEST_SUITE(copy)

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
