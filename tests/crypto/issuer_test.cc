#include <boost/test/unit_test.hpp>
#include <set>

#include "tests/crypto/made_signers.h"

using namespace eightbells;
using namespace eightbells::crypto;
using ocsp::HashAlgorithm;
using test::made_certificate;
using test::made_signers;

namespace {

// "Issuer Name Hash: 1A2B" in the output of `openssl ocsp -req_text`, in lower case.
std::string field(std::string text, const std::string& name) {
    for (auto fold = text.find("\\\n"); fold != std::string::npos; fold = text.find("\\\n"))
        text.erase(fold, text.find_first_not_of(' ', fold + 2) - fold);
    const auto at = text.find(name + ": ");
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, text);
    const auto from = at + name.size() + 2;
    std::string value = text.substr(from, text.find('\n', from) - from);
    std::ranges::transform(value, value.begin(),
                           [](char c) { return c >= 'A' && c <= 'F' ? char(c + 32) : c; });
    return value;
}

}  // namespace

// Covers, B-05
BOOST_AUTO_TEST_CASE(a_07_name_and_key_hashes_are_those_of_openssl) {
    const auto& folder = made_signers();
    // EC and RSA keys, and a Name that mixes UTF8String and PrintableString.
    for (const std::string ca : {"ca", "ca-rsa2048", "mixed-names"}) {
        const auto issuer = test::issuer_of(made_certificate(ca));
        folder.run("openssl x509 -inform DER -in " + ca + ".der -out issuer.pem");
        const auto ask = [&](const std::string& hash) {
            return folder.run("openssl ocsp -" + hash + " -issuer issuer.pem -serial 5 -no_nonce -req_text");
        };
        const auto sha1 = ask("sha1");
        BOOST_TEST(to_hex(issuer.name_hash(HashAlgorithm::sha1)) == field(sha1, "Issuer Name Hash"));
        BOOST_TEST(to_hex(issuer.key_hash(HashAlgorithm::sha1)) == field(sha1, "Issuer Key Hash"));
        const auto sha256 = ask("sha256");
        BOOST_TEST(to_hex(issuer.name_hash(HashAlgorithm::sha256)) == field(sha256, "Issuer Name Hash"));
        BOOST_TEST(to_hex(issuer.key_hash(HashAlgorithm::sha256)) == field(sha256, "Issuer Key Hash"));
        for (const auto& [name, oid] : {std::pair{"sha384", "608648016503040202"},
                                        {"sha512", "608648016503040203"},
                                        {"sha256", "608648016503040201"},
                                        {"sha1", "2b0e03021a"}}) {
            const auto theirs = ask(name);
            const auto hashes = issuer.hashes_for(*from_hex(oid));
            BOOST_REQUIRE(hashes);
            BOOST_TEST(to_hex(hashes->name) == field(theirs, "Issuer Name Hash"));
            BOOST_TEST(to_hex(hashes->key) == field(theirs, "Issuer Key Hash"));
        }
    }
}

//
BOOST_AUTO_TEST_CASE(a_05_md5_and_unknown_hashes_are_not_supported) {
    const auto issuer = test::issuer_of(made_certificate("ca"));
    for (const auto* oid :
         {"2a864886f70d0205", "608648016503040204", "6086480165030402", "60864801650304020100", ""})
        BOOST_TEST(!issuer.hashes_for(*from_hex(oid)), oid);
}

//
BOOST_AUTO_TEST_CASE(a_08_an_issuer_is_its_name_and_its_key) {
    const auto id = [](const std::string& file) { return test::issuer_of(made_certificate(file)).id(); };
    BOOST_TEST(id("ca").size() == 32U);
    BOOST_TEST(id("ca") == id("ca-renewed"));  // another certificate of the same CA
    BOOST_TEST(id("ca") != id("ca-rsa2048"));  // re-keyed: another issuer
    BOOST_TEST(id("ca") != id("mixed-names"));
    const auto rekeyed = test::issuer_of(made_certificate("ca-rsa2048"));
    const auto first = test::issuer_of(made_certificate("ca"));
    BOOST_TEST(equal(first.name_hash(HashAlgorithm::sha256), rekeyed.name_hash(HashAlgorithm::sha256)));
    BOOST_TEST(!equal(first.key_hash(HashAlgorithm::sha256), rekeyed.key_hash(HashAlgorithm::sha256)));
}

// Covers: H-10
BOOST_AUTO_TEST_CASE(h_10_who_is_no_ca_or_has_a_weak_key_is_no_issuer) {
    const auto refusal = [](const std::string& file) {
        const auto issuer = IssuerIdentity::from_certificate(made_certificate(file));
        return issuer ? std::string{"accepted"} : issuer.error().message;
    };
    BOOST_TEST(refusal("not-a-ca").find("not a CA's") != std::string::npos);
    BOOST_TEST(refusal("signer-rsa-1024").find("not a CA's") != std::string::npos);
    BOOST_TEST(refusal("ca-version-1") == "accepted");  // version 1 knows no basicConstraints
    made_signers().run(
        "openssl req -x509 -newkey rsa:1024 -nodes -keyout weak.key -subj /CN=Weak -days 9 -outform DER "
        "-out weak.der");
    BOOST_TEST(refusal("weak").find("RSA-1024 is too weak") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(schemes_have_names) {
    std::set<std::string_view> names;
    for (const Scheme scheme : {Scheme::eutl, Scheme::tls_br, Scheme::smime_br, Scheme::private_use}) {
        names.insert(to_string(scheme));
        BOOST_TEST((scheme_from_string(to_string(scheme)) == scheme));
    }
    BOOST_TEST((names == std::set<std::string_view>{"eutl", "tls-br", "smime-br", "private"}));
    BOOST_TEST(!scheme_from_string("EUTL"));
}
