#ifndef EIGHTBELLS_RESPONDER_METRICS_CELLS_H
#define EIGHTBELLS_RESPONDER_METRICS_CELLS_H

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "responder/base/clock.h"

namespace eightbells::metrics {

// The values behind the series. Any thread may write and read them, without a lock; relaxed, because each
// number stands for itself.

class Counter {
  public:
    void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
    std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

class Gauge {
  public:
    void set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }
    void set(bool value) noexcept { set(value ? 1.0 : 0.0); }
    void set(std::integral auto value) noexcept { set(static_cast<double>(value)); }
    // Timestamps in seconds since 1970, not ages: the reader knows what time it is.
    void set(UtcTime time) noexcept { set(static_cast<double>(to_unix(time))); }
    double value() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<double> value_{0};
};

// Durations. The bounds come from the inventory.
class Histogram {
  public:
    static constexpr std::size_t max_bounds = 20;

    void observe(std::chrono::nanoseconds took) noexcept;
    // Upper bounds in seconds, rising. Static storage: only the view is kept. Called once, before anything is
    // observed.
    void use(std::span<const double> bounds) noexcept { bounds_ = bounds; }

    std::span<const double> bounds() const noexcept { return bounds_; }
    // Observations in bucket i, not cumulative; i == bounds().size() is the one without an end.
    std::uint64_t count(std::size_t i) const noexcept { return counts_[i].load(std::memory_order_relaxed); }
    double sum_seconds() const noexcept;

  private:
    std::span<const double> bounds_;
    std::array<std::atomic<std::uint64_t>, max_bounds + 1> counts_{};
    std::atomic<std::uint64_t> nanoseconds_{0};
};

// Which bucket a duration falls into: the first whose bound it does not exceed. Negative durations count as
// none.
std::size_t bucket_of(std::span<const double> bounds, std::chrono::nanoseconds took) noexcept;

}  // namespace eightbells::metrics

#endif
