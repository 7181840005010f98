#include <algorithm>
#include <functional>
#include <tuple>

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

// Whether a patch record is newer than what the pages say.
bool HeldState::counts(const OverlayEntry& entry) const noexcept {
    const SetId id = entry.record().set;
    const auto& sets_of_hash = by_hash[static_cast<std::size_t>(id.hash)];
    if (std::ranges::all_of(sets_of_hash, [](const HeldSet* held) { return held == nullptr; }))
        return false;  // the hash was switched off
    bool own_is_stale = false;
    if (const HeldSet* own = set(id)) {
        const Slot& slot = own->slot_of(entry.serial_hash);
        if (slot.page != nullptr && slot.page->page.header().sequence >= entry.sequence())
            return false;  // folded in
        own_is_stale = !slot.verified();
    }
    // The certificate may have moved to another life (it expired), and the record with it. While its own page
    // is not to be trusted, the entry stays: an older record there could be found in its place.
    if (own_is_stale)
        return true;
    return std::ranges::none_of(sets_of_hash, [&](const HeldSet* held) {
        if (held == nullptr || held->id == id)
            return false;
        const Slot& slot = held->slot_of(entry.serial_hash);
        return slot.state == SlotState::present && slot.page->page.header().sequence >= entry.sequence() &&
               slot.page->page.find(entry.record().record.serial).has_value();
    });
}

void HeldState::lay_over(const State& before) {
    overlay.clear();
    const auto take = [this](OverlayEntry entry) {
        if (counts(entry))
            overlay.push_back(std::move(entry));
    };
    for (const auto& patch : patches) {
        for (std::size_t i = 0; patch != nullptr && i < patch->serial_hashes.size(); ++i)
            take({patch, i, patch->serial_hashes[i]});
    }
    // Patches that the head no longer lists are folded into its pages, or joined into another patch. Where
    // that page or patch is not held, the entry is all there is: without it a revoked certificate would be
    // good again.
    for (const OverlayEntry& entry : before.overlay) {
        const HeldSet* own = set(entry.record().set);
        if (!patches_complete || (own != nullptr && !own->slot_of(entry.serial_hash).verified()))
            take(entry);
    }
    std::ranges::sort(overlay, laid_before);
    const auto surplus = std::ranges::unique(overlay, same_answer);
    overlay.erase(surplus.begin(), surplus.end());
}

void HeldState::finish(const State& before) {
    by_hash = {};
    for (const HeldSet& held : sets)
        by_hash[static_cast<std::size_t>(held.id.hash)][static_cast<std::size_t>(held.id.life)] = &held;
    lay_over(before);

    totals = {};
    for (const HeldSet& held : sets) {
        for (const auto& table : held.tables)
            totals.add(table->totals);
    }
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
                if (state_->laid_over(held.id.hash, record.serial, hash) != nullptr)
                    continue;
                fill(found, *slot.page, record);
                if (!take(held.id, found))
                    return;
            }
        }
    }
    for (const OverlayEntry& entry : state_->overlay) {
        fill(found, entry.profile(), entry.record().record);
        if (!take(entry.record().set, found))
            return;
    }
}

}  // namespace eightbells::cache
