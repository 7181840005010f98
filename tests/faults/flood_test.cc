#define BOOST_TEST_MODULE faults_flood
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include "tests/faults/ladder.h"

// Clients that ask for what is dear, as fast as they can.
using namespace eightbells::faults;
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

const boost::unit_test::label quick{"quick"};
constexpr double budget = 20;  // live answers a second

class Flooded : public RunWorld {
  public:
    Flooded()
        : RunWorld({{"ca", KeyKind::p256, false, fmt::format("nonce = \"echo\"\nlive_budget = {}", budget)}}),
          control_(*this / "control"),
          all_(control_) {
        for (const char* name : {"serials", "nonces"})
            ca("ca").issue(name);
        start();
    }
    double signed_live() const {
        return value_of(signer_metrics(), "eightbells_signer_live_calls_total{verdict=\"signed_answer\"}");
    }
    double calls() const { return sum_of(signer_metrics(), "eightbells_signer_live_calls_total"); }
    double refreshed() const { return sum_of(signer_metrics(), "eightbells_signer_pages_refreshed_total"); }

    // While the flood comes, until `there`: a revocation is seen, and what falls due is signed anew, within
    // what a busy machine may take, not when the flood is over. The seconds it took.
    template <class There>
    double flood(const std::string& with, const There& there) {
        Authority& authority = ca("ca");
        Program flood{{"/usr/bin/python3", EIGHTBELLS_SOURCE_DIR "/tests/faults/flood.py", "--at",
                       fmt::format("127.0.0.1:{}", port()), "--issuer", (authority / "issuer.pem").string(),
                       "--certificate", (authority / "good.pem").string(), "--with", with},
                      *this / "",
                      *this / (with + ".log")};
        const auto began = std::chrono::steady_clock::now();
        flood.start();
        BOOST_REQUIRE(comes([&] { return flood.log().find("flooding") != std::string::npos; }));
        BOOST_TEST(tell("revoke", authority, with, {"--reason", "superseded"}).ok());
        BOOST_TEST(comes([&] { return ask(url(), authority, with).revoked("superseded"); }));
        const double before = refreshed();
        control_->passed += std::chrono::nanoseconds{13h}.count();
        BOOST_TEST(comes([&] { return refreshed() > before; }));
        BOOST_TEST(comes(there));
        BOOST_TEST(flood.stop() == 0, flood.log());
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    }

  private:
    ControlFile control_;
    ControlOfAll all_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(flood)

//
BOOST_AUTO_TEST_CASE(costs_no_signature_beyond_the_budget_and_delays_nothing, *quick) {
    Flooded world;
    world.flood("serials", [] { return true; });
    BOOST_TEST(world.calls() == 0);
    // The others get what was signed ahead.
    const double seconds = world.flood("nonces", [&] {
        const double live = world.signed_live();
        return live > 0 && world.calls() > live;
    });
    BOOST_TEST(world.signed_live() <= budget * (seconds + 1) + 1);
}

BOOST_AUTO_TEST_SUITE_END()
