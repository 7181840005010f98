#include "responder/front/live_check.h"

#include <utility>

#include "responder/front/limits.h"
#include "responder/ocsp/response.h"

namespace eightbells::front {
namespace {

// Field by field, not octet by octet: the answer's serial is strict DER where the request's has surplus zeros
//
bool same_certificate(const ocsp::CertIdView& asked, const ocsp::CertIdView& answered) noexcept {
    const auto asked_serial = Serial::from_der_content(asked.serial);
    const auto answered_serial = Serial::from_der_content(answered.serial);
    const bool same_serial = asked_serial && answered_serial ? *asked_serial == *answered_serial
                                                             : equal(asked.serial, answered.serial);
    return same_serial && equal(asked.hash_algorithm, answered.hash_algorithm) &&
           equal(asked.issuer_name_hash, answered.issuer_name_hash) &&
           equal(asked.issuer_key_hash, answered.issuer_key_hash);
}

Status check_singles(const live::Call& call, const ocsp::ParsedResponse& response, UtcTime now) {
    if (response.singles.size() != call.cert_ids.size())
        return fail("responses: " + std::to_string(response.singles.size()) + " for " +
                    std::to_string(call.cert_ids.size()) + " CertIDs");
    for (std::size_t i = 0; i < call.cert_ids.size(); ++i) {
        const auto asked = ocsp::parse_cert_id(call.cert_ids[i]);
        const ocsp::ParsedSingle& single = response.singles[i];
        if (!asked || !same_certificate(*asked, single.cert_id))
            return fail("certID: not the one that was asked for");
        if (single.next_update <= now)
            return fail("nextUpdate: is past");
        if (single.this_update > now + limits::clock_difference)
            return fail("thisUpdate: is in the future");
    }
    return {};
}

}  // namespace

LiveCheck::LiveCheck(std::shared_ptr<const Issuers> issuers)
    : issuers_(std::move(issuers)), signers_(issuers_->size()) {}

Status LiveCheck::check(std::size_t issuer, const live::Call& call, ByteView response, UtcTime now) {
    const auto parsed = ocsp::parse_response(response);
    if (!parsed)
        return tl::unexpected(parsed.error());
    if (parsed->status != ocsp::ResponseStatus::successful)
        return fail("responseStatus: not successful");
    if (const Status singles = check_singles(call, *parsed, now); !singles)
        return singles;
    if (call.nonce ? !parsed->nonce || !equal(*call.nonce, *parsed->nonce) : parsed->nonce.has_value())
        return fail("nonce: not the one that was asked for");
    const auto signer = signer_of(issuer, parsed->certificates, now);
    if (!signer)
        return tl::unexpected(signer.error());
    if (!equal((*signer)->key_hash, parsed->responder_key_hash))
        return fail("responderID: not of the key in the certificate");
    if (!(*signer)->verifier.verify(parsed->signature_algorithm, parsed->response_data, parsed->signature))
        return fail("signature: wrong");
    return {};
}

Result<LiveCheck::Signer*> LiveCheck::signer_of(std::size_t issuer, const std::vector<ByteView>& certificates,
                                                UtcTime now) {
    const crypto::IssuerIdentity& identity = (*issuers_)[issuer].identity;
    // No certificate: the CA signs itself.
    const ByteView der = certificates.empty() ? identity.certificate().der() : certificates.front();
    auto& known = signers_[issuer];
    if (known && equal(known->certificate.der(), der)) {
        if (now < known->certificate.not_before() || now > known->certificate.not_after())
            return fail("certs: the signer's certificate is not valid now");
        return &*known;
    }
    auto certificate = crypto::Certificate::parse(der);
    if (!certificate)
        return fail("certs", certificate.error());
    std::vector<std::string> warnings;
    const auto faults = crypto::judge_signer_certificate(*certificate, identity,
                                                         (*issuers_)[issuer].settings.scheme, now, warnings);
    if (!faults.empty())
        return fail("certs: " + faults.front());
    auto verifier = crypto::SignatureVerifier::from_public_key(certificate->subject_public_key_info());
    if (!verifier)
        return fail("certs", verifier.error());
    const auto key_hash = crypto::sha1(certificate->public_key_bits());
    known.emplace(Signer{*std::move(certificate), key_hash, *std::move(verifier)});
    return &*known;
}

}  // namespace eightbells::front
