#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <future>

#include "cache/limits.h"
#include "cache/redis_slots.h"
#include "cache/redis_store.h"
#include "tests/cache/fake_redis.h"
#include "tests/cache/redis_cluster.h"
#include "tests/cache/said.h"
#include "tests/cache/server_certificates.h"

using namespace eightbells;
using namespace eightbells::cache;
using namespace std::chrono_literals;

namespace {

Batch pages(int count, std::uint8_t octet) {
    Batch batch{"i", {}, {}, Bytes(40, octet)};
    for (int i = 0; i < count; ++i)
        batch.put.emplace_back("i:page" + std::to_string(i), Bytes(2000, octet));
    return batch;
}

std::vector<std::string> names(int count) {
    std::vector<std::string> all{head_name("i")};
    for (int i = 0; i < count; ++i)
        all.push_back("i:page" + std::to_string(i));
    return all;
}

bool holds(RedisStore& store, int count, std::uint8_t octet) {
    const auto found = store.fetch(names(count));
    BOOST_TEST_REQUIRE(found.has_value(), error_of(found));
    return found->front() == Bytes(40, octet) &&
           std::all_of(found->begin() + 1, found->end(),
                       [&](const auto& blob) { return blob == Bytes(2000, octet); });
}

std::size_t keys_in(const RedisServer& server) {
    return std::stoul(server.command("--raw dbsize"));
}

// A user with the rights that the example names, and one with too few. Whoever names none may do nothing, so
// that a connection on which the user was forgotten would be noticed.
std::vector<std::string> users() {
    return {"--requirepass", "admin",   "--user",  "ours",     "on",    ">open-sesame",
            "~eightbells:*", "+@read",  "+@write", "+@stream", "+info", "+cluster|slots",
            "+asking",       "--user",  "poor",    "on",       ">poor", "~eightbells:*",
            "+@read",        "+@write", "+@stream"};
}

RedisAddress as_ours(RedisAddress address) {
    address.user = "ours";
    address.password = "open-sesame";
    return address;
}

// One page alone: its holder is spoken to, and the first node, which is asked for the slots.
Result<std::vector<std::optional<Bytes>>> fetch_page(RedisStore& store) {
    return store.fetch(std::vector<std::string>{"i:page7"});
}

bool has_page(RedisStore& store, std::uint8_t octet) {
    const auto found = fetch_page(store);
    BOOST_TEST_REQUIRE(found.has_value(), error_of(found));
    return found->front() == Bytes(2000, octet);
}

// A cluster that is spoken to by TLS and as a user, or not at all.
struct Guarded {
    RedisAddress address() const { return as_ours(cluster.address()); }

    const ServerCertificates certificates;
    const RedisCluster cluster{users(), &certificates};
    const std::string key = "eightbells:i:page7";
    const std::size_t from = cluster.holder_of(key);
    // Not the first node: who has fetched the page alone is led there by a redirection, to a connection that
    // is made for it.
    const std::size_t to = from == 1 ? 2U : 1U;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(redis_cluster)

BOOST_AUTO_TEST_CASE(slots_are_those_that_a_server_computes) {
    const RedisServer server{{"--cluster-enabled", "yes", "--cluster-port", std::to_string(free_port())}};
    for (const std::string key :
         {"", "a", "123456789", "eightbells:notices", "{user}.following", "foo{}{bar}", "foo{{bar}}zap",
          "foo{bar}{zap}", "{", "}{", "a{b", "a}b{c}d", "eightbells:0123:page:sha256:live:14:16383"})
        BOOST_TEST(server.command("cluster keyslot '" + key + "'") == std::to_string(slot_of(key)), key);
    BOOST_TEST(slot_of("123456789") == 0x31c3);  // the check value of CRC16/XMODEM, below 16,384 as it is
}

BOOST_AUTO_TEST_CASE(a_publication_spreads_over_three_primaries_and_comes_back) {
    const RedisCluster cluster;
    RedisStore store{cluster.address()};
    BOOST_REQUIRE_EQUAL(error_of(store.publish(pages(1500, 1))), "(no error)");
    std::size_t keys = 0;
    for (std::size_t i = 0; i < RedisCluster::size; ++i) {
        BOOST_TEST(keys_in(cluster[i]) > 300);
        keys += keys_in(cluster[i]);
    }
    BOOST_TEST(keys == 1502);  // with the head and the stream
    RedisStore reader{cluster.address()};
    BOOST_TEST(holds(reader, 255, 1));
    BOOST_TEST(!reader.fetch(std::vector<std::string>{"i:none"})->front().has_value());
    BOOST_TEST(reader.wait_notice(10s).value());
    BOOST_TEST(!reader.wait_notice(10ms).value());
    auto waiting = std::async(std::launch::async, [&] { return reader.wait_notice(30s).value(); });
    Batch erase{"i", {}, {}, Bytes(40, 2)};
    for (int i = 0; i < 1500; ++i)
        erase.erase.push_back("i:page" + std::to_string(i));
    BOOST_REQUIRE_EQUAL(error_of(store.publish(erase)), "(no error)");
    BOOST_TEST(waiting.get());
    BOOST_TEST(keys_in(cluster[0]) + keys_in(cluster[1]) + keys_in(cluster[2]) == 2);

    // Another service's list under a page's name is a missing blob here, too.
    const std::size_t holder = cluster.holder_of("eightbells:i:page0");
    cluster[holder].command("rpush eightbells:i:page0 a");
    BOOST_TEST(!store.fetch(std::vector<std::string>{"i:page0"})->front().has_value());

    BOOST_TEST(store.check_settings().value().empty());
    cluster[1].command("config set maxmemory-policy volatile-lru");
    cluster[2].command("config set maxmemory 1");
    const auto findings = store.check_settings().value();
    BOOST_TEST(findings.size() == 2U);
    const auto found = [&](StoreFinding::Kind kind, const std::string& text) {
        return std::ranges::any_of(findings, [&](const StoreFinding& one) {
            return one.kind == kind && one.text.starts_with(text);
        });
    };
    BOOST_TEST(found(StoreFinding::Kind::evicts, cluster.place(1) + ": maxmemory-policy is volatile-lru"));
    BOOST_TEST(found(StoreFinding::Kind::nearly_full, cluster.place(2) + ": "));
}

BOOST_AUTO_TEST_CASE(the_head_comes_only_when_every_node_has_confirmed_its_pages) {
    const RedisCluster cluster;
    RedisAddress address = cluster.address();
    address.cluster = {cluster.place(0), cluster.place(1), cluster.place(2)};
    address.command_timeout = 300ms;
    ManualClock clock{from_unix(0)};
    RedisStore store{address, &clock};
    const auto publish = [&](std::uint8_t octet) {
        return soon([&] {  // the limit is short
            clock.advance(seconds{1});
            return store.publish(pages(200, octet)).has_value();
        });
    };
    BOOST_REQUIRE(publish(1));
    const std::uint64_t before = store.may_have_lost();
    const std::size_t head = cluster.holder_of("eightbells:i:head");
    const std::size_t frozen = (head + 1) % RedisCluster::size;
    cluster[frozen].freeze();
    BOOST_TEST(!store.publish(pages(200, 2)));
    // The others have taken theirs, the head is the one before.
    BOOST_TEST(cluster[head].command("--raw get eightbells:i:head") == std::string(40, '\1'));
    cluster[frozen].thaw();
    BOOST_TEST(publish(2));
    BOOST_TEST(store.may_have_lost() > before);  // what that node held before is to be looked at
    RedisStore reader{cluster.address()};
    BOOST_TEST(holds(reader, 200, 2));
}

BOOST_AUTO_TEST_CASE(slots_that_move_while_all_goes_on_are_followed) {
    const RedisCluster cluster;
    RedisStore writer{cluster.address()};
    RedisStore reader{cluster.address()};
    BOOST_REQUIRE_EQUAL(error_of(writer.publish(pages(100, 1))), "(no error)");
    BOOST_TEST(holds(reader, 100, 1));
    BOOST_TEST(reader.wait_notice(10s).value());

    // Everything that is named once: a page, the head, and the notices that somebody stands waiting for.
    std::atomic<bool> done{false};
    auto notices = std::async(std::launch::async, [&] {
        std::size_t errors = 0;
        while (!done)
            errors += reader.wait_notice(200ms) ? 0U : 1U;
        return errors;
    });
    std::uint8_t round = 1;
    RedisStore second{cluster.address()};
    const std::size_t moved_before = cluster.times_said("MOVED");
    for (const std::string key : {"eightbells:i:page7", "eightbells:i:head", "eightbells:notices"}) {
        const unsigned slot = cluster.slot_of(key);
        const std::size_t from = cluster.holder_of(key);
        const std::size_t to = (from + 1) % RedisCluster::size;
        BOOST_TEST(holds(second, 100, round));
        const std::size_t asked = cluster.times_said("ASK");
        cluster.begin_move(slot, from, to);
        BOOST_TEST(holds(second, 100, round), key);
        ++round;
        BOOST_TEST(error_of(writer.publish(pages(100, round))) == "(no error)", key);
        BOOST_TEST(holds(second, 100, round), key);
        BOOST_TEST(cluster.times_said("ASK") > asked, key);
        cluster.end_move(slot, to);
        ++round;
        BOOST_TEST(error_of(writer.publish(pages(100, round))) == "(no error)", key);
        BOOST_TEST(holds(second, 100, round), key);
        BOOST_TEST(cluster.holder_of(key) == to);
    }
    done = true;
    BOOST_TEST(notices.get() == 0);
    // Not for each key: a look that was put off after the move before may come just in time.
    BOOST_TEST(cluster.times_said("MOVED") > moved_before);
    // After a MOVED the map was read anew: nothing is redirected any more.
    BOOST_TEST(soon([&] {
        const std::size_t moved = cluster.times_said("MOVED");
        return holds(second, 100, round) && cluster.times_said("MOVED") == moved;
    }));
}

BOOST_AUTO_TEST_CASE(rights_in_a_cluster_are_those_that_the_example_names) {
    const RedisCluster cluster{users()};
    RedisAddress address = as_ours(cluster.address());
    RedisStore store{address};
    BOOST_TEST(error_of(store.publish(pages(50, 1))) == "(no error)");
    BOOST_TEST(holds(store, 50, 1));
    BOOST_TEST(store.wait_notice(1s).value());
    BOOST_TEST(store.check_settings().value().empty());
    const std::string key = "eightbells:i:page7";
    const std::size_t from = cluster.holder_of(key);
    cluster.begin_move(cluster.slot_of(key), from, (from + 1) % RedisCluster::size);
    BOOST_TEST(holds(store, 50, 1));
    address.user = address.password = "poor";
    RedisStore poor{address};
    BOOST_TEST(contains(error_of(poor.publish(pages(50, 1))), "+cluster|slots"));
}

BOOST_FIXTURE_TEST_CASE(a_publication_over_tls_with_a_user_comes_back_whole, Guarded) {
    RedisStore store{address()};
    BOOST_REQUIRE_EQUAL(error_of(store.publish(pages(200, 1))), "(no error)");
    for (std::size_t i = 0; i < RedisCluster::size; ++i)
        BOOST_TEST(keys_in(cluster[i]) > 30);
    RedisStore reader{address()};
    BOOST_TEST(holds(reader, 200, 1));
    BOOST_TEST(reader.wait_notice(10s).value());
    BOOST_TEST(!reader.wait_notice(10ms).value());
    BOOST_REQUIRE_EQUAL(error_of(store.publish(pages(200, 2))), "(no error)");
    BOOST_TEST(reader.wait_notice(10s).value());
    BOOST_TEST(holds(reader, 200, 2));
    BOOST_TEST(store.check_settings().value().empty());

    // It was TLS, and it was the user.
    RedisAddress plain = address();
    plain.tls = false;
    RedisStore in_the_clear{plain};
    BOOST_TEST(!in_the_clear.publish(pages(1, 3)));
    RedisStore nobody{cluster.address()};
    BOOST_TEST(contains(error_of(nobody.publish(pages(1, 3))), "NOAUTH"));
    BOOST_TEST(holds(reader, 200, 2));
}

BOOST_FIXTURE_TEST_CASE(redirections_over_tls_are_followed_with_tls_and_the_user, Guarded) {
    RedisStore writer{address()};
    BOOST_REQUIRE_EQUAL(error_of(writer.publish(pages(20, 1))), "(no error)");
    RedisStore asks{address()};
    RedisStore moves{address()};
    BOOST_TEST(has_page(asks, 1));
    BOOST_TEST(has_page(moves, 1));
    const unsigned slot = cluster.slot_of(key);
    cluster.begin_move(slot, from, to);
    const std::size_t asked = cluster.times_said("ASK");
    BOOST_TEST(has_page(asks, 1));
    BOOST_TEST(cluster.times_said("ASK") > asked);
    cluster.end_move(slot, to);
    const std::size_t moved = cluster.times_said("MOVED");
    BOOST_TEST(has_page(moves, 1));
    BOOST_TEST(cluster.times_said("MOVED") > moved);
    BOOST_TEST(error_of(writer.publish(pages(20, 2))) == "(no error)");
    BOOST_TEST(has_page(moves, 2));
    BOOST_TEST(cluster.holder_of(key) == to);
}

BOOST_FIXTURE_TEST_CASE(a_node_with_another_hosts_or_a_foreign_certificate_is_refused, Guarded) {
    RedisStore writer{address()};
    BOOST_REQUIRE_EQUAL(error_of(writer.publish(pages(20, 1))), "(no error)");
    RedisStore elsewhere{address()};
    RedisStore foreign{address()};
    RedisStore right{address()};
    for (RedisStore* store : {&elsewhere, &foreign, &right})
        BOOST_TEST(has_page(*store, 1));
    const unsigned slot = cluster.slot_of(key);
    cluster.begin_move(slot, from, to);
    cluster.end_move(slot, to);

    const auto refused = [&](RedisStore& redirected, const std::string& shown, const std::string& reason) {
        BOOST_TEST(cluster[to].command(certificates.change_to(shown)) == "OK");
        const std::string error = cluster.place(to) + ": TLS: the handshake failed: " + reason;
        const std::string said = error_of(fetch_page(redirected));
        BOOST_TEST(contains(said, error), said);
        RedisStore told{address()};  // by the first node, which is as it should be
        const std::string published = error_of(told.publish(pages(20, 2)));
        BOOST_TEST(contains(published, error), published);
    };
    refused(elsewhere, "elsewhere", "IP address mismatch");
    refused(foreign, "foreign", "self-signed certificate");
    BOOST_TEST(cluster[to].command(certificates.change_to("address")) == "OK");
    BOOST_TEST(has_page(right, 1));
    // Nothing of what was refused has reached anybody.
    RedisStore reader{address()};
    BOOST_TEST(holds(reader, 20, 1));
}

BOOST_FIXTURE_TEST_CASE(a_place_that_speaks_no_tls_hears_no_word_of_ours, Guarded) {
    const FakeRedis plain{"-ERR unknown command\r\n"};
    const std::string port = std::to_string(plain.port());
    BOOST_TEST(cluster[1].command("config set cluster-announce-tls-port " + port) == "OK");
    // Until the first node has heard of it, too.
    const std::string error = "127.0.0.1:" + port + ": TLS: the handshake failed: ";
    BOOST_TEST(soon([&] {
        RedisStore store{address()};
        return contains(error_of(store.publish(pages(20, 1))), error);
    }));
    const std::string heard = plain.heard();
    BOOST_TEST(heard.starts_with("\x16\x03"));  // a handshake
    for (const char* ours : {"AUTH", "open-sesame", "eightbells"})
        BOOST_TEST(!contains(heard, ours), ours);
}

BOOST_AUTO_TEST_CASE(a_cluster_and_one_server_are_told_apart) {
    const RedisServer single;
    RedisAddress address = patient();
    address.cluster = {"127.0.0.1:" + std::to_string(single.port())};
    RedisStore store{address};
    const std::string said = error_of(store.publish(pages(1, 1)));
    BOOST_TEST(contains(said, "instead of store.redis.cluster"), said);
    const RedisCluster cluster;
    std::string first_said;
    for (std::size_t i = 0; i < RedisCluster::size; ++i) {
        RedisStore as_single{cluster[i].address()};
        first_said += error_of(as_single.publish(pages(20, 1)));
    }
    BOOST_TEST(contains(first_said, "write it in store.redis.cluster"), first_said);
}

BOOST_AUTO_TEST_CASE(a_redirection_is_a_slot_and_a_place) {
    BOOST_TEST(
        (parse_redirection("MOVED 3999 127.0.0.1:6381") == Redirection{false, 3999, {"127.0.0.1", 6381}}));
    BOOST_TEST((parse_redirection("ASK 16383 ::1:1") == Redirection{true, 16383, {"::1", 1}}));
    BOOST_TEST((parse_redirection("MOVED 0 :6381") == Redirection{false, 0, {"", 6381}}));
    for (const char* wrong :
         {"", "MOVED", "MOVED ", "MOVED 1", "MOVED 1 a", "MOVED 1 a:", "MOVED 1 a:0", "MOVED 1 a:65536",
          "MOVED 16384 a:1", "MOVED -1 a:1", "MOVED x a:1", "MOVED 1 a b:1", "MOVED 1 a:1 ", "MOVED 1 ?:1",
          "moved 1 a:1", "MOVED  1 a:1", "ASKING 1 a:1", "MOVED 1:1"})
        BOOST_TEST(!parse_redirection(wrong).has_value(), wrong);
}

BOOST_AUTO_TEST_SUITE_END()
