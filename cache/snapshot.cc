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
    fill(out, (*page.profiles)[record.profile]->answer, record);
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
}

void Totals::add(const PageFacts& page) noexcept {
    records += page.records;
    octets += page.octets;
    earliest_next_update = std::min(earliest_next_update, page.earliest_next_update);
    oldest_produced_at = std::min(oldest_produced_at, page.oldest_produced_at);
}

PageFacts::PageFacts(const Page& page, const Digest& its_digest) noexcept
    : digest(its_digest),
      earliest_next_update(page.earliest_next_update()),
      // Final answers are never made again: their age says nothing.
      oldest_produced_at(page.header().set.life == Life::final ? year_9999 : page.oldest_produced_at()),
      records(static_cast<std::uint32_t>(page.size())),
      octets(static_cast<std::uint32_t>(page.bytes().size())) {}

void HeldTable::count() noexcept {
    totals = {};
    for (std::size_t i = 0; i < slots.size(); ++i) {
        totals.add(slots[i]);
        if (slots[i].has_page())
            totals.add(slots[i].page != nullptr ? PageFacts{slots[i].page->page, {}} : facts[i]);
    }
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

HeldState::Said HeldState::said(ocsp::HashAlgorithm hash, ByteView serial, std::uint64_t serial_hash,
                                const PagePool* with) const noexcept {
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
        if (!slot.has_page() || (said.slot != nullptr && !slot.over(*said.slot)))
            continue;
        const HeldPage* page = slot.page.get();
        if (page == nullptr) {
            const std::uint32_t index = page_index(serial_hash, held->page_bits);
            const Digest& digest = held->facts(index).digest;
            page = with != nullptr ? with->find(digest) : nullptr;
            if (page == nullptr) {
                said.lookup = Lookup::on_disk;
                said.awaited = PageRef{held->id, held->page_bits, index, digest};
                return said;
            }
        }
        if (const std::optional<Record> record = page->page.find(serial)) {
            said.slot = &slot;
            said.page = page;
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
            if (step == 1 && slot.has_page())
                pool->fetch_ahead(held->facts(page_index(serial_hash, held->page_bits)).digest);
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
    const State::Said said = state_->said(hash, serial, serial_hash, state_->pool.get());
    if (said.lookup != Lookup::found)
        return said.lookup;
    if (said.entry != nullptr)
        fill(out, said.entry->profile(), said.entry->record());
    else
        fill(out, *said.page, *said.record);
    return Lookup::found;
}

std::optional<PageRef> IssuerSnapshot::awaited(ocsp::HashAlgorithm hash, ByteView serial,
                                               std::uint64_t serial_hash) const noexcept {
    return state_->said(hash, serial, serial_hash, state_->pool.get()).awaited;
}

Result<IssuerSnapshot::PageRead> IssuerSnapshot::read_page(const PageRef& ref, Store& own) const {
    const std::string name = page_name(state_->head.issuer, ref.set, ref.page_bits, ref.index);
    // The head with it, of the same moment: while it is ours, nobody has replaced the page.
    const std::array names{name, head_name(state_->head.issuer)};
    auto blobs = own.fetch(names);
    if (!blobs) {
        state_->lost->add(ref);
        return tl::unexpected(blobs.error());
    }
    std::optional<Bytes>& bytes = (*blobs)[0];
    if (!bytes || crypto::sha256(*bytes) != ref.digest) {
        if ((*blobs)[1] != state_->head_bytes)
            return PageRead::replaced;
        state_->lost->add(ref);
        return fail(own.name() + ": " + name + ": is not there any more as it was verified");
    }
    auto page = hold_page(std::move(*bytes), ref.set, ref.page_bits, ref.index,
                          [&](const std::vector<Digest>& named) -> Result<ProfileTablePtr> {
                              const auto known = state_->profile_tables.find(named);
                              if (known == state_->profile_tables.end())
                                  return fail("its profiles are not held any more");
                              return known->second;
                          });
    if (!page)
        return fail(name, page.error());
    if (!state_->pool->put(ref.digest, std::move(*page), PagePool::Room::make))
        return fail(name + ": there is no room in memory for it now");
    return PageRead::in_memory;
}

void IssuerSnapshot::fetch_ahead(ocsp::HashAlgorithm hash, ByteView serial, std::uint64_t serial_hash,
                                 unsigned step) const noexcept {
    state_->fetch_ahead(hash, serial, serial_hash, step);
}

bool IssuerSnapshot::complete() const noexcept {
    return state_->complete();
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

std::vector<const ocsp::AnswerProfile*> IssuerSnapshot::profiles() const {
    std::vector<const ocsp::AnswerProfile*> held;
    for (const auto& [digest, profile] : state_->profiles)
        held.push_back(&profile->answer);
    return held;
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
                const State::Said said = state_->said(held.id.hash, record.serial, hash, nullptr);
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
