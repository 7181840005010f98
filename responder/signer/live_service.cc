#include "responder/signer/live_service.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <deque>
#include <thread>

#include "responder/live/limits.h"
#include "responder/signer/limits.h"
#include "responder/signer/local_socket.h"

namespace eightbells::signer {

struct LiveService::State {
    struct Waiting {
        std::uint64_t connection;
        live::Call call;
        std::chrono::steady_clock::time_point arrived;
    };

    State(std::unique_ptr<LiveSigner> live_signer, metrics::SignerMetrics& used_metrics,
          const Clock& used_clock)
        : signer(std::move(live_signer)), clock(used_clock), metrics(used_metrics) {}
    ~State() {
        if (thread.joinable()) {
            event_active(stop, 0, 0);
            thread.join();
        }
        server.reset();
        if (work != nullptr)
            event_free(work);
        if (stop != nullptr)
            event_free(stop);
        if (base != nullptr)
            event_base_free(base);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void reply(std::uint64_t connection, const live::Reply& made) {
        metrics.live_calls(static_cast<metrics::LiveVerdict>(made.verdict)).add();
        if (auto* peer = server->find(connection))
            peer->send(live::encode(made));
    }

    std::optional<std::size_t> take(LocalConnection& connection, ByteView input) {
        ByteView rest = input;
        while (true) {
            auto call = live::take_call(rest);
            if (!call) {
                spdlog::warn("live socket: {}", call.error().message);
                return std::nullopt;
            }
            if (!*call)
                break;
            if (waiting.size() >= limits::live_waiting) {
                reply(connection.id(), {(*call)->id, live::Verdict::busy, {}});
                continue;
            }
            waiting.push_back({connection.id(), std::move(**call), clock.steady()});
        }
        if (!waiting.empty())
            work_soon();
        return input.size() - rest.size();
    }

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
    const Clock& clock;
    metrics::SignerMetrics& metrics;
    event_base* base = nullptr;
    event* work = nullptr;
    event* stop = nullptr;
    std::unique_ptr<LocalServer> server;
    std::deque<Waiting> waiting;
    std::thread thread;
};

LiveService::LiveService(std::unique_ptr<State> state) : state_(std::move(state)) {}
LiveService::~LiveService() = default;

Result<std::unique_ptr<LiveService>> LiveService::open(const std::filesystem::path& socket,
                                                       std::unique_ptr<LiveSigner> signer,
                                                       metrics::SignerMetrics& metrics, const Clock& clock) {
    evthread_use_pthreads();
    auto state = std::make_unique<State>(std::move(signer), metrics, clock);
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
    LocalServer::Settings settings;
    settings.path = socket;
    settings.connections = limits::live_connections;
    settings.input_octets = 16 * (limits::live_call_octets + 4);
    settings.may_connect = [own = ::geteuid()](uid_t user) { return user == own || user == 0; };
    auto server = LocalServer::open(state->base, std::move(settings),
                                    [s = state.get()](LocalConnection& connection, ByteView input) {
                                        return s->take(connection, input);
                                    });
    if (!server)
        return tl::unexpected<Error>(server.error());
    state->server = std::move(*server);
    state->thread = std::thread{[base = state->base] { event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY); }};
    return std::unique_ptr<LiveService>{new LiveService(std::move(state))};
}

}  // namespace eightbells::signer
