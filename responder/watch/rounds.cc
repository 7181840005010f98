#include "responder/watch/rounds.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "responder/watch/limits.h"

namespace eightbells::watch {
namespace {

constexpr bool same_names() {
    for (std::size_t i = 0; i < method_count; ++i) {
        if (metrics::watched_method_names[i] != method_names[i])
            return false;
    }
    for (std::size_t i = 1; i < cause_count; ++i) {
        if (metrics::probe_outcome_names[i] != cause_names[i])
            return false;
    }
    return metrics::watched_method_names.size() == method_count &&
           metrics::probe_outcome_names.size() == cause_count;
}
static_assert(same_names(), "the metrics' labels are the ledger's words");

metrics::WatchedMethod label(Method method) {
    return static_cast<metrics::WatchedMethod>(method);
}

}  // namespace

Rounds::Rounds(Prober prober, std::unique_ptr<OutageLedger> ledger, Settings settings, const Clock& clock,
               metrics::WatchMetrics& metrics)
    : prober_(std::move(prober)),
      settings_(std::move(settings)),
      clock_(clock),
      metrics_(metrics),
      revocations_(settings_.revocations,
                   [this] {
                       std::vector<std::string> names;
                       for (const WatchedIssuer& issuer : prober_.issuers())
                           names.push_back(issuer.name);
                       return names;
                   }()),
      ledger_(std::move(ledger)) {
    metrics_.ledger_writable().set(true);
}

std::size_t Rounds::index_of(const std::string& issuer) const {
    const auto found = std::ranges::find(prober_.issuers(), issuer, &WatchedIssuer::name);
    return static_cast<std::size_t>(found - prober_.issuers().begin());
}

// Two rounds, the earlier one as early and the later one as late as jitter and time-outs can make them: one
// round may be lost before the time counts as unobserved.
seconds Rounds::patience() const {
    return 2 * settings_.period + settings_.period / 5 + 3 * std::chrono::ceil<seconds>(settings_.timeout) +
           seconds{5};
}
seconds Rounds::hold_of(Method method) const {
    return method == Method::crl ? settings_.crl_period + patience() : patience();
}

void Rounds::written(const eightbells::Status& status) {
    metrics_.ledger_writable().set(status.has_value());
    if (status) {
        write_error_.reset();
        return;
    }
    metrics_.troubles().add();
    spdlog::error("{}; what was seen is not on record and will count as unobserved", status.error().message);
    write_error_ = status.error().message;
}

eightbells::Status Rounds::note_start(std::string_view version) {
    const std::scoped_lock lock(mutex_);
    return ledger_->note_start(clock_.now(), version, settings_.period);
}

eightbells::Status Rounds::note_stop() {
    const std::scoped_lock lock(mutex_);
    auto noted = ledger_->note_stop(clock_.now());
    if (noted) {
        if (auto anchored = ledger_->anchor(clock_.now(), true); !anchored)
            return fail(anchored.error().message);
    }
    return noted;
}

void Rounds::count(const SeriesKey& key, const Observation& observation) {
    const auto outcome = metrics::ProbeOutcome{static_cast<std::size_t>(observation.cause)};
    metrics_.probes(index_of(key.issuer), label(key.method), outcome).add();
}

void Rounds::observed(const SeriesKey& key, const Observation& observation) {
    count(key, observation);
    const std::scoped_lock lock(mutex_);
    const auto series = ledger_->series(key, hold_of(key.method), observation.time);
    if (!series)
        return written(fail(series.error().message));
    const SeriesHistory& history = ledger_->history().series().at(*series);
    if (!history.last() || history.state() != observation.cause) {
        if (observation.cause != Cause::none)
            spdlog::warn("{} by {} at {}: {}: {}", key.issuer, to_string(key.method), key.address,
                         to_string(observation.cause), observation.text);
        else
            spdlog::info("{} by {} at {}: in reach", key.issuer, to_string(key.method), key.address);
    }
    written(ledger_->observe(*series, observation));
}

void Rounds::noted(const std::string& issuer, const OcspFacts& facts) {
    const std::scoped_lock lock(mutex_);
    written(ledger_->note_facts(issuer, facts));
}
void Rounds::noted(const std::string& issuer, const CrlFacts& facts) {
    const std::scoped_lock lock(mutex_);
    written(ledger_->note_facts(issuer, facts));
}
void Rounds::revocation(const std::string& issuer, const RevocationSeen& seen) {
    metrics_.revocation_delay(index_of(issuer), label(seen.method))
        .observe(std::max(seen.delay(), seconds{0}));
    spdlog::info("{} by {}: a revocation was outside after {} s", issuer, to_string(seen.method),
                 seen.delay().count());
    const std::scoped_lock lock(mutex_);
    written(ledger_->note_revocation(issuer, seen));
}
void Rounds::trouble(const std::string& what) {
    metrics_.troubles().add();
    spdlog::error("the watch itself could not look: {}", what);
}

void Rounds::take_announced() {
    std::vector<std::string> faults;
    std::vector<Awaited> announced;
    {
        const std::scoped_lock lock(mutex_);
        announced = revocations_.look(ledger_->history(), clock_.now(), faults);
    }
    for (const Awaited& one : announced) {
        if (auto taken = prober_.await(one); !taken)
            faults.push_back(taken.error().message);
    }
    for (const std::string& fault : faults)
        spdlog::error("announced revocations: {}", fault);
}

void Rounds::leave_anchors() {
    const UtcTime now = clock_.now();
    for (const auto& file : settings_.witness) {
        const auto anchors = read_anchors(file);
        if (!anchors) {
            spdlog::warn("another watch's anchors: {}", anchors.error().message);
            continue;
        }
        const std::scoped_lock lock(mutex_);
        if (!anchors->empty())
            written(ledger_->note_witness(anchors->back(), now));
    }
    const std::scoped_lock lock(mutex_);
    const auto anchored = ledger_->anchor(now);
    if (!anchored)
        return written(fail(anchored.error().message));
    if (anchored->made)
        spdlog::info("the ledger's head was signed at row {}", ledger_->last_anchor()->head.number);
    for (const std::string& place : anchored->unreached)
        spdlog::warn("a signed head could not be left: {}", place);
    metrics_.anchor_places_missing().set(anchored->unreached.size());
    if (ledger_->last_anchor())
        metrics_.last_anchor().set(ledger_->last_anchor()->time);
}

void Rounds::run(const std::function<bool()>& stop) {
    const auto started = clock_.steady();
    const UtcTime began = clock_.now();
    take_announced();
    const bool whole_crl = !crl_asked_ || started - *crl_asked_ >= settings_.crl_period;
    if (whole_crl)
        crl_asked_ = started;
    if (auto asked = prober_.round(*this, whole_crl, stop); !asked)
        trouble(asked.error().message);
    {
        const std::scoped_lock lock(mutex_);
        written(ledger_->end_round(began, clock_.now()));
        metrics_.ledger_rows().set(ledger_->head().number);
        if (ledger_->history().last_round())
            metrics_.last_round().set(*ledger_->history().last_round());
    }
    leave_anchors();
    metrics_.round_duration().observe(clock_.steady() - started);
    update_gauges();
}

ServiceStatus Rounds::status() const {
    const std::scoped_lock lock(mutex_);
    const std::vector<const History*> own{&ledger_->history()};
    ServiceStatus status = compute_status(own, clock_.now());
    status.head = ledger_->head();
    status.last_anchor = ledger_->last_anchor();
    return status;
}

void Rounds::update_gauges() const {
    using metrics::StatusKind;
    const ServiceStatus status = this->status();
    for (const IssuerStatus& issuer : status.issuers) {
        const std::size_t i = index_of(issuer.name);
        if (i >= prober_.issuers().size())
            continue;  // in the ledger of old, and watched no longer
        bool disagree = false;
        for (const MethodStatus& method : issuer.methods) {
            const auto m = label(method.method);
            metrics_.watched(i, m).set(method.watched);
            metrics_.in_reach(i, m).set(method.now == Reach::up);
            metrics_.outage(i, m).set(method.current_outage.count());
            metrics_.promise_left(i, m).set(method.left_of_promise.count());
            metrics_.longest_outage(i, m).set(method.longest_90_days.count());
            metrics_.out_this_week(i, m).set(method.out_this_week.count());
            metrics_.availability(i, m).set(method.last_90_days.availability());
            if (method.longest_revocation_delay)
                metrics_.longest_revocation_delay(i, m).set(method.longest_revocation_delay->count());
        }
        for (const AddressStatus& address : issuer.addresses)
            disagree = disagree || address.cause == Cause::disagreement ||
                       address.cause == Cause::libraries_disagree;
        metrics_.disagreement(i).set(disagree);
        metrics_.wholly_out(i).set(issuer.wholly_out.count());
        metrics_.wholly_out_this_week(i).set(issuer.wholly_out_this_week.count());
        metrics_.failed_share(i).set(issuer.failed_share_last_hour);
        if (issuer.ocsp) {
            metrics_.this_update(i, StatusKind::ocsp).set(issuer.ocsp->this_update);
            metrics_.next_update(i, StatusKind::ocsp).set(issuer.ocsp->next_update);
            metrics_.signer_not_after(i).set(issuer.ocsp->signer_not_after);
        }
        if (issuer.crl) {
            metrics_.this_update(i, StatusKind::crl).set(issuer.crl->this_update);
            metrics_.next_update(i, StatusKind::crl).set(issuer.crl->next_update);
        }
        if (issuer.runway)
            metrics_.dark_at(i).set(status.now + *issuer.runway);
    }
}

metrics::Readiness Rounds::readiness() const {
    metrics::Readiness result;
    const ServiceStatus status = this->status();
    const bool recent = status.last_round && status.now - *status.last_round <= patience();
    std::optional<std::string> error;
    {
        const std::scoped_lock lock(mutex_);
        error = write_error_;
    }
    result.ready = recent && !error;
    for (const WatchedIssuer& issuer : prober_.issuers())
        result.issuers.push_back({issuer.name, result.ready,
                                  error    ? "the outage ledger cannot be written"
                                  : recent ? "watched"
                                           : "no round has ended lately"});
    return result;
}

}  // namespace eightbells::watch
