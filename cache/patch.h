#ifndef EIGHTBELLS_CACHE_PATCH_H
#define EIGHTBELLS_CACHE_PATCH_H

#include <cstdint>
#include <utility>
#include <vector>

#include "cache/page.h"

namespace eightbells::cache {

struct PatchRecord {
    SetId set;
    Record record;  // profile: index into the patch's table
};

// What changed since the pages were signed: records laid over them at once, all hash variants of a serial in
// the same patch (D-17). A patch record counts where its sequence is above the page's. Immutable, owns its
// bytes; may be moved, not copied, since its records borrow from it. Safe to read from any number of threads.
class Patch {
  public:
    // Structure only: that the digest stands under a trusted head is the caller's to check first.
    static Result<Patch> parse(Bytes bytes);
    Patch(Patch&&) noexcept = default;
    Patch& operator=(Patch&&) noexcept = default;
    Patch(const Patch&) = delete;
    Patch& operator=(const Patch&) = delete;

    std::uint64_t sequence() const noexcept { return sequence_; }
    const BaseTimes& base() const noexcept { return base_; }
    const std::vector<Digest>& profiles() const noexcept { return profiles_; }
    // Sorted by set, then by serial; no serial twice in a set. They borrow from this patch.
    const std::vector<PatchRecord>& records() const noexcept { return records_; }
    // Binary search; no allocation.
    const Record* find(SetId set, ByteView serial) const noexcept;
    ByteView bytes() const noexcept { return bytes_; }

  private:
    Patch() = default;
    Bytes bytes_;
    std::uint64_t sequence_ = 0;
    BaseTimes base_;
    std::vector<Digest> profiles_;
    std::vector<PatchRecord> records_;
};

// The stored form of a patch. `records` in any order, no serial twice in a set; at least one.
Result<Bytes> encode_patch(std::uint64_t sequence, const std::vector<Digest>& profiles, const BaseTimes& base,
                           const std::vector<PatchRecord>& records);

}  // namespace eightbells::cache

#endif
