#include "cache/page_file.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
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

enum Sql : std::size_t {
    select_blob,
    put_blob,
    erase_blob,
    select_floor,
    put_floor,
    data_version,
    sql_count
};
constexpr std::array<const char*, sql_count> sql_texts{
    "SELECT bytes FROM blob WHERE name = ?1",
    "INSERT INTO blob(name, bytes) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET bytes = excluded.bytes",
    "DELETE FROM blob WHERE name = ?1",
    "SELECT epoch, sequence FROM floor WHERE issuer = ?1",
    "INSERT INTO floor(issuer, epoch, sequence) VALUES(?1, ?2, ?3)"
    " ON CONFLICT(issuer) DO UPDATE SET epoch = excluded.epoch, sequence = excluded.sequence",
    "PRAGMA data_version",
};

// Makes a prepared statement ready for its next use, whichever way a function is left.
class Use {
  public:
    explicit Use(sqlite3_stmt* statement) noexcept : statement_(statement) {}
    ~Use() {
        sqlite3_reset(statement_);
        sqlite3_clear_bindings(statement_);
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

  private:
    sqlite3_stmt* statement_;
};

void bind_text(sqlite3_stmt* statement, int position, std::string_view text) noexcept {
    sqlite3_bind_text64(statement, position, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

}  // namespace

struct PageFile::State {
    std::filesystem::path path;
    sqlite3* db = nullptr;
    std::array<sqlite3_stmt*, sql_count> statements{};
    std::int64_t seen = 0;  // data_version when this object last looked

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        for (sqlite3_stmt* statement : statements)
            sqlite3_finalize(statement);
        sqlite3_close_v2(db);
    }

    tl::unexpected<Error> failed(std::string_view step) const {
        const int code = sqlite3_errcode(db);
        std::string_view advice;
        if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
            advice = "; the page file is damaged: move it away and it is made anew from the store";
        else if (code == SQLITE_BUSY)
            advice = "; another process holds it for too long";
        return fail(fmt::format("page file {}: {}: {}{}", path.string(), step, sqlite3_errmsg(db), advice));
    }
    Status run(const char* sql, std::string_view step) const {
        if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
            return failed(step);
        return {};
    }
    Status step_once(sqlite3_stmt* statement, std::string_view step) const {
        if (sqlite3_step(statement) != SQLITE_DONE)
            return failed(step);
        return {};
    }
    Result<std::int64_t> number(const char* sql) const {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) != SQLITE_OK)
            return failed("opening");
        const bool row = sqlite3_step(statement) == SQLITE_ROW;
        const std::int64_t value = row ? sqlite3_column_int64(statement, 0) : 0;
        if (sqlite3_finalize(statement) != SQLITE_OK || !row)
            return failed("opening");
        return value;
    }

    Status harden() const;
    Status check_ours() const;
    Status create() const;
    Status use_wal() const;
    Status prepare();
    Result<std::int64_t> look() const;
    Result<Version> floor(std::string_view issuer) const;
    Status put(std::string_view name, ByteView bytes) const;
    Status erase(std::string_view name) const;
    Status raise_floor(std::string_view issuer, Version version) const;
    Result<std::optional<Bytes>> blob(std::string_view name) const;
};

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

PageFile::PageFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
PageFile::~PageFile() = default;

Result<std::unique_ptr<PageFile>> PageFile::open(const std::filesystem::path& path, Access access) {
    std::error_code ignored;
    const bool there = std::filesystem::exists(path, ignored);
    if (!there && access == Access::read)
        return fail(fmt::format("page file {}: there is none yet", path.string()));

    auto state = std::make_unique<State>();
    state->path = path;
    const int flags =
        SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
        (access == Access::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    if (sqlite3_open_v2(path.c_str(), &state->db, flags, nullptr) != SQLITE_OK)
        return state->failed("cannot open");
    if (auto hard = state->harden(); !hard)
        return fail(hard.error().message);

    const auto pages = state->number("PRAGMA page_count");
    if (!pages)
        return fail(pages.error().message);
    const auto size = there ? std::filesystem::file_size(path, ignored) : 0;
    // Nothing at all in it: new, or a crash before the first commit. What held octets once is never made
    // anew.
    if (access == Access::write && *pages == 0 && size == 0) {
        if (auto made = state->create(); !made)
            return fail(made.error().message);
    }
    if (auto ours = state->check_ours(); !ours)
        return fail(ours.error().message);
    if (access == Access::write) {
        // The -wal and -shm files stay when the last writer leaves, so that a reader without the right to
        // write in the folder can open the file then, too.
        int keep = 1;
        sqlite3_file_control(state->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
        if (auto set = state->use_wal(); !set)
            return fail(set.error().message);
    }
    if (auto prepared = state->prepare(); !prepared)
        return fail(prepared.error().message);
    const auto seen = state->look();
    if (!seen)
        return fail(seen.error().message);
    state->seen = *seen;
    return std::unique_ptr<PageFile>(new PageFile(std::move(state)));
}

Result<std::vector<std::optional<Bytes>>> PageFile::fetch(std::span<const std::string> names) {
    if (names.size() > limits::fetch_names) {
        return fail(fmt::format("{}: {} names in one fetch, more than the limit of {}", name(), names.size(),
                                limits::fetch_names));
    }
    std::vector<std::optional<Bytes>> blobs;
    blobs.reserve(names.size());
    // All as of one moment.
    if (auto begun = state_->run("BEGIN", "reading"); !begun)
        return fail(begun.error().message);
    Status status;
    for (const std::string& wanted : names) {
        auto blob = state_->blob(wanted);
        if (!blob) {
            status = fail(fmt::format("{} (at {})", blob.error().message, wanted));
            break;
        }
        blobs.push_back(std::move(*blob));
    }
    // Ends the reading; there is nothing to undo, and after some failures SQLite has ended it already.
    sqlite3_exec(state_->db, "ROLLBACK", nullptr, nullptr, nullptr);
    if (!status)
        return fail(status.error().message);
    return blobs;
}

Status PageFile::publish(const Batch& batch) {
    auto change = begin(!batch.head.empty());
    if (!change)
        return fail(change.error().message);
    for (const auto& [blob_name, bytes] : batch.put) {
        if (auto put = change->put(blob_name, bytes); !put)
            return put;
    }
    if (!batch.head.empty()) {
        if (auto put = change->put(head_name(batch.issuer), batch.head); !put)
            return put;
    }
    for (const std::string& blob_name : batch.erase) {
        if (auto erased = change->erase(blob_name); !erased)
            return erased;
    }
    return change->commit();
}

Result<bool> PageFile::wait_notice(std::chrono::milliseconds limit) {
    const auto until =
        std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(limit, limits::notice_wait);
    for (;;) {
        const auto version = state_->look();
        if (!version)
            return fail(version.error().message);
        if (*version != state_->seen) {
            state_->seen = *version;
            return true;
        }
        const auto left = until - std::chrono::steady_clock::now();
        if (left <= std::chrono::steady_clock::duration::zero())
            return false;
        std::this_thread::sleep_for(
            std::min<std::chrono::steady_clock::duration>(left, limits::page_file_poll));
    }
}

std::string PageFile::name() const {
    return "page file " + state_->path.string();
}

Result<Version> PageFile::floor(std::string_view issuer) {
    return state_->floor(issuer);
}

Status PageFile::raise_floor(std::string_view issuer, Version version) {
    auto change = begin(true);
    if (!change)
        return fail(change.error().message);
    if (auto raised = change->raise_floor(issuer, version); !raised)
        return raised;
    return change->commit();
}

Result<PageFile::Change> PageFile::begin(bool durable) {
    // In WAL mode NORMAL never damages the file: a crash takes back whole transactions, and a later FULL one
    // makes the earlier ones durable as well.
    const char* sql = durable ? "PRAGMA synchronous = FULL; BEGIN IMMEDIATE;"
                              : "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE;";
    if (auto begun = state_->run(sql, "writing"); !begun)
        return fail(begun.error().message);
    return Change{*this};
}

Status PageFile::Change::put(std::string_view name, ByteView bytes) {
    return file_->state_->put(name, bytes);
}
Status PageFile::Change::erase(std::string_view name) {
    return file_->state_->erase(name);
}
Status PageFile::Change::raise_floor(std::string_view issuer, Version version) {
    return file_->state_->raise_floor(issuer, version);
}
Status PageFile::Change::commit() {
    PageFile* file = std::exchange(file_, nullptr);
    auto committed = file->state_->run("COMMIT", "writing");
    if (!committed)
        sqlite3_exec(file->state_->db, "ROLLBACK", nullptr, nullptr, nullptr);
    return committed;
}
PageFile::Change::~Change() {
    if (file_ != nullptr)
        sqlite3_exec(file_->state_->db, "ROLLBACK", nullptr, nullptr, nullptr);
}

Status PageFile::check_integrity() {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(state_->db, "PRAGMA integrity_check(1)", -1, &statement, nullptr) != SQLITE_OK)
        return state_->failed("checking");
    std::string finding = "no finding";
    if (sqlite3_step(statement) == SQLITE_ROW) {
        if (const unsigned char* text = sqlite3_column_text(statement, 0))
            finding = reinterpret_cast<const char*>(text);
    }
    if (sqlite3_finalize(statement) != SQLITE_OK)
        return state_->failed("checking");
    if (finding != "ok")
        return fail(fmt::format("page file {}: it is damaged: {}", state_->path.string(), finding));
    return {};
}

}  // namespace eightbells::cache
