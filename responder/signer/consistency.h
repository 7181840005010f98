#ifndef EIGHTBELLS_RESPONDER_SIGNER_CONSISTENCY_H
#define EIGHTBELLS_RESPONDER_SIGNER_CONSISTENCY_H

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "responder/config/config.h"
#include "responder/signer/comparer.h"
#include "responder/signer/differences.h"
#include "responder/signer/front_comparer.h"

namespace eightbells::signer {

// The comparison as the signer runs it: one table of differences, the walk over ledger, CRLs and published
// answers, and, where fronts are configured, the asking of them.
class Consistency {
  public:
    // What is borrowed must outlive it.
    Consistency(const config::Config& config, const std::vector<std::shared_ptr<const Identity>>& identities,
                cache::StorePublicKey store_key, ledger::Ledger& ledger, metrics::SignerMetrics& metrics,
                const Clock& clock);

    void start();
    // Published just now: from when on it was known is remembered, and the fronts are asked about it first.
    // Any thread.
    void published(const std::string& issuer, const std::vector<ledger::Ledger::Change>& changes);
    const Differences& differences() const noexcept { return differences_; }

  private:
    Differences differences_;
    Comparer comparer_;
    std::optional<FrontComparer> fronts_;
};

}  // namespace eightbells::signer

#endif
