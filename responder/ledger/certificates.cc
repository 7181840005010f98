#include "responder/ledger/certificates.h"

#include <algorithm>

namespace eightbells::ledger {

namespace {

enum State : int { good = 0, held = 1, revoked = 2 };

struct StatusColumns {
    int state = good;
    std::optional<std::int64_t> revoked_at;
    std::optional<std::int64_t> reason;
    std::optional<std::int64_t> invalidity_date;
    std::optional<std::int64_t> first_time_kept;
    std::optional<std::int64_t> source;
};

StatusColumns columns_of(const Standing& standing) {
    StatusColumns columns;
    if (standing.by != 0)
        columns.source = standing.by;
    if (!standing.status)
        return columns;
    columns.state = on_hold(standing.status) ? held : revoked;
    columns.revoked_at = to_unix(standing.status->time);
    if (standing.status->reason)
        columns.reason = static_cast<std::int64_t>(*standing.status->reason);
    if (standing.status->invalidity_date)
        columns.invalidity_date = to_unix(*standing.status->invalidity_date);
    if (standing.first_time_kept)
        columns.first_time_kept = 1;
    return columns;
}

std::optional<ByteView> hash_of(const Row& row) {
    if (!row.certificate_hash)
        return std::nullopt;
    return ByteView{*row.certificate_hash};
}

Result<Standing> read_standing(const Query& query) {
    const auto damaged = [] { return fail("a certificate's status cannot be: the ledger is damaged"); };
    Standing standing;
    standing.by = query.integer(12);
    const std::int64_t state = query.integer(column::state);
    if (state == good)
        return standing;
    const auto time = query.optional_integer(8);
    if (!time || (state != held && state != revoked))
        return damaged();
    Revocation revocation{from_unix(*time), std::nullopt, std::nullopt};
    if (const auto code = query.optional_integer(9)) {
        revocation.reason = reason_from_code(static_cast<std::uint64_t>(*code));
        if (!revocation.reason)
            return damaged();
    }
    if (const auto date = query.optional_integer(10))
        revocation.invalidity_date = from_unix(*date);
    if ((revocation.reason == CrlReason::certificate_hold) != (state == held))
        return damaged();
    standing.status = revocation;
    standing.first_time_kept = query.integer(11) != 0;
    return standing;
}

}  // namespace

Result<Row> read_row(const Query& query) {
    const auto serial = Serial::from_magnitude(query.blob(column::serial));
    if (!serial)
        return fail("a certificate's serial cannot be: the ledger is damaged");
    auto standing = read_standing(query);
    if (!standing)
        return fail(serial->to_hex(), standing.error());
    Row row{from_key(query.integer(column::hash)),
            *serial,
            from_unix(query.integer(column::not_after)),
            from_unix(query.integer(6)),
            query.integer(7),
            query.optional_integer(column::listed_by),
            std::nullopt,
            *standing,
            query.optional_integer(column::distribution_point)};
    if (!query.is_null(column::certificate_hash)) {
        const ByteView stored = query.blob(column::certificate_hash);
        crypto::Sha256Digest digest{};
        if (stored.size() != digest.size())
            return fail(serial->to_hex() + ": a certificate hash of wrong length: the ledger is damaged");
        std::ranges::copy(stored, digest.begin());
        row.certificate_hash = digest;
    }
    return row;
}

Certificate to_certificate(const Row& row) {
    return {row.serial, row.not_after, row.certificate_hash, row.standing.status, row.issued_at};
}

Result<std::optional<Row>> find_row(Database& database, IssuerId issuer, std::uint64_t hash,
                                    const Serial& serial) {
    Query query = database.query("SELECT " EIGHTBELLS_ROW_COLUMNS
                                 " FROM certificates WHERE issuer = ? AND hash = ? AND serial = ?");
    query.with(issuer, to_key(hash), serial.magnitude());
    std::optional<Row> found;
    if (query.next()) {
        auto row = read_row(query);
        if (!row)
            return fail(database.name(), row.error());
        found = *row;
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return found;
}

Status insert_row(Database& database, IssuerId issuer, const Row& row) {
    const StatusColumns status = columns_of(row.standing);
    Query query = database.query(
        "INSERT INTO certificates (issuer, hash, serial, not_after, issued_at, issued_by, listed_by, "
        "certificate_hash, "
        "state, revoked_at, reason, invalidity_date, first_time_kept, status_source, distribution_point) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    return query
        .with(issuer, to_key(row.hash), row.serial.magnitude(), to_unix(row.not_after),
              to_unix(row.issued_at), row.issued_by, row.listed_by, hash_of(row), status.state,
              status.revoked_at, status.reason, status.invalidity_date, status.first_time_kept, status.source,
              row.distribution_point)
        .run();
}

Status update_row(Database& database, IssuerId issuer, const Row& row) {
    const StatusColumns status = columns_of(row.standing);
    Query query = database.query(
        "UPDATE certificates SET not_after = ?, listed_by = ?, certificate_hash = ?, state = ?, revoked_at = "
        "?, "
        "reason = ?, invalidity_date = ?, first_time_kept = ?, status_source = ?, distribution_point = ? "
        "WHERE issuer = ? AND hash = ? AND serial = ?");
    return query
        .with(to_unix(row.not_after), row.listed_by, hash_of(row), status.state, status.revoked_at,
              status.reason, status.invalidity_date, status.first_time_kept, status.source,
              row.distribution_point, issuer, to_key(row.hash), row.serial.magnitude())
        .run();
}

}  // namespace eightbells::ledger
