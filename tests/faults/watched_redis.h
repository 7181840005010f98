#ifndef EIGHTBELLS_TESTS_FAULTS_WATCHED_REDIS_H
#define EIGHTBELLS_TESTS_FAULTS_WATCHED_REDIS_H

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include "tests/cache/redis_sentinel.h"

namespace eightbells::faults {

// A Redis and its replica behind three Sentinels.
struct Watched {
    Watched() {
        BOOST_REQUIRE(soon([&] { return has(replica, "master_link_status:up"); }));
        for (const auto* sentinel : {&first, &second, &third})
            BOOST_REQUIRE(soon([&] { return sentinel->ready(2); }));
    }
    static bool has(const RedisServer& server, const std::string& text) {
        return server.command("info replication").find(text) != std::string::npos;
    }
    std::string store() const {
        return fmt::format("sentinels = [\"{}\", \"{}\", \"{}\"]\nsentinel_service = \"status\"\n",
                           first.place(), second.place(), third.place());
    }
    // What is written from here on the replica never gets.
    void part() const {
        replica.freeze();
        BOOST_TEST(primary.command("client kill type replica") == "1");
    }
    // The primary is lost for ever; two of three Sentinels are a majority.
    void fail_over() {
        primary.stop();
        first.stop();
        replica.thaw();
        down_after("2000");
        BOOST_REQUIRE(soon([&] { return has(replica, "role:master"); }));
        down_after(patiently);
    }
    void down_after(const std::string& milliseconds) const {
        for (const auto* sentinel : {&second, &third})
            BOOST_TEST(sentinel->command("sentinel set status down-after-milliseconds " + milliseconds) ==
                       "OK");
    }
    // A server that only stalls is left in its place.
    static constexpr const char* patiently = "60000";
    static std::string settings() {
        return std::string{"sentinel down-after-milliseconds status "} + patiently + "\n";
    }
    RedisServer primary;
    RedisServer replica{{"--replicaof", "127.0.0.1 " + std::to_string(primary.port())}};
    SentinelServer first{primary.port(), 2, settings()};
    SentinelServer second{primary.port(), 2, settings()};
    SentinelServer third{primary.port(), 2, settings()};
};

}  // namespace eightbells::faults

#endif
