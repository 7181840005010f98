#ifndef EIGHTBELLS_RESPONDER_PROGRAMS_LIMITS_H
#define EIGHTBELLS_RESPONDER_PROGRAMS_LIMITS_H

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace eightbells::limits {

// An operator's command waits for the signer this long: an import of 10 M lines takes 90 s.
inline constexpr std::chrono::seconds command_timeout{600};
inline constexpr std::size_t command_answer_octets =
    4 * 1024 * 1024;                                  // the status of 256 issuers takes 100 KiB
inline constexpr std::uint64_t faults_printed = 100;  // `verify` counts the rest
// A program that cannot start is tried again after 0.1 s, then twice as long each time, up to 5 s.
inline constexpr std::chrono::milliseconds restart_pause_min{100};
inline constexpr std::chrono::milliseconds restart_pause_max{5000};
inline constexpr std::chrono::seconds watch_start_pause{3};  // signer and front are ready after one or two
// How long a program may look at its configuration, keys and certificates; and a signer or front take from
// its start to its readiness: a front verifies ten million answers from its page file in a minute.
inline constexpr std::chrono::seconds check_time{20};
inline constexpr std::chrono::seconds replace_time{180};
// A progress bar is there while more pages are due than a second signs, and is drawn anew so often.
inline constexpr std::uint64_t bar_pages = 100;
inline constexpr std::size_t bar_columns = 40;
inline constexpr std::chrono::milliseconds bar_period{250};
inline constexpr std::chrono::seconds stop_time{20};  // what does not end by then is killed

}  // namespace eightbells::limits

#endif
