#include "responder/front/crl_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "responder/base/mapped_file.h"
#include "responder/crl/crl.h"

namespace eightbells::front {
namespace {

std::string errno_text() {
    return std::generic_category().message(errno);
}

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
    // Mapped, not read: of a CRL of 100 MB only its first page and its end are looked at, and the memory
    // stays flat.
    const auto mapped = MappedFile::map(fd, static_cast<std::size_t>(facts.st_size));
    if (!mapped)
        return fail(at, mapped.error());
    const auto view = crl::parse_crl((*mapped)->bytes());
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
