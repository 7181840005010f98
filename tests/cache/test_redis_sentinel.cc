#include <boost/test/unit_test.hpp>
#include <memory>
#include <utility>

#include "cache/redis_store.h"
#include "tests/cache/redis_sentinel.h"
#include "tests/cache/said.h"
#include "tests/cache/server_certificates.h"

using namespace eightbells;
using namespace eightbells::cache;
using namespace std::chrono_literals;

// Real servers: a primary, a replica and Sentinels.
namespace {

struct Replicated {
    Replicated() {
        BOOST_REQUIRE(soon([&] { return has(replica, "master_link_status:up"); }));
    }
    static bool has(const RedisServer& server, const std::string& text) {
        return contains(server.command("info replication"), text);
    }
    static RedisAddress address(std::vector<std::string> sentinels) {
        RedisAddress address = patient();
        address.sentinels = std::move(sentinels);
        address.sentinel_service = "status";
        return address;
    }
    RedisServer primary;
    RedisServer replica{{"--replicaof", "127.0.0.1 " + std::to_string(primary.port())}};
};

Batch head_of(std::uint8_t octet) {
    return {"i", {{"i:page", Bytes(100, octet)}}, {}, Bytes(40, octet)};
}

std::optional<Bytes> head_in(RedisStore& store) {
    const std::string name = head_name("i");
    auto found = store.fetch({&name, 1});
    return found ? found->front() : std::nullopt;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(redis_sentinel)

BOOST_FIXTURE_TEST_CASE(after_a_fail_over_the_same_store_goes_on_at_the_new_primary, Replicated) {
    const SentinelServer sentinel{primary.port(), 1, SentinelServer::unhurried};
    BOOST_REQUIRE(soon([&] { return sentinel.ready(0); }));
    // The first one is away, which costs no more than a refused connection.
    RedisStore store{address({"127.0.0.1:" + std::to_string(free_port()), sentinel.place()})};
    BOOST_REQUIRE(soon([&] { return store.publish(head_of(1)).has_value(); }));
    BOOST_TEST(store.wait_notice(1s).value());
    BOOST_TEST(!store.wait_notice(1ms).value());
    BOOST_TEST(primary.command("exists eightbells:i:head") == "1");
    BOOST_REQUIRE(soon([&] { return replica.command("exists eightbells:i:head") == "1"; }));

    primary.stop();
    sentinel.hasten();
    BOOST_REQUIRE(soon([&] { return store.publish(head_of(2)).has_value(); }));
    BOOST_TEST(has(replica, "role:master"));
    BOOST_TEST((head_in(store) == Bytes(40, 2)));
    // Whoever waits is told to look, since nobody knows what was missed.
    BOOST_TEST(soon([&] { return store.wait_notice(1ms).value_or(false); }));
}

BOOST_FIXTURE_TEST_CASE(what_a_fail_over_lost_shows_as_an_older_head, Replicated) {
    const SentinelServer sentinel{primary.port(), 1, SentinelServer::unhurried};
    BOOST_REQUIRE(soon([&] { return sentinel.ready(0); }));
    RedisStore store{address({sentinel.place()})};
    BOOST_REQUIRE(soon([&] { return store.publish(head_of(1)).has_value(); }));
    BOOST_REQUIRE(soon([&] { return replica.command("exists eightbells:i:head") == "1"; }));
    // Cut off: what is written now it will not find in its socket either.
    replica.freeze();
    BOOST_TEST(primary.command("client kill type replica") == "1");
    BOOST_REQUIRE(store.publish(head_of(2)));
    primary.stop();
    replica.thaw();
    sentinel.hasten();
    BOOST_REQUIRE(soon([&] { return head_in(store) == Bytes(40, 1); }));
}

// As across a partition: nobody tells the server of before, which goes on answering us.
BOOST_FIXTURE_TEST_CASE(a_primary_that_was_replaced_behind_our_back_is_left, Replicated) {
    SentinelServer before{primary.port(), 2, SentinelServer::unhurried};
    const SentinelServer after{replica.port(), 2, SentinelServer::unhurried};
    BOOST_REQUIRE(soon([&] { return before.ready(0); }));
    ManualClock clock{from_unix(0)};
    RedisStore store{address({before.place(), after.place()}), &clock};
    BOOST_REQUIRE(store.publish(head_of(1)));
    before.stop();  // first: in the end it would make a replica of the other again
    BOOST_TEST(replica.command("replicaof no one") == "OK");
    BOOST_TEST(replica.command("set eightbells:i:head newer") == "OK");
    BOOST_TEST((head_in(store) == Bytes(40, 1)));
    BOOST_TEST(soon([&] {
        clock.advance(seconds{6});
        return head_in(store) == Bytes{'n', 'e', 'w', 'e', 'r'};
    }));
    BOOST_TEST(has(primary, "role:master"));
}

BOOST_FIXTURE_TEST_CASE(a_replica_that_is_named_as_the_primary_is_not_written_to, Replicated) {
    // As a Sentinel would name it that has missed a fail-over. The second one knows better.
    const SentinelServer wrong{replica.port(), 2, SentinelServer::unhurried};
    const auto names_replica = [&] {
        return contains(wrong.command("sentinel get-master-addr-by-name status"),
                        std::to_string(replica.port()));
    };
    BOOST_REQUIRE(soon(names_replica));
    ManualClock clock{from_unix(0)};
    RedisStore store{address({wrong.place()}), &clock};
    Status published;
    BOOST_REQUIRE(soon([&] {
        clock.advance(seconds{1});
        published = store.publish(head_of(1));
        return !published && contains(published.error().message, "is not the primary");
    }));
    BOOST_TEST(replica.command("exists eightbells:i:head") == "0");
}

BOOST_FIXTURE_TEST_CASE(sentinels_have_users_of_their_own_and_an_unknown_service_is_named, Replicated) {
    const SentinelServer sentinel{
        primary.port(), 1,
        std::string{SentinelServer::unhurried} +
            "user default on >admin allcommands allkeys allchannels\n"
            "user asks on >may-I resetkeys -@all +sentinel|get-master-addr-by-name\n",
        "--no-auth-warning -a admin"};
    primary.command("acl setuser front on '>open sesame' '~eightbells:*' +@read +@write +@stream +info");
    BOOST_REQUIRE(soon([&] { return sentinel.ready(0); }));
    RedisAddress redis = address({sentinel.place()});
    redis.user = "front";
    redis.password = "open sesame";
    const auto attempt = [&] {
        RedisStore store{redis};
        const auto published = store.publish(head_of(1));
        return published ? "(no error)" : published.error().message;
    };
    BOOST_TEST(contains(attempt(), "NOAUTH"));
    redis.sentinel_user = "asks";
    redis.sentinel_password = "wrong";
    BOOST_TEST(contains(attempt(), "WRONGPASS"));
    redis.sentinel_password = "may-I";
    BOOST_TEST(attempt() == "(no error)");
    redis.sentinel_service = "other";
    BOOST_TEST(contains(attempt(), "knows no service \"other\""), attempt());
}

BOOST_AUTO_TEST_CASE(tls_is_spoken_to_sentinels_and_primary_and_both_are_checked) {
    const ServerCertificates certificates;
    const RedisServer redis{certificates.options("address"), true};
    const auto attempt = [&](std::uint16_t sentinel) {
        RedisAddress address = Replicated::address({"127.0.0.1:" + std::to_string(sentinel)});
        address.tls = true;
        address.tls_ca_file = certificates / "ours.pem";
        RedisStore store{address};
        const auto published = store.publish(head_of(1));
        return published ? "(no error)" : published.error().message;
    };
    const auto refused = [](std::uint16_t port, const std::string& reason) {
        return "127.0.0.1:" + std::to_string(port) + ": TLS: the handshake failed: " + reason;
    };
    const std::pair<std::string, std::string> wrong[] = {{"elsewhere", "IP address mismatch"},
                                                         {"foreign", "self-signed certificate"}};
    const auto start = [&](std::uint16_t port, const std::string& shown) {
        return std::make_unique<SentinelServer>(
            redis.port(), 1U,
            "tls-port " + std::to_string(port) + "\ntls-replication yes\n" + certificates.lines(shown));
    };
    const auto answers = [](const SentinelServer& sentinel) {
        return soon([&] { return contains(sentinel.command("ping"), "PONG"); });
    };
    for (const auto& [shown, reason] : wrong) {
        const std::uint16_t port = free_port();
        const auto sentinel = start(port, shown);
        BOOST_REQUIRE(answers(*sentinel));
        const std::string said = attempt(port);
        BOOST_TEST(contains(said, refused(port, reason)), said);
    }
    const std::uint16_t port = free_port();
    const auto sentinel = start(port, "address");
    BOOST_REQUIRE(answers(*sentinel));
    BOOST_TEST(attempt(port) == "(no error)");
    for (const auto& [shown, reason] : wrong) {
        BOOST_TEST(redis.command(certificates.change_to(shown)) == "OK");
        const std::string said = attempt(port);
        BOOST_TEST(contains(said, refused(redis.port(), reason)), said);
    }
}

BOOST_AUTO_TEST_CASE(sentinels_that_are_all_away_or_frozen_cost_a_bounded_time) {
    RedisAddress address = Replicated::address({});
    address.command_timeout = 200ms;
    const RedisServer frozen[2];
    for (const RedisServer& server : frozen) {
        server.freeze();
        address.sentinels.push_back("127.0.0.1:" + std::to_string(server.port()));
    }
    address.sentinels.push_back("127.0.0.1:" + std::to_string(free_port()));
    ManualClock clock{from_unix(0)};
    RedisStore store{address, &clock};
    const auto began = std::chrono::steady_clock::now();
    BOOST_TEST(!store.publish(head_of(1)));
    BOOST_TEST((std::chrono::steady_clock::now() - began < 30s));
    for (int i = 0; i < 100; ++i) {  // the others ask nobody before the pause is over
        const auto published = store.publish(head_of(1));
        BOOST_REQUIRE(!published);
        BOOST_TEST(contains(published.error().message, "next attempt shortly"), published.error().message);
    }
}

BOOST_AUTO_TEST_CASE(a_place_is_a_name_or_address_and_a_port) {
    BOOST_TEST((parse_place("redis.example:26379") == RedisPlace{"redis.example", 26379}));
    BOOST_TEST((parse_place("[::1]:1") == RedisPlace{"::1", 1}));
    BOOST_TEST(to_string(RedisPlace{"::1", 1}) == "[::1]:1");
    for (const char* wrong :
         {"", ":1", "a", "a:", "a:0", "a:65536", "a:1x", "::1:1", "a: 1", "a b:1", "[]:1", "[[a]]:1"})
        BOOST_TEST(!parse_place(wrong).has_value(), wrong);
}

BOOST_AUTO_TEST_SUITE_END()
