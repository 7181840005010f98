#include "responder/signer/take_back.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "responder/signer/limits.h"

namespace eightbells::signer {

namespace {
bool for_good(const CertStatus& status) noexcept {
    return status && !on_hold(status);
}
}  // namespace

TakeBack::TakeBack(ledger::Ledger& ledger, const Identity& identity, std::string where, const Clock& clock)
    : ledger_(ledger), identity_(identity), where_(std::move(where)), clock_(clock) {}

Status TakeBack::see_page(const cache::Page& page) {
    const auto& header = page.header();
    // One range of the ledger a page: a million certificates are compared in seconds.
    auto known = ledger_.page(identity_.issuer.id(), header.page_bits, header.index);
    if (known)
        std::ranges::sort(*known, {}, &ledger::Certificate::serial);
    for (std::size_t i = 0; i < page.size(); ++i) {
        const auto record = page.record(i);
        const auto serial = Serial::from_magnitude(record.serial);
        if (!serial)
            continue;
        Status taken;
        if (known) {
            const auto at = std::ranges::lower_bound(*known, *serial, {}, &ledger::Certificate::serial);
            const bool found = at != known->end() && at->serial == *serial;
            taken = weigh(*serial, record.status, header.sequence, found ? &*at : nullptr);
        } else {  // more of them in the ledger by now than a page may hold
            taken = look_up(*serial, record.status, header.sequence);
        }
        if (!taken)
            return taken;
    }
    return {};
}

Status TakeBack::see_patch(const cache::Patch& patch) {
    for (const auto& entry : patch.records()) {
        const auto serial = Serial::from_magnitude(entry.record.serial);
        if (!serial)
            continue;
        if (auto taken = look_up(*serial, entry.record.status, patch.sequence()); !taken)
            return taken;
    }
    return {};
}

Status TakeBack::look_up(const Serial& serial, const CertStatus& published, std::uint64_t sequence) {
    auto known = ledger_.find(identity_.issuer.id(), serial);
    if (!known)
        return tl::unexpected<Error>(known.error());
    return weigh(serial, published, sequence, *known ? &**known : nullptr);
}

Status TakeBack::weigh(const Serial& serial, const CertStatus& published, std::uint64_t sequence,
                       const ledger::Certificate* known) {
    const bool forgotten =
        known == nullptr || (for_good(published) && (!known->status || on_hold(known->status)));
    if (!forgotten)
        return {};
    const Statement statement{sequence, published, known != nullptr};
    const auto [at, first] = forgotten_.try_emplace(serial, statement);
    // Once a CertID hash, and once a patch: the newest counts, but revoked is final whatever else is said.
    if (!first) {
        const bool stays = for_good(at->second.status);
        const bool newer = sequence > at->second.sequence;
        if (for_good(published) ? !stays || newer : !stays && newer)
            at->second = statement;
    }
    return forgotten_.size() < limits::taken_back_at_once ? Status{} : finish();
}

Status TakeBack::finish() {
    if (forgotten_.empty())
        return {};
    ledger::Ledger::ImportSource source;
    source.issuer = identity_.issuer.id();
    source.name = "published";
    source.file = where_;
    source.as_of = clock_.now();
    source.issue_unknown = true;
    source.surely_issued = true;
    const auto produce = [&](const ledger::Ledger::Take& take) -> Result<crypto::Sha256Digest> {
        std::string all = to_iso8601(clock_.now());
        for (const auto& [serial, statement] : forgotten_) {
            if (auto taken = take(
                    {serial, std::nullopt, std::nullopt, statement.status.has_value(), statement.status, 0});
                !taken)
                return tl::unexpected<Error>(taken.error());
            all += fmt::format(" {} {}", serial.to_hex(), statement.sequence);
        }
        return crypto::sha256(as_bytes(all));
    };
    auto report = ledger_.import(source, produce);
    if (!report)
        return fail("taking back into the ledger what was published", report.error());
    const auto issued = static_cast<std::uint64_t>(
        std::ranges::count_if(forgotten_, [](const auto& one) { return !one.second.known; }));
    counts_.issued += issued;
    counts_.revoked += forgotten_.size() - issued;
    spdlog::error(
        "issuer {}: {}: {} certificates and {} revocations were published that the ledger did not know: it "
        "was restored from an old copy or begun anew; they are taken back into it",
        identity_.settings.name, where_, issued, forgotten_.size() - issued);
    forgotten_.clear();
    return {};
}

}  // namespace eightbells::signer
