#include "responder/signer/crl_gate.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "responder/signer/limits.h"

namespace eightbells::signer {

namespace {

// A delta speaks for the same source as its base: a hold that one has set the other may release. The first
// full CRL of an issuer is called as ever.
std::string source_of(const FedIssuer& issuer, const config::ImportedCrl& crl) {
    const std::string& path = crl.delta_of.empty() ? crl.path : crl.delta_of;
    return crl.distribution_point.empty() && issuer.settings.crls().front().path == path ? "crl"
                                                                                         : "crl:" + path;
}

}  // namespace

CrlGate::CrlGate(std::filesystem::path data, CrlVersions versions, ledger::Ledger& ledger,
                 CrlListener& listener, const Clock& clock)
    : data_(std::move(data)),
      versions_(std::move(versions)),
      refused_(data_ / "refused-crls"),
      ledger_(ledger),
      listener_(listener),
      clock_(clock) {}

Result<std::unique_ptr<CrlGate>> CrlGate::open(const std::filesystem::path& data, ledger::Ledger& ledger,
                                               CrlListener& listener, const Clock& clock) {
    auto versions = CrlVersions::load(data / "crl-versions.json");
    if (!versions)
        return tl::unexpected<Error>(versions.error());
    return std::unique_ptr<CrlGate>{new CrlGate(data, std::move(*versions), ledger, listener, clock)};
}

Result<config::ImportedCrl> CrlGate::find(const FedIssuer& issuer, const std::string& path) {
    const auto all = issuer.settings.crls();
    if (path.empty() && all.size() == 1)
        return all.front();
    const auto found = std::ranges::find(all, path, &config::ImportedCrl::path);
    if (found != all.end())
        return *found;
    std::string paths;
    for (const auto& crl : all)
        paths += (paths.empty() ? "" : ", ") + crl.path;
    return fail(fmt::format("crl_path: one of {} is expected", paths));
}

std::optional<crl::CrlVersion> CrlGate::newest(const FedIssuer& issuer, const std::string& path) const {
    const std::string& id = issuer.issuer.id();
    auto remembered = versions_.of(id, path);
    const auto served = listener_.served_crl(id, path);
    const auto view =
        served == nullptr ? Result<crl::CrlView>{fail("none")} : crl::parse_crl(served->bytes());
    // What is served is all but always what is remembered; only otherwise its digest is worth the time.
    if (!view || (remembered && crl::compare_crl_numbers(view->crl_number, remembered->crl_number) <= 0))
        return remembered;
    return crl::CrlVersion{Bytes(view->crl_number.begin(), view->crl_number.end()), view->this_update,
                           crypto::sha256(served->bytes())};
}

Result<ledger::ImportReport> CrlGate::take(const FedIssuer& issuer, const config::ImportedCrl& crl,
                                           Offer offer) {
    const std::string& id = issuer.issuer.id();
    const auto all = issuer.settings.crls();
    const auto delta = std::ranges::find(all, crl.path, &config::ImportedCrl::delta_of);
    ledger::CrlToImport import;
    import.octets = offer.octets;
    import.place = offer.place;
    import.scratch = data_;
    import.source = source_of(issuer, crl);
    import.policy.scheme = issuer.settings.scheme;
    import.policy.accept_delta = !crl.delta_of.empty();
    import.policy.covers_cas = issuer.settings.issues_cas;
    import.policy.distribution_point = crl.distribution_point;
    import.policy.has_delta = delta != all.end();
    import.previous = newest(issuer, crl.path);
    const auto base = crl.delta_of.empty() ? nullptr : listener_.served_crl(id, crl.delta_of);
    const auto base_view =
        base == nullptr ? Result<crl::CrlView>{fail("none")} : crl::parse_crl(base->bytes());
    if (base_view)
        import.policy.base = &*base_view;
    if (delta != all.end())
        import.newest_delta = newest(issuer, delta->path);
    auto taken = ledger::import_crl(ledger_, issuer.issuer, std::move(import), clock_.now());
    if (taken) {
        if (auto noted = versions_.note(id, crl.path, taken->version); !noted)
            taken = tl::unexpected<Error>(noted.error());
    }
    if (!taken) {
        refuse(issuer, crl, offer, taken.error());
        return tl::unexpected<Error>(taken.error());
    }
    std::erase_if(told_, [&](const auto& one) { return one.first[0] == id && one.first[1] == crl.path; });
    listener_.on_crl(id, crl.path, std::move(taken->der));
    return std::move(taken->report);
}

void CrlGate::refuse(const FedIssuer& issuer, const config::ImportedCrl& crl, const Offer& offer,
                     const Error& why) {
    if (told_.size() >= limits::crl_refusals_told)
        told_.clear();
    std::string& told = told_[{issuer.issuer.id(), crl.path, offer.place}];
    const std::string now_told =
        offer.octets == nullptr ? why.message : why.message + to_hex(crypto::sha256(offer.octets->bytes()));
    if (told == now_told)
        return;
    told = now_told;
    if (offer.octets != nullptr) {
        const RefusedCrls::Refusal refusal{issuer.settings.name, crl.path, offer.place, why.message,
                                           clock_.now()};
        if (auto kept = refused_.keep(offer.octets->bytes(), refusal); !kept)
            spdlog::error("issuer {}: the refused CRL cannot be kept aside: {}", issuer.settings.name,
                          kept.error().message);
    }
    listener_.on_crl_refused(issuer.issuer.id(), crl.path, why);
}

}  // namespace eightbells::signer
