#include "responder/metrics/inventory.h"

namespace eightbells::metrics {
namespace {

constexpr Definition counter(Metric id, Program program, std::string_view name,
                             std::array<std::string_view, 4> labels, std::string_view help) {
    return {id, program, Type::counter, name, labels, help};
}
constexpr Definition gauge(Metric id, Program program, std::string_view name,
                           std::array<std::string_view, 4> labels, std::string_view help) {
    return {id, program, Type::gauge, name, labels, help};
}
constexpr Definition histogram(Metric id, Program program, std::string_view name,
                               std::array<std::string_view, 4> labels, std::string_view help,
                               std::span<const double> bounds) {
    return {id, program, Type::histogram, name, labels, help, bounds};
}

using enum Program;

// clang-format off
constexpr std::array<Definition, metric_count> table{{
    gauge(Metric::build, both, "eightbells_build_info", {"program", "version"}, "Always 1; the labels say what runs."),
    gauge(Metric::process_start_time, both, "process_start_time_seconds", {}, "When this program started."),
    counter(Metric::process_cpu, both, "process_cpu_seconds_total", {}, "User and system CPU time."),
    gauge(Metric::process_resident_memory, both, "process_resident_memory_bytes", {}, "Memory in use."),
    gauge(Metric::process_open_fds, both, "process_open_fds", {}, "Open file descriptors."),

    counter(Metric::front_requests, front, "eightbells_front_requests_total", {"issuer", "method", "hash", "outcome"},
            "Requests by what became of them; each is counted once. issuer is none where the request names none that is served here."),
    histogram(Metric::front_request_duration, front, "eightbells_front_request_duration_seconds", {"answer"},
              "From a whole request to its whole answer in the connection's output.", request_bounds),
    counter(Metric::front_malformed_requests, front, "eightbells_front_malformed_requests_total", {"fault"}, "Requests answered malformedRequest, by what was wrong."),
    counter(Metric::front_live_calls, front, "eightbells_front_live_calls_total", {"verdict"}, "Calls to the signer for a live answer, by how they ended."),
    histogram(Metric::front_live_call_duration, front, "eightbells_front_live_call_duration_seconds", {}, "From a call to the signer to its reply or deadline.", request_bounds),
    counter(Metric::front_live_fallbacks, front, "eightbells_front_live_fallbacks_total", {"issuer"},
            "Requests for a live answer that got the stored one because the signer did not answer."),
    gauge(Metric::front_live_connected, front, "eightbells_front_live_connected", {}, "1 while the signer's socket is connected."),

    gauge(Metric::front_ready, front, "eightbells_front_ready", {}, "1 when every issuer is loaded and not behind the published head."),
    gauge(Metric::front_issuer_ready, front, "eightbells_front_issuer_ready", {"issuer"}, "1 when this issuer is loaded and not behind the published head."),
    gauge(Metric::front_head_epoch, front, "eightbells_front_head_epoch", {"issuer"}, "Epoch of the head that is served."),
    gauge(Metric::front_head_sequence, front, "eightbells_front_head_sequence", {"issuer"}, "Sequence number of the head that is served."),
    gauge(Metric::front_head_time, front, "eightbells_front_head_timestamp_seconds", {"issuer"}, "When the head that is served was published."),
    gauge(Metric::front_behind, front, "eightbells_front_behind", {"issuer"}, "1 while the store's head is newer than what is wholly held."),
    gauge(Metric::front_pages_expected, front, "eightbells_front_pages_expected", {"issuer"}, "Pages under the head, empty ones not counted."),
    gauge(Metric::front_pages_loaded, front, "eightbells_front_pages_loaded", {"issuer"}, "Pages held and verified."),
    gauge(Metric::front_pages_stale, front, "eightbells_front_pages_stale", {"issuer"}, "Pages held in an older verified version because the present one did not verify."),
    gauge(Metric::front_records, front, "eightbells_front_records", {"issuer"}, "Answers held."),
    gauge(Metric::front_held_bytes, front, "eightbells_front_held_bytes", {"issuer"}, "Bytes of pages and patches held."),
    gauge(Metric::front_earliest_next_update, front, "eightbells_front_earliest_next_update_timestamp_seconds", {"issuer"},
          "The earliest nextUpdate of all answers held: until then none expires."),
    gauge(Metric::front_oldest_produced_at, front, "eightbells_front_oldest_produced_at_timestamp_seconds", {"issuer"}, "The oldest producedAt of all answers held."),
    gauge(Metric::front_signer_certificate_not_after, front, "eightbells_front_signer_certificate_not_after_timestamp_seconds", {"issuer"},
          "The end of the signer certificate that goes out with the answers."),
    gauge(Metric::front_crl_this_update, front, "eightbells_front_crl_this_update_timestamp_seconds", {"issuer"}, "thisUpdate of the CRL that is served."),
    gauge(Metric::front_crl_next_update, front, "eightbells_front_crl_next_update_timestamp_seconds", {"issuer"}, "nextUpdate of the CRL that is served."),
    gauge(Metric::front_crl_size, front, "eightbells_front_crl_size_bytes", {"issuer"}, "Size of the CRL that is served."),
    counter(Metric::front_page_waits, front, "eightbells_front_page_waits_total", {}, "Requests that waited for a page to be read from the disk (front.memory_limit)."),
    counter(Metric::front_page_waits_refused, front, "eightbells_front_page_waits_refused_total", {},
            "Requests that got tryLater because too many waited already, or the page could not be read in time."),
    counter(Metric::front_page_reads, front, "eightbells_front_page_reads_total", {}, "Pages read from the disk because they were asked for and not in memory."),
    counter(Metric::front_page_read_failures, front, "eightbells_front_page_read_failures_total", {}, "The same where the page was damaged or could not be read."),
    counter(Metric::front_pages_mended, front, "eightbells_front_pages_mended_total", {"issuer"}, "Pages that the store gave anew because they were damaged or missing in the front's own page file."),
    gauge(Metric::front_page_pool_bytes, front, "eightbells_front_page_pool_bytes", {}, "Memory that pages take under front.memory_limit; 0 without one."),
    counter(Metric::front_rejected_blobs, front, "eightbells_front_rejected_blobs_total", {"issuer", "kind"}, "Stored bytes that did not verify and were not believed."),
    gauge(Metric::front_store_reachable, front, "eightbells_front_store_reachable", {}, "1 when the last look at the store succeeded."),
    gauge(Metric::front_store_last_success, front, "eightbells_front_store_last_success_timestamp_seconds", {}, "When a look at the store last succeeded."),
    counter(Metric::front_syncs, front, "eightbells_front_syncs_total", {"result"}, "Passes over the store by how they ended."),
    histogram(Metric::front_sync_duration, front, "eightbells_front_sync_duration_seconds", {}, "How long a pass over the store took.", request_bounds),

    counter(Metric::front_connections_accepted, front, "eightbells_front_connections_accepted_total", {}, "Connections accepted."),
    gauge(Metric::front_connections_open, front, "eightbells_front_connections_open", {}, "Connections open now."),
    counter(Metric::front_connections_refused, front, "eightbells_front_connections_refused_total", {}, "Connections closed at once because the limit was reached."),
    counter(Metric::front_connections_refused_by_address, front, "eightbells_front_connections_refused_by_address_total", {}, "Connections closed at once because their address had as many as one may."),
    counter(Metric::front_accept_failures, front, "eightbells_front_accept_failures_total", {}, "Connections that could not be accepted, for want of descriptors or memory."),
    counter(Metric::front_connections_lost, front, "eightbells_front_connections_lost_total", {}, "Connections that ended before their answer was sent."),
    counter(Metric::front_connection_timeouts, front, "eightbells_front_connection_timeouts_total", {"wait"}, "Connections ended because a wait ran out."),
    gauge(Metric::front_connection_buffers, front, "eightbells_front_connection_buffer_bytes", {}, "Bytes held for unfinished requests and unsent answers."),
    counter(Metric::front_http_responses, front, "eightbells_front_http_responses_total", {"status"}, "Responses by HTTP status; 0 is any that is not listed."),
    counter(Metric::front_http_faults, front, "eightbells_front_http_faults_total", {"fault"}, "Requests refused on HTTP's own terms."),
    counter(Metric::front_received, front, "eightbells_front_received_bytes_total", {}, "Bytes read from clients."),
    counter(Metric::front_sent, front, "eightbells_front_sent_bytes_total", {}, "Bytes written to clients."),
    counter(Metric::front_files_cut, front, "eightbells_front_files_cut_total", {}, "Answers reset because a file was shorter than promised."),

    gauge(Metric::signer_certificates, signer, "eightbells_signer_certificates", {"issuer"}, "Certificates in the ledger."),
    gauge(Metric::signer_ledger_size, signer, "eightbells_signer_ledger_size_bytes", {}, "Size of the ledger's file."),
    counter(Metric::signer_events, signer, "eightbells_signer_events_total", {"action", "verdict"}, "Events by what they asked for and how they were answered."),
    counter(Metric::signer_events_repeated, signer, "eightbells_signer_events_repeated_total", {}, "Events that had come before and got the same answer again."),
    counter(Metric::signer_taken_back, signer, "eightbells_signer_taken_back_total", {"issuer"}, "Certificates and revocations that were published and that the ledger had forgotten, taken back into it: an alarm, it was restored from an old copy or begun anew."),
    gauge(Metric::signer_feed_gap, signer, "eightbells_signer_feed_gap", {"issuer"}, "1 while sequence numbers of a source are missing: an alarm."),
    gauge(Metric::signer_feed_as_of, signer, "eightbells_signer_feed_as_of_timestamp_seconds", {"issuer", "source"}, "The moment for which the source last spoke."),
    counter(Metric::signer_feed_errors, signer, "eightbells_signer_feed_errors_total", {"issuer", "source"}, "Times that a source could not be read."),
    gauge(Metric::signer_feed_missing, signer, "eightbells_signer_feed_missing_certificates", {"issuer", "source"},
          "Certificates that the ledger knows and the source lacks (an index: all of them; a list: those that it once had); kept, and an alarm."),
    gauge(Metric::signer_feed_contradicted, signer, "eightbells_signer_feed_contradicted_certificates", {"issuer", "source"},
          "Certificates that the source calls good and the ledger revoked; kept revoked, and an alarm."),
    counter(Metric::signer_imports, signer, "eightbells_signer_imports_total", {"issuer", "source", "result"}, "Imports by how they ended."),
    histogram(Metric::signer_import_duration, signer, "eightbells_signer_import_duration_seconds", {}, "How long an import took.", visible_bounds),

    counter(Metric::signer_signatures, signer, "eightbells_signer_signatures_total", {"issuer", "outcome"}, "Signatures over answers by how they ended."),
    histogram(Metric::signer_signing_duration, signer, "eightbells_signer_signing_duration_seconds", {"issuer"}, "How long one signature took.", signing_bounds),
    gauge(Metric::signer_signing_capacity, signer, "eightbells_signer_signing_capacity_per_second", {"issuer"}, "Signatures a second that were measured at start, all threads together."),
    gauge(Metric::signer_signing_demand, signer, "eightbells_signer_signing_demand_per_second", {"issuer"}, "Signatures a second that the refresh needs."),
    gauge(Metric::signer_pages, signer, "eightbells_signer_pages", {"issuer"}, "Pages that answers are signed into, those due included."),
    gauge(Metric::signer_pages_due, signer, "eightbells_signer_pages_due", {"issuer"}, "Pages due for refresh and not done."),
    counter(Metric::signer_pages_refreshed, signer, "eightbells_signer_pages_refreshed_total", {"issuer"}, "Pages signed anew."),
    gauge(Metric::signer_pages_rate, signer, "eightbells_signer_pages_signed_per_second", {"issuer"}, "Pages signed a second, over the last half minute."),
    gauge(Metric::signer_signing_left, signer, "eightbells_signer_signing_left_seconds", {"issuer"}, "Until no page is due if signing goes on as in the last half minute; infinite while none is signed."),
    gauge(Metric::signer_runway_short, signer, "eightbells_signer_runway_short", {"issuer"}, "1 while an answer or CRL is valid for less than four hours past its next planned refresh: an alarm."),
    gauge(Metric::signer_dark_at, signer, "eightbells_signer_dark_at_timestamp_seconds", {"issuer"}, "When the first published answer or CRL expires if nothing is signed any more: the runway's end."),
    gauge(Metric::signer_clock_state, signer, "eightbells_signer_clock_state", {"state"}, "1 at the present state; stepped stops signing until acknowledged."),
    gauge(Metric::signer_certificate_not_after, signer, "eightbells_signer_certificate_not_after_timestamp_seconds", {"issuer"}, "The end of the signer certificate in use."),
    gauge(Metric::signer_issuer_not_after, signer, "eightbells_signer_issuer_not_after_timestamp_seconds", {"issuer"}, "The end of the CA certificate."),

    gauge(Metric::signer_unpublished_changes, signer, "eightbells_signer_unpublished_changes", {"issuer"}, "Changes that are durable and not yet published."),
    histogram(Metric::signer_event_to_published, signer, "eightbells_signer_event_to_published_seconds", {"issuer"}, "From the receipt of a change of status to its publication.", visible_bounds),
    histogram(Metric::signer_issue_to_good, signer, "eightbells_signer_issue_to_good_seconds", {"issuer"}, "From hearing of a new certificate to its first published good answer.", visible_bounds),
    counter(Metric::signer_publications, signer, "eightbells_signer_publications_total", {"issuer", "result"}, "Publications by how they ended."),
    gauge(Metric::signer_last_publication, signer, "eightbells_signer_last_publication_timestamp_seconds", {"issuer"}, "When something was last published."),
    gauge(Metric::signer_published_epoch, signer, "eightbells_signer_published_epoch", {"issuer"}, "Epoch of the head last published."),
    gauge(Metric::signer_published_sequence, signer, "eightbells_signer_published_sequence", {"issuer"}, "Sequence number of the head last published."),
    gauge(Metric::signer_earliest_next_update, signer, "eightbells_signer_earliest_next_update_timestamp_seconds", {"issuer"}, "The earliest nextUpdate of all published answers."),
    gauge(Metric::signer_crl_this_update, signer, "eightbells_signer_crl_this_update_timestamp_seconds", {"issuer"}, "thisUpdate of the CRL last published; of several the oldest."),
    gauge(Metric::signer_crl_next_update, signer, "eightbells_signer_crl_next_update_timestamp_seconds", {"issuer"}, "nextUpdate of the CRL last published; of several the first to end."),
    gauge(Metric::signer_crl_size, signer, "eightbells_signer_crl_size_bytes", {"issuer"}, "Size of the CRL last published; of several the largest."),
    gauge(Metric::signer_crl_refused, signer, "eightbells_signer_crl_refused", {"issuer"}, "CRLs of which the last that came was refused; the one before is served."),
    gauge(Metric::signer_crl_too_large, signer, "eightbells_signer_crl_too_large", {"issuer"}, "1 when a CRL is above 8 MB although certificates name no OCSP URL."),
    gauge(Metric::signer_crl_life_used, signer, "eightbells_signer_crl_life_used_ratio", {"issuer"}, "How much of the time from thisUpdate to nextUpdate of a CRL is over; of several the most."),
    histogram(Metric::signer_event_to_crl, signer, "eightbells_signer_event_to_crl_seconds", {"issuer"}, "From a change of status, as the maker of CRLs sees it, to the publication of the CRL that shows it.", visible_bounds),
    counter(Metric::signer_crl_rounds, signer, "eightbells_signer_crl_rounds_total", {"issuer", "result"}, "Times that an issuer's CRLs were made here, or could not be."),
    gauge(Metric::signer_crl_entries, signer, "eightbells_signer_crl_entries", {"issuer"}, "Entries of the complete CRL last made here."),
    gauge(Metric::signer_crl_making_duration, signer, "eightbells_signer_crl_making_duration_seconds", {"issuer"}, "How long making an issuer's CRLs took the last time."),
    gauge(Metric::signer_crl_due, signer, "eightbells_signer_crl_due_timestamp_seconds", {"issuer"}, "When the next CRL is due if nothing changes; year 9999 after the last one."),
    gauge(Metric::signer_crl_spare_next_update, signer, "eightbells_signer_crl_spare_next_update_timestamp_seconds", {"issuer"}, "nextUpdate of the spare CRL that is kept; 0 without one."),
    gauge(Metric::signer_crl_spare_out, signer, "eightbells_signer_crl_spare_out", {"issuer"}, "1 while a spare CRL is served, because no new one could be made."),
    gauge(Metric::signer_differences, signer, "eightbells_signer_differences", {"issuer", "with"},
          "Certificates of which the ledger and what stands elsewhere (CRLs, published answers, fronts) say different things for longer than publication takes: an alarm."),
    gauge(Metric::signer_oldest_difference, signer, "eightbells_signer_oldest_difference_timestamp_seconds", {"issuer", "with"},
          "Since when the oldest difference has been seen, one that is still delay of publication too; 0: none."),
    counter(Metric::signer_compared, signer, "eightbells_signer_compared_total", {"issuer", "with"}, "Comparisons of a certificate's status."),
    gauge(Metric::signer_last_comparison, signer, "eightbells_signer_last_comparison_timestamp_seconds", {"issuer"}, "When the ledger was last compared as a whole with CRLs and published answers."),
    gauge(Metric::signer_page_file_size, signer, "eightbells_signer_page_file_size_bytes", {}, "Size of the signer's page file."),
    gauge(Metric::signer_store_reachable, signer, "eightbells_signer_store_reachable", {}, "1 when the last publication reached the store."),
    gauge(Metric::signer_store_last_mirror, signer, "eightbells_signer_store_last_mirror_timestamp_seconds", {}, "When the store last held all that was published."),
    gauge(Metric::signer_store_finding, signer, "eightbells_signer_store_finding", {"finding"},
          "1 while it is so of some server of the store, each an alarm: it evicts pages, it is nearly full, or it does not tell; the log says which server and what to do."),

    counter(Metric::signer_live_calls, signer, "eightbells_signer_live_calls_total", {"verdict"}, "Calls of fronts for a live answer, by how they ended."),
    histogram(Metric::signer_live_call_duration, signer, "eightbells_signer_live_call_duration_seconds", {}, "From a front's call to the reply.", request_bounds),
    gauge(Metric::signer_live_queue, signer, "eightbells_signer_live_queue", {}, "Calls of fronts that wait."),
    gauge(Metric::signer_ready, signer, "eightbells_signer_ready", {}, "1 when everything is published and a key is ready for every issuer."),
    gauge(Metric::signer_leads, signer, "eightbells_signer_leads", {}, "1 when this signer leads, as one without a second does; 0 while it follows the other."),
    gauge(Metric::signer_pair_in_step, signer, "eightbells_signer_pair_in_step", {}, "Of two signers: 1 while the one that follows is there and has what was acknowledged. 1 without a second signer."),
    gauge(Metric::signer_alone, signer, "eightbells_signer_alone", {}, "1 while events are, or were, acknowledged that only one of two signers has: an alarm; the other one does not take over by itself."),
    gauge(Metric::signer_ledger_set_aside, signer, "eightbells_signer_ledger_set_aside", {}, "Of two signers: 1 while a ledger lies beside this one's that had gone another way and may hold what this one lacks: an alarm; an operator looks, and removes it."),
    counter(Metric::signer_refused_connections, signer, "eightbells_signer_refused_connections_total", {"kind", "fault"}, "Connections from other machines that were refused: at the private call's door (live) and at the other signer's (pair)."),

    gauge(Metric::watch_watched, watch, "eightbells_watch_watched", {"issuer", "method"}, "1 when this issuer is watched by this method."),
    gauge(Metric::watch_in_reach, watch, "eightbells_watch_in_reach", {"issuer", "method"}, "1 while the newest probe of some address was right; 0 when none was, or nobody looked."),
    gauge(Metric::watch_outage, watch, "eightbells_watch_outage_seconds", {"issuer", "method"}, "Length of the outage that goes on now; 0 when there is none."),
    gauge(Metric::watch_promise_left, watch, "eightbells_watch_promise_left_seconds", {"issuer", "method"}, "What is left of the four hours; below 0 the promise is broken."),
    gauge(Metric::watch_longest_outage, watch, "eightbells_watch_longest_outage_seconds", {"issuer", "method"}, "The longest outage of the last 90 days."),
    gauge(Metric::watch_out_this_week, watch, "eightbells_watch_out_this_week_seconds", {"issuer", "method"}, "Out of reach in this calendar week, added up."),
    gauge(Metric::watch_availability, watch, "eightbells_watch_availability_ratio", {"issuer", "method"}, "Share of the observed time of the last 90 days in which status was in reach."),
    gauge(Metric::watch_wholly_out, watch, "eightbells_watch_wholly_out_seconds", {"issuer"}, "How long all methods have been out of reach together, on end, until now."),
    gauge(Metric::watch_wholly_out_this_week, watch, "eightbells_watch_wholly_out_this_week_seconds", {"issuer"}, "All methods out of reach together in this calendar week, added up."),
    gauge(Metric::watch_failed_share, watch, "eightbells_watch_failed_probes_ratio", {"issuer"}, "Share of the probes of this hour and the last that failed."),
    counter(Metric::watch_probes, watch, "eightbells_watch_probes_total", {"issuer", "method", "outcome"}, "Probes by what they found: ok, or the first thing that was wrong."),
    gauge(Metric::watch_this_update, watch, "eightbells_watch_this_update_timestamp_seconds", {"issuer", "kind"}, "thisUpdate of what is served: the oldest canary's answer, the CRL."),
    gauge(Metric::watch_next_update, watch, "eightbells_watch_next_update_timestamp_seconds", {"issuer", "kind"}, "nextUpdate of what is served: the earliest canary's answer, the CRL."),
    gauge(Metric::watch_dark_at, watch, "eightbells_watch_dark_at_timestamp_seconds", {"issuer"}, "When status becomes invalid if nothing is refreshed any more: the runway's end."),
    gauge(Metric::watch_signer_not_after, watch, "eightbells_watch_signer_certificate_not_after_timestamp_seconds", {"issuer"}, "The end of the signer certificate that goes out with the answers."),
    gauge(Metric::watch_disagreement, watch, "eightbells_watch_disagreement", {"issuer"}, "1 while OCSP and CRL, or two libraries, disagree about a canary."),
    histogram(Metric::watch_revocation_delay, watch, "eightbells_watch_revocation_delay_seconds", {"issuer", "method"}, "From an announced revocation to the first correct answer outside.", visible_bounds),
    gauge(Metric::watch_longest_revocation_delay, watch, "eightbells_watch_longest_revocation_delay_seconds", {"issuer", "method"}, "The longest such delay of the last 90 days."),
    gauge(Metric::watch_last_round, watch, "eightbells_watch_last_round_timestamp_seconds", {}, "When a round of probes was last entered in the outage ledger."),
    histogram(Metric::watch_round_duration, watch, "eightbells_watch_round_duration_seconds", {}, "How long a round of probes took.", visible_bounds),
    counter(Metric::watch_troubles, watch, "eightbells_watch_troubles_total", {}, "Times that the watch itself could not look or write; counted as nobody's outage."),
    gauge(Metric::watch_ledger_writable, watch, "eightbells_watch_ledger_writable", {}, "1 when the last row could be written to the outage ledger."),
    gauge(Metric::watch_ledger_rows, watch, "eightbells_watch_ledger_rows", {}, "Rows of the outage ledger."),
    gauge(Metric::watch_last_anchor, watch, "eightbells_watch_last_anchor_timestamp_seconds", {}, "When the head of the outage ledger was last signed."),
    gauge(Metric::watch_anchor_places_missing, watch, "eightbells_watch_anchor_places_missing", {}, "Places in which the last signed head could not be left."),
}};
// clang-format on

consteval bool in_order() {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (table[i].id != static_cast<Metric>(i))
            return false;
    }
    return true;
}
static_assert(in_order(), "the rows stand in the order of enum Metric");

}  // namespace

const Definition& definition(Metric metric) noexcept {
    return table[static_cast<std::size_t>(metric)];
}

}  // namespace eightbells::metrics
