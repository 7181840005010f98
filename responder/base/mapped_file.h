#ifndef EIGHTBELLS_RESPONDER_BASE_MAPPED_FILE_H
#define EIGHTBELLS_RESPONDER_BASE_MAPPED_FILE_H

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "responder/base/bytes.h"
#include "responder/base/descriptor.h"

namespace eightbells {

// The octets of a file, mapped to be read: large ones take memory only where they are looked at, and that
// memory can be taken back. Only for files that nobody cuts or changes meanwhile: our own, under names that
// are never written again, or without a name at all. Immutable; any thread.
class MappedFile {
  public:
    // The descriptor is not kept. An empty file has no octets.
    static Result<std::shared_ptr<const MappedFile>> map(int fd, std::size_t octets);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    ByteView bytes() const noexcept { return {static_cast<const std::uint8_t*>(start_), octets_}; }

  private:
    MappedFile(void* start, std::size_t octets) noexcept : start_(start), octets_(octets) {}
    void* start_;
    std::size_t octets_;
};

// Where large octets are put together: a file without a name, gone with its last user whatever happens to the
// process. Not for several threads.
class SpoolFile {
  public:
    static Result<SpoolFile> make(const std::filesystem::path& folder);

    Status append(ByteView bytes);
    Status clear();  // begins anew
    std::uint64_t size() const noexcept { return size_; }
    // What was appended, readable; nothing may be appended any more.
    Result<std::shared_ptr<const MappedFile>> map() const;

  private:
    SpoolFile(Descriptor file, std::filesystem::path folder)
        : file_(std::move(file)), folder_(std::move(folder)) {}
    Descriptor file_;
    std::filesystem::path folder_;  // for messages
    std::uint64_t size_ = 0;
};

// These octets in a file of their own.
Result<std::shared_ptr<const MappedFile>> spool(const std::filesystem::path& folder, ByteView bytes);

}  // namespace eightbells

#endif
