#include "responder/metrics/request_counters.h"

#include <algorithm>

#include "responder/metrics/cells.h"

namespace eightbells::metrics {

RequestCounters::RequestCounters(std::size_t issuers, std::size_t faults)
    : issuers_(issuers), counts_((issuers + 1) * methods * hashes * outcomes), faults_(faults) {}

std::size_t RequestCounters::index(std::size_t issuer, Method method, Hash hash,
                                   Outcome outcome) const noexcept {
    const std::size_t row = std::min(issuer, issuers_);
    return ((row * methods + static_cast<std::size_t>(method)) * hashes + static_cast<std::size_t>(hash)) *
               outcomes +
           static_cast<std::size_t>(outcome);
}

void RequestCounters::add(std::size_t issuer, Method method, Hash hash, Outcome outcome,
                          std::chrono::nanoseconds took) noexcept {
    raise(counts_[index(issuer, method, hash, outcome)], 1);
    const auto kind = static_cast<std::size_t>(kind_of(outcome));
    raise(durations_[kind][bucket_of(request_bounds, took)], 1);
    raise(nanoseconds_[kind], static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0)));
}

void RequestCounters::add_fault(std::size_t fault) noexcept {
    if (!faults_.empty())
        raise(faults_[std::min(fault, faults_.size() - 1)], 1);
}

std::uint64_t RequestCounters::count(std::size_t issuer, Method method, Hash hash,
                                     Outcome outcome) const noexcept {
    return counts_[index(issuer, method, hash, outcome)].load(std::memory_order_relaxed);
}

std::uint64_t RequestCounters::fault_count(std::size_t fault) const noexcept {
    return faults_[fault].load(std::memory_order_relaxed);
}

std::uint64_t RequestCounters::duration_count(AnswerKind kind, std::size_t bucket) const noexcept {
    return durations_[static_cast<std::size_t>(kind)][bucket].load(std::memory_order_relaxed);
}

double RequestCounters::duration_sum_seconds(AnswerKind kind) const noexcept {
    return static_cast<double>(nanoseconds_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed)) *
           1e-9;
}

}  // namespace eightbells::metrics
