#ifndef EIGHTBELLS_RESPONDER_FRONT_STORE_KEYS_H
#define EIGHTBELLS_RESPONDER_FRONT_STORE_KEYS_H

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "cache/head.h"
#include "responder/base/result.h"

namespace eightbells::front {

// The public store keys whose heads are believed: those written in the configuration and those in files, one
// a line in 64 hexadecimal digits; empty lines and lines that begin with "#" are skipped. All or nothing: a
// file that is missing, or a line that is no key, is an error that names it, and so is a list without any
// key. The signer makes the default file on first use, so a caller tries again later.
Result<std::vector<cache::StorePublicKey>> read_store_keys(std::span<const std::string> keys,
                                                           std::span<const std::filesystem::path> files);

}  // namespace eightbells::front

#endif
