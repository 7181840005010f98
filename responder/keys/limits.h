#ifndef EIGHTBELLS_RESPONDER_KEYS_LIMITS_H
#define EIGHTBELLS_RESPONDER_KEYS_LIMITS_H

#include <cstddef>

namespace eightbells::limits {

// A PKCS#8 file of RSA-4096 with encryption and the text that tools write around it takes below 8 KiB.
inline constexpr std::size_t key_file_octets = 64 * 1024;

}  // namespace eightbells::limits

#endif
