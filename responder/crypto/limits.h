#ifndef EIGHTBELLS_RESPONDER_CRYPTO_LIMITS_H
#define EIGHTBELLS_RESPONDER_CRYPTO_LIMITS_H

#include <cstddef>

namespace eightbells::limits {

// Public-trust certificates carry about 12 extensions; a hostile one of many would cost quadratic time.
inline constexpr std::size_t certificate_extensions = 64;
inline constexpr std::size_t rsa_bits = 8192;         // a check of a longer modulus costs milliseconds
inline constexpr std::size_t pss_salt_octets = 1024;  // of an 8192-bit modulus at most 1024 - hash - 2
inline constexpr std::size_t verifier_algorithms =
    16;  // contexts of one key: more than the algorithms in use

// A PEM certificate with text around it stays below 64 KiB, a passphrase file below a page.
inline constexpr std::size_t certificate_octets = 64 * 1024;
inline constexpr std::size_t pem_piece_octets =
    64 * 1024;  // decoded at a time, where it is not kept in memory

inline constexpr std::size_t distribution_points = 16;  // URIs of one certificate; one or two are usual
inline constexpr std::size_t distribution_point_octets = 1024;

}  // namespace eightbells::limits

#endif
