#ifndef EIGHTBELLS_RESPONDER_METRICS_LIMITS_H
#define EIGHTBELLS_RESPONDER_METRICS_LIMITS_H

#include <chrono>
#include <cstddef>

namespace eightbells::limits {

using namespace std::chrono_literals;

// One scraper, a load balancer's look at /ready and an operator need three; the rest is room for their
// repeats.
inline constexpr std::size_t private_connections = 64;
inline constexpr std::chrono::seconds private_accept_pause =
    1s;                                                    // with all of them taken, until the next look
inline constexpr std::chrono::seconds private_wait = 10s;  // for a request, for the next one, for a write
inline constexpr std::size_t private_header_octets = 8 * 1024;
inline constexpr std::size_t private_body_octets = 1024;  // none is asked for

}  // namespace eightbells::limits

#endif
