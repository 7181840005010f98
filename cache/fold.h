#ifndef EIGHTBELLS_CACHE_FOLD_H
#define EIGHTBELLS_CACHE_FOLD_H

#include <cstdint>
#include <span>

#include "cache/page.h"
#include "cache/patch.h"

// Patches end in pages, without one new signature: records are copied as they are. Where several records
// stand for one serial, the one of the highest sequence is the truth; that rule is here and nowhere else.
namespace eightbells::cache {

// One record of a patch. Borrowed: both must outlive the call they are given to.
struct LaidRecord {
    const Patch* patch = nullptr;
    const PatchRecord* entry = nullptr;  // one of patch->records()
};

// Whether a patch record is laid over a page of its set, or was folded into it already.
constexpr bool counts_over(std::uint64_t patch_sequence, std::uint64_t page_sequence) noexcept {
    return patch_sequence > page_sequence;
}

// The page with patch records folded in, in any order. `header` says where the page stands, its new times and
// the new sequence, which is not below that of any patch given; its profiles are ignored, the table is made
// of those that the records use. `page` is what stood there before: null where that was the empty page. Patch
// records that do not count over `page` are left out; one of another set or page is an error.
Result<Bytes> fold_page(const PageHeader& header, const Page* page, std::span<const LaidRecord> laid);

// Several patches' records as one patch under a new, higher sequence, under which all of them count. So the
// caller leaves out what a page has folded already, and what a patch that is not joined says later.
Result<Bytes> join_patches(std::uint64_t sequence, const BaseTimes& base, std::span<const LaidRecord> laid);

}  // namespace eightbells::cache

#endif
