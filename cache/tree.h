#ifndef EIGHTBELLS_CACHE_TREE_H
#define EIGHTBELLS_CACHE_TREE_H

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "cache/page.h"

namespace eightbells::cache {

// A hash tree over the 2^page_bits page digests of one set. Level 0 tables hold 256 page digests each, level
// n+1 tables hold 256 digests of level n tables, up to one table whose digest is the root. A table of empty
// digests only is not stored and its digest is the empty digest, so that an empty set has an empty root.
struct TableId {
    std::uint8_t level = 0;
    std::uint32_t index = 0;
    friend auto operator<=>(const TableId&, const TableId&) = default;
};
inline constexpr std::size_t table_digests = 256;

// The stored form of a table: its digests, 32 octets each, 1 to 256 of them (fewer only in a tree smaller
// than a table), not all empty. Structure only: that the digest stands under a trusted head is the caller's
// to check first.
Result<std::vector<Digest>> parse_table(ByteView bytes, std::size_t expected_digests);
Bytes encode_table(std::span<const Digest> digests);  // empty when all digests are

// The writer's side: keeps all digests (32 octets a page), and which tables changed since they were last
// taken. One thread at a time.
class Tree {
  public:
    explicit Tree(unsigned page_bits);  // REQUIRES: at most limits::page_bits. All pages are empty.

    unsigned page_bits() const noexcept { return page_bits_; }
    std::uint32_t pages() const noexcept { return std::uint32_t{1} << page_bits_; }
    static unsigned levels(unsigned page_bits) noexcept;  // 1 to 3
    static std::uint32_t tables_in(unsigned page_bits, unsigned level) noexcept;
    // 0 where the tree has no such table.
    static std::size_t digests_in(unsigned page_bits, TableId table) noexcept;

    const Digest& page(std::uint32_t index) const noexcept { return digests_[0][index]; }
    void set_page(std::uint32_t index, const Digest& digest);  // REQUIRES: index < pages()

    // Recomputes what set_page touched. Each changed table once, with its new bytes (empty: it became empty,
    // erase it), sorted by id. A table that is as it was when last taken is not among them.
    struct ChangedTable {
        TableId id;
        Bytes bytes;
    };
    std::vector<ChangedTable> take_changes();
    // Every stored table as it is now, for a store that has nothing. REQUIRES: no untaken changes.
    std::vector<ChangedTable> all_tables() const;
    const Digest& root() const noexcept { return root_; }  // REQUIRES: no untaken changes

  private:
    std::span<const Digest> table(TableId id) const noexcept;

    unsigned page_bits_;
    std::vector<std::vector<Digest>> digests_;  // [level][index]: of pages, of level 0 tables, ...
    std::vector<bool> is_touched_;              // a level 0 table stands in touched_, so that none does twice
    std::vector<std::uint32_t> touched_;        // level 0 tables
    Digest root_{};
};

}  // namespace eightbells::cache

#endif
