#ifndef EIGHTBELLS_RESPONDER_OCSP_REQUEST_H
#define EIGHTBELLS_RESPONDER_OCSP_REQUEST_H

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "responder/ocsp/cert_id.h"
#include "responder/ocsp/limits.h"

namespace eightbells::ocsp {

// Why a request was refused; every one is answered malformedRequest. For metrics and logs, never for
// the client.
enum class RequestFault : std::uint8_t {
    too_large,
    not_der,  // the outer structure is no OCSPRequest
    trailing_bytes,
    version,  // anything but v1
    empty_list,
    too_many_cert_ids,  // above limits::cert_ids_per_request
    cert_id,
    extension,            // an extension list that is not well formed
    duplicate_extension,
    critical_extension,   // critical and not known here
    nonce_length,         // 0 or above 128 octets
    nonce_form,           // not an OCTET STRING inside the extension value
    signature,            // a signature that is not well formed
};
inline constexpr std::size_t request_faults = 13;
std::string_view to_string(RequestFault fault) noexcept;

// OCSPRequest (RFC 6960, section 4.1.1), borrowed from the request's bytes:
//   OCSPRequest ::= SEQUENCE { tbsRequest TBSRequest, optionalSignature [0] EXPLICIT Signature OPTIONAL }
//   TBSRequest  ::= SEQUENCE { version [0] EXPLICIT Version DEFAULT v1, requestorName [1] EXPLICIT
//   GeneralName OPTIONAL,
//                              requestList SEQUENCE OF Request, requestExtensions [2] EXPLICIT Extensions
//                              OPTIONAL }
// requestorName and signature are accepted and ignored.
class RequestView {
  public:
    std::span<const CertIdView> cert_ids() const noexcept { return {cert_ids_.data(), count_}; }
    // The nonce's octets, 1 to 128 (RFC 9654): the content of the inner OCTET STRING.
    std::optional<ByteView> nonce() const noexcept { return nonce_; }

  private:
    friend struct RequestParser;
    std::array<CertIdView, limits::cert_ids_per_request> cert_ids_{};
    std::size_t count_ = 0;
    std::optional<ByteView> nonce_;
};

// Strict DER, linear in the size, no allocation. On failure `out` is unspecified. `out` borrows from `der`.
// Three spellings that are not DER are taken, because clients send them and they mean one thing: version v1
// and `critical FALSE` written out although they are the defaults, and leading zeros of a serial (A-03,
// Known extensions, whose critical flag is harmless: nonce, acceptable responses and preferred
// signature algorithms for the request, service locator for one certificate. Only the nonce is looked into;
// the others change nothing about an answer.
[[nodiscard]] std::optional<RequestFault> parse_request(ByteView der, RequestView& out) noexcept;

// The request in a GET path (RFC 6960, appendix A.1): standard base64, percent-encoded, decoded exactly once;
// '+' stays '+'; unescaped '/' and '=' are accepted, and so is one stray '/' before the data. White
// space, the URL-safe alphabet, a query and anything else outside the alphabet is refused, and so are
// missing padding, bits beyond the last octet and no data at all: nullopt. The stray '/' is never data: a
// request begins with 30, which is 'M'.
// `encoded` is the path after the configured prefix and its '/'. Returns what was written into `out`, which
// holds all of it or the answer is nullopt.
[[nodiscard]] std::optional<ByteView> decode_get_path(std::string_view encoded,
                                                      std::span<std::uint8_t> out) noexcept;

}  // namespace eightbells::ocsp

#endif
