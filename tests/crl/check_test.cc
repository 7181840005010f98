#include <boost/test/unit_test.hpp>

#include "tests/crl/made_crls.h"

using namespace eightbells;
using namespace eightbells::crl;
using crypto::Scheme;
using test::contains;
using test::made_crls;

namespace {

const UtcTime noon = *from_iso8601("2026-11-22T12:00:00Z");

struct Verdict {
    std::string refused;  // empty: accepted
    std::vector<std::string> warnings;
};

Verdict check(const std::string& file, const std::string& ca = "ca", Scheme scheme = Scheme::eutl,
              const std::optional<CrlVersion>& previous = {}, bool accept_delta = false) {
    const Bytes der = made_crls().read(file + ".crl");
    const auto view = test::view_of(der);
    Verdict verdict;
    const auto checked = check_crl(view, der, test::issuer_in(made_crls().read(ca + ".der")), noon, previous,
                                   {scheme, accept_delta, &verdict.warnings});
    if (!checked)
        verdict.refused = checked.error().message;
    return verdict;
}

CrlVersion version(std::string_view number, std::string_view this_update, std::uint8_t digest = 1) {
    CrlVersion made{*from_hex(number), *from_iso8601(this_update), {}};
    made.digest.fill(digest);
    return made;
}

}  // namespace

// Covers: F-02, F-03, F-04, F-05, F-06, F-10
BOOST_AUTO_TEST_CASE(f_23_right_crls_are_accepted_without_a_word) {
    for (const std::string file : {"good", "empty", "reasons", "invalidity", "last", "unknown",
                                   "expired-certs", "number-0", "number-20-octets", "shard"}) {
        for (const Scheme scheme : {Scheme::eutl, Scheme::tls_br, Scheme::private_use}) {
            const auto verdict = check(file, "ca", scheme);
            BOOST_TEST(verdict.refused == "", file);
            BOOST_TEST(verdict.warnings.empty(), file);
        }
    }
}

// Covers: F-02, B-10
BOOST_AUTO_TEST_CASE(b_10_crls_under_every_algorithm_are_accepted_g4_trials_pss_included) {
    BOOST_TEST(check("p384", "ca-p384").refused == "");
    BOOST_TEST(check("rsa2048", "ca-rsa2048").refused == "");
    BOOST_TEST(check("rsa4096-pss", "ca-rsa4096").refused == "");
    BOOST_TEST(check("ed25519", "ca-ed25519").refused == "");
    BOOST_TEST(contains(check("rsa4096-pss", "ca-rsa2048").refused, "F-23: the signature does not verify"));
}

// Covers: F-02, F-04, F-11, F-12, F-15, F-17, F-23, F-26
BOOST_AUTO_TEST_CASE(f_23_each_fault_is_refused_by_its_row) {
    for (const auto& [file, part] : {
             std::pair{"foreign",
                       "F-02: issued by \"CN=Sibling CA,O=Eightbells Test,C=NL\", not by \"CN=Issuing CA"},
             {"foreign-key", "F-23: the signature does not verify"},
             {"tampered", "F-23: the signature does not verify"},
             {"changed", "F-23: the signature does not verify"},
             {"sha1", "F-26: signed too weakly: signature algorithm ecdsa-with-SHA1"},
             {"no-number", "F-04: cRLNumber is absent"},
             {"future", "F-23: thisUpdate 2026-11-22T12:00:01Z is in the future"},
             {"expired", "F-23: expired: nextUpdate 2026-11-22T12:00:00Z has passed"},
             {"no-next", "F-23: nextUpdate is absent"},
             {"unknown-critical", "F-23: critical extensions that are not known: 1.2.3.4"},
             {"late-expired-certs", "F-17: expiredCertsOnCRL"},
             {"indirect", "F-11: an indirect CRL"},
             {"attributes", "F-12: it covers attribute certificates only"},
             {"some-reasons", "F-12: it covers some reasons only"},
             {"users-and-cas", "F-12: it says both"},
             {"empty-scope", "F-12: issuingDistributionPoint is an empty sequence"},
             {"disordered-scope", "F-12: issuingDistributionPoint is not DER"},
             {"false-scope", "F-12: issuingDistributionPoint is not DER"},
             {"delta", "F-15: a delta CRL"},
         }) {
        const auto verdict = check(file);
        BOOST_TEST(contains(verdict.refused, part), file << ": " << verdict.refused);
        BOOST_TEST(!contains(verdict.refused, "; "),
                   file << ": " << verdict.refused);  // one fault, one reason
    }
    BOOST_TEST(contains(check("rsa-sha1", "ca-rsa2048").refused,
                        "F-26: signed too weakly: signature algorithm sha1With"));
    BOOST_TEST(contains(check("foreign", "ca").refused, "CRL: F-02"));
}

// Covers: F-03, F-04, F-05
BOOST_AUTO_TEST_CASE(f_03_departures_refuse_in_public_trust_and_warn_elsewhere) {
    for (const auto& [file, part] : {
             std::pair{"no-authority", "F-03: authorityKeyIdentifier is absent"},
             {"other-authority", "F-03: authorityKeyIdentifier "},
             {"critical-authority", "F-03: authorityKeyIdentifier is critical"},
             {"critical-number", "F-04: cRLNumber is critical"},
             {"number-2-159", "F-04: cRLNumber is not below 2^159"},
             {"generalized-this", "F-05: thisUpdate before 2050 must be a UTCTime"},
             {"generalized-next", "F-05: nextUpdate before 2050 must be a UTCTime"},
         }) {
        for (const Scheme scheme : {Scheme::eutl, Scheme::private_use}) {
            const auto verdict = check(file, "ca", scheme);
            BOOST_TEST(verdict.refused == "", file);
            BOOST_REQUIRE_EQUAL(verdict.warnings.size(), 1U);
            BOOST_TEST(contains(verdict.warnings[0], part), verdict.warnings[0]);
        }
        for (const Scheme scheme : {Scheme::tls_br, Scheme::smime_br})
            BOOST_TEST(contains(check(file, "ca", scheme).refused, part), file);
    }
}

// Covers: F-04, F-23
BOOST_AUTO_TEST_CASE(f_04_a_crl_never_goes_back) {
    const auto after = [](const CrlVersion& previous) {
        return check("good", "ca", Scheme::eutl, previous).refused;
    };
    BOOST_TEST(after(version("04", "2026-11-22T05:00:00Z")) == "");
    BOOST_TEST(after(version("04", "2026-11-22T06:00:00Z")) == "");  // twice in one second, with a new number
    BOOST_TEST(
        contains(after(version("06", "2026-11-22T05:00:00Z")), "F-23: roll-back: cRLNumber 05 is below 06"));
    BOOST_TEST(contains(after(version("0100", "2026-11-22T05:00:00Z")), "F-23: roll-back: cRLNumber"));
    BOOST_TEST(contains(after(version("04", "2026-11-22T06:00:01Z")), "F-23: roll-back: thisUpdate"));
    BOOST_TEST(
        contains(after(version("05", "2026-11-22T05:00:00Z")), "F-04: another CRL with the number 05"));
    // The same bytes once more are no roll-back.
    CrlVersion same = version("05", "2026-11-22T06:00:00Z");
    same.digest = crypto::sha256(made_crls().read("good.crl"));
    BOOST_TEST(after(same) == "");
}

// Covers: F-15
BOOST_AUTO_TEST_CASE(f_15_a_delta_is_taken_only_where_one_is_expected) {
    BOOST_TEST(check("delta", "ca", Scheme::eutl, {}, true).refused == "");
    BOOST_TEST(contains(check("delta-of-the-future", "ca", Scheme::eutl, {}, true).refused,
                        "F-15: the delta's base"));
}

BOOST_AUTO_TEST_CASE(all_faults_are_told_at_once) {
    const Bytes der = made_crls().read("future.crl");
    const auto checked =
        check_crl(test::view_of(der), der, test::issuer_in(made_crls().read("ca-p384.der")), noon, {});
    BOOST_REQUIRE(!checked);
    BOOST_TEST(contains(checked.error().message, "F-23: the signature does not verify"));
    BOOST_TEST(contains(checked.error().message, "; F-23: thisUpdate"));
}
