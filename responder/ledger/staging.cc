#include "responder/ledger/staging.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "responder/ledger/limits.h"

namespace eightbells::ledger {

static_assert(limits::import_buckets == 256, "a bucket is the first octet of the serial hash");
static_assert(std::is_trivially_copyable_v<Staged>);

CertStatus Staged::status() const noexcept {
    if (!has(is_revoked))
        return std::nullopt;
    Revocation revocation{from_unix(revoked_at), std::nullopt, std::nullopt};
    if (reason != no_reason)
        revocation.reason = static_cast<CrlReason>(reason);
    if (has(has_invalidity_date))
        revocation.invalidity_date = from_unix(invalidity_date);
    return revocation;
}

namespace {
// As SQLite compares blobs: octet by octet, the shorter first.
int compare(ByteView a, ByteView b) noexcept {
    const int order = std::memcmp(a.data(), b.data(), std::min(a.size(), b.size()));
    if (order != 0)
        return order;
    return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}
}  // namespace

bool before(const Staged& a, std::uint64_t hash, ByteView magnitude) noexcept {
    return a.hash != hash ? a.hash < hash : compare(a.magnitude(), magnitude) < 0;
}

bool operator<(const Staged& a, const Staged& b) noexcept {
    if (a.hash != b.hash)
        return a.hash < b.hash;
    const int order = compare(a.magnitude(), b.magnitude());
    return order != 0 ? order < 0 : a.line < b.line;
}

std::optional<crypto::Sha256Digest> Bucket::digest_of(const Staged& entry) const {
    if (!entry.has(Staged::has_hash))
        return std::nullopt;
    return digests[entry.digest];
}

Staging::~Staging() {
    if (fd_ >= 0)
        ::close(fd_);
}

Status Staging::spill(Block& block) {
    if (fd_ < 0) {
        // Never has a name: a crash leaves nothing behind. Beside the ledger, where there is room for it.
        fd_ = ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd_ < 0)
            return fail(
                fmt::format("{}: cannot make a temporary file: {}", folder_.string(), std::strerror(errno)));
    }
    std::size_t written = 0;
    while (written < block.used) {
        const ssize_t part = ::pwrite(fd_, block.octets.get() + written, block.used - written,
                                      static_cast<off_t>(file_end_ + written));
        if (part < 0) {
            if (errno == EINTR)
                continue;
            return fail(
                fmt::format("{}: cannot write a temporary file: {}", folder_.string(), std::strerror(errno)));
        }
        written += static_cast<std::size_t>(part);
    }
    block.at = file_end_;
    file_end_ += block.used;
    block.octets.reset();
    return {};
}

Result<Staging::Block*> Staging::room(Chain& chain, std::size_t octets) {
    if (!chain.blocks.empty() && chain.blocks.back().used + octets <= limits::import_block_octets)
        return &chain.blocks.back();
    if (!chain.blocks.empty()) {
        Block& full = chain.blocks.back();
        if (held_ + limits::import_block_octets > limits::import_memory_octets) {
            if (auto status = spill(full); !status)
                return fail(status.error().message);
        } else {
            held_ += limits::import_block_octets;
        }
    }
    chain.blocks.push_back(
        {std::make_unique_for_overwrite<std::uint8_t[]>(limits::import_block_octets), 0, 0});
    return &chain.blocks.back();
}

Status Staging::add(const Staged& entry, const crypto::Sha256Digest* digest) {
    Chain& chain = chains_[entry.hash >> 56];
    if (size_ == limits::import_entries)
        return fail(fmt::format("more than {} entries", limits::import_entries));
    if (chain.entries == limits::import_bucket_entries)
        return fail(fmt::format("more than {} serials with one beginning of their hash: no accident",
                                limits::import_bucket_entries));
    const std::size_t octets = sizeof(Staged) + (digest != nullptr ? digest->size() : 0);
    auto block = room(chain, octets);
    if (!block)
        return fail(block.error().message);
    std::uint8_t* const to = (*block)->octets.get() + (*block)->used;
    std::memcpy(to, &entry, sizeof(Staged));
    if (digest != nullptr) {
        to[offsetof(Staged, flags)] |= Staged::has_hash;
        std::memcpy(to + sizeof(Staged), digest->data(), digest->size());
    }
    (*block)->used += octets;
    ++chain.entries;
    ++size_;
    return {};
}

Status Staging::read_block(const Block& block, std::vector<std::uint8_t>& buffer) const {
    buffer.resize(block.used);
    std::size_t have = 0;
    while (have < block.used) {
        const ssize_t part =
            ::pread(fd_, buffer.data() + have, block.used - have, static_cast<off_t>(block.at + have));
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return fail(fmt::format("{}: cannot read a temporary file: {}", folder_.string(),
                                    part < 0 ? std::strerror(errno) : "it is cut short"));
        have += static_cast<std::size_t>(part);
    }
    return {};
}

Result<Bucket> Staging::load(std::size_t index) const {
    const Chain& chain = chains_[index];
    Bucket bucket;
    bucket.entries.reserve(chain.entries);
    std::vector<std::uint8_t> buffer;
    for (const Block& block : chain.blocks) {
        const std::uint8_t* from = block.octets.get();
        if (from == nullptr) {
            if (auto status = read_block(block, buffer); !status)
                return fail(status.error().message);
            from = buffer.data();
        }
        const std::uint8_t* const end = from + block.used;
        while (from < end) {
            Staged& entry = bucket.entries.emplace_back();
            std::memcpy(&entry, from, sizeof(Staged));
            from += sizeof(Staged);
            if (entry.has(Staged::has_hash)) {
                entry.digest = static_cast<std::uint32_t>(bucket.digests.size());
                std::memcpy(bucket.digests.emplace_back().data(), from, sizeof(crypto::Sha256Digest));
                from += sizeof(crypto::Sha256Digest);
            }
        }
    }
    std::ranges::sort(bucket.entries, [](const Staged& a, const Staged& b) { return a < b; });
    return bucket;
}

}  // namespace eightbells::ledger
