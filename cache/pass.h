#ifndef EIGHTBELLS_CACHE_PASS_H
#define EIGHTBELLS_CACHE_PASS_H

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cache/blob_reader.h"
#include "cache/held.h"

// Private to cache/*.cc.
namespace eightbells::cache {

// From what is held under an older head (or none) to what can be verified under a new one: walks the tables
// from the root, fetches what differs, and keeps the older page where the new one does not verify. Used once.
class Pass {
  public:
    // `before` and `blobs` must outlive the pass. `crls` are taken as they are.
    Pass(const std::string& issuer, const HeldState& before, Head head, Bytes head_bytes, BlobReader& blobs);

    // An error only where the store itself fails. Fetches at most `page_budget` pages, beginning with number
    // `first_page` of those that are wanted (round the end). `on_progress` (may be empty) is called every
    // limits::progress_pages pages.
    Status run(std::size_t page_budget, std::size_t first_page, const std::function<Status()>& on_progress);

    // What is held so far; may be asked again and again.
    std::shared_ptr<HeldState> state() const;

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
    Status walk_upper_tables(Draft& draft);
    Status walk_page_tables(Draft& draft);
    void settle_slots(std::size_t draft, std::uint32_t table);
    Status read_pages(std::size_t budget, std::size_t first, const std::function<Status()>& on_progress);
    Status take_page(const WantedPage& wanted, const Digest& digest, Bytes bytes);
    void mark_answered(const Draft& draft, std::size_t table, HeldTable& slots, const HeldState& now) const;
    Result<std::vector<ProfilePtr>> resolve(const std::vector<Digest>& digests) const;

    const std::string& issuer_;
    const HeldState& before_;
    BlobReader& blobs_;
    Head head_;
    Bytes head_bytes_;
    std::map<Digest, ProfilePtr> profiles_;
    bool profiles_complete_ = true;
    std::vector<std::shared_ptr<const HeldPatch>> patches_;
    std::vector<Draft> drafts_;
    std::vector<WantedPage> wanted_pages_;
};

}  // namespace eightbells::cache

#endif
