#ifndef EIGHTBELLS_RESPONDER_BASE_LIMITS_H
#define EIGHTBELLS_RESPONDER_BASE_LIMITS_H

#include <chrono>
#include <cstddef>
#include <cstdint>

// Every queue, buffer, wait and retry of the programs has its bound here, with the arithmetic beside it, in
// one section a module.
namespace eightbells::limits {

using namespace std::chrono_literals;

// --- ocsp: what a request may be
// ------------------------------------------------------------------------------------- A CertID with SHA-512
// hashes and a 20-octet serial takes 180 octets; 16 of them, a 128-octet nonce and a signature with a
// certificate chain stay below 16 KiB.
inline constexpr std::size_t request_octets = 16 * 1024;
inline constexpr std::size_t cert_ids_per_request = 16;
inline constexpr std::size_t extensions_per_list = 16;
inline constexpr std::size_t nonce_octets = 128;  // RFC 9654, section 2.1

// --- ocsp: what an answer may be
// ------------------------------------------------------------------------------------- Clients' buffers are
// 16 KiB (nginx, HAProxy); signer certificate up to 4 KiB, signature up to 5 KiB (H-17).
inline constexpr std::size_t answer_octets = 16 * 1024;

// --- http: the public listener
// ---------------------------------------------------------------------------------------

// --- keys
// A PKCS#8 file of RSA-4096 with encryption and the text that tools write around it takes below 8 KiB.
inline constexpr std::size_t key_file_octets = 64 * 1024;

// --- cache: the stored form
// ------------------------------------------------------------------------------------------

// --- crl
// -------------------------------------------------------------------------------------------------------------

// --- ledger
// ----------------------------------------------------------------------------------------------------------

// --- config
// ----------------------------------------------------------------------------------------------------------

// --- metrics and the private listeners
// -------------------------------------------------------------------------------

// --- front
// -----------------------------------------------------------------------------------------------------------

// --- signer
// ----------------------------------------------------------------------------------------------------------

}  // namespace eightbells::limits

#endif
