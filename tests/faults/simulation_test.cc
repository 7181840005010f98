#define BOOST_TEST_MODULE faults_simulation
#include <boost/test/unit_test.hpp>
#include <random>

#include "tests/faults/lives.h"
#include "tests/faults/simulated.h"

// Days in which anything happens in any order. Each life of a hundred days has a seed of its own, printed;
// the same seed is the same life: EIGHTBELLS_SEED=N EIGHTBELLS_SIMULATED_DAYS=100 replays it.
using namespace eightbells;
using namespace eightbells::faults;
using eightbells::tests::given;
using eightbells::tests::live_through;

namespace {

constexpr std::int64_t days_of_a_life = 100;

void simulate(std::int64_t days) {
    std::uint64_t answers = 0;
    std::uint64_t faults = 0;
    const auto last = live_through<Simulation>(days, days_of_a_life, std::random_device{}(),
                                               [&](const Simulation& simulation) {
                                                   answers += simulation.answers();
                                                   faults += simulation.faults();
                                               });
    BOOST_TEST_MESSAGE(days << " days up to seed " << last << ": " << answers << " answers, " << faults
                            << " faults, no violation");
    BOOST_TEST(answers > static_cast<std::uint64_t>(days));
}

const boost::unit_test::label quick{"quick"};

}  // namespace

BOOST_AUTO_TEST_SUITE(simulation)

// Covers: C-08, C-17, D-18, D-20, G-23
BOOST_AUTO_TEST_CASE(nothing_that_may_happen_in_months_makes_an_answer_wrong, *quick) {
    simulate(static_cast<std::int64_t>(given("EIGHTBELLS_SIMULATED_DAYS", 300)));
}

BOOST_AUTO_TEST_CASE(nor_in_ten_thousand_days) {
    simulate(10'000);
}

BOOST_AUTO_TEST_SUITE_END()
