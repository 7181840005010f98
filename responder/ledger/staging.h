#ifndef EIGHTBELLS_RESPONDER_LEDGER_STAGING_H
#define EIGHTBELLS_RESPONDER_LEDGER_STAGING_H

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "responder/ledger/ledger.h"
#include "responder/ledger/limits.h"

namespace eightbells::ledger {

// An import's entry while it waits: 64 octets, times in seconds since the epoch.
struct Staged {
    static constexpr std::uint8_t has_not_after = 1, says_status = 2, is_revoked = 4, has_invalidity_date = 8,
                                  has_hash = 16;
    static constexpr std::uint8_t no_reason = 0xff;

    std::uint64_t hash = 0;  // serial hash
    std::int64_t not_after = 0;
    std::int64_t revoked_at = 0;
    std::int64_t invalidity_date = 0;
    std::uint32_t line = 0;
    std::uint32_t digest = 0;  // position in the bucket's digests, with has_hash
    std::array<std::uint8_t, Serial::max_octets> serial{};
    std::uint8_t serial_octets = 0;
    std::uint8_t flags = 0;
    std::uint8_t reason = no_reason;
    std::uint8_t distribution_point = 0;  // from 1: position in the import's list; 0: not told

    bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
    ByteView magnitude() const noexcept { return {serial.data(), serial_octets}; }
    CertStatus status() const noexcept;
};
static_assert(sizeof(Staged) == 64);

// The order of the certificates' primary key: hash, then the serial's octets as SQLite compares blobs.
bool before(const Staged& a, std::uint64_t hash, ByteView magnitude) noexcept;
bool operator<(const Staged& a, const Staged& b) noexcept;

// The entries whose serial hash begins with the same eight bits, sorted by serial hash and serial; equal ones
// by line.
struct Bucket {
    std::vector<Staged> entries;
    std::vector<crypto::Sha256Digest> digests;
    std::optional<crypto::Sha256Digest> digest_of(const Staged& entry) const;
};

// Sorts more entries than memory holds: they are dealt into buckets by the first bits of their serial hash,
// in blocks, which go to an unlinked file once limits::import_memory_octets are full. `add` from one thread;
// `load` from any number of threads when all is added.
class Staging {
  public:
    explicit Staging(std::filesystem::path folder) : folder_(std::move(folder)) {}
    ~Staging();
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;

    Status add(const Staged& entry, const crypto::Sha256Digest* digest);
    std::uint64_t size() const noexcept { return size_; }
    Result<Bucket> load(std::size_t bucket) const;

  private:
    struct Block {
        std::unique_ptr<std::uint8_t[]> octets;  // absent once it stands in the file
        std::uint64_t at = 0;
        std::size_t used = 0;
    };
    struct Chain {
        std::vector<Block> blocks;
        std::size_t entries = 0;
    };
    Result<Block*> room(Chain& chain, std::size_t octets);
    Status spill(Block& block);
    Status read_block(const Block& block, std::vector<std::uint8_t>& buffer) const;

    std::filesystem::path folder_;
    std::array<Chain, limits::import_buckets> chains_;
    std::uint64_t size_ = 0;
    std::size_t held_ = 0;  // octets of full blocks in memory
    int fd_ = -1;
    std::uint64_t file_end_ = 0;
};

}  // namespace eightbells::ledger

#endif
