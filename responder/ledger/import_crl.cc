#include <fmt/format.h>

#include <algorithm>

#include "responder/crl/crl.h"
#include "responder/crl/entry_rules.h"
#include "responder/ledger/import.h"
#include "responder/ledger/limits.h"

namespace eightbells::ledger {

namespace {

// F-18: how many certificates a last CRL would leave without a word from now on.
Status refuse_premature(Ledger& ledger, const std::string& issuer, const crl::CrlView& view, UtcTime now) {
    if (view.next_update != year_9999)
        return {};
    auto open = ledger.count_open(issuer, now);
    if (!open)
        return tl::unexpected(open.error());
    std::vector<Serial> listed;  // of those, once each
    if (*open != 0) {
        auto read = crl::for_each_entry(view, [&](const crl::CrlEntry& entry) -> Status {
            if (on_hold(entry.revocation))
                return {};
            auto known = ledger.find(issuer, entry.serial);
            if (!known)
                return tl::unexpected(known.error());
            if (*known && (*known)->not_after >= now && (!(*known)->status || on_hold((*known)->status)))
                listed.push_back(entry.serial);
            return {};
        });
        if (!read)
            return read;
    }
    const auto less = [](const Serial& a, const Serial& b) {
        return std::ranges::lexicographical_compare(a.magnitude(), b.magnitude());
    };
    std::ranges::sort(listed, less);
    const auto repeated = std::ranges::unique(
        listed, [](const Serial& a, const Serial& b) { return equal(a.magnitude(), b.magnitude()); });
    const std::uint64_t revoked = listed.size() - repeated.size();
    if (*open <= revoked)
        return {};
    return fail(fmt::format("F-18: a last CRL, but {} certificates are neither expired nor revoked",
                            *open - revoked));
}

// F-17: expiredCertsOnCRL is there exactly when entries of expired certificates are kept, and is true.
void judge_expired(const crl::CrlView& view, const crl::CrlPolicy& policy, ImportReport& report) {
    const bool prunes = crypto::is_public_trust(policy.scheme);
    if (report.expired == 0)
        return;
    if (!view.expired_certs_on_crl && !prunes) {
        report.warnings.push_back(
            fmt::format("CRL: F-17: {} of its entries are of expired certificates, but expiredCertsOnCRL is "
                        "absent",
                        report.expired));
    } else if (view.expired_certs_on_crl && *view.expired_certs_on_crl > report.earliest_end) {
        report.warnings.push_back(fmt::format(
            "CRL: F-17: expiredCertsOnCRL says {}, but a certificate that it lists ended at {} already",
            to_iso8601(*view.expired_certs_on_crl), to_iso8601(report.earliest_end)));
    }
}

Ledger::ImportSource source_of(const std::string& issuer, const CrlToImport& offer, const crl::CrlView& view,
                               UtcTime now) {
    Ledger::ImportSource source;
    source.issuer = issuer;
    source.name = offer.source;
    source.file = offer.place;
    source.as_of = std::min(view.this_update, now);
    // A part of the issuer's certificates says nothing of the others.
    source.carries_status = offer.policy.distribution_point.empty();
    const bool overtaken =
        offer.newest_delta && crl::compare_crl_numbers(view.crl_number, offer.newest_delta->crl_number) < 0;
    source.absence_releases = view.issuing_distribution_point.empty() && !view.is_delta && !overtaken;
    source.repeats_tolerated = true;
    source.issue_unknown = true;
    source.place = [place = offer.place](std::uint64_t line) {
        return line == 0 ? place : fmt::format("{}: entry {}", place, line);
    };
    return source;
}

// removeFromCRL: the hold is over, or the certificate has expired and its entry with it; only the former
// changes anything.
Status take_removal(Ledger& ledger, const std::string& issuer, const crl::CrlEntry& entry,
                    std::uint64_t position, const Ledger::Take& take) {
    auto known = ledger.find(issuer, entry.serial);
    if (!known)
        return tl::unexpected(known.error());
    if (!*known || !on_hold((*known)->status))
        return {};
    return take({entry.serial, std::nullopt, std::nullopt, true, std::nullopt, position});
}

}  // namespace

Result<CrlImport> import_crl(Ledger& ledger, const crypto::IssuerIdentity& issuer, CrlToImport offer,
                             UtcTime now) {
    std::vector<std::string> warnings;
    offer.policy.warnings = &warnings;
    auto der = crl::der_of(std::move(offer.octets), offer.scratch);
    if (!der)
        return fail(offer.place, der.error());
    const auto view = crl::parse_crl((*der)->bytes());
    if (!view)
        return fail(offer.place, view.error());
    if (auto status = crl::check_crl(*view, (*der)->bytes(), issuer, now, offer.previous, offer.policy);
        !status)
        return fail(offer.place, status.error());
    if (auto status = refuse_premature(ledger, issuer.id(), *view, now); !status)
        return fail(offer.place + ": CRL", status.error());

    const crypto::Sha256Digest digest = crypto::sha256((*der)->bytes());
    crl::EntryRules rules{*view, offer.policy};
    const auto source = source_of(issuer.id(), offer, *view, now);
    auto report = ledger.import(source, [&](const Ledger::Take& take) -> Result<crypto::Sha256Digest> {
        std::uint64_t position = 0;
        Status taken;  // the ledger names the place itself
        auto read = crl::for_each_entry(*view, [&](const crl::CrlEntry& entry) -> Status {
            if (auto allowed = rules.check(entry, ++position); !allowed)
                return allowed;
            taken = entry.revocation.reason == CrlReason::remove_from_crl
                        ? take_removal(ledger, issuer.id(), entry, position, take)
                        : take({entry.serial, std::nullopt, std::nullopt, true, entry.revocation, position});
            return taken;
        });
        if (!taken)
            return fail(taken.error().message);
        if (!read)
            return fail(offer.place, read.error());
        return digest;
    });
    if (!report)
        return fail(report.error().message);
    rules.tell();
    judge_expired(*view, offer.policy, *report);
    for (std::string& warning : warnings) {
        if (report->warnings.size() < limits::import_warnings)
            report->warnings.push_back(offer.place + ": " + warning);
    }
    return CrlImport{std::move(*report),
                     std::move(*der),
                     {Bytes(view->crl_number.begin(), view->crl_number.end()), view->this_update, digest}};
}

}  // namespace eightbells::ledger
