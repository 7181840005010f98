#ifndef EIGHTBELLS_RESPONDER_LEDGER_SQLITE_H
#define EIGHTBELLS_RESPONDER_LEDGER_SQLITE_H

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "responder/base/bytes.h"

struct sqlite3;
struct sqlite3_stmt;

namespace eightbells::ledger {

class Database;

// One use of a prepared statement. Failures are sticky: `next` says no more, `finish` tells why, so that a
// loop has one place to look. The values given to `with` are borrowed until `finish`, `run` or destruction,
// which make the statement ready for its next use. One Query of the same text at a time.
class Query {
  public:
    Query(Database& database, sqlite3_stmt* statement) noexcept
        : database_(&database), statement_(statement) {}
    ~Query();
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    // Binds parameters 1, 2, ... in order.
    template <class... Values>
    Query& with(const Values&... values) noexcept {
        int position = 0;
        (bind(++position, values), ...);
        return *this;
    }
    bool next() noexcept;  // true: a row is there; false: the end, or a failure
    Status finish();       // resets
    Status run() {
        while (next()) {
        }
        return finish();
    }

    // Columns of the present row, from 0. Views are valid until the next call of next, finish or run.
    std::int64_t integer(int column) const noexcept;
    std::optional<std::int64_t> optional_integer(int column) const noexcept;
    bool is_null(int column) const noexcept;
    std::string_view text(int column) const noexcept;
    ByteView blob(int column) const noexcept;

  private:
    void bind(int position, std::int64_t value) noexcept;
    void bind(int position, std::uint64_t value) noexcept {
        bind(position, static_cast<std::int64_t>(value));
    }
    void bind(int position, int value) noexcept { bind(position, std::int64_t{value}); }
    void bind(int position, bool value) noexcept { bind(position, std::int64_t{value}); }
    void bind(int position, const std::optional<std::int64_t>& value) noexcept;
    void bind(int position, std::nullptr_t) noexcept;
    void bind(int position, std::string_view text) noexcept;
    void bind(int position, const std::string& text) noexcept { bind(position, std::string_view{text}); }
    void bind(int position, ByteView blob) noexcept;
    void bind(int position, const std::optional<ByteView>& blob) noexcept;

    Database* database_;
    sqlite3_stmt* statement_;
    bool failed_ = false;
    std::string why_;
};

// One connection. Not for several threads at a time.
class Database {
  public:
    enum class Access { read, write };
    static Result<Database> open(const std::filesystem::path& file, Access access);
    ~Database();
    Database(Database&& other) noexcept;
    Database& operator=(Database&& other) noexcept;

    // Statements without parameters or results.
    Status execute(const std::string& sql);
    // Prepared once, kept for the connection's life. `sql` must be a literal.
    Query query(std::string_view sql);
    std::string last_error() const;
    const std::string& name() const noexcept { return name_; }
    std::int64_t changes() const noexcept;
    sqlite3* handle() const noexcept { return handle_; }  // for what records changes and does them again

  private:
    Database(sqlite3* handle, std::string name) : handle_(handle), name_(std::move(name)) {}
    friend class Query;
    sqlite3* handle_ = nullptr;
    std::string name_;
    std::unordered_map<std::string_view, sqlite3_stmt*> statements_;
    std::string prepare_error_;
};

// Rolled back on destruction unless committed.
class Transaction {
  public:
    // Takes the write lock at once, so that what is read inside stays true until the commit.
    static Result<Transaction> begin(Database& database);
    // A snapshot for reading.
    static Result<Transaction> begin_reading(Database& database);
    ~Transaction();
    Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    Status commit();

  private:
    explicit Transaction(Database& database) : database_(&database) {}
    Database* database_;
};

}  // namespace eightbells::ledger

#endif
