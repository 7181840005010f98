#include "responder/watch/ledger_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "responder/watch/limits.h"

namespace eightbells::watch {
namespace {

constexpr int busy_wait_ms = 5000;  // a report that reads while the watch writes

// "The rows are append-only" is kept by SQLite itself against mistakes, and by the chain against intent.
constexpr const char* schema = R"(
CREATE TABLE rows(number INTEGER PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE TABLE evidence(digest BLOB PRIMARY KEY, octets BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE pending(series INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY(series, time)) STRICT;
CREATE TRIGGER rows_stay_as_they_are BEFORE UPDATE ON rows BEGIN SELECT RAISE(ABORT, 'rows are append-only'); END;
CREATE TRIGGER rows_stay BEFORE DELETE ON rows BEGIN SELECT RAISE(ABORT, 'rows are append-only'); END;
)";

}  // namespace

// One use of a prepared statement.
class LedgerFile::Statement {
  public:
    Statement(LedgerFile& file, const char* sql) : file_(file) {
        sqlite3_prepare_v2(file.handle_.get(), sql, -1, &statement_, nullptr);
    }
    ~Statement() { sqlite3_finalize(statement_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    Statement& with(int position, std::int64_t value) {
        sqlite3_bind_int64(statement_, position, value);
        return *this;
    }
    Statement& with(int position, std::string_view text) {
        sqlite3_bind_text64(statement_, position, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
        return *this;
    }
    Statement& with(int position, ByteView blob) {
        if (blob.empty())
            sqlite3_bind_zeroblob(statement_, position, 0);
        else
            sqlite3_bind_blob64(statement_, position, blob.data(), blob.size(), SQLITE_STATIC);
        return *this;
    }
    bool next() {
        result_ = statement_ == nullptr ? SQLITE_ERROR : sqlite3_step(statement_);
        return result_ == SQLITE_ROW;
    }
    Status run() {
        while (next()) {
        }
        return ended();
    }
    Status ended() const {
        if (result_ != SQLITE_DONE)
            return fail(file_.why());
        return {};
    }
    std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
    ByteView octets(int column) const {
        const void* const at = sqlite3_column_blob(statement_, column);
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
        return at == nullptr ? ByteView{} : ByteView{static_cast<const std::uint8_t*>(at), size};
    }

  private:
    LedgerFile& file_;
    sqlite3_stmt* statement_ = nullptr;
    int result_ = SQLITE_OK;
};

void LedgerFile::Close::operator()(sqlite3* handle) const noexcept {
    sqlite3_close(handle);
}

std::string LedgerFile::why() const {
    return sqlite3_errmsg(handle_.get());
}

Status LedgerFile::execute(const char* sql) {
    if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return fail(why());
    return {};
}

Result<LedgerFile> LedgerFile::open(const std::filesystem::path& file, Access access) {
    if (access == Access::make) {
        // Made here and not by SQLite, so that nobody else may ever read it.
        const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
            return fail(fmt::format("{}: {}", file.string(), std::strerror(errno)));
        ::close(fd);
    }
    sqlite3* opened = nullptr;
    int result = sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
    std::unique_ptr<sqlite3, Close> handle{opened};
    if (access == Access::read && (result != SQLITE_OK || sqlite3_db_readonly(opened, "main") == 1)) {
        // A copy that nobody may write, on an auditor's disk.
        const std::string uri = "file:" + file.string() + "?immutable=1";
        handle.reset();
        result = sqlite3_open_v2(uri.c_str(), &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
        handle.reset(opened);
    }
    if (result != SQLITE_OK)
        return fail(fmt::format("{}: {}", file.string(), sqlite3_errmsg(handle.get())));
    sqlite3_busy_timeout(handle.get(), busy_wait_ms);
    sqlite3_db_config(handle.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_limit(handle.get(), SQLITE_LIMIT_LENGTH,
                  static_cast<int>(limits::ledger_row_octets + limits::evidence_octets));
    LedgerFile ledger{std::move(handle)};
    Status set = access == Access::read
                     ? ledger.execute("PRAGMA query_only = 1")
                     : ledger.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    if (set && access == Access::make)
        set = ledger.execute(schema);
    if (!set)
        return fail(file.string(), set.error());
    return ledger;
}

LedgerFile::Batch::Batch(LedgerFile& file) : file_(file), begun_(file.execute("BEGIN IMMEDIATE")) {}
LedgerFile::Batch::~Batch() {
    if (begun_ && !committed_)
        static_cast<void>(file_.execute("ROLLBACK"));  // what fails here has rolled back already
}
Status LedgerFile::Batch::commit() {
    if (!begun_)
        return begun_;
    const Status done = file_.execute("COMMIT");
    committed_ = done.has_value();
    return done;
}

Status LedgerFile::append(std::uint64_t number, std::string_view kind, std::string_view body,
                          ByteView digest) {
    return Statement(*this, "INSERT INTO rows VALUES(?1, ?2, ?3, ?4)")
        .with(1, static_cast<std::int64_t>(number))
        .with(2, kind)
        .with(3, body)
        .with(4, digest)
        .run();
}

Status LedgerFile::put_evidence(ByteView digest, ByteView octets) {
    return Statement(*this, "INSERT OR IGNORE INTO evidence VALUES(?1, ?2)")
        .with(1, digest)
        .with(2, octets)
        .run();
}

Status LedgerFile::add_pending(std::size_t series, UtcTime time) {
    return Statement(*this, "INSERT OR REPLACE INTO pending VALUES(?1, ?2)")
        .with(1, static_cast<std::int64_t>(series))
        .with(2, to_unix(time))
        .run();
}
Status LedgerFile::clear_pending() {
    return Statement(*this, "DELETE FROM pending").run();
}

Result<std::vector<std::pair<std::size_t, UtcTime>>> LedgerFile::pending() {
    std::vector<std::pair<std::size_t, UtcTime>> result;
    Statement rows(*this, "SELECT series, time FROM pending ORDER BY series, time");
    while (rows.next())
        result.emplace_back(static_cast<std::size_t>(rows.integer(0)), from_unix(rows.integer(1)));
    if (auto ended = rows.ended(); !ended)
        return fail(ended.error().message);
    return result;
}

Status LedgerFile::each_row(const std::function<void(const Row&)>& take) {
    Statement rows(*this, "SELECT number, kind, body, digest FROM rows ORDER BY number");
    while (rows.next())
        take({rows.integer(0), as_text(rows.octets(1)), as_text(rows.octets(2)), rows.octets(3)});
    return rows.ended();
}

Status LedgerFile::each_evidence(const std::function<void(ByteView, ByteView)>& take) {
    Statement rows(*this, "SELECT digest, octets FROM evidence");
    while (rows.next())
        take(rows.octets(0), rows.octets(1));
    return rows.ended();
}

Result<Bytes> LedgerFile::evidence(ByteView digest) {
    Statement row(*this, "SELECT octets FROM evidence WHERE digest = ?1");
    row.with(1, digest);
    if (row.next()) {
        const ByteView octets = row.octets(0);
        return Bytes(octets.begin(), octets.end());
    }
    if (auto ended = row.ended(); !ended)
        return fail(ended.error().message);
    return Bytes{};
}

}  // namespace eightbells::watch
