#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "responder/crl/crl.h"
#include "responder/crypto/algorithms.h"
#include "responder/crypto/text.h"
#include "responder/der/reader.h"

namespace eightbells::crl {

namespace {

using der::Reader;
using der::Tag;

struct Gate {
    const CrlView& crl;
    const CrlPolicy& policy;
    std::vector<std::string> faults;

    void fault(std::string text) { faults.push_back(std::move(text)); }
    // What binds in the BR and is advice elsewhere.
    void depart(std::string text) {
        const bool binding =
            policy.scheme == crypto::Scheme::tls_br || policy.scheme == crypto::Scheme::smime_br;
        if (binding)
            faults.push_back(std::move(text));
        else if (policy.warnings != nullptr)
            policy.warnings->push_back("CRL: " + std::move(text));
    }
};

void check_signature(Gate& gate, const crypto::IssuerIdentity& issuer) {
    const auto& crl = gate.crl;
    if (!equal(crl.issuer_name, issuer.certificate().subject_name())) {
        gate.fault(fmt::format("F-02: issued by \"{}\", not by \"{}\"", crypto::name_text(crl.issuer_name),
                               issuer.certificate().subject_text()));
        return;  // a foreign CRL: its signature says nothing more
    }
    if (const auto algorithm = crypto::parse_signature_algorithm(crl.signature_algorithm); !algorithm) {
        gate.fault("F-26: signed too weakly: " + algorithm.error().message);
        return;
    }
    auto verifier =
        crypto::SignatureVerifier::from_public_key(issuer.certificate().subject_public_key_info());
    if (!verifier) {
        gate.fault("F-23: issuer: " + verifier.error().message);
    } else if (!verifier->verify(crl.signature_algorithm, crl.tbs, crl.signature)) {
        gate.fault(fmt::format("F-23: the signature does not verify under the key of \"{}\"",
                               issuer.certificate().subject_text()));
    }
}

void check_identifiers(Gate& gate, const crypto::IssuerIdentity& issuer) {
    const auto& crl = gate.crl;
    const auto key = issuer.certificate().subject_key_identifier();
    if (!crl.has_authority_key_identifier) {
        gate.depart("F-03: authorityKeyIdentifier is absent");
    } else if (key && !crl.authority_key_identifier.empty() && !equal(crl.authority_key_identifier, *key)) {
        gate.depart(fmt::format("F-03: authorityKeyIdentifier {} is not the issuer's subjectKeyIdentifier {}",
                                to_hex(crl.authority_key_identifier), to_hex(*key)));
    }
    if (crl.crl_number.empty())
        gate.fault("F-04: cRLNumber is absent: whether a CRL is newer could not be told");
    else if (crl.crl_number.size() == 20 && (crl.crl_number[0] & 0x80) != 0)
        gate.depart("F-04: cRLNumber is not below 2^159");
    for (const auto& departure : crl.departures)
        gate.depart(departure);
    if (!crl.unknown_critical_extensions.empty()) {
        gate.fault(fmt::format("F-23: critical extensions that are not known: {}",
                               fmt::join(crl.unknown_critical_extensions, ", ")));
    }
}

// IssuingDistributionPoint ::= SEQUENCE { distributionPoint [0], onlyContainsUserCerts [1],
//   onlyContainsCACerts [2], onlySomeReasons [3], indirectCRL [4], onlyContainsAttributeCerts [5] },
// all optional, the BOOLEANs with FALSE as default.
void check_scope(Gate& gate) {
    if (gate.crl.issuing_distribution_point.empty())
        return;
    auto fields = Reader{gate.crl.issuing_distribution_point}.read_into(Tag::sequence);
    if (!fields || fields->empty()) {
        gate.fault("F-12: issuingDistributionPoint is an empty sequence");
        return;
    }
    std::array<bool, 6> set{};
    int last = -1;
    while (!fields->empty()) {
        const auto element = fields->read_any();
        const int number = element ? static_cast<int>(element->tag) & 0x1f : 6;
        const bool constructed = number == 0;
        const int expected = (constructed ? 0xa0 : 0x80) | number;
        if (number > 5 || number <= last || static_cast<int>(element->tag) != expected) {
            gate.fault("F-12: issuingDistributionPoint is not DER");
            return;
        }
        const bool flag = number != 0 && number != 3;
        if (flag && (element->content.size() != 1 || element->content[0] != 0xff)) {
            gate.fault("F-12: issuingDistributionPoint is not DER");
            return;
        }
        last = number;
        set[static_cast<std::size_t>(number)] = true;
    }
    if (set[4])
        gate.fault("F-11: an indirect CRL is not accepted");
    if (set[5])
        gate.fault("F-12: it covers attribute certificates only");
    if (set[3])
        gate.fault("F-12: it covers some reasons only, so that absence from it says nothing");
    if (set[1] && set[2])
        gate.fault("F-12: it says both onlyContainsUserCerts and onlyContainsCACerts");
}

void check_delta(Gate& gate) {
    if (!gate.crl.is_delta)
        return;
    if (!gate.policy.accept_delta)
        gate.fault("F-15: a delta CRL stands where a full one is expected");
    else if (!gate.crl.crl_number.empty() &&
             compare_crl_numbers(gate.crl.base_crl_number, gate.crl.crl_number) > 0)
        gate.fault("F-15: the delta's base is newer than the delta");
}

void check_times(Gate& gate, UtcTime now) {
    const auto& crl = gate.crl;
    if (crl.this_update > now) {
        gate.fault(fmt::format("F-23: thisUpdate {} is in the future (it is {} now)",
                               to_iso8601(crl.this_update), to_iso8601(now)));
    }
    if (!crl.next_update) {
        gate.fault("F-23: nextUpdate is absent");
    } else if (*crl.next_update <= now) {
        gate.fault(fmt::format("F-23: expired: nextUpdate {} has passed (it is {} now)",
                               to_iso8601(*crl.next_update), to_iso8601(now)));
    } else if (*crl.next_update <= crl.this_update) {
        gate.fault("F-23: nextUpdate is not after thisUpdate");
    }
    if (crl.expired_certs_on_crl && *crl.expired_certs_on_crl >= crl.this_update)
        gate.fault("F-17: expiredCertsOnCRL is not before thisUpdate");
}

// Never back to an older CRL, whatever the reason: a revocation would be taken back with it.
void check_order(Gate& gate, ByteView der, const CrlVersion& previous) {
    const auto& crl = gate.crl;
    if (crypto::sha256(der) == previous.digest)
        return;
    const auto order = compare_crl_numbers(crl.crl_number, previous.crl_number);
    const auto number = to_hex(crl.crl_number);
    if (order < 0) {
        gate.fault(fmt::format("F-23: roll-back: cRLNumber {} is below {}, which is served", number,
                               to_hex(previous.crl_number)));
    }
    if (order == 0)
        gate.fault(fmt::format("F-04: another CRL with the number {} is served", number));
    if (crl.this_update < previous.this_update) {
        gate.fault(fmt::format("F-23: roll-back: thisUpdate {} is before {}, which is served",
                               to_iso8601(crl.this_update), to_iso8601(previous.this_update)));
    }
}

}  // namespace

Status check_crl(const CrlView& crl, ByteView der, const crypto::IssuerIdentity& issuer, UtcTime now,
                 const std::optional<CrlVersion>& previous, const CrlPolicy& policy) {
    Gate gate{crl, policy, {}};
    check_signature(gate, issuer);
    check_identifiers(gate, issuer);
    check_scope(gate);
    check_delta(gate);
    check_times(gate, now);
    if (previous)
        check_order(gate, der, *previous);
    if (gate.faults.empty())
        return {};
    return fail(fmt::format("CRL: {}", fmt::join(gate.faults, "; ")));
}

}  // namespace eightbells::crl
