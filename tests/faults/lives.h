#ifndef EIGHTBELLS_TESTS_FAULTS_LIVES_H
#define EIGHTBELLS_TESTS_FAULTS_LIVES_H

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "responder/base/clock.h"

namespace eightbells::tests {

inline std::uint64_t given(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Simulated days, life after life, each with a seed of its own: EIGHTBELLS_SEED or else `first_seed`, then
// the next one, named where a check fails. `ended` is given each simulation when its days are over. Returns
// the last seed.
template <class Simulation, class Ended>
std::uint64_t live_through(std::int64_t days, std::int64_t days_of_a_life, std::uint64_t first_seed,
                           const Ended& ended) {
    spdlog::set_level(spdlog::level::off);
    // What is durable is not the question here, and waiting for disks takes ten times as long as everything
    // else.
    if (std::filesystem::is_directory("/dev/shm"))
        ::setenv("TMPDIR", "/dev/shm", 0);
    std::uint64_t seed = given("EIGHTBELLS_SEED", first_seed);
    for (std::int64_t lived = 0; lived < days; lived += days_of_a_life, ++seed) {
        BOOST_TEST_CONTEXT("EIGHTBELLS_SEED=" << seed) {
            Simulation simulation{seed};
            const UtcTime end = simulation.now() + std::chrono::days{std::min(days_of_a_life, days - lived)};
            while (simulation.now() < end)
                simulation.step();
            ended(simulation);
        }
    }
    return seed - 1;
}

}  // namespace eightbells::tests

#endif
