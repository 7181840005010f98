#include "responder/signer/take_back.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "responder/signer/limits.h"

namespace eightbells::signer {

namespace {
bool for_good(const CertStatus& status) noexcept {
    return status && !on_hold(status);
}

// How bad it is: nothing is said of what was never issued.
int weight(const CertStatus& status) noexcept {
    return !status ? 1 : on_hold(status) ? 2 : 3;
}
}  // namespace

TakeBack::TakeBack(ledger::Ledger& ledger, const Identity& identity, Seen seen, std::string where,
                   const Clock& clock)
    : ledger_(ledger), identity_(identity), seen_(seen), where_(std::move(where)), clock_(clock) {}

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
    return known ? note_lacking(*known, &page) : Status{};
}

Status TakeBack::see_empty_page(unsigned page_bits, std::uint32_t index) {
    if (seen_ != Seen::published_from)
        return {};
    const auto known = ledger_.page(identity_.issuer.id(), page_bits, index);
    return known ? note_lacking(*known, nullptr) : Status{};
}

// Where there are more of them in the ledger than a page may hold, everything is signed anew.
Status TakeBack::note_lacking(std::span<const ledger::Certificate> known, const cache::Page* page) {
    if (seen_ != Seen::published_from || patches_lost_)
        return {};
    for (const auto& certificate : known) {
        const auto record = page == nullptr ? std::nullopt : page->find(certificate.serial.magnitude());
        if (record && !certificate.status)
            continue;
        int said = record ? weight(record->status) : 0;
        const auto patch = patched_.find(crypto::serial_hash(sha256_, certificate.serial.magnitude()));
        if (patch != patched_.end() && (page == nullptr || patch->second.sequence > page->header().sequence))
            said = patch->second.weight;
        if (said < weight(certificate.status))
            lacking_.insert(certificate.serial);
    }
    return lacking_.size() < limits::taken_back_at_once ? Status{} : publish_lacking();
}

Status TakeBack::see_patch(const cache::Patch& patch) {
    for (const auto& entry : patch.records()) {
        const auto serial = Serial::from_magnitude(entry.record.serial);
        if (!serial)
            continue;
        if (auto taken = look_up(*serial, entry.record.status, patch.sequence()); !taken)
            return taken;
        if (seen_ != Seen::published_from)
            continue;
        Patched& newest = patched_[crypto::serial_hash(sha256_, entry.record.serial)];
        if (patch.sequence() >= newest.sequence)
            newest = {patch.sequence(), weight(entry.record.status)};
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
    return forgotten_.size() < limits::taken_back_at_once ? Status{} : take_forgotten();
}

Status TakeBack::finish() {
    auto taken = take_forgotten();
    return taken ? publish_lacking() : taken;
}

Status TakeBack::publish_lacking() {
    if (lacking_.empty())
        return {};
    const auto lacking = ledger_.publish_again(identity_.issuer.id(), std::exchange(lacking_, {}));
    if (!lacking)
        return fail("what is published lacks what the ledger has", lacking.error());
    if (*lacking != 0)
        spdlog::error("issuer {}: {}: it is behind the ledger by {} certificates; they are published again",
                      identity_.settings.name, where_, *lacking);
    return {};
}

Status TakeBack::take_forgotten() {
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
