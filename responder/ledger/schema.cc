#include "responder/ledger/schema.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace eightbells::ledger {

namespace {

// The page of an issuer is one range of certificates' primary key: issuer, then the serial hash as a signed
// number that keeps the unsigned order (top bit flipped). State: 0 good, 1 on hold, 2 revoked.
// The triggers hold the two promises even against our own mistakes: revoked is final and nothing disappears
// (C-08, C-13); the audit log only grows (G-14).
constexpr const char* tables = R"sql(
CREATE TABLE epoch (one INTEGER PRIMARY KEY CHECK (one = 1), value INTEGER NOT NULL) STRICT;
INSERT INTO epoch VALUES (1, 0);

CREATE TABLE issuers (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    suspension INTEGER NOT NULL,
    published INTEGER NOT NULL DEFAULT 0,
    last_change INTEGER NOT NULL DEFAULT 0,
    certificates INTEGER NOT NULL DEFAULT 0,
    status_changes INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    issuer INTEGER NOT NULL REFERENCES issuers (id),
    name TEXT NOT NULL,
    carries_status INTEGER NOT NULL DEFAULT 0,
    as_of INTEGER,
    last_sequence INTEGER NOT NULL DEFAULT 0,
    gap INTEGER NOT NULL DEFAULT 0,
    digest BLOB,
    UNIQUE (issuer, name)
) STRICT;

CREATE TABLE certificates (
    issuer INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    serial BLOB NOT NULL,
    not_after INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    issued_by INTEGER NOT NULL,
    listed_by INTEGER,
    certificate_hash BLOB,
    state INTEGER NOT NULL,
    revoked_at INTEGER,
    reason INTEGER,
    invalidity_date INTEGER,
    first_time_kept INTEGER,
    status_source INTEGER,
    distribution_point INTEGER,
    last_listed INTEGER,
    PRIMARY KEY (issuer, hash, serial),
    CHECK (state IN (0, 1, 2) AND (state = 0) = (revoked_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX holds ON certificates (issuer, hash, serial) WHERE state = 1;
CREATE INDEX listed ON certificates (issuer, hash, serial) WHERE state <> 0;
CREATE TRIGGER revoked_is_final BEFORE UPDATE ON certificates WHEN OLD.state = 2 AND NEW.state <> 2
BEGIN SELECT RAISE(ABORT, 'revoked is final'); END;
CREATE TRIGGER certificates_stay BEFORE DELETE ON certificates
BEGIN SELECT RAISE(ABORT, 'a certificate is never removed'); END;

CREATE TABLE distribution_points (
    id INTEGER PRIMARY KEY,
    issuer INTEGER NOT NULL,
    uri TEXT NOT NULL,
    UNIQUE (issuer, uri)
) STRICT;

CREATE TABLE crls (
    issuer INTEGER NOT NULL,
    scope TEXT NOT NULL,
    number BLOB NOT NULL,
    covers INTEGER NOT NULL DEFAULT 0,
    last INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (issuer, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE changes (
    issuer INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    id INTEGER NOT NULL,
    serial BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (issuer, priority, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    source INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    digest BLOB NOT NULL,
    verdict INTEGER NOT NULL,
    gap INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (source, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    line INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_is_not_edited BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TABLE audit_head (one INTEGER PRIMARY KEY CHECK (one = 1), line INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
INSERT INTO audit_head VALUES (1, 0, zeroblob(32));
)sql";

// From version 1, which knew nothing of CRLs that are made here.
constexpr const char* from_version_1 = R"sql(
ALTER TABLE issuers ADD COLUMN status_changes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE certificates ADD COLUMN distribution_point INTEGER;
ALTER TABLE certificates ADD COLUMN last_listed INTEGER;
CREATE INDEX listed ON certificates (issuer, hash, serial) WHERE state <> 0;
CREATE TABLE distribution_points (
    id INTEGER PRIMARY KEY, issuer INTEGER NOT NULL, uri TEXT NOT NULL, UNIQUE (issuer, uri)
) STRICT;
CREATE TABLE crls (
    issuer INTEGER NOT NULL, scope TEXT NOT NULL, number BLOB NOT NULL, covers INTEGER NOT NULL DEFAULT 0,
    last INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (issuer, scope)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;
)sql";

Result<std::int64_t> pragma(Database& database, std::string_view sql) {
    Query query = database.query(sql);
    std::int64_t value = 0;
    if (query.next())
        value = query.integer(0);
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return value;
}

// FULL: a commit is on the disk when it returns. The rest bounds memory and the log's size between imports:
// 8,192 pages are 64 MiB. A burst of revocations changes pages all over the ledger, and what the log holds of
// a page several times is written back once.
Status settle(Database& database) {
    return database.execute(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = FILE; PRAGMA cache_size = "
        "-65536;"
        "PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 8192;");
}

Status sync_folder(const std::filesystem::path& file) {
    const std::filesystem::path parent = file.parent_path();
    const std::filesystem::path folder = parent.empty() ? std::filesystem::path{"."} : parent;
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = fd >= 0 && ::fsync(fd) == 0;
    const int why = errno;
    if (fd >= 0)
        ::close(fd);
    if (!synced)
        return fail(fmt::format("{}: cannot sync: {}", folder.string(), std::strerror(why)));
    return {};
}

Status make(Database& database, const std::filesystem::path& file) {
    auto transaction = Transaction::begin(database);
    if (!transaction)
        return fail(transaction.error().message);
    if (auto status = database.execute(tables); !status)
        return status;
    if (auto status = database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                                   application_id, schema_version));
        !status)
        return status;
    if (auto status = transaction->commit(); !status)
        return status;
    return sync_folder(file);
}

// A ledger of an earlier version becomes one of this version, in one transaction.
Status renew(Database& database, const std::filesystem::path& file) {
    const auto application = pragma(database, "PRAGMA application_id");
    const auto version = pragma(database, "PRAGMA user_version");
    if (!application || !version || *application != application_id || *version != 1)
        return {};  // check_kind says what it is
    auto transaction = Transaction::begin(database);
    if (!transaction)
        return fail(transaction.error().message);
    if (auto status = database.execute(from_version_1); !status)
        return fail(file.string() + ": it cannot be brought to this version", status.error());
    return transaction->commit();
}

Status check_kind(Database& database, const std::filesystem::path& file) {
    const auto application = pragma(database, "PRAGMA application_id");
    if (!application)
        return fail(application.error().message);
    if (*application != application_id)
        return fail(fmt::format("{}: not a ledger of Eightbells (application id {:#x})", file.string(),
                                *application));
    const auto version = pragma(database, "PRAGMA user_version");
    if (!version)
        return fail(version.error().message);
    if (*version != schema_version) {
        return fail(fmt::format("{}: ledger of version {}, this program reads version {}", file.string(),
                                *version, schema_version));
    }
    return {};
}

}  // namespace

Result<Database> open_for_writing(const std::filesystem::path& file, bool create) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) {
        if (!create) {
            return fail(
                file.string() +
                ": no ledger is here. Restore it from the backup; only for a new service let one be created");
        }
        const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
            return fail(fmt::format("{}: cannot create: {}", file.string(), std::strerror(errno)));
        ::close(fd);
    }
    auto database = Database::open(file, Database::Access::write);
    if (!database)
        return database;
    // A crash between creation and its commit leaves a file without a table: as good as none.
    const auto empty = pragma(*database,
                              "SELECT (SELECT count(*) FROM sqlite_schema) = 0 AND "
                              "(SELECT application_id FROM pragma_application_id) = 0");
    if (!empty)
        return fail(empty.error().message);
    if (*empty != 0) {
        if (!create)
            return fail(file.string() + ": the ledger is empty: its creation was cut short");
        if (auto status = database->execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL"); !status)
            return fail(status.error().message);
        if (auto status = settle(*database); !status)
            return fail(status.error().message);
        if (auto status = make(*database, file); !status)
            return fail(status.error().message);
    }
    if (auto status = renew(*database, file); !status)
        return fail(status.error().message);
    if (auto status = check_kind(*database, file); !status)
        return fail(status.error().message);
    if (auto status = database->execute("PRAGMA journal_mode = WAL"); !status)
        return fail(status.error().message);
    if (auto status = settle(*database); !status)
        return fail(status.error().message);
    return database;
}

Result<Database> open_for_reading(const std::filesystem::path& file) {
    return Database::open(file, Database::Access::read);
}

}  // namespace eightbells::ledger
