#include "responder/signer/live_service.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <deque>
#include <thread>

#include "responder/live/limits.h"
#include "responder/live/secret.h"
#include "responder/signer/limits.h"
#include "responder/signer/local_socket.h"
#include "responder/signer/remote_socket.h"
#include "responder/tls/loop.h"

namespace eightbells::signer {

struct LiveService::State {
    struct Waiting {
        std::uint64_t connection;
        live::Call call;
        std::chrono::steady_clock::time_point arrived;
    };

    State(std::unique_ptr<LiveSigner> live_signer, LiveBudgets its_budgets,
          metrics::SignerMetrics& used_metrics, const Clock& used_clock)
        : signer(std::move(live_signer)),
          budgets(std::move(its_budgets)),
          clock(used_clock),
          metrics(used_metrics) {}
    ~State() {
        if (thread.joinable()) {
            event_active(stop, 0, 0);
            thread.join();
        }
        remote.reset();
        local.reset();
        if (work != nullptr)
            event_free(work);
        if (stop != nullptr)
            event_free(stop);
        if (base != nullptr)
            tls::free_loop(base);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void reply(std::uint64_t connection, const live::Reply& made) {
        metrics.live_calls(static_cast<metrics::LiveVerdict>(made.verdict)).add();
        auto* peer = local->connections().find(connection);
        if (peer == nullptr && remote)
            peer = remote->connections().find(connection);
        if (peer != nullptr)
            peer->send(live::encode(made));
    }

    std::optional<std::size_t> take(Connection& connection, ByteView input) {
        if (!leads())
            return std::nullopt;
        ByteView rest = input;
        while (true) {
            auto call = live::take_call(rest);
            if (!call) {
                spdlog::warn("live call: {}", call.error().message);
                return std::nullopt;
            }
            if (!*call)
                break;
            const auto budget = budgets.find((*call)->issuer);
            const bool paid = budget == budgets.end() || budget->second.take(clock.steady());
            if (!paid || waiting.size() >= limits::live_waiting) {
                reply(connection.id(), {(*call)->id, live::Verdict::busy, {}});
                continue;
            }
            waiting.push_back({connection.id(), std::move(**call), clock.steady()});
        }
        if (!waiting.empty())
            work_soon();
        return input.size() - rest.size();
    }

    Status open(Doors doors);

    // One call a turn of the loop, so that reading and refusing go on while many wait.
    void work_once() {
        while (!waiting.empty()) {
            const Waiting next = std::move(waiting.front());
            waiting.pop_front();
            if (clock.steady() - next.arrived > limits::live_deadline) {
                reply(next.connection, {next.call.id, live::Verdict::busy, {}});
                continue;
            }
            reply(next.connection, signer->answer(next.call));
            metrics.live_call_duration().observe(clock.steady() - next.arrived);
            break;
        }
        if (!waiting.empty())
            work_soon();
    }

    // In the loop's next turn, after it has looked at the sockets. (event_active() from within the event's
    // own callback runs it again in the same turn.)
    void work_soon() {
        static constexpr timeval at_once{0, 0};
        event_add(work, &at_once);
    }

    std::unique_ptr<LiveSigner> signer;
    LiveBudgets budgets;
    const Clock& clock;
    metrics::SignerMetrics& metrics;
    event_base* base = nullptr;
    event* work = nullptr;
    event* stop = nullptr;
    std::function<bool()> leads;
    std::unique_ptr<LocalServer> local;
    std::unique_ptr<RemoteServer> remote;
    std::deque<Waiting> waiting;
    std::thread thread;
};

LiveBudgets live_budgets(const std::vector<std::shared_ptr<const Identity>>& identities, const Clock& clock) {
    LiveBudgets budgets;
    for (const auto& identity : identities)
        budgets.emplace(identity->issuer.id(), LiveBudget{identity->settings.live_budget, clock.steady()});
    return budgets;
}

LiveService::LiveService(std::unique_ptr<State> state) : state_(std::move(state)) {}
LiveService::~LiveService() = default;

Status LiveService::State::open(Doors doors) {
    leads = doors.leads ? std::move(doors.leads) : [] { return true; };
    Connections::Limits bounds;
    bounds.connections = limits::live_connections;
    bounds.input_octets = 16 * (limits::live_call_octets + 4);
    const auto on_input = [this](Connection& connection, ByteView input) { return take(connection, input); };
    LocalServer::Settings near{std::move(doors.socket), bounds, [this, own = ::geteuid()](uid_t user) {
                                   return leads() && (user == own || user == 0);
                               }};
    auto opened = LocalServer::open(base, std::move(near), on_input);
    if (!opened)
        return fail("signer.live_socket", opened.error());
    local = std::move(*opened);
    if (!doors.listen)
        return {};
    RemoteServer::Settings far{
        *doors.listen, std::move(doors.keys), bounds, leads, [this](tls::Refusal why) {
            metrics.refused_connections(metrics::Door::live, static_cast<metrics::Refused>(why)).add();
        }};
    auto opened_too = RemoteServer::open(base, std::move(far), on_input);
    if (!opened_too)
        return fail("signer.live_listen", opened_too.error());
    remote = std::move(*opened_too);
    return {};
}

Result<LiveService::Doors> LiveService::doors(const config::Signer& settings, std::function<bool()> leads) {
    Doors doors;
    doors.socket = settings.live_socket;
    doors.leads = std::move(leads);
    if (settings.live_listen.empty())
        return doors;
    const auto listen = parse_host_port(settings.live_listen);
    if (!listen)
        return fail("signer.live_listen", listen.error());
    doors.listen = *listen;
    auto keys = live::load_or_create_secrets(settings.live_secret_file);
    if (!keys)
        return fail("signer.live_secret_file", keys.error());
    doors.keys = std::move(*keys);
    return doors;
}

Result<std::unique_ptr<LiveService>> LiveService::open(Doors doors, std::unique_ptr<LiveSigner> signer,
                                                       LiveBudgets budgets, metrics::SignerMetrics& metrics,
                                                       const Clock& clock) {
    evthread_use_pthreads();
    auto state = std::make_unique<State>(std::move(signer), std::move(budgets), metrics, clock);
    state->base = event_base_new();
    if (state->base == nullptr)
        return fail("cannot make an event loop");
    state->work = event_new(
        state->base, -1, 0,
        [](evutil_socket_t, short, void* s) noexcept { static_cast<State*>(s)->work_once(); }, state.get());
    state->stop = event_new(
        state->base, -1, 0,
        [](evutil_socket_t, short, void* b) noexcept { event_base_loopbreak(static_cast<event_base*>(b)); },
        state->base);
    if (auto opened = state->open(std::move(doors)); !opened)
        return tl::unexpected<Error>(opened.error());
    state->thread = std::thread{[base = state->base] { event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY); }};
    return std::unique_ptr<LiveService>{new LiveService(std::move(state))};
}

}  // namespace eightbells::signer
