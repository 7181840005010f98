#include "responder/signer/store_merge.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "cache/walk.h"
#include "responder/signer/take_back.h"

namespace eightbells::signer {

namespace {

Result<std::optional<Bytes>> fetch_head(cache::Store& store, const std::string& issuer) {
    const std::string name = cache::head_name(issuer);
    auto stored = store.fetch(std::span{&name, 1});
    if (!stored)
        return tl::unexpected<Error>(stored.error());
    return std::move(stored->front());
}

// Whether the store still answers: what could not be read is then lost, not out of reach.
Status still_there(cache::Store& store, const std::string& issuer) {
    const auto head = fetch_head(store, issuer);
    return head ? Status{} : tl::unexpected<Error>(head.error());
}

}  // namespace

StoreMerge::StoreMerge(std::vector<std::shared_ptr<const Identity>> identities,
                       std::vector<cache::StorePublicKey> trusted, ledger::Ledger& ledger,
                       RiseAbove rise_above, metrics::SignerMetrics& metrics, const Clock& clock)
    : identities_(std::move(identities)),
      trusted_(std::move(trusted)),
      ledger_(ledger),
      rise_above_(std::move(rise_above)),
      metrics_(metrics),
      clock_(clock) {}

Result<bool> StoreMerge::open(const std::string& issuer, cache::Store& pages, cache::Store& store) {
    const auto identity =
        std::ranges::find_if(identities_, [&](const auto& one) { return one->issuer.id() == issuer; });
    if (identity == identities_.end())
        return fail("issuer " + issuer + " is not configured");
    Gate& gate = gates_[issuer];
    if (gate.stage == Gate::Stage::shut) {
        auto opened = compare(gate, **identity, pages, store);
        if (!opened || *opened)
            return opened;
    }
    if (gate.stage == Gate::Stage::merged) {
        auto bytes = fetch_head(pages, issuer);
        if (!bytes)
            return tl::unexpected<Error>(bytes.error());
        const auto head = *bytes ? cache::parse_head(**bytes, trusted_) : Result<cache::Head>{fail("none")};
        if (!head || head->version <= gate.found)
            return false;
        auto published = ledger_.all_published(issuer, gate.changes);
        if (!published || !*published)
            return published;
        spdlog::info("store {}: issuer {}: what it held is merged; it is written again", store.name(),
                     (*identity)->settings.name);
        gate.stage = Gate::Stage::open;
    }
    return true;
}

Result<bool> StoreMerge::compare(Gate& gate, const Identity& identity, cache::Store& pages,
                                 cache::Store& store) {
    const std::string& issuer = identity.issuer.id();
    auto theirs = fetch_head(store, issuer);
    if (!theirs)
        return tl::unexpected<Error>(theirs.error());
    auto ours = fetch_head(pages, issuer);
    if (!ours)
        return tl::unexpected<Error>(ours.error());
    const auto head = *theirs ? cache::parse_head(**theirs, trusted_) : Result<cache::Head>{fail("none")};
    if (!head || head->issuer != issuer || *theirs == *ours) {
        gate.stage = Gate::Stage::open;
        return true;
    }
    gate.found = head->version;
    if (auto merged = merge(gate, identity, store); !merged)
        return tl::unexpected<Error>(merged.error());
    gate.stage = Gate::Stage::merged;
    rise_above_(issuer, gate.found);
    return false;
}

// Everything that verifies under the store's head, held against the ledger.
Status StoreMerge::merge(Gate& gate, const Identity& identity, cache::Store& store) {
    const std::string& issuer = identity.issuer.id();
    spdlog::warn(
        "store {}: issuer {}: its head {}.{} is not the one in the page file; what it holds is "
        "merged before it is written",
        store.name(), identity.settings.name, gate.found.epoch, gate.found.sequence);
    cache::Walk walk{store, issuer, trusted_};
    const auto head = walk.head();
    if (!head)
        return tl::unexpected<Error>(head.error());
    gate.found = std::max(gate.found, head->version);
    TakeBack forgotten{ledger_, identity, TakeBack::Seen::another_store, store.name(), clock_};
    std::uint64_t lost = 0;
    const auto miss = [&](const Error& error) -> Status {
        if (lost++ == 0)
            spdlog::error("store {}: issuer {}: {}", store.name(), identity.settings.name, error.message);
        return still_there(store, issuer);
    };
    for (const auto& reference : head->patches) {
        const auto patch = walk.patch(reference);
        if (auto seen = patch ? forgotten.see_patch(*patch) : miss(patch.error()); !seen)
            return seen;
    }
    for (const auto& set : head->sets) {
        for (std::uint32_t index = 0; index >> set.page_bits == 0; ++index) {
            const auto page = walk.page(set, index);
            if (page && !*page)
                continue;  // signed as empty
            if (auto seen = page ? forgotten.see_page(**page) : miss(page.error()); !seen)
                return seen;
        }
    }
    if (auto taken = forgotten.finish(); !taken)
        return taken;
    metrics_.taken_back(identity.index).add(forgotten.counts().issued + forgotten.counts().revoked);
    if (lost != 0)
        spdlog::error(
            "store {}: issuer {}: {} pages and patches are lost or damaged there and could not be merged",
            store.name(), identity.settings.name, lost);
    // Also: from here on the ledger writes every change down.
    auto changes = ledger_.last_change_id(issuer);
    if (!changes)
        return tl::unexpected<Error>(changes.error());
    gate.changes = *changes;
    return {};
}

}  // namespace eightbells::signer
