#include "responder/front/health.h"

#include "responder/front/limits.h"

namespace eightbells::front {

Health::Health(std::vector<std::string> issuers) {
    for (std::string& name : issuers)
        issuers_.push_back({.name = std::move(name)});
}

void Health::set_loaded(std::size_t issuer) {
    const std::lock_guard lock(mutex_);
    issuers_[issuer].loaded = true;
}

void Health::set_lagging(std::size_t issuer, bool lagging, std::chrono::steady_clock::time_point now) {
    const std::lock_guard lock(mutex_);
    Issuer& one = issuers_[issuer];
    if (lagging && !one.lagging)
        one.since = now;
    one.lagging = lagging;
}

void Health::set_leaving() {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
}

metrics::Readiness Health::readiness(std::chrono::steady_clock::time_point now) const {
    const std::lock_guard lock(mutex_);
    metrics::Readiness readiness{.ready = !leaving_, .issuers = {}};
    for (const Issuer& one : issuers_) {
        const bool behind = one.lagging && now - one.since > limits::ready_lag;
        const char* reason = !one.loaded ? "not loaded yet" : behind ? "behind the published head" : "loaded";
        readiness.issuers.push_back({one.name, one.loaded && !behind, reason});
        readiness.ready = readiness.ready && readiness.issuers.back().ready;
    }
    return readiness;
}

}  // namespace eightbells::front
