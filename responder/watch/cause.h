#ifndef EIGHTBELLS_RESPONDER_WATCH_CAUSE_H
#define EIGHTBELLS_RESPONDER_WATCH_CAUSE_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace eightbells::watch {

// The ways in which a relying party gets at a status. Each is promised, probed and counted on its own (G-01).
enum class Method : std::uint8_t { ocsp_get, ocsp_post, crl, crl_conditional, count_ };
inline constexpr std::size_t method_count = static_cast<std::size_t>(Method::count_);
inline constexpr std::array<std::string_view, method_count> method_names{"ocsp_get", "ocsp_post", "crl",
                                                                         "crl_conditional"};

// Certificates whose status is known beforehand (G-25).
enum class CanaryKind : std::uint8_t { good, revoked, hold, expired, unissued, count_ };
inline constexpr std::size_t canary_kinds = static_cast<std::size_t>(CanaryKind::count_);
inline constexpr std::array<std::string_view, canary_kinds> canary_names{"good", "revoked", "hold", "expired",
                                                                         "unissued"};

// Why a probe failed: the first thing that was wrong, in the order in which a relying party meets it. The
// names are written into ledgers and must never change their meaning.
enum class Cause : std::uint8_t {
    none,
    dns,                 // the name has no address; says nothing about any front
    connect,             // no connection to the address
    tls,                 // a handshake that failed or a certificate that does not hold
    timeout,             // no whole answer within the time; slow is as bad as away
    truncated,           // fewer octets than promised, or half of a DER value
    too_large,           // more octets than any honest answer has
    http_protocol,       // not HTTP
    redirect,            // 3xx: relying parties do not follow
    http_status,         // any other status than was due
    content_type,        // not the media type of the answer
    http_headers,        // Date is missing or wrong
    cache_stale,         // kept by a cache, or to be kept, beyond its time
    not_der,             // not the DER of such an answer, or with octets behind it
    ocsp_error_status,   // tryLater, internalError, unauthorized ...
    wrong_issuer,        // speaks of another CA's certificates
    wrong_serial,        // speaks of another certificate
    signature,           // does not verify
    signer,              // signed by one who may not: path, EKU, validity of its certificate
    not_yet_valid,       // thisUpdate or producedAt in the future
    expired,             // nextUpdate has passed
    no_next_update,      // says not until when it holds
    stale,               // valid, but older than the issuer's rules allow (D-06)
    validity_period,     // shorter or longer than the issuer's rules allow (D-05)
    status_wrong,        // another status than the canary has
    went_back,           // older than what the same address has said before
    disagreement,        // OCSP and CRL say different things of one certificate
    libraries_disagree,  // one library accepts what the other refuses
    no_validator,        // neither ETag nor Last-Modified: no conditional request can be made
    stale_not_modified,  // 304 although the CRL has changed
    internal,            // the watch itself could not look: our fault, and counted as such
    count_
};
inline constexpr std::size_t cause_count = static_cast<std::size_t>(Cause::count_);
inline constexpr std::array<std::string_view, cause_count> cause_names{"none",
                                                                       "dns",
                                                                       "connect",
                                                                       "tls",
                                                                       "timeout",
                                                                       "truncated",
                                                                       "too_large",
                                                                       "http_protocol",
                                                                       "redirect",
                                                                       "http_status",
                                                                       "content_type",
                                                                       "http_headers",
                                                                       "cache_stale",
                                                                       "not_der",
                                                                       "ocsp_error_status",
                                                                       "wrong_issuer",
                                                                       "wrong_serial",
                                                                       "signature",
                                                                       "signer",
                                                                       "not_yet_valid",
                                                                       "expired",
                                                                       "no_next_update",
                                                                       "stale",
                                                                       "validity_period",
                                                                       "status_wrong",
                                                                       "went_back",
                                                                       "disagreement",
                                                                       "libraries_disagree",
                                                                       "no_validator",
                                                                       "stale_not_modified",
                                                                       "internal"};

inline std::string_view to_string(Method method) noexcept {
    return method_names[static_cast<std::size_t>(method)];
}
inline std::string_view to_string(CanaryKind kind) noexcept {
    return canary_names[static_cast<std::size_t>(kind)];
}
inline std::string_view to_string(Cause cause) noexcept {
    return cause_names[static_cast<std::size_t>(cause)];
}
std::optional<Method> method_from(std::string_view name) noexcept;
std::optional<Cause> cause_from(std::string_view name) noexcept;
// One sentence for a person, without serial and address: what relying parties saw.
std::string_view explain(Cause cause) noexcept;

}  // namespace eightbells::watch

#endif
