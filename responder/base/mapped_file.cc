#include "responder/base/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

namespace eightbells {

Result<std::shared_ptr<const MappedFile>> MappedFile::map(int fd, std::size_t octets) {
    void* start = nullptr;
    if (octets != 0) {
        start = ::mmap(nullptr, octets, PROT_READ, MAP_PRIVATE, fd, 0);
        if (start == MAP_FAILED)
            return fail(fmt::format("cannot map {} octets: {}", octets, std::strerror(errno)));
    }
    return std::shared_ptr<const MappedFile>(new MappedFile(start, octets));
}

MappedFile::~MappedFile() {
    if (start_ != nullptr)
        ::munmap(start_, octets_);
}

Result<SpoolFile> SpoolFile::make(const std::filesystem::path& folder) {
    Descriptor file{::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    if (!file.open() && (errno == EOPNOTSUPP || errno == EISDIR)) {  // a file system without nameless files
        std::string name = (folder / ".spool-XXXXXX").string();
        file = Descriptor{::mkostemp(name.data(), O_CLOEXEC)};
        if (file.open())
            ::unlink(name.c_str());
    }
    if (!file.open())
        return fail(fmt::format("{}: cannot make a file: {}", folder.string(), std::strerror(errno)));
    return SpoolFile{std::move(file), folder};
}

Status SpoolFile::append(ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail(fmt::format("{}: cannot write: {}", folder_.string(), std::strerror(errno)));
        bytes = bytes.subspan(static_cast<std::size_t>(written));
        size_ += static_cast<std::uint64_t>(written);
    }
    return {};
}

Status SpoolFile::clear() {
    if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0)
        return fail(fmt::format("{}: cannot cut a file: {}", folder_.string(), std::strerror(errno)));
    size_ = 0;
    return {};
}

Result<std::shared_ptr<const MappedFile>> SpoolFile::map() const {
    return MappedFile::map(file_.get(), static_cast<std::size_t>(size_));
}

Result<std::shared_ptr<const MappedFile>> spool(const std::filesystem::path& folder, ByteView bytes) {
    auto file = SpoolFile::make(folder);
    if (!file)
        return tl::unexpected(file.error());
    if (auto written = file->append(bytes); !written)
        return tl::unexpected(written.error());
    return file->map();
}

}  // namespace eightbells
