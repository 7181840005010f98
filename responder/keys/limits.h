#ifndef EIGHTBELLS_RESPONDER_KEYS_LIMITS_H
#define EIGHTBELLS_RESPONDER_KEYS_LIMITS_H

#include <cstddef>

namespace eightbells::limits {

// A PKCS#8 file of RSA-4096 with encryption and the text that tools write around it takes below 8 KiB.
inline constexpr std::size_t key_file_octets = 64 * 1024;

// A CRL of a hundred thousand entries takes 4 MB; what signs more than this is not Ed25519.
inline constexpr std::size_t held_message_octets = 64 * 1024 * 1024;

// Slots of one module that are looked at for a token. Modules have one slot or a few; network modules dozens.
inline constexpr std::size_t token_slots = 1024;

// RSA-8192, the longest key that may sign, makes 1,024 octets.
inline constexpr std::size_t token_signature_octets = 1024;

// What remembers the keys in use: of 256 issuers two each, 400 octets, are 200 KiB.
inline constexpr std::size_t keys_in_use_octets = 1024 * 1024;

}  // namespace eightbells::limits

#endif
