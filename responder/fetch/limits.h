#ifndef EIGHTBELLS_RESPONDER_FETCH_LIMITS_H
#define EIGHTBELLS_RESPONDER_FETCH_LIMITS_H

#include <cstddef>

namespace eightbells::limits {

inline constexpr std::size_t fetch_header_octets = 32 * 1024;  // of one answer
// Addresses of one name that are handed out, each to be asked on its own; more are cut off.
inline constexpr std::size_t fetch_addresses = 16;
// Connections at a time: 16 addresses with two methods fit; the others wait their turn.
inline constexpr std::size_t fetch_connections = 32;

}  // namespace eightbells::limits

#endif
