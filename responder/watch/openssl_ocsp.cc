#include <fmt/format.h>
#include <openssl/err.h>

#include "responder/watch/limits.h"
#include "responder/watch/openssl_issuer.h"

namespace eightbells::watch {
namespace {

std::string_view response_status_name(int status) {
    switch (status) {
        case OCSP_RESPONSE_STATUS_SUCCESSFUL:
            return "successful";
        case OCSP_RESPONSE_STATUS_MALFORMEDREQUEST:
            return "malformedRequest";
        case OCSP_RESPONSE_STATUS_INTERNALERROR:
            return "internalError";
        case OCSP_RESPONSE_STATUS_TRYLATER:
            return "tryLater";
        case OCSP_RESPONSE_STATUS_SIGREQUIRED:
            return "sigRequired";
        case OCSP_RESPONSE_STATUS_UNAUTHORIZED:
            return "unauthorized";
        default:
            return "an unknown response status";
    }
}

// The one among the answers that is for this CertID; else the verdict says what they are for.
OCSP_SINGLERESP* find_single(OCSP_BASICRESP* basic, OCSP_CERTID* wanted, Verdict& verdict) {
    bool ours = false;
    for (int i = 0; i < OCSP_resp_count(basic); ++i) {
        OCSP_SINGLERESP* const single = OCSP_resp_get0(basic, i);
        const OCSP_CERTID* const id = OCSP_SINGLERESP_get0_id(single);
        if (OCSP_id_cmp(id, wanted) == 0)
            return single;
        ours = ours || OCSP_id_issuer_cmp(id, wanted) == 0;
    }
    verdict = ours ? wrong(Cause::wrong_serial, "the answer is for another serial number of this issuer")
                   : wrong(Cause::wrong_issuer, "the answer's CertID names another issuer, key or hash");
    return nullptr;
}

// RFC 6960, section 3.2, steps 2 to 4.
Verdict verify_signer(OCSP_BASICRESP* basic, X509* issuer, UtcTime now, OcspSeen& seen) {
    const StoreOwner store{X509_STORE_new()};
    const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> certificates{
        sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); }};
    if (store == nullptr || certificates == nullptr || X509_STORE_add_cert(store.get(), issuer) != 1 ||
        sk_X509_push(certificates.get(), issuer) == 0)
        return wrong(Cause::internal, "OpenSSL: " + last_openssl_error());
    X509_VERIFY_PARAM* const parameters = X509_STORE_get0_param(store.get());
    X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(to_unix(now)));
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
    X509* signer = nullptr;
    if (OCSP_resp_get0_signer(basic, &signer, certificates.get()) != 1 || signer == nullptr)
        return wrong(Cause::signer, "no certificate fits the ResponderID: " + last_openssl_error());
    seen.signer_not_after = time_of(X509_get0_notAfter(signer)).value_or(UtcTime{});
    // First the signature alone, so that a broken one is told from a signer who may not.
    if (OCSP_basic_verify(basic, certificates.get(), store.get(), OCSP_NOVERIFY) != 1)
        return wrong(Cause::signature, "OpenSSL: " + last_openssl_error());
    if (OCSP_basic_verify(basic, certificates.get(), store.get(), OCSP_PARTIAL_CHAIN) != 1)
        return wrong(Cause::signer, "OpenSSL: " + last_openssl_error());
    return {};
}

Verdict read_times(OCSP_SINGLERESP* single, OCSP_BASICRESP* basic, UtcTime now, OcspSeen& seen) {
    int reason = -1;
    ASN1_GENERALIZEDTIME* revoked = nullptr;
    ASN1_GENERALIZEDTIME* this_update = nullptr;
    ASN1_GENERALIZEDTIME* next_update = nullptr;
    const int status = OCSP_single_get0_status(single, &reason, &revoked, &this_update, &next_update);
    seen.status = status == V_OCSP_CERTSTATUS_GOOD      ? SeenStatus::good
                  : status == V_OCSP_CERTSTATUS_REVOKED ? SeenStatus::revoked
                                                        : SeenStatus::unknown;
    if (seen.status == SeenStatus::revoked) {
        const auto at = time_of(revoked);
        if (!at)
            return wrong(Cause::not_der, "revocationTime is no time");
        seen.revocation = SeenRevocation{*at, std::nullopt};
        if (reason > 0)
            seen.revocation->reason = reason_from_code(static_cast<std::uint64_t>(reason));
    }
    const auto from = time_of(this_update);
    const auto produced = time_of(OCSP_resp_get0_produced_at(basic));
    seen.next_update = time_of(next_update);
    if (!from || !produced)
        return wrong(Cause::not_der, "thisUpdate or producedAt is no time");
    seen.this_update = *from;
    seen.produced_at = *produced;
    if (seen.this_update > now + limits::watched_clock_skew)
        return wrong(Cause::not_yet_valid, "thisUpdate is " + to_iso8601(seen.this_update));
    if (seen.produced_at > now + limits::watched_clock_skew)
        return wrong(Cause::not_yet_valid, "producedAt is " + to_iso8601(seen.produced_at));
    if (!seen.next_update)
        return wrong(Cause::no_next_update, "no nextUpdate");
    if (*seen.next_update < now)
        return wrong(Cause::expired, "nextUpdate was " + to_iso8601(*seen.next_update));
    return {};
}

}  // namespace

OcspSeen OpensslIssuer::read_ocsp(ByteView answer, const Serial& serial, RequestHash hash,
                                  UtcTime now) const {
    OcspSeen seen;
    ERR_clear_error();
    const DerExtent extent = der_extent(answer);
    if (extent == DerExtent::cut_off) {
        seen.verdict =
            wrong(Cause::truncated, fmt::format("{} octets, less than their DER header says", answer.size()));
        return seen;
    }
    const unsigned char* at = answer.data();
    const OcspResponseOwner response{d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(answer.size()))};
    if (extent != DerExtent::whole || response == nullptr) {
        seen.verdict = wrong(Cause::not_der, extent == DerExtent::more_behind
                                                 ? "octets behind the OCSP response"
                                                 : "no OCSP response: " + last_openssl_error());
        return seen;
    }
    seen.response_status = OCSP_response_status(response.get());
    if (seen.response_status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        seen.verdict =
            wrong(Cause::ocsp_error_status, std::string(response_status_name(seen.response_status)));
        return seen;
    }
    const OcspBasicOwner basic{OCSP_response_get1_basic(response.get())};
    const CertIdOwner wanted = state_->cert_id(serial, hash);
    if (basic == nullptr) {
        seen.verdict = wrong(Cause::not_der, "no BasicOCSPResponse: " + last_openssl_error());
        return seen;
    }
    if (wanted == nullptr) {
        seen.verdict = wrong(Cause::internal, "OpenSSL: " + last_openssl_error());
        return seen;
    }
    OCSP_SINGLERESP* const single = find_single(basic.get(), wanted.get(), seen.verdict);
    if (single == nullptr)
        return seen;
    seen.verdict = verify_signer(basic.get(), state_->certificate.get(), now, seen);
    if (seen.verdict.right())
        seen.verdict = read_times(single, basic.get(), now, seen);
    return seen;
}

}  // namespace eightbells::watch
