#ifndef EIGHTBELLS_CACHE_HELD_H
#define EIGHTBELLS_CACHE_HELD_H

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "cache/patch.h"
#include "cache/replica.h"
#include "cache/tree.h"

// What a replica holds in memory. Everything is immutable once shared, and shared between one snapshot and
// the next: a new snapshot costs the tables (256 pages each) in which something changed. Private to
// cache/*.cc.
namespace eightbells::cache {

struct HeldProfile {
    Digest digest{};
    Bytes bytes;
    ocsp::AnswerProfile answer;
};
using ProfilePtr = std::shared_ptr<const HeldProfile>;

struct HeldPage {
    Digest digest{};
    Page page;
    std::vector<ProfilePtr> profiles;  // as the page's table: an older page keeps its profiles alive
    UtcTime earliest_next_update = year_9999;
    UtcTime oldest_produced_at = year_9999;
};

enum class SlotState : std::uint8_t {
    absent,   // nothing verified is held
    empty,    // signed as empty
    present,  // verified under the head
    stale,    // verified under an older head; what the present one says is not known
};

// The place of one page in its set.
struct Slot {
    std::shared_ptr<const HeldPage> page;  // where present or stale
    std::optional<Digest> digest;          // what the head says; nullopt: the table above did not verify
    SlotState state = SlotState::absent;

    bool verified() const noexcept { return state == SlotState::empty || state == SlotState::present; }
};

// Counts over pages, added up over tables and sets.
struct Totals {
    std::uint64_t pages = 0;  // under the head, not empty
    std::uint64_t loaded = 0;
    std::uint64_t stale = 0;
    std::uint64_t records = 0;
    std::uint64_t octets = 0;
    std::uint64_t unverified = 0;  // slots absent or stale
    UtcTime earliest_next_update = year_9999;
    UtcTime oldest_produced_at = year_9999;

    void add(const Totals& other) noexcept;
    void add(const Slot& slot) noexcept;
};

// The slots under one level 0 table.
struct HeldTable {
    std::vector<Slot> slots;
    Totals totals;

    void count() noexcept;
};

struct HeldSet {
    SetId id;
    std::uint8_t page_bits = 0;
    // What the head says of the tables, [level][index], the root last; nullopt where the table above did not
    // verify.
    std::vector<std::vector<std::optional<Digest>>> known_tables;
    std::vector<std::shared_ptr<const HeldTable>> tables;

    // REQUIRES: index < 2^page_bits
    const Slot& slot(std::uint32_t index) const noexcept {
        return tables[index / table_digests]->slots[index % table_digests];
    }
    const Slot& slot_of(std::uint64_t serial_hash) const noexcept {
        return slot(page_index(serial_hash, page_bits));
    }
};

struct HeldPatch {
    Digest digest{};
    Patch patch;
    std::vector<ProfilePtr> profiles;
    std::vector<std::uint64_t> serial_hashes;  // of its records, in their order
};

// One patch record laid over the pages.
struct OverlayEntry {
    std::shared_ptr<const HeldPatch> patch;
    std::size_t position = 0;  // in the patch
    std::uint64_t serial_hash = 0;
    bool doubtful = false;  // the newest that is held, but not answered from: there may be a newer one

    const PatchRecord& record() const noexcept { return patch->patch.records()[position]; }
    std::uint64_t sequence() const noexcept { return patch->patch.sequence(); }
    const ocsp::AnswerProfile& profile() const noexcept {
        return patch->profiles[record().record.profile]->answer;
    }
};

struct IssuerSnapshot::State {
    Head head;
    Bytes head_bytes;
    std::vector<HeldSet> sets;  // in the head's order
    std::map<Digest, ProfilePtr> profiles;
    std::vector<std::shared_ptr<const HeldPatch>> patches;  // of those the head lists; nullptr: not verified
    // What counts of the patches, sorted by hash, serial hash and serial, no serial twice for a hash.
    std::vector<OverlayEntry> overlay;
    std::vector<StoredCrl> crls;

    Totals totals;
    // Pages and patches of a lower sequence are not answered from: a patch that did not verify may be newer,
    // and nothing tells what this replica said before. 0: no such doubt.
    std::uint64_t doubt_below = 0;
    std::uint64_t stale_doubt_below = 0;  // the same for what is not verified under the present head
    bool profiles_complete = true;
    bool patches_complete = true;
    bool crls_complete = true;
    std::array<std::array<const HeldSet*, lives>, ocsp::hash_algorithms> by_hash{};

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    bool complete() const noexcept {
        return profiles_complete && patches_complete && crls_complete && totals.unverified == 0;
    }
    const HeldSet* set(SetId id) const noexcept {
        return by_hash[static_cast<std::size_t>(id.hash)][static_cast<std::size_t>(id.life)];
    }
    bool doubtful(const Slot& slot) const noexcept {
        return slot.page->page.header().sequence <
               (slot.state == SlotState::present ? doubt_below : stale_doubt_below);
    }
    const OverlayEntry* laid_over(ocsp::HashAlgorithm hash, ByteView serial,
                                  std::uint64_t serial_hash) const noexcept;
    // Fills by_hash, the doubt, the overlay and the totals. `before`: what was held until now; its overlay
    // entries stay where a page or patch of the present head did not verify.
    void finish(const State& before);

  private:
    enum class Standing : std::uint8_t { newest, doubtful, superseded };
    Standing standing(const OverlayEntry& entry, const State& before) const noexcept;
    bool all_verified(const OverlayEntry& entry) const noexcept;
    void lay_over(const State& before);
    void doubt(const State& before);
};

using HeldState = IssuerSnapshot::State;

}  // namespace eightbells::cache

#endif
