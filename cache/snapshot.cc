#include <algorithm>
#include <functional>

#include "cache/held.h"

namespace eightbells::cache {

namespace {

bool laid_before(const OverlayEntry& a, const OverlayEntry& b) noexcept {
    const PatchRecord& x = a.record();
    const PatchRecord& y = b.record();
    if (x.set.hash != y.set.hash)
        return x.set.hash < y.set.hash;
    if (a.serial_hash != b.serial_hash)
        return a.serial_hash < b.serial_hash;
    if (const auto order = compare_serials(x.record.serial, y.record.serial); order != 0)
        return order < 0;
    return a.sequence() > b.sequence();  // the newest first: `unique` keeps it
}

bool same_answer(const OverlayEntry& a, const OverlayEntry& b) noexcept {
    return a.record().set.hash == b.record().set.hash &&
           equal(a.record().record.serial, b.record().record.serial);
}

void fill(IssuerSnapshot::Found& out, const ocsp::AnswerProfile& profile, const Record& record) noexcept {
    out.profile = &profile;
    out.single.serial = record.serial;
    out.single.status = record.status;
    out.single.produced_at = record.times.produced_at;
    out.single.this_update = record.times.this_update;
    out.single.next_update = record.times.next_update;
    out.single.extensions = record.extensions;
    out.signature = record.signature;
}

void fill(IssuerSnapshot::Found& out, const HeldPage& page, const Record& record) noexcept {
    fill(out, page.profiles[record.profile]->answer, record);
}

}  // namespace

void Totals::add(const Totals& other) noexcept {
    pages += other.pages;
    loaded += other.loaded;
    stale += other.stale;
    records += other.records;
    octets += other.octets;
    unverified += other.unverified;
    earliest_next_update = std::min(earliest_next_update, other.earliest_next_update);
    oldest_produced_at = std::min(oldest_produced_at, other.oldest_produced_at);
}

void Totals::add(const Slot& slot) noexcept {
    pages += slot.state != SlotState::empty && slot.digest ? 1 : 0;
    loaded += slot.state == SlotState::present ? 1 : 0;
    stale += slot.state == SlotState::stale ? 1 : 0;
    unverified += slot.verified() ? 0 : 1;
    if (slot.page == nullptr)
        return;
    records += slot.page->page.size();
    octets += slot.page->page.bytes().size();
    earliest_next_update = std::min(earliest_next_update, slot.page->earliest_next_update);
    oldest_produced_at = std::min(oldest_produced_at, slot.page->oldest_produced_at);
}

void HeldTable::count() noexcept {
    totals = {};
    for (const Slot& slot : slots)
        totals.add(slot);
}

const OverlayEntry* HeldState::laid_over(ocsp::HashAlgorithm hash, ByteView serial,
                                         std::uint64_t serial_hash) const noexcept {
    std::size_t low = 0;
    std::size_t high = overlay.size();
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        const OverlayEntry& entry = overlay[middle];
        const PatchRecord& record = entry.record();
        bool before = false;
        if (record.set.hash != hash)
            before = record.set.hash < hash;
        else if (entry.serial_hash != serial_hash)
            before = entry.serial_hash < serial_hash;
        else
            before = compare_serials(record.record.serial, serial) < 0;
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == overlay.size())
        return nullptr;
    const PatchRecord& found = overlay[low].record();
    return found.set.hash == hash && equal(found.record.serial, serial) ? &overlay[low] : nullptr;
}

// Of every page where the certificate could be.
bool HeldState::all_verified(const OverlayEntry& entry) const noexcept {
    return std::ranges::all_of(
        by_hash[static_cast<std::size_t>(entry.record().set.hash)],
        [&](const HeldSet* held) { return held == nullptr || held->slot_of(entry.serial_hash).verified(); });
}

// What a patch record is, now that the pages are known. Where a page that could hold something newer is not
// verified, the record is answered from only if this replica did so before, from it or an older one: then it
// is late at worst. On a start it could bring back what was revoked since.
HeldState::Standing HeldState::standing(const OverlayEntry& entry, const State& before) const noexcept {
    const PatchRecord& laid = entry.record();
    bool any_set = false;
    for (const HeldSet* held : by_hash[static_cast<std::size_t>(laid.set.hash)]) {
        if (held == nullptr)
            continue;
        any_set = true;
        const Slot& slot = held->slot_of(entry.serial_hash);
        // In the page of another life, too: the certificate may have expired meanwhile.
        if (slot.page != nullptr && slot.page->page.header().sequence >= entry.sequence() &&
            slot.page->page.find(laid.record.serial))
            return Standing::superseded;
    }
    if (!any_set)
        return Standing::superseded;  // the hash was switched off
    const bool verified = all_verified(entry);
    if (entry.sequence() < (verified ? doubt_below : stale_doubt_below))
        return Standing::doubtful;
    const HeldSet* own = set(laid.set);
    const Slot* slot = own != nullptr ? &own->slot_of(entry.serial_hash) : nullptr;
    const bool has_page = slot != nullptr && slot->page != nullptr;
    if (has_page && slot->page->page.header().sequence < entry.sequence())
        return Standing::newest;
    // No page of its own, or one that it was folded into and that it has left.
    if (verified)
        return has_page ? Standing::superseded : Standing::newest;
    const OverlayEntry* said = before.laid_over(laid.set.hash, laid.record.serial, entry.serial_hash);
    const bool said_before = said != nullptr && !said->doubtful && said->sequence() <= entry.sequence();
    return said_before ? Standing::newest : Standing::doubtful;
}

void HeldState::lay_over(const State& before) {
    overlay.clear();
    const auto take = [&](OverlayEntry entry) {
        const Standing found = standing(entry, before);
        if (found == Standing::superseded)
            return;
        entry.doubtful = found == Standing::doubtful;
        overlay.push_back(std::move(entry));
    };
    for (const auto& patch : patches) {
        for (std::size_t i = 0; patch != nullptr && i < patch->serial_hashes.size(); ++i)
            take({patch, i, patch->serial_hashes[i], false});
    }
    // Patches that the head no longer lists are folded into its pages, or joined into another patch. Where
    // that page or patch is not held, the entry is all there is: without it a revoked certificate would be
    // good again.
    for (const OverlayEntry& entry : before.overlay) {
        if (!patches_complete || !all_verified(entry))
            take(entry);
    }
    std::ranges::sort(overlay, laid_before);
    const auto surplus = std::ranges::unique(overlay, same_answer);
    overlay.erase(surplus.begin(), surplus.end());
}

// Who held every patch before goes on with what it said: the one that is missing is new, and comes late. Who
// starts with a patch missing cannot know what it said before, and believes only what is newer; of what is
// not verified under the present head it goes on believing only that until everything is.
void HeldState::doubt(const State& before) {
    doubt_below = 0;
    stale_doubt_below = 0;
    const bool from_the_start = before.head_bytes.empty();
    if (!from_the_start && before.stale_doubt_below == 0)
        return;
    for (std::size_t i = 0; i < patches.size(); ++i) {
        if (patches[i] == nullptr)
            doubt_below = std::max(doubt_below, head.patches[i].sequence);
    }
    if (doubt_below > 0 || totals.unverified > 0)
        stale_doubt_below = std::max(doubt_below, before.stale_doubt_below);
}

void HeldState::finish(const State& before) {
    by_hash = {};
    totals = {};
    for (const HeldSet& held : sets) {
        by_hash[static_cast<std::size_t>(held.id.hash)][static_cast<std::size_t>(held.id.life)] = &held;
        for (const auto& table : held.tables)
            totals.add(table->totals);
    }
    doubt(before);
    lay_over(before);
    for (const OverlayEntry& entry : overlay) {
        const PatchRecord& laid = entry.record();
        totals.records += 1;  // also where it replaces a page's record, which is still held
        totals.earliest_next_update = std::min(totals.earliest_next_update, laid.record.times.next_update);
        if (laid.set.life != Life::final)
            totals.oldest_produced_at = std::min(totals.oldest_produced_at, laid.record.times.produced_at);
    }
    for (const auto& patch : patches)
        totals.octets += patch != nullptr ? patch->patch.bytes().size() : 0;
}

IssuerSnapshot::IssuerSnapshot(std::shared_ptr<const State> state) : state_(std::move(state)) {}
IssuerSnapshot::~IssuerSnapshot() = default;

IssuerSnapshot::Lookup IssuerSnapshot::find(ocsp::HashAlgorithm hash, ByteView serial,
                                            std::uint64_t serial_hash, Found& out) const noexcept {
    if (const OverlayEntry* entry = state_->laid_over(hash, serial, serial_hash)) {
        if (entry->doubtful)
            return Lookup::not_loaded;
        fill(out, entry->profile(), entry->record().record);
        return Lookup::found;
    }
    // A serial may be missing in a page because it moved to another; so "not issued" needs every page where
    // it could be, and every patch, as the head has them.
    bool any_set = false;
    bool all_verified = state_->patches_complete;
    const HeldPage* stale_page = nullptr;
    std::optional<Record> stale_record;
    for (const HeldSet* held : state_->by_hash[static_cast<std::size_t>(hash)]) {
        if (held == nullptr)
            continue;
        any_set = true;
        const Slot& slot = held->slot_of(serial_hash);
        all_verified = all_verified && slot.verified();
        if (slot.page == nullptr)
            continue;
        const std::optional<Record> record = slot.page->page.find(serial);
        if (!record)
            continue;
        if (state_->doubtful(slot))
            return Lookup::not_loaded;
        if (slot.state == SlotState::present) {
            fill(out, *slot.page, *record);
            return Lookup::found;
        }
        // An older page's record, unless a verified one turns up, or a newer among older ones.
        if (!stale_record || stale_record->times.produced_at < record->times.produced_at) {
            stale_page = slot.page.get();
            stale_record = record;
        }
    }
    if (stale_page != nullptr) {
        fill(out, *stale_page, *stale_record);
        return Lookup::found;
    }
    return any_set && all_verified ? Lookup::not_issued : Lookup::not_loaded;
}

const Head& IssuerSnapshot::head() const noexcept {
    return state_->head;
}
std::span<const StoredCrl> IssuerSnapshot::crls() const noexcept {
    return state_->crls;
}
std::uint64_t IssuerSnapshot::pages_total() const noexcept {
    return state_->totals.pages;
}
std::uint64_t IssuerSnapshot::pages_loaded() const noexcept {
    return state_->totals.loaded;
}
std::uint64_t IssuerSnapshot::pages_stale() const noexcept {
    return state_->totals.stale;
}
std::uint64_t IssuerSnapshot::records() const noexcept {
    return state_->totals.records;
}
std::uint64_t IssuerSnapshot::octets() const noexcept {
    return state_->totals.octets;
}
UtcTime IssuerSnapshot::earliest_next_update() const noexcept {
    return state_->totals.earliest_next_update;
}
UtcTime IssuerSnapshot::oldest_produced_at() const noexcept {
    return state_->totals.oldest_produced_at;
}

void IssuerSnapshot::for_each(const std::function<bool(SetId, const Found&)>& take) const {
    crypto::Sha256 sha256;
    Found found;
    for (const HeldSet& held : state_->sets) {
        for (std::uint32_t index = 0; index < (std::uint32_t{1} << held.page_bits); ++index) {
            const Slot& slot = held.slot(index);
            if (slot.page == nullptr)
                continue;
            // A page kept from before a split holds its neighbour's records, too.
            const bool whole = slot.page->page.header().page_bits == held.page_bits;
            for (std::size_t i = 0; i < slot.page->page.size(); ++i) {
                const Record record = slot.page->page.record(i);
                const std::uint64_t hash = crypto::serial_hash(sha256, record.serial);
                if (!whole && page_index(hash, held.page_bits) != index)
                    continue;
                if (state_->laid_over(held.id.hash, record.serial, hash) != nullptr || state_->doubtful(slot))
                    continue;
                fill(found, *slot.page, record);
                if (!take(held.id, found))
                    return;
            }
        }
    }
    for (const OverlayEntry& entry : state_->overlay) {
        if (entry.doubtful)
            continue;
        fill(found, entry.profile(), entry.record().record);
        if (!take(entry.record().set, found))
            return;
    }
}

}  // namespace eightbells::cache
