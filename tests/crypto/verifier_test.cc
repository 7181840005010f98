#include <boost/test/unit_test.hpp>

#include "responder/crypto/algorithms.h"
#include "tests/crypto/made_signers.h"

using namespace eightbells;
using namespace eightbells::crypto;
using test::MadeFolder;

namespace {

// A self-signed certificate that openssl made, its signature checked by us as it is, and with each of its
// three parts changed.
void check_self_signed(const MadeFolder& folder, const std::string& key_options,
                       const std::string& sign_options) {
    BOOST_TEST_CONTEXT(key_options << " " << sign_options) {
        folder.run("openssl genpkey -quiet " + key_options + " -out key.pem");
        folder.run("openssl req -x509 -key key.pem -subj /CN=Self -days 9 -outform DER -out self.der " +
                   sign_options);
        const auto certificate = test::parse_certificate(folder.read("self.der"));
        auto verifier = SignatureVerifier::from_public_key(certificate.subject_public_key_info());
        BOOST_REQUIRE_MESSAGE(verifier, verifier.error().message);
        const auto verifies = [&](ByteView message, ByteView signature) {
            return verifier->verify(certificate.signature_algorithm(), message, signature);
        };
        BOOST_TEST(verifies(certificate.tbs(), certificate.signature()));
        BOOST_TEST(verifies(certificate.tbs(), certificate.signature()));  // and again, with the same context
        Bytes message(certificate.tbs().begin(), certificate.tbs().end());
        message[message.size() / 2] ^= 1;
        BOOST_TEST(!verifies(message, certificate.signature()));
        for (const std::size_t at :
             {std::size_t{0}, certificate.signature().size() / 2, certificate.signature().size() - 1}) {
            Bytes signature(certificate.signature().begin(), certificate.signature().end());
            signature[at] ^= 1;
            BOOST_TEST(!verifies(certificate.tbs(), signature));
        }
        BOOST_TEST(
            !verifies(certificate.tbs(), certificate.signature().first(certificate.signature().size() - 1)));
        BOOST_TEST(!verifies(certificate.tbs(), {}));
        BOOST_TEST(verifies(certificate.tbs(), certificate.signature()));  // no failure leaves a trace
    }
}

const std::string pss = "-sigopt rsa_padding_mode:pss ";

}  // namespace

// Covers: H-10
BOOST_AUTO_TEST_CASE(h_10_signatures_that_openssl_makes_verify_and_changed_ones_do_not) {
    const MadeFolder folder;
    for (const std::string curve : {"P-256", "P-384", "P-521"}) {
        for (const std::string hash : {"-sha256", "-sha384", "-sha512"})
            check_self_signed(folder, "-algorithm EC -pkeyopt ec_paramgen_curve:" + curve, hash);
    }
    check_self_signed(folder, "-algorithm ED25519", "");
    for (const std::string hash : {"-sha256", "-sha384", "-sha512"})
        check_self_signed(folder, "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", hash);
    check_self_signed(folder, "-algorithm RSA -pkeyopt rsa_keygen_bits:3072", "-sha256");
    check_self_signed(folder, "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
                      "-sha256 " + pss + "-sigopt rsa_pss_saltlen:32");
    check_self_signed(folder, "-algorithm RSA -pkeyopt rsa_keygen_bits:3072",
                      "-sha384 " + pss + "-sigopt rsa_pss_saltlen:48");
    check_self_signed(folder, "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
                      "-sha256 " + pss);  // the longest salt
    check_self_signed(folder, "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", "-sha256");
    check_self_signed(
        folder,
        "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 -pkeyopt "
        "rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32",
        "");
}

// Covers: B-10
BOOST_AUTO_TEST_CASE(b_10_the_g4_trials_rsa_4096_pss_sha_512_verifies) {
    const MadeFolder folder;
    check_self_signed(folder, "-algorithm RSA -pkeyopt rsa_keygen_bits:4096",
                      "-sha512 " + pss + "-sigopt rsa_pss_saltlen:64");
    check_self_signed(folder, "-algorithm RSA -pkeyopt rsa_keygen_bits:4096", "-sha512");
}

// Covers: B-11, F-26
BOOST_AUTO_TEST_CASE(b_11_sha_1_signatures_do_not_verify_however_right_they_are) {
    const MadeFolder folder;
    for (const std::string key : {"rsa:2048", "ec -pkeyopt ec_paramgen_curve:P-256"}) {
        folder.run("openssl req -x509 -newkey " + key +
                   " -nodes -keyout k -subj /CN=Old -sha1 -outform DER -out old.der");
        const auto old = test::parse_certificate(folder.read("old.der"));
        auto verifier = SignatureVerifier::from_public_key(old.subject_public_key_info());
        BOOST_REQUIRE(verifier);
        BOOST_TEST(!verifier->verify(old.signature_algorithm(), old.tbs(), old.signature()));
    }
}

BOOST_AUTO_TEST_CASE(the_algorithm_beside_a_signature_must_fit_key_and_signature) {
    const auto ec = test::made_certificate("ca");
    const auto rsa = test::made_certificate("ca-rsa2048");
    auto ec_verifier = SignatureVerifier::from_public_key(ec.subject_public_key_info());
    auto rsa_verifier = SignatureVerifier::from_public_key(rsa.subject_public_key_info());
    BOOST_REQUIRE((ec_verifier && rsa_verifier));
    BOOST_TEST(rsa_verifier->verify(rsa.signature_algorithm(), rsa.tbs(), rsa.signature()));
    BOOST_TEST(!ec_verifier->verify(rsa.signature_algorithm(), rsa.tbs(), rsa.signature()));
    BOOST_TEST(!rsa_verifier->verify(ec.signature_algorithm(), ec.tbs(), ec.signature()));
    BOOST_TEST(
        !rsa_verifier->verify(encode_signature_algorithm(SignatureKind::rsa_pss, SignatureHash::sha256),
                              rsa.tbs(), rsa.signature()));
    BOOST_TEST(
        !rsa_verifier->verify(encode_signature_algorithm(SignatureKind::rsa_pkcs1, SignatureHash::sha384),
                              rsa.tbs(), rsa.signature()));
    BOOST_TEST(!rsa_verifier->verify({}, rsa.tbs(), rsa.signature()));
    BOOST_TEST(!rsa_verifier->verify(as_bytes("no algorithm"), rsa.tbs(), rsa.signature()));
}

// RFC 4055, section 1.2: the arithmetic would do, but the key says that it is for PSS.
BOOST_AUTO_TEST_CASE(a_key_of_id_rsassa_pss_verifies_no_pkcs1_v15) {
    const auto rsa = test::made_certificate("ca-rsa2048");
    Bytes key(rsa.subject_public_key_info().begin(), rsa.subject_public_key_info().end());
    BOOST_REQUIRE_EQUAL(to_hex(ByteView{key}.first(19)), "30820122300d06092a864886f70d0101010500");
    key[16] = 0x0a;  // id-RSASSA-PSS instead of rsaEncryption, without the NULL
    key.erase(key.begin() + 17, key.begin() + 19);
    key[3] = 0x20;
    key[5] = 0x0b;
    auto verifier = SignatureVerifier::from_public_key(key);
    BOOST_REQUIRE_MESSAGE(verifier, verifier.error().message);
    BOOST_TEST(!verifier->verify(rsa.signature_algorithm(), rsa.tbs(), rsa.signature()));
}

// Ecdsa-Sig-Value is DER: one signature has one spelling.
BOOST_AUTO_TEST_CASE(an_ecdsa_signature_in_another_spelling_does_not_verify) {
    const auto ca = test::made_certificate("ca");
    auto verifier = SignatureVerifier::from_public_key(ca.subject_public_key_info());
    const auto verifies = [&](const Bytes& signature) {
        return verifier->verify(ca.signature_algorithm(), ca.tbs(), signature);
    };
    const Bytes good(ca.signature().begin(), ca.signature().end());
    BOOST_TEST(verifies(good));
    Bytes long_length = good;
    long_length.insert(long_length.begin() + 1, 0x81);
    BOOST_TEST(!verifies(long_length));
    Bytes trailing = good;
    trailing.push_back(0);
    BOOST_TEST(!verifies(trailing));
    Bytes padded = good;  // a leading zero of r that nothing asks for
    padded.insert(padded.begin() + 4, 0);
    ++padded[1];
    ++padded[3];
    BOOST_TEST(!verifies(padded));
    BOOST_TEST(!verifies(*from_hex("3006020100020100")));  // zeros
    BOOST_TEST(!verifies(*from_hex("30060201ff020101")));  // negative
    BOOST_TEST(!verifies(*from_hex("3003020101")));        // no s
    Bytes three = good;                                    // a third number behind r and s
    three[1] = static_cast<std::uint8_t>(three[1] + 3);
    three.insert(three.end(), {0x02, 0x01, 0x01});
    BOOST_TEST(!verifies(three));
    BOOST_TEST(verifies(good));
}

// Covers: H-10
BOOST_AUTO_TEST_CASE(h_10_weak_and_unknown_keys_make_no_verifier) {
    for (const std::string file : {"signer-rsa-1024", "signer-secp256k1", "signer-rsa-2052"}) {
        const auto certificate = test::made_certificate(file);
        BOOST_TEST(!SignatureVerifier::from_public_key(certificate.subject_public_key_info()), file);
    }
    BOOST_TEST(!SignatureVerifier::from_public_key({}));
    // A point that is not on the curve.
    const auto good = test::made_certificate("ca");
    Bytes key(good.subject_public_key_info().begin(), good.subject_public_key_info().end());
    key.back() ^= 1;
    BOOST_TEST(!SignatureVerifier::from_public_key(key));
}

BOOST_AUTO_TEST_CASE(ed25519_under_a_raw_key_agrees_with_openssl) {
    const MadeFolder folder;
    folder.run(
        "openssl genpkey -algorithm ED25519 -out k && openssl pkey -in k -pubout -outform DER -out p.der && "
        "printf "
        "head >m && openssl pkeyutl -sign -rawin -inkey k -in m -out s");
    const auto spki = folder.read("p.der");
    std::array<std::uint8_t, 32> key{};
    std::ranges::copy(ByteView{spki}.last(32), key.begin());
    Bytes signature = folder.read("s");
    BOOST_TEST(verify_ed25519(key, as_bytes("head"), signature));
    BOOST_TEST(!verify_ed25519(key, as_bytes("heads"), signature));
    BOOST_TEST(!verify_ed25519(key, as_bytes("head"), ByteView{signature}.first(63)));
    BOOST_TEST(!verify_ed25519(key, as_bytes("head"), {}));
    signature[5] ^= 1;
    BOOST_TEST(!verify_ed25519(key, as_bytes("head"), signature));
    BOOST_TEST(!verify_ed25519(std::array<std::uint8_t, 32>{}, as_bytes("head"), signature));
}
