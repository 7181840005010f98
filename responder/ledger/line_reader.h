#ifndef EIGHTBELLS_RESPONDER_LEDGER_LINE_READER_H
#define EIGHTBELLS_RESPONDER_LEDGER_LINE_READER_H

#include <sys/stat.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "responder/crypto/digest.h"
#include "responder/ledger/limits.h"

namespace eightbells::ledger {

// Reads a text file line by line in one consistent view: a file that changes meanwhile, or whose last line
// has no end yet, is refused with "try again". Bounded memory; a second thread reads ahead and digests. Next,
// failure and finish are called from one thread.
class LineReader {
  public:
    static Result<std::unique_ptr<LineReader>> open(const std::filesystem::path& file);
    ~LineReader();
    LineReader(const LineReader&) = delete;
    LineReader& operator=(const LineReader&) = delete;

    // The next line without its LF or CRLF, valid until the next call; nullopt at the end and on failure.
    std::optional<std::string_view> next();
    std::uint64_t line() const noexcept { return line_; }  // of the last one returned, from 1
    std::string place(std::uint64_t line) const;           // "index.txt:17"
    // What is wrong in the present line, with its place; and that the file changed, if so.
    tl::unexpected<Error> failure(std::string_view what) const;
    // After the last line: SHA-256 of the whole file, or why it could not be read whole.
    Result<crypto::Sha256Digest> finish();

  private:
    LineReader(std::filesystem::path file, int fd, const struct stat& facts);
    void read_ahead(const std::stop_token& stop);
    bool next_chunk();
    bool changed() const;
    std::optional<std::string_view> given(std::string_view text);

    struct Chunk {
        std::unique_ptr<char[]> octets;
        std::size_t size = 0;
    };

    const std::filesystem::path file_;
    const int fd_;
    const struct stat facts_;

    std::mutex mutex_;  // guards what follows
    std::condition_variable_any moved_;
    std::array<Chunk, limits::list_chunks> chunks_;
    std::size_t filled_ = 0;   // chunks filled so far
    std::size_t emptied_ = 0;  // chunks given back so far
    bool ended_ = false;
    int read_error_ = 0;
    crypto::Sha256Digest digest_{};

    std::string_view rest_;  // of the present chunk
    bool holds_chunk_ = false;
    std::string carry_;  // a line's beginning in an earlier chunk
    std::uint64_t line_ = 0;
    bool too_long_ = false;
    bool cut_short_ = false;
    std::jthread ahead_;  // last: it uses everything above
};

}  // namespace eightbells::ledger

#endif
