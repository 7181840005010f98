#ifndef EIGHTBELLS_CACHE_BLOB_READER_H
#define EIGHTBELLS_CACHE_BLOB_READER_H

#include <functional>
#include <string>
#include <vector>

#include "cache/replica.h"
#include "cache/store.h"

// Private to cache/*.cc.
namespace eightbells::cache {

// A blob that the head answers for.
struct Wanted {
    std::string name;
    Digest digest{};
};

// Fetches blobs in batches and believes none of them: what is missing, too large or has another digest is
// counted in the report and not handed on. While one batch is judged, the next are being fetched on another
// thread: of the store and of hashing, what takes longer is what a large set takes.
class BlobReader {
  public:
    // `one_by_one`: where a batch cannot be read, its blobs are tried singly and only those that fail are
    // lost (a damaged page file). Otherwise that is an error (a Redis that went away).
    BlobReader(Store& store, SyncReport& report, bool one_by_one)
        : store_(store), report_(report), one_by_one_(one_by_one) {}

    // `take` gets the position in `wanted` and the verified bytes; what it returns as an error counts as a
    // rejection. `batch_done` may be empty.
    using Take = std::function<Status(std::size_t, Bytes)>;
    Status read(const std::vector<Wanted>& wanted, std::size_t max_octets, const Take& take,
                const std::function<Status()>& batch_done);
    // One blob without a digest, bounded.
    Result<std::optional<Bytes>> read_one(const std::string& name, std::size_t max_octets);

    void reject(const std::string& name, const std::string& reason);
    void begin_round();  // forgets the rejections so far: they did not last
    bool one_by_one() const noexcept { return one_by_one_; }
    std::uint64_t accepted() const noexcept { return accepted_; }

  private:
    using Blobs = Result<std::vector<std::optional<Bytes>>>;
    class Ahead;

    Blobs fetch(std::span<const std::string> names);
    Status judge(const Wanted& wanted, std::size_t position, std::size_t max_octets,
                 std::optional<Bytes> blob, const Take& take);

    Store& store_;
    SyncReport& report_;
    bool one_by_one_;
    std::uint64_t accepted_ = 0;
    crypto::Sha256 sha256_;
};

}  // namespace eightbells::cache

#endif
