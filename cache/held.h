#ifndef EIGHTBELLS_CACHE_HELD_H
#define EIGHTBELLS_CACHE_HELD_H

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "cache/limits.h"
#include "cache/page_pool.h"
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
//
// Where a pool holds the pages (a bound on memory), a slot has its page's digest and facts alone. Then the
// page is read again from the own page file when it is asked for, and believed by that digest. What is needed
// of it to tell which answer is the truth (its sequence) is in the slot; where its records would be needed
// and are not at hand, nothing is carried, which is less than the rule allows and never more. Where the own
// page file has a page no longer as it was verified, who reads it says so (LostPages), and it is wanted anew.
namespace eightbells::cache {

struct HeldProfile {
    Digest digest{};
    Bytes bytes;
    ocsp::AnswerProfile answer;
};
using ProfilePtr = std::shared_ptr<const HeldProfile>;
// What a page or patch names, in its order. Nearly all of an issuer's name the same: they share one table, so
// that a look-up does not wait for it, and an older page keeps its profiles alive.
using ProfileTable = std::array<ProfilePtr, limits::profiles_per_page>;
using ProfileTablePtr = std::shared_ptr<const ProfileTable>;

struct HeldPage {
    Page page;
    ProfileTablePtr profiles;
};
// One that stays: on cache lines of its own, as Page counts on. A HeldPage does not ask for them itself,
// since it is also handed on by value, and a stack need not align what asks for 64 octets.
struct alignas(64) StoredPage : HeldPage {
    explicit StoredPage(HeldPage held) noexcept : HeldPage(std::move(held)) {}
    StoredPage(const StoredPage&) = delete;  // nor does it move
};
// A blob that has the digest which stands under the head, as the page of that place, or what is wrong with
// it. `resolve` finds its profiles.
Result<HeldPage> hold_page(Bytes bytes, SetId set, unsigned page_bits, std::uint32_t index,
                           const std::function<Result<ProfileTablePtr>(const std::vector<Digest>&)>& resolve);

enum class SlotState : std::uint8_t {
    absent,   // nothing verified is held
    empty,    // signed as empty
    present,  // verified under the head
    stale,    // verified under an older head; what the present one says is not known
};

// The place of one page in its set: a cache line, since a look-up begins with it.
struct alignas(64) Slot {
    std::shared_ptr<const HeldPage> page;  // where present or stale, and no pool has it
    std::uint64_t sequence = 0;            // of the page; an empty one has none
    SlotState state = SlotState::absent;
    // The page's records are known or carried, but for those of serials in the overlay. Where the snapshot
    // before answered from this place, this one does: a page that has changed since is newer than any answer
    // so far. False where a start found a patch missing that is newer than the page.
    bool answered = false;
    std::optional<Digest> digest;  // what the head says; nullopt: the table above did not verify

    bool verified() const noexcept { return state == SlotState::empty || state == SlotState::present; }
    bool has_page() const noexcept { return state == SlotState::present || state == SlotState::stale; }
    // Which of two pages' records of one serial is the truth.
    bool over(const Slot& other) const noexcept {
        if (state != other.state)
            return state == SlotState::present;
        return sequence > other.sequence;
    }
};

// Of a page that a pool may hold, what is asked without it.
struct PageFacts {
    Digest digest{};
    UtcTime earliest_next_update = year_9999;
    UtcTime oldest_produced_at = year_9999;
    std::uint32_t records = 0;
    std::uint32_t octets = 0;

    PageFacts() = default;
    PageFacts(const Page& page, const Digest& its_digest) noexcept;
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
    void add(const PageFacts& page) noexcept;
};

// The slots under one level 0 table.
struct HeldTable {
    std::vector<Slot> slots;
    std::vector<PageFacts> facts;  // of the slots' pages, where a pool has them; else empty
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
    const PageFacts& facts(std::uint32_t index) const noexcept {  // REQUIRES: a pool
        return tables[index / table_digests]->facts[index % table_digests];
    }
    const Slot& slot_of(std::uint64_t serial_hash) const noexcept {
        return slot(page_index(serial_hash, page_bits));
    }
};

struct HeldPatch {
    Digest digest{};
    Patch patch;
    ProfileTablePtr profiles;
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
        return patch != nullptr ? (*patch->profiles)[named]->answer : (*page->profiles)[named]->answer;
    }
};

// The pages, by digest, that the own page file was found not to have any more as they were verified. Written
// by whoever reads one, taken by the replica; any thread.
class LostPages {
  public:
    using Pages = std::map<Digest, PageRef>;
    void add(
        const PageRef& page) {  // beyond limits::lost_pages: they are found again when they are asked for
        const std::lock_guard lock(mutex_);
        if (pages_.size() < limits::lost_pages)
            pages_.emplace(page.digest, page);
    }
    Pages take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(pages_, {});
    }

  private:
    std::mutex mutex_;
    Pages pages_;
};

struct IssuerSnapshot::State {
    Head head;
    Bytes head_bytes;
    std::vector<HeldSet> sets;  // in the head's order
    std::map<Digest, ProfilePtr> profiles;
    std::map<std::vector<Digest>, ProfileTablePtr> profile_tables;
    std::vector<std::shared_ptr<const HeldPatch>> patches;  // of those the head lists; nullptr: not verified
    // Sorted by hash, serial hash and serial, no serial twice for a hash.
    std::vector<OverlayEntry> overlay;
    std::vector<StoredCrl> crls;
    std::shared_ptr<PagePool> pool;   // null: every page is held
    std::shared_ptr<LostPages> lost;  // with a pool

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
        const HeldPage* page = nullptr;       // that one
        std::optional<PageRef> awaited;       // of lookup on_disk
        std::optional<Record> record;         // the page's
        // REQUIRES: entry or slot
        std::uint64_t sequence() const noexcept {
            return entry != nullptr ? entry->sequence() : slot->sequence;
        }
    };
    // `with`: where pages are looked for that are not held; null: nowhere.
    Said said(ocsp::HashAlgorithm hash, ByteView serial, std::uint64_t serial_hash,
              const PagePool* with) const noexcept;
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
    bool extends(const State& before) const;
    static std::vector<const HeldPatch*> patches_without(const State& a, const State& b);
    bool has_new_page(const State& before, ocsp::HashAlgorithm hash,
                      std::uint64_t serial_hash) const noexcept;
    // `further`: only of serials that must be judged anew.
    std::vector<Mention> mentions(const State& before, bool further) const;
    void mention_moved(const HeldSet& now, const HeldSet& before, std::vector<Mention>& out) const;
    std::optional<OverlayEntry> judge(const Mention& newest, const State& before) const;
    void lay_over(const State& before);
};

using HeldState = IssuerSnapshot::State;

}  // namespace eightbells::cache

#endif
