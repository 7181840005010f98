#ifndef EIGHTBELLS_RESPONDER_WATCH_LEDGER_FILE_H
#define EIGHTBELLS_RESPONDER_WATCH_LEDGER_FILE_H

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/base/result.h"

struct sqlite3;

namespace eightbells::watch {

// The outage ledger's SQLite file: rows that are only ever added, the evidence that they name, and the probes
// since the last round's row. Knows nothing of what rows mean. Not for several threads at a time.
class LedgerFile {
  public:
    enum class Access { read, write, make };
    static Result<LedgerFile> open(const std::filesystem::path& file, Access access);

    // Rolled back unless committed. Committed is durable: it outlives the machine's loss of power.
    class Batch {
      public:
        explicit Batch(LedgerFile& file);
        ~Batch();
        Batch(const Batch&) = delete;
        Batch& operator=(const Batch&) = delete;
        Status commit();

      private:
        LedgerFile& file_;
        Status begun_;
        bool committed_ = false;
    };
    Status append(std::uint64_t number, std::string_view kind, std::string_view body, ByteView digest);
    Status put_evidence(ByteView digest, ByteView octets);  // held already: kept as it is

    // The series that were seen as before since the last round's row, and when. Outside the chain, so at most
    // one period long.
    Status add_pending(std::size_t series, UtcTime time);
    Status clear_pending();
    Result<std::vector<std::pair<std::size_t, UtcTime>>> pending();

    struct Row {
        std::int64_t number = 0;
        std::string_view kind;
        std::string_view body;
        ByteView digest;
    };
    // In the order of their numbers. Views live for the call only.
    Status each_row(const std::function<void(const Row&)>& take);
    Status each_evidence(const std::function<void(ByteView digest, ByteView octets)>& take);
    Result<Bytes> evidence(ByteView digest);  // empty: not held

  private:
    struct Close {
        void operator()(sqlite3* handle) const noexcept;
    };
    class Statement;
    explicit LedgerFile(std::unique_ptr<sqlite3, Close> handle) : handle_(std::move(handle)) {}
    Status execute(const char* sql);
    std::string why() const;

    std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace eightbells::watch

#endif
