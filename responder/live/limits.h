#ifndef EIGHTBELLS_RESPONDER_LIVE_LIMITS_H
#define EIGHTBELLS_RESPONDER_LIVE_LIMITS_H

#include <chrono>
#include <cstddef>

#include "responder/ocsp/limits.h"

namespace eightbells::limits {

// --- the private call

// An issuer's name in a call: IssuerIdentity::id() makes 32 hexadecimal digits.
inline constexpr std::size_t live_issuer_octets = 64;
// A call: kind, id, lengths (1+8+1+1+1 octets, and one to spare), the issuer, the nonce, and CertIDs that
// all stood in one request with 2 octets of length each.
inline constexpr std::size_t live_call_octets =
    13 + live_issuer_octets + nonce_octets + request_octets + 2 * cert_ids_per_request;
// A reply: kind, id, verdict (1+8+1 octets) and one answer.
inline constexpr std::size_t live_reply_octets = 10 + answer_octets;

// --- secrets, by which a signer and fronts on other machines know one another

// An old one and a new one while they are changed, and some that were forgotten. A line of 64 digits each.
inline constexpr std::size_t live_secrets = 8;
inline constexpr std::size_t live_secret_file_octets = 4096;
// How soon an end notices that the other's machine has gone without a word.
inline constexpr std::chrono::seconds live_loss{20};

}  // namespace eightbells::limits

#endif
