#ifndef EIGHTBELLS_RESPONDER_BASE_DURABLE_FILE_H
#define EIGHTBELLS_RESPONDER_BASE_DURABLE_FILE_H

#include <cstdint>
#include <filesystem>
#include <optional>

#include "responder/base/bytes.h"

namespace eightbells {

// The whole file, refused above `max_bytes` before it is read. Follows links; refuses what is not a regular
// file.
Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t max_bytes);

// Replaces `path` so that after a crash it holds the old bytes or the new ones, whole: write a temporary file
// beside it, fsync, rename, fsync the folder. The mode is that of a private file (0600) unless given.
Status write_file_durably(const std::filesystem::path& path, ByteView bytes, unsigned mode = 0600);

// An exclusive advisory lock on a file, held until destruction: "one program at a time owns this folder".
class FileLock {
  public:
    static Result<FileLock> acquire(const std::filesystem::path& path);  // never waits
    // The same; nullopt: another holds it.
    static Result<std::optional<FileLock>> try_acquire(const std::filesystem::path& path);
    FileLock(FileLock&& other) noexcept;
    FileLock& operator=(FileLock&& other) noexcept;
    ~FileLock();

  private:
    explicit FileLock(int fd) : fd_(fd) {}
    int fd_ = -1;
};

}  // namespace eightbells

#endif
