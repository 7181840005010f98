#include "responder/signer/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cache/profile.h"
#include "responder/base/durable_file.h"
#include "responder/config/key_name.h"
#include "responder/crypto/crl_rules.h"
#include "responder/crypto/limits.h"
#include "responder/der/writer.h"
#include "responder/keys/token_key.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

namespace {

// Extension { id-pkix-ocsp-archive-cutoff, GeneralizedTime } (RFC 6960, section 4.4.4; B-17, B-18).
Bytes archive_cutoff_extension(UtcTime cutoff) {
    static constexpr std::array<std::uint8_t, 9> oid{0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x06};
    std::array<std::uint8_t, 64> buffer{};
    der::Writer writer{buffer};
    writer.generalized_time(cutoff);
    writer.wrap(der::Tag::octet_string, 0);
    writer.element(der::Tag::oid, oid);
    writer.wrap(der::Tag::sequence, 0);
    return {writer.bytes().begin(), writer.bytes().end()};
}

Result<crypto::Certificate> load_certificate(const std::filesystem::path& path, std::string_view field) {
    auto bytes = read_file(path, limits::certificate_octets);
    if (!bytes)
        return fail(std::string{field}, bytes.error());
    auto certificate = crypto::Certificate::parse(*bytes);
    if (!certificate)
        return fail(fmt::format("{}: {}", field, path.string()), certificate.error());
    return certificate;
}

Result<std::string> load_passphrase(const std::filesystem::path& path, std::string_view field) {
    if (path.empty())
        return std::string{};
    auto bytes = read_file(path, limits::passphrase_octets);
    if (!bytes)
        return fail(std::string{field}, bytes.error());
    std::string text{as_text(*bytes)};
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    return text;
}

Result<SigningProfile> make_profile(const Identity& identity, ocsp::HashAlgorithm hash) {
    SigningProfile profile;
    profile.hash = hash;
    auto& answer = profile.answer;
    answer.cert_id_hash = hash;
    const auto name_hash = identity.issuer.name_hash(hash);
    const auto key_hash = identity.issuer.key_hash(hash);
    answer.issuer_name_hash.assign(name_hash.begin(), name_hash.end());
    answer.issuer_key_hash.assign(key_hash.begin(), key_hash.end());
    answer.responder_key_hash = crypto::sha1(identity.signer_certificate.public_key_bits());
    answer.signature_form = identity.key->signature_form();
    const auto algorithm = identity.key->signature_algorithm();
    answer.signature_algorithm.assign(algorithm.begin(), algorithm.end());
    if (!identity.direct) {
        const auto certificate = identity.signer_certificate.der();
        answer.signer_certificate.assign(certificate.begin(), certificate.end());
    }
    if (identity.settings.archive_cutoff) {
        const UtcTime not_before = identity.issuer.certificate().not_before();
        answer.single_extensions = archive_cutoff_extension(
            std::max(not_before, identity.settings.records_since.value_or(not_before)));
    }
    auto stored = cache::encode_profile(answer);
    if (!stored)
        return tl::unexpected<Error>(stored.error());
    profile.stored = std::move(*stored);
    profile.digest = crypto::sha256(profile.stored);
    return profile;
}

// A key as it is configured: in a file or in a token.
struct ConfiguredKey {
    std::filesystem::path key;
    std::string passphrase;  // or PIN
    bool rsa_pss = false;
};

Result<std::shared_ptr<const keys::SigningKey>> load_key(const ConfiguredKey& from,
                                                         const crypto::Certificate& certificate,
                                                         crypto::Scheme scheme,
                                                         std::vector<std::string>& warnings) {
    const auto padding = from.rsa_pss ? keys::RsaPadding::pss : keys::RsaPadding::pkcs1_v15;
    if (config::names_token(from.key))
        return keys::open_token_key({from.key.string(), from.passphrase}, certificate, padding, &warnings);
    return keys::load_signing_key({from.key, from.passphrase}, padding, scheme == crypto::Scheme::private_use,
                                  &warnings);
}

// The CA's own key for its CRLs: it must be that of its certificate, which must let it sign them (F-01).
Status load_crl_key(Identity& identity, std::vector<std::string>& warnings) {
    const auto& crl = identity.settings.generated_crl;
    if (!crl.on())
        return {};
    const std::string field = fmt::format("generated_crl.key {}", crl.key.string());
    const auto& ca = identity.issuer.certificate();
    if (const auto why = crypto::why_not_crl_signer(ca, identity.settings.scheme); !why.empty())
        return fail(field + ": " + why);
    auto passphrase = load_passphrase(crl.key_passphrase, "generated_crl.key_passphrase");
    if (!passphrase)
        return tl::unexpected<Error>(passphrase.error());
    auto key = load_key({crl.key, *passphrase, crl.rsa_pss}, ca, identity.settings.scheme, warnings);
    if (!key)
        return fail("generated_crl.key", key.error());
    if (auto matches = keys::check_key_matches(**key, ca); !matches)
        return fail(field, matches.error());
    identity.crl_key = std::move(*key);
    return {};
}

}  // namespace

const SigningProfile& Identity::profile(ocsp::HashAlgorithm hash) const noexcept {
    for (const auto& candidate : profiles) {
        if (candidate.hash == hash)
            return candidate;
    }
    return profiles.back();  // SHA-256 is always there
}

std::size_t Identity::record_octets() const noexcept {
    const auto& form = profiles.back().answer.signature_form;
    switch (form) {
        case ocsp::SignatureForm::ecdsa_p256:
            return 64 + 24;
        case ocsp::SignatureForm::ecdsa_p384:
            return 96 + 24;
        case ocsp::SignatureForm::ecdsa_p521:
            return 132 + 24;
        case ocsp::SignatureForm::octets:
            break;
    }
    // RSA: as long as the modulus; a SubjectPublicKeyInfo is little longer than that.
    return key->subject_public_key_info().size();
}

Result<std::shared_ptr<const Identity>> load_identity(std::size_t index, const config::Issuer& settings,
                                                      UtcTime now, std::vector<std::string>& warnings) {
    const std::string where = fmt::format("issuer \"{}\"", settings.name);
    auto ca = load_certificate(settings.certificate, "certificate");
    if (!ca)
        return fail(where, ca.error());
    auto issuer = crypto::IssuerIdentity::from_certificate(*ca);
    if (!issuer)
        return fail(where + ": certificate", issuer.error());
    const bool direct = settings.signer_certificate.empty();
    auto certificate = direct ? ca : load_certificate(settings.signer_certificate, "signer_certificate");
    if (!certificate)
        return fail(where, certificate.error());

    std::vector<std::string> discouraged;
    const auto faults =
        crypto::judge_signer_certificate(*certificate, *issuer, settings.scheme, now, discouraged);
    for (const auto& text : discouraged)
        warnings.push_back(where + ": " + text);
    if (!faults.empty()) {
        return fail(fmt::format("{}: {}: the certificate must not sign status:\n  {}", where,
                                direct ? settings.certificate.string() : settings.signer_certificate.string(),
                                fmt::join(faults, "\n  ")));
    }
    auto passphrase = load_passphrase(settings.signer_key_passphrase, "signer_key_passphrase");
    if (!passphrase)
        return fail(where, passphrase.error());
    auto key = load_key({settings.signer_key, *passphrase, settings.rsa_pss}, *certificate, settings.scheme,
                        warnings);
    if (!key)
        return fail(where + ": signer_key", key.error());
    if (auto matches = keys::check_key_matches(**key, *certificate); !matches) {
        return fail(fmt::format("{}: signer_key {}", where, settings.signer_key.string()), matches.error());
    }
    auto identity = std::make_shared<Identity>(Identity{
        index, settings, std::move(*issuer), std::move(*key), std::move(*certificate), direct, {}, {}});
    if (auto loaded = load_crl_key(*identity, warnings); !loaded)
        return fail(where, loaded.error());
    std::vector<ocsp::HashAlgorithm> hashes{ocsp::HashAlgorithm::sha256};
    if (settings.sha1)
        hashes.insert(hashes.begin(), ocsp::HashAlgorithm::sha1);  // B-07
    for (const auto hash : hashes) {
        auto profile = make_profile(*identity, hash);
        if (!profile)
            return fail(where, profile.error());
        identity->profiles.push_back(std::move(*profile));
    }
    return std::shared_ptr<const Identity>{std::move(identity)};
}

}  // namespace eightbells::signer
