#define BOOST_TEST_MODULE conformance_fresh
#include <boost/test/unit_test.hpp>

#include "tests/conformance/world.h"

// Stored or live answers, each issuer by its own configuration, in one installation.
using namespace eightbells::conformance;

namespace {

struct Both : RunWorld {
    Both()
        : RunWorld(
              {{"stored", KeyKind::p256, false, ""}, {"live", KeyKind::p256, false, "answers = \"live\""}}) {
        start();
    }
    double calls() const {
        return value_of(signer_metrics(), "eightbells_signer_live_calls_total{verdict=\"signed_answer\"}");
    }
    // producedAt, as OpenSSL prints it: of two answers a second apart.
    std::string produced_at(const std::string& issuer) const {
        const Told told = ask(url(), ca(issuer), "good");
        BOOST_TEST(told.good(), told.all);
        const Ended text = run({"openssl", "ocsp", "-url", url(), "-issuer", "issuer.pem", "-CAfile",
                                "issuer.pem", "-no_nonce", "-cert", "good.pem", "-resp_text"},
                               ca(issuer).folder());
        const auto at = text.out.find("Produced At:");
        BOOST_REQUIRE_MESSAGE(at != std::string::npos, text.all());
        return text.out.substr(at, text.out.find('\n', at) - at);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(fresh_answers)

// Covers: D-01
BOOST_AUTO_TEST_CASE(are_signed_for_each_request_where_the_issuer_says_so_and_stored_where_not) {
    Both world;
    const std::string stored = world.produced_at("stored");
    BOOST_TEST(world.calls() == 0);
    // A call that comes back too late is answered by what is stored, so it may take more than one.
    std::string live;
    BOOST_TEST(comes([&] {
        live = world.produced_at("live");
        return world.calls() > 0;
    }));
    BOOST_TEST(comes([&] { return world.produced_at("live") != live; }));
    BOOST_TEST(world.produced_at("stored") == stored);
    for (const char* issuer : {"stored", "live"}) {
        BOOST_TEST(ask(world.url(), world.ca(issuer), "revoked").status == "revoked");
        BOOST_TEST(ask(world.url(), world.ca(issuer), "hold").status == "revoked");
        BOOST_TEST(ask(world.url(), world.ca(issuer), "good", "sha1").good());
    }
}

BOOST_AUTO_TEST_SUITE_END()
