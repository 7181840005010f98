#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <optional>

#include "cache/tree.h"
#include "tests/cache/samples.h"

namespace eightbells::cache {

using namespace samples;

namespace {

// The root by the words of cache/README.md and nothing of Tree's: from the root down, over whatever lies
// there.
Digest root_by_recursion(const std::map<std::uint32_t, Digest>& pages, std::uint64_t first,
                         std::uint64_t span) {
    const auto at = pages.lower_bound(static_cast<std::uint32_t>(first));
    if (at == pages.end() || at->first >= first + span)
        return {};
    if (span == 1)
        return at->second;
    std::uint64_t child = 1;
    while (child * 256 < span)
        child *= 256;
    Bytes table{'E', 'B', 'T', 1};
    for (std::uint64_t i = 0; i < span / child; ++i) {
        const Digest digest = root_by_recursion(pages, first + i * child, child);
        table.insert(table.end(), digest.begin(), digest.end());
    }
    return crypto::sha256(table);
}

Digest expected_root(const std::map<std::uint32_t, Digest>& pages, unsigned bits) {
    if (bits == 0 && !pages.empty()) {
        Bytes table{'E', 'B', 'T', 1};
        table.insert(table.end(), pages.begin()->second.begin(), pages.begin()->second.end());
        return crypto::sha256(table);
    }
    return root_by_recursion(pages, 0, std::uint64_t{1} << bits);
}

using Stored = std::map<TableId, Bytes>;

// As a store would: what was reported is put or erased.
void store_changes(const std::vector<Tree::ChangedTable>& changes, Stored& stored) {
    BOOST_TEST_REQUIRE(std::ranges::is_sorted(changes, {}, &Tree::ChangedTable::id));
    std::map<TableId, int> seen;
    for (const auto& change : changes) {
        BOOST_TEST_REQUIRE(++seen[change.id] == 1, "each table once");
        if (change.bytes.empty()) {
            BOOST_TEST_REQUIRE(stored.erase(change.id) == 1U, "only what was stored is erased");
        } else {
            BOOST_TEST_REQUIRE((stored[change.id] != change.bytes), "only what changed is reported");
            stored[change.id] = change.bytes;
        }
    }
}

// As a reader would: from the root down, each table under its digest, to the page digests.
std::map<std::uint32_t, Digest> read_down(const Stored& stored, const Digest& root, unsigned bits) {
    std::map<std::uint32_t, Digest> level{{0, root}};
    if (root == empty_digest)
        level.clear();
    for (unsigned at = Tree::levels(bits); at-- > 0;) {
        std::map<std::uint32_t, Digest> below;
        for (const auto& [index, digest] : level) {
            const TableId id{static_cast<std::uint8_t>(at), index};
            const Bytes& bytes = stored.at(id);
            BOOST_TEST_REQUIRE((crypto::sha256(bytes) == digest));
            const auto digests = parse_table(bytes, Tree::digests_in(bits, id));
            BOOST_TEST_REQUIRE(digests.has_value(), error_of(digests));
            for (std::size_t i = 0; i < digests->size(); ++i) {
                if ((*digests)[i] != empty_digest)
                    below[static_cast<std::uint32_t>(index * 256 + i)] = (*digests)[i];
            }
        }
        level = std::move(below);
    }
    return level;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tree)

BOOST_AUTO_TEST_CASE(the_root_and_the_stored_tables_follow_every_change_of_pages) {
    Samples samples(seed());
    for (const unsigned bits : {0U, 1U, 2U, 7U, 8U, 9U, 12U, 16U, 17U, 20U}) {
        Tree tree(bits);
        std::map<std::uint32_t, Digest> pages;
        Stored stored;
        for (int round = 0; round < 25; ++round) {
            for (std::uint64_t left = samples.below(40); left > 0; --left) {
                // In the same few tables often, and emptied often.
                const std::uint64_t reach =
                    samples.chance(50) ? std::min<std::uint64_t>(tree.pages(), 300) : tree.pages();
                const auto index = static_cast<std::uint32_t>(samples.below(reach));
                const Digest digest = samples.chance(40) ? empty_digest : samples.digest();
                tree.set_page(index, digest);
                if (digest == empty_digest)
                    pages.erase(index);
                else
                    pages[index] = digest;
            }
            store_changes(tree.take_changes(), stored);
            BOOST_TEST_REQUIRE((tree.root() == expected_root(pages, bits)));
            BOOST_TEST_REQUIRE((read_down(stored, tree.root(), bits) == pages));
            Stored all;
            store_changes(tree.all_tables(), all);
            BOOST_TEST_REQUIRE((all == stored));
            BOOST_TEST_REQUIRE(tree.take_changes().empty());
        }
        for (const auto& [index, digest] : pages)
            tree.set_page(index, empty_digest);
        store_changes(tree.take_changes(), stored);
        BOOST_TEST(stored.empty());
        BOOST_TEST((tree.root() == empty_digest));
    }
}

BOOST_AUTO_TEST_CASE(a_page_set_to_and_fro_changes_no_table) {
    Samples samples(19);
    Tree tree(9);
    const Digest first = samples.digest();
    tree.set_page(300, first);
    BOOST_TEST(tree.take_changes().size() == 2U);
    tree.set_page(300, samples.digest());
    tree.set_page(7, samples.digest());
    tree.set_page(300, first);
    tree.set_page(7, empty_digest);
    BOOST_TEST(tree.take_changes().empty());
}

BOOST_AUTO_TEST_CASE(one_page_changes_one_table_a_level) {
    Samples samples(20);
    for (const auto& [bits, levels] :
         std::map<unsigned, unsigned>{{0, 1}, {8, 1}, {9, 2}, {16, 2}, {17, 3}, {24, 3}}) {
        BOOST_TEST(Tree::levels(bits) == levels);
        if (bits == 24)
            continue;  // 512 MiB of digests
        Tree tree(bits);
        tree.set_page(tree.pages() - 1, samples.digest());
        tree.set_page(tree.pages() - 1, samples.digest());
        const auto changes = tree.take_changes();
        BOOST_TEST_REQUIRE(changes.size() == levels);
        for (unsigned level = 0; level < levels; ++level) {
            BOOST_TEST(changes[level].id.level == level);
            BOOST_TEST(changes[level].bytes.size() == 4 + 32 * Tree::digests_in(bits, changes[level].id));
        }
    }
}

BOOST_AUTO_TEST_CASE(only_the_top_table_is_smaller_than_256_digests) {
    BOOST_TEST(Tree::digests_in(0, {0, 0}) == 1U);
    BOOST_TEST(Tree::digests_in(5, {0, 0}) == 32U);
    BOOST_TEST(Tree::digests_in(9, {0, 1}) == 256U);
    BOOST_TEST(Tree::digests_in(9, {1, 0}) == 2U);
    BOOST_TEST(Tree::digests_in(24, {2, 0}) == 256U);
    BOOST_TEST(Tree::digests_in(24, {0, 65535}) == 256U);
    BOOST_TEST(Tree::digests_in(9, {0, 2}) == 0U);
    BOOST_TEST(Tree::digests_in(9, {2, 0}) == 0U);
    BOOST_TEST(Tree::digests_in(8, {1, 0}) == 0U);
}

BOOST_AUTO_TEST_CASE(a_table_is_refused_in_every_other_size_without_its_mark_and_when_all_is_empty) {
    Samples samples(21);
    for (const std::size_t count : {1U, 2U, 64U, 256U}) {
        std::vector<Digest> digests = samples.digests(count);
        if (count > 1)
            digests[count / 2] = empty_digest;
        const Bytes bytes = encode_table(digests);
        BOOST_TEST((*parse_table(bytes, count) == digests));
        BOOST_TEST(!parse_table(bytes, count + 1).has_value());
        BOOST_TEST(!parse_table(bytes, count - 1).has_value());
        BOOST_TEST(!parse_table(ByteView(bytes).first(bytes.size() - 1), count).has_value());
        for (std::size_t at = 0; at < 4; ++at) {
            Bytes other = bytes;
            other[at] ^= 1;
            BOOST_TEST(!parse_table(other, count).has_value());
        }
        Bytes empty = bytes;
        std::fill(empty.begin() + 4, empty.end(), std::uint8_t{0});
        BOOST_TEST(contains(error_of(parse_table(empty, count)), "all digests are empty"));
        BOOST_TEST(encode_table(std::vector<Digest>(count)).empty());
    }
    BOOST_TEST(!parse_table({}, 0).has_value());
    BOOST_TEST(!parse_table(Bytes(4 + 32 * 257, 1), 257).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::cache
