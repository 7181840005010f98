#ifndef EIGHTBELLS_RESPONDER_CRL_LIMITS_H
#define EIGHTBELLS_RESPONDER_CRL_LIMITS_H

#include <cstddef>
#include <cstdint>

namespace eightbells::limits {

inline constexpr std::size_t crl_number_octets = 20;     // RFC 5280, section 5.2.3
inline constexpr std::size_t crl_extensions = 32;        // RFC 5280 has 7; comparing all with all stays cheap
inline constexpr std::size_t crl_entry_extensions = 16;  // of one entry; RFC 5280 has 3

// 5 M entries of 40 to 50 octets are 250 MB (F-group: streamed, never whole in memory).
inline constexpr std::uint64_t crl_octets = 1024ULL * 1024 * 1024;

}  // namespace eightbells::limits

#endif
