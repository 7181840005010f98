#ifndef EIGHTBELLS_RESPONDER_OCSP_ANSWER_H
#define EIGHTBELLS_RESPONDER_OCSP_ANSWER_H

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/base/status.h"
#include "responder/ocsp/cert_id.h"

namespace eightbells::ocsp {

// OCSPResponseStatus (RFC 6960, section 4.2.1); 4 is not used, and sigRequired (5) is never sent.
enum class ResponseStatus : std::uint8_t {
    successful = 0,
    malformed_request = 1,
    internal_error = 2,
    try_later = 3,
    unauthorized = 6,
};

// The whole OCSPResponse of an error status: five constant octets, 30 03 0A 01 <status>.
std::array<std::uint8_t, 5> encode_error(ResponseStatus status) noexcept;

// What the raw signature of a stored record becomes in the BIT STRING.
enum class SignatureForm : std::uint8_t {
    octets = 0,  // as it is: RSA, Ed25519 and whatever comes
    ecdsa_p256 =
        1,  // r and s, 32 octets each, become Ecdsa-Sig-Value; the raw form is smaller and of fixed size
    ecdsa_p384 = 2,  // 48 octets each
    ecdsa_p521 = 3,  // 66 octets each
};

// What all answers of one issuer under one signer key and one CertID hash share. Immutable once made.
struct AnswerProfile {
    HashAlgorithm cert_id_hash = HashAlgorithm::sha256;
    Bytes issuer_name_hash;                             // of that hash
    Bytes issuer_key_hash;                              // of that hash
    std::array<std::uint8_t, 20> responder_key_hash{};  // always SHA-1 (B-04)
    SignatureForm signature_form = SignatureForm::octets;
    Bytes signature_algorithm;  // AlgorithmIdentifier, byte-exact (B-09)
    Bytes signer_certificate;   // DER; empty when the CA signs itself, and then `certs` is absent (B-08)
    Bytes single_extensions;  // Extension TLVs that every SingleResponse carries (archive cutoff, B-17); may
                              // be empty
    friend bool operator==(const AnswerProfile&, const AnswerProfile&) = default;
};

// One certificate's answer, apart from what the profile says. Borrowed parts must outlive it.
struct SingleAnswer {
    ByteView serial;    // canonical magnitude, 1 to 20 octets
    CertStatus status;  // revoked or good; invalidity_date is not encoded from here but from `extensions`
    UtcTime produced_at{};
    UtcTime this_update{};
    UtcTime next_update{};
    ByteView
        extensions;  // further Extension TLVs of this SingleResponse (certHash, invalidityDate); may be empty
};

// The ResponseData that is signed, strict DER, exactly one SingleResponse; the CertID's hash parameters are
// NULL (design, 3). Written at the END of `out`; empty on too small a buffer. No allocation: the front runs
// this for every request.
[[nodiscard]] ByteView encode_response_data(const AnswerProfile& profile, const SingleAnswer& single,
                                            std::span<std::uint8_t> out) noexcept;

// The whole OCSPResponse around the same ResponseData. `signature` is in the form that profile.signature_form
// names. Written at the END of `out`; no allocation. Both are empty when the buffer is too small, and when
// the parts cannot make an answer that we may send: a signature, hash or serial of the wrong size, a year
// beyond 9999, the reason removeFromCRL (B-15). The reason `unspecified` is left out.
[[nodiscard]] ByteView encode_response(const AnswerProfile& profile, const SingleAnswer& single,
                                       ByteView signature, std::span<std::uint8_t> out) noexcept;

// --- live answers: several certificates, or a nonce
// ------------------------------------------------------------------

// One SingleResponse of a live answer. The CertID is echoed with the request's own bytes; only a serial with
// surplus leading zeros goes out in its DER form, because what we sign is strict DER (B-02).
struct LiveSingle {
    ByteView cert_id;      // CertID TLV, as parse_cert_id() takes it
    bool unknown = false;  // CertStatus unknown: never issued, among others that were (design, 4.5)
    CertStatus status;
    UtcTime this_update{};
    UtcTime next_update{};
    ByteView extensions;  // Extension TLVs, the issuer's common ones included; may be empty
};

// ResponseData of a live answer; written at the END of `out`, empty as above, and when `singles` is empty or
// the nonce is not of 1 to 128 octets. The nonce is the only response extension (B-20).
[[nodiscard]] ByteView encode_live_response_data(std::span<const std::uint8_t, 20> responder_key_hash,
                                                 UtcTime produced_at, std::span<const LiveSingle> singles,
                                                 std::optional<ByteView> nonce,
                                                 std::span<std::uint8_t> out) noexcept;

// Puts a signed ResponseData into an OCSPResponse. `signature_value` is the BIT STRING's content as it goes
// on the wire.
[[nodiscard]] ByteView encode_signed_response(ByteView response_data, ByteView signature_algorithm,
                                              ByteView signature_value, ByteView signer_certificate,
                                              std::span<std::uint8_t> out) noexcept;

// The wire form of a raw signature (ECDSA r||s to Ecdsa-Sig-Value; others as they are), at the END of `out`.
[[nodiscard]] ByteView encode_signature_value(SignatureForm form, ByteView raw,
                                              std::span<std::uint8_t> out) noexcept;

}  // namespace eightbells::ocsp

#endif
