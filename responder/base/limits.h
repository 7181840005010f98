#ifndef EIGHTBELLS_RESPONDER_BASE_LIMITS_H
#define EIGHTBELLS_RESPONDER_BASE_LIMITS_H

#include <cstddef>

// Every queue, buffer, wait and retry of the programs has its bound in its folder's limits.h, with the
// arithmetic beside it. Here stand those that several folders count with.
namespace eightbells::limits {

// The smallest record takes 5 octets, with its offset 7, so that 64 KiB hold 9,300 at most.
inline constexpr std::size_t page_records = 8192;
// 2^24 pages of 100 records are 1.6 thousand million certificates of one issuer; their digests take 512 MiB.
inline constexpr unsigned page_bits = 24;

// Listening sockets that one service is given: 32 addresses and a private one are more than anybody lists.
inline constexpr std::size_t given_sockets = 64;
// Words of services that are read in one go; there are three of them, and each says one.
inline constexpr std::size_t notices_at_once = 64;

}  // namespace eightbells::limits

#endif
