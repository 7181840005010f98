#include "responder/ocsp/answer.h"

#include "responder/base/serial.h"
#include "responder/der/writer.h"
#include "responder/ocsp/limits.h"
#include "responder/ocsp/oid.h"

namespace eightbells::ocsp {

using der::context;
using der::context_constructed;
using der::Tag;
using der::Writer;

namespace {

// AlgorithmIdentifiers with NULL parameters: the form that every client takes (design, 3).
constexpr std::array<std::uint8_t, 11> sha1_algorithm{0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
                                                      0x03, 0x02, 0x1a, 0x05, 0x00};
constexpr std::array<std::uint8_t, 15> sha256_algorithm{0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                                        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00};
// OBJECT IDENTIFIER id-pkix-ocsp-basic
constexpr std::array<std::uint8_t, 11> basic_type{0x06, 0x09, 0x2b, 0x06, 0x01, 0x05,
                                                  0x05, 0x07, 0x30, 0x01, 0x01};
// ENUMERATED successful (0)
constexpr std::array<std::uint8_t, 3> successful{0x0a, 0x01, 0x00};

// Every answer goes through these, with a Writer of its own; inline, so that it stays in registers.
#define EIGHTBELLS_INLINE [[gnu::always_inline]] inline

EIGHTBELLS_INLINE ByteView written(const Writer& writer) noexcept {
    return writer.ok() ? writer.bytes() : ByteView{};
}

// Extension TLVs as [number] EXPLICIT SEQUENCE OF; nothing when there are none. Two parts, one list.
EIGHTBELLS_INLINE void write_extensions(Writer& writer, std::uint8_t number, ByteView first,
                                        ByteView second) noexcept {
    if (first.empty() && second.empty())
        return;
    const std::size_t since = writer.size();
    writer.raw(second);
    writer.raw(first);
    writer.wrap(Tag::sequence, since);
    writer.wrap(context_constructed(number), since);
}

// CertStatus ::= CHOICE { good [0] IMPLICIT NULL, revoked [1] IMPLICIT RevokedInfo, unknown [2] ... }
// False for a reason that an answer never carries.
EIGHTBELLS_INLINE bool write_status(Writer& writer, const CertStatus& status, bool unknown) noexcept {
    const std::size_t since = writer.size();
    if (unknown || !status) {
        writer.wrap(context(unknown ? 2 : 0), since);
        return true;
    }
    if (status->reason && *status->reason != CrlReason::unspecified) {
        const auto code = static_cast<std::uint8_t>(*status->reason);
        if (*status->reason == CrlReason::remove_from_crl || !reason_from_code(code))
            return false;
        writer.enumerated(code);
        writer.wrap(context_constructed(0), since);
    }
    writer.generalized_time(status->time);
    writer.wrap(context_constructed(1), since);
    return true;
}

// What follows the status in a SingleResponse.
EIGHTBELLS_INLINE void write_times(Writer& writer, UtcTime this_update, UtcTime next_update) noexcept {
    const std::size_t since = writer.size();
    writer.generalized_time(next_update);
    writer.wrap(context_constructed(0), since);
    writer.generalized_time(this_update);
}

EIGHTBELLS_INLINE bool write_single(Writer& writer, const AnswerProfile& profile,
                                    const SingleAnswer& single) noexcept {
    const std::size_t octets = digest_octets(profile.cert_id_hash);
    const bool canonical =
        !single.serial.empty() && single.serial.size() <= Serial::max_octets && single.serial.front() != 0;
    if (!canonical || profile.issuer_name_hash.size() != octets || profile.issuer_key_hash.size() != octets)
        return false;
    const std::size_t since = writer.size();
    write_extensions(writer, 1, profile.single_extensions, single.extensions);
    write_times(writer, single.this_update, single.next_update);
    if (!write_status(writer, single.status, false))
        return false;
    const std::size_t cert_id = writer.size();
    writer.unsigned_integer(single.serial);
    writer.element(Tag::octet_string, profile.issuer_key_hash);
    writer.element(Tag::octet_string, profile.issuer_name_hash);
    if (profile.cert_id_hash == HashAlgorithm::sha1)
        writer.raw(sha1_algorithm);
    else
        writer.raw(sha256_algorithm);
    writer.wrap(Tag::sequence, cert_id);
    writer.wrap(Tag::sequence, since);
    return true;
}

// The fields of ResponseData before `responses`, and the header around everything written since `since`.
EIGHTBELLS_INLINE void write_head(Writer& writer, ByteView responder_key_hash, UtcTime produced_at,
                                  std::size_t since) noexcept {
    writer.generalized_time(produced_at);
    const std::size_t responder = writer.size();
    writer.element(Tag::octet_string, responder_key_hash);
    writer.wrap(context_constructed(2), responder);
    writer.wrap(Tag::sequence, since);
}

EIGHTBELLS_INLINE bool write_response_data(Writer& writer, const AnswerProfile& profile,
                                           const SingleAnswer& single) noexcept {
    const std::size_t since = writer.size();
    if (!write_single(writer, profile, single))
        return false;
    writer.wrap(Tag::sequence, since);
    write_head(writer, profile.responder_key_hash, single.produced_at, since);
    return true;
}

// The octets of r (and of s) in the raw form of an ECDSA signature; 0 for other forms.
constexpr std::size_t scalar_octets(SignatureForm form) noexcept {
    switch (form) {
        case SignatureForm::ecdsa_p256:
            return 32;
        case SignatureForm::ecdsa_p384:
            return 48;
        case SignatureForm::ecdsa_p521:
            return 66;
        case SignatureForm::octets:
            break;
    }
    return 0;
}

EIGHTBELLS_INLINE bool write_signature_value(Writer& writer, SignatureForm form, ByteView raw) noexcept {
    const std::size_t scalar = scalar_octets(form);
    if (scalar == 0) {
        writer.raw(raw);
        return !raw.empty() && form == SignatureForm::octets;
    }
    if (raw.size() != 2 * scalar)
        return false;
    const std::size_t since = writer.size();
    writer.unsigned_integer(raw.last(scalar));
    writer.unsigned_integer(raw.first(scalar));
    writer.wrap(Tag::sequence, since);
    return true;
}

// What stands behind the BIT STRING; the writer must be empty.
EIGHTBELLS_INLINE void write_certs(Writer& writer, ByteView signer_certificate) noexcept {
    if (signer_certificate.empty())
        return;
    writer.raw(signer_certificate);
    writer.wrap(Tag::sequence, 0);
    writer.wrap(context_constructed(0), 0);
}

// The headers around BasicOCSPResponse, whose fields are all that has been written.
EIGHTBELLS_INLINE void write_envelope(Writer& writer) noexcept {
    writer.wrap(Tag::sequence, 0);
    writer.wrap(Tag::octet_string, 0);
    writer.raw(basic_type);
    writer.wrap(Tag::sequence, 0);
    writer.wrap(context_constructed(0), 0);
    writer.raw(successful);
    writer.wrap(Tag::sequence, 0);
}

// A CertID, with its serial in DER.
bool write_cert_id(Writer& writer, ByteView tlv) noexcept {
    const auto cert_id = parse_cert_id(tlv);
    if (!cert_id)
        return false;
    const bool padded =
        cert_id->serial.size() > 1 && cert_id->serial[0] == 0 && (cert_id->serial[1] & 0x80) == 0;
    if (!padded) {
        writer.raw(tlv);
        return true;
    }
    const std::size_t since = writer.size();
    writer.unsigned_integer(cert_id->serial);
    writer.element(Tag::octet_string, cert_id->issuer_key_hash);
    writer.element(Tag::octet_string, cert_id->issuer_name_hash);
    writer.raw(cert_id->hash_algorithm);
    writer.wrap(Tag::sequence, since);
    return true;
}

bool write_live_single(Writer& writer, const LiveSingle& single) noexcept {
    const std::size_t since = writer.size();
    write_extensions(writer, 1, single.extensions, {});
    write_times(writer, single.this_update, single.next_update);
    if (!write_status(writer, single.status, single.unknown) || !write_cert_id(writer, single.cert_id))
        return false;
    writer.wrap(Tag::sequence, since);
    return true;
}

// responseExtensions with the nonce alone (B-20).
bool write_nonce(Writer& writer, ByteView nonce) noexcept {
    if (nonce.empty() || nonce.size() > limits::nonce_octets)
        return false;
    const std::size_t since = writer.size();
    writer.element(Tag::octet_string, nonce);
    writer.wrap(Tag::octet_string, since);
    writer.element(Tag::oid, oid::nonce);
    writer.wrap(Tag::sequence, since);
    writer.wrap(Tag::sequence, since);
    writer.wrap(context_constructed(1), since);
    return true;
}

}  // namespace

std::array<std::uint8_t, 5> encode_error(ResponseStatus status) noexcept {
    return {0x30, 0x03, 0x0a, 0x01, static_cast<std::uint8_t>(status)};
}

ByteView encode_response_data(const AnswerProfile& profile, const SingleAnswer& single,
                              std::span<std::uint8_t> out) noexcept {
    Writer writer{out};
    if (!write_response_data(writer, profile, single))
        return {};
    return written(writer);
}

ByteView encode_response(const AnswerProfile& profile, const SingleAnswer& single, ByteView signature,
                         std::span<std::uint8_t> out) noexcept {
    Writer writer{out};
    write_certs(writer, profile.signer_certificate);
    const std::size_t since = writer.size();
    if (profile.signature_algorithm.empty() ||
        !write_signature_value(writer, profile.signature_form, signature))
        return {};
    writer.octet(0);  // unused bits
    writer.wrap(Tag::bit_string, since);
    writer.raw(profile.signature_algorithm);
    if (!write_response_data(writer, profile, single))
        return {};
    write_envelope(writer);
    return written(writer);
}

ByteView encode_live_response_data(std::span<const std::uint8_t, 20> responder_key_hash, UtcTime produced_at,
                                   std::span<const LiveSingle> singles, std::optional<ByteView> nonce,
                                   std::span<std::uint8_t> out) noexcept {
    Writer writer{out};
    if (singles.empty() || (nonce && !write_nonce(writer, *nonce)))
        return {};
    const std::size_t responses = writer.size();
    for (std::size_t i = singles.size(); i-- > 0;) {
        if (!write_live_single(writer, singles[i]))
            return {};
    }
    writer.wrap(Tag::sequence, responses);
    write_head(writer, responder_key_hash, produced_at, 0);
    return written(writer);
}

ByteView encode_signed_response(ByteView response_data, ByteView signature_algorithm,
                                ByteView signature_value, ByteView signer_certificate,
                                std::span<std::uint8_t> out) noexcept {
    if (response_data.empty() || signature_algorithm.empty() || signature_value.empty())
        return {};
    Writer writer{out};
    write_certs(writer, signer_certificate);
    writer.bit_string(signature_value);
    writer.raw(signature_algorithm);
    writer.raw(response_data);
    write_envelope(writer);
    return written(writer);
}

ByteView encode_signature_value(SignatureForm form, ByteView raw, std::span<std::uint8_t> out) noexcept {
    Writer writer{out};
    if (!write_signature_value(writer, form, raw))
        return {};
    return written(writer);
}

}  // namespace eightbells::ocsp
