#include "responder/pair/channel.h"

#include <poll.h>

#include <boost/test/unit_test.hpp>
#include <thread>

#include "responder/pair/limits.h"
#include "tests/cache/temporary_folder.h"
#include "tests/conformance/asking.h"
#include "tests/conformance/command.h"

using namespace eightbells;
using namespace eightbells::pair;
using namespace std::chrono_literals;

namespace {

Secret secret(std::uint8_t fill) {
    Secret made;
    made.fill(fill);
    return made;
}

struct Counted {
    std::vector<tls::Refusal> all;
    tls::Refusals refusals{"here", [this](tls::Refusal why) { all.push_back(why); }};
    bool only(tls::Refusal why) const { return all == std::vector{why}; }
};

struct Ends {
    Result<std::unique_ptr<Channel>> client{fail("")};
    Result<std::unique_ptr<Channel>> server{fail("")};
};

void await_somebody(const Listener& listener) {
    pollfd one{listener.fd(), POLLIN, 0};
    BOOST_REQUIRE(::poll(&one, 1, 60'000) == 1);
}

// Both prove themselves with the secret that each has.
Ends join_once(const Secret& clients, const Secret& servers, Counted& counted) {
    const HostPort address{"127.0.0.1", conformance::free_port()};
    auto listener = Listener::open(address);
    BOOST_REQUIRE(listener);
    Ends ends;
    std::thread connecting{[&] { ends.client = Channel::connect(address, clients); }};
    await_somebody(*listener);
    ends.server = Channel::accept(listener->accept("127.0.0.1", counted.refusals), servers, counted.refusals);
    connecting.join();
    return ends;
}

// Again, where one end stalled for longer than limits::pair_handshake.
Ends join(const Secret& clients, const Secret& servers, Counted& counted) {
    Ends ends;
    BOOST_REQUIRE(conformance::comes([&] {
        counted.all.clear();
        ends = join_once(clients, servers, counted);
        return clients == servers ? ends.client && ends.server : !counted.only(tls::Refusal::slow);
    }));
    return ends;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(the_channel)

BOOST_AUTO_TEST_CASE(carries_messages_both_ways) {
    Counted counted;
    const Ends ends = join(secret(1), secret(1), counted);
    BOOST_REQUIRE_MESSAGE(ends.client, ends.client.error().message);
    BOOST_REQUIRE_MESSAGE(ends.server, ends.server.error().message);
    const Record large{{7, Bytes(3'000'000, 0x5a)}};
    bool sent = false;
    std::thread sending{[&] { sent = (*ends.server)->send(large).has_value(); }};
    const auto got = (*ends.client)->receive(60s);
    sending.join();
    BOOST_TEST(sent);
    BOOST_REQUIRE((got && *got));
    BOOST_TEST((**got == Message{large}));
    BOOST_REQUIRE((*ends.client)->send(Done{7}));
    BOOST_REQUIRE((*ends.client)->send(Beat{}));
    BOOST_TEST((**(*ends.server)->receive(60s) == Message{Done{7}}));
    BOOST_TEST((**(*ends.server)->receive(60s) == Message{Beat{}}));
    BOOST_TEST(!*(*ends.server)->receive(1ms));
    BOOST_TEST(counted.all.empty());
}

// A copy of a whole ledger that is on its way keeps nobody from ending.
BOOST_AUTO_TEST_CASE(gives_up_soon_when_it_is_to_end) {
    Counted counted;
    const Ends ends = join(secret(1), secret(1), counted);
    BOOST_REQUIRE((ends.client && ends.server));
    const std::atomic<bool> stopping{true};
    (*ends.server)->end_when(stopping);
    const auto began = std::chrono::steady_clock::now();
    const Record large{{7, Bytes(30'000'000, 0x5a)}};  // nobody takes it
    BOOST_TEST(!(*ends.server)->send(large));
    BOOST_TEST((std::chrono::steady_clock::now() - began < limits::pair_silence));
}

BOOST_AUTO_TEST_CASE(does_not_come_about_with_another_store_key) {
    Counted counted;
    const Ends ends = join(secret(1), secret(2), counted);
    BOOST_TEST(!ends.client);
    BOOST_TEST(!ends.server);
    BOOST_TEST(counted.only(tls::Refusal::secret));
}

// Whoever is not a signer of the pair: without TLS, with a certificate, or with nothing to say.
BOOST_AUTO_TEST_CASE(does_not_come_about_with_a_stranger) {
    const HostPort address{"127.0.0.1", conformance::free_port()};
    auto listener = Listener::open(address);
    BOOST_REQUIRE(listener);
    const std::string at = "127.0.0.1:" + std::to_string(address.port);
    Counted counted;
    BOOST_TEST(conformance::comes([&] {  // a program that stalls is slow, and asked again
        counted.all.clear();
        int code = 0;
        std::thread client{[&] {
            code = conformance::run({"openssl", "s_client", "-connect", at, "-tls1_3"}).code;
        }};
        await_somebody(*listener);
        BOOST_TEST(
            !Channel::accept(listener->accept("127.0.0.1", counted.refusals), secret(1), counted.refusals));
        client.join();
        BOOST_TEST(code != 0);
        return counted.only(tls::Refusal::secret);
    }));
    BOOST_TEST(!listener->accept("127.0.0.1", counted.refusals).open());
    // And one that speaks no TLS.
    auto plain = tls::begin_connecting(address);
    BOOST_REQUIRE(plain);
    pollfd writable{plain->get(), POLLOUT, 0};
    ::poll(&writable, 1, 60'000);
    ::send(plain->get(), "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
    await_somebody(*listener);
    BOOST_TEST(
        !Channel::accept(listener->accept("127.0.0.1", counted.refusals), secret(1), counted.refusals));
    BOOST_TEST((counted.all == std::vector{tls::Refusal::secret, tls::Refusal::not_tls}));
}

BOOST_AUTO_TEST_CASE(does_not_come_about_with_a_server_that_has_a_certificate_instead) {
    const HostPort address{"127.0.0.1", conformance::free_port()};
    const TemporaryFolder folder;
    const auto made =
        conformance::run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                          "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=stranger"},
                         folder.path());
    BOOST_REQUIRE_MESSAGE(made.code == 0, made.all());
    conformance::Program server{{"/usr/bin/openssl", "s_server", "-accept", std::to_string(address.port),
                                 "-cert", "cert.pem", "-key", "key.pem", "-tls1_3", "-www"},
                                folder.path(),
                                folder.path() / "log"};
    server.start();
    Result<std::unique_ptr<Channel>> channel{fail("")};
    BOOST_TEST(conformance::comes([&] {
        channel = Channel::connect(address, secret(1));
        return channel || channel.error().message.find("without the key of the pair") != std::string::npos;
    }));
    BOOST_REQUIRE_MESSAGE(!channel, "it came about");
    BOOST_TEST_MESSAGE(channel.error().message);
    server.stop();
}

BOOST_AUTO_TEST_CASE(is_opened_to_the_other_signer_only) {
    const HostPort address{"127.0.0.1", conformance::free_port()};
    auto listener = Listener::open(address);
    BOOST_REQUIRE(listener);
    Ends ends;
    std::thread connecting{[&] { ends.client = Channel::connect(address, secret(1)); }};
    await_somebody(*listener);
    Counted counted;
    BOOST_TEST(!listener->accept("192.0.2.7", counted.refusals).open());
    BOOST_TEST(counted.only(tls::Refusal::address));
    connecting.join();
    BOOST_TEST(!ends.client);
}

BOOST_AUTO_TEST_SUITE_END()
