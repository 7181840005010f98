#include "responder/signer/crl_maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "responder/ocsp/answer.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

CrlMaker::CrlMaker(std::shared_ptr<const Identity> identity, std::filesystem::path scratch)
    : identity_(std::move(identity)),
      scratch_(std::move(scratch)),
      scopes_(crl_scopes(identity_->settings)),
      key_identifier_(crl::key_identifier_for(identity_->issuer.certificate())) {}

bool CrlMaker::keeps_expired() const noexcept {
    return !crypto::is_public_trust(identity_->settings.scheme);
}

Result<CrlMaker::Dealt> CrlMaker::deal(ledger::Ledger& ledger, UtcTime expired_before) {
    Dealt dealt;
    for (std::size_t i = 0; i < scopes_.size(); ++i) {
        auto entries = crl::EntrySpool::make(scratch_);
        if (!entries)
            return tl::unexpected<Error>(entries.error());
        dealt.entries.push_back(std::move(*entries));
    }
    const bool keep = keeps_expired();
    const auto take = [&](const ledger::Ledger::Listed& listed) -> Status {
        const bool expired = listed.not_after < expired_before;
        if (!keep && expired && listed.last_listed)
            return {};
        if (!keep && expired && dealt.leaving.size() < limits::crl_leaving)
            dealt.leaving.emplace_back(listed.hash, listed.serial);
        dealt.latest = std::max(dealt.latest, listed.revocation.time);
        const crl::CrlEntry entry{listed.serial, listed.revocation, false, false, false};
        for (std::size_t i = 0; i < scopes_.size(); ++i) {
            if (!belongs_to(scopes_[i], listed.distribution_point, scopes_))
                continue;
            if (auto added = dealt.entries[i].add(entry); !added)
                return added;
        }
        return {};
    };
    const auto covers = ledger.for_each_listed(identity_->issuer.id(), take);
    if (!covers)
        return fail("ledger", covers.error());
    dealt.covers = *covers;
    for (auto& entries : dealt.entries) {
        if (auto finished = entries.finish(); !finished)
            return tl::unexpected<Error>(finished.error());
    }
    return dealt;
}

namespace {

// One CRL's entries beside where they stand in the ledger's order.
struct Place {
    crl::CrlEntry entry;
    std::uint64_t hash = 0;
};

bool before(const Place& a, const Place& b) noexcept {
    if (a.hash != b.hash)
        return a.hash < b.hash;
    return std::ranges::lexicographical_compare(a.entry.serial.magnitude(), b.entry.serial.magnitude());
}

Result<std::optional<Place>> next_place(crl::EntryReader& reader, crypto::Sha256& sha256) {
    auto entry = reader.next();
    if (!entry)
        return tl::unexpected<Error>(entry.error());
    if (!*entry)
        return std::nullopt;
    const auto hash = crypto::serial_hash(sha256, (*entry)->serial.magnitude());
    return Place{**entry, hash};
}

}  // namespace

Result<crl::EntrySpool> CrlMaker::deal_delta(ByteView base, ByteView complete) {
    const auto old_view = crl::parse_crl(base);
    const auto new_view = crl::parse_crl(complete);
    auto entries = crl::EntrySpool::make(scratch_);
    if (!old_view || !new_view || !entries)
        return tl::unexpected<Error>(!old_view   ? old_view.error()
                                     : !new_view ? new_view.error()
                                                 : entries.error());
    crypto::Sha256 sha256;
    crl::EntryReader olds{*old_view};
    crl::EntryReader news{*new_view};
    auto old_one = next_place(olds, sha256);
    auto new_one = next_place(news, sha256);
    while (old_one && new_one && (*old_one || *new_one)) {
        const bool only_old = *old_one && (!*new_one || before(**old_one, **new_one));
        const bool only_new = *new_one && (!*old_one || before(**new_one, **old_one));
        Status added;
        if (only_old) {
            crl::CrlEntry gone = (*old_one)->entry;
            gone.revocation = {gone.revocation.time, CrlReason::remove_from_crl, std::nullopt};
            added = entries->add(gone);
        } else if (only_new || (*old_one)->entry.revocation != (*new_one)->entry.revocation) {
            added = entries->add((*new_one)->entry);
        }
        if (!added)
            return tl::unexpected<Error>(added.error());
        if (!only_new)
            old_one = next_place(olds, sha256);
        if (!only_old)
            new_one = next_place(news, sha256);
    }
    if (!old_one || !new_one)
        return tl::unexpected<Error>(!old_one ? old_one.error() : new_one.error());
    if (auto finished = entries->finish(); !finished)
        return tl::unexpected<Error>(finished.error());
    return entries;
}

bool CrlMaker::names_delta(const Kind& kind) const noexcept {
    const bool complete = kind.scope->distribution_point.empty() && !kind.base;
    return complete && !kind.last && !identity_->settings.generated_crl.delta.empty();
}

crl::CrlPolicy CrlMaker::policy(const Kind& kind) const {
    crl::CrlPolicy policy;
    policy.scheme = identity_->settings.scheme;
    policy.accept_delta = kind.base.has_value();
    policy.covers_cas = identity_->settings.issues_cas;
    policy.distribution_point = kind.scope->distribution_point;
    policy.has_delta = names_delta(kind);
    return policy;
}

crl::CrlFields CrlMaker::fields(const Kind& kind, const Bytes& number, const CrlTimes& times) const {
    const auto& settings = identity_->settings;
    crl::CrlFields fields;
    fields.signature_algorithm = identity_->crl_key->signature_algorithm();
    fields.issuer_name = identity_->issuer.certificate().subject_name();
    fields.this_update = times.this_update;
    fields.next_update = times.next_update;
    fields.crl_number = number;
    fields.authority_key_identifier = key_identifier_;
    fields.base_crl_number = kind.base;
    fields.distribution_point = kind.scope->distribution_point;
    if (names_delta(kind))
        fields.freshest_crl = settings.generated_crl.delta;
    if (keeps_expired()) {
        const UtcTime not_before = identity_->issuer.certificate().not_before();
        const UtcTime since = std::max(not_before, settings.records_since.value_or(not_before));
        fields.expired_certs_on_crl = since;
    }
    if (!kind.last)
        fields.next_publish = times.next_publish;
    return fields;
}

Result<MadeCrl> CrlMaker::make(const Kind& kind, const Bytes& number, const CrlTimes& times,
                               const crl::EntrySpool& entries, const std::optional<crl::CrlVersion>& previous,
                               UtcTime now) {
    auto signer = identity_->crl_key->make_signer();
    if (!signer)
        return tl::unexpected<Error>(signer.error());
    const auto form = identity_->crl_key->signature_form();
    crl::TbsSigner sign;
    sign.update = [&](ByteView part) { return (*signer)->update(part); };
    sign.finish = [&]() -> Result<Bytes> {
        auto raw = (*signer)->finish();
        if (!raw)
            return raw;
        Bytes buffer(raw->size() + limits::signature_wrapping_octets);
        const auto value = ocsp::encode_signature_value(form, *raw, buffer);
        if (value.empty())
            return fail("the key gave a signature of an unexpected size");
        return Bytes{value.begin(), value.end()};
    };
    auto der = crl::write_crl(fields(kind, number, times), entries, sign, scratch_);
    if (!der)
        return tl::unexpected<Error>(der.error());
    return check(std::move(*der), kind, entries, previous, now);
}

// What leaves this signer is judged as if a stranger had sent it, and then held against what was meant.
Result<MadeCrl> CrlMaker::check(std::shared_ptr<const MappedFile> der, const Kind& kind,
                                const crl::EntrySpool& entries,
                                const std::optional<crl::CrlVersion>& previous, UtcTime now) const {
    const auto view = crl::parse_crl(der->bytes());
    if (!view)
        return fail("the CRL that was made cannot be read", view.error());
    crl::CrlPolicy judged_by = policy(kind);
    const auto complete = kind.complete.empty() ? Result<crl::CrlView>{*view} : crl::parse_crl(kind.complete);
    if (complete)
        judged_by.base = &*complete;
    if (auto fit = crl::check_crl(*view, der->bytes(), identity_->issuer, now, previous, judged_by); !fit)
        return fail("the CRL that was made must not be published", fit.error());
    crl::EntryDigest digest;
    std::uint64_t count = 0;
    const auto read = crl::for_each_entry(*view, [&](const crl::CrlEntry& entry) {
        digest.add(entry);
        ++count;
        return Status{};
    });
    if (!read)
        return fail("the CRL that was made cannot be read", read.error());
    if (count != entries.count() || digest.finish() != entries.digest())
        return fail("the CRL that was made does not hold what was meant");
    MadeCrl made;
    made.version.crl_number.assign(view->crl_number.begin(), view->crl_number.end());
    made.version.this_update = view->this_update;
    made.version.digest = crypto::sha256(der->bytes());
    made.next_update = *view->next_update;
    made.entries = count;
    made.der = std::move(der);
    return made;
}

}  // namespace eightbells::signer
