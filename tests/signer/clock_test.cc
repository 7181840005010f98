#include <boost/test/unit_test.hpp>
#include <fstream>

#include "responder/base/durable_file.h"
#include "responder/signer/clock_guard.h"
#include "responder/signer/limits.h"
#include "tests/signer/world.h"

// A clock that cannot be believed stops signing, not serving (D-10).
using namespace eightbells;
using namespace eightbells::signer;
using namespace std::chrono_literals;
using metrics::ClockState;
using tests::World;

namespace {

// Time in the test's hand: `advance` moves both clocks, `step` only the wall clock.
struct Reference final : TimeReference {
    explicit Reference(const ManualClock& manual) : clock(manual) {}
    std::chrono::nanoseconds since_boot() const noexcept override {
        return boot + clock.steady().time_since_epoch();
    }
    bool is_synchronised() const noexcept override { return synchronised; }
    const ManualClock& clock;
    std::chrono::nanoseconds boot{1000h};
    bool synchronised = true;
};

struct Guarded {
    explicit Guarded(config::ClockCheck used = config::ClockCheck::synchronised) : check(used) { restart(); }
    void restart() {
        guard.reset();
        guard = std::make_unique<ClockGuard>(
            file(), check, clock, reference,
            [this](const ClockGuard::Reading& reading) { seen.push_back(reading); });
    }
    std::filesystem::path file() const { return folder.path() / "clock.json"; }
    bool signs() {
        const auto now = guard->trusted_now();
        BOOST_TEST((!now || *now == clock.now()));
        return now.has_value();
    }
    std::string why() {
        const auto now = guard->trusted_now();
        return now ? "" : now.error().message;
    }

    tests::Folder folder;
    ManualClock clock{*from_iso8601("2026-11-22T06:40:00Z")};
    Reference reference{clock};
    config::ClockCheck check;
    std::vector<ClockGuard::Reading> seen;
    std::unique_ptr<ClockGuard> guard;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(clock_guard)

// Covers: D-10
BOOST_AUTO_TEST_CASE(a_step_in_either_direction_stops_signing_until_it_is_accepted_across_restarts) {
    for (const seconds step : {seconds{1h}, seconds{-1h}, seconds{61}, seconds{-61}}) {
        BOOST_TEST_CONTEXT("a step of " << step.count() << " s") {
            Guarded guarded;
            BOOST_TEST(guarded.signs());
            guarded.clock.advance(10min);
            BOOST_TEST(guarded.signs());
            guarded.clock.step(step);
            BOOST_TEST(!guarded.signs());
            BOOST_TEST(guarded.why().find("D-10") != std::string::npos);
            BOOST_TEST(guarded.why().find(std::to_string(step.count()) + " s") != std::string::npos);
            BOOST_TEST((guarded.guard->reading().state == ClockState::stepped));
            guarded.clock.advance(48h);
            BOOST_TEST(!guarded.signs());
            guarded.clock.step(-step);  // put right again: still, nobody has looked at what was signed
            BOOST_TEST(!guarded.signs());
            guarded.restart();
            BOOST_TEST(!guarded.signs());
            BOOST_TEST(guarded.seen.back().why == guarded.guard->reading().why);
            BOOST_REQUIRE(guarded.guard->accept());
            BOOST_TEST(guarded.signs());
            BOOST_TEST((guarded.seen.back() == ClockGuard::Reading{}));
            guarded.restart();
            BOOST_TEST(guarded.signs());
        }
    }
}

// Covers: D-10
BOOST_AUTO_TEST_CASE(a_step_that_could_not_be_written_down_at_first_holds_across_restarts_too) {
    Guarded guarded;
    BOOST_REQUIRE(guarded.signs());
    const auto aside = guarded.folder.path() / "aside";
    std::filesystem::rename(guarded.file(), aside);
    std::filesystem::create_directory(guarded.file());  // where no file can be put in place
    guarded.clock.step(1h);
    BOOST_TEST(!guarded.signs());
    std::filesystem::remove(guarded.file());
    std::filesystem::rename(aside, guarded.file());
    guarded.clock.advance(1s);
    BOOST_TEST(!guarded.signs());
    guarded.restart();
    BOOST_TEST(!guarded.signs());
    BOOST_REQUIRE(guarded.guard->accept());
    BOOST_TEST(guarded.signs());
}

// Covers: D-10
BOOST_AUTO_TEST_CASE(what_ntp_corrects_in_its_course_does_not_stop_signing_but_many_such_steps_do) {
    Guarded guarded;
    guarded.clock.step(30s);
    BOOST_TEST(guarded.signs());
    guarded.clock.step(-55s);
    BOOST_TEST(guarded.signs());
    for (int i = 0; i < 3; ++i)
        guarded.clock.step(-20s);
    BOOST_TEST(!guarded.signs());
}

// Covers: D-10
BOOST_AUTO_TEST_CASE(a_start_with_a_clock_before_the_last_signing_is_a_step_back) {
    Guarded guarded;
    for (int minute = 0; minute < 120; ++minute) {
        guarded.clock.advance(1min);
        BOOST_REQUIRE(guarded.signs());
    }
    guarded.guard.reset();
    guarded.reference.boot = 5s;  // the machine was started anew, its clock an hour behind
    guarded.clock.step(-1h);
    guarded.restart();
    BOOST_TEST(!guarded.signs());
    BOOST_TEST(guarded.why().find("2026-11-22T08:40:00Z") != std::string::npos, guarded.why());
    BOOST_REQUIRE(guarded.guard->accept());
    BOOST_TEST(guarded.signs());
    // Half a minute is within what is written down.
    guarded.guard.reset();
    guarded.clock.step(-30s);
    guarded.restart();
    BOOST_TEST(guarded.signs());
}

// Covers: D-10
BOOST_AUTO_TEST_CASE(a_clock_that_is_not_synchronised_alarms_after_an_hour_and_stops_signing_after_a_day) {
    Guarded guarded;
    BOOST_TEST(guarded.signs());
    guarded.reference.synchronised = false;
    guarded.clock.advance(59min);
    BOOST_TEST(guarded.signs());
    BOOST_TEST((guarded.guard->reading().state == ClockState::trusted));
    guarded.clock.advance(1min);
    BOOST_TEST(guarded.signs());
    BOOST_TEST((guarded.guard->reading().state == ClockState::unsynchronised));
    BOOST_TEST(guarded.guard->reading().may_sign);
    BOOST_TEST(guarded.seen.size() == 1U);  // one alarm, not one a look
    guarded.clock.advance(22h);
    guarded.restart();  // a restart begins no new day
    BOOST_TEST((guarded.guard->reading().state == ClockState::unsynchronised));
    BOOST_TEST(guarded.signs());
    guarded.clock.advance(62min);
    BOOST_TEST(!guarded.signs());
    BOOST_TEST((guarded.guard->reading().state == ClockState::unsynchronised));
    BOOST_TEST(guarded.why().find("24 hours") != std::string::npos);
    guarded.reference.synchronised = true;
    BOOST_TEST(guarded.signs());
    BOOST_TEST((guarded.seen.back() == ClockGuard::Reading{}));
    guarded.reference.synchronised = false;
    guarded.clock.advance(25h);
    BOOST_TEST(!guarded.signs());
    BOOST_REQUIRE(guarded.guard->accept());  // the operator knows the time from elsewhere, for a day
    BOOST_TEST(guarded.signs());
    guarded.clock.advance(24h);
    BOOST_TEST(!guarded.signs());
}

BOOST_AUTO_TEST_CASE(the_check_can_be_told_to_look_at_steps_alone_or_at_nothing) {
    Guarded steps{config::ClockCheck::steps};
    steps.reference.synchronised = false;
    steps.clock.advance(240h);
    BOOST_TEST(steps.signs());
    steps.clock.step(1h);
    BOOST_TEST(!steps.signs());
    Guarded off{config::ClockCheck::off};
    off.reference.synchronised = false;
    off.clock.step(240h);
    BOOST_TEST(off.signs());
    BOOST_TEST(!std::filesystem::exists(off.file()));
}

BOOST_AUTO_TEST_CASE(what_was_written_down_and_cannot_be_read_stops_signing) {
    for (const std::string text :
         {"", "{", "[]", R"({"allowed":"yesterday","synchronised":"2026-11-22T06:40:00Z"})",
          R"({"allowed":5})"}) {
        Guarded guarded;
        BOOST_TEST(guarded.signs());
        guarded.guard.reset();
        std::ofstream(guarded.file()) << text;
        guarded.restart();
        BOOST_TEST(!guarded.signs());
        BOOST_TEST(guarded.why().find("clock.json") != std::string::npos);
        BOOST_REQUIRE(guarded.guard->accept());
        BOOST_TEST(guarded.signs());
    }
}

BOOST_AUTO_TEST_CASE(a_time_that_cannot_be_written_down_is_not_signed_with) {
    Guarded guarded;
    BOOST_TEST(guarded.signs());
    std::filesystem::remove(guarded.file());
    std::filesystem::create_directory(guarded.file());
    guarded.clock.advance(2min);
    BOOST_TEST(!guarded.signs());
    std::filesystem::remove(guarded.file());
    BOOST_TEST(guarded.signs());
}

// Covers: D-10
BOOST_AUTO_TEST_CASE(under_a_stepped_clock_nothing_is_signed_and_what_is_published_stays) {
    World world;
    Reference reference{world.clock};
    ClockGuard guard{world.folder.path() / "clock.json", config::ClockCheck::synchronised, world.clock,
                     reference, [](const ClockGuard::Reading&) {}};
    world.trusted_now = [&] { return guard.trusted_now(); };
    world.restart();
    world.issue(0, 50);
    world.settle();
    const auto before = world.head();
    const auto signatures = world.signatures();
    world.clock.step(13h);  // every page seems to be due
    world.apply(ledger::Action::revoke, 7);
    world.settle();
    BOOST_TEST((world.head() == before));
    BOOST_TEST(world.signatures() == signatures);
    BOOST_REQUIRE(world.state.fault.has_value());
    BOOST_TEST(world.state.fault->find("clock accept") != std::string::npos);
    BOOST_TEST(world.find(7).has_value());
    world.clock.step(-13h);
    BOOST_REQUIRE(guard.accept());
    world.clock.advance(limits::signing_retry);
    world.settle();
    BOOST_TEST(!world.state.fault.has_value());
    BOOST_TEST(world.find(7)->record.status.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
