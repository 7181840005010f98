#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>

#include "cache/limits.h"
#include "cache/page.h"
#include "responder/base/serial.h"
#include "tests/cache/samples.h"

namespace eightbells::cache {

using namespace samples;

namespace {

// Serials in no order, sorted into the pages that a look-up would search.
std::map<std::uint32_t, std::vector<Record>> by_page(const std::vector<Record>& records, unsigned page_bits) {
    std::map<std::uint32_t, std::vector<Record>> pages;
    for (const Record& r : records)
        pages[page_index(hash_of(r.serial), page_bits)].push_back(r);
    return pages;
}

Page made(const PageHeader& header, const std::vector<Record>& records) {
    auto bytes = encode_page(header, records);
    BOOST_TEST_REQUIRE(bytes.has_value(), error_of(bytes));
    auto page = Page::parse(std::move(*bytes));
    BOOST_TEST_REQUIRE(page.has_value(), error_of(page));
    return std::move(*page);
}

std::vector<Record> sorted(std::vector<Record> records) {
    std::ranges::sort(records, [](const Record& a, const Record& b) {
        return *Serial::from_hex(to_hex(a.serial)) < *Serial::from_hex(to_hex(b.serial));
    });
    return records;
}

bool same_lists(const std::vector<Record>& a, const std::vector<Record>& b) {
    return std::ranges::equal(a, b, same);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(page)

BOOST_AUTO_TEST_CASE(a_page_reads_back_as_its_header_and_its_records_in_the_order_of_serials) {
    Samples samples(seed());
    for (int round = 0; round < 200; ++round) {
        const PageHeader header = samples.header(0, 0);
        std::vector<Record> records =
            samples.records(1 + samples.below(150), header.times, header.profiles.size());
        const Page page = made(header, records);
        BOOST_TEST_REQUIRE((page.header() == header));
        BOOST_TEST_REQUIRE(same_lists(records_of(page), sorted(records)));
        samples.shuffle(records);
        const auto again = encode_page(header, records);
        BOOST_TEST_REQUIRE(equal(*again, page.bytes()),
                           "the order in which records are given does not matter");
    }
}

BOOST_AUTO_TEST_CASE(every_serial_of_a_page_is_found_and_no_other) {
    Samples samples(seed());
    for (int round = 0; round < 200; ++round) {
        const PageHeader header = samples.header(0, 0);
        const std::vector<Record> records =
            samples.records(1 + samples.below(120), header.times, header.profiles.size());
        const Page page = made(header, records);
        for (const Record& r : records) {
            const auto found = page.find(r.serial);
            BOOST_TEST_REQUIRE(found.has_value());
            BOOST_TEST_REQUIRE(same(*found, r));
        }
        for (int other = 0; other < 100; ++other) {
            const ByteView serial = samples.serial();
            const bool expected =
                std::ranges::any_of(records, [&](const Record& r) { return equal(r.serial, serial); });
            BOOST_TEST_REQUIRE(page.find(serial).has_value() == expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(splitting_by_a_bit_gives_the_very_pages_that_are_made_with_one_bit_more) {
    Samples samples(seed());
    for (const unsigned bits : {0U, 1U, 3U, 7U, 8U, 11U, 23U}) {
        const std::vector<Record> records = samples.records(bits == 23 ? 20 : 400, day, 1);
        const auto fine = by_page(records, bits + 1);
        for (const auto& [index, inside] : by_page(records, bits)) {
            PageHeader header = samples.header(bits, index);
            header.times = day;
            const Page page = made(header, inside);
            const auto halves = split_page(page);
            BOOST_TEST_REQUIRE(halves.has_value());
            for (const std::uint32_t half : {0U, 1U}) {
                const Bytes& bytes = half == 0 ? halves->first : halves->second;
                PageHeader expected = header;
                expected.page_bits = static_cast<std::uint8_t>(bits + 1);
                expected.index = index * 2 + half;
                const auto members = fine.find(expected.index);
                if (members == fine.end()) {
                    BOOST_TEST_REQUIRE(bytes.empty());
                    continue;
                }
                const Page half_page = made(expected, members->second);
                BOOST_TEST_REQUIRE(equal(bytes, half_page.bytes()));
                BOOST_TEST_REQUIRE(check_membership(half_page).has_value());
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_page_of_24_bits_is_not_split) {
    Samples samples(5);
    const std::vector<Record> records = samples.records(1, day, 1);
    const PageHeader header = samples.header(24, page_index(hash_of(records[0].serial), 24));
    BOOST_TEST(contains(error_of(split_page(made(header, sorted(records)))), "page_bits"));
}

// The oracle of B-23 for pages: whatever a store does to the octets, either the page is refused or it says in
// its only form what it says. (The digest under the head refuses it anyway.)
BOOST_AUTO_TEST_CASE(every_flipped_bit_is_refused_or_changes_what_the_page_says) {
    Samples samples(seed());
    PageHeader header = samples.header(0, 0);
    header.times = day;
    const Page page = made(header, samples.records(12, day, header.profiles.size()));
    for (std::size_t bit = 0; bit < page.bytes().size() * 8; ++bit) {
        Bytes bytes(page.bytes().begin(), page.bytes().end());
        bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1U << bit % 8);
        const auto other = Page::parse(bytes);
        if (!other)
            continue;
        BOOST_TEST_REQUIRE(
            (other->header() != page.header() || !same_lists(records_of(*other), records_of(page))));
        const auto again = encode_page(other->header(), records_of(*other));
        BOOST_TEST_REQUIRE(equal(again.value_or(Bytes{}), bytes) == check_membership(*other).has_value());
    }
}

BOOST_AUTO_TEST_CASE(a_page_cut_short_anywhere_or_with_an_octet_more_is_refused) {
    Samples samples(seed());
    const PageHeader header = samples.header(0, 0);
    const Page page = made(header, samples.records(10, header.times, header.profiles.size()));
    for (std::size_t size = 0; size < page.bytes().size(); ++size) {
        const ByteView part = page.bytes().first(size);
        BOOST_TEST_REQUIRE(!Page::parse(Bytes(part.begin(), part.end())).has_value());
    }
    Bytes more(page.bytes().begin(), page.bytes().end());
    more.push_back(0);
    BOOST_TEST(contains(error_of(Page::parse(more)), "1 octets after the last record"));
}

BOOST_AUTO_TEST_CASE(records_of_another_page_twice_the_same_and_foreign_profiles_are_not_stored) {
    Samples samples(6);
    std::vector<Record> records = samples.records(2, day, 1);
    PageHeader header = samples.header(8, page_index(hash_of(records[0].serial), 8) ^ 1U);
    header.times = day;
    BOOST_TEST(contains(error_of(encode_page(header, {records[0]})), "belongs to another page"));
    header.page_bits = 0;
    header.index = 0;
    BOOST_TEST(contains(error_of(encode_page(header, {records[0], records[1], records[0]})), "stands twice"));
    header.profiles.resize(1);
    records[1].profile = 1;
    BOOST_TEST(contains(error_of(encode_page(header, records)), "names a profile"));
    BOOST_TEST(contains(error_of(encode_page(header, {})), "0 records"));
}

BOOST_AUTO_TEST_CASE(a_header_that_the_form_cannot_hold_is_named) {
    Samples samples(7);
    const std::vector<Record> records = samples.records(1, day, 1);
    PageHeader good = samples.header(0, 0);
    good.times = day;
    const auto error_with = [&](auto change) {
        PageHeader header = good;
        change(header);
        return error_of(encode_page(header, records));
    };
    BOOST_TEST(error_with([](PageHeader&) {}) == "(no error)");
    BOOST_TEST(contains(error_with([](PageHeader& h) { h.page_bits = 25; }), "page_bits"));
    BOOST_TEST(contains(error_with([](PageHeader& h) { h.index = 1; }), "index"));
    BOOST_TEST(
        contains(error_with([](PageHeader& h) { h.times.produced_at = from_unix(-5); }), "produced_at"));
    BOOST_TEST(contains(error_with([](PageHeader& h) { h.profiles.clear(); }), "profiles: 0"));
    BOOST_TEST(contains(error_with([&](PageHeader& h) { h.profiles = samples.digests(9); }), "profiles: 9"));
    BOOST_TEST(contains(error_with([](PageHeader& h) { h.profiles.assign(2, h.profiles[0]); }), "the same"));
    BOOST_TEST(contains(error_with([](PageHeader& h) { h.profiles[0] = empty_digest; }), "empty digest"));
}

BOOST_AUTO_TEST_CASE(more_than_64_KiB_is_an_error_that_asks_for_a_bit_more) {
    Samples samples(8);
    PageHeader header = samples.header(0, 0);
    header.times = day;
    std::vector<Record> records = samples.records(1000, day, 1);
    for (Record& r : records)
        r.signature = samples.octets(64);
    BOOST_TEST(contains(error_of(encode_page(header, records)), "more page_bits are needed"));
    BOOST_TEST(!Page::parse(Bytes(limits::page_octets + 1)).has_value());
}

// Covers: H-17
BOOST_AUTO_TEST_CASE(a_page_holds_a_dozen_signatures_of_5_KB) {
    Samples samples(9);
    PageHeader header = samples.header(0, 0);
    header.times = day;
    std::vector<Record> records = samples.records(12, day, 1);
    for (Record& r : records)
        r.signature = samples.octets(5120);
    const Page page = made(header, records);
    for (const Record& r : records)
        BOOST_TEST_REQUIRE(same(*page.find(r.serial), r));
}

BOOST_AUTO_TEST_CASE(membership_is_judged_by_the_hash_of_the_serial) {
    Samples samples(10);
    const std::vector<Record> records = samples.records(1, day, 1);
    PageHeader header = samples.header(0, 0);
    header.times = day;
    Bytes bytes = *encode_page(header, records);
    // Said to stand in page i of 256: octet 5 is page_bits, 6 to 9 the index.
    const auto claimed = [&](std::uint32_t index) {
        bytes[5] = 8;
        bytes[9] = static_cast<std::uint8_t>(index);
        return check_membership(*Page::parse(bytes)).has_value();
    };
    const std::uint32_t right = page_index(hash_of(records[0].serial), 8);
    for (std::uint32_t index = 0; index < 256; ++index)
        BOOST_TEST_REQUIRE(claimed(index) == (index == right));
}

BOOST_AUTO_TEST_CASE(page_index_is_the_first_bits_of_the_hash) {
    BOOST_TEST(page_index(0xffffffffffffffff, 0) == 0U);
    BOOST_TEST(page_index(0x8000000000000000, 1) == 1U);
    BOOST_TEST(page_index(0xabcdef0123456789, 24) == 0xabcdefU);
    BOOST_TEST(page_index(0xabcdef0123456789, 12) == 0xabcU);
}

BOOST_AUTO_TEST_CASE(each_set_has_one_octet_and_each_other_octet_has_none) {
    std::size_t known = 0;
    for (unsigned octet = 0; octet < 256; ++octet) {
        const auto set = set_from_octet(static_cast<std::uint8_t>(octet));
        if (set) {
            ++known;
            BOOST_TEST(set_octet(*set) == octet);
        }
    }
    BOOST_TEST(known == ocsp::hash_algorithms * lives);
}

// Issue 4's 130 octets in Redis leave 35 for Redis itself and for what 64-octet strings of allocation lose.
BOOST_AUTO_TEST_CASE(a_certificate_costs_at_most_95_octets_in_pages_tables_and_names) {
    Samples samples(11);
    constexpr unsigned bits = 7;
    std::vector<Record> records;
    for (int i = 0; i < 10'000; ++i) {
        Record r;
        r.serial = samples.serial(16 + samples.below(5));
        r.times = day;
        r.signature = samples.octets(64);
        records.push_back(r);
    }
    std::size_t octets = 0;
    std::size_t smallest = limits::page_octets;
    std::size_t largest = 0;
    for (const auto& [index, inside] : by_page(records, bits)) {
        PageHeader header{{}, bits, index, 1, day, samples.digests(1)};
        const Page page = made(header, inside);
        octets += page.bytes().size() + sizeof(Digest) + 70;
        smallest = std::min(smallest, page.bytes().size());
        largest = std::max(largest, page.bytes().size());
    }
    BOOST_TEST_MESSAGE(octets / records.size() << " octets each; pages of " << smallest << " to " << largest);
    BOOST_TEST(octets <= records.size() * 95);
    BOOST_TEST(smallest >= 4096U);
    BOOST_TEST(largest <= 16384U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::cache
