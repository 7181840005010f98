// Who a client is: connections counted by address, proxies that are not, and the PROXY protocol.
#define BOOST_TEST_MODULE http_addresses
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>

#include "responder/http/client_table.h"
#include "responder/http/limits.h"
#include "responder/http/proxy_header.h"
#include "tests/http/server.h"

namespace eightbells::http::test {
namespace {

IpAddress address(std::string_view text) {
    return parse_network(text)->first;
}
std::vector<Network> networks(std::initializer_list<std::string_view> texts) {
    std::vector<Network> all;
    for (const std::string_view text : texts)
        all.push_back(*parse_network(text));
    return all;
}

const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);

// A header as a proxy writes it. `addresses`: source, destination, ports and what follows.
std::string header(unsigned char version, unsigned char family, std::string_view addresses) {
    std::string text = signature;
    text += static_cast<char>(version);
    text += static_cast<char>(family);
    text += static_cast<char>(addresses.size() >> 8);
    text += static_cast<char>(addresses.size() & 0xff);
    return text.append(addresses);
}
std::string v4_header(std::string_view source, std::string_view tlvs = "") {
    const IpAddress from = address(source);
    return header(0x21, 0x11,
                  std::string(as_text(ByteView(from.octets).last(4))) + "\x7f\x01\x01\x01" + "abcd" +
                      std::string(tlvs));
}
std::string v6_header(std::string_view source) {
    return header(0x21, 0x21, std::string(as_text(ByteView(address(source).octets))) + std::string(20, 'x'));
}

ConnectionLimits behind_proxy() {
    ConnectionLimits limits;
    limits.proxy_protocol_from = networks({"127.0.0.0/24"});
    limits.connections_per_address = 2;
    return limits;
}
std::uint64_t header_faults(const Server& server) {
    return server.counters().faults[static_cast<std::size_t>(Fault::proxy_header)].value();
}
std::uint64_t refused_by_address(const Server& server) {
    return server.counters().refused_by_address.value();
}

// Sends, and asks whether it is answered as a request is.
bool is_served(Client& client, std::string_view before = "") {
    client.send(std::string(before) + get("/x"));
    try {
        return client.response().status == 200;
    } catch (const std::runtime_error&) {
        return false;
    }
}

}  // namespace

BOOST_AUTO_TEST_CASE(networks_are_read_strictly_and_hold_what_they_say) {
    for (const std::string text : {"192.0.2.7", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::1", "::/0",
                                   "10.1.2.3/31", "2001:db8::8000/113"})
        BOOST_TEST((text == "10.1.2.3/31" ? !parse_network(text).has_value()
                                          : to_string(*parse_network(text)) == text),
                   text);
    BOOST_TEST(to_string(*parse_network("192.0.2.7/32")) == "192.0.2.7");
    BOOST_TEST((*parse_network("::ffff:192.0.2.7") == *parse_network("192.0.2.7")));
    for (const std::string_view text : {"", "localhost", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
                                        "10.0.0.0/8x", "::/129", "10.0.0/8", "[::1]", "10.0.0.1:80"})
        BOOST_TEST(!parse_network(text).has_value(), text);
    BOOST_TEST(parse_network("10.1.2.3/8").error().message.find("write \"10.0.0.0/8\"") != std::string::npos);
    const Network ten = *parse_network("10.0.0.0/8");
    BOOST_TEST(ten.contains(address("10.255.255.255")));
    BOOST_TEST(!ten.contains(address("11.0.0.0")));
    BOOST_TEST(!ten.contains(address("a00::")));
    const Network six = *parse_network("2001:db8::/33");
    BOOST_TEST(six.contains(address("2001:db8:7fff::1")));
    BOOST_TEST(!six.contains(address("2001:db8:8000::1")));
    BOOST_TEST(parse_network("::/0")->contains(address("192.0.2.1")));
    BOOST_TEST(!parse_network("0.0.0.0/0")->contains(address("2001:db8::1")));
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(a_client_is_an_ipv4_address_or_a_v6_network_of_64_bits) {
    BOOST_TEST(client_key(address("192.0.2.1")) != client_key(address("192.0.2.2")));
    BOOST_TEST(client_key(address("2001:db8::1")) == client_key(address("2001:db8::ffff:1:2:3")));
    BOOST_TEST(client_key(address("2001:db8::1")) != client_key(address("2001:db8:0:1::1")));
    BOOST_TEST(client_key(address("192.0.2.1")) == client_key(address("64:ff9b::192.0.2.1")));
    BOOST_TEST(client_key(address("192.0.2.1")) != client_key(address("::192.0.2.1")));
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(the_table_counts_as_a_map_does_and_forgets_who_has_left) {
    std::mt19937 random(5);
    ClientTable table(64, 3);  // small enough that clients meet in it all the time
    std::map<ClientKey, unsigned> counts;
    std::size_t all = 0;
    std::size_t refused = 0;
    for (int i = 0; i < 200'000; ++i) {
        const ClientKey client = random() % 100 == 0 ? 0 : random() % 40 * 0x100000001U;
        if (random() % 2 == 0) {
            const bool may = counts[client] < 3 && all < 64;
            BOOST_REQUIRE_EQUAL(table.enter(client), may);
            refused += may ? 0 : 1;
            counts[client] += may ? 1 : 0;
            all += may ? 1 : 0;
        } else if (counts[client] != 0) {
            table.leave(client);
            --counts[client];
            --all;
        }
        std::erase_if(counts, [](const auto& one) { return one.second == 0; });
        BOOST_REQUIRE_EQUAL(table.clients(), counts.size());
    }
    BOOST_TEST(refused > 1000U);
}

// Covers: E-30, E-29
BOOST_AUTO_TEST_CASE(connections_of_one_address_are_bounded_and_others_are_served) {
    ConnectionLimits limits;
    limits.connections_per_address = 2;
    Server server(limits);
    Client first(server.address(), "127.0.0.2");
    Client second(server.address(), "127.0.0.2");
    BOOST_TEST(is_served(first));
    BOOST_TEST(is_served(second));
    Client third(server.address(), "127.0.0.2");
    BOOST_TEST(third.closed());
    BOOST_TEST(refused_by_address(server) == 1U);
    Client other(server.address(), "127.0.0.3");
    BOOST_TEST(is_served(other));
    BOOST_TEST(is_served(first));  // those that are in stay in
    first.half_close();
    BOOST_REQUIRE(server.reaches([&] { return open(server); }, 2));
    Client again(server.address(), "127.0.0.2");
    BOOST_TEST(is_served(again));
    BOOST_TEST(server.counters().refused.value() == 0U);
}

// Covers: E-29
BOOST_AUTO_TEST_CASE(a_thousand_requests_a_minute_from_one_address_are_all_answered) {
    Server server;  // the limits that hold by default
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 1000; ++i) {  // in one minute by its clock, and nobody closes
        clients.push_back(std::make_unique<Client>(server.address()));
        BOOST_REQUIRE(is_served(*clients.back()));
        if (i % 20 == 0)
            server.advance(seconds{1});
    }
    BOOST_TEST(refused_by_address(server) == 0U);
    const std::string status = clients.back()->try_send(get("/x")) ? clients.back()->response().head : "";
    for (const char* absent : {"Set-Cookie", "WWW-Authenticate", "Location"})
        BOOST_TEST(status.find(absent) == std::string::npos);
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(zero_is_no_limit_and_trusted_proxies_have_none) {
    ConnectionLimits none;
    none.connections_per_address = 0;
    ConnectionLimits trusting;
    trusting.connections_per_address = 1;
    trusting.trusted_proxies = networks({"::1", "127.0.0.0/30"});
    for (const ConnectionLimits& limits : {none, trusting}) {
        Server server(limits);
        std::vector<std::unique_ptr<Client>> clients;
        for (int i = 0; i < 20; ++i) {
            clients.push_back(std::make_unique<Client>(server.address(), "127.0.0.3"));
            BOOST_TEST(is_served(*clients.back()));
        }
        Client a(server.address(), "127.0.0.4");
        Client b(server.address(), "127.0.0.4");
        BOOST_TEST(is_served(a));
        BOOST_TEST(is_served(b) == (limits.connections_per_address == 0));
    }
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(behind_a_proxy_the_client_in_the_header_is_counted) {
    Server server(behind_proxy());
    std::vector<std::unique_ptr<Client>> clients;
    const auto connect = [&](const std::string& head) -> Client& {
        clients.push_back(std::make_unique<Client>(server.address(), "127.0.0.9"));
        clients.back()->send(head + get("/x"));
        return *clients.back();
    };
    BOOST_TEST(connect(v4_header("192.0.2.1")).response().body == "GET /x\n");
    BOOST_TEST(connect(v4_header("192.0.2.1")).response().status == 200);
    Client& third = connect(v4_header("192.0.2.1"));
    const Response refused = third.response();
    BOOST_TEST(refused.status == 503);
    BOOST_TEST(refused.field("cache-control") == "no-store");
    BOOST_TEST(refused.has("retry-after"));
    BOOST_TEST(third.closed());
    BOOST_TEST(refused_by_address(server) == 1U);
    BOOST_TEST(connect(v4_header("192.0.2.2")).response().status == 200);
    BOOST_TEST(connect(v6_header("2001:db8::1")).response().status == 200);
    BOOST_TEST(connect(v6_header("2001:db8::2")).response().status == 200);
    BOOST_TEST(connect(v6_header("2001:db8::3")).response().status == 503);  // of the same /64
    BOOST_TEST(connect(v6_header("2001:db8:0:1::3")).response().status == 200);
    for (int i = 0; i < 10; ++i)  // the proxy itself is not counted
        BOOST_TEST(connect(header(0x20, 0x00, "")).response().status == 200);
    // Forgotten with the last connection.
    clients.clear();
    BOOST_REQUIRE(server.reaches([&] { return open(server); }, 0));
    BOOST_TEST(connect(v4_header("192.0.2.1")).response().status == 200);
    BOOST_TEST(connect(v4_header("192.0.2.1")).response().status == 200);
}

// Covers: E-29
BOOST_AUTO_TEST_CASE(every_form_of_header_is_understood_and_its_vectors_are_skipped) {
    Server server(behind_proxy());
    const std::string at_most(limits::http_proxy_header_octets - 16 - 12, 't');
    const std::string tls("\x20\x00\x0f\x01\x00\x00\x00\x00\x21\x00\x07TLSv1.3", 18);
    for (const std::string& head :
         {v4_header("192.0.2.1"), v4_header("192.0.2.1", tls), v4_header("192.0.2.1", at_most),
          v6_header("2001:db8::1"), header(0x21, 0x12, std::string(12, 'a')),
          header(0x21, 0x22, std::string(36, 'b')), header(0x21, 0x31, std::string(216, '/')),
          header(0x21, 0x00, ""), header(0x21, 0x00, "ignored"), header(0x20, 0x00, ""),
          header(0x20, 0x11, std::string(12, 'c')), header(0x20, 0xff, "whatever it says")}) {
        Client client(server.address());
        BOOST_TEST(is_served(client, head));
        BOOST_TEST(is_served(client));  // and no second one is waited for
    }
    BOOST_TEST(header_faults(server) == 0U);
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(a_header_split_anywhere_is_the_same_header) {
    Server server(behind_proxy());
    const std::string all = v4_header("192.0.2.1", "\x04") + get("/a") + get("/b", "Connection: close\r\n");
    std::string whole;
    for (std::size_t split = 1; split < all.size(); ++split) {
        Client client(server.address());
        const std::uint64_t before = server.counters().octets_in.value();
        client.send(std::string_view{all}.substr(0, split));
        BOOST_REQUIRE(server.reaches([&] { return server.counters().octets_in.value(); }, before + split));
        client.send(std::string_view{all}.substr(split));
        const std::string answers = client.rest();
        whole = split == 1 ? answers : whole;
        BOOST_REQUIRE_EQUAL(answers, whole);
    }
    const auto responses = parse_responses(whole);
    BOOST_REQUIRE(responses.size() == 2U);
    BOOST_TEST(responses[0].body == "GET /a\n");
    BOOST_TEST(responses[1].body == "GET /b\n");
    Client client(server.address());  // and octet by octet
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::uint64_t before = server.counters().octets_in.value();
        client.send(std::string_view{all}.substr(i, 1));
        BOOST_REQUIRE(server.reaches([&] { return server.counters().octets_in.value(); }, before + 1));
    }
    BOOST_TEST(client.rest() == whole);
    server.advance(seconds{0});
    BOOST_TEST(server.counters().buffer_octets.value() == 0U);
}

// A body whose chunks are put together in place, behind a header that came in two pieces.
BOOST_AUTO_TEST_CASE(a_chunked_body_behind_a_split_header_is_whole) {
    Server server(behind_proxy());
    Client client(server.address());
    const std::string head = v4_header("192.0.2.1");
    const std::string body =
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n";
    client.send(head.substr(0, 20));
    BOOST_REQUIRE(server.reaches([&] { return server.counters().octets_in.value(); }, 20));
    client.send(head.substr(20) + body);
    BOOST_REQUIRE(
        server.reaches([&] { return server.counters().octets_in.value(); }, head.size() + body.size()));
    client.send("1\r\nf\r\n0\r\n\r\n");
    BOOST_TEST(client.response().body == "POST /x\nabcdef");
}

// Covers: E-20, E-29
BOOST_AUTO_TEST_CASE(a_listed_proxy_without_a_good_header_is_closed_without_an_answer) {
    Server server(behind_proxy());
    std::string wrong_signature = v4_header("192.0.2.1");
    wrong_signature[5] = 'x';
    const std::vector<std::string> bad{
        get("/x"),
        "\r\n" + get("/x"),
        "PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n" + get("/x"),
        wrong_signature,
        header(0x11, 0x11, std::string(12, 'a')),  // version 1 in binary
        header(0x31, 0x11, std::string(12, 'a')),
        header(0x22, 0x11, std::string(12, 'a')),  // no such command
        header(0x21, 0x13, std::string(12, 'a')),  // no such transport
        header(0x21, 0x41, std::string(12, 'a')),  // no such family
        header(0x21, 0x01, ""),
        header(0x21, 0x11, std::string(11, 'a')),  // too short for its addresses
        header(0x21, 0x21, std::string(35, 'a')),
        header(0x21, 0x31, std::string(215, 'a')),
        header(0x21, 0x11, std::string(limits::http_proxy_header_octets - 15, 'a'))};
    for (const std::string& octets : bad) {
        Client client(server.address());
        client.try_send(octets);
        std::string answer;
        try {
            answer = client.rest();
        } catch (const std::runtime_error&) {  // a reset: octets were left unread
        }
        BOOST_TEST(answer.empty());
    }
    BOOST_TEST(server.reaches([&] { return header_faults(server); }, bad.size()));
    BOOST_TEST(server.counters().requests[0].value() == 0U);
}

// Covers: E-20
BOOST_AUTO_TEST_CASE(a_header_from_anybody_else_is_a_malformed_request) {
    ConnectionLimits limits;
    limits.proxy_protocol_from = networks({"127.0.0.9"});
    Server server(limits);
    for (const std::string& head : {v4_header("192.0.2.1"), header(0x20, 0x00, ""),
                                    std::string("PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n")}) {
        Client client(server.address(), "127.0.0.8");
        client.send(head + get("/x"));
        const Response response = client.response();
        BOOST_TEST((response.status == 400 || response.status == 501));
        BOOST_TEST(response.field("connection") == "close");
        BOOST_TEST(client.closed());
    }
    // A listed one sends it once, not before each request.
    Client twice(server.address(), "127.0.0.9");
    BOOST_TEST(is_served(twice, v4_header("192.0.2.1")));
    twice.send(v4_header("192.0.2.2") + get("/x"));
    BOOST_TEST(twice.response().status == 400);
    BOOST_TEST(twice.closed());
    BOOST_TEST(server.counters().requests[0].value() == 1U);
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(a_header_has_the_time_of_a_request_and_no_more) {
    Server server(behind_proxy());
    Client silent(server.address());
    Client half(server.address());
    half.send(signature);
    BOOST_REQUIRE(server.reaches([&] { return server.counters().octets_in.value(); }, 12));
    BOOST_REQUIRE(server.reaches([&] { return open(server); }, 2));
    server.advance(seconds{9});
    half.send("\x21");
    BOOST_REQUIRE(server.reaches([&] { return server.counters().octets_in.value(); }, 13));
    BOOST_TEST(timeouts(server, Wait::request) == 0U);
    server.advance(seconds{1});
    BOOST_TEST(silent.closed());
    BOOST_TEST(half.closed());
    BOOST_TEST(timeouts(server, Wait::request) == 2U);
    server.advance(seconds{0});
    BOOST_TEST(server.counters().buffer_octets.value() == 0U);
    // After the header an idle connection is one like any other.
    Client idle(server.address());
    idle.send(v4_header("192.0.2.1"));
    BOOST_REQUIRE(server.reaches([&] { return server.counters().octets_in.value(); }, 13 + 28));
    server.advance(seconds{59});
    BOOST_TEST(is_served(idle));
}

// Whatever the octets: one verdict, at one octet.
// Covers: E-30
BOOST_AUTO_TEST_CASE(the_verdict_on_random_headers_falls_once_and_stays) {
    std::mt19937 random(11);
    const std::vector<std::string> seeds{v4_header("192.0.2.1", "tlv"), v6_header("2001:db8::1"),
                                         header(0x20, 0x00, ""), header(0x21, 0x31, std::string(216, 'u'))};
    std::array<unsigned, 3> seen{};
    for (int i = 0; i < 20'000; ++i) {
        std::string octets = seeds[random() % seeds.size()] + "GET";
        for (auto changes = random() % 3; changes != 0; --changes)
            octets[(random() % 4 == 0 ? random() : 12 + random() % 4) % octets.size()] =
                static_cast<char>(random());
        ProxyHeader last;
        for (std::size_t size = 0; size <= octets.size(); ++size) {
            const ProxyHeader now = read_proxy_header(as_bytes(octets).first(size));
            if (last.step != ProxyHeader::Step::more) {
                BOOST_REQUIRE(
                    (now.step == last.step && now.octets == last.octets && now.source == last.source));
            } else if (now.step == ProxyHeader::Step::complete) {
                const auto at = [&](std::size_t k) { return static_cast<unsigned char>(octets[k]); };
                BOOST_REQUIRE_EQUAL(octets.substr(0, 12), signature);
                BOOST_REQUIRE((at(12) == 0x20 || at(12) == 0x21));
                BOOST_REQUIRE_EQUAL(now.octets, size);
                BOOST_REQUIRE_EQUAL(size, 16U + 256U * at(14) + at(15));
                BOOST_REQUIRE_EQUAL(now.source.has_value(),
                                    at(12) == 0x21 && (at(13) >> 4 == 1 || at(13) >> 4 == 2));
            }
            last = now;
        }
        ++seen[static_cast<std::size_t>(last.step)];
    }
    for (const unsigned count : seen)
        BOOST_TEST(count > 100U);
}

}  // namespace eightbells::http::test
