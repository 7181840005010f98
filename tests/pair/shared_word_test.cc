#include "cache/shared_word.h"

#include <boost/test/unit_test.hpp>

#include "tests/cache/redis_sentinel.h"

// The lease's word in a real Redis.
using namespace eightbells;
using namespace eightbells::cache;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(the_shared_word)

BOOST_AUTO_TEST_CASE(is_changed_only_by_who_knows_what_stands_there) {
    RedisServer redis;
    SystemClock clock;
    RedisWord a{redis.address(), "lease", clock};
    RedisWord b{redis.address(), "lease", clock};
    BOOST_TEST(a.exchange("", "").value() == "");
    BOOST_TEST(a.exchange("", "one").value() == "one");
    BOOST_TEST(b.exchange("", "two").value() == "one");  // b did not know
    BOOST_TEST(b.exchange("one", "one").value() == "one");
    BOOST_TEST(b.exchange("one", "two").value() == "two");
    BOOST_TEST(a.exchange("one", "three").value() == "two");
    BOOST_TEST(redis.command("GET eightbells:lease") == "two");
    BOOST_TEST(redis.command("TTL eightbells:lease") == "-1");  // it outlives its holder
}

BOOST_AUTO_TEST_CASE(that_is_something_else_or_out_of_reach_is_an_error) {
    RedisServer redis;
    SystemClock clock;
    RedisWord word{redis.address(), "lease", clock};
    BOOST_TEST(redis.command("SET eightbells:lease " + std::string(513, 'x')) == "OK");
    BOOST_TEST(!word.exchange("", "one"));
    BOOST_TEST(redis.command("DEL eightbells:lease") == "1");
    BOOST_TEST(redis.command("LPUSH eightbells:lease x") == "1");
    RedisWord other{redis.address(), "lease", clock};
    BOOST_TEST(!other.exchange("", "one"));
    redis.stop();
    RedisWord third{redis.address(), "lease", clock};
    BOOST_TEST(!third.exchange("", "one"));
}

BOOST_AUTO_TEST_CASE(is_replicated_when_every_replica_that_follows_has_it) {
    RedisServer redis;
    SystemClock clock;
    RedisWord word{redis.address(), "lease", clock};
    BOOST_TEST(word.exchange("", "one").value() == "one");
    BOOST_TEST(word.replicated(1ms).value());  // there are none
    RedisServer replica{{"--replicaof", "127.0.0.1 " + std::to_string(redis.port())}};
    const auto follows = [&] {
        return replica.command("info replication").find("master_link_status:up") != std::string::npos;
    };
    BOOST_REQUIRE(soon(follows));
    BOOST_TEST(word.exchange("one", "two").value() == "two");
    BOOST_TEST(word.replicated(10s).value());
    BOOST_TEST(replica.command("GET eightbells:lease") == "two");
    replica.freeze();
    BOOST_TEST(word.exchange("two", "three").value() == "three");
    BOOST_TEST(!word.replicated(100ms).value());
    replica.thaw();
    BOOST_TEST(word.replicated(10s).value());
    redis.stop();
    BOOST_TEST(!word.replicated(100ms));
}

BOOST_AUTO_TEST_SUITE_END()
