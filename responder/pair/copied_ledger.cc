#include "responder/pair/copied_ledger.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "responder/pair/limits.h"

namespace eightbells::pair {

namespace fs = std::filesystem;

namespace {

fs::path with(const fs::path& file, const char* end) {
    return file.string() + end;
}

tl::unexpected<Error> failed(const fs::path& file, const char* what) {
    return fail(fmt::format("{}: {}: {}", file.string(), what, std::strerror(errno)));
}

}  // namespace

Result<crypto::Sha256Digest> for_each_piece(const fs::path& file, const std::function<Status(Bytes)>& take) {
    const Descriptor open{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!open.open())
        return failed(file, "cannot open");
    crypto::Sha256 sha256;
    while (true) {
        Bytes piece(limits::pair_piece_octets);
        const ssize_t got = ::read(open.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed(file, "cannot read");
        if (got == 0)
            return sha256.finish();
        piece.resize(static_cast<std::size_t>(got));
        sha256.update(piece);
        if (auto taken = take(std::move(piece)); !taken)
            return tl::unexpected<Error>(taken.error());
    }
}

fs::path set_aside(const fs::path& ledger) {
    return with(ledger, ".set-aside");
}

Result<CopiedLedger> CopiedLedger::begin(const fs::path& ledger) {
    const fs::path coming = with(ledger, ".coming");
    Descriptor file{::open(coming.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!file.open())
        return failed(coming, "cannot be made");
    return CopiedLedger{ledger, std::move(file)};
}

Status CopiedLedger::add(ByteView octets) {
    sha256_.update(octets);
    while (!octets.empty()) {
        const ssize_t written = ::write(file_.get(), octets.data(), octets.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return failed(with(ledger_, ".coming"), "cannot write");
        octets = octets.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Status CopiedLedger::install(const crypto::Sha256Digest& digest) {
    if (sha256_.finish() != digest)
        return fail("the copied ledger is not what was sent");
    if (::fsync(file_.get()) != 0)
        return failed(with(ledger_, ".coming"), "cannot sync");
    // The log of a ledger that was not closed in good order belongs to it and to no other. A crash from here
    // on leaves no ledger, and then a copy is asked for again.
    std::error_code error;
    // Where none is left, what was set aside stays: it is that ledger, with what this signer acknowledged
    // alone.
    if (fs::exists(ledger_, error)) {
        for (const char* end : {"", "-wal", "-shm"})
            fs::remove(with(set_aside(ledger_), end), error);
    }
    for (const char* end : {"", "-wal", "-shm"}) {
        const fs::path old = with(ledger_, end);
        if (fs::exists(old, error))
            fs::rename(old, with(set_aside(ledger_), end), error);
        if (error)
            return fail(fmt::format("{}: cannot be set aside: {}", old.string(), error.message()));
    }
    fs::rename(with(ledger_, ".coming"), ledger_, error);
    if (error)
        return fail(fmt::format("{}: cannot be put in place: {}", ledger_.string(), error.message()));
    const Descriptor folder{::open(ledger_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!folder.open() || ::fsync(folder.get()) != 0)
        return failed(ledger_.parent_path(), "cannot sync");
    return {};
}

}  // namespace eightbells::pair
