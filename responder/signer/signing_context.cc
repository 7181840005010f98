#include "responder/signer/signing_context.h"

#include <fmt/format.h>

#include "responder/base/serial.h"
#include "responder/ocsp/response.h"

namespace eightbells::signer {

Result<std::unique_ptr<SigningContext>> make_signing_context(
    const std::shared_ptr<const Identity>& identity) {
    auto signer = identity->key->make_signer();
    if (!signer)
        return fail("cannot use the signing key", signer.error());
    auto verifier =
        crypto::SignatureVerifier::from_public_key(identity->signer_certificate.subject_public_key_info());
    if (!verifier)
        return fail("cannot use the signer certificate's key", verifier.error());
    return std::make_unique<SigningContext>(
        SigningContext{identity, std::move(*signer), std::move(*verifier)});
}

namespace {

tl::unexpected<Error> wrong(std::string_view field) {
    return fail(fmt::format("self-check: {} differs from what was meant", field));
}

Status check_single(const ocsp::ParsedSingle& single, const MeantSingle& meant,
                    const ocsp::AnswerProfile& profile) {
    const auto serial = Serial::from_der_content(single.cert_id.serial);
    const bool serial_matches = serial ? equal(serial->magnitude(), meant.serial) : meant.serial.empty();
    if (!serial_matches)
        return wrong("serialNumber");
    if (!meant.cert_id.empty()) {
        if (!equal(single.cert_id.tlv, meant.cert_id))
            return wrong("CertID");
    } else if (single.cert_id.hash != profile.cert_id_hash ||
               !equal(single.cert_id.issuer_name_hash, profile.issuer_name_hash) ||
               !equal(single.cert_id.issuer_key_hash, profile.issuer_key_hash)) {
        return wrong("CertID");
    }
    if (single.unknown != meant.unknown || single.status.has_value() != meant.status.has_value())
        return wrong("certStatus");
    if (meant.status &&
        (single.status->time != meant.status->time || single.status->reason != meant.status->reason)) {
        return wrong("RevokedInfo");
    }
    if (single.this_update != meant.this_update)
        return wrong("thisUpdate");
    if (single.next_update != meant.next_update)
        return wrong("nextUpdate");
    return {};
}

}  // namespace

Status check_answer(ByteView response, const ocsp::AnswerProfile& profile, UtcTime produced_at,
                    std::span<const MeantSingle> singles, std::optional<ByteView> nonce,
                    crypto::SignatureVerifier& verifier) {
    auto parsed = ocsp::parse_response(response);
    if (!parsed)
        return fail("self-check: the answer does not parse", parsed.error());
    if (parsed->status != ocsp::ResponseStatus::successful || parsed->singles.size() != singles.size())
        return wrong("the shape");
    for (std::size_t i = 0; i < singles.size(); ++i) {
        if (auto checked = check_single(parsed->singles[i], singles[i], profile); !checked)
            return checked;
    }
    if (parsed->produced_at != produced_at)
        return wrong("producedAt");
    if (parsed->nonce.has_value() != nonce.has_value() || (nonce && !equal(*parsed->nonce, *nonce)))
        return wrong("nonce");
    if (!equal(parsed->responder_key_hash, profile.responder_key_hash))
        return wrong("responderID");
    if (!equal(parsed->signature_algorithm, profile.signature_algorithm))
        return wrong("signatureAlgorithm");
    const bool has_certificate = !profile.signer_certificate.empty();
    if (parsed->certificates.size() != (has_certificate ? 1U : 0U))
        return wrong("certs");
    if (has_certificate && !equal(parsed->certificates.front(), profile.signer_certificate))
        return wrong("certs");
    if (!verifier.verify(parsed->signature_algorithm, parsed->response_data, parsed->signature)) {
        return fail("self-check: the signature does not verify under the signer certificate");
    }
    return {};
}

}  // namespace eightbells::signer
