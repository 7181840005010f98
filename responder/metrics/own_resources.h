#ifndef EIGHTBELLS_RESPONDER_METRICS_OWN_RESOURCES_H
#define EIGHTBELLS_RESPONDER_METRICS_OWN_RESOURCES_H

#include <prometheus/metric_family.h>

#include <span>
#include <string>
#include <vector>

#include "responder/metrics/inventory.h"

namespace eightbells::metrics {

// What every program says of itself: its version, and what it uses, read from /proc/self at the scrape. A
// value that cannot be read is 0.
std::vector<prometheus::MetricFamily> own_resources(const std::string& program);
std::span<const Metric> own_resource_metrics() noexcept;

}  // namespace eightbells::metrics

#endif
