#ifndef EIGHTBELLS_RESPONDER_LIVE_MESSAGE_H
#define EIGHTBELLS_RESPONDER_LIVE_MESSAGE_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "responder/base/bytes.h"
#include "responder/ocsp/cert_id.h"

namespace eightbells::live {

// The private call from a front to the signer over a local socket: CertIDs go in, never bytes to sign, and a
// whole OCSPResponse that the signer built from its own ledger comes back (H-12). Frames: 4 octets of length
// (big-endian), then the message; many calls may be under way on one connection, matched by `id`.
struct Call {
    std::uint64_t id = 0;
    std::string issuer;           // IssuerIdentity::id()
    std::vector<Bytes> cert_ids;  // CertID TLVs as the client spelled them, 1 to limits::cert_ids_per_request
    std::optional<Bytes> nonce;
};

enum class Verdict : std::uint8_t {
    signed_answer = 0,
    busy = 1,          // queue full or past its deadline: the front answers tryLater or from its pages
    unauthorized = 2,  // an issuer or hash that is not served, or nothing that was ever issued
    failed = 3,        // the signer could not sign
};
struct Reply {
    std::uint64_t id = 0;
    Verdict verdict = Verdict::failed;
    Bytes response;  // the OCSPResponse when signed_answer, else empty
};

// The frame, its length included. Empty when the message is outside its bounds (no such issuer name, not 1 to
// cert_ids_per_request CertIDs that parse, a nonce that is not 1 to 128 octets, a response without the
// verdict signed_answer or the other way round): a mistake of the caller's, and nothing is to be sent.
Bytes encode(const Call& call);
Bytes encode(const Reply& reply);
// The first whole frame in `buffer`, if it is there; `buffer` is shortened by it, and only then. An error is
// a broken peer: close the connection. What is taken is inside the bounds that encode() keeps; the CertIDs
// parse. No more than limits::live_call_octets (live_reply_octets) and the frame's 4 octets need ever be
// buffered.
Result<std::optional<Call>> take_call(ByteView& buffer);
Result<std::optional<Reply>> take_reply(ByteView& buffer);

}  // namespace eightbells::live

#endif
