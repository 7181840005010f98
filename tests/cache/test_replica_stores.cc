#include <boost/test/unit_test.hpp>
#include <fstream>

#include "cache/copy.h"
#include "cache/limits.h"
#include "cache/redis_store.h"
#include "responder/base/durable_file.h"
#include "tests/cache/follower.h"
#include "tests/cache/redis_server.h"

using namespace eightbells;
using namespace eightbells::cache;

namespace {

Bytes crl_of(std::size_t size, std::uint8_t seed) {
    Bytes der(size);
    for (std::size_t i = 0; i < size; ++i)
        der[i] = static_cast<std::uint8_t>(i * 31 + seed + i / 251);
    return der;
}

std::size_t files_in(const std::filesystem::path& folder) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        count += entry.is_regular_file();
    return count;
}

std::string page_key(const BuiltSet& set, const Bytes& serial) {
    return "eightbells:" + page_of(set, serial);
}

// Through a store that waits for nothing for long.
void freeze_and_thaw(const RedisServer& redis, Follower& front, ManualClock& clock) {
    RedisAddress address = redis.address();
    address.command_timeout = std::chrono::milliseconds{200};
    RedisStore impatient{address, &clock};
    const auto sees_head = [&] {
        clock.advance(seconds{1});
        const auto report = front.replica().sync(impatient, {});
        return report && report->head_seen;
    };
    BOOST_REQUIRE(soon(sees_head));
    redis.freeze();
    BOOST_TEST(!front.replica().sync(impatient, {}));
    redis.thaw();
    BOOST_TEST(soon(sees_head));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(replica_crls)

BOOST_AUTO_TEST_CASE(a_crl_of_several_pieces_lies_whole_under_its_digest_and_leaves_when_it_is_replaced) {
    BuiltSet set;
    MemoryStore store;
    const Bytes first = crl_of(2 * limits::crl_piece_octets + 17, 1);
    set.set_crl("/demo.crl", first);
    set.set_crl("/other.crl", crl_of(100, 2));
    publish(store, set.publish_all());
    Follower front{set};
    BOOST_TEST(!front.sync(store).behind);
    const auto crls = front.snapshot()->crls();
    BOOST_REQUIRE_EQUAL(crls.size(), 2U);
    BOOST_TEST(crls[0].path == "/demo.crl");
    BOOST_TEST(crls[0].size == first.size());
    BOOST_TEST((read_file(crls[0].file, first.size()).value() == first));
    BOOST_TEST(crls[0].file.filename().string() == to_hex(crypto::sha256(first)) + ".crl");

    // Who opened it when the snapshot was taken reads it to the end.
    std::ifstream open(crls[0].file, std::ios::binary);
    const auto old_file = crls[0].file;
    const Bytes second = crl_of(limits::crl_piece_octets, 3);
    set.set_crl("/demo.crl", second);
    publish(store, set.publish());
    BOOST_TEST(!front.sync(store).behind);
    BOOST_TEST((read_file(front.snapshot()->crls()[0].file, second.size()).value() == second));
    BOOST_TEST(!std::filesystem::exists(old_file));
    const Bytes reread((std::istreambuf_iterator<char>(open)), std::istreambuf_iterator<char>());
    BOOST_TEST((reread == first));
    BOOST_TEST(files_in(front.folder() / "crl") == 2U);

    set.remove_crl("/demo.crl");
    publish(store, set.publish());
    front.sync(store);
    BOOST_TEST(front.snapshot()->crls().size() == 1U);
    BOOST_TEST(files_in(front.folder() / "crl") == 1U);
}

// Covers: B-23
BOOST_AUTO_TEST_CASE(a_crl_with_a_wrong_piece_is_not_served_the_older_one_is) {
    BuiltSet set;
    MemoryStore store;
    const Bytes first = crl_of(1000, 1);
    set.set_crl("/demo.crl", first);
    publish(store, set.publish_all());
    Follower front{set};
    front.sync(store);
    const Bytes second = crl_of(limits::crl_piece_octets + 1000, 2);
    set.set_crl("/demo.crl", second);
    publish(store, set.publish());
    const std::string last_piece = crl_piece_name(set.issuer(), crypto::sha256(second), 1);
    const auto whole = store.blobs;
    const auto spoil = [&](const std::function<void()>& how) {
        store.blobs = whole;
        how();
        const SyncReport report = front.sync(store);
        BOOST_TEST(report.behind);
        BOOST_REQUIRE_EQUAL(front.snapshot()->crls().size(), 1U);
        BOOST_TEST((read_file(front.snapshot()->crls()[0].file, 1000).value() == first));
        BOOST_TEST(files_in(front.folder() / "crl") == 1U);
    };
    spoil([&] { store.blobs[last_piece].back() ^= 1; });
    spoil([&] { store.blobs[last_piece].pop_back(); });
    spoil([&] { store.blobs[last_piece].push_back(0); });
    spoil([&] { store.blobs.erase(last_piece); });
    // It is not fetched again in every pass, but in the end.
    store.blobs = whole;
    unsigned passes = 0;
    while (front.sync(store).behind && passes < 2 * limits::crl_passes_skipped)
        ++passes;
    BOOST_TEST(passes < 2 * limits::crl_passes_skipped);
    BOOST_TEST((read_file(front.snapshot()->crls()[0].file, second.size()).value() == second));
}

BOOST_AUTO_TEST_CASE(a_crl_file_that_was_edited_or_deleted_is_fetched_again) {
    BuiltSet set;
    MemoryStore store;
    const Bytes der = crl_of(1000, 1);
    set.set_crl("/demo.crl", der);
    publish(store, set.publish_all());
    Follower front{set};
    front.sync(store);
    const auto file = front.snapshot()->crls()[0].file;
    for (const bool edited : {true, false}) {
        if (edited)
            std::ofstream(file) << "something else";
        else
            std::filesystem::remove(file);
        BOOST_TEST(front.restart().behind);
        BOOST_TEST(front.snapshot()->crls().empty());
        BOOST_TEST(!front.sync(store).behind);
        BOOST_TEST((read_file(file, der.size()).value() == der));
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(replica_redis)

// Covers: B-23, C-05, C-08, G-23
BOOST_AUTO_TEST_CASE(a_front_lives_through_everything_that_can_happen_to_its_redis) {
    RedisServer redis;
    ManualClock clock{from_unix(0)};
    RedisStore signer{redis.address(), &clock};
    RedisStore source{redis.address(), &clock};
    BuiltSet set;
    MemoryStore pages;  // what the signer keeps
    const auto publish_both = [&](const Batch& batch) {
        publish(pages, batch);
        publish(signer, batch);
    };
    const Bytes a = set.issue();
    const Bytes b = set.issue();
    publish_both(set.publish_all());
    Follower front{set};
    BOOST_TEST(!front.sync(source).behind);
    const auto both_right = [&](const char* when) {
        BOOST_TEST(front.says(a) == "revoked", when);
        BOOST_TEST(front.says(b) == "good", when);
        BOOST_TEST(front.says(never_issued) == "not issued", when);
    };
    set.revoke(a);
    publish_both(set.publish());
    front.sync(source);
    both_right("first");

    freeze_and_thaw(redis, front, clock);
    both_right("frozen and thawed");

    redis.command("SET " + page_key(set, a) + " garbage");
    BOOST_TEST(!front.sync(source).advanced);
    both_right("garbage while held");
    publish_both(set.publish({set.page_of(a)}));
    redis.command("SET " + page_key(set, a) + " garbage");
    BOOST_TEST(front.sync(source).behind);
    BOOST_TEST(front.says(a) == "revoked");
    BOOST_TEST(need(mirror(pages, source, set.issuer(), set.keys(), CopyDepth::everything)).copied == 1U);
    BOOST_TEST(!front.sync(source).behind);
    both_right("garbage repaired");

    redis.command("FLUSHALL");
    BOOST_TEST(!front.sync(source).head_seen);
    both_right("flushed");
    redis.command("SET eightbells:" + head_name(set.issuer()) + " text");
    BOOST_TEST(!front.sync(source).head_seen);
    redis.command("DEL eightbells:" + head_name(set.issuer()));
    redis.command("HSET eightbells:" + head_name(set.issuer()) + " another service");
    BOOST_TEST(!front.sync(source).head_seen);
    both_right("another service's keys");
    redis.command("FLUSHALL");

    redis.stop();
    BOOST_TEST(!front.replica().sync(source, {}));
    both_right("stopped");
    BOOST_TEST(front.restart().head_seen);
    both_right("stopped, and the front started again");
    redis.start();
    clock.advance(seconds{1});
    BOOST_TEST(!front.sync(source).head_seen);
    RedisStore again{redis.address(), &clock};
    BOOST_TEST(need(mirror(pages, again, set.issuer(), set.keys())).head);
    BOOST_TEST(front.sync(source).head_seen);
    set.revoke(b);
    publish(again, set.publish());
    BOOST_TEST(!front.sync(source).behind);
    BOOST_TEST(front.says(b) == "revoked");
}

BOOST_AUTO_TEST_CASE(fronts_that_share_a_page_file_as_their_store_follow_it) {
    const TemporaryFolder folder;
    auto written = need(PageFile::open(folder / "shared", PageFile::Access::write));
    auto read = need(PageFile::open(folder / "shared", PageFile::Access::read));
    BuiltSet set;
    BuiltSet neighbour{3, "ffffffffffffffffffffffffffffffff"};
    const Bytes a = set.issue();
    const Bytes theirs = neighbour.issue();
    publish(*written, set.publish_all());
    publish(*written, neighbour.publish_all());
    Follower front{set};
    Follower other{neighbour};
    front.sync(*read);
    other.sync(*read);
    BOOST_TEST(read->wait_notice(std::chrono::milliseconds{0}).value());
    set.revoke(a);
    publish(*written, set.publish());
    BOOST_TEST(read->wait_notice(std::chrono::milliseconds{0}).value());
    front.sync(*read);
    BOOST_TEST(front.says(a) == "revoked");
    BOOST_TEST(front.says(theirs) == "not issued");
    BOOST_TEST(other.says(theirs) == "good");
}

BOOST_AUTO_TEST_SUITE_END()
