#ifndef EIGHTBELLS_RESPONDER_KEYS_TOKEN_KEY_H
#define EIGHTBELLS_RESPONDER_KEYS_TOKEN_KEY_H

#include "responder/keys/signing_key.h"

namespace eightbells::keys {

// A private key in a hardware module, by its RFC 7512 name with the module (PKCS#11) that leads to it:
// "pkcs11:token=ca;object=crl?module-path=/usr/lib/softhsm/libsofthsm2.so".
struct TokenKey {
    std::string uri;
    std::string pin;  // empty: the token wants none
};

// The key stays where it is: only digests go to it. Its public half is the certificate's, since modules show
// theirs in many ways or not at all; the key has signed and the certificate verified that before this
// returns. Ed25519 is refused: it would need the whole message. A PIN that was refused is not tried again,
// because tokens lock themselves; a token that went away is looked for anew at the next signature. `warnings`
// takes that the key could leave the token (H-11). A call into the module takes as long as it takes.
Result<std::shared_ptr<const SigningKey>> open_token_key(const TokenKey& where,
                                                         const crypto::Certificate& certificate,
                                                         RsaPadding padding,
                                                         std::vector<std::string>* warnings = nullptr);

}  // namespace eightbells::keys

#endif
