#include <algorithm>
#include <span>

#include "cache/held.h"

// Which serials a snapshot answers for otherwise than their pages would: the rule at the head of held.h.
namespace eightbells::cache {

namespace {

bool laid_before(const OverlayEntry& a, const OverlayEntry& b) noexcept {
    if (a.set.hash != b.set.hash)
        return a.set.hash < b.set.hash;
    if (a.serial_hash != b.serial_hash)
        return a.serial_hash < b.serial_hash;
    return compare_serials(a.serial, b.serial) < 0;
}

OverlayEntry entry_of(std::shared_ptr<const HeldPage> page, const Record& record, std::uint64_t serial_hash) {
    OverlayEntry entry;
    entry.serial_hash = serial_hash;
    entry.set = page->page.header().set;
    entry.serial = record.serial;
    entry.page = std::move(page);
    return entry;
}

}  // namespace

// Serials that have left the page where they were answered from: what page has them now may not be held.
void HeldState::mention_moved(const HeldSet& now, const HeldSet& before, std::vector<Mention>& out) const {
    if (pool != nullptr)
        return;  // their records are not at hand
    const unsigned more_bits = now.page_bits - unsigned{before.page_bits};
    crypto::Sha256 sha256;
    for (std::size_t t = 0; t < now.tables.size(); ++t) {
        if (more_bits == 0 && now.tables[t] == before.tables[t])
            continue;
        for (std::size_t i = 0; i < now.tables[t]->slots.size(); ++i) {
            const Slot& slot = now.tables[t]->slots[i];
            const auto index = static_cast<std::uint32_t>(t * table_digests + i);
            const auto& old_page = before.slot(index >> more_bits).page;
            if (old_page == nullptr || old_page == slot.page)
                continue;
            for (std::size_t at = 0; at < old_page->page.size(); ++at) {
                const Record record = old_page->page.record(at);
                if (slot.page != nullptr && slot.page->page.find(record.serial))
                    continue;
                const std::uint64_t hash = crypto::serial_hash(sha256, record.serial);
                // Not of this page but of its twin, before a split.
                if (page_index(hash, now.page_bits) == index)
                    out.push_back({entry_of(old_page, record, hash), false});
            }
        }
    }
}

// Whether all that `before` judged stands, but for what other patches say and for pages that have changed
// since: then it need not be judged again. In a burst of revocations heads follow one another, each with a
// patch more, or with some joined to one, and judging all that they say each time took more than signing it.
bool HeldState::extends(const State& before) const {
    const auto same_pages = [](const HeldSet& a, const HeldSet& b) {
        return a.id == b.id && a.page_bits == b.page_bits;
    };
    return all_known() && before.all_known() && std::ranges::equal(sets, before.sets, same_pages);
}

// The patches of `a` that `b` has not, sorted by address.
std::vector<const HeldPatch*> HeldState::patches_without(const State& a, const State& b) {
    const auto addresses = [](const State& state) {
        std::vector<const HeldPatch*> sorted;
        for (const auto& patch : state.patches)
            sorted.push_back(patch.get());
        std::ranges::sort(sorted);
        return sorted;
    };
    std::vector<const HeldPatch*> without;
    std::ranges::set_difference(addresses(a), addresses(b), std::back_inserter(without));
    return without;
}

// REQUIRES: extends(before)
bool HeldState::has_new_page(const State& before, ocsp::HashAlgorithm hash,
                             std::uint64_t serial_hash) const noexcept {
    const auto algorithm = static_cast<std::size_t>(hash);
    for (std::size_t life = 0; life < lives; ++life) {
        const HeldSet* held = by_hash[algorithm][life];
        if (held == nullptr)
            continue;
        const HeldSet& old = *before.by_hash[algorithm][life];
        const std::size_t table = page_index(serial_hash, held->page_bits) / table_digests;
        if (held->tables[table] == old.tables[table])
            continue;
        const Slot& slot = held->slot_of(serial_hash);
        const Slot& old_slot = old.slot_of(serial_hash);
        if (slot.digest != old_slot.digest || slot.state != old_slot.state)
            return true;
    }
    return false;
}

std::vector<HeldState::Mention> HeldState::mentions(const State& before, bool further) const {
    std::vector<Mention> all;
    const auto added = patches_without(*this, before);
    // What a patch said that is gone may stand in any other.
    std::vector<std::uint64_t> left;
    for (const HeldPatch* gone : patches_without(before, *this)) {
        if (further)
            left.insert(left.end(), gone->serial_hashes.begin(), gone->serial_hashes.end());
    }
    std::ranges::sort(left);
    for (const auto& patch : patches) {
        const bool judged = further && !std::ranges::binary_search(added, patch.get());
        for (std::size_t i = 0; patch != nullptr && i < patch->serial_hashes.size(); ++i) {
            const PatchRecord& laid = patch->patch.records()[i];
            if (judged && !std::ranges::binary_search(left, patch->serial_hashes[i]) &&
                !has_new_page(before, laid.set.hash, patch->serial_hashes[i]))
                continue;
            all.push_back(
                {{patch, nullptr, i, patch->serial_hashes[i], laid.set, laid.record.serial, true}, true});
        }
    }
    // With all of the head at hand there is nothing to carry.
    if (all_known())
        return all;
    for (const OverlayEntry& entry : before.overlay)
        all.push_back({entry, false});
    for (const HeldSet& held : sets) {
        const HeldSet* old = before.set(held.id);
        if (old != nullptr && old->page_bits <= held.page_bits)
            mention_moved(held, *old, all);
    }
    return all;
}

// `newest`: of the mentions of one serial the newest under the head, or any where none is. Nothing where the
// page's own answer, or its silence, is right.
std::optional<OverlayEntry> HeldState::judge(const Mention& newest, const State& before) const {
    const OverlayEntry& named = newest.entry;
    const OverlayEntry* laid = newest.listed ? &named : nullptr;
    bool any_set = false;
    bool all_verified = true;
    bool folded = false;       // into the page of its set, which need not have it any more
    const Slot* on = nullptr;  // the page that has it, of those under the head
    // Of pages that may have it and are not at hand: the lowest and the highest sequence.
    std::optional<std::pair<std::uint64_t, std::uint64_t>> unseen;
    for (const HeldSet* held : by_hash[static_cast<std::size_t>(named.set.hash)]) {
        if (held == nullptr)
            continue;
        any_set = true;
        const Slot& slot = held->slot_of(named.serial_hash);
        all_verified = all_verified && slot.verified();
        if (slot.state != SlotState::present)
            continue;
        folded = folded || (laid != nullptr && held->id == laid->set && slot.sequence >= laid->sequence());
        if (slot.page == nullptr) {
            unseen = unseen ? std::pair{std::min(unseen->first, slot.sequence),
                                        std::max(unseen->second, slot.sequence)}
                            : std::pair{slot.sequence, slot.sequence};
        } else if (on == nullptr && slot.page->page.find(named.serial)) {
            on = &slot;
        }
    }
    if (!any_set)
        return std::nullopt;  // the hash was switched off

    const bool page_is_newer = laid == nullptr || (on != nullptr && on->sequence >= laid->sequence());
    const bool unseen_may_be_newer = laid != nullptr && unseen && unseen->second >= laid->sequence();
    if (laid != nullptr && !folded && !page_is_newer) {
        if (all_verified && laid->sequence() > newest_missing && !unseen_may_be_newer)
            return *laid;
    } else if (unseen) {
        // Whether they have it or not, they say what is right.
        if (all_verified && unseen->first >= newest_missing)
            return std::nullopt;
    } else if (on != nullptr) {
        if (on->sequence >= newest_missing && (page_is_newer || all_verified))
            return std::nullopt;
    } else if (all_verified && patches_complete) {
        return std::nullopt;
    }

    // Not known: what was said before, or anything newer that is held.
    OverlayEntry best = named;
    const Said prior = before.said(named.set.hash, named.serial, named.serial_hash, nullptr);
    if (prior.lookup != Lookup::found) {
        best.answered = false;
        return best;
    }
    if (laid == nullptr || prior.sequence() > laid->sequence())
        best = prior.entry != nullptr ? *prior.entry
                                      : entry_of(prior.slot->page, *prior.record, named.serial_hash);
    if (on != nullptr && on->sequence > best.sequence())
        best = entry_of(on->page, *on->page->page.find(named.serial), named.serial_hash);
    best.answered = !unseen || unseen->second <= best.sequence();
    return best;
}

void HeldState::lay_over(const State& before) {
    const bool further = extends(before);
    std::vector<Mention> all = mentions(before, further);
    // What the head lists before the rest, the newest first: the first of a serial is the one to judge.
    std::ranges::sort(all, [](const Mention& a, const Mention& b) {
        if (laid_before(a.entry, b.entry) || laid_before(b.entry, a.entry))
            return laid_before(a.entry, b.entry);
        if (a.listed != b.listed)
            return a.listed;
        return a.entry.sequence() > b.entry.sequence();
    });
    const std::span stands{before.overlay.data(), further ? before.overlay.size() : 0};
    const auto gone = patches_without(before, *this);
    const auto keep = [&](const OverlayEntry& entry) {
        if (entry.patch == nullptr || !std::ranges::binary_search(gone, entry.patch.get()))
            overlay.push_back(entry);
    };
    auto kept = stands.begin();
    overlay.clear();
    overlay.reserve(stands.size() + all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i > 0 && !laid_before(all[i - 1].entry, all[i].entry))
            continue;
        while (kept != stands.end() && laid_before(*kept, all[i].entry))
            keep(*kept++);
        if (kept != stands.end() && !laid_before(all[i].entry, *kept))
            ++kept;  // it is judged anew
        if (auto entry = judge(all[i], before))
            overlay.push_back(std::move(*entry));
    }
    std::for_each(kept, stands.end(), keep);
}

}  // namespace eightbells::cache
