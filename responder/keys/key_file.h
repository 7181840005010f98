#ifndef EIGHTBELLS_RESPONDER_KEYS_KEY_FILE_H
#define EIGHTBELLS_RESPONDER_KEYS_KEY_FILE_H

#include <filesystem>

#include "responder/base/bytes.h"

namespace eightbells::keys {

// The one PKCS#8 structure of a key file (RFC 5958, section 2 and 3), taken out of its PEM clothes. Secret:
// whoever holds `der` scrubs it.
struct KeyBlock {
    Bytes der;
    bool encrypted = false;     // EncryptedPrivateKeyInfo, PBES2
    bool rsa_pss_only = false;  // id-RSASSA-PSS; false for an encrypted one, until the certificate tells
    Bytes pss_parameters;       // TLV; empty: none
};

// Finds and classifies the key in a file. Other forms of key files are refused with the openssl command that
// makes PKCS#8 of them; `path` stands in that command. Text and other PEM blocks around the key are passed
// over.
Result<KeyBlock> find_key_block(ByteView file, const std::filesystem::path& path);

}  // namespace eightbells::keys

#endif
