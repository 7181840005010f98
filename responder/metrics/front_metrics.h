#ifndef EIGHTBELLS_RESPONDER_METRICS_FRONT_METRICS_H
#define EIGHTBELLS_RESPONDER_METRICS_FRONT_METRICS_H

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "responder/metrics/family.h"
#include "responder/metrics/request_counters.h"

namespace eightbells::metrics {

// The requests of all workers, added up at the scrape: the three metrics that are counted on the hot path.
class WorkerCounters {
  public:
    // `faults` are the names of what add_fault() counts.
    WorkerCounters(MetricSet& set, std::vector<std::string> faults);
    void attach(const RequestCounters& counters);

  private:
    std::vector<const RequestCounters*> copy() const;
    prometheus::MetricFamily requests() const;
    prometheus::MetricFamily durations() const;
    prometheus::MetricFamily faults() const;

    const MetricSet& set_;
    std::vector<std::string> fault_names_;
    mutable std::mutex mutex_;
    std::vector<const RequestCounters*> counters_;
    std::vector<std::unique_ptr<FamilyBase>> families_;
};

// Everything that a front exports. Gauges are set by the loader, counters of requests are attached, one
// RequestCounters a worker. Issuers by their index in the configuration.
struct FrontMetrics final : MetricSet {
    FrontMetrics(std::vector<std::string> issuers, std::vector<std::string> faults)
        : MetricSet("eightbells-front", std::move(issuers)), workers(*this, std::move(faults)) {}

    using MetricSet::attach;
    // Not owned; must live as long as this. May be called while scrapes go on.
    void attach(const RequestCounters& counters) { workers.attach(counters); }

    WorkerCounters workers;
    Counters<LiveVerdict> live_calls{*this, Metric::front_live_calls};
    Histograms<> live_call_duration{*this, Metric::front_live_call_duration};
    Counters<IssuerIndex> live_fallbacks{*this, Metric::front_live_fallbacks};
    Gauges<> live_connected{*this, Metric::front_live_connected};

    Counters<> page_waits{*this, Metric::front_page_waits};
    Counters<> page_waits_refused{*this, Metric::front_page_waits_refused};
    Counters<> page_reads{*this, Metric::front_page_reads};
    Counters<> page_read_failures{*this, Metric::front_page_read_failures};
    Counters<IssuerIndex> pages_mended{*this, Metric::front_pages_mended};
    Gauges<> page_pool_bytes{*this, Metric::front_page_pool_bytes};

    Gauges<> ready{*this, Metric::front_ready};
    Gauges<IssuerIndex> issuer_ready{*this, Metric::front_issuer_ready};
    Gauges<IssuerIndex> head_epoch{*this, Metric::front_head_epoch};
    Gauges<IssuerIndex> head_sequence{*this, Metric::front_head_sequence};
    Gauges<IssuerIndex> head_time{*this, Metric::front_head_time};
    Gauges<IssuerIndex> behind{*this, Metric::front_behind};
    Gauges<IssuerIndex> pages_expected{*this, Metric::front_pages_expected};
    Gauges<IssuerIndex> pages_loaded{*this, Metric::front_pages_loaded};
    Gauges<IssuerIndex> pages_stale{*this, Metric::front_pages_stale};
    Gauges<IssuerIndex> records{*this, Metric::front_records};
    Gauges<IssuerIndex> held_bytes{*this, Metric::front_held_bytes};
    Gauges<IssuerIndex> earliest_next_update{*this, Metric::front_earliest_next_update};
    Gauges<IssuerIndex> oldest_produced_at{*this, Metric::front_oldest_produced_at};
    Gauges<IssuerIndex> signer_certificate_not_after{*this, Metric::front_signer_certificate_not_after};
    Gauges<IssuerIndex> crl_this_update{*this, Metric::front_crl_this_update};
    Gauges<IssuerIndex> crl_next_update{*this, Metric::front_crl_next_update};
    Gauges<IssuerIndex> crl_size{*this, Metric::front_crl_size};
    Counters<IssuerIndex, BlobKind> rejected_blobs{*this, Metric::front_rejected_blobs};
    Gauges<> store_reachable{*this, Metric::front_store_reachable};
    Gauges<> store_last_success{*this, Metric::front_store_last_success};
    Counters<SyncResult> syncs{*this, Metric::front_syncs};
    Histograms<> sync_duration{*this, Metric::front_sync_duration};

    // Of the listeners, which keep their own counts: attach() getters.
    AttachedFamily connections_accepted{*this, Metric::front_connections_accepted};
    AttachedFamily connections_open{*this, Metric::front_connections_open};
    AttachedFamily connections_refused{*this, Metric::front_connections_refused};
    AttachedFamily connections_refused_by_address{*this, Metric::front_connections_refused_by_address};
    AttachedFamily accept_failures{*this, Metric::front_accept_failures};
    AttachedFamily connections_lost{*this, Metric::front_connections_lost};
    AttachedFamily connection_timeouts{*this, Metric::front_connection_timeouts};
    AttachedFamily connection_buffers{*this, Metric::front_connection_buffers};
    AttachedFamily http_responses{*this, Metric::front_http_responses};
    AttachedFamily http_faults{*this, Metric::front_http_faults};
    AttachedFamily received{*this, Metric::front_received};
    AttachedFamily sent{*this, Metric::front_sent};
    AttachedFamily files_cut{*this, Metric::front_files_cut};
};

}  // namespace eightbells::metrics

#endif
