#ifndef EIGHTBELLS_RESPONDER_SIGNER_IDENTITY_H
#define EIGHTBELLS_RESPONDER_SIGNER_IDENTITY_H

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/page.h"
#include "responder/config/config.h"
#include "responder/crypto/certificate.h"
#include "responder/keys/signing_key.h"
#include "responder/ocsp/answer.h"

namespace eightbells::signer {

// One CertID hash's profile, ready to be signed under and to be published.
struct SigningProfile {
    ocsp::HashAlgorithm hash = ocsp::HashAlgorithm::sha256;
    ocsp::AnswerProfile answer;
    Bytes stored;            // cache::encode_profile
    cache::Digest digest{};  // its name
};

// Everything that signing for one issuer takes. Immutable, shared by all threads; a roll-over makes a new
// one.
struct Identity {
    std::size_t index = 0;  // of the issuer in the configuration
    config::Issuer settings;
    crypto::IssuerIdentity issuer;
    std::shared_ptr<const keys::SigningKey> key;
    crypto::Certificate signer_certificate;  // the delegate's, or the CA's own
    bool direct = false;                   // the CA signs itself (H-09): no certificate goes with the answers
    std::vector<SigningProfile> profiles;  // one a CertID hash, in the order of the hash's value
    std::shared_ptr<const keys::SigningKey> crl_key;  // the CA's own; null: no CRLs are made for it

    // What a record takes in a page, for the choice of page_bits: serial, signature, flags and offset.
    std::size_t record_octets() const noexcept;
    const SigningProfile& profile(ocsp::HashAlgorithm hash) const noexcept;
};

// Loads certificate and key and judges them by group H; every reason to refuse is in the error, one a line,
// with the row's id. `warnings` takes what is discouraged only.
Result<std::shared_ptr<const Identity>> load_identity(std::size_t index, const config::Issuer& settings,
                                                      UtcTime now, std::vector<std::string>& warnings);

}  // namespace eightbells::signer

#endif
