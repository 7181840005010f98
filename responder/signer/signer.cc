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
#include "responder/pair/leader.h"
#include "responder/signer/capacity.h"
#include "responder/signer/consistency.h"
#include "responder/signer/control.h"
#include "responder/signer/crl_issuer.h"
#include "responder/signer/crl_word.h"
#include "responder/signer/feeds.h"
#include "responder/signer/fenced_store.h"
#include "responder/signer/folders.h"
#include "responder/signer/key_events.h"
#include "responder/signer/limits.h"
#include "responder/signer/live_service.h"
#include "responder/signer/mirror.h"
#include "responder/signer/publisher.h"
#include "responder/signer/report.h"
#include "responder/signer/standby.h"
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
struct Signer::State final : FeedListener, CrlListener, CrlOutlet {
    explicit State(const config::Config& used_config, const Clock& used_clock)
        : config(used_config), clock(used_clock) {}
    // An import that runs on the feeds' thread uses the publisher and the control socket, the mirror asks the
    // publisher: they end first.
    ~State() override {
        if (feeds)
            feeds->stop();
        if (crl_issuer)
            crl_issuer->stop();
        if (mirror)
            mirror->stop();
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Status prepare(const Start& how);
    Status load_identities();
    Status open_ledger(const Start& how);
    Status lead();
    Result<UtcTime> live_now();
    Status open_stores();
    void open_mirror();
    Status run(const Start& how);
    Status open_sockets();
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
    void serve_crl(const std::string& issuer, const std::string& path, crl::Octets der) override {
        on_crl(issuer, path, std::move(der));
    }
    crl::Octets crl_at(const std::string& issuer, const std::string& path) override {
        return publisher->served_crl(issuer, path);
    }
    bool crl_waits(const std::string& issuer, const std::string& path) override {
        return publisher->crl_waits(issuer, path);
    }
    void on_issuance(const Identity& identity, const CrlIssuance& issuance) override {
        report->on_issuance(identity, issuance);
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
    pair::Lease* lease = nullptr;
    std::optional<FileLock> lock;
    std::optional<keys::StoreKey> store_key;
    std::vector<std::shared_ptr<const Identity>> identities;
    std::vector<FedIssuer> fed;
    std::unique_ptr<ledger::Ledger> ledger;
    std::unique_ptr<pair::Leader> leader;
    std::unique_ptr<Report> report;
    std::unique_ptr<CrlWord> crl_word;
    std::unique_ptr<Consistency> consistency;
    SystemTimeReference reference;
    std::unique_ptr<ClockGuard> guard;
    std::unique_ptr<cache::PageFile> pages;
    std::unique_ptr<Press> press;
    std::unique_ptr<Mirror> mirror;
    std::unique_ptr<CrlGate> crl_gate;
    std::unique_ptr<Feeds> feeds;
    std::unique_ptr<Publisher> publisher;
    std::unique_ptr<CrlIssuer> crl_issuer;
    std::unique_ptr<LiveService> live;
    std::unique_ptr<Control> control;
    std::unique_ptr<metrics::PrivateListener> private_listener;
};

Status Signer::State::prepare(const Start& how) {
    lease = how.lease;
    auto locked = take_folders(config);
    if (!locked)
        return tl::unexpected<Error>(locked.error());
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
    const fs::path ledger_file = config.signer.data / ledger_name;
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
    // Before anything is written: the other signer's ledger follows every line.
    if (auto kept = lease != nullptr ? ledger->journal().keep() : Status{}; !kept)
        return fail("ledger", kept.error());
    report = std::make_unique<Report>(config, identities, *ledger, *metrics, clock);
    crl_word = std::make_unique<CrlWord>(*ledger, clock);
    watch_clock();
    const bool makes_store_key = !is_there(config.signer.store_key);
    auto key = keys::StoreKey::load_or_create(config.signer.store_key);
    if (!key)
        return fail("store key", key.error());
    store_key = std::move(*key);
    const std::string public_half = to_hex(store_key->public_key()) + "\n";
    if (auto written = write_file_durably(config.signer.store_key_public, as_bytes(public_half), 0644);
        !written)
        return written;
    if (auto led = lead(); !led)
        return fail("signer.pair", led.error());
    for (const auto& identity : identities) {
        auto known = ledger->register_issuer(identity->issuer.id(), identity->settings.name,
                                             identity->settings.suspension);
        if (!known)
            return fail("ledger", known.error());
    }
    return note_key_events(config.signer.data / "keys.json", keys_in_use(identities, store_key->public_key()),
                           makes_store_key, config.signer.pair.name, *ledger, clock.now());
}

// From here on events wait for the other signer of a pair.
Status Signer::State::lead() {
    metrics->leads().set(true);
    metrics->pair_in_step().set(lease == nullptr);
    if (lease == nullptr)
        return {};
    const auto secret = pair::pair_secret(*store_key);
    if (!secret)
        return tl::unexpected<Error>(secret.error());
    const auto seen = [this](bool in_step, bool alone) {
        metrics->pair_in_step().set(in_step);
        metrics->alone().set(alone);
        tell_of_set_aside(config, *metrics);
    };
    const auto refused = [this](tls::Refusal why) {
        metrics->refused_connections(metrics::Door::pair, static_cast<metrics::Refused>(why)).add();
    };
    auto started = pair::Leader::start(pair_settings(config), *secret, *ledger, *lease, seen, refused, clock);
    if (!started)
        return tl::unexpected<Error>(started.error());
    leader = std::move(*started);
    return {};
}

// What is said on behalf of the ledger at this very moment needs to be known to be the newest.
Result<UtcTime> Signer::State::live_now() {
    if (leader && !leader->leads())
        return fail("another signer may lead");
    return guard->trusted_now();
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
    nlohmann::json text{{"clock", what}};
    if (config.signer.pair.on())
        text["signer"] = config.signer.pair.name;
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
    std::unique_ptr<cache::Store> target = std::move(redis);
    if (lease != nullptr)
        target = std::make_unique<FencedStore>(std::move(target), trusted, *lease);
    mirror = std::make_unique<Mirror>(page_file_path(config), std::move(target), std::move(issuers), trusted,
                                      gate, *metrics, clock);
}

Status Signer::State::run(const Start& how) {
    auto opened_gate = CrlGate::open(config.signer.data, *ledger, *this, clock);
    if (!opened_gate)
        return tl::unexpected<Error>(opened_gate.error());
    crl_gate = std::move(*opened_gate);
    feeds = std::make_unique<Feeds>(fed, *ledger, *crl_gate, *this, clock);
    press = std::make_unique<Press>(config.signer.threads, config.signer.self_check, *metrics);
    consistency =
        std::make_unique<Consistency>(config, identities, store_key->public_key(), *ledger, *metrics, clock);
    report->use(*consistency);
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
    if (auto enough = check_capacity(identities, *ledger, *press, *metrics, clock); !enough)
        return enough;
    crl_issuer = std::make_unique<CrlIssuer>(
        *ledger, config.signer.data, [this](const std::string& issuer) { return feeds->as_of(issuer); },
        [this] { return guard->trusted_now(); }, *this, clock);
    for (const auto& identity : identities) {
        if (auto added = crl_issuer->add_issuer(identity); !added)
            return added;
    }
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
    crl_issuer->start();
    consistency->start();
    return {};
}

Status Signer::State::open_sockets() {
    auto live_signer = std::make_unique<LiveSigner>(
        identities, *ledger, [this](const std::string& issuer) { return vouched(issuer); },
        [this] { return live_now(); });
    auto doors = LiveService::doors(
        config.signer, leader ? [one = leader.get()] { return one->leads(); } : std::function<bool()>{});
    if (!doors)
        return tl::unexpected<Error>(doors.error());
    auto opened_live = LiveService::open(std::move(*doors), std::move(live_signer),
                                         live_budgets(identities, clock), *metrics, clock);
    if (!opened_live)
        return tl::unexpected<Error>(opened_live.error());
    live = std::move(*opened_live);
    Control::Hooks hooks;
    hooks.on_change = [this] { publisher->wake(); };
    hooks.on_event = [this](ledger::Action action, const ledger::EventAnswer* answer) {
        const auto verdict = answer != nullptr ? static_cast<metrics::EventVerdict>(answer->verdict)
                                               : metrics::EventVerdict::failed;
        metrics->events(static_cast<metrics::EventAction>(action), verdict).add();
        if (answer != nullptr && answer->repeated)
            metrics->events_repeated().add();
        if (answer != nullptr && answer->gap)
            spdlog::error("an event source left out sequence numbers; a full list reconciles");
    };
    hooks.issue_last_crl = [this](const std::string& issuer) { return crl_issuer->issue_last(issuer); };
    hooks.resign = [this](const std::string& issuer) { publisher->resign(issuer); };
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

Signer::Signer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Signer::~Signer() = default;
std::string Signer::status_json() const {
    return state_->report->status_json();
}
SigningProgress Signer::progress() const {
    return state_->report->progress();
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
