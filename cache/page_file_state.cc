#include "cache/page_file_state.h"

#include <thread>

#include "cache/limits.h"

namespace eightbells::cache {

namespace {

constexpr std::int32_t application_id = 0x45384253;  // "E8BS": Eightbells' store
constexpr int layout_version = 1;

// 8 KiB pages and a rowid table were the quickest to read for blobs of about 8 KB, and no larger than they
// must be (WITHOUT ROWID: 1.7 times as long; 16 KiB pages: a quarter larger).
constexpr const char* create_sql =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS blob(name TEXT PRIMARY KEY NOT NULL, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS floor(issuer TEXT PRIMARY KEY NOT NULL, epoch INTEGER NOT NULL,"
    " sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

constexpr std::array<const char*, sql_count> sql_texts{
    "SELECT bytes FROM blob WHERE name = ?1",
    "INSERT INTO blob(name, bytes) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET bytes = excluded.bytes",
    "DELETE FROM blob WHERE name = ?1",
    "SELECT name FROM blob WHERE name >= ?1 AND name < ?2 ORDER BY name LIMIT ?3",
    "SELECT epoch, sequence FROM floor WHERE issuer = ?1",
    "INSERT INTO floor(issuer, epoch, sequence) VALUES(?1, ?2, ?3)"
    " ON CONFLICT(issuer) DO UPDATE SET epoch = excluded.epoch, sequence = excluded.sequence",
    "PRAGMA data_version",
};

}  // namespace

// A page file is bytes from outside like any other: nothing in it may run, and no damage in it may be
// trusted. No memory map: a file cut short under one would be a signal, not an error.
Status PageFile::State::harden() const {
    constexpr std::array<std::pair<int, int>, 4> settings{{{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                                           {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                                           {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                                                           {SQLITE_DBCONFIG_ENABLE_VIEW, 0}}};
    for (const auto& [setting, value] : settings) {
        if (sqlite3_db_config(db, setting, value, nullptr) != SQLITE_OK)
            return failed("opening");
    }
    // A row is a blob and its name.
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, static_cast<int>(limits::blob_octets + 64 * 1024));
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_busy_timeout(db, static_cast<int>(limits::page_file_busy.count()));
    return run("PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;", "opening");
}

Status PageFile::State::check_ours() const {
    const auto id = number("PRAGMA application_id");
    if (!id)
        return fail(id.error().message);
    if (*id != application_id) {
        return fail(fmt::format(
            "page file {}: it is another application's database (application_id {:#x}, not {:#x})",
            path.string(), static_cast<std::uint32_t>(*id), application_id));
    }
    const auto version = number("PRAGMA user_version");
    if (!version)
        return fail(version.error().message);
    if (*version != layout_version) {
        return fail(fmt::format("page file {}: its layout has version {}, this program knows version {} only",
                                path.string(), *version, layout_version));
    }
    return {};
}

// Identity first and WAL last, so that the main file alone says what it is from its first commit on. Two
// processes may come here together: the second finds everything made.
Status PageFile::State::create() const {
    if (auto sized = run("PRAGMA page_size = 8192;", "creating"); !sized)
        return sized;
    if (auto made = run(create_sql, "creating"); !made)
        return made;
    const std::string identity = fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT;",
                                             application_id, layout_version);
    return run(identity.c_str(), "creating");
}

// Two that change the mode together would wait for each other, so SQLite tells one of them at once that the
// file is busy, whatever the time it was given: that one looks again until then. A file system that cannot
// share memory between processes leaves the mode as it was and says so only when asked.
Status PageFile::State::use_wal() const {
    const auto deadline = std::chrono::steady_clock::now() + limits::page_file_busy;
    Status set = run("PRAGMA journal_mode = WAL", "opening");
    while (!set && sqlite3_errcode(db) == SQLITE_BUSY && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(limits::page_file_poll);
        set = run("PRAGMA journal_mode = WAL", "opening");
    }
    if (!set)
        return set;
    const auto wal = number("SELECT journal_mode = 'wal' FROM pragma_journal_mode");
    if (!wal)
        return fail(wal.error().message);
    if (*wal == 0)
        return fail(
            fmt::format("page file {}: the file system does not allow a write-ahead log", path.string()));
    return run(fmt::format("PRAGMA journal_size_limit = {}", limits::page_file_wal_octets).c_str(),
               "opening");
}

Status PageFile::State::prepare() {
    for (std::size_t i = 0; i < sql_count; ++i) {
        if (sqlite3_prepare_v3(db, sql_texts[i], -1, SQLITE_PREPARE_PERSISTENT, &statements[i], nullptr) !=
            SQLITE_OK)
            return failed("opening");
    }
    return {};
}

Result<std::int64_t> PageFile::State::look() const {
    sqlite3_stmt* statement = statements[data_version];
    const Use use{statement};
    if (sqlite3_step(statement) != SQLITE_ROW)
        return failed("looking for news");
    return sqlite3_column_int64(statement, 0);
}

Result<Version> PageFile::State::floor(std::string_view issuer) const {
    sqlite3_stmt* statement = statements[select_floor];
    const Use use{statement};
    bind_text(statement, 1, issuer);
    const int result = sqlite3_step(statement);
    if (result == SQLITE_DONE)
        return Version{};
    if (result != SQLITE_ROW)
        return failed("reading the floor");
    return Version{static_cast<std::uint64_t>(sqlite3_column_int64(statement, 0)),
                   static_cast<std::uint64_t>(sqlite3_column_int64(statement, 1))};
}

Status PageFile::State::put(std::string_view name, ByteView bytes) const {
    sqlite3_stmt* statement = statements[put_blob];
    const Use use{statement};
    bind_text(statement, 1, name);
    // A null pointer would bind NULL.
    sqlite3_bind_blob64(statement, 2, bytes.empty() ? "" : static_cast<const void*>(bytes.data()),
                        bytes.size(), SQLITE_STATIC);
    return step_once(statement, "writing");
}

Status PageFile::State::erase(std::string_view name) const {
    sqlite3_stmt* statement = statements[erase_blob];
    const Use use{statement};
    bind_text(statement, 1, name);
    return step_once(statement, "erasing");
}

Status PageFile::State::raise_floor(std::string_view issuer, Version version) const {
    const auto present = floor(issuer);
    if (!present)
        return fail(present.error().message);
    if (version <= *present)
        return {};
    sqlite3_stmt* statement = statements[put_floor];
    const Use use{statement};
    bind_text(statement, 1, issuer);
    sqlite3_bind_int64(statement, 2, static_cast<std::int64_t>(version.epoch));
    sqlite3_bind_int64(statement, 3, static_cast<std::int64_t>(version.sequence));
    return step_once(statement, "raising the floor");
}

Result<std::optional<Bytes>> PageFile::State::blob(std::string_view name) const {
    sqlite3_stmt* statement = statements[select_blob];
    const Use use{statement};
    bind_text(statement, 1, name);
    const int result = sqlite3_step(statement);
    if (result == SQLITE_DONE)
        return std::optional<Bytes>{};
    if (result != SQLITE_ROW)
        return failed("reading");
    const auto* octets = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement, 0));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, 0));
    if (octets == nullptr && size != 0)
        return failed("reading");
    return std::optional<Bytes>{std::in_place, octets, octets + size};
}

}  // namespace eightbells::cache
