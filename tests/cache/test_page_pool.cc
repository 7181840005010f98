// Pages of which a bounded number of octets is in memory: the pool, and replicas that use one.
#define BOOST_TEST_MODULE cache_pool
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <thread>

#include "cache/held.h"
#include "tests/cache/follower.h"

using namespace eightbells;
using namespace eightbells::cache;

namespace {

// A page of a set by itself, and its digest.
struct Made {
    Digest digest{};
    HeldPage page;
};

Made make_page(std::uint32_t index) {
    PageHeader header;
    header.page_bits = 10;
    header.index = index;
    header.times = {built::start_time, built::start_time, built::start_time + seconds(86400)};
    header.profiles = {crypto::sha256(Bytes{1})};
    Bytes serial(16, 1);
    for (std::uint64_t tries = 0; page_index(BuiltSet::hash_of(serial), 10) != index; ++tries) {
        for (std::size_t i = 0; i < sizeof tries; ++i)
            serial[8 + i] = static_cast<std::uint8_t>(tries >> 8 * i);
    }
    Record record;
    record.serial = serial;
    record.times = header.times;
    const Bytes signature(4000, static_cast<std::uint8_t>(index));
    record.signature = signature;
    Bytes bytes = need(encode_page(header, {record}));
    const Digest digest = crypto::sha256(bytes);
    return {digest, {need(Page::parse(std::move(bytes))), std::make_shared<const ProfileTable>()}};
}

std::uint32_t index_of(const HeldPage& page) {
    return page.page.header().index;
}

// A front's part with a bound on its memory.
class Capped {
  public:
    Capped(const BuiltSet& set, std::size_t octets) : set_(set), octets_(octets) { start(); }

    void start() {
        replica_.reset();
        own_.reset();
        reader_.reset();
        pool = std::make_shared<PagePool>(octets_);
        reader_ = std::make_unique<PagePool::Reader>(*pool, nullptr);
        own_ = need(PageFile::open(folder_ / "own", PageFile::Access::write));
        replica_ = std::make_unique<Replica>(set_.issuer(), set_.keys(), *own_, folder_ / "crl", pool);
        file_ = need(PageFile::open(folder_ / "own", PageFile::Access::read));
    }
    SyncReport restart() {
        start();
        return replica_->load({});
    }
    Replica& replica() { return *replica_; }
    SyncReport sync(Store& store) { return need(replica_->sync(store, {})); }
    bool is_on_disk(const Bytes& serial) const {
        return snapshot()->awaited(HashAlgorithm::sha256, serial, BuiltSet::hash_of(serial)).has_value();
    }
    const Bytes& one_on_disk(const std::vector<Bytes>& serials) const {
        const auto found = std::ranges::find_if(serials, [&](const auto& one) { return is_on_disk(one); });
        BOOST_REQUIRE((found != serials.end()));
        return *found;
    }
    // The disk makes something else of it, or nothing.
    void damage(const std::string& page, const std::optional<Bytes>& becomes) {
        auto change = need(own_->begin(false));
        BOOST_REQUIRE((becomes ? change.put(page, *becomes) : change.erase(page)));
        BOOST_REQUIRE(change.commit());
    }
    // Asked for, and not there as it was verified.
    void miss(const Bytes& serial) {
        const auto awaited = snapshot()->awaited(HashAlgorithm::sha256, serial, BuiltSet::hash_of(serial));
        BOOST_REQUIRE(awaited);
        const auto read = snapshot()->read_page(*awaited, *file_);
        BOOST_REQUIRE(!read);
        BOOST_TEST(contains(read.error().message, "not there any more as it was verified"));
    }
    std::shared_ptr<const IssuerSnapshot> snapshot() const { return replica_->snapshot(); }
    std::filesystem::path file() const { return folder_ / "own"; }

    std::string says(const Bytes& serial, HashAlgorithm hash) {
        const auto snapshot = replica_->snapshot();
        for (int turn = 0; turn < 3; ++turn) {
            reader_->quiet();
            IssuerSnapshot::Found found;
            const std::uint64_t serial_hash = BuiltSet::hash_of(serial);
            switch (snapshot->find(hash, serial, serial_hash, found)) {
                case Lookup::found:
                    return !equal(found.single.serial, serial) ? "another answer"
                           : found.single.status               ? "revoked"
                                                               : "good";
                case Lookup::not_issued:
                    return "not issued";
                case Lookup::not_loaded:
                    return "not loaded";
                case Lookup::on_disk:
                    break;
            }
            const auto awaited = snapshot->awaited(hash, serial, serial_hash);
            BOOST_REQUIRE(awaited);
            const auto read = snapshot->read_page(*awaited, *file_);
            BOOST_REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
            BOOST_REQUIRE((*read == IssuerSnapshot::PageRead::in_memory));
            ++reads;
            BOOST_REQUIRE_LE(pool->octets(), pool->limit());
        }
        return "never";
    }

    std::shared_ptr<PagePool> pool;
    std::size_t reads = 0;

  private:
    const BuiltSet& set_;
    std::size_t octets_;
    TemporaryFolder folder_;
    std::unique_ptr<PageFile> own_;
    std::unique_ptr<PageFile> file_;  // of the thread that reads
    std::unique_ptr<PagePool::Reader> reader_;
    std::unique_ptr<Replica> replica_;
};

std::string said(const Follower& follower, const Bytes& serial, HashAlgorithm hash) {
    IssuerSnapshot::Found found;
    const Lookup lookup = follower.snapshot()->find(hash, serial, BuiltSet::hash_of(serial), found);
    return lookup == Lookup::not_issued   ? "not issued"
           : lookup == Lookup::not_loaded ? "not loaded"
           : found.single.status          ? "revoked"
                                          : "good";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(page_pool)

BOOST_AUTO_TEST_CASE(what_is_put_is_found_within_the_bound_and_what_is_asked_for_stays) {
    PagePool pool(256 * 1024);
    PagePool::Reader reader(pool, nullptr);
    const Made wanted = make_page(0);
    Made first = make_page(0);
    BOOST_REQUIRE(pool.put(first.digest, std::move(first.page), PagePool::Room::make));
    std::size_t in_memory = 0;
    for (std::uint32_t i = 1; i < 300; ++i) {
        Made made = make_page(i);
        BOOST_REQUIRE(pool.put(made.digest, std::move(made.page), PagePool::Room::make));
        BOOST_REQUIRE_LE(pool.octets(), pool.limit());
        const HeldPage* found = pool.find(made.digest);
        BOOST_REQUIRE(found != nullptr);
        BOOST_REQUIRE_EQUAL(index_of(*found), i);
        in_memory += pool.find(wanted.digest) != nullptr;
        reader.quiet();
    }
    BOOST_TEST(in_memory > 290U);  // asked for each time; the places of a bucket may fall to others
    BOOST_TEST(pool.octets() > pool.limit() / 2);
    Made last = make_page(300);
    BOOST_TEST(!pool.put(last.digest, std::move(last.page), PagePool::Room::spare));
    BOOST_TEST(pool.find(last.digest) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_page_that_has_to_go_is_there_until_whoever_read_it_has_come_by) {
    PagePool pool(256 * 1024);
    std::size_t woken = 0;
    PagePool::Reader reader(pool, [&] { ++woken; });
    Made made = make_page(0);
    const Digest digest = made.digest;
    BOOST_REQUIRE(pool.put(digest, std::move(made.page), PagePool::Room::make));
    const HeldPage* const held = pool.find(digest);
    std::uint32_t next = 1;
    bool room = true;
    for (; next < 300 && room; ++next) {
        Made other = make_page(next);
        room = pool.put(other.digest, std::move(other.page), PagePool::Room::make);
        BOOST_REQUIRE_LE(pool.octets(), pool.limit());
    }
    BOOST_TEST(!room);  // nobody came by
    BOOST_TEST(woken > 0U);
    BOOST_TEST(index_of(*held) == 0U);
    Made other = make_page(next);
    bool at_once = false;  // in one of some attempts: this thread may stall in any
    for (int i = 0; i < 20 && !at_once; ++i) {
        const auto began = std::chrono::steady_clock::now();
        BOOST_TEST(!pool.put(other.digest, make_page(next).page, PagePool::Room::at_once));
        at_once = std::chrono::steady_clock::now() - began < limits::pool_patience / 2;
    }
    BOOST_TEST(at_once);
    reader.quiet();
    BOOST_TEST(pool.put(other.digest, std::move(other.page), PagePool::Room::at_once));
}

BOOST_AUTO_TEST_CASE(threads_that_look_up_while_pages_come_and_go_see_whole_pages_only) {
    constexpr std::uint32_t count = 200;
    PagePool pool(256 * 1024);
    std::vector<Digest> digests;
    for (std::uint32_t i = 0; i < count; ++i)
        digests.push_back(make_page(i).digest);
    std::atomic<bool> ended{false};
    std::atomic<std::uint64_t> found{0};
    std::atomic<std::uint64_t> wrong{0};
    const auto look = [&](unsigned seed) {
        std::mt19937 random(seed);
        PagePool::Reader reader(pool, nullptr);
        while (!ended) {
            for (int i = 0; i < 16; ++i) {
                const std::uint32_t index = static_cast<std::uint32_t>(random() % count);
                if (const HeldPage* page = pool.find(digests[index])) {
                    ++found;
                    wrong += index_of(*page) != index ||
                             page->page.record(0).signature[0] != static_cast<std::uint8_t>(index);
                }
            }
            reader.quiet();
        }
    };
    std::thread one(look, 1);
    std::thread two(look, 2);
    std::mt19937 random(3);
    std::size_t put = 0;
    const auto put_one = [&] {
        const auto index = static_cast<std::uint32_t>(random() % count);
        for (int i = 0; i < 60; ++i) {  // who looks up may stall for longer than limits::pool_patience
            Made made = make_page(index);
            if (pool.put(made.digest, std::move(made.page), PagePool::Room::make))
                return true;
        }
        return false;
    };
    for (int i = 0; i < 5000; ++i)
        put += put_one();
    while (found <= 1000U && put_one()) {  // they may not have begun yet
    }
    ended = true;
    one.join();
    two.join();
    BOOST_TEST(put == 5000U);
    BOOST_TEST(found > 1000U);
    BOOST_TEST(wrong == 0U);
}

// A history of everything that is published, each certificate asked for under both hashes of a replica that
// has all pages in memory and of one that has a quarter.
BOOST_AUTO_TEST_CASE(a_replica_with_a_quarter_of_its_pages_in_memory_answers_as_one_with_all) {
    BuiltSet set{7};
    MemoryStore store;
    std::vector<Bytes> serials = set.issue_many(2500);
    publish(store, set.publish_all());
    Follower whole{set};
    whole.sync(store);
    const std::size_t all = whole.snapshot()->octets();
    Capped capped{set, all / 4};
    std::size_t shown = 0;
    BOOST_REQUIRE(capped.replica().sync(store, [&](const auto&) { ++shown; }));
    BOOST_TEST(capped.snapshot()->complete());
    BOOST_TEST(capped.snapshot()->octets() == all);
    BOOST_TEST(capped.snapshot()->records() == whole.snapshot()->records());
    std::mt19937 random(7);
    const auto any = [&]() -> const Bytes& { return serials[random() % serials.size()]; };
    for (int round = 0; round < 40; ++round) {
        for (int i = 0; i < 5; ++i)
            set.revoke(any());
        serials.push_back(set.issue());
        if (round % 3 == 0)
            set.expire(any());
        if (round == 20)
            publish(store, set.split());
        else if (round % 7 == 6)
            publish(store, set.join());
        else if (round % 2 == 0)
            publish(store, set.publish({static_cast<std::uint32_t>(random() % set.pages())}));
        else
            publish(store, set.publish());
        whole.sync(store);
        const auto synced = capped.replica().sync(store, {});
        BOOST_REQUIRE_MESSAGE(synced, (synced ? "" : synced.error().message));
        BOOST_TEST(!synced->behind);
        if (round % 10 == 9)
            BOOST_TEST(!capped.restart().behind);
        BOOST_TEST((capped.snapshot()->earliest_next_update() == whole.snapshot()->earliest_next_update()));
        BOOST_TEST((capped.snapshot()->oldest_produced_at() == whole.snapshot()->oldest_produced_at()));
        for (int i = 0; i < 300; ++i) {
            const Bytes& serial = any();
            for (const HashAlgorithm hash : both_hashes)
                BOOST_REQUIRE_EQUAL(capped.says(serial, hash), said(whole, serial, hash));
        }
        BOOST_REQUIRE_EQUAL(capped.says(never_issued, HashAlgorithm::sha1), "not issued");
    }
    BOOST_TEST(capped.reads > 1000U);
    for (const Bytes& serial : serials) {
        for (const HashAlgorithm hash : both_hashes)
            BOOST_REQUIRE_EQUAL(capped.says(serial, hash), said(whole, serial, hash));
    }
}

BOOST_AUTO_TEST_CASE(where_a_new_page_does_not_verify_the_old_one_is_read_and_answered_from) {
    BuiltSet set{5};
    MemoryStore store;
    std::vector<Bytes> serials = set.issue_many(400);
    publish(store, set.publish_all());
    Capped capped{set, 48 * 1024};
    BOOST_REQUIRE(capped.replica().sync(store, {}));
    const std::string damaged = page_of(set, serials[0]);
    publish(store, set.publish({set.page_of(serials[0])}));
    store.blobs.at(damaged).back() ^= 1;
    BOOST_REQUIRE(capped.replica().sync(store, {}));
    BOOST_TEST(capped.snapshot()->pages_stale() == 1U);
    for (const Bytes& serial : serials)
        BOOST_REQUIRE_EQUAL(capped.says(serial, HashAlgorithm::sha256), "good");
    // After a start nothing is known of it: its newest version has never been seen.
    capped.restart();
    BOOST_TEST(capped.says(serials[0], HashAlgorithm::sha256) == "not loaded");
    BOOST_TEST(capped.says(serials[0], HashAlgorithm::sha1) == "good");
}

BOOST_AUTO_TEST_CASE(a_page_that_was_replaced_or_damaged_meanwhile_is_told_apart_and_not_believed) {
    using PageRead = IssuerSnapshot::PageRead;
    BuiltSet set{0};
    MemoryStore store;
    const Bytes serial = set.issue();
    publish(store, set.publish_all());
    Capped capped{set, 2 * 1024};  // nothing fits
    BOOST_REQUIRE(capped.replica().sync(store, {}));
    const auto awaited_in = [&](const IssuerSnapshot& snapshot) {
        return snapshot.awaited(HashAlgorithm::sha256, serial, BuiltSet::hash_of(serial)).value();
    };
    const auto before = capped.snapshot();
    const PageRef replaced = awaited_in(*before);
    set.revoke(serial);
    publish(store, set.publish({0}));
    BOOST_REQUIRE(capped.replica().sync(store, {}));
    const auto own = need(PageFile::open(capped.file(), PageFile::Access::write));
    const auto read = before->read_page(replaced, *own);
    BOOST_REQUIRE(read);
    BOOST_TEST((*read == PageRead::replaced));

    const PageRef damaged = awaited_in(*capped.snapshot());
    const std::string name = page_name(set.issuer(), damaged.set, damaged.page_bits, damaged.index);
    PageFile::Change change = need(own->begin(false));
    BOOST_REQUIRE(change.put(name, Bytes{1, 2, 3}));
    BOOST_REQUIRE(change.commit());
    const auto refused = capped.snapshot()->read_page(damaged, *own);
    BOOST_REQUIRE(!refused);
    BOOST_TEST(contains(refused.error().message, "not there any more as it was verified"),
               refused.error().message);
}

// Covers: B-24
BOOST_AUTO_TEST_CASE(a_page_that_the_own_page_file_has_lost_is_fetched_anew_when_it_was_asked_for) {
    BuiltSet set{5};
    MemoryStore store;
    const std::vector<Bytes> serials = set.issue_many(400);
    publish(store, set.publish_all());
    set.revoke(serials[1]);
    publish(store, set.publish());  // a patch
    Capped capped{set, 48 * 1024};
    capped.sync(store);
    for (const std::optional<Bytes>& becomes : {std::optional<Bytes>{}, std::optional<Bytes>{{1, 2, 3}}}) {
        const Bytes& serial = capped.one_on_disk(serials);
        capped.damage(page_of(set, serial), becomes);
        capped.miss(serial);
        capped.replica().want_lost();
        store.names_fetched = 0;
        const SyncReport report = capped.sync(store);
        BOOST_TEST(report.mended == 1U);
        BOOST_TEST(!report.behind);
        BOOST_TEST(store.names_fetched == 2U);  // the head and the page
        BOOST_TEST(capped.says(serial, HashAlgorithm::sha256) == "good");
        BOOST_TEST(capped.snapshot()->complete());
        // Nothing more is to be done.
        capped.replica().want_lost();
        const SyncReport after = capped.sync(store);
        BOOST_TEST(after.mended == 0U);
        BOOST_TEST(!after.advanced);
    }
    BOOST_TEST(capped.says(serials[1], HashAlgorithm::sha256) == "revoked");
    BOOST_TEST(!capped.restart().behind);  // it lies on the disk again
}

BOOST_AUTO_TEST_CASE(a_lost_page_is_mended_when_the_store_is_back_and_missing_while_it_lacks_it_too) {
    BuiltSet set{5};
    MemoryStore store;
    const std::vector<Bytes> serials = set.issue_many(400);
    publish(store, set.publish_all());
    Capped capped{set, 48 * 1024};
    capped.sync(store);
    const Bytes& serial = capped.one_on_disk(serials);
    const std::string name = page_of(set, serial);
    const Bytes page = store.blobs.at(name);
    capped.damage(name, std::nullopt);
    capped.miss(serial);
    capped.replica().want_lost();

    store.offline = true;
    BOOST_TEST(!capped.replica().sync(store, {}));
    capped.miss(serial);
    store.offline = false;
    store.blobs.erase(name);
    const SyncReport without = capped.sync(store);
    BOOST_TEST(without.mended == 0U);
    BOOST_TEST(without.rejected == 1U);
    BOOST_TEST(without.behind);
    BOOST_TEST(capped.snapshot()->pages_loaded() == capped.snapshot()->pages_total() - 1);
    BOOST_TEST(capped.says(serial, HashAlgorithm::sha256) == "not loaded");
    Bytes beside{0x7f, 0};  // on the same page, and never "not issued"
    while (set.page_of(beside) != set.page_of(serial))
        ++beside[1];
    BOOST_TEST(capped.says(beside, HashAlgorithm::sha256) == "not loaded");
    store.blobs[name] = page;
    BOOST_TEST(!capped.sync(store).behind);
    BOOST_TEST(capped.says(serial, HashAlgorithm::sha256) == "good");
    BOOST_TEST(capped.says(beside, HashAlgorithm::sha256) == "not issued");
}

BOOST_AUTO_TEST_CASE(a_lost_page_that_is_replaced_meanwhile_is_taken_in_its_new_version) {
    BuiltSet set{5};
    MemoryStore store;
    const std::vector<Bytes> serials = set.issue_many(400);
    publish(store, set.publish_all());
    Capped capped{set, 48 * 1024};
    capped.sync(store);
    const Bytes& serial = capped.one_on_disk(serials);
    capped.damage(page_of(set, serial), std::nullopt);
    capped.miss(serial);
    capped.replica().want_lost();
    set.revoke(serial);
    publish(store, set.publish({set.page_of(serial)}));
    // A version that does not verify leaves nothing: the old one is not there to be kept.
    const std::string name = page_of(set, serial);
    store.blobs.at(name).back() ^= 1;
    BOOST_TEST(capped.sync(store).behind);
    BOOST_TEST(capped.snapshot()->pages_stale() == 0U);
    BOOST_TEST(capped.says(serial, HashAlgorithm::sha256) == "not loaded");
    store.blobs.at(name).back() ^= 1;
    BOOST_TEST(!capped.sync(store).behind);
    BOOST_TEST(capped.says(serial, HashAlgorithm::sha256) == "revoked");
}

BOOST_AUTO_TEST_CASE(no_more_than_a_bound_of_lost_pages_is_wanted_at_a_time) {
    BuiltSet set{9};
    MemoryStore store;
    const std::vector<Bytes> serials = set.issue_many(4000);
    publish(store, set.publish_all());
    Capped capped{set, 48 * 1024};
    capped.sync(store);
    std::map<std::string, Bytes> lost;  // and one that is on it
    for (const Bytes& serial : serials) {
        if (lost.size() < limits::lost_pages + 50 && capped.is_on_disk(serial))
            lost.emplace(page_of(set, serial), serial);
    }
    BOOST_REQUIRE(lost.size() == limits::lost_pages + 50);
    for (const auto& [page, serial] : lost) {
        capped.damage(page, std::nullopt);
        capped.miss(serial);
    }
    capped.replica().want_lost();
    store.names_fetched = 0;
    BOOST_TEST(capped.sync(store).mended == limits::lost_pages);
    BOOST_TEST(store.names_fetched == limits::lost_pages + 1);
    const auto own = need(PageFile::open(capped.file(), PageFile::Access::read));
    std::size_t still = 0;
    for (const auto& [page, serial] : lost) {
        if (!need(own->fetch({&page, 1})).front()) {
            ++still;
            capped.miss(serial);  // who asks again says so again
        }
    }
    BOOST_TEST(still == 50U);
    capped.replica().want_lost();
    BOOST_TEST(capped.sync(store).mended == 50U);
    for (const Bytes& serial : serials)
        BOOST_REQUIRE_EQUAL(capped.says(serial, HashAlgorithm::sha256), "good");
}

BOOST_AUTO_TEST_CASE(a_store_that_goes_away_in_a_first_load_leaves_no_page_that_is_shown_and_cannot_be_read) {
    BuiltSet set{13};
    MemoryStore store;
    std::vector<Bytes> serials = set.issue_many(20000);
    publish(store, set.publish_all());
    Capped capped{set, 512 * 1024};
    store.fail_after = 40;  // batches of 256 names
    std::size_t partial = 0;
    BOOST_TEST(!capped.replica().sync(store, [&](const auto&) { ++partial; }));
    BOOST_TEST(partial >= 1U);
    std::size_t good = 0;
    for (std::size_t i = 0; i < serials.size(); i += 7) {
        const std::string says = capped.says(serials[i], HashAlgorithm::sha1);
        BOOST_REQUIRE((says == "good" || says == "not loaded"));
        good += says == "good";
    }
    BOOST_TEST(good > 0U);
    store.fail_after.reset();
    BOOST_REQUIRE(capped.replica().sync(store, {}));
    for (std::size_t i = 0; i < serials.size(); i += 7)
        BOOST_REQUIRE_EQUAL(capped.says(serials[i], HashAlgorithm::sha256), "good");
}

BOOST_AUTO_TEST_SUITE_END()
