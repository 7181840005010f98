#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "responder/crypto/algorithms.h"
#include "responder/crypto/certificate.h"
#include "responder/crypto/extension_oids.h"
#include "responder/crypto/text.h"
#include "responder/der/reader.h"

// Group H, and B-11 of group B, over the bytes of a certificate. What a scheme's sources only advise is a
// warning.
namespace eightbells::crypto {

namespace {

using der::Reader;
using der::Tag;

constexpr std::array<std::pair<Scheme, std::string_view>, 4> schemes{{
    {Scheme::eutl, "eutl"},
    {Scheme::tls_br, "tls-br"},
    {Scheme::smime_br, "smime-br"},
    {Scheme::private_use, "private"},
}};

// One judgement in the making: what it is about and where the lines go.
struct Judgement {
    const Certificate& signer;
    const Certificate& issuer;
    Scheme scheme;
    UtcTime now;
    std::vector<std::string>& warnings;
    std::vector<std::string> faults;

    bool baseline() const noexcept { return is_public_trust(scheme); }
    void fault(std::string_view row, std::string_view text) {
        faults.push_back(fmt::format("{}: {}", row, text));
    }
    void warn(std::string_view row, std::string_view text) {
        warnings.push_back(fmt::format("{}: {}", row, text));
    }
    // Binding in the BR, advice elsewhere.
    void fault_in_baseline(std::string_view row, std::string_view text) {
        baseline() ? fault(row, text) : warn(row, text);
    }
};

// ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId; empty: not that.
std::vector<ByteView> key_purposes(ByteView value) {
    std::vector<ByteView> purposes;
    Reader outer{value};
    auto list = outer.read_into(Tag::sequence);
    while (list && outer.empty() && !list->empty()) {
        const auto purpose = list->read_oid();
        if (!purpose)
            return {};
        purposes.push_back(*purpose);
    }
    return purposes;
}

// Bit 0 of KeyUsage, the first of the first octet; nullopt when the value is no BIT STRING.
std::optional<bool> digital_signature_bit(ByteView value) noexcept {
    Reader reader{value};
    const auto bits = reader.read(Tag::bit_string);
    if (!bits || !reader.empty() || bits->empty() || (*bits)[0] > 7)
        return std::nullopt;
    return bits->size() > 1 && ((*bits)[1] & 0x80) != 0;
}

void judge_key(Judgement& j) {
    const auto key = describe_key(j.signer.subject_public_key_info());
    if (!key) {
        j.fault("H-10", key.error().message);
        return;
    }
    if (auto strong = check_key_strength(*key, j.scheme == Scheme::private_use); !strong)
        j.fault("H-10", strong.error().message);
    else if (key->is_rsa() && key->bits < 3072)
        j.warn("H-10", fmt::format("{}: new keys should have at least 3072 bits", key->name()));
    const auto issuer_key = describe_key(j.issuer.subject_public_key_info());
    if (issuer_key && key->strength() < std::min(issuer_key->strength(), 128U)) {
        j.warn("B-11",
               fmt::format("{} is weaker than the issuer's {}, which signs the certificates reported on",
                           key->name(), issuer_key->name()));
    }
}

void judge_validity(Judgement& j, std::string_view expired_row) {
    if (j.now < j.signer.not_before())
        j.fault("H-06", fmt::format("not valid before {}; it is {} now", to_iso8601(j.signer.not_before()),
                                    to_iso8601(j.now)));
    if (j.now > j.signer.not_after())
        j.fault(expired_row, fmt::format("expired at {}", to_iso8601(j.signer.not_after())));
}

// H-09: the CA itself signs.
void judge_direct(Judgement& j) {
    judge_validity(j, "H-16");
    judge_key(j);
    const auto* usage = j.signer.find_extension(oids::key_usage);
    if (usage == nullptr) {
        if (j.scheme == Scheme::private_use)
            j.warn("H-09", "the CA certificate has no keyUsage; digitalSignature should be there");
        else
            j.fault("H-09",
                    "the CA signs status itself, but its certificate has no keyUsage with digitalSignature");
    } else if (digital_signature_bit(usage->value) != true) {
        j.fault("H-09", "the CA signs status itself, but its keyUsage lacks digitalSignature");
    }
}

void judge_signature(Judgement& j) {
    const bool same_name = equal(j.signer.issuer_name(), j.issuer.subject_name());
    if (!same_name) {
        j.fault("H-06", fmt::format("the issuer Name \"{}\" is not byte-identical to the CA's subject \"{}\"",
                                    j.signer.issuer_text(), j.issuer.subject_text()));
    }
    const auto theirs = j.signer.authority_key_identifier();
    const auto ours = j.issuer.subject_key_identifier();
    const bool other_key_named = theirs && ours && !equal(*theirs, *ours);
    if (other_key_named) {
        j.fault("H-05", fmt::format("authorityKeyIdentifier {} is not the issuer's subjectKeyIdentifier {}",
                                    to_hex(*theirs), to_hex(*ours)));
    }
    const auto algorithm = parse_signature_algorithm(j.signer.signature_algorithm());
    if (!algorithm) {
        j.fault("B-11", "signed too weakly: " + algorithm.error().message);
        return;  // what SHA-1 signed proves nothing
    }
    auto verifier = SignatureVerifier::from_public_key(j.issuer.subject_public_key_info());
    if (!verifier) {
        j.fault("H-01", verifier.error().message);
        return;
    }
    if (verifier->verify(j.signer.signature_algorithm(), j.signer.tbs(), j.signer.signature()))
        return;
    if (!same_name) {
        j.fault("H-01",
                fmt::format("not signed by this issuer's key: this is a signer of another CA, \"{}\"; "
                            "each issuer needs a signer that its own key certified",
                            j.signer.issuer_text()));
    } else if (other_key_named) {
        j.fault("H-01",
                "signed by another key of the same CA Name (re-keyed or sibling CA): each issuer key needs "
                "a signer of its own");
    } else {
        j.fault("H-01",
                "the signature does not verify under this issuer's key: forged, damaged, or signed by "
                "another key of the same CA Name (re-keyed or sibling CA)");
    }
}

void judge_purpose(Judgement& j) {
    const auto* extension = j.signer.find_extension(oids::extended_key_usage);
    if (extension == nullptr) {
        j.fault("H-02", "extended key usage is absent; it must be OCSPSigning alone");
    } else {
        const auto purposes = key_purposes(extension->value);
        std::vector<std::string> names;
        for (const ByteView purpose : purposes)
            names.push_back(oid_text(purpose));
        if (purposes.size() != 1 || !equal(purposes[0], oids::ocsp_signing)) {
            j.fault("H-02",
                    fmt::format("extended key usage is {}; it must be OCSPSigning (1.3.6.1.5.5.7.3.9) alone",
                                names.empty() ? "not DER" : fmt::format("{}", fmt::join(names, ", "))));
        }
    }
    const auto* nocheck = j.signer.find_extension(oids::ocsp_nocheck);
    static constexpr std::array<std::uint8_t, 2> null_value{0x05, 0x00};
    if (nocheck == nullptr)
        j.fault("H-03", "id-pkix-ocsp-nocheck is absent");
    else if (nocheck->critical)
        j.fault("H-03", "id-pkix-ocsp-nocheck is critical");
    else if (!equal(nocheck->value, null_value))
        j.fault("H-03", fmt::format("id-pkix-ocsp-nocheck has the value {}; it must be 0500",
                                    to_hex(nocheck->value)));
    const auto* ca_purposes = j.issuer.find_extension(oids::extended_key_usage);
    if (ca_purposes != nullptr) {
        const auto purposes = key_purposes(ca_purposes->value);
        if (std::ranges::none_of(purposes, [](ByteView p) { return equal(p, oids::ocsp_signing); }))
            j.warn("H-15",
                   "the issuer's own extended key usage lacks OCSPSigning: clients that nest extended key "
                   "usages refuse a delegated signer; the CA could sign itself");
    }
}

void judge_pointers(Judgement& j) {
    if (const auto* access = j.signer.find_extension(oids::authority_information_access)) {
        Reader outer{access->value};
        auto list = outer.read_into(Tag::sequence);
        bool readable = list && outer.empty();
        while (readable && !list->empty()) {
            auto description = list->read_into(Tag::sequence);
            const auto method = description ? description->read_oid() : std::nullopt;
            readable = method.has_value();
            if (readable && equal(*method, oids::ad_ocsp)) {
                j.fault("H-04",
                        "authorityInfoAccess names an OCSP responder: status of the signer itself would be "
                        "asked for without end");
                break;
            }
        }
        if (!readable)
            j.fault("H-04", "authorityInfoAccess is not DER");
    }
    if (j.signer.find_extension(oids::crl_distribution_points) != nullptr)
        j.fault_in_baseline("H-04", "the signer certificate has CRL distribution points");
}

void judge_usage(Judgement& j) {
    static constexpr std::array<std::uint8_t, 4> digital_signature_alone{0x03, 0x02, 0x07, 0x80};
    static constexpr std::array<std::uint8_t, 2> empty_sequence{0x30, 0x00};
    const auto* usage = j.signer.find_extension(oids::key_usage);
    if (usage == nullptr)
        j.fault("H-05", "keyUsage is absent; it must be critical, with digitalSignature alone");
    else if (!equal(usage->value, digital_signature_alone))
        j.fault("H-05", fmt::format("keyUsage is {}; it must be digitalSignature alone (03020780)",
                                    to_hex(usage->value)));
    if (usage != nullptr && !usage->critical)
        j.fault("H-05", "keyUsage is not critical");
    const auto* constraints = j.signer.find_extension(oids::basic_constraints);
    if (j.signer.is_ca())
        j.fault("H-05", "it is a CA certificate: whoever holds a subordinate CA's key could sign status");
    else if (constraints != nullptr && !equal(constraints->value, empty_sequence))
        j.fault("H-05",
                fmt::format("basicConstraints is {}; absent or 3000 is allowed", to_hex(constraints->value)));
    if (!j.signer.authority_key_identifier())
        j.fault_in_baseline("H-05", "authorityKeyIdentifier with a keyIdentifier is absent");
    if (!j.signer.subject_key_identifier())
        j.warn("H-05", "subjectKeyIdentifier is absent");
    if (j.signer.find_extension(oids::name_constraints) != nullptr)
        j.fault_in_baseline("H-05", "nameConstraints has no place in a signer certificate");
    if (j.signer.find_extension(oids::subject_alternative_name) != nullptr)
        j.fault_in_baseline("H-05", "subjectAltName has no place in a signer certificate");
    if (j.signer.find_extension(oids::certificate_policies) != nullptr)
        j.warn("H-05", "certificatePolicies is discouraged in a signer certificate");
    for (const auto& extension : j.signer.extensions()) {
        const bool understood = equal(extension.oid, oids::key_usage) ||
                                equal(extension.oid, oids::extended_key_usage) ||
                                equal(extension.oid, oids::basic_constraints) ||
                                equal(extension.oid, oids::ocsp_nocheck) ||  // H-03 speaks of it
                                equal(extension.oid, oids::name_constraints) ||
                                equal(extension.oid, oids::certificate_policies) ||
                                equal(extension.oid, oids::subject_alternative_name);
        if (extension.critical && !understood)
            j.fault("H-05", fmt::format("the critical extension {} is one that clients may not know",
                                        oid_text(extension.oid)));
    }
}

void judge_lifetime(Judgement& j) {
    judge_validity(j, "H-07");
    const auto serial = j.signer.serial();
    if (!serial)
        j.fault("H-06", "the serial number is zero, negative or longer than 20 octets");
    else if (serial->magnitude().size() < 8)
        j.fault_in_baseline("H-06", fmt::format("serial {} has no 64 random bits", serial->to_hex()));
    const auto life = j.signer.not_after() - j.signer.not_before();
    if (life > std::chrono::days{91}) {
        j.warn("H-07",
               fmt::format("valid for {} days: with nocheck it cannot be revoked; 30 to 90 days are advised",
                           std::chrono::floor<std::chrono::days>(life).count()));
    }
    if (j.now > j.issuer.not_after())
        j.warn(
            "H-16",
            fmt::format(
                "the issuer's certificate expired at {}: clients can no longer validate a delegated signer",
                to_iso8601(j.issuer.not_after())));
}

}  // namespace

std::string_view to_string(Scheme scheme) noexcept {
    for (const auto& [value, name] : schemes) {
        if (value == scheme)
            return name;
    }
    return "private";
}

std::optional<Scheme> scheme_from_string(std::string_view text) noexcept {
    for (const auto& [value, name] : schemes) {
        if (name == text)
            return value;
    }
    return std::nullopt;
}

std::vector<std::string> judge_signer_certificate(const Certificate& signer, const IssuerIdentity& issuer,
                                                  Scheme scheme, UtcTime now,
                                                  std::vector<std::string>& warnings) {
    Judgement j{signer, issuer.certificate(), scheme, now, warnings, {}};
    // Byte-equal, or another certificate of the same CA key: a cross certificate or one that was renewed.
    const bool direct = equal(signer.der(), j.issuer.der()) ||
                        (signer.is_ca() && equal(signer.subject_name(), j.issuer.subject_name()) &&
                         equal(signer.subject_public_key_info(), j.issuer.subject_public_key_info()));
    if (direct) {
        judge_direct(j);
        return std::move(j.faults);
    }
    judge_signature(j);
    judge_purpose(j);
    judge_pointers(j);
    judge_usage(j);
    judge_lifetime(j);
    judge_key(j);
    return std::move(j.faults);
}

}  // namespace eightbells::crypto
