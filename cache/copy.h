#ifndef EIGHTBELLS_CACHE_COPY_H
#define EIGHTBELLS_CACHE_COPY_H

#include <cstdint>
#include <span>
#include <string>

#include "cache/store.h"

namespace eightbells::cache {

struct CopyReport {
    std::uint64_t copied = 0;  // blobs that the target did not have, or not so; the head not counted
    std::uint64_t octets = 0;  // of those
    std::uint64_t erased = 0;
    bool head = false;  // the target got the source's head
    // The head that the target has when all is copied; empty: the source has none.
    Bytes present;
};

enum class CopyDepth : std::uint8_t {
    // Believes that what the target's own verified head answers for is there, where the tables above it are:
    // costs one fetch of the head when nothing differs. For a store that was flushed, replaced or lags
    // behind.
    differences,
    // Reads back every blob. For a store that may have lost or changed some.
    everything,
};

// Who else writes to the target while it is merely read back. That takes seconds for a large set (2 GB at ten
// million certificates), for which no publication may wait.
class Meanwhile {
  public:
    virtual ~Meanwhile() = default;
    // Between two fetches, with nothing half written: what waits for the target may be published there. An
    // error ends the copy.
    virtual Status turn() = 0;
    // Written or erased in a turn: newer than what is read back, which leaves it alone.
    virtual bool touched(const std::string& name) const = 0;
};

// Makes `to` hold what `from` holds for an issuer, without one signature: compares from the head down, copies
// what differs, the head last, then erases what only the older head named. Whatever lies in `to` is only
// believed by its digest. Every blob of `from` is checked as well, so that damage does not spread; where it
// goes on publishing meanwhile, the copy begins again, at most limits::sync_rounds times. Nothing published
// in `from`: nothing is done. A newer head of a trusted key in `to` is an error: another signer writes there.
// `meanwhile` (may be null) has its turns only where both have the same head already, so that `to` is whole
// but for what it has lost; no head is written then. `from` must be one state for all the time
// (PageFile::View).
Result<CopyReport> mirror(Store& from, Store& to, const std::string& issuer,
                          std::span<const StorePublicKey> trusted, CopyDepth depth = CopyDepth::differences,
                          Meanwhile* meanwhile = nullptr);

}  // namespace eightbells::cache

#endif
