#include "responder/watch/watch.h"

#include <event2/event.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "responder/base/durable_file.h"
#include "responder/metrics/private_listener.h"
#include "responder/metrics/watch_metrics.h"
#include "responder/watch/limits.h"
#include "responder/watch/rounds.h"
#include "responder/watch/status.h"
#include "responder/watch/status_page.h"

namespace eightbells::watch {
namespace {

Result<Canary> load_canary(const OpensslIssuer& issuer, CanaryKind kind, const std::string& where) {
    if (where.starts_with("serial:")) {
        const auto serial = Serial::from_hex(std::string_view(where).substr(7));
        if (!serial)
            return fail(serial.error().message);
        return issuer.canary(kind, *serial);
    }
    const auto bytes = read_file(where, limits::canary_file_octets);
    if (!bytes)
        return fail(bytes.error().message);
    auto canary = issuer.canary(kind, *bytes);
    if (!canary)
        return fail(where, canary.error());
    return canary;
}

Result<WatchedIssuer> load_one(const config::Config& config, std::size_t index) {
    const config::Issuer& settings = config.issuers[index];
    const auto place = [&](const std::string& field, const Error& error) {
        return fail(
            config::at_field(config, fmt::format("issuer[{}].{}", index, field), error.message).to_string());
    };
    const auto bytes = read_file(settings.certificate, limits::canary_file_octets);
    if (!bytes)
        return place("certificate", bytes.error());
    auto openssl = OpensslIssuer::parse(*bytes);
    if (!openssl)
        return place("certificate", openssl.error());
    auto botan = BotanIssuer::from_der(openssl->der());
    if (!botan)
        return place("certificate", botan.error());
    const std::array<const std::string*, canary_kinds> wheres{&settings.watch.good, &settings.watch.revoked,
                                                              &settings.watch.hold, &settings.watch.expired,
                                                              &settings.watch.unissued};
    std::vector<Canary> canaries;
    for (std::size_t i = 0; i < canary_kinds; ++i) {
        if (wheres[i]->empty())
            continue;
        const auto kind = static_cast<CanaryKind>(i);
        auto canary = load_canary(*openssl, kind, *wheres[i]);
        if (!canary)
            return place(fmt::format("watch.{}", to_string(kind)), canary.error());
        canaries.push_back(std::move(*canary));
    }
    WatchedIssuer issuer{settings.name,         std::move(*openssl),   std::move(*botan),
                         std::move(canaries),   settings.watch.ocsp,   settings.watch.crl,
                         settings.watch.fronts, {RequestHash::sha256}, false};
    if (settings.sha1)
        issuer.hashes.push_back(RequestHash::sha1);
    issuer.public_trust = crypto::is_public_trust(settings.scheme);
    return issuer;
}

}  // namespace

Result<std::vector<WatchedIssuer>> load_watched(const config::Config& config) {
    std::vector<WatchedIssuer> issuers;
    for (std::size_t i = 0; i < config.issuers.size(); ++i) {
        if (!config.issuers[i].watch.any())
            continue;
        auto issuer = load_one(config, i);
        if (!issuer)
            return fail(issuer.error().message);
        issuers.push_back(std::move(*issuer));
    }
    if (issuers.empty())
        return fail(
            "nothing is watched: write [issuer.watch] with the URL of ocsp or crl below an [[issuer]]");
    return issuers;
}

struct Watch::State {
    const Clock& clock;
    std::function<double()> random;
    seconds period{60};
    std::filesystem::path anchors;
    std::shared_ptr<metrics::WatchMetrics> metrics;
    std::unique_ptr<Rounds> rounds;
    std::unique_ptr<metrics::PrivateListener> listener;
    event* timer = nullptr;

    std::mutex mutex;
    std::condition_variable wake;
    std::atomic<bool> ending{false};
    std::atomic<std::int64_t> turned{0};  // steady seconds of the last turn of the thread's loop
    std::thread thread;

    explicit State(const Clock& its_clock) : clock(its_clock) {}
    ~State() {
        {
            const std::scoped_lock lock(mutex);
            ending = true;
        }
        wake.notify_all();
        if (thread.joinable())
            thread.join();
        if (timer != nullptr)
            event_free(timer);
    }

    std::int64_t steady_seconds() const {
        return std::chrono::duration_cast<seconds>(clock.steady().time_since_epoch()).count();
    }

    void work() {
        auto next = clock.steady();
        while (!ending) {
            turned = steady_seconds();
            rounds->run([this] { return ending.load(); });
            // A tenth of the period earlier or later, so that watches and fronts' own timers do not keep
            // step.
            const double factor = 0.9 + 0.2 * random();
            next = std::max(next + std::chrono::duration_cast<std::chrono::milliseconds>(period * factor),
                            clock.steady());
            std::unique_lock lock(mutex);
            wake.wait_for(lock, next - clock.steady(), [this] { return ending.load(); });
        }
        if (auto noted = rounds->note_stop(); !noted)
            spdlog::error("{}", noted.error().message);
    }

    std::optional<metrics::Page> page(std::string_view path) const {
        if (path == "/status" || path == "/public")
            return metrics::Page{"text/html; charset=utf-8", std::string(status_page())};
        if (path == "/status.json")
            return metrics::Page{"application/json", to_json(rounds->status(), Audience::operators)};
        if (path == "/public.json")
            return metrics::Page{"application/json", to_json(rounds->status(), Audience::relying_parties)};
        if (path == "/anchors") {
            const auto bytes = read_file(anchors, limits::anchor_file_octets);
            return metrics::Page{"application/jsonl", bytes ? std::string(as_text(*bytes)) : ""};
        }
        return std::nullopt;
    }

    // What grows with time alone (an outage's length) is true at every scrape, not only after a round.
    static void on_second(evutil_socket_t, short, void* self) noexcept {
        try {
            static_cast<State*>(self)->rounds->update_gauges();
        } catch (const std::exception& error) {
            spdlog::error("the gauges could not be computed: {}", error.what());
        }
    }
};

Watch::Watch(std::unique_ptr<State> state) : state_(std::move(state)) {}
Watch::~Watch() = default;

const std::string& Watch::address() const noexcept {
    return state_->listener->address();
}

Result<std::unique_ptr<Watch>> Watch::start(const config::Config& config, event_base* base,
                                            const Clock& clock, std::function<double()> random,
                                            std::string_view version) {
    auto issuers = load_watched(config);
    if (!issuers)
        return fail(issuers.error().message);
    auto fetcher = Fetcher::make(
        {config.watch.timeout, config.watch.tls_ca_file, fmt::format("eightbells-watch/{}", version), {}});
    if (!fetcher)
        return fail(fetcher.error().message);
    auto ledger = OutageLedger::open({config.watch.data, config.watch.name, config.watch.anchors}, clock);
    if (!ledger)
        return fail("outage ledger", ledger.error());
    std::vector<std::string> names;
    for (const WatchedIssuer& issuer : *issuers)
        names.push_back(issuer.name);

    auto state = std::make_unique<State>(clock);
    state->random = std::move(random);
    state->period = config.watch.period;
    state->anchors = config.watch.data / anchor_file_name;
    state->metrics = std::make_shared<metrics::WatchMetrics>(std::move(names));
    state->rounds = std::make_unique<Rounds>(
        Prober(std::move(*issuers), std::move(*fetcher), clock), std::move(*ledger),
        Rounds::Settings{config.watch.period, config.watch.crl_period, config.watch.timeout,
                         config.watch.witness, config.watch.revocations},
        clock, *state->metrics);
    if (auto noted = state->rounds->note_start(version); !noted)
        return fail(noted.error().message);
    State* const self = state.get();
    const std::int64_t stuck = 2 * self->rounds->patience().count();
    self->turned = self->steady_seconds();
    auto listener = metrics::PrivateListener::open(
        base, config.watch.metrics,
        {self->metrics, [self] { return self->rounds->readiness(); },
         [self, stuck] { return self->steady_seconds() - self->turned < stuck; },
         [self](std::string_view path) { return self->page(path); }});
    if (!listener)
        return fail(listener.error().message);
    state->listener = std::move(*listener);
    state->timer = event_new(base, -1, EV_PERSIST, &State::on_second, self);
    const timeval second{1, 0};
    if (state->timer == nullptr || event_add(state->timer, &second) != 0)
        return fail("libevent takes no timer");
    state->thread = std::thread([self] { self->work(); });
    return std::unique_ptr<Watch>(new Watch(std::move(state)));
}

}  // namespace eightbells::watch
