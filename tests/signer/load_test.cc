#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>

#include "responder/signer/due_moments.h"
#include "responder/signer/limits.h"
#include "responder/signer/schedule.h"
#include "tests/signer/world.h"

using namespace eightbells;
using namespace eightbells::tests;

// How evenly the signer works, over simulated days.
namespace {

constexpr unsigned certificates = 4000;  // 64 pages, sixteen in three hours

// A world whose publisher keeps its own pace; each minute it looks once, which is seldomer than it really
// does.
struct PacedWorld : World {
    PacedWorld() {
        catch_up = limits::catch_up;
        issue(0, certificates);
        restart();
        settle();
        BOOST_REQUIRE(state.complete);
        BOOST_REQUIRE(state.pages == 64);
    }
    // Signatures of each of `windows` spells of time.
    std::vector<std::uint64_t> work(std::size_t windows, seconds each,
                                    const std::function<void(int)>& at_minute) {
        std::vector<std::uint64_t> made;
        for (std::size_t i = 0; i < windows; ++i) {
            const auto before = signatures();
            for (seconds passed{}; passed < each; passed += 60s) {
                clock.advance(60s);
                at_minute(minute++);
                settle();
                BOOST_REQUIRE_MESSAGE(!state.fault, *state.fault);
            }
            made.push_back(signatures() - before);
        }
        return made;
    }
    int minute = 0;
};

double mean(const std::vector<std::uint64_t>& counts) {
    return static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0})) /
           static_cast<double>(counts.size());
}
void check_level(const std::vector<std::uint64_t>& counts) {
    for (const std::uint64_t one : counts) {
        BOOST_TEST(static_cast<double>(one) >= 0.9 * mean(counts));
        BOOST_TEST(static_cast<double>(one) <= 1.1 * mean(counts));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(load)

// Serials as they really fall into pages. With a million the extremes are 12 % off: so few draws a minute.
// Covers: D-19
BOOST_AUTO_TEST_CASE(with_two_million_certificates_every_minute_of_the_period_signs_as_much_within_a_tenth) {
    constexpr unsigned bits = 15;
    constexpr seconds period = 12h;
    std::vector<std::uint64_t> sizes(std::size_t{1} << bits);
    crypto::Sha256 sha256;
    for (unsigned n = 0; n < 2'000'000; ++n)
        ++sizes[cache::page_index(crypto::serial_hash(sha256, World::serial(n).magnitude()), bits)];
    std::vector<std::uint64_t> minutes(720);
    const UtcTime begin = from_unix(1'795'000'000);
    for (std::uint32_t index = 0; index < sizes.size(); ++index) {
        const seconds after = DueMoments{begin + period - 1s, period, bits}.last(index) - begin;
        minutes[static_cast<std::size_t>(after / 60s)] += sizes[index];
    }
    check_level(minutes);
}

// Covers: D-19, D-20
BOOST_AUTO_TEST_CASE(the_load_stays_level_over_days_in_which_certificates_are_added_and_revoked_and_expire) {
    PacedWorld world;
    (void)world.work(4, 3h, [](int) {});  // the first period brings pages to their moments
    unsigned next = certificates;
    UtcTime last_this_update{};
    const auto made = world.work(16, 3h, [&](int minute) {
        if (minute % 120 == 0)
            world.issue(next++, 1);
        if (minute % 180 == 0)
            world.apply(ledger::Action::revoke, static_cast<unsigned>(minute), CrlReason::superseded);
        if (minute % 60 != 0)
            return;
        const auto found = world.find(1);
        BOOST_REQUIRE(found.has_value());
        BOOST_TEST((found->record.times.this_update >= last_this_update));
        BOOST_TEST((found->record.times.next_update > world.clock.now() + 4h));
        last_this_update = found->record.times.this_update;
    });
    check_level(made);
}

// Covers: D-17, D-19
BOOST_AUTO_TEST_CASE(
    after_two_hours_without_a_signer_revocations_go_first_and_the_rest_is_caught_up_without_a_peak) {
    PacedWorld world;
    (void)world.work(4, 3h, [](int) {});
    const double hour = mean(world.work(12, 1h, [](int) {}));
    world.clock.advance(2h);
    world.apply(ledger::Action::revoke, 7, CrlReason::key_compromise);
    world.restart();
    const auto before = world.signatures();
    while (world.publisher->round() && !world.find(7)->record.status)
        BOOST_REQUIRE(world.signatures() == before);
    BOOST_TEST(world.find(7)->record.status.has_value());
    BOOST_TEST(world.signatures() == before + 2);
    const auto made = world.work(6, 1h, [](int) {});
    // A page more or less in an hour: of 64 in twelve.
    const double page = 2.0 * certificates / 64;
    for (const std::uint64_t one : made)
        BOOST_TEST(static_cast<double>(one) <= limits::catch_up * hour + 1.5 * page);
    BOOST_TEST(static_cast<double>(made[0]) >= limits::catch_up * hour - 1.5 * page);
    BOOST_TEST(static_cast<double>(made[5]) <= hour + 1.5 * page);
    BOOST_TEST(world.state.pages_due == 0U);
    BOOST_TEST((world.state.shortest_runway.value_or(0s) > 4h));
}

// A page is 15 ms of two cores, which is what a revocation may have to wait for.
// Covers: D-17
BOOST_AUTO_TEST_CASE(a_revocation_waits_for_one_page_whose_turn_has_come_and_for_no_more) {
    PacedWorld world;
    world.settings.refresh = 16s;  // four pages a second, as many as thirteen million certificates have
    world.load_again();
    world.restart();
    world.settle();
    unsigned revoked = 0;
    std::uint64_t most = 0;  // pages in a second
    for (int second = 0; second < 32; ++second) {
        world.clock.advance(1s);
        const std::uint64_t begun = world.state.pages_refreshed;
        for (bool more = true; more;) {
            const std::uint64_t before = world.state.pages_refreshed;
            const std::uint64_t published = world.published_changes;
            world.apply(ledger::Action::revoke, ++revoked, CrlReason::superseded);
            world.publisher->round();
            BOOST_REQUIRE(world.published_changes == published + 1);
            BOOST_REQUIRE(world.state.pages_refreshed == before);
            world.publisher->round();
            BOOST_REQUIRE(world.state.pages_refreshed <= before + 1);
            more = world.state.pages_refreshed != before;
        }
        most = std::max(most, world.state.pages_refreshed - begun);
    }
    BOOST_TEST(most >= 4U);
}

BOOST_AUTO_TEST_SUITE_END()
