#include <boost/test/unit_test.hpp>

#include "responder/crl/octets.h"
#include "tests/crl/made_crls.h"

using namespace eightbells;
using namespace eightbells::crl;
using test::contains;
using test::made_crls;
using test::view_of;

namespace {

std::string refusal(ByteView der) {
    const auto view = parse_crl(der);
    return view ? std::string{"accepted"} : view.error().message;
}

}  // namespace

// Covers: F-01
BOOST_AUTO_TEST_CASE(f_01_every_field_is_found) {
    const Bytes der = made_crls().read("good.crl");
    const auto view = view_of(der);
    const auto ca = test::issuer_in(made_crls().read("ca.der"));
    BOOST_TEST(equal(view.issuer_name, ca.certificate().subject_name()));
    BOOST_TEST(to_iso8601(view.this_update) == "2026-11-22T06:00:00Z");
    BOOST_TEST((view.next_update && to_iso8601(*view.next_update) == "2026-11-24T06:00:00Z"));
    BOOST_TEST(to_hex(view.crl_number) == "05");
    BOOST_TEST((view.has_authority_key_identifier &&
                equal(view.authority_key_identifier, *ca.certificate().subject_key_identifier())));
    BOOST_TEST((!view.is_delta && view.issuing_distribution_point.empty() && !view.expired_certs_on_crl));
    BOOST_TEST((view.unknown_critical_extensions.empty() && view.departures.empty()));
    BOOST_TEST(to_hex(view.signature_algorithm) == "300a06082a8648ce3d040302");
    // The parts are those of the octets themselves.
    BOOST_TEST(view.tbs.data() == der.data() + 4);
    BOOST_TEST((view.signature.data() + view.signature.size() == der.data() + der.size()));
}

BOOST_AUTO_TEST_CASE(rare_fields_are_found) {
    const auto look = [](const std::string& file, auto&& check) {
        const Bytes der = made_crls().read(file + ".crl");
        check(view_of(der));
    };
    look("expired-certs", [](const CrlView& v) {
        BOOST_TEST((v.expired_certs_on_crl == from_iso8601("2020-01-01T00:00:00Z").value()));
    });
    look("last", [](const CrlView& v) { BOOST_TEST((v.next_update == year_9999)); });
    look("number-0", [](const CrlView& v) { BOOST_TEST(to_hex(v.crl_number) == "00"); });
    look("number-128", [](const CrlView& v) { BOOST_TEST(to_hex(v.crl_number) == "80"); });
    look("number-20-octets", [](const CrlView& v) { BOOST_TEST(v.crl_number.size() == 20U); });
    look("no-number", [](const CrlView& v) { BOOST_TEST(v.crl_number.empty()); });
    look("no-next", [](const CrlView& v) { BOOST_TEST(!v.next_update); });
    look("shard",
         [](const CrlView& v) { BOOST_TEST(contains(as_text(v.issuing_distribution_point), "a.crl")); });
    look("delta", [](const CrlView& v) { BOOST_TEST((v.is_delta && to_hex(v.base_crl_number) == "04")); });
    look("unknown", [](const CrlView& v) { BOOST_TEST(v.unknown_critical_extensions.empty()); });
    look("unknown-critical", [](const CrlView& v) {
        BOOST_TEST((v.unknown_critical_extensions == std::vector<std::string>{"1.2.3.4"}));
    });
    look("empty", [](const CrlView& v) { BOOST_TEST(v.revoked_certificates.empty()); });
}

// Covers: F-04
BOOST_AUTO_TEST_CASE(f_04_numbers_are_ordered_as_numbers) {
    const auto order = [](std::string_view a, std::string_view b) {
        return compare_crl_numbers(*from_hex(a), *from_hex(b));
    };
    BOOST_TEST((order("05", "05") == 0));
    BOOST_TEST((order("00", "01") < 0));
    BOOST_TEST((order("ff", "0100") < 0));
    BOOST_TEST((order("0200", "01ff") > 0));
    BOOST_TEST((order("80", "7f") > 0));
}

// Covers: F-01, F-02, F-04, F-06, F-12, F-15
BOOST_AUTO_TEST_CASE(f_02_what_is_no_crl_of_version_2_in_der_is_refused_with_the_field) {
    for (const auto& [file, part] : {
             std::pair{"version-1", "F-01: version"},
             {"version-3", "F-01: version"},
             {"two-algorithms", "F-02: the signature algorithms inside and outside differ"},
             {"empty-sequence", "F-06: revokedCertificates is empty"},
             {"extension-twice", "1.2.3.4 occurs twice"},
             {"no-extensions", "crlExtensions: an empty list"},
             {"spelled-default", "1.2.3.4: critical"},
             {"negative-number", "F-04: cRLNumber is negative"},
             {"padded-number", "cRLNumber is missing or not DER"},
             {"number-21-octets", "F-04: cRLNumber is longer than 20 octets"},
             {"delta-not-critical", "F-15: deltaCRLIndicator must be critical"},
             {"scope-not-critical", "F-12: issuingDistributionPoint must be critical"},
             {"field-behind", "behind its last field"},
             {"broken-this", "thisUpdate is missing or not DER"},
             {"broken-next", "nextUpdate is missing or not DER"},
             {"many-extensions", "more than 32 extensions"},
         }) {
        const auto message = refusal(made_crls().read(std::string{file} + ".crl"));
        BOOST_TEST(contains(message, part), file << ": " << message);
    }
}

BOOST_AUTO_TEST_CASE(a_crl_cut_short_with_bytes_behind_or_in_ber_is_refused) {
    Bytes der = made_crls().read("good.crl");
    for (std::size_t size = 0; size < der.size(); ++size)
        BOOST_TEST(refusal(ByteView{der}.first(size)) != "accepted");
    BOOST_REQUIRE_EQUAL(der[1], 0x82);
    Bytes indefinite{0x30, 0x80};
    indefinite.insert(indefinite.end(), der.begin() + 4, der.end());
    indefinite.insert(indefinite.end(), {0, 0});
    BOOST_TEST(contains(refusal(indefinite), "F-01: BER: its length is indefinite"));
    BOOST_TEST(test::decoded_pem(indefinite).has_value());  // it is not taken for PEM either
    BOOST_TEST(contains(refusal(ByteView{der}.first(1)), "cut off: 1 octets"));
    BOOST_TEST(
        contains(refusal(ByteView{der}.first(der.size() / 2)),
                 "cut off: " + std::to_string(der.size() / 2) + " octets of " + std::to_string(der.size())));
    der.push_back(0);
    BOOST_TEST(contains(refusal(der), "1 octets stand behind it"));
    der.pop_back();
    const Bytes once = der;
    der.insert(der.end(), once.begin(), once.end());
    BOOST_TEST(contains(refusal(der), "octets stand behind it"));  // two CRLs
}

BOOST_AUTO_TEST_CASE(pem_is_taken_with_text_around_it_and_a_second_crl_is_refused) {
    const Bytes der = made_crls().read("good.crl");
    BOOST_TEST(!test::decoded_pem(der).value().has_value());
    const auto from_pem = test::decoded_pem(made_crls().read("good.pem"));
    BOOST_REQUIRE_MESSAGE(from_pem, from_pem.error().message);
    BOOST_TEST((*from_pem == der));
    const auto message = [](const Bytes& bytes) {
        const auto decoded = test::decoded_pem(bytes);
        return decoded ? std::string{"accepted"} : decoded.error().message;
    };
    BOOST_TEST(contains(message(made_crls().read("two.pem")), "second block"));
    BOOST_TEST(
        contains(message({'h', 'i'}), "neither DER nor PEM with a block \"-----BEGIN X509 CRL-----\""));
    BOOST_TEST(contains(message({}), "there are no octets"));
    BOOST_TEST(contains(message({'\n', '<', 'h', 't', 'm', 'l', '>'}), "this is HTML or XML"));
    BOOST_TEST(contains(message(Bytes(65 * 1024 * 1024, 'x')), "neither DER nor PEM"));
    const ByteView begun = as_bytes("-----BEGIN X509 CRL-----\n");
    BOOST_TEST(contains(message({begun.begin(), begun.end()}), "is missing"));
}

BOOST_AUTO_TEST_CASE(a_file_is_copied_into_one_without_a_name_and_pem_becomes_der_there) {
    const auto& folder = made_crls();
    for (const std::string file : {"good.crl", "good.pem"}) {
        const auto copy = copy_crl(folder / file, folder / ".");
        BOOST_REQUIRE_MESSAGE(copy, copy.error().message);
        const auto der = der_of(*copy, folder / ".");
        BOOST_REQUIRE_MESSAGE(der, der.error().message);
        BOOST_TEST(equal((*der)->bytes(), folder.read("good.crl")));
    }
    // A large one takes no memory of its size: it goes from one mapped file into another.
    Bytes large(60 * 1024 * 1024 + 1);
    for (std::size_t i = 0; i < large.size(); ++i)
        large[i] = static_cast<std::uint8_t>(i * 2654435761U >> 13);
    folder.write("large", large);
    folder.run(
        "{ echo text; echo '-----BEGIN X509 CRL-----'; base64 large; echo '-----END X509 CRL-----'; "
        "echo text; } >large.pem");
    const auto decoded = der_of(*copy_crl(folder / "large.pem", folder / "."), folder / ".");
    BOOST_REQUIRE_MESSAGE(decoded, decoded.error().message);
    BOOST_TEST(equal((*decoded)->bytes(), large));
    folder.write("empty.pem", std::string_view{"-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n"});
    const auto empty = der_of(*copy_crl(folder / "empty.pem", folder / "."), folder / ".");
    BOOST_TEST(contains(empty.error().message, "the block is empty"));
    BOOST_TEST(contains(copy_crl(folder / "nothing.crl", folder / ".").error().message, "cannot open"));
    BOOST_TEST(contains(copy_crl(folder / ".", folder / ".").error().message, "not a regular file"));
}
