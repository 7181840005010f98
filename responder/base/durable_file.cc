#include "responder/base/durable_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "responder/base/descriptor.h"

namespace eightbells {

namespace {

tl::unexpected<Error> failed(const std::filesystem::path& path, std::string_view step) {
    return fail(fmt::format("{}: {}: {}", path.string(), step, std::strerror(errno)));
}

Status write_all(int fd, ByteView bytes, const std::filesystem::path& path) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0) {
            if (errno == EINTR)
                continue;
            return failed(path, "cannot write");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
    // O_NONBLOCK: opening a FIFO by mistake must not wait for a writer.
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!file.open())
        return failed(path, "cannot open");
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0)
        return failed(path, "cannot stat");
    if (!S_ISREG(facts.st_mode))
        return fail(path.string() + ": not a regular file");
    if (static_cast<std::uint64_t>(facts.st_size) > max_bytes) {
        return fail(
            fmt::format("{}: {} octets, more than the limit of {}", path.string(), facts.st_size, max_bytes));
    }
    Bytes bytes(static_cast<std::size_t>(facts.st_size));
    std::size_t have = 0;
    while (have < bytes.size()) {
        const ssize_t got = ::read(file.get(), bytes.data() + have, bytes.size() - have);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return failed(path, "cannot read");
        }
        if (got == 0)
            break;  // it shrank meanwhile; what was read stands
        have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
}

Status write_file_durably(const std::filesystem::path& path, ByteView bytes, unsigned mode) {
    std::filesystem::path folder = path.parent_path();
    if (folder.empty())
        folder = ".";
    const std::filesystem::path temporary =
        folder / fmt::format(".{}.{}.new", path.filename().string(), ::getpid());
    {
        ::unlink(temporary.c_str());  // left by a crash of an earlier process with our id
        const Descriptor file{
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, static_cast<mode_t>(mode))};
        if (!file.open())
            return failed(temporary, "cannot create");
        if (auto written = write_all(file.get(), bytes, temporary); !written) {
            ::unlink(temporary.c_str());
            return written;
        }
        if (::fsync(file.get()) != 0) {
            ::unlink(temporary.c_str());
            return failed(temporary, "cannot sync");
        }
    }
    // A crash before the rename leaves the old file, one after it the new one; the folder's sync makes the
    // rename itself last.
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        ::unlink(temporary.c_str());
        return failed(path, "cannot rename the new file into place");
    }
    const Descriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory.open())
        return failed(folder, "cannot open");
    if (::fsync(directory.get()) != 0)
        return failed(folder, "cannot sync");
    return {};
}

Result<FileLock> FileLock::acquire(const std::filesystem::path& path) {
    auto lock = try_acquire(path);
    if (!lock)
        return tl::unexpected(lock.error());
    if (!*lock)
        return fail(path.string() + ": another process holds it");
    return std::move(**lock);
}

Result<std::optional<FileLock>> FileLock::try_acquire(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(path, "cannot open");
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const int why = errno;
        ::close(fd);
        errno = why;
        if (why == EWOULDBLOCK)
            return std::optional<FileLock>{};
        return failed(path, "cannot lock");
    }
    return std::optional<FileLock>{FileLock{fd}};
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
FileLock& FileLock::operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}
FileLock::~FileLock() {
    if (fd_ >= 0)
        ::close(fd_);
}

}  // namespace eightbells
