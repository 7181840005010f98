#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "responder/crl/crl.h"
#include "responder/crl/distribution_point.h"
#include "responder/crl/limits.h"
#include "responder/crypto/algorithms.h"
#include "responder/crypto/text.h"

namespace eightbells::crl {

namespace {

// For a message: no line may be forged by it.
std::string printable(ByteView text) {
    std::string result;
    for (const std::uint8_t octet : text.first(std::min<std::size_t>(text.size(), 255)))
        result += octet > ' ' && octet < 0x7f ? static_cast<char>(octet) : '?';
    return result;
}

struct Gate {
    const CrlView& crl;
    const CrlPolicy& policy;
    std::vector<std::string> faults;

    void fault(std::string text) { faults.push_back(std::move(text)); }
    void warn(const std::string& text) {
        if (policy.warnings != nullptr)
            policy.warnings->push_back("CRL: " + text);
    }
    bool binding() const { return crypto::is_public_trust(policy.scheme); }
    // What binds in the BR and is advice elsewhere.
    void depart(std::string text) {
        if (binding())
            fault(std::move(text));
        else
            warn(text);
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

// F-12: a part of the issuer's certificates under the URI that stands in them, or all of them.
void check_scope(Gate& gate) {
    const std::string& configured = gate.policy.distribution_point;
    if (gate.crl.issuing_distribution_point.empty()) {
        if (!configured.empty())
            gate.fault(fmt::format("F-12: issuingDistributionPoint is absent; it must name {}", configured));
        return;
    }
    const auto point = parse_issuing_distribution_point(gate.crl.issuing_distribution_point);
    if (!point) {
        gate.fault(point.error().message);
        return;
    }
    if (point->indirect)
        gate.fault("F-11: an indirect CRL is not accepted");
    if (point->only_attribute_certificates)
        gate.fault("F-12: it covers attribute certificates only");
    if (point->only_some_reasons)
        gate.fault("F-12: it covers some reasons only, so that absence from it says nothing");
    if (point->only_user_certificates && point->only_ca_certificates)
        gate.fault("F-12: it says both onlyContainsUserCerts and onlyContainsCACerts");
    if (point->has_relative_name)
        gate.fault("F-12: issuingDistributionPoint has a name relative to the issuer, not a URI");
    if (configured.empty()) {
        gate.warn(
            "F-13: it carries an issuingDistributionPoint, which a full CRL should not; for a part of the "
            "issuer's certificates `distribution_point` is to be configured");
    } else if (std::ranges::none_of(point->uris, [&](ByteView uri) { return as_text(uri) == configured; })) {
        std::vector<std::string> named;
        for (const ByteView uri : point->uris)
            named.push_back(printable(uri));
        gate.fault(fmt::format("F-12: issuingDistributionPoint names [{}], not {} byte for byte",
                               fmt::join(named, ", "), configured));
    }
}

// F-15: a delta goes with the CRL that is served: its base is not newer, and scope and numbers are the same
// series.
void check_delta(Gate& gate) {
    const CrlView& crl = gate.crl;
    if (!crl.is_delta) {
        if (gate.policy.accept_delta)
            gate.fault("F-15: a full CRL stands where a delta is expected");
        else if (crl.has_freshest_crl != gate.policy.has_delta)
            gate.warn(crl.has_freshest_crl ? "F-15: freshestCRL names a delta CRL, but none is configured"
                                           : "F-15: a delta CRL is configured, but freshestCRL names none");
        return;
    }
    if (!gate.policy.accept_delta) {
        gate.fault("F-15: a delta CRL stands where a full one is expected");
        return;
    }
    if (crl.has_freshest_crl)
        gate.fault("F-15: a delta CRL carries freshestCRL");
    if (!crl.crl_number.empty() && compare_crl_numbers(crl.base_crl_number, crl.crl_number) > 0)
        gate.fault("F-15: the delta's base is newer than the delta");
    const CrlView* base = gate.policy.base;
    if (base == nullptr) {
        gate.fault("F-15: there is no base yet that it could go with");
        return;
    }
    if (compare_crl_numbers(crl.base_crl_number, base->crl_number) > 0) {
        gate.fault(fmt::format("F-15: its base is number {}, but {} is served", to_hex(crl.base_crl_number),
                               to_hex(base->crl_number)));
    }
    if (compare_crl_numbers(crl.crl_number, base->crl_number) < 0) {
        gate.fault(fmt::format("F-15: its number {} is below {} of the base that is served",
                               to_hex(crl.crl_number), to_hex(base->crl_number)));
    }
    if (!equal(crl.issuing_distribution_point, base->issuing_distribution_point))
        gate.fault("F-15: its scope is not its base's");
}

// D-13, D-14: how far nextUpdate may lie ahead. The last CRL of a scope (F-18) has no next.
void check_lifetime(Gate& gate) {
    const CrlView& crl = gate.crl;
    const UtcTime next = *crl.next_update;
    if (covers_cas(crl, gate.policy)) {
        const auto day = std::chrono::floor<std::chrono::days>(crl.this_update);
        std::chrono::year_month_day year_later = std::chrono::year_month_day{day} + limits::crl_ca_validity;
        if (!year_later.ok())  // 29 February
            year_later = year_later.year() / year_later.month() / std::chrono::last;
        const UtcTime most = std::chrono::sys_days{year_later} + (crl.this_update - day);
        if (next > most && (gate.binding() || next != year_9999))
            gate.depart(fmt::format("D-14: nextUpdate {} is more than twelve months after thisUpdate {}",
                                    to_iso8601(next), to_iso8601(crl.this_update)));
    } else if (gate.binding() && next - crl.this_update + seconds{1} > limits::crl_leaf_validity) {
        gate.fault(fmt::format("D-13: nextUpdate {} is more than ten days after thisUpdate {}",
                               to_iso8601(next), to_iso8601(crl.this_update)));
    }
}

void check_times(Gate& gate, UtcTime now) {
    const auto& crl = gate.crl;
    if (crl.this_update > now) {
        gate.fault(fmt::format("F-23: thisUpdate {} is in the future", to_iso8601(crl.this_update)));
    }
    if (!crl.next_update) {
        gate.fault("F-23: nextUpdate is absent");
    } else if (*crl.next_update <= now) {
        gate.fault(fmt::format("F-23: expired: nextUpdate {} has passed", to_iso8601(*crl.next_update)));
    } else if (*crl.next_update <= crl.this_update) {
        gate.fault("F-23: nextUpdate is not after thisUpdate");
    } else {
        check_lifetime(gate);
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

bool covers_cas(const CrlView& crl, const CrlPolicy& policy) {
    if (crl.issuing_distribution_point.empty())
        return policy.covers_cas;
    const auto point = parse_issuing_distribution_point(crl.issuing_distribution_point);
    if (!point || point->only_ca_certificates == point->only_user_certificates)
        return policy.covers_cas;
    return point->only_ca_certificates;
}

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
