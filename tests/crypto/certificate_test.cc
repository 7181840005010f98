#include "responder/crypto/certificate.h"

#include <boost/test/unit_test.hpp>

#include "responder/crypto/text.h"
#include "tests/crypto/made_signers.h"

using namespace eightbells;
using namespace eightbells::crypto;
using test::made_certificate;
using test::made_signers;

namespace {

std::string refusal(ByteView bytes) {
    const auto certificate = Certificate::parse(bytes);
    return certificate ? std::string{"accepted"} : certificate.error().message;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_fields_are_those_that_openssl_reads) {
    const auto& folder = made_signers();
    const auto certificate = made_certificate("signer-good");
    BOOST_TEST(certificate.serial()->to_hex() == "7A11C0DE0123456789ABCDEF00000001");
    BOOST_TEST(contains(folder.run("openssl x509 -inform DER -in signer-good.der -noout -serial"),
                        "serial=" + certificate.serial()->to_hex()));
    BOOST_TEST(to_iso8601(certificate.not_before()) == "2026-11-01T00:00:00Z");
    BOOST_TEST(to_iso8601(certificate.not_after()) == "2026-12-31T00:00:00Z");
    BOOST_TEST(!certificate.is_ca());
    BOOST_TEST(made_certificate("ca").is_ca());
    BOOST_TEST(certificate.key_name() == "ECDSA-P256");
    BOOST_TEST(certificate.extensions().size() == 6U);
    folder.run(
        "openssl x509 -inform DER -in signer-good.der -noout -pubkey | openssl pkey -pubin -outform DER -out "
        "key.der");
    BOOST_TEST(equal(certificate.subject_public_key_info(), folder.read("key.der")));
    BOOST_TEST(equal(certificate.issuer_name(), made_certificate("ca").subject_name()));
    BOOST_TEST(
        (certificate.authority_key_identifier() && made_certificate("ca").subject_key_identifier() &&
         equal(*certificate.authority_key_identifier(), *made_certificate("ca").subject_key_identifier())));
}

BOOST_AUTO_TEST_CASE(names_are_written_as_openssl_writes_rfc_2253) {
    for (const std::string file : {"signer-good", "ca", "mixed-names"}) {
        const auto theirs = made_signers().run("openssl x509 -inform DER -in " + file +
                                               ".der -noout -subject -nameopt RFC2253,-esc_msb,utf8");
        BOOST_TEST("subject=" + made_certificate(file).subject_text() + "\n" == theirs);
    }
    // A name cannot forge a line of a log.
    BOOST_TEST(name_text(*from_hex("300e310c300a06035504030c03610a62")) == "CN=a\\0ab");
    BOOST_TEST(name_text(*from_hex("3003020101")) == "(a Name that cannot be read)");
    BOOST_TEST(oid_text(*from_hex("2a864886f70d01010b")) == "1.2.840.113549.1.1.11");
    BOOST_TEST(oid_text(*from_hex("883703")) == "2.999.3");
    BOOST_TEST(oid_text(*from_hex("2a86")) == "oid:2a86");
    BOOST_TEST(oid_text({}) == "oid:");
}

BOOST_AUTO_TEST_CASE(pem_is_taken_with_text_around_it_and_a_second_certificate_is_refused) {
    const auto der = made_signers().read("signer-good.der");
    for (const std::string file : {"good.pem", "with-key.pem"}) {
        const auto certificate = Certificate::parse(made_signers().read(file));
        BOOST_REQUIRE_MESSAGE(certificate, certificate.error().message);
        BOOST_TEST(equal(certificate->der(), der));
    }
    BOOST_TEST(contains(refusal(made_signers().read("two.pem")), "second block"));
    BOOST_TEST(contains(refusal(as_bytes("hello")), "neither DER nor PEM"));
}

BOOST_AUTO_TEST_CASE(a_certificate_cut_short_or_with_bytes_behind_is_refused) {
    Bytes der = made_signers().read("signer-good.der");
    for (std::size_t size = 0; size < der.size(); ++size)
        BOOST_TEST(refusal(ByteView{der}.first(size)) != "accepted");
    der.push_back(0);
    BOOST_TEST(contains(refusal(der), "behind it"));
}

BOOST_AUTO_TEST_CASE(what_is_no_der_certificate_is_refused_with_the_field) {
    BOOST_TEST(contains(refusal(made_signers().read("extension-twice.der")), "1.2.3.4 occurs twice"));
    BOOST_TEST(contains(refusal(made_signers().read("empty-extensions.der")), "empty list"));
    BOOST_TEST(contains(refusal(made_signers().read("version-4.der")), "version"));
    BOOST_TEST(contains(refusal(made_signers().read("version-1-with-extensions.der")), "extensions"));
    BOOST_TEST(
        contains(refusal(made_signers().read("signer-two-algorithms.der")), "inside and outside differ"));
    // BER: the outer SEQUENCE with an indefinite length, and with a length spelled too long.
    const Bytes der = made_signers().read("signer-good.der");
    BOOST_REQUIRE_EQUAL(der[1], 0x82);
    Bytes indefinite{0x30, 0x80};
    indefinite.insert(indefinite.end(), der.begin() + 4, der.end());
    indefinite.insert(indefinite.end(), {0, 0});
    BOOST_TEST(contains(refusal(indefinite), "not one whole DER SEQUENCE"));
    Bytes longer{0x30, 0x83, 0x00, der[2], der[3]};
    longer.insert(longer.end(), der.begin() + 4, der.end());
    BOOST_TEST(contains(refusal(longer), "not one whole DER SEQUENCE"));
}

//
BOOST_AUTO_TEST_CASE(a_09_a_serial_that_is_not_one_is_nothing) {
    BOOST_TEST(!made_certificate("signer-zero-serial").serial());
    BOOST_TEST(!made_certificate("signer-negative-serial").serial());
}

// Covers: H-01
BOOST_AUTO_TEST_CASE(h_01_issued_by_means_the_same_name_and_the_same_key) {
    const auto issuer = test::issuer_of(made_certificate("ca"));
    auto key = SignatureVerifier::from_public_key(issuer.certificate().subject_public_key_info());
    BOOST_REQUIRE(key);
    const auto check = [&](const std::string& file) {
        const auto issued = check_issued_by(made_certificate("signer-" + file), issuer, *key);
        return issued ? std::string{"yes"} : issued.error().message;
    };
    BOOST_TEST(check("good") == "yes");
    BOOST_TEST(contains(check("sibling"), "issued by \"CN=Sibling CA"));
    BOOST_TEST(contains(check("name-spelled-otherwise"), "issued by"));
    BOOST_TEST(contains(check("rekeyed"), "not signed by the key"));
    BOOST_TEST(contains(check("changed"), "not signed by the key"));
    BOOST_TEST(contains(check("sha1"), "ecdsa-with-SHA1"));
}
