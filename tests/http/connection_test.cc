// The life of a connection: persistence, order, staged close, and how a listener comes by its socket.
#define BOOST_TEST_MODULE http_connection
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <optional>

#include "tests/http/server.h"

namespace eightbells::http::test {
namespace {

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
