#include "responder/front/crl_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "responder/crl/crl.h"

namespace eightbells::front {
namespace {

std::string errno_text() {
    return std::generic_category().message(errno);
}

// The file's octets for as long as the facts are read. Mapped, not read: of a CRL of 100 MB only its first
// page and its end are looked at, and the memory stays flat.
class Mapping {
  public:
    Mapping(int fd, std::size_t size) noexcept
        : size_(size), start_(::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0)) {}
    ~Mapping() {
        if (ok())
            ::munmap(start_, size_);
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    bool ok() const noexcept { return start_ != MAP_FAILED; }
    ByteView bytes() const noexcept { return {static_cast<const std::uint8_t*>(start_), size_}; }

  private:
    std::size_t size_;
    void* start_;
};

}  // namespace

Result<std::shared_ptr<const CrlFile>> open_crl(const cache::StoredCrl& stored) {
    const std::string at = stored.file.string();
    const int fd = ::open(stored.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return fail("opening " + at + ": " + errno_text());
    auto file = std::make_shared<const http::BodyFile>(fd);
    struct stat facts {};
    if (::fstat(fd, &facts) != 0)
        return fail("reading " + at + ": " + errno_text());
    if (!S_ISREG(facts.st_mode) || facts.st_size <= 0 ||
        static_cast<std::uint64_t>(facts.st_size) != stored.size)
        return fail(at + ": is not the file of " + std::to_string(stored.size) + " octets that was stored");
    const Mapping mapping(fd, static_cast<std::size_t>(facts.st_size));
    if (!mapping.ok())
        return fail("mapping " + at + ": " + errno_text());
    const auto view = crl::parse_crl(mapping.bytes());
    if (!view)
        return fail(at, view.error());

    auto crl = std::make_shared<CrlFile>();
    crl->path = stored.path;
    crl->digest = stored.digest;
    crl->size = stored.size;
    std::copy_n(stored.digest.begin(), crl->etag.size(), crl->etag.begin());
    crl->this_update = view->this_update;
    crl->next_update = view->next_update;
    crl->file = std::move(file);
    return crl;
}

}  // namespace eightbells::front
