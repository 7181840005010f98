#include "responder/keys/signing_key.h"

#include <boost/test/unit_test.hpp>
#include <thread>

#include "responder/ocsp/answer.h"
#include "tests/crypto/made_folder.h"

using namespace eightbells;
using namespace eightbells::keys;
using test::MadeFolder;

namespace {

std::shared_ptr<const SigningKey> load(const MadeFolder& folder, RsaPadding padding = RsaPadding::pkcs1_v15,
                                       const std::string& file = "k") {
    auto key = load_signing_key({folder / file, ""}, padding, true);
    BOOST_REQUIRE_MESSAGE(key, key.error().message);
    return *key;
}

// Signs with our key; then openssl, and our own verifier, say whether it is right, and that a changed message
// is not.
void check(const MadeFolder& folder, const std::string& key_options, RsaPadding padding,
           const std::string& hash, ocsp::SignatureForm form, std::size_t raw_octets,
           const std::string& algorithm) {
    BOOST_TEST_CONTEXT(key_options << " " << hash) {
        folder.run("openssl genpkey -quiet " + key_options + " -out k && openssl pkey -in k -pubout -out p");
        const auto key = load(folder, padding);
        BOOST_TEST((key->signature_form() == form));
        BOOST_TEST(to_hex(key->signature_algorithm()).find(algorithm) != std::string::npos);
        folder.run("openssl pkey -pubin -in p -outform DER -out p.der");
        BOOST_TEST(equal(key->subject_public_key_info(), folder.read("p.der")));

        auto signer = key->make_signer();
        BOOST_REQUIRE(signer);
        auto verifier = crypto::SignatureVerifier::from_public_key(key->subject_public_key_info());
        BOOST_REQUIRE(verifier);
        for (const std::string message : {"", "status of certificate 1", "status of certificate 2"}) {
            const auto raw = (*signer)->sign(as_bytes(message));
            BOOST_REQUIRE_MESSAGE(raw, raw.error().message);
            BOOST_TEST(raw->size() == raw_octets);
            // In parts it is a signature over the same; of a part that is missing it is not.
            for (const auto part : {std::string_view{message}.substr(0, message.size() / 2),
                                    std::string_view{message}.substr(message.size() / 2)})
                BOOST_REQUIRE((*signer)->update(as_bytes(part)));
            const auto in_parts = (*signer)->finish();
            BOOST_REQUIRE_MESSAGE(in_parts, in_parts.error().message);
            std::array<std::uint8_t, 1024> parts_buffer{};
            const auto parts_value = ocsp::encode_signature_value(form, *in_parts, parts_buffer);
            BOOST_TEST(verifier->verify(key->signature_algorithm(), as_bytes(message), parts_value));
            BOOST_TEST(!verifier->verify(key->signature_algorithm(), as_bytes(message + "x"), parts_value));
            std::array<std::uint8_t, 1024> buffer{};
            const auto value = ocsp::encode_signature_value(form, *raw, buffer);
            BOOST_TEST(verifier->verify(key->signature_algorithm(), as_bytes(message), value));
            BOOST_TEST(!verifier->verify(key->signature_algorithm(), as_bytes(message + "x"), value));
            folder.write("m", message);
            folder.write("x", message + "x");
            folder.write("s", value);
            if (hash.empty()) {  // one-shot Ed25519 with openssl 3.0 takes no empty file
                if (!message.empty())
                    folder.run("openssl pkeyutl -verify -pubin -inkey p -rawin -in m -sigfile s");
                BOOST_TEST(
                    !folder.succeeds("openssl pkeyutl -verify -pubin -inkey p -rawin -in x -sigfile s"));
            } else {
                folder.run("openssl dgst " + hash + " -verify p -signature s m");
                BOOST_TEST(!folder.succeeds("openssl dgst " + hash + " -verify p -signature s x"));
            }
        }
    }
}

std::string rsa(const std::string& bits) {
    return "-algorithm RSA -pkeyopt rsa_keygen_bits:" + bits;
}
std::string ec(const std::string& curve) {
    return "-algorithm EC -pkeyopt ec_paramgen_curve:" + curve;
}
std::string pss(const std::string& hash, const std::string& salt) {
    return "-" + hash + " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:" + salt +
           " -sigopt rsa_mgf1_md:" + hash;
}

}  // namespace

using ocsp::SignatureForm;

// Covers: H-10, B-09
BOOST_AUTO_TEST_CASE(h_10_openssl_verifies_what_our_ecdsa_and_ed25519_keys_sign) {
    const MadeFolder folder;
    check(folder, ec("P-256"), RsaPadding::pkcs1_v15, "-sha256", SignatureForm::ecdsa_p256, 64,
          "300a06082a8648ce3d040302");
    check(folder, ec("P-384"), RsaPadding::pss, "-sha384", SignatureForm::ecdsa_p384, 96,
          "300a06082a8648ce3d040303");
    check(folder, ec("P-521"), RsaPadding::pss, "-sha512", SignatureForm::ecdsa_p521, 132,
          "300a06082a8648ce3d040304");
    check(folder, "-algorithm ED25519", RsaPadding::pss, "", SignatureForm::octets, 64, "300506032b6570");
}

// Covers: H-10, B-09
BOOST_AUTO_TEST_CASE(h_10_openssl_verifies_what_our_rsa_keys_sign) {
    const MadeFolder folder;
    const auto octets = SignatureForm::octets;
    check(folder, rsa("2048"), RsaPadding::pkcs1_v15, "-sha256", octets, 256,
          "300d06092a864886f70d01010b0500");
    check(folder, rsa("3072"), RsaPadding::pkcs1_v15, "-sha256", octets, 384,
          "300d06092a864886f70d01010b0500");
    check(folder, rsa("4096"), RsaPadding::pkcs1_v15, "-sha512", octets, 512,
          "300d06092a864886f70d01010d0500");
    check(folder, rsa("2048"), RsaPadding::pss, pss("sha256", "32"), octets, 256, "2a864886f70d01010a");
    check(folder, rsa("3072"), RsaPadding::pss, pss("sha256", "32"), octets, 384, "0500a203020120");
}

// Covers: B-10
BOOST_AUTO_TEST_CASE(b_10_an_rsa_4096_key_signs_pss_with_sha_512_and_a_salt_of_64) {
    const MadeFolder folder;
    check(folder, rsa("4096"), RsaPadding::pss, pss("sha512", "64"), SignatureForm::octets, 512,
          "0500a203020140");
}

// Covers: H-10, H-12
BOOST_AUTO_TEST_CASE(h_12_a_key_matches_its_certificate_in_every_spelling_and_no_other) {
    const MadeFolder folder;
    const auto self_sign = [&](const std::string& options, const std::string& more) {
        folder.run("openssl genpkey -quiet " + options +
                   " -out k && openssl req -x509 -key k -subj /CN=x -days 1 -outform DER -out c " + more);
        return *crypto::Certificate::parse(folder.read("c"));
    };
    const auto p256 = self_sign(ec("P-256"), "");
    const auto first = load(folder);
    BOOST_TEST(check_key_matches(*first, p256).has_value());
    const auto other = self_sign(ec("P-256"), "");
    const auto mismatch = check_key_matches(*first, other);
    BOOST_REQUIRE(!mismatch);
    BOOST_TEST(
        mismatch.error().message.starts_with("H-10: the key does not belong to the certificate \"CN=x\""));
    const auto rsa_certificate = self_sign(rsa("2048"), "");
    BOOST_TEST(!check_key_matches(*first, rsa_certificate).has_value());
    BOOST_TEST(check_key_matches(*load(folder), rsa_certificate).has_value());
    // A compressed point in the certificate; the key file says nothing of it.
    folder.run(
        "openssl genpkey " + ec("P-256") +
        " -out k && openssl ec -in k -conv_form compressed -out s && openssl req -x509 -key s -subj /CN=x "
        "-days 1 -outform DER -out c");
    const auto compressed = *crypto::Certificate::parse(folder.read("c"));
    BOOST_TEST(compressed.public_key_bits().size() == 33U);
    BOOST_TEST(check_key_matches(*load(folder), compressed).has_value());
    // id-RSASSA-PSS in the certificate, in the file of an encrypted key unseen.
    const auto pss_only = self_sign("-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", "");
    BOOST_TEST(check_key_matches(*load(folder, RsaPadding::pss), pss_only).has_value());
    folder.run("openssl pkcs8 -topk8 -in k -out e -passout pass:x");
    const auto hidden = load_signing_key({folder / "e", "x"}, RsaPadding::pkcs1_v15, false);
    BOOST_REQUIRE(hidden);
    BOOST_TEST(!check_key_matches(**hidden, pss_only).has_value());
}

BOOST_AUTO_TEST_CASE(several_threads_sign_under_one_key) {
    const MadeFolder folder;
    folder.run("openssl genpkey -quiet " + ec("P-256") + " -out k");
    const auto key = load(folder);
    std::vector<Bytes> signatures(4);
    {
        std::vector<std::jthread> threads;
        for (auto& signature : signatures) {
            threads.emplace_back([&] {
                auto signer = key->make_signer();
                for (int i = 0; signer && i < 50; ++i)
                    signature = (*signer)->sign(as_bytes("the same")).value_or(Bytes{});
            });
        }
    }
    auto verifier = crypto::SignatureVerifier::from_public_key(key->subject_public_key_info());
    for (const auto& raw : signatures) {
        std::array<std::uint8_t, 128> buffer{};
        const auto value = ocsp::encode_signature_value(key->signature_form(), raw, buffer);
        BOOST_TEST(verifier->verify(key->signature_algorithm(), as_bytes("the same"), value));
    }
}
