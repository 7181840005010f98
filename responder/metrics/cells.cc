#include "responder/metrics/cells.h"

#include <algorithm>

namespace eightbells::metrics {

std::size_t bucket_of(std::span<const double> bounds, std::chrono::nanoseconds took) noexcept {
    const double in_seconds = static_cast<double>(std::max<std::int64_t>(took.count(), 0)) * 1e-9;
    return static_cast<std::size_t>(std::ranges::lower_bound(bounds, in_seconds) - bounds.begin());
}

void Histogram::observe(std::chrono::nanoseconds took) noexcept {
    counts_[bucket_of(bounds_, took)].fetch_add(1, std::memory_order_relaxed);
    nanoseconds_.fetch_add(static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0)),
                           std::memory_order_relaxed);
}

double Histogram::sum_seconds() const noexcept {
    return static_cast<double>(nanoseconds_.load(std::memory_order_relaxed)) * 1e-9;
}

}  // namespace eightbells::metrics
