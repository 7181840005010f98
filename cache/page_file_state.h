#ifndef EIGHTBELLS_CACHE_PAGE_FILE_STATE_H
#define EIGHTBELLS_CACHE_PAGE_FILE_STATE_H

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>

#include "cache/page_file.h"

// The page file's connection to SQLite and its prepared statements: private to it.
namespace eightbells::cache {

enum Sql : std::size_t {
    select_blob,
    put_blob,
    erase_blob,
    select_names,
    select_floor,
    put_floor,
    data_version,
    sql_count
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

inline void bind_text(sqlite3_stmt* statement, int position, std::string_view text) noexcept {
    sqlite3_bind_text64(statement, position, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

struct PageFile::State {
    std::filesystem::path path;
    sqlite3* db = nullptr;
    std::array<sqlite3_stmt*, sql_count> statements{};
    bool viewed = false;    // a View holds the transaction
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

}  // namespace eightbells::cache

#endif
