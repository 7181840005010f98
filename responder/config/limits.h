#ifndef EIGHTBELLS_RESPONDER_CONFIG_LIMITS_H
#define EIGHTBELLS_RESPONDER_CONFIG_LIMITS_H

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace eightbells::limits {

using namespace std::chrono_literals;

inline constexpr std::size_t config_octets =
    1024 * 1024;  // 256 issuers with all 29 fields and each of their tables once take about 250 KiB
inline constexpr std::size_t issuers = 256;               // each is a label value in every metric by issuer
inline constexpr std::size_t config_list_entries = 64;    // addresses, prefixes, keys, user ids
inline constexpr std::uint32_t memory_mib = 1024 * 1024;  // 1 TiB
inline constexpr std::size_t workers = 256;               // threads of one program
inline constexpr std::uint32_t connections = 1'000'000;  // of one listener: 1 GB of idle ones, 32 MB to count
// A full and a delta CRL for each of 16 scopes; a head holds 64 CRLs (crls_per_head).
inline constexpr std::size_t imported_crls = 32;
inline constexpr std::size_t polled_crls = 64;  // of all issuers: each has a thread and a connection
inline constexpr std::size_t url_octets = 2048;
inline constexpr std::chrono::seconds crl_poll_min = 10s;
inline constexpr std::chrono::seconds crl_poll_max = 24h;
// Live answers a second for one issuer: more than a machine signs with P-256.
inline constexpr std::uint32_t live_budget = 100'000;
// Below it hardly an answer would be sent twice: that is answers = "live".
inline constexpr std::chrono::seconds max_age_min = 1min;
inline constexpr std::size_t url_path_octets = 200;     // a CRL's path or an OCSP prefix: URLs stay below 255
inline constexpr std::size_t socket_path_octets = 107;  // sun_path is 108 with its end mark (unix(7))
inline constexpr std::size_t password_octets = 4096;
inline constexpr std::size_t store_key_file_octets =
    64 * 1024;  // a thousand keys of 64 digits and a line end

// The promise: every stored answer and CRL stays valid this long beyond its next planned refresh (D-18).
inline constexpr std::chrono::seconds runway = 4h;
// D-05 for public trust: end points included, 7 days (Microsoft), and a second below the limit.
inline constexpr std::chrono::seconds public_trust_validity_min =
    16h;  // below it D-06 asks for other periods
inline constexpr std::chrono::seconds public_trust_validity_max = std::chrono::days{7} - 1s;
inline constexpr std::chrono::seconds validity_min = 8h;  // two runways: half of it is the refresh
inline constexpr std::chrono::seconds validity_max = std::chrono::days{366};  // D-08: CA certificates, a year
// CRLs that are made here. D-11: at least every 24 hours, with an hour to make and publish it.
inline constexpr std::chrono::seconds crl_every_max = 23h;
inline constexpr std::chrono::seconds ca_crl_every_max = std::chrono::days{360};  // D-14: yearly
inline constexpr std::chrono::seconds crl_every_min = 60s;
inline constexpr std::chrono::seconds crl_overlap = 12h;  // D-15
inline constexpr std::chrono::seconds crl_validity_max =
    std::chrono::days{10} - 1s;  // D-13, end points included
inline constexpr std::chrono::seconds ca_crl_validity_max = std::chrono::days{365} - 1s;  // D-14
// Of the 64 CRLs that a head holds for an issuer: the complete one, its delta, and room for imported ones.
inline constexpr std::size_t crl_partitions = 48;
inline constexpr std::chrono::seconds refresh_min = 10s;
// From receipt of a revocation until no cache may hand out "good" any more (D-04, D-16).
inline constexpr std::chrono::seconds publication_deadline = 4h;
inline constexpr std::chrono::seconds publication_target = 1h;  // D-03
// From which a difference between OCSP and CRL is an alarm (C-09): what publication may take. A CRL waits up
// to five minutes for answers that cannot be signed, the walk that compares comes round in seconds to half an
// hour.
inline constexpr std::chrono::seconds compare_delay_min = 1s;
inline constexpr std::chrono::seconds compare_delay_usual = 6min;
inline constexpr std::chrono::seconds compare_delay_max = 24h;  // C-09: "both stay inside the 24 h limit"
inline constexpr std::uint32_t compare_rate_max = 1000;
inline constexpr std::chrono::seconds duration_max = std::chrono::days{3660};  // of any configured duration
inline constexpr std::chrono::seconds watch_period_min = 5s;  // a round's three time-outs fit many times
inline constexpr std::chrono::seconds watch_period_max = 1h;  // the 20 minutes of NIS2 would be missed
inline constexpr std::chrono::seconds watch_crl_period_max = 24h;
inline constexpr std::chrono::milliseconds watch_timeout_min = 100ms;
inline constexpr std::chrono::milliseconds watch_timeout_max = 60s;
inline constexpr std::chrono::milliseconds redis_timeout_min{10};
inline constexpr std::chrono::milliseconds redis_timeout_max{10'000};

inline constexpr std::size_t live_signers = 4;       // two, each with an IPv4 and an IPv6 address
inline constexpr std::size_t pair_name_octets = 32;  // a signer's name in its lease

}  // namespace eightbells::limits

#endif
