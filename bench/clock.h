#ifndef EIGHTBELLS_BENCH_CLOCK_H
#define EIGHTBELLS_BENCH_CLOCK_H

#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <optional>

namespace eightbells::bench {

inline std::uint64_t nanoseconds_of(clockid_t clock) noexcept {
    timespec at{};
    ::clock_gettime(clock, &at);
    return static_cast<std::uint64_t>(at.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(at.tv_nsec);
}

inline std::uint64_t now() noexcept {
    return nanoseconds_of(CLOCK_MONOTONIC);
}

// The kernel's own account of the CPU time, user and system, that all threads of a process have used; exact
// while they run, not only at ticks. nullopt: there is no such process.
inline std::optional<std::uint64_t> cpu_time_of(pid_t process) noexcept {
    clockid_t clock{};
    timespec at{};
    if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &at) != 0)
        return std::nullopt;
    return static_cast<std::uint64_t>(at.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(at.tv_nsec);
}

}  // namespace eightbells::bench

#endif
