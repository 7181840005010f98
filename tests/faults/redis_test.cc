#define BOOST_TEST_MODULE faults_redis
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include "tests/faults/ladder.h"

// Whatever is done to Redis: relying parties notice nothing, and what was revoked meanwhile reaches them
// after it.
using namespace eightbells::faults;
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<Ladder> ladder;
struct Began {
    void setup() {
        ladder = std::make_unique<Ladder>(16);
        ladder->start();
    }
    void teardown() {
        ladder->end();
        ladder.reset();
    }
};
BOOST_TEST_GLOBAL_FIXTURE(Began);

const boost::unit_test::label quick{"quick"};

std::string redis(const std::string& words) {
    return ladder->redis.command(words);
}

void stop_redis() {
    redis("SHUTDOWN NOSAVE");
    ladder->redis.stop();
}

// Lua over every stored blob: KEYS of ours in `keys`.
void over_blobs(const std::string& code) {
    const std::string said = redis(
        "EVAL \"local keys={} for _,k in ipairs(redis.call('KEYS','eightbells:*')) do "
        "if redis.call('TYPE',k).ok=='string' then table.insert(keys,k) end end " +
        code + " return 'done'\" 0");
    BOOST_REQUIRE_MESSAGE(said == "done", said);
}

// Every blob is copied aside, and later put in its place again, heads last.
void copy_aside() {
    over_blobs("for _,k in ipairs(keys) do redis.call('SET','aside:'..k,redis.call('GET',k)) end");
}
void put_back() {
    over_blobs(
        "for _,k in ipairs(redis.call('KEYS','aside:*')) do redis.call('SET',k:sub(7),redis.call('GET',k)) "
        "end");
}

// What is spoilt is brought up by a signer that starts; a running one reads everything back every 15 minutes.
void restart_signer() {
    BOOST_TEST(ladder->signer.stop() == 0);
    ladder->signer.start();
    ladder->await_ready();
}

void spoil_and_repair(const std::string& fault, const std::string& code) {
    Row row{*ladder, fault};
    over_blobs(code);
    ladder->await_looks();
    row.revoke();
    ladder->await_looks();
    restart_signer();
    row.end();
    BOOST_TEST(comes([] { return ladder->operate({"verify"}).code == 0; }),
               ladder->operate({"verify"}).all());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(redis_is)

// Covers: G-23, D-18
BOOST_AUTO_TEST_CASE(killed, *quick) {
    Row row{*ladder, "Redis killed, and started empty"};
    ladder->redis.stop();
    row.revoke();
    ladder->await_looks();
    ladder->redis.start();
    row.end();
}

// Covers: G-23
BOOST_AUTO_TEST_CASE(frozen) {
    Row row{*ladder, "Redis frozen (SIGSTOP)"};
    ladder->redis.freeze();
    row.revoke();
    ladder->await_looks();
    ladder->redis.thaw();
    row.end();
}

// Slower than every time-out: nothing arrives. Then slow, and it does.
BOOST_AUTO_TEST_CASE(slow) {
    Row row{*ladder, "Redis slow: 1.5 s, then 0.2 s a packet"};
    ladder->network.delay(1500ms);
    ladder->await_looks();
    row.revoke();
    ladder->network.delay(200ms);
    row.await_revoked();
    ladder->network.delay(0ms);
    row.end();
}

// Covers: G-23
BOOST_AUTO_TEST_CASE(cut_off) {
    Row row{*ladder, "Redis cut off by a partition that loses every packet"};
    ladder->network.lose(true);
    row.revoke();
    ladder->await_looks();
    ladder->network.lose(false);
    row.end();
}

BOOST_AUTO_TEST_CASE(full) {
    Row row{*ladder, "Redis full (maxmemory, noeviction)"};
    const auto nearly_full = [] {
        return ladder->signer_says("eightbells_signer_store_finding{finding=\"nearly_full\"}");
    };
    BOOST_TEST(redis("CONFIG SET maxmemory 1") == "OK");
    row.revoke();
    ladder->await_looks();
    BOOST_TEST(comes([&] { return nearly_full() == 1; }), ladder->signer.log());
    BOOST_TEST(redis("CONFIG SET maxmemory 0") == "OK");
    row.end();
    BOOST_TEST(comes([&] { return nearly_full() == 0; }), ladder->signer.log());
}

BOOST_AUTO_TEST_CASE(write_protected) {
    Row row{*ladder, "Redis write-protected (ACL)"};
    BOOST_TEST(redis("ACL SETUSER default -@write") == "OK");
    row.revoke();
    ladder->await_looks();
    BOOST_TEST(redis("ACL SETUSER default +@all") == "OK");
    row.end();
}

BOOST_AUTO_TEST_CASE(flushed) {
    Row row{*ladder, "Redis flushed (FLUSHALL)"};
    BOOST_TEST(redis("FLUSHALL") == "OK");
    ladder->await_looks();
    row.revoke();
    row.end();
}

// Covers: C-08
BOOST_AUTO_TEST_CASE(restored_from_an_old_dump) {
    Row row{*ladder, "Redis restored from a dump older than a revocation"};
    BOOST_TEST(redis("SAVE") == "OK");
    row.revoke();
    row.await_revoked();
    stop_redis();
    ladder->redis.start();
    ladder->await_looks();
    row.end();
    std::filesystem::remove(ladder->redis.folder() / "dump.rdb");
}

// The same CA served by another installation, with a store key of its own, has its blobs under the same
// names.
BOOST_AUTO_TEST_CASE(replaced_by_another_data_set) {
    Row row{*ladder, "Redis replaced by another installation's data set"};
    std::string dump;
    {
        eightbells::RedisServer other;
        std::string text = read_text(*ladder / "eightbells.toml");
        const auto exchange = [&](const std::string& from, const std::string& to) {
            const auto at = text.find(from);
            BOOST_REQUIRE_MESSAGE(at != std::string::npos, from);
            text.replace(at, from.size(), to);
        };
        exchange(fmt::format("port = {}\n", ladder->network.port()),
                 fmt::format("port = {}\n", other.port()));
        exchange("data = \"signer\"", "data = \"other-signer\"");
        exchange(std::to_string(ladder->signer_metrics_port()),
                 std::to_string(eightbells::conformance::free_port()));
        replace_text(*ladder / "other.toml", text);
        Program signer{{signer_program(), "--config", "other.toml"}, *ladder / "", *ladder / "other.log"};
        signer.start();
        const auto heads = [&] { return other.command("KEYS eightbells:*:head"); };
        BOOST_TEST(comes([&] { return heads().find("head") != std::string::npos; }), signer.log());
        BOOST_TEST(signer.stop() == 0);
        BOOST_TEST(other.command("SAVE") == "OK");
        dump = read_text(other.folder() / "dump.rdb");
    }
    stop_redis();
    replace_text(ladder->redis.folder() / "dump.rdb", dump);
    ladder->redis.start();
    ladder->await_looks();
    row.revoke();
    row.end();
    std::filesystem::remove(ladder->redis.folder() / "dump.rdb");
}

// Covers: C-05
BOOST_AUTO_TEST_CASE(full_of_garbage) {
    spoil_and_repair("Redis: every blob garbage",
                     "for _,k in ipairs(keys) do redis.call('SET',k,'garbage') end");
}

BOOST_AUTO_TEST_CASE(full_of_truncated_blobs) {
    spoil_and_repair("Redis: every blob truncated",
                     "for _,k in ipairs(keys) do local v=redis.call('GET',k) "
                     "redis.call('SET',k,v:sub(1,math.floor(#v/2))) end");
}

BOOST_AUTO_TEST_CASE(full_of_swapped_blobs) {
    spoil_and_repair("Redis: every blob under another's name",
                     "local v={} for i,k in ipairs(keys) do v[i]=redis.call('GET',k) end "
                     "for i,k in ipairs(keys) do redis.call('SET',k,v[i%#keys+1]) end");
}

// Who may write to Redis puts back all of yesterday again and again, pages, patches and head.
// Covers: C-08, D-20
BOOST_AUTO_TEST_CASE(replayed, *quick) {
    Row row{*ladder, "Redis: yesterday's pages, patches and head put back"};
    copy_aside();
    row.revoke();
    row.await_revoked();
    for (int times = 0; times < 2; ++times) {
        put_back();
        ladder->await_looks();
    }
    row.end();
    // A front that starts on it has kept how far it was.
    Row other{*ladder, "Redis: the same, and the other front starts on it", 1};
    BOOST_TEST(ladder->front(1).stop() == 0);
    ladder->front(1).start();
    ladder->await_ready();
    put_back();
    ladder->await_looks();
    other.revoke();
    other.end();
    BOOST_TEST(ladder->all_say_revoked(row.certificate()));
}

BOOST_AUTO_TEST_SUITE_END()
