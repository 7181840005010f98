#ifndef EIGHTBELLS_TESTS_FAULTS_CONTROL_H
#define EIGHTBELLS_TESTS_FAULTS_CONTROL_H

#include <atomic>
#include <cstdint>

// What a program under test is told by its test, in a file that both map: the library of hooks.cc, loaded
// into the real program, reads it at each call.
namespace eightbells::faults {

inline constexpr const char* control_variable = "EIGHTBELLS_FAULTS";  // the file's path

struct Control {
    // Added to what the clocks say, in nanoseconds. To both, at once: time passes. To the wall clock alone:
    // it is stepped.
    std::atomic<std::int64_t> passed{0};
    std::atomic<std::int64_t> wall{0};
    // Counts down with every write to a file, flush of one and octets sent to a socket; who brings it from 1
    // to 0 is killed. 0: nobody.
    std::atomic<std::int64_t> killed_at{0};
    std::atomic<bool> killed_after{false};  // when the call is done, not before it
    std::atomic<bool> disk_full{false};     // files do not grow and are not made
    std::atomic<bool> no_randomness{false};
    std::atomic<bool> synchronised{true};  // what adjtimex says
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

}  // namespace eightbells::faults

#endif
