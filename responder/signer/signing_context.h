#ifndef EIGHTBELLS_RESPONDER_SIGNER_SIGNING_CONTEXT_H
#define EIGHTBELLS_RESPONDER_SIGNER_SIGNING_CONTEXT_H

#include <memory>
#include <span>

#include "responder/ocsp/answer.h"
#include "responder/signer/identity.h"

namespace eightbells::signer {

// One thread's signing state for one identity: the key's context, and the verifier under the certificate that
// goes with the answers.
struct SigningContext {
    std::shared_ptr<const Identity> identity;  // keeps the key alive for the signer below
    std::unique_ptr<keys::SigningKey::Signer> signer;
    crypto::SignatureVerifier verifier;
};
Result<std::unique_ptr<SigningContext>> make_signing_context(const std::shared_ptr<const Identity>& identity);

// Holds an answer's bytes against what was meant (B-23). The parser and the verifier know nothing of the
// encoder's state. `singles` in the order of the answer; `nonce` as asked for.
struct MeantSingle {
    ByteView cert_id;  // TLV; empty: the profile's own CertID with this serial
    ByteView serial;   // canonical magnitude
    bool unknown = false;
    CertStatus status;
    UtcTime this_update{};
    UtcTime next_update{};
};
Status check_answer(ByteView response, const ocsp::AnswerProfile& profile, UtcTime produced_at,
                    std::span<const MeantSingle> singles, std::optional<ByteView> nonce,
                    crypto::SignatureVerifier& verifier);

}  // namespace eightbells::signer

#endif
