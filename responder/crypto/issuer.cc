#include <botan/hash.h>

#include <array>

#include "responder/crypto/algorithms.h"
#include "responder/crypto/certificate.h"

namespace eightbells::crypto {

namespace {

Bytes digest_of(std::string_view algorithm, ByteView bytes) {
    const auto hash = Botan::HashFunction::create_or_throw(algorithm);
    hash->update(bytes);
    Bytes digest(hash->output_length());
    hash->final(std::span<std::uint8_t>{digest});
    return digest;
}

constexpr std::array<std::string_view, ocsp::hash_algorithms> signed_ahead{"SHA-1", "SHA-256"};

// The hash behind an OID; empty: not supported. MD5 and SHA-224 never were in use for CertIDs.
std::string_view hash_name(ByteView oid) noexcept {
    static constexpr std::array<std::uint8_t, 5> sha1_oid{0x2b, 0x0e, 0x03, 0x02, 0x1a};
    static constexpr std::array<std::uint8_t, 8> sha2_arc{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02};
    if (equal(oid, sha1_oid))
        return "SHA-1";
    if (oid.size() != sha2_arc.size() + 1 || !equal(oid.first(sha2_arc.size()), sha2_arc))
        return {};
    switch (oid.back()) {
        case 1:
            return "SHA-256";
        case 2:
            return "SHA-384";
        case 3:
            return "SHA-512";
        default:
            return {};
    }
}

}  // namespace

Result<IssuerIdentity> IssuerIdentity::from_certificate(const Certificate& certificate) {
    const bool version_1_root =
        certificate.extensions().empty() && equal(certificate.subject_name(), certificate.issuer_name());
    if (!certificate.is_ca() && !version_1_root) {
        return fail("issuer certificate (" + certificate.subject_text() +
                    "): not a CA's: basicConstraints does not say cA");
    }
    const auto key = describe_key(certificate.subject_public_key_info());
    if (!key)
        return fail("issuer certificate (" + certificate.subject_text() + ")", key.error());
    if (auto strong = check_key_strength(*key, true); !strong)
        return fail("issuer certificate (" + certificate.subject_text() + "): H-10", strong.error());

    IssuerIdentity issuer{certificate};
    Sha256 id;
    id.update(certificate.subject_name());
    id.update(certificate.subject_public_key_info());
    const Sha256Digest digest = id.finish();
    issuer.id_ = to_hex(ByteView{digest}.first(16));
    for (std::size_t i = 0; i < signed_ahead.size(); ++i) {
        issuer.name_hashes_[i] = digest_of(signed_ahead[i], certificate.subject_name());
        issuer.key_hashes_[i] = digest_of(signed_ahead[i], certificate.public_key_bits());
    }
    return issuer;
}

ByteView IssuerIdentity::name_hash(ocsp::HashAlgorithm hash) const noexcept {
    return name_hashes_[static_cast<std::size_t>(hash)];
}

ByteView IssuerIdentity::key_hash(ocsp::HashAlgorithm hash) const noexcept {
    return key_hashes_[static_cast<std::size_t>(hash)];
}

std::optional<IssuerIdentity::Hashes> IssuerIdentity::hashes_for(ByteView hash_oid) const {
    const std::string_view name = hash_name(hash_oid);
    if (name.empty())
        return std::nullopt;
    return Hashes{digest_of(name, certificate_.subject_name()),
                  digest_of(name, certificate_.public_key_bits())};
}

}  // namespace eightbells::crypto
