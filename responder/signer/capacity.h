#ifndef EIGHTBELLS_RESPONDER_SIGNER_CAPACITY_H
#define EIGHTBELLS_RESPONDER_SIGNER_CAPACITY_H

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "responder/base/clock.h"
#include "responder/config/config.h"
#include "responder/ledger/ledger.h"
#include "responder/metrics/signer_metrics.h"
#include "responder/signer/identity.h"
#include "responder/signer/press.h"

// What the refresh needs against what this machine signs (promise 1): above limits::signing_share an outage
// could not be caught up.
namespace eightbells::signer {

// An issuer and how many answers of it, for one CertID hash, are refreshed.
struct Refreshed {
    std::shared_ptr<const Identity> identity;
    std::uint64_t certificates = 0;
};

struct Capacity {
    double share = 0;      // of the measured signing rate, all issuers together
    std::size_t most = 0;  // which of them takes most of it
    std::string text;      // with the arithmetic, a line an issuer
    bool enough() const noexcept;
};
// Every key signs for limits::capacity_measurement. An error: one that does not.
Result<Capacity> measure_capacity(const std::vector<Refreshed>& issuers, Press& press,
                                  metrics::SignerMetrics& metrics, const Clock& clock);
// What a start finds, with what the ledger has: an error where it is not enough; else in the log.
Status check_capacity(const std::vector<std::shared_ptr<const Identity>>& identities, ledger::Ledger& ledger,
                      Press& press, metrics::SignerMetrics& metrics, const Clock& clock);

// What check-config knows of an issuer's certificates: as the ledger has them, also while a signer runs;
// where there is none yet, as the lines of `index` have. nullopt: neither is there.
Result<std::optional<std::uint64_t>> known_certificates(const config::Config& config,
                                                        const Identity& identity);

}  // namespace eightbells::signer

#endif
