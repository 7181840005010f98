#include <algorithm>
#include <functional>

#include "cache/held.h"

namespace eightbells::cache {

namespace {

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
    unanswered += other.unanswered;
    earliest_next_update = std::min(earliest_next_update, other.earliest_next_update);
    oldest_produced_at = std::min(oldest_produced_at, other.oldest_produced_at);
}

void Totals::add(const Slot& slot) noexcept {
    pages += slot.state != SlotState::empty && slot.digest ? 1 : 0;
    loaded += slot.state == SlotState::present ? 1 : 0;
    stale += slot.state == SlotState::stale ? 1 : 0;
    unverified += slot.verified() ? 0 : 1;
    unanswered += slot.answered ? 0 : 1;
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
        bool before = false;
        if (entry.set.hash != hash)
            before = entry.set.hash < hash;
        else if (entry.serial_hash != serial_hash)
            before = entry.serial_hash < serial_hash;
        else
            before = compare_serials(entry.serial, serial) < 0;
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == overlay.size())
        return nullptr;
    const OverlayEntry& found = overlay[low];
    return found.set.hash == hash && equal(found.serial, serial) ? &found : nullptr;
}

HeldState::Said HeldState::said(ocsp::HashAlgorithm hash, ByteView serial,
                                std::uint64_t serial_hash) const noexcept {
    Said said;
    if (const OverlayEntry* entry = laid_over(hash, serial, serial_hash)) {
        said.entry = entry;
        said.lookup = entry->answered ? Lookup::found : Lookup::not_loaded;
        return said;
    }
    // A serial may be missing in a page because it moved to another; so "not issued" needs every page where
    // it could be, and every patch, as the head has them.
    bool any_set = false;
    bool all_verified = patches_complete;
    for (const HeldSet* held : by_hash[static_cast<std::size_t>(hash)]) {
        if (held == nullptr)
            continue;
        any_set = true;
        const Slot& slot = held->slot_of(serial_hash);
        all_verified = all_verified && slot.verified();
        if (slot.page == nullptr || (said.slot != nullptr && !slot.over(*said.slot)))
            continue;
        if (const std::optional<Record> record = slot.page->page.find(serial)) {
            said.slot = &slot;
            said.record = record;
            if (slot.state == SlotState::present)
                break;  // one page at most has it
        }
    }
    if (said.slot != nullptr)
        said.lookup = said.slot->answered ? Lookup::found : Lookup::not_loaded;
    else
        said.lookup = any_set && all_verified ? Lookup::not_issued : Lookup::not_loaded;
    return said;
}

void HeldState::fetch_ahead(ocsp::HashAlgorithm hash, ByteView serial, std::uint64_t serial_hash,
                            unsigned step) const noexcept {
    for (const HeldSet* held : by_hash[static_cast<std::size_t>(hash)]) {
        if (held == nullptr)
            continue;
        const Slot& slot = held->slot_of(serial_hash);
        if (step == 0) {
            __builtin_prefetch(&slot);
        } else if (slot.page == nullptr) {
            continue;
        } else if (step == 1) {
            slot.page->page.fetch_place(serial);
            __builtin_prefetch(&slot.page->profiles);
        } else {
            slot.page->page.fetch_record(serial);
        }
    }
}

void HeldState::finish(const State& before) {
    by_hash = {};
    totals = {};
    for (const HeldSet& held : sets) {
        by_hash[static_cast<std::size_t>(held.id.hash)][static_cast<std::size_t>(held.id.life)] = &held;
        for (const auto& table : held.tables)
            totals.add(table->totals);
    }
    lay_over(before);
    for (const OverlayEntry& entry : overlay) {
        const BaseTimes times = entry.record().times;
        totals.records += 1;  // also where it replaces a page's record, which is still held
        totals.earliest_next_update = std::min(totals.earliest_next_update, times.next_update);
        if (entry.set.life != Life::final)
            totals.oldest_produced_at = std::min(totals.oldest_produced_at, times.produced_at);
    }
    for (const auto& patch : patches)
        totals.octets += patch != nullptr ? patch->patch.bytes().size() : 0;
}

IssuerSnapshot::IssuerSnapshot(std::shared_ptr<const State> state) : state_(std::move(state)) {}
IssuerSnapshot::~IssuerSnapshot() = default;

IssuerSnapshot::Lookup IssuerSnapshot::find(ocsp::HashAlgorithm hash, ByteView serial,
                                            std::uint64_t serial_hash, Found& out) const noexcept {
    const State::Said said = state_->said(hash, serial, serial_hash);
    if (said.lookup != Lookup::found)
        return said.lookup;
    if (said.entry != nullptr)
        fill(out, said.entry->profile(), said.entry->record());
    else
        fill(out, *said.slot->page, *said.record);
    return Lookup::found;
}

void IssuerSnapshot::fetch_ahead(ocsp::HashAlgorithm hash, ByteView serial, std::uint64_t serial_hash,
                                 unsigned step) const noexcept {
    state_->fetch_ahead(hash, serial, serial_hash, step);
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
                const State::Said said = state_->said(held.id.hash, record.serial, hash);
                if (said.lookup != Lookup::found || said.slot != &slot)
                    continue;
                fill(found, *slot.page, record);
                if (!take(held.id, found))
                    return;
            }
        }
    }
    for (const OverlayEntry& entry : state_->overlay) {
        if (!entry.answered)
            continue;
        fill(found, entry.profile(), entry.record());
        if (!take(entry.set, found))
            return;
    }
}

}  // namespace eightbells::cache
