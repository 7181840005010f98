#ifndef EIGHTBELLS_RESPONDER_FRONT_CACHING_H
#define EIGHTBELLS_RESPONDER_FRONT_CACHING_H

#include <optional>

#include "responder/base/clock.h"
#include "responder/crypto/digest.h"
#include "responder/front/crl_file.h"
#include "responder/http/exchange.h"
#include "responder/ocsp/answer.h"

namespace eightbells::front {

// How long a cache may keep what is valid until `next_update`: at most `cache_for` (D-16), a day (F-19) and
// what is left of the validity (E-10), and up to a tenth less, by how the entity tag falls, so that clients
// that asked together do not return together (D-19). The same on every node. At least a second as long as
// anything is left, 0 when nothing is.
seconds max_age(UtcTime now, UtcTime next_update, seconds cache_for, const http::EntityTag& etag) noexcept;

// The tag of an answer: the first 16 octets of SHA-256 over its signature as it is stored (ECDSA as raw
// r||s), which covers all that the answer says, and is the same on every node (E-08). Cheaper than a hash
// over the body.
http::EntityTag tag_of(crypto::Sha256& sha256, ByteView signature) noexcept;

// Headers of a stored answer and of a CRL (E-06, E-09, F-24). REQUIRES: valid at `now`.
http::Caching caching_of(const ocsp::SingleAnswer& single, const http::EntityTag& etag, seconds cache_for,
                         UtcTime now) noexcept;
http::Caching caching_of(const CrlFile& crl, seconds cache_for, UtcTime now) noexcept;

}  // namespace eightbells::front

#endif
