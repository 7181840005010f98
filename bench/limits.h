#ifndef EIGHTBELLS_BENCH_LIMITS_H
#define EIGHTBELLS_BENCH_LIMITS_H

#include <cstddef>
#include <cstdint>

namespace eightbells::limits {

// One answer, head and body: an OCSP answer with an RSA certificate chain takes 4 KiB.
inline constexpr std::size_t bench_answer_octets = 64 * 1024;
// 64 is what the tables use; idle connections are opened by a program of their own.
inline constexpr std::size_t bench_connections = 1024;
inline constexpr std::size_t bench_idle_connections = 50'000;  // a port a connection, two addresses' worth
// All requests of a run: 100,000 of 400 octets, in memory with their answers' digests.
inline constexpr std::size_t bench_requests = 100'000;
inline constexpr std::size_t bench_request_octets = 8 * 1024;
// Nobody answers for this long: the run has failed.
inline constexpr int bench_silence_ms = 10'000;
inline constexpr std::uint64_t bench_seconds = 3600;   // of one run
inline constexpr std::size_t bench_wrong_answers = 5;  // told of; then the run ends

}  // namespace eightbells::limits

#endif
