#include <boost/test/unit_test.hpp>

#include "tests/crypto/made_signers.h"

using namespace eightbells;
using namespace eightbells::crypto;
using test::made_certificate;

namespace {

const UtcTime noon = *from_iso8601("2026-11-22T12:00:00Z");

struct Verdict {
    std::vector<std::string> faults;
    std::vector<std::string> warnings;
};
Verdict judge(const std::string& signer, Scheme scheme = Scheme::eutl, const std::string& ca = "ca",
              UtcTime now = noon) {
    Verdict verdict;
    verdict.faults = judge_signer_certificate(made_certificate(signer), test::issuer_of(made_certificate(ca)),
                                              scheme, now, verdict.warnings);
    return verdict;
}

// The rows at the beginning of the lines, "H-01 H-06".
std::string rows(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) {
        BOOST_TEST((line.size() > 6 && line.substr(4, 2) == ": "), line);
        text += (text.empty() ? "" : " ") + line.substr(0, 4);
    }
    return text;
}

std::string all(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines)
        text += line + "\n";
    return text;
}

struct Case {
    const char* signer;
    const char* eutl;      // rows refused
    const char* warned;    // rows warned of in eutl
    const char* baseline;  // rows refused in tls-br and smime-br
};

// Each certificate breaks one rule; what else is in a line follows from it.
constexpr Case cases[] = {
    {"good", "", "", ""},
    {"without-constraints", "", "", ""},
    // Covers: H-01
    {"sibling", "H-06 H-05 H-01", "", "H-06 H-05 H-01"},
    {"sibling-unnamed", "H-06 H-01", "H-05", "H-06 H-01 H-05"},
    {"rekeyed", "H-05 H-01", "", "H-05 H-01"},
    {"rekeyed-unnamed", "H-01", "H-05", "H-01 H-05"},
    {"tampered", "H-01", "", "H-01"},
    {"changed", "H-01", "", "H-01"},
    // Covers: H-02
    {"without-purpose", "H-02", "", "H-02"},
    {"two-purposes", "H-02", "", "H-02"},
    {"any-purpose", "H-02", "", "H-02"},
    {"no-purposes", "H-02", "", "H-02"},
    // Covers: H-03
    {"without-nocheck", "H-03", "", "H-03"},
    {"critical-nocheck", "H-03", "", "H-03"},
    {"empty-nocheck", "H-03", "", "H-03"},
    {"long-nocheck", "H-03", "", "H-03"},
    // Covers: H-04
    {"ocsp-access", "H-04", "", "H-04"},
    {"broken-access", "H-04", "", "H-04"},
    {"issuer-access", "", "", ""},
    {"crl-points", "", "H-04", "H-04"},
    // Covers: H-05
    {"without-usage", "H-05", "", "H-05"},
    {"usage-not-critical", "H-05", "", "H-05"},
    {"more-usage", "H-05", "", "H-05"},
    {"other-usage", "H-05", "", "H-05"},
    {"padded-usage", "H-05", "", "H-05"},
    {"ca", "H-05", "", "H-05"},
    {"spelled-default", "H-05", "", "H-05"},
    {"without-authority", "", "H-05", "H-05"},
    {"other-authority", "H-05", "", "H-05"},
    {"without-own", "", "H-05", ""},
    {"alternative-name", "", "H-05", "H-05"},
    {"name-constraints", "", "H-05", "H-05"},
    {"policies", "", "H-05", ""},
    {"unknown-critical", "H-05", "", "H-05"},
    // Covers: H-06
    {"name-spelled-otherwise", "H-06", "", "H-06"},
    {"future", "H-06", "", "H-06"},
    {"short-serial", "", "H-06", "H-06"},
    {"zero-serial", "H-06", "", "H-06"},
    {"negative-serial", "H-06", "", "H-06"},
    // Covers: H-07
    {"expired", "H-07", "", "H-07"},
    {"long-lived", "", "H-07", ""},
    // Covers: B-11
    {"sha1", "B-11", "", "B-11"},
    {"rsa-2048", "", "H-10 B-11", ""},
    // Covers: H-10
    {"rsa-1024", "H-10", "B-11", "H-10"},
    {"rsa-2052", "H-10", "B-11", "H-10"},
    {"rsa-3072", "", "", ""},
    {"p384", "", "", ""},
    {"p521", "", "", ""},
    {"secp256k1", "H-10", "", "H-10"},
    {"ed25519", "H-10", "", "H-10"},
};

}  // namespace

// Covers: H-01, H-02, H-03, H-04, H-05, H-06, H-07, H-10, B-11
BOOST_AUTO_TEST_CASE(h_01_to_h_10_each_broken_rule_is_named_by_its_row) {
    for (const auto& [signer, eutl, warned, baseline] : cases) {
        BOOST_TEST_CONTEXT(signer) {
            const std::string name = std::string{"signer-"} + signer;
            const Verdict in_eutl = judge(name);
            BOOST_TEST(rows(in_eutl.faults) == eutl, all(in_eutl.faults));
            BOOST_TEST(rows(in_eutl.warnings) == warned, all(in_eutl.warnings));
            BOOST_TEST(rows(judge(name, Scheme::tls_br).faults) == baseline);
            BOOST_TEST(rows(judge(name, Scheme::smime_br).faults) == baseline);
        }
    }
}

// Covers: H-01
BOOST_AUTO_TEST_CASE(h_01_a_sibling_cas_signer_is_refused_with_words_that_say_so) {
    BOOST_TEST(all(judge("signer-sibling").faults).find("a signer of another CA, \"CN=Sibling CA,") !=
               std::string::npos);
    BOOST_TEST(all(judge("signer-rekeyed").faults).find("re-keyed or sibling CA") != std::string::npos);
}

// Covers: H-10
BOOST_AUTO_TEST_CASE(h_10_ed25519_is_for_the_private_scheme) {
    BOOST_TEST(rows(judge("signer-ed25519", Scheme::private_use).faults) == "");
    BOOST_TEST(rows(judge("signer-rsa-1024", Scheme::private_use).faults) == "H-10");
}

// Covers: H-09
BOOST_AUTO_TEST_CASE(h_09_a_ca_signs_itself_only_with_digital_signature_in_its_key_usage) {
    BOOST_TEST(rows(judge("ca", Scheme::tls_br).faults) == "");
    BOOST_TEST(rows(judge("ca-renewed", Scheme::tls_br).faults) ==
               "");  // another certificate of the same key
    BOOST_TEST(rows(judge("ca-without-signing", Scheme::eutl, "ca-without-signing").faults) == "H-09");
    BOOST_TEST(rows(judge("ca-without-signing", Scheme::private_use, "ca-without-signing").faults) == "H-09");
    BOOST_TEST(rows(judge("ca-without-usage", Scheme::eutl, "ca-without-usage").faults) == "H-09");
    BOOST_TEST(rows(judge("ca-without-usage", Scheme::private_use, "ca-without-usage").faults) == "");
    BOOST_TEST(rows(judge("ca-without-usage", Scheme::private_use, "ca-without-usage").warnings) == "H-09");
    // The same Name under another key is a sibling, not the CA itself.
    BOOST_TEST(rows(judge("ca-rsa2048").faults).find("H-01") != std::string::npos);
}

// Covers: H-16
BOOST_AUTO_TEST_CASE(h_16_an_expired_ca_cannot_sign_itself_and_its_delegates_are_warned_of) {
    BOOST_TEST(rows(judge("ca-expired", Scheme::eutl, "ca-expired").faults) == "H-16");
    BOOST_TEST(rows(judge("signer-good", Scheme::eutl, "ca-expired").faults) == "");
    BOOST_TEST(rows(judge("signer-good", Scheme::eutl, "ca-expired").warnings) == "H-16");
}

// Covers: H-15
BOOST_AUTO_TEST_CASE(h_15_an_issuer_with_an_extended_key_usage_without_ocsp_signing_is_warned_of) {
    BOOST_TEST(rows(judge("signer-good", Scheme::eutl, "ca-restricted").faults) == "");
    BOOST_TEST(rows(judge("signer-good", Scheme::eutl, "ca-restricted").warnings) == "H-15");
}

BOOST_AUTO_TEST_CASE(h_06_validity_includes_both_its_ends) {
    const auto at = [](std::string_view time) {
        return rows(judge("signer-good", Scheme::eutl, "ca", *from_iso8601(time)).faults);
    };
    BOOST_TEST(at("2026-10-31T23:59:59Z") == "H-06");
    BOOST_TEST(at("2026-11-01T00:00:00Z") == "");
    BOOST_TEST(at("2026-12-31T00:00:00Z") == "");
    BOOST_TEST(at("2026-12-31T00:00:01Z") == "H-07");
}
