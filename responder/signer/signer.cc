#include "responder/signer/signer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "cache/page_file.h"
#include "cache/redis_store.h"
#include "responder/base/durable_file.h"
#include "responder/keys/signing_key.h"
#include "responder/signer/control.h"
#include "responder/signer/feeds.h"
#include "responder/signer/live_service.h"
#include "responder/signer/mirror.h"
#include "responder/signer/publisher.h"

namespace eightbells::signer {

namespace fs = std::filesystem;

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
    void on_crl(const std::string& issuer, Bytes der) override {
        publisher->submit_crl(issuer, std::move(der));
    }
    std::optional<Bytes> served_crl(const std::string& issuer) override {
        return publisher->served_crl(issuer);
    }
    void on_published(const std::string& issuer, const std::vector<ledger::Ledger::Change>& changes,
                      UtcTime now) override;
    void on_state(const PublishedState& state) override;
    const std::string& name_of(const std::string& issuer) const;
    std::string status_json() const;

    config::Config config;
    const Clock& clock;
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
    std::unique_ptr<Feeds> feeds;
    std::unique_ptr<Publisher> publisher;
    std::unique_ptr<LiveService> live;
    std::unique_ptr<Control> control;
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

    std::vector<std::string> warnings;
    for (const auto& issuer : config.issuers) {
        auto identity = load_identity(issuer, clock.now(), warnings);
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
                                      std::vector<cache::StorePublicKey>{store_key->public_key()}, clock);
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
    (void)how;
    feeds = std::make_unique<Feeds>(fed, *ledger, *this, clock);
    press = std::make_unique<Press>(config.signer.threads, config.signer.self_check);
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
    feeds->look_once();  // what the CA has on record now goes into the first answers
    auto live_signer = std::make_unique<LiveSigner>(identities, *ledger, as_of, clock);
    auto opened_live = LiveService::open(config.signer.live_socket, std::move(live_signer), clock);
    if (!opened_live)
        return fail("signer.live_socket", opened_live.error());
    live = std::move(*opened_live);
    Control::Hooks hooks;
    hooks.on_change = [this] { publisher->wake(); };
    hooks.on_event = [](ledger::Action, ledger::Verdict) {};
    hooks.on_crl = [this](const std::string& issuer, Bytes der) { on_crl(issuer, std::move(der)); };
    hooks.served_crl = [this](const std::string& issuer) { return served_crl(issuer); };
    hooks.status = [this] { return status_json(); };
    const std::vector<uid_t> users(config.signer.control_users.begin(), config.signer.control_users.end());
    auto opened_control =
        Control::open(config.signer.control_socket, users, fed, *ledger, *feeds, std::move(hooks), clock);
    if (!opened_control)
        return fail("signer.control_socket", opened_control.error());
    control = std::move(*opened_control);
    feeds->start();
    publisher->start();
    return {};
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
    spdlog::info("issuer {}: {}: read {}, issued {}, revoked {}, released {}, corrected {}, unchanged {}",
                 name_of(issuer), source, report.read, report.issued, report.revoked, report.released,
                 report.corrected, report.unchanged);
    if (report.missing != 0)
        spdlog::error("issuer {}: {}: {} certificates known from it are missing now; they are kept",
                      name_of(issuer), source, report.missing);
    if (report.contradicted != 0) {
        spdlog::error("issuer {}: {}: {} revoked certificates are called good; they stay revoked",
                      name_of(issuer), source, report.contradicted);
    }
    for (const auto& warning : report.warnings)
        spdlog::warn("issuer {}: {}: {}", name_of(issuer), source, warning);
    if (publisher)
        publisher->wake();
}

void Signer::State::on_refused(const std::string& issuer, const std::string& source, const Error& error) {
    spdlog::error("issuer {}: {} refused, nothing of it is taken: {}", name_of(issuer), source,
                  error.message);
}

void Signer::State::on_published(const std::string&, const std::vector<ledger::Ledger::Change>&, UtcTime) {}

void Signer::State::on_state(const PublishedState& state) {
    const std::scoped_lock guard{states_mutex};
    states[state.issuer] = state;
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
