#include "responder/signer/signer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "cache/page_file.h"
#include "cache/redis_store.h"
#include "responder/base/durable_file.h"
#include "responder/base/limits.h"
#include "responder/crl/crl.h"
#include "responder/keys/signing_key.h"
#include "responder/metrics/private_listener.h"
#include "responder/metrics/signer_metrics.h"
#include "responder/signer/control.h"
#include "responder/signer/feeds.h"
#include "responder/signer/live_service.h"
#include "responder/signer/mirror.h"
#include "responder/signer/publisher.h"

namespace eightbells::signer {

namespace fs = std::filesystem;

namespace {
metrics::Feed feed_of(std::string_view source) noexcept {
    if (source == "index")
        return metrics::Feed::index;
    if (source == "crl")
        return metrics::Feed::crl;
    return source.starts_with("list:") ? metrics::Feed::list : metrics::Feed::events;
}
}  // namespace

fs::path page_file_path(const config::Config& config) {
    const bool shared = config.store.kind == config::StoreKind::directory;
    return (shared ? config.store.directory : config.signer.data) / cache::page_file_name;
}

// Members are destroyed from the last to the first: what calls goes before what is called.
struct Signer::State final : FeedListener, PublisherListener {
    explicit State(const config::Config& used_config, const Clock& used_clock)
        : config(used_config), clock(used_clock) {}

    Status prepare(const Start& how);
    Status open_stores();
    Status run(const Start& how);
    std::uint64_t highest_epoch_in_store(const std::string& issuer);

    void on_imported(const std::string& issuer, const std::string& source,
                     const ledger::ImportReport& report) override;
    void on_refused(const std::string& issuer, const std::string& source, const Error& error) override;
    void on_crl(const std::string& issuer, Bytes der) override;
    std::optional<Bytes> served_crl(const std::string& issuer) override {
        return publisher->served_crl(issuer);
    }
    void on_published(const Identity& identity, const std::vector<ledger::Ledger::Change>& changes,
                      UtcTime now) override;
    void on_state(const Identity& identity, const PublishedState& state) override;
    const std::string& name_of(const std::string& issuer) const;
    std::size_t index_of(const std::string& issuer) const;
    Status check_capacity();
    void measure_files();
    bool ready_locked() const;
    metrics::Readiness readiness() const;
    std::string status_json() const;

    config::Config config;
    const Clock& clock;
    std::shared_ptr<metrics::SignerMetrics> metrics;
    std::optional<FileLock> lock;
    std::optional<keys::StoreKey> store_key;
    std::vector<std::shared_ptr<const Identity>> identities;
    std::vector<FedIssuer> fed;
    std::unique_ptr<ledger::Ledger> ledger;
    std::unique_ptr<cache::PageFile> pages;
    std::unique_ptr<Press> press;
    std::unique_ptr<Mirror> mirror;
    mutable std::mutex states_mutex;
    std::map<std::string, PublishedState> states;
    std::map<std::string, UtcTime> crl_next_updates;
    std::map<std::string, bool> runway_was_short;
    UtcTime next_source_look{};  // the publisher's thread
    std::unique_ptr<Feeds> feeds;
    std::unique_ptr<Publisher> publisher;
    std::unique_ptr<LiveService> live;
    std::unique_ptr<Control> control;
    std::unique_ptr<metrics::PrivateListener> private_listener;
};

Status Signer::State::prepare(const Start& how) {
    for (const fs::path& folder : {config.signer.data, page_file_path(config).parent_path()}) {
        std::error_code error;
        fs::create_directories(folder, error);
        if (error)
            return fail(fmt::format("{}: cannot make this folder: {}", folder.string(), error.message()));
    }
    fs::permissions(config.signer.data, fs::perms::owner_all, fs::perm_options::replace);
    auto locked = FileLock::acquire(config.signer.data / "lock");
    if (!locked)
        return fail("another signer runs on this data folder", locked.error());
    lock = std::move(*locked);

    std::vector<std::string> names;
    for (const auto& issuer : config.issuers)
        names.push_back(issuer.name);
    metrics = std::make_shared<metrics::SignerMetrics>(std::move(names));
    metrics->clock_state(metrics::ClockState::trusted).set(true);
    std::vector<std::string> warnings;
    for (const auto& issuer : config.issuers) {
        auto identity = load_identity(identities.size(), issuer, clock.now(), warnings);
        if (!identity)
            return tl::unexpected<Error>(identity.error());
        for (const auto& other : identities) {
            if (other->issuer.id() == (*identity)->issuer.id()) {
                return fail(fmt::format("issuers \"{}\" and \"{}\" have the same name and key",
                                        other->settings.name, issuer.name));
            }
        }
        metrics->certificate_not_after(identities.size()).set((*identity)->signer_certificate.not_after());
        metrics->issuer_not_after(identities.size()).set((*identity)->issuer.certificate().not_after());
        fed.push_back({issuer, (*identity)->issuer});
        identities.push_back(std::move(*identity));
    }
    for (const auto& warning : warnings)
        spdlog::warn("{}", warning);

    // A folder that has signed before must not begin with an empty ledger unless it is told to: every
    // certificate would be "not issued".
    const fs::path ledger_file = config.signer.data / "ledger.db";
    const bool first_start = !fs::exists(config.signer.store_key) && !fs::exists(page_file_path(config));
    if (!fs::exists(ledger_file) && !first_start && !how.create_ledger) {
        return fail(
            fmt::format("{}: the ledger is missing although this folder has signed before. Restore it from a "
                        "backup, or start once with "
                        "--create-ledger and let the CA's own records fill it again",
                        ledger_file.string()));
    }
    auto opened = ledger::Ledger::open(ledger_file, first_start || how.create_ledger, clock);
    if (!opened)
        return fail("ledger", opened.error());
    ledger = std::move(*opened);
    auto key = keys::StoreKey::load_or_create(config.signer.store_key);
    if (!key)
        return fail("store key", key.error());
    store_key = std::move(*key);
    const std::string public_half = to_hex(store_key->public_key()) + "\n";
    if (auto written = write_file_durably(config.signer.store_key_public, as_bytes(public_half), 0644);
        !written)
        return written;
    for (const auto& identity : identities) {
        auto known = ledger->register_issuer(identity->issuer.id(), identity->settings.name,
                                             identity->settings.suspension);
        if (!known)
            return fail("ledger", known.error());
    }
    return {};
}

Status Signer::State::open_stores() {
    auto opened = cache::PageFile::open(page_file_path(config), cache::PageFile::Access::write);
    if (!opened)
        return fail("page file", opened.error());
    pages = std::move(*opened);
    if (config.store.kind != config::StoreKind::redis)
        return {};
    auto redis = std::make_unique<cache::RedisStore>(config.store.redis);
    if (const auto settings = redis->check_settings(); settings && !settings->empty())
        spdlog::warn("{}: {}", redis->name(), *settings);
    std::vector<std::string> issuers;
    for (const auto& identity : identities)
        issuers.push_back(identity->issuer.id());
    mirror = std::make_unique<Mirror>(page_file_path(config), std::move(redis), std::move(issuers),
                                      std::vector<cache::StorePublicKey>{store_key->public_key()}, *metrics,
                                      clock);
    return {};
}

// The epoch of what another leader, or we before a restore, left in the shared store. Out of reach counts as
// nothing: the ledger's own epoch still rises.
std::uint64_t Signer::State::highest_epoch_in_store(const std::string& issuer) {
    if (config.store.kind != config::StoreKind::redis)
        return 0;
    cache::RedisStore redis{config.store.redis};
    const std::string name = cache::head_name(issuer);
    auto stored = redis.fetch(std::span{&name, 1});
    if (!stored || !stored->front())
        return 0;
    const std::array<cache::StorePublicKey, 1> trusted{store_key->public_key()};
    const auto head = cache::parse_head(*stored->front(), trusted);
    return head ? head->version.epoch : 0;
}

Status Signer::State::run(const Start& how) {
    feeds = std::make_unique<Feeds>(fed, *ledger, *this, clock);
    press = std::make_unique<Press>(config.signer.threads, config.signer.self_check, *metrics);
    const auto as_of = [this](const std::string& issuer) { return feeds->as_of(issuer); };
    publisher = std::make_unique<Publisher>(
        *ledger, *pages, *store_key, *press,
        [this](const cache::Batch& batch) {
            if (mirror)
                mirror->hand_over(batch);
        },
        as_of, *this, clock);
    for (const auto& identity : identities) {
        if (auto added = publisher->add_issuer(identity, highest_epoch_in_store(identity->issuer.id()));
            !added)
            return added;
    }
    // The CRL that was served before is still served: its times are known before a new one comes.
    for (const auto& identity : identities) {
        if (auto der = publisher->served_crl(identity->issuer.id()))
            on_crl(identity->issuer.id(), std::move(*der));
    }
    feeds->look_once();  // what the CA has on record now goes into the first answers
    if (auto enough = check_capacity(); !enough)
        return enough;
    auto live_signer = std::make_unique<LiveSigner>(identities, *ledger, as_of, clock);
    auto opened_live = LiveService::open(config.signer.live_socket, std::move(live_signer), *metrics, clock);
    if (!opened_live)
        return fail("signer.live_socket", opened_live.error());
    live = std::move(*opened_live);
    Control::Hooks hooks;
    hooks.on_change = [this] { publisher->wake(); };
    hooks.on_event = [this](ledger::Action action, const ledger::EventAnswer& answer) {
        metrics
            ->events(static_cast<metrics::EventAction>(action),
                     static_cast<metrics::EventVerdict>(answer.verdict))
            .add();
        if (answer.repeated)
            metrics->events_repeated().add();
        if (answer.gap)
            spdlog::error("an event source left out sequence numbers; a full list reconciles");
    };
    hooks.on_crl = [this](const std::string& issuer, Bytes der) { on_crl(issuer, std::move(der)); };
    hooks.served_crl = [this](const std::string& issuer) { return served_crl(issuer); };
    hooks.status = [this] { return status_json(); };
    const std::vector<uid_t> users(config.signer.control_users.begin(), config.signer.control_users.end());
    auto opened_control =
        Control::open(config.signer.control_socket, users, fed, *ledger, *feeds, std::move(hooks), clock);
    if (!opened_control)
        return fail("signer.control_socket", opened_control.error());
    control = std::move(*opened_control);
    if (how.base != nullptr) {
        auto listener = metrics::PrivateListener::open(how.base, config.signer.metrics,
                                                       {metrics, [this] { return readiness(); }, {}});
        if (!listener)
            return fail("signer.metrics", listener.error());
        private_listener = std::move(*listener);
    }
    feeds->start();
    publisher->start();
    return {};
}

// What the refresh needs against what this machine signs (promise 1): above 60 % an outage could not be
// caught up.
Status Signer::State::check_capacity() {
    double share = 0;
    std::string arithmetic;
    for (const auto& identity : identities) {
        auto capacity = press->measure_capacity(identity, clock);
        if (!capacity)
            return fail(fmt::format("issuer \"{}\": the key does not sign", identity->settings.name),
                        capacity.error());
        auto count = ledger->count(identity->issuer.id());
        if (!count)
            return fail("ledger", count.error());
        const auto hashes = static_cast<double>(identity->profiles.size());
        const double demand =
            static_cast<double>(*count) * hashes / static_cast<double>(identity->settings.refresh.count());
        metrics->signing_capacity(identity->index).set(*capacity);
        metrics->signing_demand(identity->index).set(demand);
        share += demand / *capacity;
        arithmetic += fmt::format(
            "\n  issuer \"{}\": {} certificates x {} CertID hashes / {} s = {:.1f} signatures a second of "
            "{:.0f}",
            identity->settings.name, *count, identity->profiles.size(), identity->settings.refresh.count(),
            demand, *capacity);
    }
    spdlog::info("refreshing takes {:.2f} % of the measured signing rate", share * 100);
    if (share <= limits::signing_share)
        return {};
    return fail(
        fmt::format("refreshing would take {:.0f} % of the measured signing rate, more than {:.0f} %: raise "
                    "`refresh` and `validity`, or give the "
                    "signer more cores{}",
                    share * 100, limits::signing_share * 100, arithmetic));
}

std::size_t Signer::State::index_of(const std::string& issuer) const {
    for (const auto& identity : identities) {
        if (identity->issuer.id() == issuer)
            return identity->index;
    }
    return identities.size();
}

const std::string& Signer::State::name_of(const std::string& issuer) const {
    for (const auto& identity : identities) {
        if (identity->issuer.id() == issuer)
            return identity->settings.name;
    }
    return issuer;
}

void Signer::State::on_imported(const std::string& issuer, const std::string& source,
                                const ledger::ImportReport& report) {
    const std::size_t index = index_of(issuer);
    const auto feed = feed_of(source);
    spdlog::info("issuer {}: {}: read {}, issued {}, revoked {}, released {}, corrected {}, unchanged {}",
                 name_of(issuer), source, report.read, report.issued, report.revoked, report.released,
                 report.corrected, report.unchanged);
    if (report.missing != 0) {
        spdlog::error("issuer {}: {}: {} certificates known from it are missing now; they are kept",
                      name_of(issuer), source, report.missing);
    }
    if (report.contradicted != 0) {
        spdlog::error("issuer {}: {}: it contradicts {} revocations; they stand", name_of(issuer), source,
                      report.contradicted);
    }
    for (const auto& warning : report.warnings)
        spdlog::warn("issuer {}: {}: {}", name_of(issuer), source, warning);
    const bool changed = report.issued + report.revoked + report.released + report.corrected != 0;
    metrics->imports(index, feed, changed ? metrics::ImportResult::changed : metrics::ImportResult::unchanged)
        .add();
    metrics->feed_missing(index, feed).set(report.missing);
    metrics->feed_contradicted(index, feed).set(report.contradicted);
    if (publisher)
        publisher->wake();
}

void Signer::State::on_refused(const std::string& issuer, const std::string& source, const Error& error) {
    spdlog::error("issuer {}: {} refused, nothing of it is taken: {}", name_of(issuer), source,
                  error.message);
    metrics->imports(index_of(issuer), feed_of(source), metrics::ImportResult::refused).add();
    metrics->feed_errors(index_of(issuer), feed_of(source)).add();
}

void Signer::State::on_crl(const std::string& issuer, Bytes der) {
    const std::size_t index = index_of(issuer);
    if (const auto view = crl::parse_crl(der)) {
        metrics->crl_this_update(index).set(view->this_update);
        metrics->crl_next_update(index).set(view->next_update.value_or(year_9999));
        metrics->crl_size(index).set(der.size());
        const std::scoped_lock guard{states_mutex};
        crl_next_updates[issuer] = view->next_update.value_or(year_9999);
    }
    publisher->submit_crl(issuer, std::move(der));
}

void Signer::State::on_published(const Identity& identity, const std::vector<ledger::Ledger::Change>& changes,
                                 UtcTime now) {
    for (const auto& change : changes) {
        auto& latency = change.status_change ? metrics->event_to_published(identity.index)
                                             : metrics->issue_to_good(identity.index);
        latency.observe(now - change.at);
    }
}

void Signer::State::on_state(const Identity& identity, const PublishedState& state) {
    const std::size_t index = identity.index;
    metrics->certificates(index).set(state.certificates);
    metrics->pages_due(index).set(state.pages_due);
    metrics->unpublished_changes(index).set(state.unpublished);
    metrics->published_epoch(index).set(state.version.epoch);
    metrics->published_sequence(index).set(state.version.sequence);
    if (state.last_publication)
        metrics->last_publication(index).set(*state.last_publication);
    if (state.earliest_next_update)
        metrics->earliest_next_update(index).set(*state.earliest_next_update);
    const UtcTime now = clock.now();
    const std::scoped_lock guard{states_mutex};
    auto& before = states[state.issuer];
    metrics->pages_refreshed(index).add(state.pages_refreshed - before.pages_refreshed);
    metrics->publications(index, metrics::PublishResult::done)
        .add(state.version.sequence - std::min(state.version.sequence, before.version.sequence));
    metrics->publications(index, metrics::PublishResult::failed).add(state.failures - before.failures);
    const auto crl = crl_next_updates.find(state.issuer);
    const bool crl_short = crl != crl_next_updates.end() && crl->second - now < limits::runway;
    const bool short_runway = crl_short || (state.shortest_runway && *state.shortest_runway < limits::runway);
    metrics->runway_short(index).set(short_runway);
    if (short_runway && !runway_was_short[state.issuer]) {
        spdlog::error("issuer {}: less than four hours of runway: {}", identity.settings.name,
                      crl_short ? "the CRL ends soon" : "answers end too soon after their next refresh");
    }
    runway_was_short[state.issuer] = short_runway;
    metrics->signing_demand(index).set(static_cast<double>(state.certificates * identity.profiles.size()) /
                                       static_cast<double>(identity.settings.refresh.count()));
    before = state;
    metrics->ready().set(ready_locked());
    measure_files();
}

void Signer::State::measure_files() {
    std::error_code error;
    const auto size = [&](const fs::path& file) {
        const auto octets = fs::file_size(file, error);
        return error ? 0.0 : static_cast<double>(octets);
    };
    metrics->ledger_size().set(size(config.signer.data / "ledger.db"));
    metrics->page_file_size().set(size(page_file_path(config)));
    const UtcTime now = clock.now();
    if (now < next_source_look)
        return;
    next_source_look = now + seconds{1};
    for (const auto& identity : identities) {
        const auto sources = ledger->sources(identity->issuer.id());
        if (!sources)
            continue;
        bool gap = false;
        for (const auto& source : *sources) {
            gap = gap || source.gap;
            auto& as_of = metrics->feed_as_of(identity->index, feed_of(source.name));
            as_of.set(std::max(as_of.value(), static_cast<double>(to_unix(source.as_of))));
        }
        metrics->feed_gap(identity->index).set(gap);
    }
}

// Every issuer's pages are signed and a head stands over them. REQUIRES: states_mutex.
bool Signer::State::ready_locked() const {
    return std::ranges::all_of(identities, [&](const auto& identity) {
        const auto found = states.find(identity->issuer.id());
        return found != states.end() && found->second.complete;
    });
}

metrics::Readiness Signer::State::readiness() const {
    metrics::Readiness result;
    const std::scoped_lock guard{states_mutex};
    result.ready = ready_locked();
    for (const auto& identity : identities) {
        const auto found = states.find(identity->issuer.id());
        const bool complete = found != states.end() && found->second.complete;
        result.issuers.push_back(
            {identity->settings.name, complete, complete ? "published" : "not all pages are signed yet"});
    }
    return result;
}

std::string Signer::State::status_json() const {
    nlohmann::json list = nlohmann::json::array();
    const std::scoped_lock guard{states_mutex};
    for (const auto& [issuer, state] : states) {
        nlohmann::json one{{"name", name_of(issuer)},
                           {"id", issuer},
                           {"complete", state.complete},
                           {"epoch", state.version.epoch},
                           {"sequence", state.version.sequence},
                           {"certificates", state.certificates},
                           {"pages", state.pages},
                           {"pages_due", state.pages_due},
                           {"patches", state.patches},
                           {"unpublished", state.unpublished}};
        if (state.last_publication)
            one["last_publication"] = to_iso8601(*state.last_publication);
        if (state.oldest_signed_at)
            one["oldest_signed_at"] = to_iso8601(*state.oldest_signed_at);
        if (state.fault)
            one["fault"] = *state.fault;
        list.push_back(std::move(one));
    }
    return list.dump();
}

Signer::Signer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Signer::~Signer() = default;
std::string Signer::status_json() const {
    return state_->status_json();
}

Result<std::unique_ptr<Signer>> Signer::start(const config::Config& config, const Start& how,
                                              const Clock& clock) {
    auto state = std::make_unique<State>(config, clock);
    if (auto step = state->prepare(how); !step)
        return tl::unexpected<Error>(step.error());
    if (auto step = state->open_stores(); !step)
        return tl::unexpected<Error>(step.error());
    if (auto step = state->run(how); !step)
        return tl::unexpected<Error>(step.error());
    return std::unique_ptr<Signer>{new Signer(std::move(state))};
}

}  // namespace eightbells::signer
