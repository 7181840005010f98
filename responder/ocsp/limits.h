#ifndef EIGHTBELLS_RESPONDER_OCSP_LIMITS_H
#define EIGHTBELLS_RESPONDER_OCSP_LIMITS_H

#include <cstddef>

namespace eightbells::limits {

// --- what a request may be

// A CertID with SHA-512 hashes and a 20-octet serial takes 180 octets; 16 of them, a 128-octet nonce and a
// signature with a certificate chain stay below 16 KiB.
inline constexpr std::size_t request_octets = 16 * 1024;
inline constexpr std::size_t cert_ids_per_request = 16;
inline constexpr std::size_t extensions_per_list = 16;
inline constexpr std::size_t nonce_octets = 128;  // RFC 9654, section 2.1

// --- what an answer may be

// Clients' buffers are 16 KiB (nginx, HAProxy); signer certificate up to 4 KiB, signature up to 5 KiB (H-17).
inline constexpr std::size_t answer_octets = 16 * 1024;

}  // namespace eightbells::limits

#endif
