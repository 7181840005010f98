#include <boost/test/unit_test.hpp>

#include "cache/limits.h"
#include "cache/record.h"
#include "responder/base/serial.h"
#include "tests/cache/samples.h"

namespace eightbells::cache {

using namespace samples;

namespace {

Bytes hex(std::string_view text) {
    std::string digits;
    std::ranges::copy_if(text, std::back_inserter(digits), [](char c) { return c != ' '; });
    return *from_hex(digits);
}

Bytes stored(const Record& record, const BaseTimes& base) {
    Bytes out;
    append_record(record, base, out);
    return out;
}

bool parses(std::string_view digits, const BaseTimes& base = day) {
    const Bytes bytes = hex(digits);
    ByteView rest = bytes;
    const bool parsed = parse_record(rest, base).has_value();
    BOOST_TEST((parsed || rest.size() == bytes.size()), "nothing is consumed on failure");
    return parsed;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(record)

BOOST_AUTO_TEST_CASE(a_good_p256_record_costs_its_serial_its_signature_and_three_octets) {
    Samples samples(1);
    for (const std::size_t serial_octets : {16U, 20U}) {
        Record r;
        r.serial = samples.serial(serial_octets);
        r.times = day;
        r.signature = samples.octets(64);
        BOOST_TEST(stored(r, day).size() == serial_octets + 64 + 3);
    }
}

BOOST_AUTO_TEST_CASE(every_field_stands_where_the_readme_says) {
    const Bytes serial = hex("0102");
    const Bytes signature = hex("aabb");
    const Bytes extensions = hex("3000");
    Record r;
    r.serial = serial;
    r.profile = 5;
    r.times = day;
    r.signature = signature;
    BOOST_TEST(to_hex(stored(r, day)) ==
               "a2"
               "0102"
               "00"
               "02"
               "aabb");

    r.status = Revocation{from_unix(1), CrlReason::key_compromise, std::nullopt};
    r.times.produced_at += seconds{1};
    r.times.this_update -= seconds{64};
    r.times.next_update = year_9999;
    r.extensions = extensions;
    BOOST_TEST(to_hex(stored(r, day)) ==
               "a2"
               "0102"
               "37"
               "0000000001"
               "01"
               "02"
               "8101"
               "02"
               "3000"
               "02"
               "aabb");
}

BOOST_AUTO_TEST_CASE(what_is_stored_reads_back_and_restores_to_the_same_octets) {
    Samples samples(seed());
    for (int round = 0; round < 20'000; ++round) {
        const BaseTimes base = samples.chance(50) ? day : samples.times();
        const Record r = samples.record(samples.serial(), base, 8);
        BOOST_TEST_REQUIRE(check_record(r).has_value());
        Bytes bytes = stored(r, base);
        const std::size_t size = bytes.size();
        bytes.push_back(0x5a);
        ByteView rest = bytes;
        const auto read = parse_record(rest, base);
        BOOST_TEST_REQUIRE(read.has_value());
        BOOST_TEST_REQUIRE(rest.size() == 1U);
        BOOST_TEST_REQUIRE(same(*read, r));
        bytes.resize(size);
        BOOST_TEST_REQUIRE(equal(stored(*read, base), bytes));
    }
}

BOOST_AUTO_TEST_CASE(what_parses_from_damaged_octets_is_still_the_only_form_of_what_it_says) {
    Samples samples(seed());
    int read_differently = 0;
    for (int round = 0; round < 30'000; ++round) {
        const BaseTimes base = samples.chance(50) ? day : samples.times();
        Bytes bytes = stored(samples.record(samples.serial(), base, 8), base);
        for (std::uint64_t flips = 1 + samples.below(3); flips > 0; --flips)
            bytes[samples.below(std::min<std::size_t>(bytes.size(), 40))] =
                static_cast<std::uint8_t>(samples.below(256));
        ByteView rest = bytes;
        const auto read = parse_record(rest, base);
        if (!read)
            continue;
        ++read_differently;
        const ByteView consumed = ByteView(bytes).first(bytes.size() - rest.size());
        BOOST_TEST_REQUIRE(check_record(*read).has_value());
        BOOST_TEST_REQUIRE(equal(stored(*read, base), consumed));
    }
    BOOST_TEST(read_differently > 1000);
}

BOOST_AUTO_TEST_CASE(no_beginning_of_a_record_is_a_record) {
    Samples samples(seed());
    for (int round = 0; round < 500; ++round) {
        const Record r = samples.record(samples.serial(), day, 8);
        const Bytes bytes = stored(r, day);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            ByteView rest = ByteView(bytes).first(size);
            BOOST_TEST_REQUIRE(!parse_record(rest, day).has_value());
            BOOST_TEST_REQUIRE(rest.size() == size);
        }
    }
}

BOOST_AUTO_TEST_CASE(each_second_form_of_a_field_is_refused) {
    BOOST_TEST(parses("01 05 00 01 aa"));
    BOOST_TEST(!parses("00 00 01 aa"), "no serial");
    BOOST_TEST(!parses("01 00 00 01 aa"), "serial with a leading zero");
    BOOST_TEST(!parses("15 010101010101010101010101010101010101010101 00 01 aa"), "serial of 21 octets");
    BOOST_TEST(parses("14 0101010101010101010101010101010101010101 00 01 aa"));
    BOOST_TEST(!parses("01 05 40 01 aa"), "a flag that there is not");
    BOOST_TEST(!parses("01 05 80 01 aa"), "a flag that there is not");
    BOOST_TEST(!parses("01 05 00 00"), "no signature");
    BOOST_TEST(!parses("01 05 00 8001 aa"), "a length in two octets that fits into one");
    BOOST_TEST(!parses("01 05 20 00 01 aa"), "extensions announced and empty");
    BOOST_TEST(parses("01 05 20 01 05 01 aa"));
    BOOST_TEST(parses("01 05 01 0000000001 00 01 aa"));
    BOOST_TEST(parses("01 05 01 0000000001 0a 01 aa"));
    BOOST_TEST(!parses("01 05 01 0000000001 07 01 aa"), "a reason that there is not");
    BOOST_TEST(!parses("01 05 01 0000000001 08 01 aa"), "removeFromCRL is no status");
    BOOST_TEST(!parses("01 05 01 0000000001 0b 01 aa"), "a reason that there is not");
    BOOST_TEST(!parses("01 05 01 ffffffffff 00 01 aa"), "revoked after 9999");
    BOOST_TEST(parses("01 05 02 02 01 aa"));
    BOOST_TEST(!parses("01 05 02 00 01 aa"), "a difference of nothing");
    BOOST_TEST(!parses("01 05 02 01 01 aa"), "a difference of minus nothing");
    BOOST_TEST(!parses("01 05 02 8200 01 aa"), "a difference with an empty last group");
    BOOST_TEST(!parses("01 05 02 8181818181818101 01 aa"), "a difference of eight groups");
    BOOST_TEST(!parses("01 05 02 ffffffffff7f 01 aa"), "a difference that leaves the calendar");
}

BOOST_AUTO_TEST_CASE(the_year_9999_takes_no_octets_and_has_one_form) {
    const Bytes serial = hex("05");
    const Bytes signature = hex("aa");
    Record r;
    r.serial = serial;
    r.signature = signature;
    r.times = day;
    r.times.next_update = year_9999;
    BOOST_TEST(to_hex(stored(r, day)) ==
               "0105"
               "10"
               "01aa");
    BaseTimes final = day;
    final.next_update = year_9999;
    BOOST_TEST(to_hex(stored(r, final)) ==
               "0105"
               "00"
               "01aa");
    BOOST_TEST(!parses("0105 10 01aa", final), "the base says so already");
    BOOST_TEST(!parses("0105 18 02 01aa"), "both forms at once");

    Bytes as_difference = hex("0105 08");
    std::uint64_t coded = static_cast<std::uint64_t>((year_9999 - day.next_update).count()) << 1;
    for (; coded >= 0x80; coded >>= 7)
        as_difference.push_back(static_cast<std::uint8_t>(coded | 0x80));
    as_difference.push_back(static_cast<std::uint8_t>(coded));
    for (const std::uint8_t octet : hex("01aa"))
        as_difference.push_back(octet);
    BOOST_TEST(!parses(to_hex(as_difference)), "9999 as a difference");
    as_difference[3] = static_cast<std::uint8_t>(as_difference[3] ^ 0x02);
    BOOST_TEST(parses(to_hex(as_difference)) == true, "the second beside it");
}

BOOST_AUTO_TEST_CASE(times_reach_from_1970_to_9999_whatever_the_base) {
    Samples samples(2);
    for (const UtcTime base_time : {from_unix(0), now, year_9999}) {
        for (const UtcTime time : {from_unix(0), from_unix(1), now, year_9999 - seconds{1}, year_9999}) {
            const BaseTimes base{base_time, base_time, base_time};
            Record r = samples.record(samples.serial(), base, 1);
            r.times = {time, time, time};
            const Bytes bytes = stored(r, base);
            ByteView rest = bytes;
            const auto read = parse_record(rest, base);
            BOOST_TEST_REQUIRE(read.has_value());
            BOOST_TEST(same(*read, r));
        }
    }
}

// Covers: H-17
BOOST_AUTO_TEST_CASE(a_signature_of_5_KB_fits_and_one_above_the_limit_does_not) {
    Samples samples(3);
    Record r = samples.record(samples.serial(), day, 1);
    for (const std::size_t size : {std::size_t{4627}, std::size_t{5120}, limits::signature_octets}) {
        r.signature = samples.octets(size);
        const Bytes bytes = stored(r, day);
        ByteView rest = bytes;
        const auto read = parse_record(rest, day);
        BOOST_TEST_REQUIRE(read.has_value());
        BOOST_TEST(same(*read, r));
    }
    r.signature = samples.octets(limits::signature_octets + 1);
    BOOST_TEST(contains(error_of(check_record(r)), "signature: 8192 octets"));
    Bytes too_long = hex("0105 00 a000");
    too_long.resize(too_long.size() + 8192);
    BOOST_TEST(!parses(to_hex(too_long)));
}

BOOST_AUTO_TEST_CASE(what_the_form_cannot_hold_is_named_before_it_is_stored) {
    Samples samples(4);
    Record good;
    good.serial = samples.serial(16);
    good.times = day;
    good.signature = samples.octets(64);
    BOOST_TEST(check_record(good).has_value());

    const auto error_with = [&](auto change) {
        Record r = good;
        change(r);
        return error_of(check_record(r));
    };
    const Bytes zero_first = hex("0001");
    BOOST_TEST(contains(error_with([](Record& r) { r.serial = {}; }), "serial"));
    BOOST_TEST(contains(error_with([&](Record& r) { r.serial = samples.serial(21); }), "serial"));
    BOOST_TEST(contains(error_with([&](Record& r) { r.serial = zero_first; }), "serial"));
    BOOST_TEST(contains(error_with([](Record& r) { r.profile = 8; }), "profile"));
    BOOST_TEST(contains(error_with([](Record& r) { r.signature = {}; }), "signature"));
    BOOST_TEST(contains(error_with([&](Record& r) { r.extensions = samples.octets(1025); }), "extensions"));
    BOOST_TEST(contains(error_with([](Record& r) { r.times.this_update = from_unix(-1); }), "this_update"));
    BOOST_TEST(
        contains(error_with([](Record& r) { r.times.next_update = year_9999 + seconds{1}; }), "next_update"));
    BOOST_TEST(contains(error_with([](Record& r) { r.times.produced_at = from_unix(-1); }), "produced_at"));
    BOOST_TEST(contains(error_with([](Record& r) {
                            r.status = Revocation{from_unix(-1), {}, {}};
                        }),
                        "revocation time"));
    for (const CrlReason reason : {CrlReason::unspecified, CrlReason::remove_from_crl})
        BOOST_TEST(contains(error_with([&](Record& r) {
                                r.status = Revocation{now, reason, {}};
                            }),
                            "reason"));
}

BOOST_AUTO_TEST_CASE(serials_are_ordered_as_numbers) {
    Samples samples(seed());
    for (int round = 0; round < 5000; ++round) {
        const auto a = Serial::from_hex(to_hex(samples.serial()));
        const auto b = Serial::from_hex(to_hex(samples.serial()));
        BOOST_TEST_REQUIRE((compare_serials(a->magnitude(), b->magnitude()) == (*a <=> *b)));
    }
    BOOST_TEST((compare_serials(hex("ff"), hex("0100")) < 0));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::cache
