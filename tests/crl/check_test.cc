#include <boost/test/unit_test.hpp>

#include "responder/crl/entry_rules.h"
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

CrlPolicy policy_of(Scheme scheme, bool accept_delta, Verdict& verdict) {
    CrlPolicy policy;
    policy.scheme = scheme;
    policy.accept_delta = accept_delta;
    policy.warnings = &verdict.warnings;
    return policy;
}

// The same with everything that a policy can say.
Verdict check_by(const std::string& file, CrlPolicy policy) {
    const Bytes der = made_crls().read(file + ".crl");
    Verdict verdict;
    policy.warnings = &verdict.warnings;
    const auto checked =
        check_crl(test::view_of(der), der, test::issuer_in(made_crls().read("ca.der")), noon, {}, policy);
    if (!checked)
        verdict.refused = checked.error().message;
    return verdict;
}

// All entries through the rules.
Verdict check_entries(const std::string& file, Scheme scheme, bool covers_cas = false) {
    const Bytes der = made_crls().read(file + ".crl");
    const auto view = test::view_of(der);
    Verdict verdict;
    CrlPolicy policy = policy_of(scheme, false, verdict);
    policy.covers_cas = covers_cas;
    EntryRules rules{view, policy};
    std::uint64_t position = 0;
    const auto done =
        for_each_entry(view, [&](const CrlEntry& entry) { return rules.check(entry, ++position); });
    if (!done)
        verdict.refused = done.error().message;
    rules.tell();
    return verdict;
}

Verdict check(const std::string& file, const std::string& ca = "ca", Scheme scheme = Scheme::eutl,
              const std::optional<CrlVersion>& previous = {}, bool accept_delta = false) {
    const Bytes der = made_crls().read(file + ".crl");
    const auto view = test::view_of(der);
    Verdict verdict;
    const auto checked = check_crl(view, der, test::issuer_in(made_crls().read(ca + ".der")), noon, previous,
                                   policy_of(scheme, accept_delta, verdict));
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
                                   "expired-certs", "number-0", "number-20-octets"}) {
        for (const Scheme scheme : {Scheme::eutl, Scheme::tls_br, Scheme::private_use}) {
            if (file == "last" && scheme == Scheme::tls_br)
                continue;  // D-13 has no last CRL
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

// Covers: F-12, F-13
BOOST_AUTO_TEST_CASE(f_12_a_part_names_the_certificates_own_uri_byte_for_byte) {
    const auto of = [](const std::string& file, const std::string& uri = "http://status.example/a.crl") {
        CrlPolicy policy;
        policy.scheme = Scheme::tls_br;
        policy.distribution_point = uri;
        return check_by(file, policy);
    };
    BOOST_TEST(of("shard").refused == "");
    BOOST_TEST(of("shard").warnings.empty());
    BOOST_TEST(of("shard-two-names").refused == "");
    BOOST_TEST(contains(of("shard-case").refused,
                        "F-12: issuingDistributionPoint names "
                        "[http://Status.example/a.crl], not "
                        "http://status.example/a.crl byte for byte"));
    BOOST_TEST(contains(of("shard", "http://status.example/a.cr").refused, "F-12"));
    BOOST_TEST(contains(of("shard", "http://status.example/a.crl2").refused, "F-12"));
    BOOST_TEST(contains(of("shard-no-name").refused, "F-12: issuingDistributionPoint names []"));
    BOOST_TEST(contains(of("good").refused, "F-12: issuingDistributionPoint is absent"));
    BOOST_TEST(!contains(of("shard-forged-name").refused, "\n"));
    BOOST_TEST(contains(of("relative-name").refused, "F-12: issuingDistributionPoint has a name relative"));
    BOOST_TEST(contains(of("no-names").refused, "F-12: issuingDistributionPoint is not DER"));
    BOOST_TEST(contains(of("many-names").refused, "F-12: issuingDistributionPoint has too many names"));
    // Where none is configured it covers the whole issuer, and should not carry one.
    for (const Scheme scheme : {Scheme::eutl, Scheme::tls_br, Scheme::private_use}) {
        CrlPolicy policy;
        policy.scheme = scheme;
        const auto full = check_by("shard", policy);
        BOOST_TEST(full.refused == "");
        BOOST_REQUIRE_EQUAL(full.warnings.size(), 1U);
        BOOST_TEST(contains(full.warnings[0], "F-13: it carries an issuingDistributionPoint"));
    }
}

// Covers: D-13, D-14
BOOST_AUTO_TEST_CASE(d_13_next_update_is_ten_days_ahead_at_most_and_a_year_for_cas) {
    const auto refused = [](const std::string& file, Scheme scheme, bool cas = false) {
        CrlPolicy policy;
        policy.scheme = scheme;
        policy.covers_cas = cas;
        return check_by(file, policy).refused;
    };
    for (const Scheme scheme : {Scheme::tls_br, Scheme::smime_br}) {
        BOOST_TEST(refused("ten-days", scheme) == "");
        BOOST_TEST(contains(refused("ten-days-and-a-second", scheme), "D-13: nextUpdate"));
        BOOST_TEST(refused("ten-days-and-a-second", scheme, true) == "");
        BOOST_TEST(refused("a-year", scheme, true) == "");
        BOOST_TEST(contains(refused("a-year-and-a-second", scheme, true), "D-14: nextUpdate"));
        BOOST_TEST(refused("cas-a-year", scheme) == "");  // it says so itself
        BOOST_TEST(contains(refused("last", scheme), "D-13: nextUpdate"));
    }
    BOOST_TEST(refused("a-year-and-a-second", Scheme::eutl) == "");
    CrlPolicy root;
    root.covers_cas = true;
    const auto warned = check_by("a-year-and-a-second", root);
    BOOST_TEST(warned.refused == "");
    BOOST_REQUIRE_EQUAL(warned.warnings.size(), 1U);
    BOOST_TEST(contains(warned.warnings[0], "D-14: nextUpdate"));
    BOOST_TEST(check_by("last", root).warnings.empty());
}

// Covers: F-15
BOOST_AUTO_TEST_CASE(f_15_a_delta_is_taken_only_where_one_is_expected_and_goes_with_its_base) {
    const Bytes base = made_crls().read("base.crl");
    const auto base_view = test::view_of(base);
    CrlPolicy policy;
    policy.accept_delta = true;
    BOOST_TEST(contains(check_by("delta-6", policy).refused, "F-15: there is no base yet"));
    policy.base = &base_view;
    BOOST_TEST(check_by("delta-6", policy).refused == "");
    BOOST_TEST(check_by("delta-6", policy).warnings.empty());
    BOOST_TEST(
        contains(check_by("delta-of-6", policy).refused, "F-15: its base is number 06, but 05 is served"));
    BOOST_TEST(contains(check_by("delta-of-the-future", policy).refused, "F-15: the delta's base is newer"));
    BOOST_TEST(contains(check_by("delta-scope", policy).refused, "F-15: its scope is not its base's"));
    BOOST_TEST(contains(check_by("delta-freshest", policy).refused, "F-15: a delta CRL carries freshestCRL"));
    BOOST_TEST(
        contains(check_by("good", policy).refused, "F-15: a full CRL stands where a delta is expected"));
    const Bytes newer = made_crls().read("number-128.crl");
    const auto newer_view = test::view_of(newer);
    policy.base = &newer_view;
    BOOST_TEST(contains(check_by("delta-6", policy).refused, "F-15: its number 06 is below 80"));
    // The base tells of its delta, and of none where there is none.
    CrlPolicy full;
    full.has_delta = true;
    BOOST_TEST(check_by("base", full).warnings.empty());
    BOOST_TEST(contains(check_by("good", full).warnings.at(0), "F-15: a delta CRL is configured"));
    full.has_delta = false;
    BOOST_TEST(contains(check_by("base", full).warnings.at(0), "F-15: freshestCRL names a delta CRL"));
    full.has_delta = true;
    BOOST_TEST(contains(check_by("base-critical", full).warnings.at(0), "F-15: freshestCRL is critical"));
    full.scheme = Scheme::tls_br;
    BOOST_TEST(contains(check_by("base-critical", full).refused, "F-15: freshestCRL is critical"));
}

// Covers: F-08, F-09, F-10
BOOST_AUTO_TEST_CASE(f_08_entries_have_the_reasons_that_the_profile_allows) {
    const std::string second = "CRL: entry 2 (serial 0BAD): ";
    for (const Scheme scheme : {Scheme::tls_br, Scheme::smime_br}) {
        BOOST_TEST(contains(check_entries("rule-hold", scheme).refused, second + "F-09: certificateHold"));
        BOOST_TEST(
            contains(check_entries("rule-unspecified", scheme).refused, second + "F-08: reasonCode says"));
        BOOST_TEST(
            contains(check_entries("rule-critical", scheme).refused, second + "F-08: reasonCode is crit"));
        BOOST_TEST(contains(check_entries("rule-invalidity", scheme).refused, second + "F-10"));
        BOOST_TEST(
            contains(check_entries("rule-missing", scheme, true).refused, second + "F-08: reasonCode is m"));
        BOOST_TEST(check_entries("rule-missing", scheme).refused == "");
        BOOST_TEST(check_entries("rule-ca-compromise", scheme, true).refused == "");
    }
    BOOST_TEST(
        contains(check_entries("rule-ca-compromise", Scheme::tls_br).refused, second + "F-08: reasonCode 2"));
    BOOST_TEST(contains(check_entries("rule-aa-compromise", Scheme::tls_br).refused,
                        second + "F-08: reasonCode 10"));
    BOOST_TEST(check_entries("rule-aa-compromise", Scheme::smime_br).refused == "");
    for (const Scheme scheme : {Scheme::eutl, Scheme::private_use}) {
        BOOST_TEST(check_entries("reasons", scheme).refused == "");
        BOOST_TEST(check_entries("rule-hold", scheme).warnings.empty());
        BOOST_TEST(contains(check_entries("rule-hold", scheme, true).refused,
                            second + "F-09: certificateHold of a CA"));
        for (const std::string file : {"rule-unspecified", "rule-critical", "rule-invalidity"}) {
            const auto verdict = check_entries(file, scheme);
            BOOST_TEST(verdict.refused == "", file);
            BOOST_REQUIRE_EQUAL(verdict.warnings.size(), 1U);
            BOOST_TEST(verdict.warnings[0].starts_with("CRL: entry 2: F-"), verdict.warnings[0]);
        }
    }
}

BOOST_AUTO_TEST_CASE(all_faults_are_told_at_once) {
    const Bytes der = made_crls().read("future.crl");
    const auto checked =
        check_crl(test::view_of(der), der, test::issuer_in(made_crls().read("ca-p384.der")), noon, {});
    BOOST_REQUIRE(!checked);
    BOOST_TEST(contains(checked.error().message, "F-23: the signature does not verify"));
    BOOST_TEST(contains(checked.error().message, "; F-23: thisUpdate"));
}
