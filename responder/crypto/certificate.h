#ifndef EIGHTBELLS_RESPONDER_CRYPTO_CERTIFICATE_H
#define EIGHTBELLS_RESPONDER_CRYPTO_CERTIFICATE_H

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/base/serial.h"
#include "responder/crypto/digest.h"
#include "responder/ocsp/answer.h"
#include "responder/ocsp/cert_id.h"

namespace eightbells::crypto {

// An X.509 certificate read from its bytes, immutable and cheap to copy (shared). Everything it hands out
// lives as long as one of the copies. Strict DER (RFC 5280, section 4.1), with two tolerances that issued
// certificates need: DEFAULT values that are spelled out, and GeneralizedTime before 2050. Its key need not
// be of a kind that we know, and nothing is verified.
class Certificate {
  public:
    // One certificate, DER or PEM (text around the PEM block is ignored; a second block is refused).
    static Result<Certificate> parse(ByteView der_or_pem);

    ByteView der() const noexcept;
    ByteView tbs() const noexcept;                  // TLV: what the signature covers
    ByteView signature_algorithm() const noexcept;  // AlgorithmIdentifier TLV, inner and outer equal
    ByteView signature() const noexcept;            // BIT STRING octets
    ByteView subject_name() const noexcept;         // DER Name, byte-exact
    ByteView issuer_name() const noexcept;
    ByteView public_key_bits()
        const noexcept;  // content of subjectPublicKey without the unused-bits octet
    ByteView subject_public_key_info() const noexcept;
    std::optional<Serial> serial() const noexcept;
    UtcTime not_before() const noexcept;
    UtcTime not_after() const noexcept;
    bool is_ca() const noexcept;
    // "RSA-2048", "ECDSA-P256", "Ed25519": for messages.
    std::string key_name() const;
    // Subject and issuer in RFC 4514 form, for messages.
    std::string subject_text() const;
    std::string issuer_text() const;

    struct Extension {
        ByteView oid;  // content octets
        bool critical = false;
        ByteView value;  // content of extnValue
    };
    // In the order they stand; no OID occurs twice.
    std::span<const Extension> extensions() const noexcept;
    const Extension* find_extension(ByteView oid) const noexcept;  // nullptr: absent
    // The keyIdentifier of the extension; nullopt when it is absent.
    std::optional<ByteView> subject_key_identifier() const noexcept;
    std::optional<ByteView> authority_key_identifier() const noexcept;

  private:
    struct Parts;
    explicit Certificate(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
    std::shared_ptr<const Parts> parts_;
};

// The keyIdentifier in an AuthorityKeyIdentifier value (RFC 5280, section 4.2.1.1), of a certificate or CRL;
// nullopt: not there, or not DER.
std::optional<ByteView> key_identifier_of(ByteView authority_key_identifier) noexcept;

// A CA whose certificates' status we give: one subject Name under one key. Immutable, cheap to copy.
class IssuerIdentity {
  public:
    // Refused: a certificate that is not a CA's, or a key that H-10 does not allow (Ed25519 is left to the
    // scheme).
    static Result<IssuerIdentity> from_certificate(const Certificate& certificate);

    // 32 hex digits: the first 16 octets of SHA-256 over subject Name and SubjectPublicKeyInfo. Names the
    // issuer in every store.
    const std::string& id() const noexcept { return id_; }
    const Certificate& certificate() const noexcept { return certificate_; }
    ByteView name_hash(ocsp::HashAlgorithm hash) const noexcept;
    ByteView key_hash(ocsp::HashAlgorithm hash) const noexcept;
    // For CertIDs with a hash that is not signed ahead (SHA-384, SHA-512: answered live, A-05). `oid` is the
    // OID's content. nullopt: the hash is not supported (MD5, anything unknown).
    struct Hashes {
        Bytes name;
        Bytes key;
    };
    std::optional<Hashes> hashes_for(ByteView hash_oid) const;

  private:
    explicit IssuerIdentity(Certificate certificate) : certificate_(std::move(certificate)) {}
    Certificate certificate_;
    std::string id_;
    std::array<Bytes, ocsp::hash_algorithms> name_hashes_;
    std::array<Bytes, ocsp::hash_algorithms> key_hashes_;
};

// The issuer's profile decides which rules bind (requirements, "Scope words").
enum class Scheme : std::uint8_t { eutl, tls_br, smime_br, private_use };
std::string_view to_string(Scheme scheme) noexcept;  // "eutl", "tls-br", "smime-br", "private"
std::optional<Scheme> scheme_from_string(std::string_view text) noexcept;
// Whether the CA/Browser Forum's Baseline Requirements bind.
constexpr bool is_public_trust(Scheme scheme) noexcept {
    return scheme == Scheme::tls_br || scheme == Scheme::smime_br;
}

// Judges a certificate that is to sign status for `issuer` by group H. Every broken rule is one line that
// begins with the row's id ("H-02: extended key usage is ..."). Empty: fit. A `signer` equal to the issuer's
// own certificate means direct signing (H-09). `warnings` takes what is discouraged but not refused.
std::vector<std::string> judge_signer_certificate(const Certificate& signer, const IssuerIdentity& issuer,
                                                  Scheme scheme, UtcTime now,
                                                  std::vector<std::string>& warnings);

// Checks signatures under one public key, the key built once (building it anew costs 45 % more a check). One
// object a thread.
class SignatureVerifier {
  public:
    // From a SubjectPublicKeyInfo. Weak keys are refused (H-10).
    static Result<SignatureVerifier> from_public_key(ByteView subject_public_key_info);
    ~SignatureVerifier();
    SignatureVerifier(SignatureVerifier&&) noexcept;
    SignatureVerifier& operator=(SignatureVerifier&&) noexcept;

    // `algorithm` is the AlgorithmIdentifier TLV beside the signature; `signature` as it stands in the BIT
    // STRING. SHA-1 and anything weaker is refused (B-11, F-26). False on a wrong signature and on every
    // malformed input.
    bool verify(ByteView algorithm, ByteView message, ByteView signature) noexcept;

  private:
    struct State;
    explicit SignatureVerifier(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// The certificate names the issuer byte for byte (H-06) and is signed by its key; `key` must be made from
// the issuer's public key. Validity and extensions are not looked at.
Status check_issued_by(const Certificate& certificate, const IssuerIdentity& issuer, SignatureVerifier& key);

// Ed25519 under a raw 32-octet public key: the store key's signatures over heads.
bool verify_ed25519(std::span<const std::uint8_t, 32> public_key, ByteView message,
                    ByteView signature) noexcept;

}  // namespace eightbells::crypto

#endif
