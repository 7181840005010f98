#ifndef EIGHTBELLS_CACHE_CRL_FOLDER_H
#define EIGHTBELLS_CACHE_CRL_FOLDER_H

#include <filesystem>
#include <map>
#include <string>

#include "cache/blob_reader.h"
#include "cache/held.h"

// Private to cache/*.cc.
namespace eightbells::cache {

// One issuer's CRLs as files, <hex digest>.crl, whole and verified before they have that name. A CRL may be
// hundreds of megabytes: it is never whole in memory.
class CrlFolder {
  public:
    CrlFolder(std::filesystem::path folder, std::string issuer)
        : folder_(std::move(folder)), issuer_(std::move(issuer)) {}

    // Sets state.crls to what the head names: held before, lying in the folder, or fetched (where `fetch`).
    // One that cannot be had leaves the older one under its path. An error only where the store fails.
    Status update(HeldState& state, const HeldState& before, BlobReader& blobs, bool fetch);

    // Unlinks what the state no longer names. Whoever serves an older snapshot has the file open since it
    // took the snapshot, and goes on reading it.
    void remove_others(const HeldState& state) const;

  private:
    // After its second failure some passes leave a CRL alone, 2, 4, 8, ... of them: pieces have no digests of
    // their own, so that a wrong one is found only when all are fetched.
    struct Failure {
        unsigned times = 0;
        unsigned passes_to_skip = 0;
    };

    std::filesystem::path file_of(const Digest& digest) const;
    bool lies_there(const Head::CrlRef& reference) const;
    Result<bool> fetch(const Head::CrlRef& reference, BlobReader& blobs);
    Result<bool> fetch_into(int fd, const Head::CrlRef& reference, BlobReader& blobs);

    std::filesystem::path folder_;
    std::string issuer_;
    std::map<Digest, Failure> failures_;
};

}  // namespace eightbells::cache

#endif
