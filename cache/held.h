#ifndef EIGHTBELLS_CACHE_HELD_H
#define EIGHTBELLS_CACHE_HELD_H

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "cache/limits.h"
#include "cache/patch.h"
#include "cache/replica.h"
#include "cache/tree.h"

// What a replica holds in memory. Everything is immutable once shared, and shared between one snapshot and
// the next: a new snapshot costs the tables (256 pages each) in which something changed. Private to
// cache/*.cc.
//
// What may be answered. A page or patch of sequence n says of each of its serials what was true under head n,
// so that of two records of a serial the one of the higher sequence is the later truth. For a serial a
// snapshot answers with a record that is
//   known:   nothing under its head can say anything later. Either it stands in a page verified under the
//            head, and no patch with the serial, or missing, is newer than the page. Or it stands in the
//            newest patch that has the serial, every page where the serial could be is verified, none has it
//            at that sequence or later, and no newer patch is missing.
//   carried: not known, but the snapshot before answered for this serial, and this is the newest of that
//            answer and of all that is held.
// and with nothing else. So no serial's answers ever go back: a known one is the truth under the newest head
// ever accepted, a carried one is not older than the one before it. A replica that starts has said nothing,
// so all it answers is known, under a head that is not older than the floor; what was said before the restart
// was true under that head or an older one.
namespace eightbells::cache {

struct HeldProfile {
    Digest digest{};
    Bytes bytes;
    ocsp::AnswerProfile answer;
};
using ProfilePtr = std::shared_ptr<const HeldProfile>;

// On cache lines of its own, as Page counts on.
struct alignas(64) HeldPage {
    Page page;
    // As the page's table: an older page keeps its profiles alive. Here, since a look-up would wait for a
    // list outside.
    std::array<ProfilePtr, limits::profiles_per_page> profiles;
    Digest digest{};
    UtcTime earliest_next_update = year_9999;
    UtcTime oldest_produced_at = year_9999;
};

enum class SlotState : std::uint8_t {
    absent,   // nothing verified is held
    empty,    // signed as empty
    present,  // verified under the head
    stale,    // verified under an older head; what the present one says is not known
};

// The place of one page in its set: a cache line, since a look-up begins with it.
struct alignas(64) Slot {
    std::shared_ptr<const HeldPage> page;  // where present or stale
    SlotState state = SlotState::absent;
    // The page's records are known or carried, but for those of serials in the overlay. Where the snapshot
    // before answered from this place, this one does: a page that has changed since is newer than any answer
    // so far. False where a start found a patch missing that is newer than the page.
    bool answered = false;
    std::optional<Digest> digest;  // what the head says; nullopt: the table above did not verify

    bool verified() const noexcept { return state == SlotState::empty || state == SlotState::present; }
    // Of the page; an empty one has none.
    std::uint64_t sequence() const noexcept { return page != nullptr ? page->page.header().sequence : 0; }
    // Which of two pages' records of one serial is the truth.
    bool over(const Slot& other) const noexcept {
        if (state != other.state)
            return state == SlotState::present;
        return sequence() > other.sequence();
    }
};

// Counts over pages, added up over tables and sets.
struct Totals {
    std::uint64_t pages = 0;  // under the head, not empty
    std::uint64_t loaded = 0;
    std::uint64_t stale = 0;
    std::uint64_t records = 0;
    std::uint64_t octets = 0;
    std::uint64_t unverified = 0;  // slots absent or stale
    std::uint64_t unanswered = 0;  // slots not answered from
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

// One serial that its page alone does not answer for: a patch's record is laid over it, or one that the
// snapshot before answered with is carried.
struct OverlayEntry {
    std::shared_ptr<const HeldPatch> patch;  // it holds the record; or:
    std::shared_ptr<const HeldPage> page;
    std::size_t position = 0;  // in the patch
    std::uint64_t serial_hash = 0;
    SetId set;
    ByteView serial;       // borrowed from the patch or page
    bool answered = true;  // false: not loaded, whatever page has the serial

    std::uint64_t sequence() const noexcept {
        return patch != nullptr ? patch->patch.sequence() : page->page.header().sequence;
    }
    Record record() const noexcept {
        return patch != nullptr ? patch->patch.records()[position].record : *page->page.find(serial);
    }
    const ocsp::AnswerProfile& profile() const noexcept {
        const std::uint8_t named = record().profile;
        return patch != nullptr ? patch->profiles[named]->answer : page->profiles[named]->answer;
    }
};

struct IssuerSnapshot::State {
    Head head;
    Bytes head_bytes;
    std::vector<HeldSet> sets;  // in the head's order
    std::map<Digest, ProfilePtr> profiles;
    std::vector<std::shared_ptr<const HeldPatch>> patches;  // of those the head lists; nullptr: not verified
    // Sorted by hash, serial hash and serial, no serial twice for a hash.
    std::vector<OverlayEntry> overlay;
    std::vector<StoredCrl> crls;

    Totals totals;
    std::uint64_t newest_missing = 0;  // sequence of the newest patch under the head that is not held
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
    bool all_known() const noexcept { return patches_complete && totals.unverified == 0; }
    const OverlayEntry* laid_over(ocsp::HashAlgorithm hash, ByteView serial,
                                  std::uint64_t serial_hash) const noexcept;

    // What is answered for a serial.
    struct Said {
        Lookup lookup = Lookup::not_loaded;
        const OverlayEntry* entry = nullptr;  // where the serial has one; or:
        const Slot* slot = nullptr;           // of the page that has the serial
        std::optional<Record> record;         // the page's
        // REQUIRES: entry or slot
        std::uint64_t sequence() const noexcept {
            return entry != nullptr ? entry->sequence() : slot->sequence();
        }
    };
    Said said(ocsp::HashAlgorithm hash, ByteView serial, std::uint64_t serial_hash) const noexcept;
    void fetch_ahead(ocsp::HashAlgorithm hash, ByteView serial, std::uint64_t serial_hash,
                     unsigned step) const noexcept;

    // Fills by_hash, the totals and the overlay. `before`: the snapshot before, from which answers are
    // carried where something under the present head is not verified. REQUIRES: the tables are counted, all
    // else is filled.
    void finish(const State& before);

  private:
    // One place where a serial stands that its page alone may not answer for.
    struct Mention {
        OverlayEntry entry;
        bool listed = false;  // in a patch under the head
    };
    std::vector<Mention> mentions(const State& before) const;
    void mention_moved(const HeldSet& now, const HeldSet& before, std::vector<Mention>& out) const;
    std::optional<OverlayEntry> judge(const Mention& newest, const State& before) const;
    void lay_over(const State& before);
};

using HeldState = IssuerSnapshot::State;

}  // namespace eightbells::cache

#endif
