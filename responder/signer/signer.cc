#include "responder/signer/signer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cache/page_file.h"
#include "cache/redis_store.h"
#include "responder/base/durable_file.h"
#include "responder/crl/crl.h"
#include "responder/keys/signing_key.h"
#include "responder/metrics/private_listener.h"
#include "responder/metrics/signer_metrics.h"
#include "responder/signer/control.h"
#include "responder/signer/crl_word.h"
#include "responder/signer/feeds.h"
#include "responder/signer/limits.h"
#include "responder/signer/live_service.h"
#include "responder/signer/mirror.h"
#include "responder/signer/publisher.h"
#include "responder/signer/report.h"
#include "responder/signer/store_merge.h"

namespace eightbells::signer {

namespace fs = std::filesystem;

fs::path page_file_path(const config::Config& config) {
    const bool shared = config.store.kind == config::StoreKind::directory;
    return (shared ? config.store.directory : config.signer.data) / cache::page_file_name;
}

namespace {

// The paths whose CRLs together tell the status of every certificate.
std::vector<std::string> complete_crls(const config::Issuer& settings) {
    std::vector<std::string> paths;
    for (const auto& crl : settings.crls()) {
        if (crl.delta_of.empty())
            paths.push_back(crl.path);
    }
    return paths;
}

}  // namespace

// Members are destroyed from the last to the first: what calls goes before what is called.
struct Signer::State final : FeedListener, CrlListener {
    explicit State(const config::Config& used_config, const Clock& used_clock)
        : config(used_config), clock(used_clock) {}
    // An import that runs on the feeds' thread uses the publisher and the control socket, the mirror asks the
    // publisher: they end first.
    ~State() override {
        if (feeds)
            feeds->stop();
        if (mirror)
            mirror->stop();
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Status prepare(const Start& how);
    Status load_identities();
    Status open_ledger(const Start& how);
    Status open_stores();
    void open_mirror();
    Status run(const Start& how);
    Status open_sockets();
    Status check_capacity();
    void watch_clock();
    Status accept_clock(uid_t user);
    void audit_clock(const std::string& what);

    void on_imported(const std::string& issuer, const std::string& source,
                     const ledger::ImportReport& imported) override {
        report->imported(issuer, source, imported);
        publisher->wake();
    }
    void on_refused(const std::string& issuer, const std::string& source, const Error& error) override {
        report->refused(issuer, source, error);
    }
    void on_crl(const std::string& issuer, const std::string& path, crl::Octets der) override {
        report->crl_taken(issuer, path, der->bytes());
        crl_word->accepted(issuer, path, der->bytes());
        publisher->submit_crl(issuer, path, std::move(der));
    }
    void on_crl_refused(const std::string& issuer, const std::string& path, const Error& error) override {
        report->crl_refused(issuer, path, error);
    }
    crl::Octets served_crl(const std::string& issuer, const std::string& path) override {
        return publisher->served_crl(issuer, path);
    }

    // What the issuer's source vouches for at this moment (B-13).
    std::optional<Vouched> vouched(const std::string& issuer) {
        const auto identity =
            std::ranges::find_if(identities, [&](const auto& one) { return one->issuer.id() == issuer; });
        if (identity != identities.end() && (*identity)->settings.status_from == config::StatusFrom::crl)
            return crl_word->of(issuer, complete_crls((*identity)->settings));
        const auto as_of = feeds->as_of(issuer);
        return as_of ? std::optional{Vouched{*as_of, year_9999}} : std::nullopt;
    }

    config::Config config;
    const Clock& clock;
    std::shared_ptr<metrics::SignerMetrics> metrics;
    std::optional<FileLock> lock;
    std::optional<keys::StoreKey> store_key;
    std::vector<std::shared_ptr<const Identity>> identities;
    std::vector<FedIssuer> fed;
    std::unique_ptr<ledger::Ledger> ledger;
    std::unique_ptr<Report> report;
    std::unique_ptr<CrlWord> crl_word;
    SystemTimeReference reference;
    std::unique_ptr<ClockGuard> guard;
    std::unique_ptr<cache::PageFile> pages;
    std::unique_ptr<Press> press;
    std::unique_ptr<Mirror> mirror;
    std::unique_ptr<CrlGate> crl_gate;
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
    std::error_code error;
    fs::permissions(config.signer.data, fs::perms::owner_all, fs::perm_options::replace, error);
    if (error)
        return fail(fmt::format("{}: cannot make this folder private: {}", config.signer.data.string(),
                                error.message()));
    auto locked = FileLock::acquire(config.signer.data / "lock");
    if (!locked)
        return fail("another signer runs on this data folder", locked.error());
    lock = std::move(*locked);

    if (auto loaded = load_identities(); !loaded)
        return loaded;
    return open_ledger(how);
}

// Every certificate and key is read and judged before anything is changed on disk.
Status Signer::State::load_identities() {
    std::vector<std::string> names;
    for (const auto& issuer : config.issuers)
        names.push_back(issuer.name);
    metrics = std::make_shared<metrics::SignerMetrics>(std::move(names));
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
        fed.push_back({issuer, (*identity)->issuer});
        identities.push_back(std::move(*identity));
    }
    for (const auto& warning : warnings)
        spdlog::warn("{}", warning);
    return {};
}

Status Signer::State::open_ledger(const Start& how) {
    // A folder that has signed before must not begin with an empty ledger unless it is told to: every
    // certificate would be "not issued".
    const fs::path ledger_file = config.signer.data / "ledger.db";
    const auto is_there = [](const fs::path& path) {
        std::error_code ignored;  // what cannot be looked at is reported by what opens it
        return fs::exists(path, ignored);
    };
    const bool first_start = !is_there(config.signer.store_key) && !is_there(page_file_path(config));
    if (!is_there(ledger_file) && !first_start && !how.create_ledger) {
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
    report = std::make_unique<Report>(config, identities, *ledger, *metrics, clock);
    crl_word = std::make_unique<CrlWord>(*ledger, clock);
    watch_clock();
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

void Signer::State::watch_clock() {
    report->clock_seen({});
    guard = std::make_unique<ClockGuard>(config.signer.data / "clock.json", config.signer.clock_check, clock,
                                         reference, [this](const ClockGuard::Reading& reading) {
                                             report->clock_seen(reading);
                                             audit_clock(reading.why.empty() ? "trusted" : reading.why);
                                         });
}

Status Signer::State::accept_clock(uid_t user) {
    spdlog::warn("clock: user {} accepts it as it is: {}", user, to_iso8601(clock.now()));
    audit_clock(fmt::format("accepted as it is by user {}", user));
    return guard->accept();
}

void Signer::State::audit_clock(const std::string& what) {
    const nlohmann::json text{{"clock", what}};
    const auto written =
        ledger->append_audit("clock", text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    if (!written)
        spdlog::error("ledger: {}", written.error().message);
}

Status Signer::State::open_stores() {
    auto opened = cache::PageFile::open(page_file_path(config), cache::PageFile::Access::write);
    if (!opened)
        return fail("page file", opened.error());
    pages = std::move(*opened);
    return {};
}

// Only once the publisher is there, which the mirror asks to go above what it finds.
void Signer::State::open_mirror() {
    if (config.store.kind != config::StoreKind::redis)
        return;
    auto redis = std::make_unique<cache::RedisStore>(config.store.redis);
    if (const auto settings = redis->check_settings(); settings && !settings->empty())
        spdlog::warn("{}: {}", redis->name(), *settings);
    std::vector<std::string> issuers;
    for (const auto& identity : identities)
        issuers.push_back(identity->issuer.id());
    const std::vector<cache::StorePublicKey> trusted{store_key->public_key()};
    const auto merge = std::make_shared<StoreMerge>(
        identities, trusted, *ledger,
        [this](const std::string& issuer, cache::Version found) { publisher->rise_above(issuer, found); },
        *metrics, clock);
    const auto gate = [merge](const std::string& issuer, cache::Store& own, cache::Store& store) {
        return merge->open(issuer, own, store);
    };
    mirror = std::make_unique<Mirror>(page_file_path(config), std::move(redis), std::move(issuers), trusted,
                                      gate, *metrics, clock);
}

Status Signer::State::run(const Start& how) {
    auto opened_gate = CrlGate::open(config.signer.data, *ledger, *this, clock);
    if (!opened_gate)
        return tl::unexpected<Error>(opened_gate.error());
    crl_gate = std::move(*opened_gate);
    feeds = std::make_unique<Feeds>(fed, *ledger, *crl_gate, *this, clock);
    press = std::make_unique<Press>(config.signer.threads, config.signer.self_check, *metrics);
    publisher = std::make_unique<Publisher>(
        *ledger, *pages, *store_key, *press, config.signer.data,
        [this](const cache::Batch* batch) {
            if (mirror && batch != nullptr)
                mirror->hand_over(*batch);
            else if (mirror)
                mirror->compare_soon();
        },
        [this](const std::string& issuer) { return vouched(issuer); },
        [this] { return guard->trusted_now(); }, *report, clock);
    for (const auto& identity : identities) {
        if (auto added = publisher->add_issuer(identity); !added)
            return added;
    }
    open_mirror();
    // The CRLs that were served before are still served: their times are known before new ones come.
    for (const auto& identity : identities) {
        const std::string& id = identity->issuer.id();
        for (const std::string& path : publisher->served_crl_paths(id))
            on_crl(id, path, publisher->served_crl(id, path));
    }
    feeds->look_once();  // what the CA has on record now goes into the first answers
    if (auto enough = check_capacity(); !enough)
        return enough;
    if (auto opened = open_sockets(); !opened)
        return opened;
    if (how.base != nullptr) {
        metrics::PrivateListener::Answers answers;
        answers.metrics = metrics;
        answers.ready = [this] { return report->readiness(); };
        auto listener = metrics::PrivateListener::open(how.base, config.signer.metrics, std::move(answers));
        if (!listener)
            return fail("signer.metrics", listener.error());
        private_listener = std::move(*listener);
    }
    feeds->start();
    publisher->start();
    return {};
}

Status Signer::State::open_sockets() {
    auto live_signer = std::make_unique<LiveSigner>(
        identities, *ledger, [this](const std::string& issuer) { return vouched(issuer); },
        [this] { return guard->trusted_now(); });
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
    hooks.status = [this] { return report->status_json(); };
    hooks.clock = [this] { return guard->reading(); };
    hooks.accept_clock = [this](uid_t user) { return accept_clock(user); };
    const std::vector<uid_t> users(config.signer.control_users.begin(), config.signer.control_users.end());
    auto opened_control = Control::open(config.signer.control_socket, users, fed, *ledger, *feeds, *crl_gate,
                                        std::move(hooks), clock);
    if (!opened_control)
        return fail("signer.control_socket", opened_control.error());
    control = std::move(*opened_control);
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

Signer::Signer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Signer::~Signer() = default;
std::string Signer::status_json() const {
    return state_->report->status_json();
}

Status Signer::check(const config::Config& config, const Clock& clock) {
    return State{config, clock}.load_identities();
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
