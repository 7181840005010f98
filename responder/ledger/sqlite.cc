#include "responder/ledger/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <mutex>
#include <utility>

namespace eightbells::ledger {

namespace {
constexpr int busy_wait_ms = 5000;  // another connection of ours at its checkpoint; nobody else has the file
}

// --- Query

Query::~Query() {
    if (statement_ != nullptr) {
        sqlite3_reset(statement_);
        sqlite3_clear_bindings(statement_);
    }
}

bool Query::next() noexcept {
    if (failed_ || statement_ == nullptr)
        return false;
    const int result = sqlite3_step(statement_);
    if (result == SQLITE_ROW)
        return true;
    if (result != SQLITE_DONE)
        failed_ = true;
    return false;
}

Status Query::finish() {
    if (statement_ == nullptr)
        return fail(database_->name_ + ": " + database_->prepare_error_);
    Status result;
    if (failed_)
        result = fail(database_->name_ + ": " + database_->last_error());
    sqlite3_reset(statement_);
    failed_ = false;
    return result;
}

std::int64_t Query::integer(int column) const noexcept {
    return sqlite3_column_int64(statement_, column);
}
std::optional<std::int64_t> Query::optional_integer(int column) const noexcept {
    if (is_null(column))
        return std::nullopt;
    return integer(column);
}
bool Query::is_null(int column) const noexcept {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
std::string_view Query::text(int column) const noexcept {
    const auto* const characters = sqlite3_column_text(statement_, column);
    if (characters == nullptr)
        return {};
    return {reinterpret_cast<const char*>(characters),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}
ByteView Query::blob(int column) const noexcept {
    const void* const octets = sqlite3_column_blob(statement_, column);
    if (octets == nullptr)
        return {};
    return {static_cast<const std::uint8_t*>(octets),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

void Query::bind(int position, std::int64_t value) noexcept {
    if (statement_ != nullptr && sqlite3_bind_int64(statement_, position, value) != SQLITE_OK)
        failed_ = true;
}
void Query::bind(int position, std::nullptr_t) noexcept {
    if (statement_ != nullptr && sqlite3_bind_null(statement_, position) != SQLITE_OK)
        failed_ = true;
}
void Query::bind(int position, const std::optional<std::int64_t>& value) noexcept {
    if (value)
        bind(position, *value);
    else
        bind(position, nullptr);
}
void Query::bind(int position, std::string_view text) noexcept {
    // A null pointer would bind NULL rather than an empty text.
    const char* const from = text.empty() ? "" : text.data();
    if (statement_ != nullptr && sqlite3_bind_text(statement_, position, from, static_cast<int>(text.size()),
                                                   SQLITE_STATIC) != SQLITE_OK)
        failed_ = true;
}
void Query::bind(int position, ByteView blob) noexcept {
    if (statement_ == nullptr)
        return;
    const int result = blob.empty() ? sqlite3_bind_zeroblob(statement_, position, 0)
                                    : sqlite3_bind_blob(statement_, position, blob.data(),
                                                        static_cast<int>(blob.size()), SQLITE_STATIC);
    if (result != SQLITE_OK)
        failed_ = true;
}
void Query::bind(int position, const std::optional<ByteView>& blob) noexcept {
    if (blob)
        bind(position, *blob);
    else
        bind(position, nullptr);
}

// --- Database

Result<Database> Database::open(const std::filesystem::path& file, Access access) {
    // Its memory statistics take a lock at every allocation, a tenth of an import's time, and nobody reads
    // them.
    static std::once_flag without_statistics;
    std::call_once(without_statistics, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
    sqlite3* handle = nullptr;
    // The file is made by the ledger itself, with its mode; a missing one is never made here. "read" is a
    // promise kept by query_only below: a connection opened read-only could not recover a log left by a
    // crash.
    const int result =
        sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database{handle, file.string()};
    if (result != SQLITE_OK)
        return fail(fmt::format("{}: cannot open: {}", file.string(), database.last_error()));
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, busy_wait_ms);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    if (access == Access::read) {
        if (auto status = database.execute("PRAGMA query_only = 1"); !status)
            return fail(status.error().message);
    }
    return database;
}

Database::~Database() {
    for (const auto& [sql, statement] : statements_)
        sqlite3_finalize(statement);
    sqlite3_close(handle_);
}
Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      name_(std::move(other.name_)),
      statements_(std::exchange(other.statements_, {})) {}
Database& Database::operator=(Database&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(name_, other.name_);
    std::swap(statements_, other.statements_);
    return *this;
}

Status Database::execute(const std::string& sql) {
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        return fail(name_ + ": " + last_error());
    return {};
}

Query Database::query(std::string_view sql) {
    auto found = statements_.find(sql);
    if (found == statements_.end()) {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                               &statement, nullptr) != SQLITE_OK) {
            prepare_error_ = last_error();
            return Query{*this, nullptr};
        }
        found = statements_.emplace(sql, statement).first;
    }
    return Query{*this, found->second};
}

std::string Database::last_error() const {
    return handle_ == nullptr ? "out of memory" : sqlite3_errmsg(handle_);
}
std::int64_t Database::changes() const noexcept {
    return sqlite3_changes64(handle_);
}

// --- Transaction

Result<Transaction> Transaction::begin(Database& database) {
    if (auto status = database.execute("BEGIN IMMEDIATE"); !status)
        return fail(status.error().message);
    return Transaction{database};
}
Result<Transaction> Transaction::begin_reading(Database& database) {
    if (auto status = database.execute("BEGIN"); !status)
        return fail(status.error().message);
    return Transaction{database};
}
Transaction::~Transaction() {
    if (database_ != nullptr)
        // Some failures (a full disk) roll back by themselves; a second rollback is then a harmless error.
        static_cast<void>(database_->execute("ROLLBACK"));
}
Status Transaction::commit() {
    if (auto status = database_->execute("COMMIT"); !status)
        return status;
    database_ = nullptr;
    return {};
}

}  // namespace eightbells::ledger
