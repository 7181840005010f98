#define BOOST_TEST_MODULE faults_clock
#include <boost/test/unit_test.hpp>
#include <ctime>
#include <thread>

#include "tests/faults/ladder.h"

// Clocks that are wrong, and hours in which nothing is signed. The hours are the programs' own: the library
// of hooks.cc moves their clocks and those of relying parties together.
using namespace eightbells::faults;
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

// The least that the configuration allows: every answer has four hours left when it is signed anew.
constexpr const char* shortest = "validity = \"8h\"\nrefresh = \"4h\"";

struct Clocks : Ladder {
    Clocks() : Ladder(8, shortest) { start(); }
    double clock_is(const std::string& state) const {
        return signer_says("eightbells_signer_clock_state{state=\"" + state + "\"}");
    }
    double unpublished() const { return signer_says("eightbells_signer_unpublished_changes{issuer=\"ca\"}"); }
    void step_signer(std::chrono::seconds by) const {
        at_signer->wall += std::chrono::nanoseconds{by}.count();
    }
    void stays_unpublished(const Row& row) const {
        BOOST_TEST(comes([&] { return unpublished() == 1; }), signer.log());
        await_looks();
        BOOST_TEST(!says_revoked(0, row.certificate()));
    }
    void lose_all_but_the_fronts() {
        signer.kill();
        redis.stop();
        std::filesystem::rename(authority().folder() / "index.txt", *this / "index-lost");
    }
    // Signing stops, serving goes on, and stays so until an operator accepts the clock, even when it is right
    // again.
    void stopped_until_accepted(const Row& row, std::chrono::seconds step_back) {
        BOOST_TEST(comes([&] { return clock_is("stepped") == 1; }), signer.log());
        row.revoke();
        step_signer(step_back);
        stays_unpublished(row);
        BOOST_TEST(operate({"clock", "accept"}).ok());
    }
};

const boost::unit_test::label quick{"quick"};

}  // namespace

BOOST_AUTO_TEST_SUITE(clocks)

// Covers: D-10
BOOST_AUTO_TEST_CASE(the_signers_clock_is_stepped_or_drifts) {
    Clocks ladder;
    {
        Row row{ladder, "Signer's clock stepped forwards by an hour"};
        ladder.step_signer(1h);
        ladder.stopped_until_accepted(row, -1h);
        row.end();
    }
    {
        Row row{ladder, "Signer's clock stepped backwards by an hour"};
        ladder.step_signer(-1h);
        ladder.stopped_until_accepted(row, 1h);
        row.end();
    }
    Row row{ladder, "Signer's clock drifts by more than a minute"};
    for (int times = 0; times < 8; ++times) {
        ladder.step_signer(10s);
        ladder.await_looks();
    }
    ladder.stopped_until_accepted(row, -80s);
    row.end();
}

// Covers: D-10
BOOST_AUTO_TEST_CASE(the_signers_clock_is_not_synchronised) {
    Clocks ladder;
    Row row{ladder, "Signer's clock not synchronised for 25 hours"};
    ladder.at_signer->synchronised = false;
    const auto refreshed = [&] {
        BOOST_TEST(
            comes([&] { return ladder.signer_says("eightbells_signer_pages_due{issuer=\"ca\"}") == 0; }));
        ladder.await_looks();
    };
    ladder.pass(61min);
    BOOST_TEST(comes([&] { return ladder.clock_is("unsynchronised") == 1; }), ladder.signer.log());
    refreshed();
    for (int hours = 2; hours < 24; hours += 2) {
        ladder.pass(2h);
        refreshed();
    }
    ladder.pass(2h);  // and signing stops
    row.revoke();
    ladder.stays_unpublished(row);
    ladder.at_signer->synchronised = true;
    row.end();
}

// At the worst moment: just before everything would have been signed anew.
// Covers: D-18, G-23
BOOST_AUTO_TEST_CASE(signer_redis_and_ca_are_lost_for_four_hours_and_a_minute, *quick) {
    Clocks ladder;
    ladder.lose_all_but_the_fronts();
    Row row{ladder, "Signer, Redis and CA lost for 4 hours and a minute"};
    ladder.pass(3h + 50min);
    for (int minute = 0; minute < 241; ++minute) {
        ladder.pass(1min);
        std::this_thread::sleep_for(20ms);  // relying parties ask at every minute
    }
    row.end_as_it_was();
}

// When at last everything expires, it ends with tryLater, to the second, and the fronts stay where they are:
// one that has nothing newer is as good as any other. Covers: C-17, C-05, G-24
BOOST_AUTO_TEST_CASE(nothing_is_served_past_its_end) {
    Clocks ladder;
    const double dark_at = ladder.signer_says("eightbells_signer_dark_at_timestamp_seconds{issuer=\"ca\"}");
    ladder.lose_all_but_the_fronts();
    const Told before = ask(ladder.url(), ladder.authority(), "good");
    std::tm parts{};
    BOOST_REQUIRE(::strptime(before.next_update.c_str(), "%y%m%d%H%M%SZ", &parts) != nullptr);
    const auto until = std::chrono::system_clock::from_time_t(::timegm(&parts));
    // The signer had said when that would be.
    BOOST_TEST(dark_at == static_cast<double>(::timegm(&parts)));
    BOOST_TEST((until - std::chrono::system_clock::now() > 4h));
    ladder.pass(std::chrono::floor<std::chrono::seconds>(until - std::chrono::system_clock::now()) - 20s);
    RelyingParties asking{ladder, ladder.authority(), {{"good", "good"}, {"revoked", "revoked"}}, fronts};
    for (std::size_t which = 0; which < fronts; ++which) {
        for (const char* name : {"good", "revoked"})
            BOOST_TEST(comes(
                [&] { return ask(ladder.url(which), ladder.authority(), name).refusal == "trylater (3)"; }));
        BOOST_TEST(ladder.front_ready(which));
    }
    const Account account = asking.stop();
    BOOST_TEST(account.expired == 0U, account);
    BOOST_TEST(account.failed == 0U, account);
    BOOST_TEST(account.sent > 2 * account.wrong, account);  // most were asked before the end
}

BOOST_AUTO_TEST_SUITE_END()
