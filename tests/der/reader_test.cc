#define BOOST_TEST_MODULE der_reader
#include "responder/der/reader.h"

#include <boost/test/unit_test.hpp>

#include "responder/der/limits.h"

using namespace eightbells;
using der::Reader;
using der::Tag;

namespace {

Bytes hex(std::string_view digits) {
    return from_hex(digits).value();
}

// What a read gives for these bytes, and that it consumes them exactly when it gives something.
template <class Read>
auto reading(const Bytes& bytes, Read read) {
    Reader reader{bytes};
    auto result = read(reader);
    BOOST_TEST(reader.rest().size() == (result ? 0U : bytes.size()));
    return result;
}

auto time_of(std::string_view text, std::uint8_t tag) {
    Bytes bytes{tag, static_cast<std::uint8_t>(text.size())};
    bytes.insert(bytes.end(), text.begin(), text.end());
    return reading(bytes, [](Reader& r) { return r.read_time(); });
}

}  // namespace

//
BOOST_AUTO_TEST_CASE(only_definite_minimal_lengths_and_low_tags_are_elements) {
    for (const char* good : {"0500", "040161", "3000", "a000", "8000", "0482", "7f00", "1e00"}) {
        const bool whole = std::string_view(good) != "0482" && std::string_view(good) != "7f00";
        BOOST_TEST(der::is_one_element(hex(good)) == whole, good);
    }
    for (const char* wrong : {"", "05", "0501", "3080", "30800000", "04810161", "0482000161", "048180",
                              "3f8101"
                              "00",
                              "1f0100", "0000", "000100", "04ff", "0485000000000161",
                              "048501000000"
                              "0000",
                              "050000"})
        BOOST_TEST(!der::is_one_element(hex(wrong)), wrong);
    for (const std::size_t size : {0x7fU, 0x80U, 0xffU, 0x100U, 0xffffU, 0x10000U}) {
        Bytes bytes{0x04};
        if (size >= 0x80) {
            const unsigned octets = size >= 0x10000 ? 3 : size >= 0x100 ? 2 : 1;
            bytes.push_back(static_cast<std::uint8_t>(0x80 | octets));
            for (unsigned i = octets; i-- > 0;)
                bytes.push_back(static_cast<std::uint8_t>(size >> (8 * i) & 0xff));
        } else {
            bytes.push_back(static_cast<std::uint8_t>(size));
        }
        bytes.resize(bytes.size() + size);
        BOOST_TEST(der::is_one_element(bytes), size);
        bytes.pop_back();
        BOOST_TEST(!der::is_one_element(bytes), size);
    }
    // a leading zero where the long form is due
    for (const char* header : {"04820080", "0483000080",
                               "0484"
                               "00000080"}) {
        Bytes bytes = hex(header);
        bytes.resize(bytes.size() + 0x80);
        BOOST_TEST(!der::is_one_element(bytes), header);
    }
    // a length that would wrap around
    BOOST_TEST(!der::is_one_element(hex("0484ffffffff00")));
    BOOST_TEST(!der::is_one_element(hex("0488ffffffffffffffff00")));
}

BOOST_AUTO_TEST_CASE(a_read_consumes_one_element_or_nothing) {
    const Bytes bytes =
        hex("0201050403616263"
            "3003020107");
    Reader reader{bytes};
    BOOST_TEST((reader.peek() == Tag::integer));
    BOOST_TEST(!reader.read(Tag::octet_string).has_value());
    BOOST_TEST(!reader.read_into(Tag::sequence).has_value());
    BOOST_TEST(!reader.read_boolean().has_value());
    BOOST_TEST((reader.read_unsigned() == 5U));
    BOOST_TEST(!reader.read_unsigned().has_value());
    const auto text = reader.read(Tag::octet_string);
    BOOST_REQUIRE(text.has_value());
    BOOST_TEST(as_text(*text) == "abc");
    const auto element = Reader{reader.rest()}.read_any();
    BOOST_REQUIRE(element.has_value());
    BOOST_TEST(to_hex(element->tlv) == "3003020107");
    BOOST_TEST(to_hex(element->content) == "020107");
    auto inner = reader.read_into(Tag::sequence);
    BOOST_REQUIRE(inner.has_value());
    BOOST_TEST((inner->read_unsigned() == 7U));
    BOOST_TEST(inner->empty());
    BOOST_TEST(reader.empty());
    BOOST_TEST(!reader.peek().has_value());
    BOOST_TEST(!reader.read_any().has_value());
}

BOOST_AUTO_TEST_CASE(booleans_integers_and_enumerations_are_in_their_der_form) {
    const auto boolean = [](const char* bytes) {
        return reading(hex(bytes), [](Reader& r) { return r.read_boolean(); });
    };
    BOOST_TEST((boolean("010100") == false));
    BOOST_TEST((boolean("0101ff") == true));
    for (const char* wrong : {"010101", "0100", "01020000", "020100"})
        BOOST_TEST(!boolean(wrong).has_value(), wrong);

    const auto number = [](const char* bytes) {
        return reading(hex(bytes), [](Reader& r) { return r.read_unsigned(); });
    };
    BOOST_TEST((number("020100") == 0U));
    BOOST_TEST((number("02017f") == 0x7fU));
    BOOST_TEST((number("02020080") == 0x80U));
    BOOST_TEST((number("020900ffffffffffffffff") == UINT64_MAX));
    for (const char* wrong : {"0200", "02020000", "0202007f", "020180", "0202ff80", "0209010000000000000000",
                              "020a0080ffffffffffffffff", "0a0100"})
        BOOST_TEST(!number(wrong).has_value(), wrong);

    const auto content = [](const char* bytes) {
        const Bytes input = hex(bytes);
        const auto view = reading(input, [](Reader& r) { return r.read_integer_content(); });
        return view ? to_hex(*view) : std::string("refused");
    };
    BOOST_TEST(content("020180") == "80");
    BOOST_TEST(content("0202ff7f") == "ff7f");
    BOOST_TEST(content("02020080") == "0080");
    BOOST_TEST(content("0202ff80") == "refused");
    BOOST_TEST(content("02020001") == "refused");
    BOOST_TEST(content("0200") == "refused");

    const auto code = [](const char* bytes) {
        return reading(hex(bytes), [](Reader& r) { return r.read_enumerated(); });
    };
    BOOST_TEST((code("0a0106") == 6U));
    BOOST_TEST((code("0a020080") == 0x80U));
    BOOST_TEST(!code("0a0180").has_value());
    BOOST_TEST(!code("0a020006").has_value());
    BOOST_TEST(!code("020106").has_value());
}

BOOST_AUTO_TEST_CASE(bit_strings_have_whole_octets) {
    const auto bits = [](const char* bytes) {
        const Bytes input = hex(bytes);
        const auto view = reading(input, [](Reader& r) { return r.read_bit_string_octets(); });
        return view ? "[" + to_hex(*view) + "]" : std::string("refused");
    };
    BOOST_TEST(bits("03020061") == "[61]");
    BOOST_TEST(bits("030100") == "[]");
    BOOST_TEST(bits("0300") == "refused");
    BOOST_TEST(bits("03020160") == "refused");
    BOOST_TEST(bits("23020061") == "refused");
}

//
BOOST_AUTO_TEST_CASE(a_21_object_identifiers_are_whole_minimal_and_bounded) {
    for (const char* good : {"2a", "2b0e03021a", "8837", "2a864886f70d",
                             "2a8180"
                             "01"})
        BOOST_TEST(der::is_oid_content(hex(good)), good);
    for (const char* wrong : {"", "80", "8001", "2a80", "2a8001", "2a86"})
        BOOST_TEST(!der::is_oid_content(hex(wrong)), wrong);
    BOOST_TEST(der::is_oid_content(Bytes(limits::oid_octets, 0x2a)));
    BOOST_TEST(!der::is_oid_content(Bytes(limits::oid_octets + 1, 0x2a)));
    BOOST_TEST((reading(hex("06012a"), [](Reader& r) { return r.read_oid(); }).has_value()));
    BOOST_TEST((!reading(hex("0600"), [](Reader& r) { return r.read_oid(); }).has_value()));
}

// Covers: F-05
BOOST_AUTO_TEST_CASE(f_05_both_forms_of_time_are_read_and_only_as_seconds_in_utc) {
    const auto at = [](std::string_view text) { return from_iso8601(text).value(); };
    BOOST_TEST((time_of("261122064000Z", 0x17) == at("2026-11-22T06:40:00Z")));
    BOOST_TEST((time_of("491231235959Z", 0x17) == at("2049-12-31T23:59:59Z")));
    BOOST_TEST((time_of("500101000000Z", 0x17) == at("1950-01-01T00:00:00Z")));
    BOOST_TEST((time_of("20500101000000Z", 0x18) == at("2050-01-01T00:00:00Z")));
    BOOST_TEST((time_of("99991231235959Z", 0x18) == year_9999));
    BOOST_TEST((time_of("20240229000000Z", 0x18) == at("2024-02-29T00:00:00Z")));
    BOOST_TEST((time_of("00000101000000Z", 0x18) == at("0000-01-01T00:00:00Z")));
    for (const char* wrong :
         {"", "20261122064000", "20261122064000.0Z", "202611220640Z", "20261122064000+0100",
          "20261122064000z", "20260229000000Z", "20261301000000Z", "20260001000000Z", "20260100000000Z",
          "20260132000000Z", "20261122240000Z", "20261122066000Z", "20261122064060Z", "2026112206400 Z",
          "-0261122064000Z", "2026112206400/Z", "2026112206400:Z", "261122064000Z"})
        BOOST_TEST(!time_of(wrong, 0x18).has_value(), wrong);
    for (const char* wrong :
         {"", "2611220640Z", "261122064000", "261122064000+0000", "260229000000Z", "2x1122064000Z"})
        BOOST_TEST(!time_of(wrong, 0x17).has_value(), wrong);
    BOOST_TEST(!time_of("20261122064000Z", 0x04).has_value());
    // GeneralizedTime alone
    const Bytes utc = hex("170d3236313132323036343030305a");
    BOOST_TEST(!reading(utc, [](Reader& r) { return r.read_generalized_time(); }).has_value());
}
