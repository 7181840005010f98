#ifndef EIGHTBELLS_RESPONDER_LIVE_SECRET_H
#define EIGHTBELLS_RESPONDER_LIVE_SECRET_H

#include <filesystem>
#include <string_view>
#include <vector>

#include "responder/base/result.h"
#include "responder/tls/context.h"

namespace eightbells::live {

// By what a signer and the fronts on other machines know one another: a file of secrets, each 256 random bits
// as 64 hexadecimal digits on a line of its own, the same file at both ends. A front uses the first, a signer
// believes all of them, so that they can be changed while both run. It gives away no key: who has it may call
// for answers within the budget, as a front may.
//
// A secret's name in TLS is made from it (SHA-256), so that a signer finds the one that is meant.
tls::Key key_of(const tls::Secret& secret);
// 1 to limits::live_secrets of them; errors name `place` and the line.
Result<std::vector<tls::Key>> parse_secrets(std::string_view text, std::string_view place);
Result<std::vector<tls::Key>> load_secrets(const std::filesystem::path& file);
// The same; a file that is not there is made, with one new secret, readable by its owner only.
Result<std::vector<tls::Key>> load_or_create_secrets(const std::filesystem::path& file);

}  // namespace eightbells::live

#endif
