#ifndef EIGHTBELLS_RESPONDER_METRICS_SIGNER_METRICS_H
#define EIGHTBELLS_RESPONDER_METRICS_SIGNER_METRICS_H

#include <string>
#include <vector>

#include "responder/metrics/family.h"

namespace eightbells::metrics {

// Everything that a signer exports. Issuers by their index in the configuration. Any thread may set any of
// it.
struct SignerMetrics final : MetricSet {
    explicit SignerMetrics(std::vector<std::string> issuers)
        : MetricSet("eightbells-signer", std::move(issuers)) {}

    Gauges<IssuerIndex> certificates{*this, Metric::signer_certificates};
    Gauges<> ledger_size{*this, Metric::signer_ledger_size};
    Counters<EventAction, EventVerdict> events{*this, Metric::signer_events};
    Counters<> events_repeated{*this, Metric::signer_events_repeated};
    Counters<IssuerIndex> taken_back{*this, Metric::signer_taken_back};
    Gauges<IssuerIndex> feed_gap{*this, Metric::signer_feed_gap};
    Gauges<IssuerIndex, Feed> feed_as_of{*this, Metric::signer_feed_as_of};
    Counters<IssuerIndex, Feed> feed_errors{*this, Metric::signer_feed_errors};
    Gauges<IssuerIndex, Feed> feed_missing{*this, Metric::signer_feed_missing};
    Gauges<IssuerIndex, Feed> feed_contradicted{*this, Metric::signer_feed_contradicted};
    Counters<IssuerIndex, Feed, ImportResult> imports{*this, Metric::signer_imports};
    Histograms<> import_duration{*this, Metric::signer_import_duration};

    Counters<IssuerIndex, SignatureOutcome> signatures{*this, Metric::signer_signatures};
    Histograms<IssuerIndex> signing_duration{*this, Metric::signer_signing_duration};
    Gauges<IssuerIndex> signing_capacity{*this, Metric::signer_signing_capacity};
    Gauges<IssuerIndex> signing_demand{*this, Metric::signer_signing_demand};
    Gauges<IssuerIndex> pages{*this, Metric::signer_pages};
    Gauges<IssuerIndex> pages_due{*this, Metric::signer_pages_due};
    Counters<IssuerIndex> pages_refreshed{*this, Metric::signer_pages_refreshed};
    Gauges<IssuerIndex> pages_rate{*this, Metric::signer_pages_rate};
    Gauges<IssuerIndex> signing_left{*this, Metric::signer_signing_left};
    Gauges<IssuerIndex> runway_short{*this, Metric::signer_runway_short};
    Gauges<IssuerIndex> dark_at{*this, Metric::signer_dark_at};
    Gauges<ClockState> clock_state{*this, Metric::signer_clock_state};
    Gauges<IssuerIndex> certificate_not_after{*this, Metric::signer_certificate_not_after};
    Gauges<IssuerIndex> issuer_not_after{*this, Metric::signer_issuer_not_after};

    Gauges<IssuerIndex> unpublished_changes{*this, Metric::signer_unpublished_changes};
    Histograms<IssuerIndex> event_to_published{*this, Metric::signer_event_to_published};
    Histograms<IssuerIndex> issue_to_good{*this, Metric::signer_issue_to_good};
    Counters<IssuerIndex, PublishResult> publications{*this, Metric::signer_publications};
    Gauges<IssuerIndex> last_publication{*this, Metric::signer_last_publication};
    Gauges<IssuerIndex> published_epoch{*this, Metric::signer_published_epoch};
    Gauges<IssuerIndex> published_sequence{*this, Metric::signer_published_sequence};
    Gauges<IssuerIndex> earliest_next_update{*this, Metric::signer_earliest_next_update};
    Gauges<IssuerIndex> crl_this_update{*this, Metric::signer_crl_this_update};
    Gauges<IssuerIndex> crl_next_update{*this, Metric::signer_crl_next_update};
    Gauges<IssuerIndex> crl_size{*this, Metric::signer_crl_size};
    Gauges<IssuerIndex> crl_refused{*this, Metric::signer_crl_refused};
    Gauges<IssuerIndex> crl_too_large{*this, Metric::signer_crl_too_large};
    Gauges<IssuerIndex> crl_life_used{*this, Metric::signer_crl_life_used};
    Histograms<IssuerIndex> event_to_crl{*this, Metric::signer_event_to_crl};
    Counters<IssuerIndex, PublishResult> crl_rounds{*this, Metric::signer_crl_rounds};
    Gauges<IssuerIndex> crl_entries{*this, Metric::signer_crl_entries};
    Gauges<IssuerIndex> crl_making_duration{*this, Metric::signer_crl_making_duration};
    Gauges<IssuerIndex> crl_due{*this, Metric::signer_crl_due};
    Gauges<IssuerIndex> crl_spare_next_update{*this, Metric::signer_crl_spare_next_update};
    Gauges<IssuerIndex> crl_spare_out{*this, Metric::signer_crl_spare_out};
    Gauges<IssuerIndex, Compared> differences{*this, Metric::signer_differences};
    Gauges<IssuerIndex, Compared> oldest_difference{*this, Metric::signer_oldest_difference};
    Counters<IssuerIndex, Compared> compared{*this, Metric::signer_compared};
    Gauges<IssuerIndex> last_comparison{*this, Metric::signer_last_comparison};
    Gauges<> page_file_size{*this, Metric::signer_page_file_size};
    Gauges<> store_reachable{*this, Metric::signer_store_reachable};
    Gauges<> store_last_mirror{*this, Metric::signer_store_last_mirror};
    Gauges<StoreFinding> store_finding{*this, Metric::signer_store_finding};

    Counters<LiveVerdict> live_calls{*this, Metric::signer_live_calls};
    Histograms<> live_call_duration{*this, Metric::signer_live_call_duration};
    Gauges<> live_queue{*this, Metric::signer_live_queue};
    Gauges<> ready{*this, Metric::signer_ready};
    Gauges<> leads{*this, Metric::signer_leads};
    Gauges<> pair_in_step{*this, Metric::signer_pair_in_step};
    Gauges<> alone{*this, Metric::signer_alone};
    Gauges<> ledger_set_aside{*this, Metric::signer_ledger_set_aside};
    Counters<Door, Refused> refused_connections{*this, Metric::signer_refused_connections};
};

}  // namespace eightbells::metrics

#endif
