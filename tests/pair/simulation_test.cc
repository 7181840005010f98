#define BOOST_TEST_MODULE pair_simulation
#include <boost/test/unit_test.hpp>
#include <random>

#include "tests/faults/lives.h"
#include "tests/pair/simulated_pair.h"

// Each life of ten days has a seed of its own, printed; the quick case lives the same lives every time.
// EIGHTBELLS_SEED=N EIGHTBELLS_SIMULATED_DAYS=10 replays it.
using namespace eightbells;
using namespace eightbells::pair::test;
using eightbells::tests::given;
using eightbells::tests::live_through;

namespace {

constexpr std::int64_t days_of_a_life = 10;

void simulate(std::int64_t days, std::uint64_t first_seed) {
    std::uint64_t faults = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t alone = 0;
    std::uint64_t refused = 0;
    std::uint64_t take_overs = 0;
    const auto last =
        live_through<SimulatedPair>(days, days_of_a_life, first_seed, [&](SimulatedPair& simulation) {
            simulation.end();
            faults += simulation.faults;
            acknowledged += simulation.acknowledged;
            alone += simulation.alone;
            refused += simulation.refused;
            take_overs += simulation.take_overs;
        });
    BOOST_TEST_MESSAGE(days << " days up to seed " << last << ": " << faults << " faults, " << take_overs
                            << " take-overs, " << acknowledged << " revocations acknowledged, " << alone
                            << " of them alone, " << refused << " refused; no violation");
    BOOST_TEST(acknowledged > 0U);
    BOOST_TEST(take_overs > 0U);
}

const boost::unit_test::label quick{"quick"};

}  // namespace

BOOST_AUTO_TEST_SUITE(simulation_of_two_signers)

// Covers: G-22, G-23
BOOST_AUTO_TEST_CASE(no_acknowledged_revocation_is_ever_lost, *quick) {
    simulate(static_cast<std::int64_t>(given("EIGHTBELLS_SIMULATED_DAYS", 200)), 55);
}

BOOST_AUTO_TEST_CASE(nor_in_many_more_days) {
    simulate(5'000, std::random_device{}());
}

BOOST_AUTO_TEST_SUITE_END()
