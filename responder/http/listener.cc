#include "responder/http/listener.h"

#include <event2/event.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "responder/base/descriptor.h"
#include "responder/http/connection.h"
#include "responder/http/limits.h"
#include "responder/http/worker.h"

namespace eightbells::http {
namespace {

bool set_option(int fd, int level, int name) noexcept {
    const int on = 1;
    return ::setsockopt(fd, level, name, &on, sizeof on) == 0;
}

}  // namespace

Result<int> open_listening_socket(const HostPort& address) {
    const auto failed = [&](std::string_view what) {
        return fail(fmt::format("listening on {}: {}: {}", to_string(address), what, std::strerror(errno)));
    };
    const auto bound = socket_address(address);
    if (!bound)
        return fail("listening", bound.error());
    Descriptor socket(::socket(bound->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.open())
        return failed("socket");
    // Each worker has its own socket on the same port; the kernel spreads the connections. Accepted sockets
    // inherit TCP_NODELAY, so that no call is needed for each.
    if (!set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR) ||
        !set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT) ||
        !set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY) ||
        (bound->family() == AF_INET6 && !set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY)))
        return failed("socket options");
    if (::bind(socket.get(), bound->generic(), bound->size) != 0)
        return failed("bind");
    if (::listen(socket.get(), limits::http_backlog) != 0)
        return failed("listen");
    return socket.release();
}

struct Listener::State {
    State(event_base* base, const ConnectionLimits& limits, Handler& handler, const Clock& clock)
        : worker(base, limits, handler, clock) {}
    ~State();
    Status start(int listening_fd);
    void accept_some(unsigned most) noexcept;
    void tick() noexcept;

    Worker worker;
    event accept_event{};
    event tick_event{};
    int fd = -1;
    bool paused = false;  // out of descriptors: asked again at the next tick
};

Listener::State::~State() {
    if (event_initialized(&tick_event))
        event_del(&tick_event);
    if (fd >= 0) {
        event_del(&accept_event);
        ::close(fd);
    }
}

Status Listener::State::start(int listening_fd) {
    fd = listening_fd;
    event_assign(
        &accept_event, worker.base, fd, EV_READ | EV_PERSIST,
        [](evutil_socket_t, short, void* self) noexcept {
            static_cast<State*>(self)->accept_some(limits::http_accepts_per_turn);
        },
        this);
    event_assign(
        &tick_event, worker.base, -1, EV_PERSIST,
        [](evutil_socket_t, short, void* self) noexcept { static_cast<State*>(self)->tick(); }, this);
    const timeval every{0, std::chrono::microseconds{limits::http_tick}.count()};
    if (event_add(&accept_event, nullptr) != 0 || event_add(&tick_event, &every) != 0)
        return fail("the event loop takes no more events");
    return {};
}

void Listener::State::accept_some(unsigned most) noexcept {
    while (most-- != 0) {
        SocketAddress from;
        const int accepted = ::accept4(fd, from.generic(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0) {
            if (errno == ECONNABORTED || errno == EINTR)
                continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                // EMFILE and its like: the queue stays readable, and asking again at once would spin.
                worker.counters.accept_failures.add();
                event_del(&accept_event);
                paused = true;
            }
            return;
        }
        worker.counters.accepted.add();
        if (worker.counters.open.value() >= worker.limits.connections) {
            worker.counters.refused.add();
            ::close(accepted);
            continue;
        }
        worker.take_connection(accepted, ip_address(from));
    }
}

void Listener::State::tick() noexcept {
    if (paused && event_add(&accept_event, nullptr) == 0)
        paused = false;
    worker.tick();
}

Status check(const ConnectionLimits& limits) {
    constexpr std::size_t most = 4 * 1024 * 1024;
    const auto bad = [](std::size_t octets) { return octets == 0 || octets > most; };
    if (bad(limits.body_octets) || bad(limits.target_octets) || bad(limits.header_octets))
        return fail(fmt::format("limits of body, target and headers are 1 to {} octets each", most));
    if (limits.connections == 0)
        return fail("the limit of connections is zero");
    if (limits.idle.count() <= 0 || limits.header.count() <= 0 || limits.write.count() <= 0)
        return fail("time-outs must be longer than nothing");
    return {};
}

Result<std::unique_ptr<Listener>> Listener::open(event_base* base, const HostPort& address,
                                                 const ConnectionLimits& limits, Handler& handler,
                                                 const Clock& clock) {
    if (const Status valid = check(limits); !valid)
        return fail("listening on " + to_string(address), valid.error());
    const auto fd = open_listening_socket(address);
    if (!fd)
        return tl::unexpected(fd.error());
    return adopt(base, *fd, limits, handler, clock);
}

Result<std::unique_ptr<Listener>> Listener::adopt(event_base* base, int listening_fd,
                                                  const ConnectionLimits& limits, Handler& handler,
                                                  const Clock& clock) {
    Descriptor owned(listening_fd);
    if (const Status valid = check(limits); !valid)
        return tl::unexpected(valid.error());
    if (evutil_make_socket_nonblocking(listening_fd) != 0 ||
        evutil_make_socket_closeonexec(listening_fd) != 0)
        return fail(fmt::format("descriptor {}: {}", listening_fd, std::strerror(errno)));
    auto state = std::make_unique<State>(base, limits, handler, clock);
    if (const Status started = state->start(owned.release()); !started)
        return tl::unexpected(started.error());
    return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

Listener::Listener(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Listener::~Listener() = default;

HostPort Listener::address() const {
    return bound_address(state_->fd);
}

void Listener::serve(int connected_fd) noexcept {
    evutil_make_socket_nonblocking(connected_fd);
    state_->worker.counters.accepted.add();
    SocketAddress from;
    const bool known = ::getpeername(connected_fd, from.generic(), &from.size) == 0;
    state_->worker.take_connection(connected_fd, known ? ip_address(from) : std::nullopt);
}

void Listener::stop_accepting() noexcept {
    if (state_->fd < 0)
        return;
    // Those whom the kernel has greeted already would be reset: take them in first.
    state_->accept_some(static_cast<unsigned>(limits::http_backlog));
    event_del(&state_->accept_event);
    state_->paused = false;
    ::close(std::exchange(state_->fd, -1));
    state_->worker.finish_all();
}

void Listener::tick() noexcept {
    state_->tick();
}
std::size_t Listener::connections() const noexcept {
    return static_cast<std::size_t>(state_->worker.counters.open.value());
}
const WireCounters& Listener::counters() const noexcept {
    return state_->worker.counters;
}

}  // namespace eightbells::http
