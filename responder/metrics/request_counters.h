#ifndef EIGHTBELLS_RESPONDER_METRICS_REQUEST_COUNTERS_H
#define EIGHTBELLS_RESPONDER_METRICS_REQUEST_COUNTERS_H

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "responder/metrics/inventory.h"
#include "responder/metrics/outcome.h"

namespace eightbells::metrics {

// The counters of one worker's hot path. Written by that worker's thread alone with plain loads and stores
// (no locked instruction), read by the metrics thread at any moment. Numbers only: no address, no serial.
class RequestCounters {
  public:
    static constexpr std::size_t no_issuer = static_cast<std::size_t>(-1);
    static constexpr std::size_t buckets = request_bounds.size() + 1;

    // `issuers` and `faults` are the lengths of the lists that FrontMetrics was made with.
    RequestCounters(std::size_t issuers, std::size_t faults);
    RequestCounters(const RequestCounters&) = delete;
    RequestCounters& operator=(const RequestCounters&) = delete;

    // Once for each request, when its answer is known. An issuer beyond the list counts as none.
    void add(std::size_t issuer, Method method, Hash hash, Outcome outcome,
             std::chrono::nanoseconds took) noexcept;
    // Beside outcome malformed: what was wrong. Beyond the list it counts as the last.
    void add_fault(std::size_t fault) noexcept;

    std::uint64_t count(std::size_t issuer, Method method, Hash hash, Outcome outcome) const noexcept;
    std::uint64_t fault_count(std::size_t fault) const noexcept;
    // Of bucket i of request_bounds, not cumulative.
    std::uint64_t duration_count(AnswerKind kind, std::size_t bucket) const noexcept;
    double duration_sum_seconds(AnswerKind kind) const noexcept;

    std::size_t issuers() const noexcept { return issuers_; }
    std::size_t faults() const noexcept { return faults_.size(); }

  private:
    using Cell = std::atomic<std::uint64_t>;
    static void raise(Cell& cell, std::uint64_t by) noexcept {
        cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
    std::size_t index(std::size_t issuer, Method method, Hash hash, Outcome outcome) const noexcept;

    std::size_t issuers_;
    std::vector<Cell> counts_;  // [issuer, none last][method][hash][outcome]
    std::vector<Cell> faults_;
    std::array<std::array<Cell, buckets>, answer_kinds> durations_{};
    std::array<Cell, answer_kinds> nanoseconds_{};
};

}  // namespace eightbells::metrics

#endif
