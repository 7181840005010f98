#include "responder/signer/report.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "responder/config/limits.h"
#include "responder/crl/crl.h"
#include "responder/signer/limits.h"
#include "responder/signer/signer.h"

namespace eightbells::signer {

namespace fs = std::filesystem;

namespace {
metrics::Feed feed_of(std::string_view source) noexcept {
    if (source == "index")
        return metrics::Feed::index;
    if (source == "crl" || source.starts_with("crl:"))
        return metrics::Feed::crl;
    return source.starts_with("list:") ? metrics::Feed::list : metrics::Feed::events;
}

// A CA's database has every certificate: what the ledger knows beyond it was listed once, or came another way
// (G-26).
std::uint64_t lacking_of(ledger::Ledger& ledger, const std::string& issuer, metrics::Feed feed,
                         const ledger::ImportReport& report) {
    const auto known = ledger.count(issuer);
    if (feed != metrics::Feed::index || !known || *known < report.read)
        return report.missing;
    return *known - report.read;
}
}  // namespace

Report::Report(const config::Config& config, std::vector<std::shared_ptr<const Identity>> identities,
               ledger::Ledger& ledger, metrics::SignerMetrics& metrics, const Clock& clock)
    : config_(config), identities_(std::move(identities)), ledger_(ledger), metrics_(metrics), clock_(clock) {
    for (const auto& identity : identities_) {
        metrics_.certificate_not_after(identity->index).set(identity->signer_certificate.not_after());
        metrics_.issuer_not_after(identity->index).set(identity->issuer.certificate().not_after());
    }
}

std::size_t Report::index_of(const std::string& issuer) const {
    for (const auto& identity : identities_) {
        if (identity->issuer.id() == issuer)
            return identity->index;
    }
    return identities_.size();
}

const std::string& Report::name_of(const std::string& issuer) const {
    for (const auto& identity : identities_) {
        if (identity->issuer.id() == issuer)
            return identity->settings.name;
    }
    return issuer;
}

void Report::imported(const std::string& issuer, const std::string& source,
                      const ledger::ImportReport& report) {
    const std::size_t index = index_of(issuer);
    const auto feed = feed_of(source);
    spdlog::info("issuer {}: {}: read {}, issued {}, revoked {}, released {}, corrected {}, unchanged {}",
                 name_of(issuer), source, report.read, report.issued, report.revoked, report.released,
                 report.corrected, report.unchanged);
    const std::uint64_t lacking = lacking_of(ledger_, issuer, feed, report);
    if (lacking != 0) {
        spdlog::error("issuer {}: {}: {} certificates that are known here are missing from it; they are kept",
                      name_of(issuer), source, lacking);
    }
    if (report.contradicted != 0) {
        spdlog::error("issuer {}: {}: it contradicts {} revocations; they stand", name_of(issuer), source,
                      report.contradicted);
    }
    for (const auto& warning : report.warnings)
        spdlog::warn("issuer {}: {}: {}", name_of(issuer), source, warning);
    const bool changed = report.issued + report.revoked + report.released + report.corrected != 0;
    metrics_.imports(index, feed, changed ? metrics::ImportResult::changed : metrics::ImportResult::unchanged)
        .add();
    metrics_.feed_missing(index, feed).set(lacking);
    metrics_.feed_contradicted(index, feed).set(report.contradicted);
}

void Report::refused(const std::string& issuer, const std::string& source, const Error& error) {
    spdlog::error("issuer {}: {} refused, nothing of it is taken: {}", name_of(issuer), source,
                  error.message);
    metrics_.imports(index_of(issuer), feed_of(source), metrics::ImportResult::refused).add();
    metrics_.feed_errors(index_of(issuer), feed_of(source)).add();
}

void Report::crl_taken(const std::string& issuer, const std::string& path, ByteView der) {
    const auto view = crl::parse_crl(der);
    if (!view)
        return;
    const std::scoped_lock guard{mutex_};
    crls_[issuer][path] = {view->this_update, view->next_update.value_or(year_9999), der.size(), true, false};
    tell_crls(issuer);
}

// What is served stays: this is the alarm that it will not stay right for ever.
void Report::crl_refused(const std::string& issuer, const std::string& path, const Error& error) {
    spdlog::error("issuer {}: CRL {} refused, the one that is served stays: {}", name_of(issuer), path,
                  error.message);
    const std::size_t index = index_of(issuer);
    metrics_.imports(index, metrics::Feed::crl, metrics::ImportResult::refused).add();
    metrics_.feed_errors(index, metrics::Feed::crl).add();
    const std::scoped_lock guard{mutex_};
    crls_[issuer][path].refused = true;
    tell_crls(issuer);
}

// Of several CRLs the oldest, the one that ends first and the largest are told: what an alarm is about.
// REQUIRES: mutex_.
void Report::tell_crls(const std::string& issuer) {
    const std::size_t index = index_of(issuer);
    CrlState told{year_9999, year_9999, 0, false, false};
    std::uint64_t refused = 0;
    for (const auto& [path, state] : crls_[issuer]) {
        refused += state.refused ? 1 : 0;
        if (!state.taken)
            continue;
        told.taken = true;
        told.this_update = std::min(told.this_update, state.this_update);
        told.next_update = std::min(told.next_update, state.next_update);
        told.octets = std::max(told.octets, state.octets);
    }
    metrics_.crl_refused(index).set(refused);
    if (!told.taken)
        return;
    metrics_.crl_this_update(index).set(told.this_update);
    metrics_.crl_next_update(index).set(told.next_update);
    metrics_.crl_size(index).set(told.octets);
    const bool alone = index < config_.issuers.size() && !config_.issuers[index].ocsp_in_certificates;
    const bool too_large = alone && told.octets > limits::crl_size_alarm;
    metrics_.crl_too_large(index).set(too_large);
    if (too_large)
        spdlog::error(
            "issuer {}: a CRL of {} octets, where certificates name no OCSP: Windows takes none above "
            "10 MB (F-25)",
            name_of(issuer), told.octets);
}

void Report::on_issuance(const Identity& identity, const CrlIssuance& issuance) {
    const std::size_t index = identity.index;
    const std::scoped_lock guard{mutex_};
    auto& before = issuances_[issuance.issuer];
    metrics_.crl_rounds(index, metrics::PublishResult::done).add(issuance.made - before.made);
    metrics_.crl_rounds(index, metrics::PublishResult::failed).add(issuance.failures - before.failures);
    metrics_.crl_entries(index).set(issuance.entries);
    metrics_.crl_making_duration(index).set(static_cast<double>(issuance.took.count()) / 1000);
    metrics_.crl_due(index).set(issuance.due.value_or(year_9999));
    metrics_.crl_spare_next_update(index).set(issuance.spare_next_update.value_or(UtcTime{}));
    metrics_.crl_spare_out(index).set(issuance.spare_out);
    if (issuance.changes_shown != before.changes_shown)
        metrics_.event_to_crl(index).observe(issuance.shown_after);
    before = issuance;
}

namespace {
nlohmann::json crl_json(const CrlIssuance& issuance) {
    nlohmann::json one{
        {"number", to_hex(issuance.number)}, {"entries", issuance.entries}, {"made", issuance.made},
        {"took_ms", issuance.took.count()},  {"waits", issuance.waits},     {"last", issuance.last},
        {"spare_out", issuance.spare_out}};
    if (!issuance.number.empty()) {
        one["this_update"] = to_iso8601(issuance.this_update);
        one["next_update"] = to_iso8601(issuance.next_update);
    }
    if (issuance.due)
        one["due"] = to_iso8601(*issuance.due);
    if (issuance.spare_next_update)
        one["spare_next_update"] = to_iso8601(*issuance.spare_next_update);
    if (issuance.fault)
        one["fault"] = *issuance.fault;
    return one;
}
}  // namespace

void Report::clock_seen(const ClockGuard::Reading& reading) {
    using metrics::ClockState;
    for (const auto state : {ClockState::trusted, ClockState::unsynchronised, ClockState::stepped})
        metrics_.clock_state(state).set(state == reading.state);
    if (reading.why.empty())
        spdlog::info("the clock is trusted");
    else if (reading.may_sign)
        spdlog::error("clock: {}", reading.why);
    else
        spdlog::critical("clock: {}", reading.why);
}

void Report::on_published(const Identity& identity, const std::vector<ledger::Ledger::Change>& changes,
                          UtcTime now) {
    for (const auto& change : changes) {
        auto& latency = change.status_change ? metrics_.event_to_published(identity.index)
                                             : metrics_.issue_to_good(identity.index);
        latency.observe(now - change.at);
    }
    if (consistency_ != nullptr)
        consistency_->published(identity.issuer.id(), changes);
}

void Report::on_state(const Identity& identity, const PublishedState& state) {
    const std::size_t index = identity.index;
    metrics_.certificates(index).set(state.certificates);
    metrics_.pages(index).set(state.pages);
    metrics_.pages_due(index).set(state.pages_due);
    metrics_.pages_rate(index).set(state.pages_per_second);
    metrics_.signing_left(index).set(state.signing_left ? static_cast<double>(state.signing_left->count())
                                                        : std::numeric_limits<double>::infinity());
    metrics_.unpublished_changes(index).set(state.unpublished);
    metrics_.published_epoch(index).set(state.version.epoch);
    metrics_.published_sequence(index).set(state.version.sequence);
    if (state.last_publication)
        metrics_.last_publication(index).set(*state.last_publication);
    if (state.earliest_next_update)
        metrics_.earliest_next_update(index).set(*state.earliest_next_update);
    const UtcTime now = clock_.now();
    const std::scoped_lock guard{mutex_};
    auto& before = states_[state.issuer];
    metrics_.taken_back(index).add(state.taken_back - before.taken_back);
    metrics_.pages_refreshed(index).add(state.pages_refreshed - before.pages_refreshed);
    metrics_.publications(index, metrics::PublishResult::done)
        .add(state.version.sequence - std::min(state.version.sequence, before.version.sequence));
    metrics_.publications(index, metrics::PublishResult::failed).add(state.failures - before.failures);
    double life_used = 0;
    UtcTime dark_at = state.earliest_next_update.value_or(year_9999);
    for (const auto& [path, crl] : crls_[state.issuer]) {
        if (!crl.taken)
            continue;
        dark_at = std::min(dark_at, crl.next_update);
        if (crl.next_update > crl.this_update)
            life_used =
                std::max(life_used, static_cast<double>((now - crl.this_update).count()) /
                                        static_cast<double>((crl.next_update - crl.this_update).count()));
    }
    metrics_.crl_life_used(index).set(life_used);
    metrics_.dark_at(index).set(dark_at);
    const bool crl_short = std::ranges::any_of(crls_[state.issuer], [&](const auto& crl) {
        return crl.second.taken && crl.second.next_update - now < limits::runway;
    });
    const bool short_runway = crl_short || (state.shortest_runway && *state.shortest_runway < limits::runway);
    metrics_.runway_short(index).set(short_runway);
    if (short_runway && !runway_was_short_[state.issuer]) {
        spdlog::error("issuer {}: less than four hours of runway: {}", identity.settings.name,
                      crl_short ? "the CRL ends soon" : "answers end too soon after their next refresh");
    }
    runway_was_short_[state.issuer] = short_runway;
    metrics_.signing_demand(index).set(static_cast<double>(state.certificates * identity.profiles.size()) /
                                       static_cast<double>(identity.settings.refresh.count()));
    tell_demand();
    before = state;
    metrics_.ready().set(ready_locked());
    measure_files();
}

// What a start would refuse an import may bring about: it is taken, and this is the alarm. REQUIRES: mutex_.
void Report::tell_demand() {
    double share = 0;
    for (const auto& identity : identities_) {
        if (const double capacity = metrics_.signing_capacity(identity->index).value(); capacity > 0)
            share += metrics_.signing_demand(identity->index).value() / capacity;
    }
    const bool high = share > limits::signing_share;
    if (high && !demand_was_high_) {
        spdlog::error(
            "refreshing takes {:.0f} % of the signing rate measured at the start, more than {:.0f} %: an "
            "outage cannot be caught up, and the next start will be refused; raise `refresh` and `validity`, "
            "or give the signer more cores",
            share * 100, limits::signing_share * 100);
    }
    demand_was_high_ = high;
}

void Report::measure_files() {
    std::error_code error;
    const auto size = [&](const fs::path& file) {
        const auto octets = fs::file_size(file, error);
        return error ? 0.0 : static_cast<double>(octets);
    };
    metrics_.ledger_size().set(size(config_.signer.data / ledger_name));
    metrics_.page_file_size().set(size(page_file_path(config_)));
    const UtcTime now = clock_.now();
    if (now < next_source_look_)
        return;
    next_source_look_ = now + seconds{1};
    for (const auto& identity : identities_) {
        const auto sources = ledger_.sources(identity->issuer.id());
        if (!sources)
            continue;
        bool gap = false;
        for (const auto& source : *sources) {
            gap = gap || source.gap;
            auto& as_of = metrics_.feed_as_of(identity->index, feed_of(source.name));
            as_of.set(std::max(as_of.value(), static_cast<double>(to_unix(source.as_of))));
        }
        metrics_.feed_gap(identity->index).set(gap);
    }
}

// Every issuer's pages are signed and a head stands over them; what is being signed anew beside them does not
// count. REQUIRES: mutex_.
bool Report::ready_locked() const {
    return std::ranges::all_of(identities_, [&](const auto& identity) {
        const auto found = states_.find(identity->issuer.id());
        return found != states_.end() && found->second.published;
    });
}

metrics::Readiness Report::readiness() const {
    metrics::Readiness result;
    const std::scoped_lock guard{mutex_};
    result.ready = ready_locked();
    for (const auto& identity : identities_) {
        const auto found = states_.find(identity->issuer.id());
        const bool published = found != states_.end() && found->second.published;
        result.issuers.push_back(
            {identity->settings.name, published, published ? "published" : "not all pages are signed yet"});
    }
    return result;
}

SigningProgress Report::progress() const {
    SigningProgress all;
    const std::scoped_lock guard{mutex_};
    for (const auto& [issuer, state] : states_) {
        all.pages += state.pages;
        all.pages_due += state.pages_due;
        all.pages_per_second += state.pages_per_second;
    }
    return all;
}

std::string Report::status_json() const {
    nlohmann::json list = nlohmann::json::array();
    const std::scoped_lock guard{mutex_};
    for (const auto& [issuer, state] : states_) {
        nlohmann::json one{{"name", name_of(issuer)},
                           {"id", issuer},
                           {"published", state.published},
                           {"complete", state.complete},
                           {"epoch", state.version.epoch},
                           {"sequence", state.version.sequence},
                           {"certificates", state.certificates},
                           {"pages", state.pages},
                           {"pages_due", state.pages_due},
                           {"pages_per_second", std::round(state.pages_per_second * 10) / 10},
                           {"patches", state.patches},
                           {"unpublished", state.unpublished},
                           {"taken_back", state.taken_back}};
        if (consistency_ != nullptr) {
            const auto& differences = consistency_->differences();
            one["differences"] = differences.named(issuer);
            one["difference"] = nlohmann::json::parse(
                differences.named_json(issuer, limits::differences_shown), nullptr, false);
        }
        if (state.signing_left)
            one["seconds_left"] = state.signing_left->count();
        if (state.last_publication)
            one["last_publication"] = to_iso8601(*state.last_publication);
        if (state.oldest_signed_at)
            one["oldest_signed_at"] = to_iso8601(*state.oldest_signed_at);
        if (state.fault)
            one["fault"] = *state.fault;
        if (const auto issuance = issuances_.find(issuer); issuance != issuances_.end())
            one["generated_crl"] = crl_json(issuance->second);
        list.push_back(std::move(one));
    }
    return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace eightbells::signer
