#ifndef EIGHTBELLS_RESPONDER_LEDGER_SCHEMA_H
#define EIGHTBELLS_RESPONDER_LEDGER_SCHEMA_H

#include <filesystem>

#include "responder/ledger/sqlite.h"

namespace eightbells::ledger {

inline constexpr std::int64_t application_id = 0x45384c47;  // "E8LG"
inline constexpr std::int64_t schema_version = 2;

// Opens the ledger's file for writing, made first when it is missing and `create` says so; refuses any other
// file, a later version, and one that is only half made. Durable settings are on afterwards.
Result<Database> open_for_writing(const std::filesystem::path& file, bool create);
Result<Database> open_for_reading(const std::filesystem::path& file);

}  // namespace eightbells::ledger

#endif
