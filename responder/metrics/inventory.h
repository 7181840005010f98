#ifndef EIGHTBELLS_RESPONDER_METRICS_INVENTORY_H
#define EIGHTBELLS_RESPONDER_METRICS_INVENTORY_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace eightbells::metrics {

// Every metric there is, in one table: the programs can export nothing else. Names have the program's prefix,
// a base unit (seconds, bytes), and `_total` where they only ever rise. Timestamps are seconds since 1970; 0
// means never, and 253402300799 the year 9999. Labels take values known beforehand: never a serial, an
// address or free text (G-19).

// `both`: every program.
enum class Program : std::uint8_t { front, signer, watch, both };
enum class Type : std::uint8_t { counter, gauge, histogram };

// The rows of the table, by name.
enum class Metric : std::uint8_t {
    build,
    process_start_time,
    process_cpu,
    process_resident_memory,
    process_open_fds,
    // the front's requests
    front_requests,
    front_request_duration,
    front_malformed_requests,
    front_live_calls,
    front_live_call_duration,
    front_live_fallbacks,
    front_live_connected,
    // what the front holds
    front_ready,
    front_issuer_ready,
    front_head_epoch,
    front_head_sequence,
    front_head_time,
    front_behind,
    front_pages_expected,
    front_pages_loaded,
    front_pages_stale,
    front_records,
    front_held_bytes,
    front_earliest_next_update,
    front_oldest_produced_at,
    front_signer_certificate_not_after,
    front_crl_this_update,
    front_crl_next_update,
    front_crl_size,
    front_page_waits,
    front_page_waits_refused,
    front_page_reads,
    front_page_read_failures,
    front_pages_mended,
    front_page_pool_bytes,
    front_rejected_blobs,
    front_store_reachable,
    front_store_last_success,
    front_syncs,
    front_sync_duration,
    // the front's wire
    front_connections_accepted,
    front_connections_open,
    front_connections_refused,
    front_connections_refused_by_address,
    front_accept_failures,
    front_connections_lost,
    front_connection_timeouts,
    front_connection_buffers,
    front_http_responses,
    front_http_faults,
    front_received,
    front_sent,
    front_files_cut,
    // the signer's ledger and feeds
    signer_certificates,
    signer_ledger_size,
    signer_events,
    signer_events_repeated,
    signer_taken_back,
    signer_feed_gap,
    signer_feed_as_of,
    signer_feed_errors,
    signer_feed_missing,
    signer_feed_contradicted,
    signer_imports,
    signer_import_duration,
    // its signing
    signer_signatures,
    signer_signing_duration,
    signer_signing_capacity,
    signer_signing_demand,
    signer_pages,
    signer_pages_due,
    signer_pages_refreshed,
    signer_pages_rate,
    signer_signing_left,
    signer_runway_short,
    signer_dark_at,
    signer_clock_state,
    signer_certificate_not_after,
    signer_issuer_not_after,
    // its publishing
    signer_unpublished_changes,
    signer_event_to_published,
    signer_issue_to_good,
    signer_publications,
    signer_last_publication,
    signer_published_epoch,
    signer_published_sequence,
    signer_earliest_next_update,
    signer_crl_this_update,
    signer_crl_next_update,
    signer_crl_size,
    signer_crl_refused,
    signer_crl_too_large,
    signer_crl_life_used,
    signer_event_to_crl,
    signer_crl_rounds,
    signer_crl_entries,
    signer_crl_making_duration,
    signer_crl_due,
    signer_crl_spare_next_update,
    signer_crl_spare_out,
    signer_differences,
    signer_oldest_difference,
    signer_compared,
    signer_last_comparison,
    signer_page_file_size,
    signer_store_reachable,
    signer_store_last_mirror,
    signer_store_finding,
    // its live answers
    signer_live_calls,
    signer_live_call_duration,
    signer_live_queue,
    signer_ready,
    signer_leads,
    signer_pair_in_step,
    signer_alone,
    signer_ledger_set_aside,
    signer_refused_connections,
    // what the watch sees
    watch_watched,
    watch_in_reach,
    watch_outage,
    watch_promise_left,
    watch_longest_outage,
    watch_out_this_week,
    watch_availability,
    watch_wholly_out,
    watch_wholly_out_this_week,
    watch_failed_share,
    watch_probes,
    watch_this_update,
    watch_next_update,
    watch_dark_at,
    watch_signer_not_after,
    watch_disagreement,
    watch_revocation_delay,
    watch_longest_revocation_delay,
    // the watch itself
    watch_last_round,
    watch_round_duration,
    watch_troubles,
    watch_ledger_writable,
    watch_ledger_rows,
    watch_last_anchor,
    watch_anchor_places_missing,
    count_
};
inline constexpr std::size_t metric_count = static_cast<std::size_t>(Metric::count_);

struct Definition {
    Metric id;
    Program program;
    Type type;
    std::string_view name;
    std::array<std::string_view, 4> labels;  // unused ones empty
    std::string_view help;                   // one line (the text format allows no other)
    std::span<const double> bounds{};        // of a histogram, in seconds

    constexpr std::size_t label_count() const noexcept {
        std::size_t n = 0;
        while (n < labels.size() && !labels[n].empty())
            ++n;
        return n;
    }
};

// 50 microseconds to 10 seconds: from an answer out of memory to what the requirements forbid (E-28).
inline constexpr std::array<double, 17> request_bounds{50e-6,  100e-6, 250e-6, 500e-6, 1e-3,   2.5e-3,
                                                       5e-3,   10e-3,  25e-3,  50e-3,  100e-3, 250e-3,
                                                       500e-3, 1,      2.5,    5,      10};
// 10 microseconds to a second: P-256 in software to RSA in a slow module.
inline constexpr std::array<double, 12> signing_bounds{10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6,
                                                       1e-3,  5e-3,  10e-3, 50e-3,  250e-3, 1};
// A second to a day: from an event to what relying parties see (15 minutes C-06, 60 minutes D-03, 4 hours
// D-04, 24 D-02).
inline constexpr std::array<double, 12> visible_bounds{0.1, 0.5, 1,   2,    5,     15,
                                                       60,  300, 900, 3600, 14400, 86400};

const Definition& definition(Metric metric) noexcept;

}  // namespace eightbells::metrics

#endif
