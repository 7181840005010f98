#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "cache/limits.h"
#include "cache/patch.h"
#include "tests/cache/samples.h"

namespace eightbells::cache {

using namespace samples;

namespace {

std::vector<PatchRecord> patch_records(Samples& samples, std::size_t count, const BaseTimes& base,
                                       std::size_t profiles) {
    std::vector<PatchRecord> all;
    for (const Record& record : samples.records(count, base, profiles)) {
        const SetId set = samples.set();
        all.push_back({set, record});
        if (samples.chance(70)) {  // the other CertID hash of the same serial
            SetId other = set;
            other.hash = set.hash == ocsp::HashAlgorithm::sha1 ? ocsp::HashAlgorithm::sha256
                                                               : ocsp::HashAlgorithm::sha1;
            all.push_back({other, samples.record(record.serial, base, profiles)});
        }
    }
    samples.shuffle(all);
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(patch)

// Covers: D-17
BOOST_AUTO_TEST_CASE(a_patch_reads_back_with_all_hash_variants_together) {
    Samples samples(seed());
    for (int round = 0; round < 300; ++round) {
        const BaseTimes base = samples.chance(50) ? day : samples.times();
        const auto profiles = samples.digests(1 + samples.below(8));
        auto given = patch_records(samples, 1 + samples.below(60), base, profiles.size());
        const std::uint64_t sequence = samples.random()();
        const auto bytes = encode_patch(sequence, profiles, base, given);
        BOOST_TEST_REQUIRE(bytes.has_value(), error_of(bytes));
        const auto patch = Patch::parse(*bytes);
        BOOST_TEST_REQUIRE(patch.has_value(), error_of(patch));
        BOOST_TEST_REQUIRE(patch->sequence() == sequence);
        BOOST_TEST_REQUIRE((patch->profiles() == profiles));
        BOOST_TEST_REQUIRE((patch->base() == base));
        BOOST_TEST_REQUIRE(patch->records().size() == given.size());
        for (const PatchRecord& entry : given) {
            const Record* found = patch->find(entry.set, entry.record.serial);
            BOOST_TEST_REQUIRE(found != nullptr);
            BOOST_TEST_REQUIRE(same(*found, entry.record));
        }
        BOOST_TEST_REQUIRE(equal(*encode_patch(sequence, profiles, base, patch->records()), *bytes));
        samples.shuffle(given);
        BOOST_TEST_REQUIRE(equal(*encode_patch(sequence, profiles, base, given), *bytes));
    }
}

BOOST_AUTO_TEST_CASE(a_serial_that_a_patch_does_not_have_is_not_found_in_it) {
    Samples samples(seed());
    const auto profiles = samples.digests(2);
    const auto given = patch_records(samples, 200, day, 2);
    const auto patch = Patch::parse(*encode_patch(9, profiles, day, given));
    for (int round = 0; round < 3000; ++round) {
        const SetId set = samples.set();
        const ByteView serial =
            samples.chance(50) ? given[samples.below(given.size())].record.serial : samples.serial();
        const bool expected = std::ranges::any_of(
            given, [&](const PatchRecord& e) { return e.set == set && equal(e.record.serial, serial); });
        BOOST_TEST_REQUIRE((patch->find(set, serial) != nullptr) == expected);
    }
}

BOOST_AUTO_TEST_CASE(a_moved_patch_keeps_its_records) {
    Samples samples(12);
    auto first = Patch::parse(*encode_patch(1, samples.digests(1), day, patch_records(samples, 20, day, 1)));
    const Bytes before(first->bytes().begin(), first->bytes().end());
    std::vector<Patch> held;
    for (int i = 0; i < 10; ++i)
        held.push_back(std::move(*Patch::parse(before)));
    for (const Patch& patch : held) {
        for (const PatchRecord& entry : patch.records()) {
            BOOST_TEST_REQUIRE(entry.record.serial.data() > patch.bytes().data());
            BOOST_TEST_REQUIRE(entry.record.serial.data() < patch.bytes().data() + patch.bytes().size());
        }
    }
}

BOOST_AUTO_TEST_CASE(a_patch_cut_short_anywhere_or_with_an_octet_more_is_refused) {
    Samples samples(seed());
    const auto bytes = *encode_patch(1, samples.digests(2), day, patch_records(samples, 5, day, 2));
    for (std::size_t size = 0; size < bytes.size(); ++size)
        BOOST_TEST_REQUIRE(
            !Patch::parse(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)))
                 .has_value());
    Bytes more = bytes;
    more.push_back(0);
    BOOST_TEST(contains(error_of(Patch::parse(more)), "after the last record"));
}

BOOST_AUTO_TEST_CASE(what_parses_from_a_damaged_patch_is_in_its_only_form) {
    Samples samples(seed());
    const auto bytes = *encode_patch(1, samples.digests(2), day, patch_records(samples, 6, day, 2));
    std::size_t parsed = 0;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        Bytes damaged = bytes;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
        const auto patch = Patch::parse(damaged);
        if (!patch)
            continue;
        ++parsed;
        const auto again =
            encode_patch(patch->sequence(), patch->profiles(), patch->base(), patch->records());
        BOOST_TEST_REQUIRE(equal(again.value_or(Bytes{}), damaged));
    }
    BOOST_TEST(parsed > 0U);
}

BOOST_AUTO_TEST_CASE(a_serial_twice_in_a_set_no_records_and_foreign_profiles_are_not_stored) {
    Samples samples(13);
    const auto profiles = samples.digests(1);
    Record r = samples.record(samples.serial(), day, 1);
    const SetId set{};
    BOOST_TEST(contains(error_of(encode_patch(1, profiles, day, {{set, r}, {set, r}})), "stands twice"));
    BOOST_TEST(contains(error_of(encode_patch(1, profiles, day, {})), "0 records"));
    r.profile = 1;
    BOOST_TEST(contains(error_of(encode_patch(1, profiles, day, {{set, r}})), "names a profile"));
    r.profile = 0;
    r.signature = {};
    BOOST_TEST(contains(error_of(encode_patch(1, profiles, day, {{set, r}})), "signature"));
}

BOOST_AUTO_TEST_CASE(a_patch_has_an_end) {
    Samples samples(14);
    const auto profiles = samples.digests(1);
    std::vector<PatchRecord> records;
    for (std::size_t i = 0; i <= limits::patch_records; ++i) {
        Record r;
        r.serial = samples.serial(16);
        r.times = day;
        r.signature = ByteView(profiles[0]);
        records.push_back({{}, r});
    }
    BOOST_TEST(contains(error_of(encode_patch(1, profiles, day, records)), "16385 records"));
    records.resize(limits::patch_records);
    BOOST_TEST(encode_patch(1, profiles, day, records).has_value());
    const ByteView large = samples.octets(5120);
    for (PatchRecord& entry : records)
        entry.record.signature = large;
    BOOST_TEST(contains(error_of(encode_patch(1, profiles, day, records)), "more patches are needed"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::cache
