#define BOOST_TEST_MODULE der_writer
#include "responder/der/writer.h"

#include <boost/test/unit_test.hpp>

using namespace eightbells;
using der::Tag;
using der::Writer;

namespace {

template <class Write>
std::string written(Write write, std::size_t room = 70000) {
    Bytes buffer(room);
    Writer writer{buffer};
    write(writer);
    return writer.ok() ? to_hex(writer.bytes()) : "does not fit";
}

}  // namespace

BOOST_AUTO_TEST_CASE(elements_are_written_in_their_der_form) {
    BOOST_TEST(written([](Writer& w) { w.null(); }) == "0500");
    BOOST_TEST(written([](Writer& w) { w.boolean(true); }) == "0101ff");
    BOOST_TEST(written([](Writer& w) { w.boolean(false); }) == "010100");
    BOOST_TEST(written([](Writer& w) { w.enumerated(6); }) == "0a0106");
    BOOST_TEST(written([](Writer& w) { w.enumerated(0x80); }) == "0a020080");
    BOOST_TEST(written([](Writer& w) { w.unsigned_integer(std::uint64_t{0}); }) == "020100");
    BOOST_TEST(written([](Writer& w) { w.unsigned_integer(std::uint64_t{0x7f}); }) == "02017f");
    BOOST_TEST(written([](Writer& w) { w.unsigned_integer(std::uint64_t{0x80}); }) == "02020080");
    BOOST_TEST(written([](Writer& w) { w.unsigned_integer(UINT64_MAX); }) == "020900ffffffffffffffff");
    const Bytes padded = from_hex("00000080").value();
    BOOST_TEST(written([&](Writer& w) { w.unsigned_integer(ByteView{padded}); }) == "02020080");
    BOOST_TEST(written([&](Writer& w) { w.unsigned_integer(ByteView{}); }) == "020100");
    BOOST_TEST(written([&](Writer& w) { w.bit_string(padded); }) == "03050000000080");
    BOOST_TEST(written([&](Writer& w) { w.bit_string({}); }) == "030100");
    BOOST_TEST(written([&](Writer& w) { w.element(Tag::octet_string, {}); }) == "0400");
    BOOST_TEST(written([](Writer& w) {
                   const std::size_t since = w.size();
                   w.unsigned_integer(std::uint64_t{2});
                   w.unsigned_integer(std::uint64_t{1});
                   w.wrap(Tag::sequence, since);
                   w.wrap(der::context_constructed(3), since);
               }) == "a3083006020101020102");
}

BOOST_AUTO_TEST_CASE(lengths_are_minimal_at_every_step) {
    for (const auto& [size, header] :
         {std::pair{0x7fU, "047f"}, std::pair{0x80U, "048180"}, std::pair{0xffU, "0481ff"},
          std::pair{0x100U, "04820100"}, std::pair{0xffffU, "0482ffff"}, std::pair{0x10000U, "0483010000"}}) {
        const Bytes content(size, 0x61);
        BOOST_TEST(written([&](Writer& w) { w.element(Tag::octet_string, content); }) ==
                   header + to_hex(content));
    }
}

BOOST_AUTO_TEST_CASE(times_are_written_from_the_year_0_to_9999) {
    for (const char* text :
         {"0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2024-02-29T12:34:56Z",
          "2026-11-22T06:40:00Z", "2100-03-01T00:00:00Z", "9999-12-31T23:59:59Z"}) {
        const UtcTime time = from_iso8601(text).value();
        Bytes buffer(32);
        Writer writer{buffer};
        writer.generalized_time(time);
        BOOST_REQUIRE(writer.ok());
        std::string digits;
        for (const char c : std::string_view(text)) {
            if (c >= '0' && c <= '9')
                digits += c;
        }
        BOOST_TEST(as_text(writer.bytes()) == "\x18\x0f" + digits + "Z");
        BOOST_TEST((der::Reader{writer.bytes()}.read_generalized_time() == time));
    }
    for (const UtcTime time :
         {year_9999 + seconds{1}, from_iso8601("0000-01-01T00:00:00Z").value() - seconds{1}, UtcTime::max(),
          UtcTime::min()})
        BOOST_TEST(written([&](Writer& w) { w.generalized_time(time); }) == "does not fit");
    // every day of 800 years, which holds each kind of leap year twice
    for (std::int64_t day = -719528; day < -719528 + 292194; ++day) {
        const UtcTime time = from_unix(day * 86400 + 86399);
        std::array<std::uint8_t, 17> buffer;
        Writer writer{buffer};
        writer.generalized_time(time);
        if (der::Reader{writer.bytes()}.read_generalized_time() != time)
            BOOST_FAIL("day " << day);
    }
}

BOOST_AUTO_TEST_CASE(a_buffer_that_is_too_small_fails_once_and_for_all) {
    const auto everything = [](Writer& w) {
        const std::size_t since = w.size();
        w.generalized_time(from_unix(0));
        w.bit_string(Bytes(200, 1));
        w.boolean(true);
        w.null();
        w.wrap(Tag::sequence, since);
    };
    const std::size_t size = written(everything).size() / 2;
    BOOST_TEST(written(everything, size) == written(everything));
    for (std::size_t room = 0; room < size; ++room) {
        Bytes buffer(room, 0xee);
        Writer writer{buffer};
        everything(writer);
        BOOST_TEST(!writer.ok());
        const std::size_t before = writer.size();
        writer.null();
        writer.octet(1);
        BOOST_TEST(writer.size() == before);
        BOOST_TEST(!writer.ok());
    }
    BOOST_TEST(written([](Writer& w) { w.wrap(Tag::sequence, 1); }) ==
               "does not fit");  // since later than now
}
