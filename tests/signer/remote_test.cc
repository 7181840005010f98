#define BOOST_TEST_MODULE signer_remote
#include <poll.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>

#include "responder/signer/limits.h"
#include "tests/conformance/asking.h"
#include "tests/conformance/command.h"
#include "tests/live/openssl_secret.h"
#include "tests/signer/served_live.h"

// The signer's door for fronts on other machines, over real sockets. The peers are OpenSSL's command, or
// nobody's.
using namespace eightbells;
using namespace eightbells::signer;
using namespace std::chrono_literals;
using conformance::comes;
using conformance::Ended;
using tests::secret;
using tests::Served;

namespace {

struct Door {
    explicit Door(std::size_t secrets = 1) {
        LiveService::Doors doors;
        doors.listen = address;
        for (std::size_t i = 1; i <= secrets; ++i)
            doors.keys.push_back(live::key_of(secret(static_cast<std::uint8_t>(i))));
        doors.leads = [this] { return leads.load(); };
        served.emplace(std::nullopt, "EC -pkeyopt ec_paramgen_curve:P-256", std::move(doors));
    }
    // What `openssl s_client` gets when it proves itself by this secret and sends a call; it ends with the
    // connection, or when it has waited long enough for more.
    Ended call_by_openssl(const tls::Secret& by, const std::string& long_enough,
                          const std::vector<std::string>& more = {}) {
        std::vector<std::string> words{"timeout",  long_enough,        "openssl", "s_client",
                                       "-connect", to_string(address), "-tls1_3", "-quiet"};
        for (const std::string& word : more.empty() ? tests::openssl_proof(by) : more)
            words.push_back(word);
        const Bytes frame = served->call(7);
        return conformance::run(words, {}, as_text(frame));
    }
    std::uint64_t refused(metrics::Refused why) {
        return served->world.metrics.refused_connections(metrics::Door::live, why).value();
    }
    // What the last attempt met, where this machine did not stall for longer than a handshake may take.
    template <class Attempt>
    Ended refused_in_time(Attempt attempt) {
        Ended got;
        BOOST_REQUIRE(comes([&] {
            const std::uint64_t slow = refused(metrics::Refused::slow);
            got = attempt();
            return refused(metrics::Refused::slow) == slow;
        }));
        return got;
    }
    std::uint64_t answered() {
        return served->world.metrics.live_calls(metrics::LiveVerdict::signed_answer).value();
    }

    HostPort address{"127.0.0.1", conformance::free_port()};
    std::atomic<bool> leads{true};
    std::optional<Served> served;
};

// Somebody who connects.
class Peer {
  public:
    explicit Peer(const HostPort& to) {
        auto begun = tls::begin_connecting(to);
        BOOST_REQUIRE(begun);
        socket_ = std::move(*begun);
        pollfd one{socket_.get(), POLLOUT, 0};
        BOOST_REQUIRE(::poll(&one, 1, 60'000) == 1);
    }
    void send(ByteView octets) { ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL); }
    // The other end has ended it; what it said before is thrown away.
    bool ended(std::chrono::milliseconds at_most = conformance::patience) {
        const auto until = std::chrono::steady_clock::now() + at_most;
        while (true) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                until - std::chrono::steady_clock::now());
            pollfd one{socket_.get(), POLLIN, 0};
            if (::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(0, left.count()))) != 1)
                return false;
            std::uint8_t octets[4096];
            if (::recv(socket_.get(), octets, sizeof octets, 0) <= 0)
                return true;
        }
    }

  private:
    Descriptor socket_{-1};
};

// A front's end, that has proved itself.
class Front {
  public:
    Front(const HostPort& to, const tls::Secret& by)
        : context_(*tls::Context::make(tls::Context::Side::client, {live::key_of(by)})),
          connection_(context_.connection()) {
        auto begun = tls::begin_connecting(to);
        BOOST_REQUIRE(begun);
        socket_ = std::move(*begun);
        SSL_set_fd(connection_, socket_.get());
        SSL_set_connect_state(connection_);
        await([&] { return SSL_do_handshake(connection_); });
        proved_ = SSL_is_init_finished(connection_) == 1 && tls::proved(connection_);
    }
    ~Front() { SSL_free(connection_); }
    Front(const Front&) = delete;
    Front& operator=(const Front&) = delete;
    bool proved() const { return proved_; }
    std::optional<live::Reply> call(const Bytes& frame) {
        if (SSL_write(connection_, frame.data(), static_cast<int>(frame.size())) <= 0)
            return std::nullopt;
        Bytes in;
        while (true) {
            ByteView rest = in;
            if (auto reply = *live::take_reply(rest))
                return reply;
            std::uint8_t octets[4096];
            const int got = await([&] { return SSL_read(connection_, octets, sizeof octets); });
            if (got <= 0)
                return std::nullopt;
            in.insert(in.end(), octets, octets + got);
        }
    }

  private:
    template <class Step>
    int await(Step step) {
        while (true) {
            const int result = step();
            const int why = SSL_get_error(connection_, result);
            if (result > 0 || (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE))
                return result;
            pollfd one{socket_.get(), static_cast<short>(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
            if (::poll(&one, 1, 60'000) != 1)
                return -1;
        }
    }

    tls::Context context_;
    SSL* connection_;
    Descriptor socket_{-1};
    bool proved_ = false;
};

// In the end: who stalls for longer than a handshake may take is refused, and tries again.
std::unique_ptr<Front> come_in(const HostPort& to, const tls::Secret& by, std::size_t* failed = nullptr) {
    std::unique_ptr<Front> front;
    BOOST_REQUIRE(comes([&] {
        front = std::make_unique<Front>(to, by);
        if (failed != nullptr && !front->proved())
            ++*failed;
        return front->proved();
    }));
    return front;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(the_door_for_other_machines)

// Covers: H-12
BOOST_AUTO_TEST_CASE(a_call_by_openssl_is_answered_and_openssl_verifies_the_answer) {
    Door door;
    Ended got;
    BOOST_REQUIRE(comes([&] {
        got = door.call_by_openssl(secret(1), "4");
        return !got.out.empty();
    }));
    const Bytes octets(got.out.begin(), got.out.end());
    ByteView rest = octets;
    const auto reply = live::take_reply(rest);
    BOOST_REQUIRE((reply && *reply && (*reply)->verdict == live::Verdict::signed_answer));
    BOOST_TEST((*reply)->id == 7U);
    BOOST_TEST(rest.empty());
    const auto folder = door.served->world.folder.path();
    conformance::replace_text(folder / "answer.der", as_text((*reply)->response));
    const Ended judged = conformance::run(
        {"openssl", "ocsp", "-respin", "answer.der", "-issuer", "issuer.pem", "-CAfile", "issuer.pem",
         "-sha256", "-serial", "0x" + to_hex(tests::World::serial(1).magnitude())},
        folder);
    BOOST_TEST(judged.all().find("Response verify OK") != std::string::npos, judged.all());
    BOOST_TEST(judged.all().find(": good") != std::string::npos, judged.all());
}

BOOST_AUTO_TEST_CASE(who_has_not_the_secret_gets_nothing) {
    Door door;
    const std::string name = live::key_of(secret(1)).name;
    const std::vector<std::string> strangers[] = {
        // another secret under its own name, and under the right one
        {"-psk_identity", live::key_of(secret(9)).name, "-psk", to_hex(secret(9))},
        {"-psk_identity", name, "-psk", to_hex(secret(9))},
        {"-ign_eof"},  // TLS with none
    };
    for (const auto& how : strangers) {
        const Ended got = door.refused_in_time([&] { return door.call_by_openssl(secret(9), "30", how); });
        BOOST_TEST(got.code != 0);
        BOOST_TEST(got.code != 124, "it was left connected: " << got.all());
        BOOST_TEST(got.out.empty());
    }
    // TLS 1.2 with the right secret, and no TLS at all.
    const Ended older = door.refused_in_time([&] {
        return conformance::run({"timeout", "30", "openssl", "s_client", "-connect", to_string(door.address),
                                 "-tls1_2", "-psk_identity", name, "-psk", to_hex(secret(1))});
    });
    BOOST_TEST(older.code != 0);
    door.refused_in_time([&] {
        Peer plain{door.address};
        plain.send(door.served->call(1));
        BOOST_TEST(plain.ended());
        return Ended{};
    });
    BOOST_TEST(door.answered() == 0U);
    BOOST_TEST(door.refused(metrics::Refused::secret) == 4U);
    BOOST_TEST(door.refused(metrics::Refused::not_tls) == 1U);
    BOOST_TEST(come_in(door.address, secret(1))->call(door.served->call(1)).has_value());
}

BOOST_AUTO_TEST_CASE(while_a_secret_is_changed_both_are_believed) {
    Door door{2};
    for (const std::uint8_t which : {std::uint8_t{1}, std::uint8_t{2}})
        BOOST_TEST(come_in(door.address, secret(which))->call(door.served->call(1)).has_value());
    BOOST_TEST(!Front(door.address, secret(3)).proved());
}

// As many as there are places, and more, that begin and do not go on.
BOOST_AUTO_TEST_CASE(who_says_nothing_keeps_nobody_out_and_is_dropped) {
    Door door;
    std::size_t failed = 0;
    const auto before = come_in(door.address, secret(1), &failed);
    std::vector<std::unique_ptr<Peer>> silent;
    BOOST_TEST(comes([&] {
        const std::size_t first = silent.size();
        for (std::size_t i = 0; i < limits::remote_unproved + 20; ++i) {
            silent.push_back(std::make_unique<Peer>(door.address));
            if (i % 2 == 0)
                silent.back()->send(*from_hex("16030100c8010000c40303"));  // a ClientHello's beginning
        }
        return silent[first]->ended(1s);  // pushed out: the newest comer takes the oldest's place
    }));
    const auto after = come_in(door.address, secret(1), &failed);
    BOOST_TEST(after->call(door.served->call(1)).has_value());
    BOOST_TEST(before->call(door.served->call(2)).has_value());
    for (const auto& one : silent)
        BOOST_TEST(one->ended());
    BOOST_TEST(before->call(door.served->call(3)).has_value());
    BOOST_TEST(door.refused(metrics::Refused::slow) >= silent.size());
    BOOST_TEST(door.refused(metrics::Refused::slow) <= silent.size() + failed);
}

// A stranger that sends octets now and then is not waited for longer either.
BOOST_AUTO_TEST_CASE(a_handshake_that_goes_on_slowly_has_no_more_time) {
    Door door;
    Bytes beginning = *from_hex("16030100c8010000c40303");
    beginning.resize(200);  // at the pace below a minute's
    std::size_t sent = 0;
    const auto began = std::chrono::steady_clock::now();
    Peer slow{door.address};
    BOOST_TEST(comes([&] {
        if (sent < beginning.size())
            slow.send(ByteView{beginning}.subspan(sent++, 1));
        return slow.ended(300ms);
    }));
    BOOST_TEST((std::chrono::steady_clock::now() - began >= limits::remote_handshake));
    BOOST_TEST((std::chrono::steady_clock::now() - began < limits::remote_handshake + 30s));
}

BOOST_AUTO_TEST_CASE(a_signer_that_does_not_lead_takes_no_calls) {
    Door door;
    const auto front = come_in(door.address, secret(1));
    BOOST_TEST(front->call(door.served->call(1)).has_value());
    door.leads = false;
    BOOST_TEST(!front->call(door.served->call(2)));
    BOOST_TEST(Peer(door.address).ended());
    BOOST_TEST(!Front(door.address, secret(1)).proved());
    BOOST_TEST(door.answered() == 1U);
    door.leads = true;
    BOOST_TEST(come_in(door.address, secret(1))->call(door.served->call(3)).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
