#ifndef EIGHTBELLS_RESPONDER_KEYS_KEY_USE_H
#define EIGHTBELLS_RESPONDER_KEYS_KEY_USE_H

#include "responder/crypto/algorithms.h"
#include "responder/keys/signing_key.h"

// What a key signs with, wherever it lies.
namespace eightbells::keys {

// The one algorithm that goes with a key (H-10, B-10); an error where the key must not make such signatures.
Result<crypto::SignatureAlgorithm> choose_algorithm(const crypto::KeyFacts& key, RsaPadding padding);

ocsp::SignatureForm form_for(crypto::KeyKind kind) noexcept;

// Halves that do not belong together sign what nobody can verify; found out now, not by clients.
Status check_by_signing(const SigningKey& key, const crypto::SignatureAlgorithm& algorithm);

}  // namespace eightbells::keys

#endif
