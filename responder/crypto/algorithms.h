#ifndef EIGHTBELLS_RESPONDER_CRYPTO_ALGORITHMS_H
#define EIGHTBELLS_RESPONDER_CRYPTO_ALGORITHMS_H

#include <cstdint>
#include <string>

#include "responder/base/bytes.h"

// The keys and signature algorithms that we know, read from their bytes.
namespace eightbells::crypto {

enum class KeyKind : std::uint8_t {
    rsa,
    rsa_pss,  // SubjectPublicKeyInfo of id-RSASSA-PSS: such a key signs with PSS alone (RFC 4055,
              // section 1.2)
    p256,
    p384,
    p521,
    ed25519,
};

struct KeyFacts {
    KeyKind kind{};
    unsigned bits = 0;          // of the modulus or the field
    bool exponent_fits = true;  // RSA: odd, from 3 on, at most 256 bits (TLS BR, section 6.1.6)
    ByteView
        pss_parameters{};  // rsa_pss: the parameters TLV; empty when absent. Borrowed from the key's bytes.

    bool is_rsa() const noexcept { return kind == KeyKind::rsa || kind == KeyKind::rsa_pss; }
    std::string name() const;  // "RSA-2048", "RSA-PSS-2048", "ECDSA-P256", "Ed25519"
    // Bits of security (NIST SP 800-57 part 1, table 2; RSA-4096 is counted as RSA-3072).
    unsigned strength() const noexcept;
};

// Reads a SubjectPublicKeyInfo. An algorithm or curve that is not ours, explicit curve parameters included,
// is an error that names it.
Result<KeyFacts> describe_key(ByteView subject_public_key_info);

// H-10: RSA of 2048 to 8192 bits, divisible by 8, or one of the three curves; Ed25519 where allowed.
Status check_key_strength(const KeyFacts& key, bool allow_ed25519);

enum class SignatureHash : std::uint8_t { none, sha256, sha384, sha512 };  // none: Ed25519 has its own
enum class SignatureKind : std::uint8_t { rsa_pkcs1, rsa_pss, ecdsa, ed25519 };

struct SignatureAlgorithm {
    SignatureKind kind{};
    SignatureHash hash = SignatureHash::none;
    unsigned salt_octets = 0;  // rsa_pss

    // What Botan calls the padding and hash.
    std::string botan_name() const;
    friend bool operator==(const SignatureAlgorithm&, const SignatureAlgorithm&) = default;
};

// Reads an AlgorithmIdentifier TLV beside a signature. SHA-1, MD5 and whatever is not known are errors that
// name the algorithm (B-11, F-26). PKCS#1 v1.5 is taken with NULL and with absent parameters (RFC 4055,
// section 5), PSS with any salt, as CAs sign with both.
Result<SignatureAlgorithm> parse_signature_algorithm(ByteView algorithm_identifier);

// An error when a key of this kind does not make such signatures, or an RSASSA-PSS key's own parameters
// forbid the hash or salt (RFC 4055, section 3.3).
Status check_algorithm_fits(const SignatureAlgorithm& algorithm, const KeyFacts& key);

// What we sign with, byte-exact (B-09): PKCS#1 v1.5 with NULL, ECDSA without parameters, PSS as the fixed 67
// octets of the TLS BR (salt as long as the hash). The bytes live as long as the program.
ByteView encode_signature_algorithm(SignatureKind kind, SignatureHash hash) noexcept;

}  // namespace eightbells::crypto

#endif
