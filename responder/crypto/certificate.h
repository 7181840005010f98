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

// A parsed X.509 certificate, immutable and cheap to copy (shared). Botan stays behind this: no exception
// leaves.
class Certificate {
  public:
    // One certificate, DER or PEM (text around the PEM block is ignored; a second block is refused).
    static Result<Certificate> parse(ByteView der_or_pem);

    ByteView der() const noexcept;
    ByteView subject_name() const noexcept;  // DER Name, byte-exact
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
    // Subject in RFC 4514 form, for messages.
    std::string subject_text() const;

    struct Parsed;  // Botan's view, for crypto/ and keys/ only
    const Parsed& parsed() const noexcept { return *parsed_; }

  private:
    explicit Certificate(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
    std::shared_ptr<const Parsed> parsed_;
};

// A CA whose certificates' status we give: one subject Name under one key. Immutable, cheap to copy.
class IssuerIdentity {
  public:
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
    // From a SubjectPublicKeyInfo.
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

// Ed25519 under a raw 32-octet public key: the store key's signatures over heads.
bool verify_ed25519(std::span<const std::uint8_t, 32> public_key, ByteView message,
                    ByteView signature) noexcept;

}  // namespace eightbells::crypto

#endif
