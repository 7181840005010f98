#ifndef EIGHTBELLS_RESPONDER_DER_LIMITS_H
#define EIGHTBELLS_RESPONDER_DER_LIMITS_H

#include <cstddef>

namespace eightbells::limits {

// The longest in use, a UUID under 2.25 and Microsoft's template names, take 20 and about 40 octets.
inline constexpr std::size_t oid_octets = 64;
// A length that takes more octets than this is refused: 4 GiB is more than anything we read.
inline constexpr std::size_t der_length_octets = 4;

}  // namespace eightbells::limits

#endif
