// The life of a connection: persistence, order, time-outs, staged close, promises, bounds.
#define BOOST_TEST_MODULE http_connection
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <numeric>
#include <optional>

#include "responder/base/limits.h"
#include "tests/http/server.h"

namespace eightbells::http::test {
namespace {

std::string get(std::string_view path, std::string_view lines = "") {
    return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n" + std::string{lines} + "\r\n";
}
std::uint64_t timeouts(const Server& server, Wait kind) {
    return server.counters().timeouts[static_cast<std::size_t>(kind)].value();
}
std::uint64_t open(const Server& server) {
    return server.counters().open.value();
}

// Many kinds of requests one behind the other; `heads` tells which are HEAD.
std::string mixed_requests(unsigned count, std::vector<bool>& heads) {
    std::string all;
    for (unsigned i = 0; i < count; ++i) {
        const std::string number = std::to_string(i);
        heads.push_back(i % 10 == 1);
        switch (i % 10) {
            case 0:
                all += get("/n" + number);
                break;
            case 1:
                all += "HEAD /n" + number + " HTTP/1.1\r\nHost: a\r\n\r\n";
                break;
            case 2:
                all += "POST /n" + number + " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
                break;
            case 3:
                all += "POST /n" + number +
                       " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "2;x\r\nab\r\n1\r\nc\r\n0\r\nT: t\r\n\r\n";
                break;
            case 4:
                all += get("/cached", "If-None-Match: " + std::string{tag_of_tests} + "\r\n");
                break;
            case 5:
                all += get("/file", "Range: bytes=1-5\r\n");
                break;
            case 6:
                all += "DELETE /n" + number + " HTTP/1.1\r\nHost: a\r\n\r\n";
                break;
            case 7:
                all += "\r\n" + get("http://host/n" + number);
                break;
            case 8:
                all += "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n";
                break;
            default:
                all += "POST /n" + number +
                       " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                       "Content-Length: 1\r\n\r\nz";
                break;
        }
    }
    return all;
}

}  // namespace

// Covers: E-19
BOOST_AUTO_TEST_CASE(a_hundred_pipelined_mixed_requests_are_answered_in_order) {
    Server server;
    server.on_loop([&] { server.handler.use_file("0123456789"); });
    std::vector<bool> heads;
    const auto responses = parse_responses(exchange_bytes(server, mixed_requests(100, heads)), heads);
    BOOST_TEST(responses.size() == 110U);  // ten are 100 (Continue)
    unsigned number = 0;
    for (const Response& response : responses) {
        if (response.status == 100)
            continue;
        static constexpr std::array<int, 10> expected{200, 200, 200, 200, 304, 206, 405, 200, 200, 200};
        BOOST_TEST(response.status == expected[number % 10]);
        if (number % 10 == 0 || number % 10 == 7)
            BOOST_TEST(response.body == "GET /n" + std::to_string(number) + "\n");
        if (number % 10 == 5)
            BOOST_TEST(response.body == "12345");
        ++number;
    }
    BOOST_TEST(number == 100U);
}

// Covers: E-19
BOOST_AUTO_TEST_CASE(where_the_octets_are_split_makes_no_difference) {
    Server server;
    server.on_loop([&] { server.handler.use_file("0123456789"); });
    std::vector<bool> heads;
    const std::string all = mixed_requests(10, heads) + get("/last", "Connection: close\r\n");
    const std::string whole = exchange_bytes(server, all);
    BOOST_REQUIRE(parse_responses(whole, heads).size() == 12U);
    for (std::size_t split = 1; split < all.size(); ++split) {
        Client client(server.address());
        const std::uint64_t before = server.counters().octets_in.value();
        client.send(std::string_view{all}.substr(0, split));
        BOOST_REQUIRE(server.reaches([&] { return server.counters().octets_in.value(); }, before + split));
        client.send(std::string_view{all}.substr(split));
        BOOST_REQUIRE_EQUAL(client.rest(), whole);
    }
    Client client(server.address());  // and octet by octet
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::uint64_t before = server.counters().octets_in.value();
        client.send(std::string_view{all}.substr(i, 1));
        BOOST_REQUIRE(server.reaches([&] { return server.counters().octets_in.value(); }, before + 1));
    }
    BOOST_TEST(client.rest() == whole);
}

// Header lines that were seen before are not judged again: nothing else may change by it.
BOOST_AUTO_TEST_CASE(equal_header_lines_mean_the_same_every_time_and_only_equal_ones) {
    Server server;
    const auto ask = [&](std::string_view first_line, std::string_view lines, std::string_view body = "") {
        const auto responses = parse_responses(exchange_bytes(
            server, std::string{first_line} + "\r\n" + std::string{lines} + "\r\n" + std::string{body}));
        return responses.empty() ? std::string{}
                                 : std::to_string(responses.back().status) + responses.back().body;
    };
    const std::string length = "Host: a\r\nContent-Length: 3\r\n";
    const std::string none_match = "Host: a\r\nIf-None-Match: " + std::string{tag_of_tests} + "\r\n";
    const std::string range = "Host: a\r\nRange: bytes=1-2\r\n";
    server.on_loop([&] { server.handler.use_file("0123456789"); });
    for (int round = 0; round < 3; ++round) {
        BOOST_TEST(ask("POST /a HTTP/1.1", length, "abc") == "200POST /a\nabc");
        BOOST_TEST(ask("POST /longer/path HTTP/1.1", length, "xyz") == "200POST /longer/path\nxyz");
        BOOST_TEST(ask("PUT /a HTTP/1.1", length, "abc") == "405");
        BOOST_TEST(ask("POST /a HTTP/1.0", length, "abc") == "200POST /a\nabc");
        BOOST_TEST(ask("GET /cached HTTP/1.1", none_match) == "304");
        BOOST_TEST(ask("GET http://host/cached HTTP/1.1", none_match) == "304");
        BOOST_TEST(ask("POST /cached HTTP/1.1", none_match).substr(0, 3) == "200");
        BOOST_TEST(ask("GET /file HTTP/1.1", range) == "20612");
        BOOST_TEST(ask("GET http://x/file HTTP/1.1", range) == "20612");
        BOOST_TEST(ask("GET /a HTTP/1.0", "Expect: x\r\n") == "200GET /a\n");  // no Host, an expectation
        BOOST_TEST(ask("GET /a HTTP/1.1", "Expect: x\r\n") == "400");
        BOOST_TEST(ask("GET /a HTTP/1.1", "Host: a\r\nExpect: x\r\n") == "417");
        BOOST_TEST(ask("GET /a HTTP/1.1", "Host: a") == "");  // begins as a known one does, and is not whole
        BOOST_TEST(ask("GET /a HTTP/1.1", "Host: a\r\n\tb\r\n") == "400");
        for (int other = 0; other < 20; ++other)  // more than are remembered
            BOOST_TEST(ask("GET /b HTTP/1.1", "Host: h" + std::to_string(other) + "\r\n") == "200GET /b\n");
    }
}

// Covers: E-18
BOOST_AUTO_TEST_CASE(connections_persist_by_version_and_wish) {
    Server server;
    const auto check = [&](std::string_view version, std::string_view lines, std::string_view connection) {
        BOOST_TEST_CONTEXT(version << " " << lines) {
            const std::string request =
                "GET /x HTTP/" + std::string{version} + "\r\nHost: a\r\n" + std::string{lines} + "\r\n";
            const auto responses = parse_responses(exchange_bytes(server, request + request));
            BOOST_TEST(responses.at(0).field("connection") == connection);
            BOOST_TEST(responses.size() == (connection == "close" ? 1U : 2U));
        }
    };
    check("1.1", "", "(absent)");
    check("1.1", "Connection: close\r\n", "close");
    check("1.1", "Connection: Close\r\n", "close");
    check("1.1", "connection: TE, close\r\n", "close");
    check("1.1", "Connection: keep-alive\r\nConnection: x,close\r\n", "close");
    check("1.1", "Connection: keep-alive\r\n", "(absent)");
    check("1.1", "Connection: closed\r\n", "(absent)");
    check("1.0", "", "close");
    check("1.0", "Connection: keep-alive\r\n", "keep-alive");
    check("1.0", "Connection: Keep-Alive\r\n", "keep-alive");
    check("1.0", "Connection: keep-alive, close\r\n", "close");
    check("1.0", "Connection: close\r\n", "close");
}

// Covers: E-18, E-17
BOOST_AUTO_TEST_CASE(a_last_answer_is_never_reset_away) {
    Server server;
    const std::string announced = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n";
    for (int i = 0; i < 20; ++i) {
        Client client(server.address());
        client.send(announced);
        client.send(std::string(10'000'000, 'b'));  // as a client does that looks up only afterwards
        const Response response = client.response();
        BOOST_TEST(response.status == 413);
        BOOST_TEST(response.field("connection") == "close");
        BOOST_TEST(client.closed());  // with an end, not a reset: that would throw
    }
    // What follows a request with "Connection: close" is neither run nor turned into a reset.
    for (int i = 0; i < 20; ++i) {
        Client client(server.address());
        std::string more;
        for (int k = 0; k < 5000; ++k)
            more += get("/more");
        client.send(get("/last", "Connection: close\r\n") + more);
        BOOST_TEST(client.response().body == "GET /last\n");
        BOOST_TEST(client.closed());
    }
    BOOST_TEST(server.counters().requests[0].value() == 20U);
}

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
    Server server;
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
    std::optional<Client> starved(std::in_place, server.address());
    BOOST_TEST(server.reaches([&] { return server.counters().accept_failures.value(); }, 1));
    before.send(get("/x"));
    BOOST_TEST(before.response().status == 200);
    BOOST_TEST(server.counters().accept_failures.value() <= 2U);
    setrlimit(RLIMIT_NOFILE, &now);
    starved->send(get("/x"));
    server.advance(seconds{0});
    BOOST_TEST(starved->response().status == 200);
}

BOOST_AUTO_TEST_CASE(a_promise_is_kept_later_and_those_behind_it_wait) {
    Server server;
    Client client(server.address());
    client.send(get("/one") + get("/late") + get("/two") + get("/late", "If-None-Match: *\r\n") +
                get("/three"));
    BOOST_TEST(client.response().body == "GET /one\n");
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    BOOST_TEST(client.nothing_arrives());
    server.on_loop([&] { server.handler.answer_late("made for you"); });
    BOOST_TEST(client.response().body == "made for you");
    BOOST_TEST(client.response().body == "GET /two\n");
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    server.on_loop([&] { server.handler.answer_late(cached_body); });
    BOOST_TEST(client.response().status == 304);  // its precondition still counts
    BOOST_TEST(client.response().body == "GET /three\n");
    // HEAD, and the end of a connection, travel with the promise too.
    client.send("HEAD /late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    server.on_loop([&] { server.handler.answer_late("12345"); });
    const Response last = client.response(true);
    BOOST_TEST(last.field("content-length") == "5");
    BOOST_TEST(last.field("connection") == "close");
    BOOST_TEST(client.closed());
}

BOOST_AUTO_TEST_CASE(a_promise_that_is_forgotten_or_too_late_is_answered_all_the_same) {
    Server server;
    Client client(server.address());
    client.send(get("/dropped") + get("/late") + get("/x"));
    BOOST_TEST(client.response().status == 500);
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    server.on_loop([&] { server.handler.forget_late(); });
    BOOST_TEST(client.response().status == 500);
    BOOST_TEST(client.response().status == 200);

    client.send(get("/late"));
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    server.advance(seconds{31});
    const Response response = client.response();
    BOOST_TEST(response.status == 503);
    BOOST_TEST(response.has("retry-after"));
    BOOST_TEST(client.closed());
    client.half_close();
    BOOST_TEST(timeouts(server, Wait::answer) == 1U);
    server.on_loop([&] { server.handler.answer_late("nobody hears this"); });

    Client gone(server.address());
    gone.send(get("/late"));
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    gone.reset();
    server.on_loop([&] { server.handler.answer_late("nor this"); });
    BOOST_TEST(server.reaches([&] { return open(server); }, 0));
}

BOOST_AUTO_TEST_CASE(promises_may_outlive_the_listener) {
    auto server = std::make_unique<Server>();
    Client client(server->address());
    client.send(get("/late"));
    BOOST_REQUIRE(server->reaches([&] { return server->handler.late(); }, 1));
    server->on_loop([&] { server->listener.reset(); });
    BOOST_CHECK_NO_THROW(server->handler.answer_late("too late"));
    server.reset();
}

BOOST_AUTO_TEST_CASE(a_client_that_only_half_closes_gets_its_answers) {
    Server server;
    Client client(server.address());
    client.send(get("/late") + get("/x"));
    client.half_close();
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    server.on_loop([&] { server.handler.answer_late("late"); });
    BOOST_TEST(client.response().body == "late");
    BOOST_TEST(client.response().body == "GET /x\n");
    BOOST_TEST(client.closed());
}

BOOST_AUTO_TEST_CASE(stopping_finishes_what_was_begun_and_says_so) {
    Server server;
    Client idle(server.address());
    idle.send(get("/x"));
    idle.response();
    Client half(server.address());
    half.send("GET /half HTTP/1.1\r\n");
    Client fresh(server.address());  // has connected and not yet asked
    Client late(server.address());
    late.send(get("/late"));
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    BOOST_REQUIRE(server.reaches([&] { return open(server); }, 4));
    Client sent(server.address());
    server.on_loop([&] {
        sent.send(get("/sent"));  // in the socket, not read
        server.listener->stop_accepting();
    });
    BOOST_TEST(idle.closed());
    Response response = sent.response();
    BOOST_TEST(response.body == "GET /sent\n");
    BOOST_TEST(response.field("connection") == "close");
    half.send("Host: a\r\n\r\n");
    response = half.response();
    BOOST_TEST(response.body == "GET /half\n");
    BOOST_TEST(response.field("connection") == "close");
    BOOST_TEST(half.closed());
    fresh.send(get("/fresh"));
    BOOST_TEST(fresh.response().field("connection") == "close");
    server.on_loop([&] { server.handler.answer_late("in time"); });
    response = late.response();
    BOOST_TEST(response.body == "in time");
    BOOST_TEST(response.field("connection") == "close");
    BOOST_CHECK_THROW(Client{server.address()}, std::runtime_error);
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
    BOOST_TEST(open(server) == 0U);
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

// Covers: E-32
BOOST_AUTO_TEST_CASE(ipv6_is_served_beside_ipv4_on_one_port) {
    std::optional<Server> six;
    try {
        six.emplace(ConnectionLimits{}, "::1");
    } catch (const std::runtime_error& error) {
        BOOST_TEST_MESSAGE("no IPv6 here: " << error.what());
        BOOST_TEST(std::string{error.what()}.find("[::1]:0") != std::string::npos);
        return;
    }
    Client client(six->address());
    client.send(get("/x"));
    BOOST_TEST(client.response().status == 200);
}

BOOST_AUTO_TEST_CASE(an_open_socket_can_be_adopted_and_a_taken_address_is_named) {
    Server server;
    // Without SO_REUSEPORT on it, the port of a foreign socket is taken.
    const int foreign = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    BOOST_REQUIRE(::listen(foreign, 1) == 0);
    const std::unique_ptr<event_base, decltype(&event_base_free)> base(event_base_new(), &event_base_free);
    auto adopted = Listener::adopt(base.get(), ::dup(foreign), {}, server.handler, server.clock);
    BOOST_REQUIRE(adopted.has_value());
    const HostPort address = (*adopted)->address();
    BOOST_TEST(address.port != 0);
    const auto refused = Listener::open(base.get(), address, {}, server.handler, server.clock);
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST(refused.error().message.find(to_string(address)) != std::string::npos);
    ConnectionLimits none;
    none.connections = 0;
    BOOST_TEST(!Listener::open(base.get(), address, none, server.handler, server.clock).has_value());
    ::close(foreign);
}

BOOST_AUTO_TEST_CASE(addresses_are_read_strictly) {
    for (const std::string text :
         {"127.0.0.1:8080", "[::1]:8080", "0.0.0.0:80", "[2001:db8::1]:65535", "1.2.3.4:0"})
        BOOST_TEST(to_string(*parse_host_port(text)) == text);
    for (const std::string_view text :
         {"", "8080", ":8080", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
          "127.0.0.1:80x", "::1:80", "[::1]", "[::1]:", "[127.0.0.1]:80", "127.1:80", "1.2.3.4 :80"})
        BOOST_TEST(!parse_host_port(text).has_value(), text);
    BOOST_TEST(parse_host_port("localhost:80").error().message.find("localhost:80") != std::string::npos);
}

// Covers: E-07
BOOST_AUTO_TEST_CASE(date_follows_the_clock_that_was_passed_in) {
    Server server;
    Client client(server.address());
    client.send(get("/x"));
    BOOST_TEST(client.response().field("date") == date_of_tests);
    server.advance(seconds{3});
    client.send(get("/x"));
    BOOST_TEST(client.response().field("date") == "Sun, 22 Nov 2026 07:20:03 GMT");
}

}  // namespace eightbells::http::test
