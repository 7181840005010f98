#ifndef EIGHTBELLS_RESPONDER_CRL_LIMITS_H
#define EIGHTBELLS_RESPONDER_CRL_LIMITS_H

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace eightbells::limits {

inline constexpr std::size_t crl_number_octets = 20;     // RFC 5280, section 5.2.3
inline constexpr std::size_t crl_extensions = 32;        // RFC 5280 has 7; comparing all with all stays cheap
inline constexpr std::size_t crl_entry_extensions = 16;  // of one entry; RFC 5280 has 3

// 5 M entries of 40 to 50 octets are 250 MB (F-group: streamed, never whole in memory).
inline constexpr std::uint64_t crl_octets = 1024ULL * 1024 * 1024;
inline constexpr std::size_t crl_chunk_octets = 1024 * 1024;  // copied in one go
inline constexpr std::size_t crl_names = 16;                  // in one issuingDistributionPoint; usually one

// D-13 and D-14: leaf scope ten days, end points included; CA scope twelve months.
inline constexpr std::chrono::seconds crl_leaf_validity = std::chrono::days{10};
inline constexpr std::chrono::months crl_ca_validity{12};

// What is written around the entries of a CRL: a Name of a few KiB at most, two URIs of 1 KiB, a signature of
// 1 KiB (RSA-8192).
inline constexpr std::size_t crl_fields_octets = 64 * 1024;
// An entry: serial 22, date 17, reason 12, invalidity date 27, headers 6.
inline constexpr std::size_t crl_entry_octets = 128;
inline constexpr std::size_t crl_part_octets = 1024 * 1024;  // signed, or written, in one go

}  // namespace eightbells::limits

#endif
