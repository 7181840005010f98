#include "responder/front/gauges.h"

#include <algorithm>

#include "responder/crypto/certificate.h"

namespace eightbells::front {
namespace {

static_assert(static_cast<std::size_t>(metrics::BlobKind::count_) == cache::blob_kinds &&
              static_cast<int>(metrics::BlobKind::crl) == static_cast<int>(cache::BlobKind::crl));

// Of the first answer's signer: all but a few have the same. Where no answer is at hand without reading a
// page first, of the signer whose certificate ends last: those of before stand only under what is left of
// them.
std::optional<UtcTime> signer_not_after(const cache::IssuerSnapshot& snapshot) {
    std::optional<UtcTime> not_after;
    snapshot.for_each([&not_after](cache::SetId, const cache::IssuerSnapshot::Found& found) {
        if (const auto certificate = crypto::Certificate::parse(found.profile->signer_certificate))
            not_after = certificate->not_after();
        return false;
    });
    if (not_after)
        return not_after;
    for (const ocsp::AnswerProfile* profile : snapshot.profiles())
        if (const auto certificate = crypto::Certificate::parse(profile->signer_certificate))
            not_after = std::max(not_after.value_or(certificate->not_after()), certificate->not_after());
    return not_after;
}

}  // namespace

void set_gauges(metrics::FrontMetrics& metrics, std::size_t issuer, const cache::IssuerSnapshot& snapshot,
                const std::vector<std::shared_ptr<const CrlFile>>& crls) {
    const cache::Head& head = snapshot.head();
    metrics.head_epoch(issuer).set(head.version.epoch);
    metrics.head_sequence(issuer).set(head.version.sequence);
    metrics.head_time(issuer).set(head.time);
    metrics.pages_expected(issuer).set(snapshot.pages_total());
    metrics.pages_loaded(issuer).set(snapshot.pages_loaded());
    metrics.pages_stale(issuer).set(snapshot.pages_stale());
    metrics.records(issuer).set(snapshot.records());
    metrics.held_bytes(issuer).set(snapshot.octets());
    metrics.earliest_next_update(issuer).set(snapshot.earliest_next_update());
    metrics.oldest_produced_at(issuer).set(snapshot.oldest_produced_at());
    if (const auto not_after = signer_not_after(snapshot))
        metrics.signer_certificate_not_after(issuer).set(*not_after);
    if (!crls.empty()) {
        const CrlFile& crl = *crls.front();
        metrics.crl_this_update(issuer).set(crl.this_update);
        metrics.crl_next_update(issuer).set(crl.next_update.value_or(year_9999));
        metrics.crl_size(issuer).set(crl.size);
    }
}

void count_rejected(metrics::FrontMetrics& metrics, std::size_t issuer, const cache::SyncReport& report) {
    for (std::size_t kind = 0; kind < report.rejected_by_kind.size(); ++kind)
        if (report.rejected_by_kind[kind] > 0)
            metrics.rejected_blobs(issuer, static_cast<metrics::BlobKind>(kind))
                .add(report.rejected_by_kind[kind]);
}

void attach_wire(metrics::FrontMetrics& metrics, const http::WireCounters& wire) {
    using metrics::Metric;
    const auto attach = [&metrics](Metric metric, std::vector<std::string> labels,
                                   const http::Counter& counter) {
        metrics.attach(metric, std::move(labels),
                       [&counter] { return static_cast<double>(counter.value()); });
    };
    attach(Metric::front_connections_accepted, {}, wire.accepted);
    attach(Metric::front_connections_open, {}, wire.open);
    attach(Metric::front_connections_refused, {}, wire.refused);
    attach(Metric::front_connections_refused_by_address, {}, wire.refused_by_address);
    attach(Metric::front_accept_failures, {}, wire.accept_failures);
    attach(Metric::front_connections_lost, {}, wire.lost);
    attach(Metric::front_connection_buffers, {}, wire.buffer_octets);
    attach(Metric::front_received, {}, wire.octets_in);
    attach(Metric::front_sent, {}, wire.octets_out);
    attach(Metric::front_files_cut, {}, wire.files_cut);
    for (std::size_t wait = 0; wait < http::wait_count; ++wait)
        attach(Metric::front_connection_timeouts, {std::string(to_string(static_cast<http::Wait>(wait)))},
               wire.timeouts[wait]);
    for (std::size_t row = 0; row < http::counted_statuses.size(); ++row)
        attach(Metric::front_http_responses, {std::to_string(http::counted_statuses[row])},
               wire.responses[row]);
    for (std::size_t fault = 0; fault < http::fault_count; ++fault)
        attach(Metric::front_http_faults, {std::string(to_string(static_cast<http::Fault>(fault)))},
               wire.faults[fault]);
}

}  // namespace eightbells::front
