#ifndef EIGHTBELLS_RESPONDER_FRONT_GAUGES_H
#define EIGHTBELLS_RESPONDER_FRONT_GAUGES_H

#include <memory>
#include <vector>

#include "cache/replica.h"
#include "responder/front/crl_file.h"
#include "responder/http/counters.h"
#include "responder/metrics/front_metrics.h"

namespace eightbells::front {

// From what the modules keep to what is exported.

// What is held of an issuer. The CRL's gauges are those of its first CRL by path.
void set_gauges(metrics::FrontMetrics& metrics, std::size_t issuer, const cache::IssuerSnapshot& snapshot,
                const std::vector<std::shared_ptr<const CrlFile>>& crls);

void count_rejected(metrics::FrontMetrics& metrics, std::size_t issuer, const cache::SyncReport& report);

// The counters of one listener; they must live until the metrics are detached.
void attach_wire(metrics::FrontMetrics& metrics, const http::WireCounters& wire);

}  // namespace eightbells::front

#endif
