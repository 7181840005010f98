#include <boost/test/unit_test.hpp>

#include "responder/crypto/algorithms.h"
#include "tests/crypto/made_signers.h"

using namespace eightbells;
using namespace eightbells::crypto;

namespace {

struct Known {
    SignatureKind kind;
    SignatureHash hash;
    std::string_view hex;
};
// The hexadecimal strings of the TLS BR, section 7.1.3.2 (and RFC 8410, section 3, for Ed25519).
constexpr Known known[] = {
    {SignatureKind::rsa_pkcs1, SignatureHash::sha256, "300d06092a864886f70d01010b0500"},
    {SignatureKind::rsa_pkcs1, SignatureHash::sha384, "300d06092a864886f70d01010c0500"},
    {SignatureKind::rsa_pkcs1, SignatureHash::sha512, "300d06092a864886f70d01010d0500"},
    {SignatureKind::rsa_pss, SignatureHash::sha256,
     "304106092a864886f70d01010a3034a00f300d0609608648016503040201"
     "0500a11c301a06092a864886f70d010108300d0609608648016503040201"
     "0500a203020120"},
    {SignatureKind::rsa_pss, SignatureHash::sha384,
     "304106092a864886f70d01010a3034a00f300d0609608648016503040202"
     "0500a11c301a06092a864886f70d010108300d0609608648016503040202"
     "0500a203020130"},
    {SignatureKind::rsa_pss, SignatureHash::sha512,
     "304106092a864886f70d01010a3034a00f300d0609608648016503040203"
     "0500a11c301a06092a864886f70d010108300d0609608648016503040203"
     "0500a203020140"},
    {SignatureKind::ecdsa, SignatureHash::sha256, "300a06082a8648ce3d040302"},
    {SignatureKind::ecdsa, SignatureHash::sha384, "300a06082a8648ce3d040303"},
    {SignatureKind::ecdsa, SignatureHash::sha512, "300a06082a8648ce3d040304"},
    {SignatureKind::ed25519, SignatureHash::none, "300506032b6570"},
};

}  // namespace

// Covers: B-09
BOOST_AUTO_TEST_CASE(b_09_algorithm_identifiers_are_the_octets_of_the_baseline_requirements) {
    for (const auto& [kind, hash, hex] : known)
        BOOST_TEST(to_hex(encode_signature_algorithm(kind, hash)) == hex);
    BOOST_TEST(encode_signature_algorithm(SignatureKind::rsa_pss, SignatureHash::none).empty());
    BOOST_TEST(encode_signature_algorithm(SignatureKind::ecdsa, SignatureHash::none).empty());
}

BOOST_AUTO_TEST_CASE(every_algorithm_is_read_back) {
    for (const auto& [kind, hash, hex] : known) {
        const auto parsed = parse_signature_algorithm(*from_hex(hex));
        BOOST_REQUIRE_MESSAGE(parsed, hex);
        BOOST_TEST((parsed->kind == kind && parsed->hash == hash));
    }
    const auto absent =
        parse_signature_algorithm(*from_hex("300b06092a864886f70d01010b"));  // RFC 4055: accepted
    BOOST_TEST((absent && absent->kind == SignatureKind::rsa_pkcs1));
}

// Covers: B-11, F-26
BOOST_AUTO_TEST_CASE(b_11_weak_and_unknown_algorithms_are_refused_by_name) {
    const auto message = [](std::string_view hex) {
        const auto parsed = parse_signature_algorithm(*from_hex(hex));
        return parsed ? std::string{"accepted"} : parsed.error().message;
    };
    BOOST_TEST(message("300d06092a864886f70d0101050500").find("sha1WithRSAEncryption") != std::string::npos);
    BOOST_TEST(message("300d06092a864886f70d0101040500").find("md5WithRSAEncryption") != std::string::npos);
    BOOST_TEST(message("300906072a8648ce3d0401").find("ecdsa-with-SHA1") != std::string::npos);
    BOOST_TEST(message("300506032b6571").find("1.3.101.113") != std::string::npos);  // Ed448
    // RSASSA-PSS: without parameters, or with some left out, SHA-1 is meant.
    BOOST_TEST(message("300b06092a864886f70d01010a").find("SHA-1") != std::string::npos);
    BOOST_TEST(message("300d06092a864886f70d01010a3000").find("SHA-1") != std::string::npos);
    // Malformed: parameters that do not belong, bytes behind, an unknown mask, a mask with another hash, a
    // salt that is no length, a spelled-out trailer field that DER leaves out.
    for (const std::string_view wrong : {"300c06082a8648ce3d0403020500", "300d06092a864886f70d01010b0400",
                                         "300d06092a864886f70d01010b050000", "", "0500",
                                         "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11"
                                         "c301a06092a864886f70d010109300d060960864801"
                                         "65030402010500a203020120",
                                         "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11"
                                         "c301a06092a864886f70d010108300d060960864801"
                                         "65030402020500a203020120",
                                         "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11"
                                         "c301a06092a864886f70d010108300d060960864801"
                                         "65030402010500a2030201ff",
                                         "304606092a864886f70d01010a3039a00f300d06096086480165030402010500a11"
                                         "c301a06092a864886f70d010108300d060960864801"
                                         "65030402010500a203020120a303020101"})
        BOOST_TEST(message(wrong) != "accepted", wrong);
}

// Covers: H-10
BOOST_AUTO_TEST_CASE(h_10_keys_are_named_and_weak_ones_refused) {
    const auto judge = [](const std::string& file, bool allow_ed25519) {
        const auto certificate = test::made_certificate("signer-" + file);
        const auto facts = describe_key(certificate.subject_public_key_info());
        if (!facts)
            return std::string{"unknown"};
        return facts->name() + (check_key_strength(*facts, allow_ed25519) ? " fits" : " refused");
    };
    BOOST_TEST(judge("good", false) == "ECDSA-P256 fits");
    BOOST_TEST(judge("p384", false) == "ECDSA-P384 fits");
    BOOST_TEST(judge("p521", false) == "ECDSA-P521 fits");
    BOOST_TEST(judge("rsa-2048", false) == "RSA-2048 fits");
    BOOST_TEST(judge("rsa-3072", false) == "RSA-3072 fits");
    BOOST_TEST(judge("rsa-1024", false) == "RSA-1024 refused");
    BOOST_TEST(judge("rsa-2052", false) == "RSA-2052 refused");
    BOOST_TEST(judge("secp256k1", false) == "unknown");
    BOOST_TEST(judge("ed25519", false) == "Ed25519 refused");
    BOOST_TEST(judge("ed25519", true) == "Ed25519 fits");
}

// RFC 4055, section 3.3: what an RSASSA-PSS key's parameters say binds its signatures.
BOOST_AUTO_TEST_CASE(a_key_makes_only_the_signatures_of_its_kind) {
    KeyFacts rsa{KeyKind::rsa, 2048, true, {}};
    KeyFacts pss{KeyKind::rsa_pss, 2048, true, {}};
    KeyFacts p256{KeyKind::p256, 256, true, {}};
    KeyFacts ed{KeyKind::ed25519, 256, true, {}};
    const SignatureAlgorithm v15{SignatureKind::rsa_pkcs1, SignatureHash::sha256, 0};
    const SignatureAlgorithm pss256{SignatureKind::rsa_pss, SignatureHash::sha256, 32};
    const SignatureAlgorithm pss512{SignatureKind::rsa_pss, SignatureHash::sha512, 64};
    const SignatureAlgorithm ecdsa{SignatureKind::ecdsa, SignatureHash::sha256, 0};
    const SignatureAlgorithm pure{SignatureKind::ed25519, SignatureHash::none, 0};
    BOOST_TEST((check_algorithm_fits(v15, rsa) && check_algorithm_fits(pss256, rsa)));
    BOOST_TEST((!check_algorithm_fits(v15, pss) && check_algorithm_fits(pss512, pss)));
    BOOST_TEST((check_algorithm_fits(ecdsa, p256) && check_algorithm_fits(pure, ed)));
    BOOST_TEST((!check_algorithm_fits(ecdsa, rsa) && !check_algorithm_fits(v15, p256)));
    BOOST_TEST((!check_algorithm_fits(pure, p256) && !check_algorithm_fits(ecdsa, ed)));
    const auto identifier = encode_signature_algorithm(SignatureKind::rsa_pss, SignatureHash::sha256);
    pss.pss_parameters = identifier.subspan(13);
    BOOST_TEST((check_algorithm_fits(pss256, pss) && !check_algorithm_fits(pss512, pss)));
    BOOST_TEST(!check_algorithm_fits({SignatureKind::rsa_pss, SignatureHash::sha256, 20}, pss));
}
