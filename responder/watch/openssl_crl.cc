#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/err.h>

#include "responder/watch/limits.h"
#include "responder/watch/openssl_issuer.h"

namespace eightbells::watch {

struct OpensslIssuer::Crl::State {
    X509CrlOwner crl;
    Verdict verdict;
    std::string number;
    UtcTime this_update{};
    std::optional<UtcTime> next_update;
    std::uint64_t entries = 0;

    void read_number() {
        const IntegerOwner value{
            static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(crl.get(), NID_crl_number, nullptr, nullptr))};
        if (value == nullptr)
            return;
        BIGNUM* const big = ASN1_INTEGER_to_BN(value.get(), nullptr);
        char* const text = big == nullptr ? nullptr : BN_bn2dec(big);
        if (text != nullptr)
            number = text;
        OPENSSL_free(text);
        BN_free(big);
    }

    void judge(X509* issuer, UtcTime now) {
        read_number();
        const auto from = time_of(X509_CRL_get0_lastUpdate(crl.get()));
        next_update = time_of(X509_CRL_get0_nextUpdate(crl.get()));
        const auto* const revoked = X509_CRL_get_REVOKED(crl.get());
        entries = revoked == nullptr ? 0U : static_cast<std::uint64_t>(sk_X509_REVOKED_num(revoked));
        this_update = from.value_or(UtcTime{});
        if (X509_NAME_cmp(X509_CRL_get_issuer(crl.get()), X509_get_subject_name(issuer)) != 0)
            verdict = wrong(Cause::wrong_issuer, "the CRL names another issuer");
        else if (X509_CRL_verify(crl.get(), X509_get0_pubkey(issuer)) != 1)
            verdict = wrong(Cause::signature, "OpenSSL: " + last_openssl_error());
        else if (!from)
            verdict = wrong(Cause::not_der, "thisUpdate is no time");
        else if (this_update > now + limits::watched_clock_skew)
            verdict = wrong(Cause::not_yet_valid, "thisUpdate is " + to_iso8601(this_update));
        else if (!next_update)
            verdict = wrong(Cause::no_next_update, "no nextUpdate");
        else if (*next_update < now)
            verdict = wrong(Cause::expired, "nextUpdate was " + to_iso8601(*next_update));
    }
};

OpensslIssuer::Crl::Crl(std::unique_ptr<State> state) : state_(std::move(state)) {}
OpensslIssuer::Crl::Crl(Crl&&) noexcept = default;
OpensslIssuer::Crl& OpensslIssuer::Crl::operator=(Crl&&) noexcept = default;
OpensslIssuer::Crl::~Crl() = default;

const Verdict& OpensslIssuer::Crl::verdict() const noexcept {
    return state_->verdict;
}
const std::string& OpensslIssuer::Crl::number() const noexcept {
    return state_->number;
}
UtcTime OpensslIssuer::Crl::this_update() const noexcept {
    return state_->this_update;
}
std::optional<UtcTime> OpensslIssuer::Crl::next_update() const noexcept {
    return state_->next_update;
}
std::uint64_t OpensslIssuer::Crl::entries() const noexcept {
    return state_->entries;
}

std::optional<SeenRevocation> OpensslIssuer::Crl::find(const Serial& serial) {
    X509_REVOKED* entry = nullptr;
    const IntegerOwner number = integer_of(serial);
    // 2 would be removeFromCRL: not revoked any more.
    if (state_->crl == nullptr || X509_CRL_get0_by_serial(state_->crl.get(), &entry, number.get()) != 1)
        return std::nullopt;
    SeenRevocation seen{time_of(X509_REVOKED_get0_revocationDate(entry)).value_or(UtcTime{}), std::nullopt};
    const EnumeratedOwner reason{
        static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nullptr, nullptr))};
    if (reason != nullptr) {
        const long code = ASN1_ENUMERATED_get(reason.get());
        if (code > 0)
            seen.reason = reason_from_code(static_cast<std::uint64_t>(code));
    }
    return seen;
}

OpensslIssuer::Crl OpensslIssuer::read_crl(ByteView crl, UtcTime now) const {
    auto state = std::make_unique<Crl::State>();
    ERR_clear_error();
    const DerExtent extent = der_extent(crl);
    if (extent == DerExtent::cut_off) {
        state->verdict =
            wrong(Cause::truncated, fmt::format("{} octets, less than their DER header says", crl.size()));
        return Crl(std::move(state));
    }
    const unsigned char* at = crl.data();
    if (extent == DerExtent::whole)
        state->crl.reset(d2i_X509_CRL(nullptr, &at, static_cast<long>(crl.size())));
    if (state->crl == nullptr)
        state->verdict = wrong(Cause::not_der, extent == DerExtent::more_behind
                                                   ? "octets behind the CRL"
                                                   : "no CRL in DER: " + last_openssl_error());
    else
        state->judge(state_->certificate.get(), now);
    return Crl(std::move(state));
}

}  // namespace eightbells::watch
