#ifndef EIGHTBELLS_RESPONDER_TLS_LIMITS_H
#define EIGHTBELLS_RESPONDER_TLS_LIMITS_H

#include <chrono>
#include <cstddef>

namespace eightbells::limits {

// A key's name: OpenSSL gives its callbacks 256 octets for it, its end mark included.
inline constexpr std::size_t tls_key_name_octets = 128;
// A line a minute of refused connections: 1,440 a day, whoever knocks.
inline constexpr std::chrono::seconds refusals_told{60};

}  // namespace eightbells::limits

#endif
