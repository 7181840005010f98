#ifndef EIGHTBELLS_RESPONDER_WATCH_ROUNDS_H
#define EIGHTBELLS_RESPONDER_WATCH_ROUNDS_H

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "responder/metrics/private_listener.h"
#include "responder/metrics/watch_metrics.h"
#include "responder/watch/outage_ledger.h"
#include "responder/watch/prober.h"
#include "responder/watch/revocations.h"
#include "responder/watch/status.h"

namespace eightbells::watch {

// Round after round: asks, and enters what was seen into the ledger and the metrics. One thread runs rounds;
// any thread may ask for the status meanwhile.
class Rounds final : private RoundSink {
  public:
    struct Settings {
        seconds period{60};
        seconds crl_period{300};
        std::chrono::milliseconds timeout{10'000};
        std::vector<std::filesystem::path> witness;
        std::filesystem::path revocations;
    };
    // `clock` and `metrics` must outlive it.
    Rounds(Prober prober, std::unique_ptr<OutageLedger> ledger, Settings settings, const Clock& clock,
           metrics::WatchMetrics& metrics);

    // Ends early, and leaves the ledger whole, when `stop` says so.
    void run(const std::function<bool()>& stop);
    // The program's beginning and orderly end on record; the end is signed.
    eightbells::Status note_start(std::string_view version);
    eightbells::Status note_stop();

    // From any thread.
    ServiceStatus status() const;
    void update_gauges() const;
    metrics::Readiness readiness() const;
    // How old the last row of a round may be while all is well.
    seconds patience() const;

  private:
    void observed(const SeriesKey& key, const Observation& observation) override;
    void noted(const std::string& issuer, const OcspFacts& facts) override;
    void noted(const std::string& issuer, const CrlFacts& facts) override;
    void revocation(const std::string& issuer, const RevocationSeen& seen) override;
    void trouble(const std::string& what) override;
    void written(const eightbells::Status& status);
    void count(const SeriesKey& key, const Observation& observation);
    void take_announced();
    void leave_anchors();
    std::size_t index_of(const std::string& issuer) const;
    seconds hold_of(Method method) const;

    Prober prober_;
    Settings settings_;
    const Clock& clock_;
    metrics::WatchMetrics& metrics_;
    Revocations revocations_;
    std::optional<std::chrono::steady_clock::time_point> crl_asked_;

    mutable std::mutex mutex_;  // over the ledger
    std::unique_ptr<OutageLedger> ledger_;
    std::optional<std::string> write_error_;
};

}  // namespace eightbells::watch

#endif
