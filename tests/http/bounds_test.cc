// Time-outs and bounds: what slow, silent, deaf, greedy and too many clients cost the others.
#define BOOST_TEST_MODULE http_bounds
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <numeric>
#include <optional>

#include "responder/http/limits.h"
#include "tests/http/server.h"

namespace eightbells::http::test {

// Covers: A-26, E-30
BOOST_AUTO_TEST_CASE(draining_is_bounded_in_octets_and_time) {
    Server server;
    Client endless(server.address());
    endless.send("BREW / HTTP/1.1\r\n\r\n");
    const std::string piece(1024 * 1024, 'x');
    int pieces = 0;
    while (pieces < 100 && endless.try_send(piece))
        ++pieces;
    BOOST_TEST(pieces >= 8);
    BOOST_TEST(pieces < 100);
    BOOST_TEST(server.reaches([&] { return open(server); }, 0));

    Client silent(server.address());
    silent.send("BREW / HTTP/1.1\r\n\r\n");
    BOOST_TEST(silent.response().status == 501);
    BOOST_TEST(server.reaches([&] { return open(server); }, 1));
    server.advance(seconds{6});
    BOOST_TEST(server.reaches([&] { return open(server); }, 0));
    BOOST_TEST(timeouts(server, Wait::drain) == 1U);
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(idle_and_slow_connections_end_when_their_time_is_up) {
    Server server;
    Client silent(server.address());
    Client idle(server.address());
    idle.send(get("/x"));
    idle.response();
    Client slow(server.address());
    slow.send("GET /x HT");
    Client slow_body(server.address());
    slow_body.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    BOOST_REQUIRE(server.reaches([&] { return open(server); }, 4));
    const std::string slow_octets = "GET /x HTPOST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab";
    BOOST_REQUIRE(server.reaches([&] { return server.counters().octets_in.value(); },
                                 get("/x").size() + slow_octets.size()));
    server.advance(seconds{0});
    BOOST_TEST(server.counters().buffer_octets.value() == 4096U);  // two unfinished requests of 2 KiB

    server.advance(seconds{9});
    const std::uint64_t before = server.counters().octets_in.value();
    slow.send("TP");  // an octet now and then does not help
    BOOST_REQUIRE(server.reaches([&] { return server.counters().octets_in.value(); }, before + 2));
    server.advance(seconds{1});
    for (Client* client : {&slow, &slow_body}) {
        const Response response = client->response();
        BOOST_TEST(response.status == 408);
        BOOST_TEST(response.field("connection") == "close");
        BOOST_TEST(response.field("cache-control") == "no-store");
        BOOST_TEST(client->closed());
    }
    BOOST_TEST(timeouts(server, Wait::request) == 2U);
    BOOST_TEST(timeouts(server, Wait::idle) == 0U);
    server.advance(seconds{49});
    BOOST_TEST(timeouts(server, Wait::idle) == 0U);
    server.advance(seconds{1});
    BOOST_TEST(silent.closed());
    BOOST_TEST(idle.closed());
    BOOST_TEST(timeouts(server, Wait::idle) == 2U);
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(each_request_has_the_whole_time_and_an_answer_begins_a_new_idle_wait) {
    Server server;
    Client client(server.address());
    for (int i = 0; i < 5; ++i) {
        const std::uint64_t before = server.counters().octets_in.value();
        client.send("GET /x HTTP/1.1\r\n");
        BOOST_REQUIRE(server.reaches([&] { return server.counters().octets_in.value(); }, before + 17));
        server.advance(seconds{9});
        client.send("Host: a\r\n\r\n");
        BOOST_TEST(client.response().status == 200);
        server.advance(seconds{59});
    }
    BOOST_TEST(timeouts(server, Wait::request) + timeouts(server, Wait::idle) == 0U);
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_is_bounded_and_reset_when_its_time_is_up) {
    Server server;
    Client deaf(server.address(), 4096);
    std::string requests;
    for (int i = 0; i < 200; ++i)
        requests += get("/large/30000");
    deaf.send(requests);
    Client other(server.address());
    for (int i = 0; i < 100; ++i) {  // others go on
        other.send(get("/x"));
        BOOST_TEST(other.response().status == 200);
    }
    server.advance(seconds{0});
    BOOST_TEST(server.counters().buffer_octets.value() > 0U);
    BOOST_TEST(server.counters().buffer_octets.value() <= 2 * 128 * 1024U);  // not 6 MB
    BOOST_TEST(server.counters().requests[0].value() < 300U);
    server.advance(seconds{19});
    BOOST_TEST(timeouts(server, Wait::write) == 0U);
    server.advance(seconds{1});
    BOOST_TEST(timeouts(server, Wait::write) == 1U);
    BOOST_TEST(server.counters().lost.value() == 1U);
    BOOST_CHECK_THROW(deaf.rest(), std::runtime_error);  // a reset
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(a_client_that_reads_slowly_gets_everything) {
    Server server;
    std::string bytes(3'000'000, '\0');
    std::iota(bytes.begin(), bytes.end(), '\0');
    server.on_loop([&] { server.handler.use_file(bytes); });
    Client slow(server.address(), 8192);
    std::string requests;
    for (int i = 0; i < 400; ++i)  // 12 MB: more than the kernel takes, all of different lengths
        requests += get("/large/" + std::to_string(30000 + i));
    slow.send(requests + get("/file") + get("/end"));
    for (unsigned i = 0; i < 400; ++i)
        BOOST_REQUIRE(slow.response().body.size() == 30000U + i);
    BOOST_TEST((slow.response().body == bytes));
    BOOST_TEST(slow.response().body == "GET /end\n");
    server.advance(seconds{0});
    BOOST_TEST(server.counters().buffer_octets.value() == 0U);
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(two_thousand_slowloris_connections_cost_others_nothing_but_memory_within_bounds) {
    rlimit most{};
    getrlimit(RLIMIT_NOFILE, &most);
    most.rlim_cur = most.rlim_max;
    setrlimit(RLIMIT_NOFILE, &most);
    const std::size_t count = std::min<std::size_t>(2000, (most.rlim_cur - 100) / 2);
    ConnectionLimits from_everywhere;
    from_everywhere.connections_per_address = 0;
    Server server(from_everywhere);
    std::vector<std::unique_ptr<Client>> slow;
    for (std::size_t i = 0; i < count; ++i) {
        slow.push_back(std::make_unique<Client>(server.address()));
        slow.back()->send("GET /x HTTP/1.1\r\nHost: a\r\nX: ");
    }
    BOOST_REQUIRE(server.reaches([&] { return open(server); }, count));
    Client good(server.address());
    const std::uint64_t reads = server.counters().reads.value();
    for (int i = 0; i < 500; ++i) {
        good.send(get("/x"));
        BOOST_TEST(good.response().status == 200);
    }
    // The loop did nothing for the silent ones meanwhile (but for those whose octets were still to be read).
    BOOST_TEST(server.counters().reads.value() <= reads + 500 + count);
    server.advance(seconds{0});
    BOOST_TEST(server.counters().buffer_octets.value() == count * 2048);
    server.advance(seconds{11});
    BOOST_TEST(timeouts(server, Wait::request) == count);
    BOOST_TEST(server.counters().buffer_octets.value() == count * 2048);  // a gauge of the moment before
    server.advance(seconds{0});
    BOOST_TEST(server.counters().buffer_octets.value() == 0U);
    good.send(get("/x"));
    BOOST_TEST(good.response().status == 200);
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(one_fast_client_does_not_keep_others_waiting) {
    Server server;
    std::string flood;
    for (int i = 0; i < 1500; ++i)
        flood += get("/n");
    Client fast(server.address());
    Client other(server.address());
    other.send(get("/first"));
    BOOST_TEST(other.response().status == 200);
    // All of the flood is in the socket before the loop goes on; then both have something to say.
    server.on_loop([&] {
        fast.send(flood);
        other.send(get("/other"));
    });
    BOOST_TEST(other.response().body == "GET /other\n");
    std::uint64_t served = 0;
    server.on_loop([&] { served = server.counters().requests[0].value(); });
    for (int i = 0; i < 1500; ++i)
        BOOST_REQUIRE(fast.response().body == "GET /n\n");
    BOOST_TEST(served > 0U);
    BOOST_TEST(server.counters().writes.value() >= 1500 / limits::http_requests_per_turn);
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(connections_above_the_limit_are_closed_and_counted) {
    ConnectionLimits few;
    few.connections = 3;
    Server server(few);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(std::make_unique<Client>(server.address()));
        clients.back()->send(get("/x"));
        BOOST_TEST(clients.back()->response().status == 200);
    }
    Client fourth(server.address());
    BOOST_TEST(fourth.closed());
    BOOST_TEST(server.counters().refused.value() == 1U);
    clients.pop_back();
    BOOST_REQUIRE(server.reaches([&] { return open(server); }, 2));
    Client fifth(server.address());
    fifth.send(get("/x"));
    BOOST_TEST(fifth.response().status == 200);
}

// Covers: E-31, E-30
BOOST_AUTO_TEST_CASE(
    when_all_memory_for_requests_is_taken_the_next_is_503_and_those_who_need_none_are_served) {
    ConnectionLimits large;
    large.body_octets = 4 * 1024 * 1024;
    Server server(large);
    // An unfinished body of more than 2 MiB takes a block of 4 MiB: 64 of them are all there is.
    const std::string half =
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n" + std::string(2'200'000, 'b');
    const auto& no_buffer = server.counters().faults[static_cast<std::size_t>(Fault::no_buffer)];
    std::vector<std::unique_ptr<Client>> clients;
    while (no_buffer.value() == 0 && clients.size() < 65) {
        const std::uint64_t before = server.counters().octets_in.value();
        clients.push_back(std::make_unique<Client>(server.address()));
        clients.back()->send(half);
        BOOST_REQUIRE(
            server.reaches([&] { return server.counters().octets_in.value(); }, before + half.size()));
    }
    BOOST_TEST(clients.size() >= 60U);
    const Response refused = clients.back()->response();
    BOOST_TEST(refused.status == 503);
    BOOST_TEST(refused.field("retry-after") == "10");
    BOOST_TEST(refused.field("cache-control") == "no-store");
    BOOST_TEST(refused.field("connection") == "close");
    BOOST_TEST(clients.back()->closed());
    Client other(server.address());
    other.send(get("/x"));
    BOOST_TEST(other.response().status == 200);
    clients.resize(clients.size() - 3);
    BOOST_REQUIRE(server.reaches([&] { return open(server); }, clients.size() + 1));
    Client next(server.address());
    next.send(half);
    next.send(std::string(1'800'000, 'b'));
    BOOST_TEST(next.response().status == 200);
}

BOOST_AUTO_TEST_CASE(running_out_of_descriptors_neither_spins_nor_ends_the_service) {
    Server server;
    Client before(server.address());
    before.send(get("/x"));
    before.response();
    Client waiting(server.address());  // connects while there still are some
    BOOST_REQUIRE(server.reaches([&] { return open(server); }, 2));
    rlimit now{};
    getrlimit(RLIMIT_NOFILE, &now);
    Client late(server.address());
    BOOST_REQUIRE(server.reaches([&] { return open(server); }, 3));
    // A descriptor for the client, none for its server side.
    const int next = ::dup(0);
    ::close(next);
    rlimit none = now;
    none.rlim_cur = static_cast<rlim_t>(next + 1);
    setrlimit(RLIMIT_NOFILE, &none);
    const auto began = std::chrono::steady_clock::now();
    std::optional<Client> starved(std::in_place, server.address());
    const auto& failures = server.counters().accept_failures;
    BOOST_TEST(server.reaches([&] { return std::uint64_t{failures.value() > 0}; }, 1));
    before.send(get("/x"));
    BOOST_TEST(before.response().status == 200);
    // Once, and once more at each tick of the listener's.
    const std::uint64_t seen = failures.value();
    BOOST_TEST(seen <= 2U + static_cast<std::uint64_t>((std::chrono::steady_clock::now() - began) /
                                                       limits::http_tick));
    setrlimit(RLIMIT_NOFILE, &now);
    starved->send(get("/x"));
    server.advance(seconds{0});
    BOOST_TEST(starved->response().status == 200);
}

// As when the kernel has no memory left for another watched descriptor: this one it refuses to watch.
BOOST_AUTO_TEST_CASE(a_connection_that_the_loop_cannot_watch_is_closed_and_waits_for_nothing) {
    Server server;
    server.on_loop([&] { server.listener->serve(::open("/dev/null", O_RDWR | O_CLOEXEC)); });
    BOOST_TEST(server.counters().accept_failures.value() == 1U);
    BOOST_TEST(open(server) == 0U);
    server.advance(seconds{61});
    BOOST_TEST(timeouts(server, Wait::idle) == 0U);
    Client other(server.address());
    other.send(get("/x"));
    BOOST_TEST(other.response().status == 200);
}

// Covers: E-16, E-30
BOOST_AUTO_TEST_CASE(a_file_that_is_shorter_than_promised_ends_in_a_reset) {
    Server server;
    server.on_loop([&] {
        server.handler.use_file("0123456789");
        server.handler.pretend_file_size(20);
    });
    Client client(server.address());
    client.send(get("/file"));
    BOOST_CHECK_THROW(client.response(), std::runtime_error);
    BOOST_TEST(server.counters().files_cut.value() == 1U);
    BOOST_TEST(server.reaches([&] { return open(server); }, 0));
}

BOOST_AUTO_TEST_CASE(files_are_sent_with_flat_memory) {
    Server server;
    const std::string bytes(20'000'000, 'c');
    server.on_loop([&] { server.handler.use_file(bytes); });
    Client client(server.address());
    client.send(get("/file"));
    BOOST_TEST((client.response().body == bytes));
    server.advance(seconds{0});
    BOOST_TEST(server.counters().buffer_octets.value() == 0U);
    BOOST_TEST(server.counters().octets_out.value() > 20'000'000U);
}

}  // namespace eightbells::http::test
