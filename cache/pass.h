#ifndef EIGHTBELLS_CACHE_PASS_H
#define EIGHTBELLS_CACHE_PASS_H

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cache/blob_reader.h"
#include "cache/held.h"

// Private to cache/*.cc.
namespace eightbells::cache {

// Where the pages of a pass go.
struct PagePlaces {
    std::shared_ptr<PagePool> pool;  // null: all are held
    // With a pool, writes a page where it can be read from when it is not in memory; empty: it lies there.
    std::function<Status(const std::string& name, ByteView bytes)> keep;
    std::shared_ptr<LostPages> lost;  // with a pool: where who reads a page says that it is not there
    LostPages::Pages anew{};          // of those, what counts as absent now
};

// From what is held under an older head (or none) to what can be verified under a new one: walks the tables
// from the root, fetches what differs, and keeps the older page where the new one does not verify. Used once.
class Pass {
  public:
    // `before` and `blobs` must outlive the pass. `crls` are taken as they are.
    Pass(const std::string& issuer, const HeldState& before, Head head, Bytes head_bytes, BlobReader& blobs,
         PagePlaces places);

    // An error only where the store itself fails, or a page cannot be kept. Fetches at most `page_budget`
    // pages, beginning with number `first_page` of those that are wanted (round the end). `on_progress` (may
    // be empty) is called now and then (limits::progress_pages).
    Status run(std::size_t page_budget, std::size_t first_page, const std::function<Status()>& on_progress);

    // What is held so far; may be asked again and again.
    std::shared_ptr<HeldState> state() const;
    // False: a table did not verify, so that what lies below it is not known.
    bool tables_complete() const noexcept { return tables_complete_; }

  private:
    struct Draft {
        HeldSet set;
        const HeldSet* before = nullptr;                  // of the same page_bits
        const HeldSet* before_split = nullptr;            // of fewer
        std::vector<std::shared_ptr<HeldTable>> changed;  // [index]; nullptr: shared with `before`

        // What stood in the place before; nullptr: not known.
        const Slot* slot_before(std::uint32_t index) const noexcept;
    };
    struct WantedPage {
        std::size_t draft;
        std::uint32_t index;
    };

    Status read_profiles();
    Status read_patches();
    Result<std::shared_ptr<const HeldPatch>> take_patch(const Head::PatchRef& reference, const Digest& digest,
                                                        Bytes bytes);
    Status walk(const Head::Set& reference);
    // `count`: the digests that a table has, by its position in `wanted`.
    Status read_tables(const std::vector<Wanted>& wanted,
                       const std::function<std::size_t(std::size_t)>& count,
                       const std::function<void(std::size_t, std::span<const Digest>)>& take);
    Status walk_upper_tables(Draft& draft);
    Status walk_page_tables(Draft& draft);
    bool has_lost(const Draft& draft, std::uint32_t table) const noexcept;
    bool is_page(const Draft& draft, std::uint32_t index, const Slot& held, const Digest& digest) const;
    void settle_slots(std::size_t draft, std::uint32_t table);
    Status read_pages(std::size_t budget, std::size_t first, const std::function<Status()>& on_progress);
    Status take_page(const WantedPage& wanted, const Wanted& blob, Bytes bytes);
    void mark_answered(const Draft& draft, std::size_t table, HeldTable& slots, const HeldState& now) const;
    Result<ProfileTablePtr> resolve(const std::vector<Digest>& digests);

    const std::string& issuer_;
    const HeldState& before_;
    BlobReader& blobs_;
    PagePlaces places_;
    Status kept_;
    Head head_;
    Bytes head_bytes_;
    std::map<Digest, ProfilePtr> profiles_;
    std::map<std::vector<Digest>, ProfileTablePtr> profile_tables_;
    bool profiles_complete_ = true;
    bool tables_complete_ = true;
    std::vector<std::shared_ptr<const HeldPatch>> patches_;
    std::vector<Draft> drafts_;
    std::vector<WantedPage> wanted_pages_;
};

}  // namespace eightbells::cache

#endif
