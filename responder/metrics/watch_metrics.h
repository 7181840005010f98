#ifndef EIGHTBELLS_RESPONDER_METRICS_WATCH_METRICS_H
#define EIGHTBELLS_RESPONDER_METRICS_WATCH_METRICS_H

#include <string>
#include <vector>

#include "responder/metrics/family.h"
#include "responder/metrics/watch_labels.h"

namespace eightbells::metrics {

template <>
struct LabelOf<WatchedMethod> : EnumLabel<WatchedMethod, watched_method_names> {};
template <>
struct LabelOf<StatusKind> : EnumLabel<StatusKind, status_kind_names> {};
template <>
struct LabelOf<ProbeOutcome> {
    static LabelValues values(const MetricSet&) {
        return {probe_outcome_names.begin(), probe_outcome_names.end()};
    }
    static std::size_t index(ProbeOutcome outcome) noexcept { return outcome.index; }
};

// Everything that a watch exports. Issuers by their index among those it watches. Any thread may set any of
// it.
struct WatchMetrics final : MetricSet {
    explicit WatchMetrics(std::vector<std::string> issuers)
        : MetricSet("eightbells-watch", std::move(issuers)) {}

    Gauges<IssuerIndex, WatchedMethod> watched{*this, Metric::watch_watched};
    Gauges<IssuerIndex, WatchedMethod> in_reach{*this, Metric::watch_in_reach};
    Gauges<IssuerIndex, WatchedMethod> outage{*this, Metric::watch_outage};
    Gauges<IssuerIndex, WatchedMethod> promise_left{*this, Metric::watch_promise_left};
    Gauges<IssuerIndex, WatchedMethod> longest_outage{*this, Metric::watch_longest_outage};
    Gauges<IssuerIndex, WatchedMethod> out_this_week{*this, Metric::watch_out_this_week};
    Gauges<IssuerIndex, WatchedMethod> availability{*this, Metric::watch_availability};
    Gauges<IssuerIndex> wholly_out{*this, Metric::watch_wholly_out};
    Gauges<IssuerIndex> wholly_out_this_week{*this, Metric::watch_wholly_out_this_week};
    Gauges<IssuerIndex> failed_share{*this, Metric::watch_failed_share};
    Counters<IssuerIndex, WatchedMethod, ProbeOutcome> probes{*this, Metric::watch_probes};

    Gauges<IssuerIndex, StatusKind> this_update{*this, Metric::watch_this_update};
    Gauges<IssuerIndex, StatusKind> next_update{*this, Metric::watch_next_update};
    Gauges<IssuerIndex> dark_at{*this, Metric::watch_dark_at};
    Gauges<IssuerIndex> signer_not_after{*this, Metric::watch_signer_not_after};
    Gauges<IssuerIndex> disagreement{*this, Metric::watch_disagreement};
    Histograms<IssuerIndex, WatchedMethod> revocation_delay{*this, Metric::watch_revocation_delay};
    Gauges<IssuerIndex, WatchedMethod> longest_revocation_delay{*this,
                                                                Metric::watch_longest_revocation_delay};

    Gauges<> last_round{*this, Metric::watch_last_round};
    Histograms<> round_duration{*this, Metric::watch_round_duration};
    Counters<> troubles{*this, Metric::watch_troubles};
    Gauges<> ledger_writable{*this, Metric::watch_ledger_writable};
    Gauges<> ledger_rows{*this, Metric::watch_ledger_rows};
    Gauges<> last_anchor{*this, Metric::watch_last_anchor};
    Gauges<> anchor_places_missing{*this, Metric::watch_anchor_places_missing};
};

}  // namespace eightbells::metrics

#endif
