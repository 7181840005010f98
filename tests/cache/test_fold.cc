#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>

#include "cache/fold.h"
#include "tests/cache/samples.h"

namespace eightbells::cache {

using namespace samples;

namespace {

struct Told {
    Record record;  // profile: not compared
    Digest profile{};
};

// What relying parties must be told about each serial, kept the simple way.
using Model = std::map<Bytes, Told>;

Bytes owned(ByteView view) {
    return {view.begin(), view.end()};
}

bool same_answer(Record a, Record b) {
    a.profile = b.profile;
    return same(a, b);
}

// A page and patches of rising sequence over it, some of them not newer than the page.
struct History {
    explicit History(Samples& samples) : profiles(samples.digests(4)) {
        page_header = {{}, 0, 0, 100, day, {profiles[0], profiles[1]}};
        std::vector<Record> records = samples.records(1 + samples.below(40), day, 2);
        for (const Record& r : records)
            model[owned(r.serial)] = {r, profiles[r.profile]};
        page = std::move(*Page::parse(*encode_page(page_header, records)));
        const std::vector<Record> fresh = samples.records(10, day, 1);
        for (std::uint64_t sequence = 95; sequence < 110; ++sequence)
            add_patch(samples, sequence, records, fresh);
    }

    void add_patch(Samples& samples, std::uint64_t sequence, const std::vector<Record>& old,
                   const std::vector<Record>& fresh) {
        std::map<Bytes, Record> chosen;
        const std::vector<Digest> table{profiles[sequence % 3 + 1], profiles[0]};
        for (std::uint64_t left = 1 + samples.below(5); left > 0; --left) {
            const auto& from = samples.chance(70) ? old : fresh;
            const ByteView serial = from[samples.below(from.size())].serial;
            chosen[owned(serial)] = samples.record(serial, day, 2);
        }
        std::vector<PatchRecord> entries;
        for (const auto& [serial, record] : chosen) {
            entries.push_back({{}, record});
            if (sequence > 100)
                model[serial] = {record, table[record.profile]};
        }
        patches.push_back(std::move(*Patch::parse(*encode_patch(sequence, table, day, entries))));
    }

    std::vector<LaidRecord> laid(std::size_t first, std::size_t last) const {
        std::vector<LaidRecord> all;
        for (std::size_t i = first; i < last; ++i) {
            for (const PatchRecord& entry : patches[i].records())
                all.push_back({&patches[i], &entry});
        }
        return all;
    }

    std::vector<Digest> profiles;
    PageHeader page_header;
    std::optional<Page> page;
    std::vector<Patch> patches;
    Model model;
};

void check_against(const Model& model, const Page& page) {
    BOOST_TEST_REQUIRE(page.size() == model.size());
    for (const auto& [serial, told] : model) {
        const auto found = page.find(serial);
        BOOST_TEST_REQUIRE(found.has_value());
        BOOST_TEST_REQUIRE(same_answer(*found, told.record));
        BOOST_TEST_REQUIRE((page.header().profiles[found->profile] == told.profile));
    }
}

Page folded(const PageHeader& header, const Page* page, std::span<const LaidRecord> laid) {
    auto bytes = fold_page(header, page, laid);
    BOOST_TEST_REQUIRE(bytes.has_value(), error_of(bytes));
    return std::move(*Page::parse(std::move(*bytes)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fold)

// Covers: C-08
BOOST_AUTO_TEST_CASE(the_highest_sequence_wins_in_whatever_order_patches_are_folded) {
    Samples samples(seed());
    for (int round = 0; round < 300; ++round) {
        const History history(samples);
        PageHeader header = history.page_header;
        header.sequence = 200;
        header.times = samples.times();
        std::vector<LaidRecord> laid = history.laid(0, history.patches.size());
        samples.shuffle(laid);
        const Page page = folded(header, &*history.page, laid);
        check_against(history.model, page);
        BOOST_TEST_REQUIRE(page.header().sequence == 200U);
        samples.shuffle(laid);
        BOOST_TEST_REQUIRE(equal(folded(header, &*history.page, laid).bytes(), page.bytes()));
    }
}

BOOST_AUTO_TEST_CASE(folding_in_two_steps_is_folding_in_one) {
    Samples samples(seed());
    for (int round = 0; round < 200; ++round) {
        const History history(samples);
        const std::size_t step = samples.below(history.patches.size());
        PageHeader header = history.page_header;
        header.sequence = std::max<std::uint64_t>(100, history.patches[step].sequence());
        const Page halfway = folded(header, &*history.page, history.laid(0, step + 1));
        header.sequence = 150;
        // The first ones once more: they do not count over a page that has them.
        check_against(history.model, folded(header, &halfway, history.laid(0, history.patches.size())));
    }
}

BOOST_AUTO_TEST_CASE(joined_patches_fold_as_those_they_were_made_of) {
    Samples samples(seed());
    for (int round = 0; round < 200; ++round) {
        const History history(samples);
        std::vector<LaidRecord> counting;
        for (const LaidRecord& one : history.laid(0, history.patches.size())) {
            if (counts_over(one.patch->sequence(), history.page_header.sequence))
                counting.push_back(one);
        }
        samples.shuffle(counting);
        const auto bytes = join_patches(300, samples.times(), counting);
        BOOST_TEST_REQUIRE(bytes.has_value(), error_of(bytes));
        const Patch joined = std::move(*Patch::parse(*bytes));
        BOOST_TEST_REQUIRE(joined.sequence() == 300U);
        std::vector<LaidRecord> laid;
        for (const PatchRecord& entry : joined.records())
            laid.push_back({&joined, &entry});
        PageHeader header = history.page_header;
        header.sequence = 300;
        check_against(history.model, folded(header, &*history.page, laid));
    }
}

BOOST_AUTO_TEST_CASE(an_empty_page_is_filled_by_patches) {
    Samples samples(15);
    const History history(samples);
    PageHeader header = history.page_header;
    header.sequence = 200;
    const auto laid = history.laid(6, 7);
    const Page page = folded(header, nullptr, laid);
    BOOST_TEST(page.size() == laid.size());
    BOOST_TEST(contains(error_of(fold_page(header, nullptr, {})), "no record is left"));
}

BOOST_AUTO_TEST_CASE(what_does_not_belong_together_is_not_folded) {
    Samples samples(16);
    const History history(samples);
    const auto laid = history.laid(0, history.patches.size());
    const auto error_with = [&](auto change) {
        PageHeader header = history.page_header;
        header.sequence = 200;
        change(header);
        return error_of(fold_page(header, &*history.page, laid));
    };
    BOOST_TEST(error_with([](PageHeader&) {}) == "(no error)");
    BOOST_TEST(contains(error_with([](PageHeader& h) { h.sequence = 99; }), "newer"));
    BOOST_TEST(contains(error_with([](PageHeader& h) { h.sequence = 105; }), "patch 106 is newer"));
    BOOST_TEST(contains(error_with([](PageHeader& h) { h.set.life = Life::final; }), "elsewhere"));
    BOOST_TEST(contains(error_with([](PageHeader& h) { h.page_bits = 1; }), "elsewhere"));
    PageHeader other = history.page_header;
    other.sequence = 200;
    other.set.hash = ocsp::HashAlgorithm::sha1;
    BOOST_TEST(contains(error_of(fold_page(other, nullptr, laid)), "a record of set"));
    BOOST_TEST(contains(error_of(join_patches(105, day, laid)), "is not older"));
    BOOST_TEST(contains(error_of(join_patches(105, day, {})), "no record is left"));
}

BOOST_AUTO_TEST_CASE(more_profiles_than_a_page_can_name_ask_for_new_signatures) {
    Samples samples(17);
    std::vector<Patch> patches;
    const auto records = samples.records(9, day, 1);
    for (std::size_t i = 0; i < records.size(); ++i)
        patches.push_back(
            std::move(*Patch::parse(*encode_patch(i + 1, samples.digests(1), day, {{{}, records[i]}}))));
    std::vector<LaidRecord> laid;
    for (const Patch& patch : patches)
        laid.push_back({&patch, &patch.records()[0]});
    const PageHeader header{{}, 0, 0, 50, day, {}};
    BOOST_TEST(contains(error_of(fold_page(header, nullptr, laid)), "more than 8 profiles"));
    laid.pop_back();
    BOOST_TEST(fold_page(header, nullptr, laid).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::cache
