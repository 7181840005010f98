#ifndef EIGHTBELLS_TESTS_LIVE_OPENSSL_SECRET_H
#define EIGHTBELLS_TESTS_LIVE_OPENSSL_SECRET_H

#include <string>
#include <vector>

#include "responder/base/bytes.h"
#include "responder/live/secret.h"

namespace eightbells::tests {

inline tls::Secret secret(std::uint8_t fill) {
    tls::Secret made;
    made.fill(fill);
    return made;
}

// With these words `openssl s_client` and `s_server` prove that they have the secret.
inline std::vector<std::string> openssl_proof(const tls::Secret& secret) {
    return {"-ciphersuites", "TLS_AES_128_GCM_SHA256", "-psk_identity", live::key_of(secret).name, "-psk",
            to_hex(secret)};
}

}  // namespace eightbells::tests

#endif
