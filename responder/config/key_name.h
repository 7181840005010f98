#ifndef EIGHTBELLS_RESPONDER_CONFIG_KEY_NAME_H
#define EIGHTBELLS_RESPONDER_CONFIG_KEY_NAME_H

#include <filesystem>

namespace eightbells::config {

// Whether a configured key (`signer_key`, `generated_crl.key`) is a key in a token, by its RFC 7512 URI as it
// was written, and not a file.
inline bool names_token(const std::filesystem::path& key) {
    return key.native().starts_with("pkcs11:");
}

}  // namespace eightbells::config

#endif
