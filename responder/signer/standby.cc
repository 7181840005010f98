#include "responder/signer/standby.h"

#include <event2/event.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cache/redis_store.h"
#include "responder/live/secret.h"
#include "responder/metrics/private_listener.h"
#include "responder/signer/folders.h"
#include "responder/signer/identity.h"
#include "responder/signer/limits.h"
#include "responder/signer/local_socket.h"
#include "responder/signer/signer.h"

namespace eightbells::signer {

using nlohmann::json;

pair::Settings pair_settings(const config::Config& config) {
    const config::Pair& pair = config.signer.pair;
    // Both were checked when the configuration was read.
    return {pair.name, parse_host_port(pair.listen).value_or(HostPort{}),
            parse_host_port(pair.peer).value_or(HostPort{}), config.signer.data / ledger_name};
}

void tell_of_set_aside(const config::Config& config, metrics::SignerMetrics& metrics) {
    std::error_code ignored;  // what cannot be looked at is not there
    metrics.ledger_set_aside().set(
        std::filesystem::exists(pair::set_aside(config.signer.data / ledger_name), ignored));
}

struct Standby::State {
    State(const config::Config& used_config, pair::Lease& used_lease)
        : config(used_config), lease(used_lease) {}
    ~State() {
        lease.seek({});
        if (tick != nullptr)
            event_free(tick);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Status follow(const Start& how, const Clock& clock);
    Status listen(const Start& how);
    std::optional<std::size_t> take(Connection& connection, ByteView input);
    json answer(const json& line);
    void tell_metrics();

    const config::Config config;
    pair::Lease& lease;
    std::shared_ptr<metrics::SignerMetrics> metrics =
        std::make_shared<metrics::SignerMetrics>(std::vector<std::string>{});
    std::optional<FileLock> lock;
    std::unique_ptr<pair::Follower> follower;
    std::unique_ptr<LocalServer> control;
    std::unique_ptr<metrics::PrivateListener> private_listener;
    event* tick = nullptr;
};

Status Standby::State::follow(const Start& how, const Clock& clock) {
    auto locked = take_folders(config);
    if (!locked)
        return tl::unexpected<Error>(locked.error());
    lock = std::move(*locked);
    // Keys and certificates are judged now, not when the other one has died.
    pair::Follower::Pages pages;
    std::vector<std::string> warnings;
    for (std::size_t i = 0; i < config.issuers.size(); ++i) {
        const auto identity = load_identity(i, config.issuers[i], clock.now(), warnings);
        if (!identity)
            return tl::unexpected<Error>(identity.error());
        pages.issuers.push_back((*identity)->issuer.id());
    }
    for (const auto& warning : warnings)
        spdlog::warn("{}", warning);
    std::error_code ignored;
    if (!how.create_ledger && !std::filesystem::exists(config.signer.store_key, ignored))
        return fail(
            fmt::format("{}: the store key is missing, by which the signers of a pair know one another. "
                        "Start the first one once with --create-ledger, and copy its store-key.pem here",
                        config.signer.store_key.string()));
    if (const auto& secrets = config.signer.live_secret_file; !config.signer.live_listen.empty()) {
        // One that is made here would be none that the fronts know.
        auto keys = how.create_ledger ? live::load_or_create_secrets(secrets) : live::load_secrets(secrets);
        if (!keys)
            return fail("signer.live_secret_file: copy the other signer's here", keys.error());
    }
    const auto key = keys::StoreKey::load_or_create(config.signer.store_key);
    if (!key)
        return fail("store key", key.error());
    const auto secret = pair::pair_secret(*key);
    if (!secret)
        return tl::unexpected<Error>(secret.error());
    pages.file = page_file_path(config);
    pages.trusted = {key->public_key()};
    pages.store = std::make_unique<cache::RedisStore>(config.store.redis);
    auto started = pair::Follower::start(pair_settings(config), *secret, std::move(pages), clock);
    if (!started)
        return tl::unexpected<Error>(started.error());
    follower = std::move(*started);
    lease.seek([one = follower.get(), create = how.create_ledger] {
        auto candidate = one->candidate();
        candidate.has_ledger = candidate.has_ledger || create;
        return candidate;
    });
    return {};
}

Status Standby::State::listen(const Start& how) {
    LocalServer::Settings settings;
    settings.path = config.signer.control_socket;
    settings.limits.connections = limits::control_connections;
    settings.limits.input_octets = 4 * limits::control_line_octets;
    settings.limits.idle = limits::control_idle;
    settings.may_connect = [users = config.signer.control_users, own = ::geteuid()](uid_t user) {
        return user == 0 || user == own || std::ranges::find(users, user) != users.end();
    };
    auto server =
        LocalServer::open(how.base, std::move(settings),
                          [this](Connection& connection, ByteView input) { return take(connection, input); });
    if (!server)
        return fail("signer.control_socket", server.error());
    control = std::move(*server);
    metrics::PrivateListener::Answers answers;
    answers.metrics = metrics;
    answers.ready = [this] { return metrics::Readiness{follower->candidate().has_ledger, {}}; };
    auto listener = metrics::PrivateListener::open(how.base, config.signer.metrics, std::move(answers));
    if (!listener)
        return fail("signer.metrics", listener.error());
    private_listener = std::move(*listener);
    tick = event_new(
        how.base, -1, EV_PERSIST,
        [](evutil_socket_t, short, void* self) noexcept { static_cast<State*>(self)->tell_metrics(); }, this);
    static constexpr timeval second{1, 0};
    event_add(tick, &second);
    tell_metrics();
    return {};
}

void Standby::State::tell_metrics() {
    const auto candidate = follower->candidate();
    metrics->leads().set(false);
    metrics->pair_in_step().set(candidate.has_ledger && candidate.leader_heard);
    metrics->alone().set(lease.alone());
    tell_of_set_aside(config, *metrics);
    metrics->store_reachable().set(lease.reached());
    metrics->ready().set(candidate.has_ledger);
}

std::optional<std::size_t> Standby::State::take(Connection& connection, ByteView input) {
    std::size_t used = 0;
    for (std::size_t commands = 0;; ++commands) {
        const auto rest = as_text(input.subspan(used));
        const auto end = rest.find('\n');
        if (end == std::string_view::npos)
            return rest.size() > limits::control_line_octets ? std::nullopt : std::optional{used};
        if (commands == limits::control_commands)
            return used;  // between two calls it is seen whether the peer reads
        used += end + 1;
        const auto text = rest.substr(0, end);
        const auto opened = std::ranges::count_if(text, [](char c) { return c == '{' || c == '['; });
        const json line = opened > limits::control_nesting ? json{} : json::parse(text, nullptr, false);
        json said = answer(line);
        if (line.is_object() && line.contains("id"))
            said["id"] = line["id"];
        const std::string out = said.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
        connection.send(as_bytes(out));
    }
}

json Standby::State::answer(const json& line) {
    const json what = line.is_object() ? line.value("do", json{}) : json{};
    const auto candidate = follower->candidate();
    const std::string leader = lease.holder();
    if (what == "status")
        return {{"ok", true},
                {"issuers", json::array()},
                {"pair",
                 {{"follows", leader},
                  {"heard", candidate.leader_heard},
                  {"has_ledger", candidate.has_ledger},
                  {"alone", lease.alone()}}}};
    if (what == "lead") {
        spdlog::warn("pair: an operator orders this signer to lead as soon as nobody else does");
        lease.order();
        return {{"ok", true}};
    }
    const std::string who = leader.empty() ? "none leads at the moment" : fmt::format("\"{}\" leads", leader);
    return {{"ok", false},
            {"leader", leader},
            {"error", fmt::format("this signer, \"{}\", follows: {}; the other one is at {}: send it there",
                                  config.signer.pair.name, who, config.signer.pair.peer)}};
}

Standby::Standby(std::unique_ptr<State> state) : state_(std::move(state)) {}
Standby::~Standby() = default;

Result<std::unique_ptr<Standby>> Standby::start(const config::Config& config, const Start& how,
                                                pair::Lease& lease, const Clock& clock) {
    auto state = std::make_unique<State>(config, lease);
    if (auto step = state->follow(how, clock); !step)
        return tl::unexpected<Error>(step.error());
    if (auto step = state->listen(how); !step)
        return tl::unexpected<Error>(step.error());
    return std::unique_ptr<Standby>{new Standby(std::move(state))};
}

}  // namespace eightbells::signer
