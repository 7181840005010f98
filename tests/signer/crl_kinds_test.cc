// The kinds of CRLs that a gate must refuse, as NIST's PKITS sorts them, and those that look odd and are
// right: each through the real gate.
#include <algorithm>

#include "tests/crypto/made_folder.h"
#include "tests/signer/crl_bench.h"

using namespace eightbells;
using namespace eightbells::tests;

namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

const test::MadeFolder& made() {
    static const test::MadeFolder folder;
    static const std::string log =
        folder.run("/usr/bin/python3 -B '" EIGHTBELLS_SOURCE_DIR "/tests/crl/data/make_crls.py' .");
    return folder;
}

// What stands in make_crls.py as the present.
const UtcTime noon = *from_iso8601("2026-11-22T12:00:00Z");

// The CA of make_crls.py, at noon, with its CRL number 0 served.
struct Kinds : CrlBench {
    explicit Kinds(crypto::Scheme scheme = crypto::Scheme::eutl) : CrlBench(noon, made().read("ca.der")) {
        issuer.settings.scheme = scheme;
        write("first.crl", made().read("first.crl"));
        BOOST_REQUIRE(offer("first.crl") == "");
        first = served["/tested.crl"];
        known = *ledger->count(id());
        BOOST_REQUIRE(known == 3U);
    }
    // These octets change nothing, and what is told names the place and holds `part`.
    void refuse(const std::string& what, ByteView octets, std::string_view part) {
        BOOST_TEST_CONTEXT(what) {
            write(what, octets);
            const std::size_t before = refusals.size();
            const std::string told = offer(what);
            BOOST_TEST(told.starts_with(what + ": "), told);
            BOOST_TEST(contains(told, part), told);
            BOOST_REQUIRE(refusals.size() == before + 1);
            BOOST_TEST(refusals.back() == "/tested.crl: " + told);
            BOOST_TEST((served["/tested.crl"] == first));
            BOOST_TEST(taken == 1U);
            BOOST_TEST(*ledger->count(id()) ==
                       known);  // nothing of it, not even the entries before the fault
            BOOST_TEST(kept_aside(octets, told));
        }
    }
    void refuse_made(const std::string& file, std::string_view part) {
        refuse(file + ".crl", made().read(file + ".crl"), part);
    }
    // The octets lie in refused-crls, the reason beside them.
    bool kept_aside(ByteView octets, const std::string& told) {
        const std::string digest = to_hex(crypto::sha256(octets));
        for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "refused-crls")) {
            if (entry.path().extension() != ".txt")
                continue;
            const Bytes text = *read_file(entry.path(), 1'000'000);
            if (!contains(as_text(text), digest))
                continue;
            const std::string reason =
                told.substr(0, told.find("; "));  // several stand on lines of their own
            auto crl = entry.path();
            crl.replace_extension(".crl");
            return contains(as_text(text), reason) && equal(*read_file(crl, 1 << 30), octets);
        }
        return false;
    }
    crl::Octets first;
    std::uint64_t known = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(crl_kinds)

// Covers: F-01, F-02, F-04, F-06, F-11, F-12, F-15, F-23, F-26
BOOST_AUTO_TEST_CASE(
    every_kind_of_wrong_crl_leaves_the_one_that_is_served_and_is_told_with_place_and_reason) {
    Kinds world;
    for (const auto& [file, part] : {
             // signature, issuer, key
             std::pair{"tampered", "F-23: the signature does not verify"},
             {"changed", "F-23: the signature does not verify"},
             {"two-algorithms", "F-02: the signature algorithms inside and outside differ"},
             {"sha1", "F-26: signed too weakly"},
             {"foreign", "F-02: issued by \"CN=Sibling CA"},
             {"foreign-key", "F-23: the signature does not verify"},  // the CA's Name, another key
             // extensions that are not known and critical, of the CRL and of an entry
             {"unknown-critical", "F-23: critical extensions that are not known: 1.2.3.4"},
             {"entry-critical", "entry 2 (serial 0BAD): F-23: the critical extension 1.2.3.4"},
             // fields that are missing, broken or too many
             {"version-1", "F-01: version"},
             {"version-3", "F-01: version"},
             {"no-number", "F-04: cRLNumber is absent"},
             {"negative-number", "F-04: cRLNumber is negative"},
             {"number-21-octets", "F-04: cRLNumber is longer than 20 octets"},
             {"no-next", "F-23: nextUpdate is absent"},
             {"broken-this", "thisUpdate is missing or not DER"},
             {"broken-next", "nextUpdate is missing or not DER"},
             {"empty-sequence", "F-06: revokedCertificates is empty"},
             {"no-extensions", "crlExtensions: an empty list"},
             {"extension-twice", "1.2.3.4 occurs twice"},
             {"field-behind", "behind its last field"},
             {"many-extensions", "more than 32 extensions"},
             {"entry-no-date", "entry 2 (serial 0BAD): revocationDate"},
             {"entry-broken-date", "entry 2 (serial 0BAD): revocationDate"},
             {"entry-no-sequence", "entry 2: not DER"},
             {"entry-reason-7", "entry 2 (serial 0BAD): reasonCode 7 does not exist"},
             {"entry-reason-8", "entry 2 (serial 0BAD): F-09: removeFromCRL"},
             // times
             {"future", "F-23: thisUpdate 2026-11-22T12:00:01Z is in the future"},
             {"expired", "F-23: expired: nextUpdate 2026-11-22T12:00:00Z has passed"},
             // another scope, indirect, some reasons, a delta in place of a full one
             {"indirect", "F-11: an indirect CRL"},
             {"entry-issuer", "entry 2 (serial 0BAD): F-11: certificateIssuer"},
             {"attributes", "F-12: it covers attribute certificates only"},
             {"some-reasons", "F-12: it covers some reasons only"},
             {"users-and-cas", "F-12: it says both"},
             {"delta", "F-15: a delta CRL stands where a full"},
             {"delta-not-critical", "F-15: deltaCRLIndicator must be critical"},
             {"scope-not-critical", "F-12: issuingDistributionPoint must be critical"},
             // serials that are none
             {"entry-serial-21-octets", "entry 2: 0100000000000000"},
             {"entry-serial-zero", "entry 2: 00 is not a serial number"},
             {"entry-serial-negative", "entry 2: f453 is not a serial number"},
             {"entry-serial-padded", "entry 2: not DER"},
         })
        world.refuse_made(file, part);
    // After all of that a right one is taken.
    world.write("next.crl", made().read("number-128.crl"));
    BOOST_TEST(world.offer("next.crl") == "");
}

// Covers: F-03, F-04, F-05, F-08, F-09, F-23, D-13
BOOST_AUTO_TEST_CASE(what_public_trust_forbids_is_refused_there_and_a_remark_elsewhere) {
    const std::pair<const char*, const char*> kinds[] = {
        {"no-authority", "F-03: authorityKeyIdentifier is absent"},
        {"other-authority", "F-03: authorityKeyIdentifier "},
        {"critical-number", "F-04: cRLNumber is critical"},
        {"generalized-this", "F-05: thisUpdate before 2050 must be a UTCTime"},
        {"rule-unspecified", "entry 2 (serial 0BAD): F-08: reasonCode says"},
        {"rule-critical", "entry 2 (serial 0BAD): F-08: reasonCode is crit"},
    };
    Kinds web{crypto::Scheme::tls_br};
    for (const auto& [file, part] : kinds)
        web.refuse_made(file, part);
    web.refuse_made("rule-hold", "entry 2 (serial 0BAD): F-09: certificateHold");
    web.refuse_made("ten-days-and-a-second", "D-13: nextUpdate");
    for (const auto& [file, part] : kinds) {
        Kinds elsewhere{crypto::Scheme::eutl};
        elsewhere.write("next.crl", made().read(std::string{file} + ".crl"));
        BOOST_TEST(elsewhere.offer("next.crl") == "", file);
        BOOST_TEST(std::ranges::any_of(elsewhere.last->warnings,
                                       [](const std::string& told) { return contains(told, "F-0"); }),
                   file);
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_der_of_one_crl_is_refused_whatever_its_length) {
    Kinds world;
    const Bytes good = made().read("good.crl");
    for (std::size_t size = 1; size < good.size(); size += size < 8 ? 1 : 41)
        world.refuse("cut at " + std::to_string(size), ByteView{good}.first(size), "CRL: ");
    world.refuse("no octets", {}, "there are no octets");
    world.refuse("one octet", Bytes{'x'}, "neither DER nor PEM");
    world.refuse("html", as_bytes("\r\n<html><body>503</body></html>"), "this is HTML or XML");
    Bytes longer = good;
    longer.push_back(0);
    world.refuse("an octet behind", longer, "1 octets stand behind it");
    // BER: an indefinite length, and one that is longer than it has to be.
    BOOST_REQUIRE_EQUAL(good[1], 0x82);
    Bytes indefinite{0x30, 0x80};
    indefinite.insert(indefinite.end(), good.begin() + 4, good.end());
    indefinite.insert(indefinite.end(), {0, 0});
    world.refuse("indefinite", indefinite, "F-01: BER: its length is indefinite");
    Bytes wide{0x30, 0x83, 0x00};
    wide.insert(wide.end(), good.begin() + 2, good.end());
    world.refuse("wide", wide, "CRL: ");
    // Two in one, and PEM that is not one CRL.
    Bytes two = good;
    two.insert(two.end(), good.begin(), good.end());
    world.refuse("two", two, "octets stand behind it");
    world.refuse("two.pem", made().read("two.pem"), "a second block \"X509 CRL\"");
    std::string text{as_text(made().read("good.pem"))};
    world.refuse("no end", as_bytes(text.substr(0, text.find("-----END"))),
                 "\"-----END X509 CRL-----\" is missing");
    std::string other = text;
    other.replace(other.find('\n', other.find("-----BEGIN")) + 1, 1, "*");
    world.refuse("no base64", as_bytes(other), "PEM: the block is not base64");
    for (std::size_t at; (at = text.find("X509 CRL")) != std::string::npos;)
        text.replace(at, 8, "CERTIFICATE");
    world.refuse("another label", as_bytes(text), "neither DER nor PEM with a block");
    // The same octets as text with text around them are right.
    world.write("good.pem", made().read("good.pem"));
    BOOST_TEST(world.offer("good.pem") == "");
    BOOST_TEST(equal(world.served["/tested.crl"]->bytes(), good));
}

// Covers: F-15, F-23
BOOST_AUTO_TEST_CASE(a_delta_that_does_not_go_with_its_base_is_refused_by_its_number) {
    CrlBench bench;
    config::ImportedCrl full;
    full.path = "/full.crl";
    config::ImportedCrl delta = full;
    delta.path = "/delta.crl";
    delta.delta_of = full.path;
    bench.issuer.settings.imported_crls = {full, delta};
    bench.make(R"({"file": "5.crl", "number": 5, "freshest": "http://x/delta.crl"}
{"file": "d6.crl", "number": 6, "base": 5, "entries": [["1001", null]]}
{"file": "d7.crl", "number": 7, "base": 5, "entries": [["1001", null], ["1002", null]]}
{"file": "7b.crl", "number": 7, "base": 5, "entries": [["1003", null]]}
{"file": "9.crl", "number": 9, "freshest": "http://x/delta.crl", "entries": [["1001", null], ["1002", null]]}
{"file": "d8.crl", "number": 8, "base": 5, "entries": [["1001", null], ["1002", null], ["1003", null]]}
{"file": "d10-11.crl", "number": 10, "base": 11}
{"file": "d10-10.crl", "number": 10, "base": 10}
{"file": "d10.crl", "number": 10, "base": 9, "entries": [["1003", null]]}
)");
    const auto refused = [&](const std::string& file, const std::string& part) {
        const auto served = bench.served["/delta.crl"];
        const std::string told = bench.offer(file, "/delta.crl");
        BOOST_TEST(contains(told, part), file << ": " << told);
        BOOST_TEST((bench.served["/delta.crl"] == served));
        BOOST_TEST(bench.refusals.back() == "/delta.crl: " + told);
    };
    refused("d6.crl", "F-15: there is no base yet");
    BOOST_REQUIRE(bench.offer("5.crl", "/full.crl") == "");
    BOOST_REQUIRE(bench.offer("d7.crl", "/delta.crl") == "");
    refused("d6.crl", "F-23: roll-back: cRLNumber 06 is below 07");
    refused("7b.crl", "F-04: another CRL with the number 07");
    BOOST_REQUIRE(bench.offer("9.crl", "/full.crl") == "");
    refused("d8.crl", "F-15: its number 08 is below 09");
    refused("d10-11.crl", "F-15: the delta's base is newer");
    refused("d10-10.crl", "F-15: its base is number 0a, but 09 is served");
    BOOST_TEST(!(*bench.ledger->find(bench.id(), *Serial::from_hex("1003"))).has_value());
    BOOST_TEST(bench.offer("d10.crl", "/delta.crl") == "");
    BOOST_TEST(bench.status("1003").has_value());
}

// Covers: F-07
BOOST_AUTO_TEST_CASE(entries_stand_in_any_order_may_repeat_and_have_serials_of_20_octets) {
    CrlBench bench;
    const std::string longest = "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF";
    bench.make(R"({"file": "5.crl", "number": 5, "entries": [["3000", null], [")" + longest +
               R"(", "key_compromise"], ["01", null], ["2000", "superseded"], ["3000", null]]}
{"file": "6.crl", "number": 6, "entries": [["3000", null], ["2000", "superseded"], ["3000", "key_compromise"]]}
)");
    BOOST_TEST(bench.offer("5.crl") == "");
    for (const std::string& serial : {std::string{"3000"}, longest, std::string{"01"}, std::string{"2000"}})
        BOOST_TEST(bench.status(serial).has_value(), serial);
    BOOST_TEST((bench.status(longest)->reason == CrlReason::key_compromise));
    BOOST_TEST(std::ranges::any_of(bench.last->warnings, [](const std::string& told) {
        return contains(told, "5.crl: entry 5: serial 3000 stands already at 5.crl: entry 1");
    }));
    // The same serial with two different facts: nobody can tell which is meant.
    const std::string told = bench.offer("6.crl");
    BOOST_TEST(
        contains(told, "6.crl: entry 3: serial 3000 stands already at 6.crl: entry 1, with other facts"),
        told);
    BOOST_TEST(equal(bench.served["/tested.crl"]->bytes(), bench.read("5.crl")));
}

BOOST_AUTO_TEST_SUITE_END()
