#include "responder/crl/octets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "responder/base/descriptor.h"
#include "responder/crl/limits.h"

namespace eightbells::crl {

namespace {

bool unchanged(const struct ::stat& a, const struct ::stat& b) noexcept {
    return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
           a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

Result<Octets> copy_crl(const std::filesystem::path& file, const std::filesystem::path& scratch) {
    const std::string at = file.string();
    // O_NONBLOCK: opening a FIFO by mistake must not wait for a writer.
    const Descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct ::stat before {};
    struct ::stat after {};
    if (!in.open() || ::fstat(in.get(), &before) != 0)
        return fail(fmt::format("{}: cannot open: {}", at, std::strerror(errno)));
    if (!S_ISREG(before.st_mode))
        return fail(at + ": not a regular file");
    auto out = SpoolFile::make(scratch);
    if (!out)
        return tl::unexpected(out.error());
    Bytes chunk(limits::crl_chunk_octets);
    while (true) {
        const ssize_t got = ::read(in.get(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(fmt::format("{}: cannot read: {}", at, std::strerror(errno)));
        if (got == 0)
            break;
        if (out->size() + static_cast<std::uint64_t>(got) > limits::crl_octets)
            return fail(fmt::format("{}: more than the limit of {} octets", at, limits::crl_octets));
        if (auto written = out->append(ByteView{chunk}.first(static_cast<std::size_t>(got))); !written)
            return tl::unexpected(written.error());
    }
    if (::fstat(in.get(), &after) != 0 || !unchanged(before, after) ||
        out->size() != static_cast<std::uint64_t>(before.st_size)) {
        return fail(at + ": is being written; try again");
    }
    return out->map();
}

Result<bool> decode_crl_pem(ByteView octets, const crypto::TakeOctets& take) {
    if (octets.empty())
        return fail("CRL: there are no octets");
    if (crypto::looks_like_der(octets, {"X509 CRL"}))
        return false;
    const auto first = std::ranges::find_if_not(octets, [](std::uint8_t octet) {
        return octet <= ' ' || octet == 0xef || octet == 0xbb || octet == 0xbf;
    });
    if (first != octets.end() && *first == '<')
        return fail("CRL: this is HTML or XML, not a CRL");
    if (auto decoded = crypto::decode_pem(octets, {"X509 CRL"}, take); !decoded)
        return fail("CRL", decoded.error());
    return true;
}

Result<Octets> der_of(Octets octets, const std::filesystem::path& scratch) {
    std::optional<SpoolFile> der;  // made when there is something to put into it
    const auto decoded = decode_crl_pem(octets->bytes(), [&](ByteView piece) -> Status {
        if (!der) {
            auto made = SpoolFile::make(scratch);
            if (!made)
                return tl::unexpected<Error>(made.error());
            der = std::move(*made);
        }
        return der->append(piece);
    });
    if (!decoded)
        return tl::unexpected<Error>(decoded.error());
    if (!*decoded)
        return octets;
    return der ? der->map() : Result<Octets>{fail("CRL: PEM: the block is empty")};
}

}  // namespace eightbells::crl
