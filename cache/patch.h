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
// bytes.
class Patch {
  public:
    static Result<Patch> parse(Bytes bytes);

    std::uint64_t sequence() const noexcept { return sequence_; }
    const std::vector<Digest>& profiles() const noexcept { return profiles_; }
    const std::vector<PatchRecord>& records() const noexcept { return records_; }  // borrow from this patch
    ByteView bytes() const noexcept { return bytes_; }

  private:
    Patch() = default;
    Bytes bytes_;
    std::uint64_t sequence_ = 0;
    std::vector<Digest> profiles_;
    std::vector<PatchRecord> records_;
};

Result<Bytes> encode_patch(std::uint64_t sequence, const std::vector<Digest>& profiles, const BaseTimes& base,
                           const std::vector<PatchRecord>& records);

}  // namespace eightbells::cache

#endif
