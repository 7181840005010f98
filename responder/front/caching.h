#ifndef EIGHTBELLS_RESPONDER_FRONT_CACHING_H
#define EIGHTBELLS_RESPONDER_FRONT_CACHING_H

#include <optional>

#include "responder/base/clock.h"
#include "responder/config/config.h"
#include "responder/front/crl_file.h"
#include "responder/http/exchange.h"
#include "responder/ocsp/answer.h"

namespace eightbells::front {

// What an issuer's settings say about caches.
struct CachePolicy {
    seconds cache_for{0};  // the most (D-16)
    // A refresh is planned for this long before nextUpdate at the latest: validity - refresh. 0: not known,
    // as with a CRL that the CA makes.
    seconds runway{0};
    // Nor is an answer kept when it was signed longer ago than this: then it is signed anew. nullopt: it is
    // not.
    std::optional<seconds> max_age{};
};
CachePolicy cache_policy_of(const config::Issuer& settings) noexcept;

// How long a cache may keep what is valid until `next_update`: at most `cache_for`, a day (F-19), what is
// left of the validity, and the time to the planned refresh (E-10).
//
// Nobody gains when clients return together, or all the time (D-19). So it is up to a tenth less, by how the
// entity tag falls. And where a refresh is overdue, nothing says any more when it will come: clients are sent
// away for as long as it has been overdue, at least a tenth of `cache_for`, so that the one that is a second
// late is found soon, and the one that is an hour late costs no more requests than any other hour.
//
// The same on every node. At least a second as long as anything is left, 0 when nothing is.
seconds max_age(UtcTime now, UtcTime next_update, const CachePolicy& policy,
                const http::EntityTag& etag) noexcept;

// The strong tag of an answer: the last 16 octets of its signature as it is stored (ECDSA as raw r||s), the
// same on every node (E-08). It has to differ whenever the octets of the answer do, and that needs no hash:
// the signature covers all that an answer says, and each part of it depends on all of that.
//
//   ECDSA    the lower half of s = (h + r d) / k mod n. Another answer has another h and, deterministic or
//            not, another k: its s is as good as random.
//   Ed25519  the upper half of S = r + H(R, A, M) d mod L; its topmost octet has only the values 0 to 16.
//   RSA      the lower end of the padded digest to the power of d, mod n: PKCS #1 and PSS alike.
//
// So two answers have the same tag by chance alone, one pair in 2^124 or more, as with half of a digest; and
// the signer, who alone could look for such a pair, has no use for it. Not the front of the signature: there
// ECDSA with P-521 has seven bits that are always zero, and `max_age` takes the tag's first octets for a
// random number. A signature of less than 16 octets, which no algorithm has, is all of it, and zeros.
http::EntityTag tag_of(ByteView signature) noexcept;

// Headers of a stored answer and of a CRL (E-06, E-09, F-24). REQUIRES: valid at `now`.
http::Caching caching_of(const ocsp::SingleAnswer& single, const http::EntityTag& etag,
                         const CachePolicy& policy, UtcTime now) noexcept;
http::Caching caching_of(const CrlFile& crl, seconds cache_for, UtcTime now) noexcept;

}  // namespace eightbells::front

#endif
