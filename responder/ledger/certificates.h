#ifndef EIGHTBELLS_RESPONDER_LEDGER_CERTIFICATES_H
#define EIGHTBELLS_RESPONDER_LEDGER_CERTIFICATES_H

#include <cstdint>
#include <optional>

#include "responder/ledger/ledger.h"
#include "responder/ledger/sqlite.h"
#include "responder/ledger/transition.h"

namespace eightbells::ledger {

using IssuerId = std::int64_t;  // an issuer's row number

// A certificate's row.
struct Row {
    std::uint64_t hash = 0;
    Serial serial;
    UtcTime not_after{};
    UtcTime issued_at{};
    SourceId issued_by = 0;
    std::optional<SourceId> listed_by;  // the full list that holds it: it should go on doing so
    std::optional<crypto::Sha256Digest> certificate_hash;
    Standing standing;
    std::optional<std::int64_t>
        distribution_point;  // its row number; where the certificate says its CRL lies
};

// SQLite's integers are signed: the top bit flipped keeps the unsigned order.
constexpr std::int64_t to_key(std::uint64_t hash) noexcept {
    return static_cast<std::int64_t>(hash ^ (std::uint64_t{1} << 63));
}
constexpr std::uint64_t from_key(std::int64_t key) noexcept {
    return static_cast<std::uint64_t>(key) ^ (std::uint64_t{1} << 63);
}

// The columns in the order in which `read_row` takes them.
#define EIGHTBELLS_ROW_COLUMNS                                                                        \
    "hash, serial, not_after, state, listed_by, certificate_hash, issued_at, issued_by, revoked_at, " \
    "reason, invalidity_date, first_time_kept, status_source, distribution_point"
namespace column {
inline constexpr int hash = 0;
inline constexpr int serial = 1;
inline constexpr int not_after = 2;
inline constexpr int state = 3;
inline constexpr int listed_by = 4;
inline constexpr int certificate_hash = 5;
inline constexpr int distribution_point = 13;
}  // namespace column

// An error for a row that no version of this program writes: the file is damaged.
Result<Row> read_row(const Query& query);
Certificate to_certificate(const Row& row);

Result<std::optional<Row>> find_row(Database& database, IssuerId issuer, std::uint64_t hash,
                                    const Serial& serial);
Status insert_row(Database& database, IssuerId issuer, const Row& row);
// Everything but the key, issued_at and issued_by.
Status update_row(Database& database, IssuerId issuer, const Row& row);

}  // namespace eightbells::ledger

#endif
