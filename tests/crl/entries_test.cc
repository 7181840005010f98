#include <boost/test/unit_test.hpp>
#include <set>

#include "responder/crl/octets.h"
#include "tests/crl/made_crls.h"

using namespace eightbells;
using namespace eightbells::crl;
using test::contains;
using test::listing;
using test::made_crls;
using test::view_of;

// Covers: F-05, F-07, F-10, B-15
BOOST_AUTO_TEST_CASE(f_07_entries_are_those_that_python_reads) {
    for (const std::string file :
         {"good", "empty", "reasons", "invalidity", "serials", "dates", "unknown", "rsa4096-pss"}) {
        const Bytes der = made_crls().read(file + ".crl");
        const auto theirs = made_crls().run(
            "/usr/bin/python3 -B '" EIGHTBELLS_SOURCE_DIR "/tests/crl/data/list_crl.py' " + file + ".crl");
        BOOST_TEST(listing(view_of(der)) == theirs, file);
    }
    const Bytes reasons = made_crls().read("reasons.crl");
    const auto text = listing(view_of(reasons));
    for (const std::string_view line :
         {"2000 2026-11-20T01:02:03Z - -", "2001 2026-11-20T01:02:03Z keyCompromise -",
          "2006 2026-11-20T01:02:03Z certificateHold -", "2009 2026-11-20T01:02:03Z privilegeWithdrawn -",
          "200A 2026-11-20T01:02:03Z aACompromise -"})
        BOOST_TEST(contains(text, line), line);
    BOOST_TEST(std::ranges::count(text, '\n') == 9);
}

// `openssl ca` as CAs run it: from an index.txt, PEM with text.
BOOST_AUTO_TEST_CASE(f_07_a_crl_that_openssl_ca_wrote_is_read_and_accepted) {
    const test::MadeFolder folder;
    folder.write("ca.cnf",
                 "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\ncertificate=ca.pem\n"
                 "private_key=ca.key\ndefault_md=sha256\ndefault_crl_days=2\ncrl_extensions=x\n"
                 "[x]\nauthorityKeyIdentifier=keyid\n");
    folder.write("index.txt",
                 "R\t300101000000Z\t260101010203Z,keyCompromise\t01\tunknown\t/CN=a\n"
                 "R\t300101000000Z\t260101010203Z\tABCDEF\tunknown\t/CN=b\n"
                 "R\t300101000000Z\t260101010203Z,holdInstruction,holdInstructionNone\t03\tunknown\t/CN=c\n"
                 "R\t300101000000Z\t260101010203Z,keyTime,"
                 "20251231000000Z\t7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\tunknown\t/CN=d\n"
                 "R\t300101000000Z\t260101010203Z,unspecified\t05\tunknown\t/CN=e\n"
                 "V\t300101000000Z\t\t06\tunknown\t/CN=f\n");
    folder.write("crlnumber", "1F\n");
    folder.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=CA -days 30");
    folder.run("openssl ca -config ca.cnf -gencrl -out crl.pem");
    const auto decoded = test::decoded_pem(folder.read("crl.pem"));
    BOOST_REQUIRE_MESSAGE(decoded, decoded.error().message);
    const auto& der = *decoded;
    const auto view = view_of(*der);
    BOOST_TEST(to_hex(view.crl_number) == "1f");
    const auto now = view.this_update + seconds{1};
    const auto checked = check_crl(view, *der, test::issuer_in(folder.read("ca.pem")), now, {});
    BOOST_TEST(checked.has_value(), (checked ? "" : checked.error().message));
    const auto text = listing(view);
    BOOST_TEST(std::ranges::count(text, '\n') == 5);
    for (const std::string_view line :
         {"01 2026-01-01T01:02:03Z keyCompromise -\n", "ABCDEF 2026-01-01T01:02:03Z - -\n",
          "03 2026-01-01T01:02:03Z certificateHold -\n",
          "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF 2026-01-01T01:02:03Z keyCompromise "
          "2025-12-31T00:00:00Z\n",
          "05 2026-01-01T01:02:03Z - -\n"})
        BOOST_TEST(contains(text, line), line);
}

// Covers: F-05, F-09, F-10, F-11, F-23
BOOST_AUTO_TEST_CASE(f_11_a_wrong_entry_is_refused_by_its_position_and_serial) {
    for (const auto& [file, part] : {
             std::pair{"reason-7", "entry 2 (serial 0BAD): reasonCode 7 does not exist"},
             {"reason-11", "entry 2 (serial 0BAD): reasonCode 11 does not exist"},
             {"reason-8", "entry 2 (serial 0BAD): F-09: removeFromCRL"},
             {"issuer", "entry 2 (serial 0BAD): F-11: certificateIssuer"},
             {"critical", "entry 2 (serial 0BAD): F-23: the critical extension 1.2.3.4"},
             {"twice", "entry 2 (serial 0BAD): the extension 2.5.29.21 occurs twice"},
             {"many", "entry 2 (serial 0BAD): more than 16 extensions"},
             {"empty-list", "entry 2 (serial 0BAD): an empty list"},
             {"behind", "entry 2 (serial 0BAD): something that is no list"},
             {"default", "entry 2 (serial 0BAD): an extension is not DER"},
             {"utc-invalidity", "entry 2 (serial 0BAD): F-10: invalidityDate"},
             {"broken-date", "entry 2 (serial 0BAD): revocationDate"},
             {"no-date", "entry 2 (serial 0BAD): revocationDate"},
             {"serial-zero", "entry 2: 00 is not a serial number"},
             {"serial-negative", "entry 2: f453 is not a serial number"},
             {"serial-21-octets",
              "entry 2: 010000000000000000000000000000000000000000 is not a serial number"},
             {"serial-padded", "entry 2: not DER"},
             {"no-sequence", "entry 2: not DER"},
         }) {
        const Bytes der = made_crls().read(std::string{"entry-"} + file + ".crl");
        std::size_t taken = 0;
        const auto done = for_each_entry(view_of(der), [&](const CrlEntry&) {
            ++taken;
            return Status{};
        });
        BOOST_REQUIRE_MESSAGE(!done, file);
        BOOST_TEST(contains(done.error().message, part), file << ": " << done.error().message);
        BOOST_TEST(taken == 1U);
    }
}

// Covers: F-15
BOOST_AUTO_TEST_CASE(f_15_remove_from_crl_stands_in_a_delta_alone) {
    const Bytes der = made_crls().read("delta.crl");
    BOOST_TEST(contains(listing(view_of(der)), "1001 2026-11-20T01:02:03Z removeFromCRL -"));
}

BOOST_AUTO_TEST_CASE(the_reader_stops_where_the_taker_says_so) {
    const Bytes der = made_crls().read("reasons.crl");
    std::size_t taken = 0;
    const auto done = for_each_entry(
        view_of(der), [&](const CrlEntry&) { return ++taken == 3 ? Status{fail("enough")} : Status{}; });
    BOOST_TEST((!done && done.error().message == "enough"));
    BOOST_TEST(taken == 3U);
}

// The list of a large CA: half a million entries, their octets made here, through the same functions.
BOOST_AUTO_TEST_CASE(many_entries_stream_in_their_order) {
    constexpr std::uint32_t count = 500'000;
    const Bytes tail = *from_hex("170d3236313132303031303230335a300c300a0603551d1504030a0101");
    Bytes entries;
    for (std::uint32_t i = 1; i <= count; ++i) {
        entries.insert(entries.end(), {0x30, 0x23, 0x02, 0x04, 0x01, std::uint8_t(i >> 16),
                                       std::uint8_t(i >> 8), std::uint8_t(i)});
        entries.insert(entries.end(), tail.begin(), tail.end());
    }
    CrlView view;
    view.revoked_certificates = entries;
    std::uint32_t next = 0;
    const auto done = for_each_entry(view, [&](const CrlEntry& entry) {
        const auto m = entry.serial.magnitude();
        const std::uint32_t number = std::uint32_t{m[1]} << 16 | std::uint32_t{m[2]} << 8 | m[3];
        if (number != ++next || entry.revocation.reason != CrlReason::key_compromise)
            return Status{fail("out of order")};
        return Status{};
    });
    BOOST_TEST(done.has_value(), (done ? "" : done.error().message));
    BOOST_TEST(next == count);
}
