#include "cache/crl_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "cache/limits.h"
#include "responder/base/descriptor.h"

namespace eightbells::cache {

namespace {

constexpr std::size_t chunk_octets = 256 * 1024;

bool write_all(int fd, ByteView bytes) noexcept {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

bool sync_folder(const std::filesystem::path& folder) noexcept {
    const Descriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return directory.open() && ::fsync(directory.get()) == 0;
}

}  // namespace

std::filesystem::path CrlFolder::file_of(const Digest& digest) const {
    return folder_ / (to_hex(digest) + ".crl");
}

bool CrlFolder::lies_there(const Head::CrlRef& reference) const {
    const Descriptor file{::open(file_of(reference.digest).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!file.open())
        return false;
    crypto::Sha256 sha256;
    Bytes chunk(chunk_octets);
    std::uint64_t size = 0;
    for (;;) {
        const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        size += static_cast<std::uint64_t>(got);
        if (size > reference.size)
            return false;
        sha256.update(ByteView{chunk}.first(static_cast<std::size_t>(got)));
    }
    return size == reference.size && sha256.finish() == reference.digest;
}

// false: rejected.
Result<bool> CrlFolder::fetch_into(int fd, const Head::CrlRef& reference, BlobReader& blobs) {
    crypto::Sha256 sha256;
    std::uint64_t left = reference.size;
    for (std::uint32_t piece = 0; left > 0; ++piece) {
        const std::string name = crl_piece_name(issuer_, reference.digest, piece);
        auto blob = blobs.read_one(name, limits::crl_piece_octets);
        if (!blob)
            return tl::unexpected(blob.error());
        if (!*blob)
            return false;
        const Bytes& bytes = **blob;
        if (bytes.size() != std::min<std::uint64_t>(left, limits::crl_piece_octets)) {
            blobs.reject(name, fmt::format("has {} octets where {} of the CRL are left", bytes.size(), left));
            return false;
        }
        sha256.update(bytes);
        if (!write_all(fd, bytes)) {
            blobs.reject(name,
                         fmt::format("cannot write it to {}: {}", folder_.string(), std::strerror(errno)));
            return false;
        }
        left -= bytes.size();
    }
    if (sha256.finish() != reference.digest) {
        blobs.reject(crl_piece_name(issuer_, reference.digest, 0),
                     "the CRL does not have the digest that the head answers for");
        return false;
    }
    return true;
}

Result<bool> CrlFolder::fetch(const Head::CrlRef& reference, BlobReader& blobs) {
    const std::filesystem::path file = file_of(reference.digest);
    const std::filesystem::path temporary = file.string() + ".new";
    const auto local_failure = [&](std::string_view step) {
        blobs.reject(crl_piece_name(issuer_, reference.digest, 0),
                     fmt::format("cannot {} {}: {}", step, file.string(), std::strerror(errno)));
        ::unlink(temporary.c_str());
        return false;
    };
    if (reference.size == 0 || reference.size > limits::stored_crl_octets) {
        blobs.reject(crl_piece_name(issuer_, reference.digest, 0),
                     fmt::format("a CRL of {} octets", reference.size));
        return false;
    }
    std::error_code made;
    std::filesystem::create_directories(folder_, made);
    {
        const Descriptor out{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
        if (out.get() < 0)
            return local_failure("create");
        const auto fetched = fetch_into(out.get(), reference, blobs);
        if (!fetched || !*fetched) {
            ::unlink(temporary.c_str());
            return fetched;
        }
        if (::fsync(out.get()) != 0)
            return local_failure("sync");
    }
    // Whole before it has its name: a crash leaves a ".new" that the next pass writes over.
    if (::rename(temporary.c_str(), file.c_str()) != 0)
        return local_failure("rename");
    if (!sync_folder(folder_))
        return local_failure("sync the folder of");
    return true;
}

Status CrlFolder::update(HeldState& state, const HeldState& before, BlobReader& blobs, bool fetch_missing) {
    std::vector<StoredCrl> crls;
    state.crls_complete = true;
    std::map<Digest, Failure> failures;
    for (const Head::CrlRef& reference : state.head.crls) {
        const auto same = [&](const StoredCrl& crl) {
            std::error_code ignored;
            return crl.digest == reference.digest && std::filesystem::exists(crl.file, ignored);
        };
        bool have = std::ranges::any_of(before.crls, same) || std::ranges::any_of(crls, same) ||
                    lies_there(reference);
        if (!have && fetch_missing) {
            Failure failure = failures_[reference.digest];
            if (failure.passes_to_skip > 0) {
                --failure.passes_to_skip;
            } else {
                auto fetched = fetch(reference, blobs);
                if (!fetched)
                    return tl::unexpected(fetched.error());
                have = *fetched;
                failure.passes_to_skip = failure.times == 0 ? 0
                                                            : std::min(1u << std::min(failure.times, 16u),
                                                                       limits::crl_passes_skipped);
                ++failure.times;
            }
            if (!have)
                failures[reference.digest] = failure;
        }
        if (have) {
            crls.push_back({reference.path, file_of(reference.digest), reference.digest, reference.size});
            continue;
        }
        state.crls_complete = false;
        const auto older = std::ranges::find(before.crls, reference.path, &StoredCrl::path);
        if (older != before.crls.end())
            crls.push_back(*older);
    }
    failures_ = std::move(failures);
    state.crls = std::move(crls);
    return {};
}

void CrlFolder::remove_others(const HeldState& state) const {
    std::set<std::string> named;
    for (const StoredCrl& crl : state.crls)
        named.insert(crl.file.filename().string());
    std::error_code error;
    for (std::filesystem::directory_iterator entry{folder_, error}, end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        const bool ours = name.ends_with(".crl") || name.ends_with(".crl.new");
        if (ours && !named.contains(name)) {
            std::error_code ignored;  // it is tried again at the next change
            std::filesystem::remove(entry->path(), ignored);
        }
    }
}

}  // namespace eightbells::cache
