#ifndef EIGHTBELLS_RESPONDER_SIGNER_STORE_MERGE_H
#define EIGHTBELLS_RESPONDER_SIGNER_STORE_MERGE_H

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cache/store.h"
#include "responder/base/clock.h"
#include "responder/ledger/ledger.h"
#include "responder/metrics/signer_metrics.h"
#include "responder/signer/identity.h"

namespace eightbells::signer {

// The gate before the first write of this start to the shared store. What lies there under a head of ours may
// be newer than ledger and page file, where both were restored from an old copy: writing over it would lose
// its revocations. So, per issuer:
//  1. the store's head is the page file's own: nothing is to be merged, the gate opens;
//  2. otherwise everything under it is read, checked and held against the ledger (TakeBack), which is durable
//     then; the publisher is told to go above that head;
//  3. the gate opens once the page file's head is above it and all that was taken back is signed and stands
//     under it.
// Out of reach: the gate stays shut, signing into the page file goes on. A head that is not signed by our key
// says nothing and is written over; so does a page or patch that is lost or damaged there, with an alarm: the
// store can delay, and whoever may write to it can take away. The mirror's thread only.
class StoreMerge {
  public:
    // Tells the publisher the version above which it must publish.
    using RiseAbove = std::function<void(const std::string& issuer, cache::Version found)>;
    // All that is borrowed must outlive it.
    StoreMerge(std::vector<std::shared_ptr<const Identity>> identities,
               std::vector<cache::StorePublicKey> trusted, ledger::Ledger& ledger, RiseAbove rise_above,
               metrics::SignerMetrics& metrics, const Clock& clock);

    // True: `store` may be written for this issuer. An error: one of the two is out of reach, or the ledger
    // cannot be written.
    Result<bool> open(const std::string& issuer, cache::Store& pages, cache::Store& store);

  private:
    struct Gate {
        enum class Stage { shut, merged, open } stage = Stage::shut;
        cache::Version found;
        std::uint64_t changes = 0;  // the last change that must be published
    };
    Result<bool> compare(Gate& gate, const Identity& identity, cache::Store& pages, cache::Store& store);
    Status merge(Gate& gate, const Identity& identity, cache::Store& store);

    std::vector<std::shared_ptr<const Identity>> identities_;
    std::vector<cache::StorePublicKey> trusted_;
    ledger::Ledger& ledger_;
    RiseAbove rise_above_;
    metrics::SignerMetrics& metrics_;
    const Clock& clock_;
    std::map<std::string, Gate> gates_;
};

}  // namespace eightbells::signer

#endif
