#include "cache/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "cache/octets.h"
#include "responder/base/limits.h"

namespace eightbells::cache {

namespace {
constexpr unsigned bits_a_level = 8;
static_assert(table_digests == std::size_t{1} << bits_a_level);
}  // namespace

Result<std::vector<Digest>> parse_table(ByteView bytes, std::size_t expected_digests) {
    if (expected_digests == 0 || expected_digests > table_digests)
        return fail(fmt::format("table: of {} digests: there is none", expected_digests));
    OctetReader in(bytes);
    if (!in.magic(table_magic))
        return fail("table: not a table of version 1");
    if (in.rest().size() != expected_digests * digest_octets)
        return fail(fmt::format("table: {} octets of digests instead of {}", in.rest().size(),
                                expected_digests * digest_octets));
    std::vector<Digest> digests(expected_digests);
    for (Digest& digest : digests)
        digest = in.digest();
    if (std::ranges::all_of(digests, is_empty))
        return fail("table: all digests are empty: such a table is not stored");
    return digests;
}

Bytes encode_table(std::span<const Digest> digests) {
    Bytes out;
    if (std::ranges::all_of(digests, is_empty))
        return out;
    out.reserve(table_magic.size() + digests.size() * digest_octets);
    append_octets(table_magic, out);
    for (const Digest& digest : digests)
        append_octets(digest, out);
    return out;
}

unsigned Tree::levels(unsigned page_bits) noexcept {
    return page_bits <= bits_a_level ? 1 : (page_bits + bits_a_level - 1) / bits_a_level;
}

std::uint32_t Tree::tables_in(unsigned page_bits, unsigned level) noexcept {
    const unsigned below = bits_a_level * (level + 1);
    return below >= page_bits ? 1 : std::uint32_t{1} << (page_bits - below);
}

std::size_t Tree::digests_in(unsigned page_bits, TableId table) noexcept {
    if (table.level >= levels(page_bits) || table.index >= tables_in(page_bits, table.level))
        return 0;
    // Powers of two: every table is full but for the top one.
    const unsigned bits = page_bits - bits_a_level * table.level;
    return std::size_t{1} << std::min(bits, bits_a_level);
}

Tree::Tree(unsigned page_bits) : page_bits_(page_bits) {
    assert(page_bits <= limits::page_bits);
    digests_.emplace_back(pages());
    for (unsigned level = 0; level + 1 < levels(page_bits); ++level)
        digests_.emplace_back(tables_in(page_bits, level));
    is_touched_.resize(tables_in(page_bits, 0));
}

std::span<const Digest> Tree::table(TableId id) const noexcept {
    return std::span(digests_[id.level])
        .subspan(std::size_t{id.index} << bits_a_level, digests_in(page_bits_, id));
}

void Tree::set_page(std::uint32_t index, const Digest& digest) {
    assert(index < pages());
    if (digests_[0][index] == digest)
        return;
    digests_[0][index] = digest;
    const std::uint32_t table = index >> bits_a_level;
    if (!is_touched_[table]) {
        is_touched_[table] = true;
        touched_.push_back(table);
    }
}

std::vector<Tree::ChangedTable> Tree::take_changes() {
    std::vector<ChangedTable> changes;
    crypto::Sha256 sha256;
    std::vector<std::uint32_t> tables = std::exchange(touched_, {});
    for (const std::uint32_t table : tables)
        is_touched_[table] = false;
    std::ranges::sort(tables);
    for (std::uint8_t level = 0; level < digests_.size(); ++level) {
        std::vector<std::uint32_t> parents;
        const bool is_top = level + std::size_t{1} == digests_.size();
        for (const std::uint32_t index : tables) {
            const TableId id{level, index};
            Bytes bytes = encode_table(table(id));
            const Digest digest = bytes.empty() ? empty_digest : sha256.of(bytes);
            Digest& known = is_top ? root_ : digests_[level + std::size_t{1}][index];
            if (known == digest)
                continue;  // set to and fro
            known = digest;
            changes.push_back({id, std::move(bytes)});
            const std::uint32_t parent = index >> bits_a_level;
            if (parents.empty() || parents.back() != parent)
                parents.push_back(parent);
        }
        tables = std::move(parents);
    }
    return changes;
}

std::vector<Tree::ChangedTable> Tree::all_tables() const {
    assert(touched_.empty());
    std::vector<ChangedTable> all;
    for (std::uint8_t level = 0; level < digests_.size(); ++level) {
        for (std::uint32_t index = 0; index < tables_in(page_bits_, level); ++index) {
            const TableId id{level, index};
            if (Bytes bytes = encode_table(table(id)); !bytes.empty())
                all.push_back({id, std::move(bytes)});
        }
    }
    return all;
}

}  // namespace eightbells::cache
