#define BOOST_TEST_MODULE front_live
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>

#include "responder/front/limits.h"
#include "responder/front/live_client.h"
#include "responder/tls/loop.h"
#include "tests/cache/temporary_folder.h"
#include "tests/conformance/asking.h"
#include "tests/conformance/command.h"
#include "tests/live/openssl_secret.h"

// The front's end of the private call to other machines. The other end is OpenSSL's command, or nobody.
using namespace eightbells;
using namespace eightbells::front;
using namespace std::chrono_literals;
using conformance::Program;
using tests::secret;

namespace {

// A server that speaks TLS as a signer does, but takes no calls.
class Server {
  public:
    Server(const TemporaryFolder& folder, const tls::Secret& by, std::vector<std::string> more = {})
        : address_{"127.0.0.1", conformance::free_port()},
          program_(words(address_.port, by, std::move(more)), folder.path(),
                   folder / fmt::format("{}.log", address_.port)) {}
    const HostPort& address() const { return address_; }
    Program& operator*() { return program_; }

  private:
    static std::vector<std::string> words(std::uint16_t port, const tls::Secret& by,
                                          std::vector<std::string> more) {
        std::vector<std::string> all{"/usr/bin/openssl",   "s_server", "-accept",
                                     std::to_string(port), "-tls1_3",  "-quiet"};
        if (more.empty()) {
            more = tests::openssl_proof(by);
            more.insert(more.end(), {"-rev", "-nocert"});
        }
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    HostPort address_;
    Program program_;
};

struct Client {
    explicit Client(std::vector<HostPort> addresses)
        : live(base.get(), places(std::move(addresses)), clock) {}
    static SignerPlaces places(std::vector<HostPort> addresses) {
        auto context = tls::Context::make(tls::Context::Side::client, {live::key_of(secret(1))});
        return {{}, std::move(addresses), std::make_shared<const tls::Context>(std::move(*context))};
    }
    bool comes(const std::function<bool()>& there, std::chrono::milliseconds limit = 60s) {
        return conformance::comes(
            [&] {
                event_base_loop(base.get(), EVLOOP_NONBLOCK);
                return there();
            },
            limit);
    }
    bool connects(std::chrono::milliseconds limit = 60s) {
        return comes([&] { return live.connected(); }, limit);
    }

    std::unique_ptr<event_base, decltype(&tls::free_loop)> base{event_base_new(), &tls::free_loop};
    ManualClock clock{SystemClock{}.now()};  // of calls: none is too late here
    LiveClient live;
};

struct Heard final : LiveClient::Waiting {
    explicit Heard(std::string& to) : said(to) {}
    void replied(const live::Call&, const live::Reply&) noexcept override { said = "replied"; }
    void unanswered(const live::Call&, bool late) noexcept override { said = late ? "late" : "lost"; }
    std::string& said;
};

live::Call some_call() {
    live::Call call;
    call.issuer = "ca";
    call.cert_ids = {*from_hex("303a300906052b0e03021a05000414" + std::string(40, 'a') + "0414" +
                               std::string(40, 'b') + "020101")};
    return call;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(signers_on_other_machines)

BOOST_AUTO_TEST_CASE(the_one_that_has_the_secret_is_found_and_when_it_ends_the_next) {
    const TemporaryFolder folder;
    Server first{folder, secret(1)};
    Server second{folder, secret(1)};
    (*first).start();
    Client client{{first.address(), second.address()}};
    BOOST_REQUIRE(client.connects());
    BOOST_TEST(client.live.ready());
    std::string said;
    BOOST_REQUIRE(client.live.call(some_call(), std::make_unique<Heard>(said)));
    (*second).start();
    (*first).kill();
    BOOST_TEST(client.comes([&] { return said == "lost"; }));
    BOOST_TEST(client.connects());
    (*second).kill();
    BOOST_TEST(client.comes([&] { return !client.live.connected(); }));
    BOOST_TEST(!client.live.ready());
    (*first).start();
    BOOST_TEST(client.connects());
}

BOOST_AUTO_TEST_CASE(another_secret_a_certificate_or_silence_is_no_signer) {
    const TemporaryFolder folder;
    conformance::must({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                       "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=stranger"},
                      folder.path());
    Server wrong{folder, secret(2)};
    Server certified{folder, secret(1), {"-www", "-cert", "cert.pem", "-key", "key.pem"}};
    (*wrong).start();
    (*certified).start();
    auto silent = tls::listen_at({"127.0.0.1", conformance::free_port()}, 64);
    BOOST_REQUIRE(silent);
    sockaddr_storage at{};
    socklen_t size = sizeof at;
    BOOST_REQUIRE(::getsockname(silent->get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    const HostPort unheard{"127.0.0.1", ntohs(reinterpret_cast<const sockaddr_in&>(at).sin_port)};
    {
        Client client{{wrong.address(), certified.address(), unheard}};
        BOOST_TEST(!client.connects(5s));
    }
    // They are passed by, the silent one after limits::live_handshake.
    Server right{folder, secret(1)};
    (*right).start();
    Client client{{wrong.address(), certified.address(), unheard, right.address()}};
    const auto began = std::chrono::steady_clock::now();
    BOOST_TEST(client.connects());
    BOOST_TEST((std::chrono::steady_clock::now() - began >= limits::live_handshake));
}

// A thousandth of what trying without a pause would be.
BOOST_AUTO_TEST_CASE(one_that_is_not_there_is_tried_now_and_then) {
    auto listening = tls::listen_at({"127.0.0.1", conformance::free_port()}, 64);
    BOOST_REQUIRE(listening);
    sockaddr_storage at{};
    socklen_t size = sizeof at;
    BOOST_REQUIRE(::getsockname(listening->get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    const HostPort address{"127.0.0.1", ntohs(reinterpret_cast<const sockaddr_in&>(at).sin_port)};
    Client client{{address}};
    int tries = 0;
    const auto began = std::chrono::steady_clock::now();
    BOOST_TEST(client.comes([&] {
        const Descriptor one{::accept4(listening->get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        tries += one.open();
        return tries == 5;
    }));
    // After 0, 200, 600, 1400 and 3000 ms.
    BOOST_TEST((std::chrono::steady_clock::now() - began >= 2900ms));
}

BOOST_AUTO_TEST_CASE(the_secrets_file_is_needed_where_signers_are_named) {
    const TemporaryFolder folder;
    config::Front settings;
    settings.live_signers = {"127.0.0.1:1", "[::1]:2"};
    settings.live_secret_file = folder / "live-secret";
    const auto refused = SignerPlaces::of(settings);
    BOOST_REQUIRE(!refused);
    BOOST_TEST(refused.error().message.find("front.live_secret_file") != std::string::npos);
    BOOST_REQUIRE(live::load_or_create_secrets(settings.live_secret_file));
    const auto places = SignerPlaces::of(settings);
    BOOST_REQUIRE(places);
    BOOST_TEST(places->addresses.at(1).host == "::1");
    BOOST_TEST(places->addresses.at(1).port == 2);
}

BOOST_AUTO_TEST_SUITE_END()
