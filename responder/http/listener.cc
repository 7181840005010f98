#include "responder/http/listener.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "responder/http/connection.h"
#include "responder/http/limits.h"
#include "responder/http/worker.h"

namespace eightbells::http {
namespace {

union SocketAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

Result<socklen_t> to_socket_address(const HostPort& address, SocketAddress& out) {
    std::memset(&out, 0, sizeof out);
    if (inet_pton(AF_INET, address.host.c_str(), &out.v4.sin_addr) == 1) {
        out.v4.sin_family = AF_INET;
        out.v4.sin_port = htons(address.port);
        return static_cast<socklen_t>(sizeof out.v4);
    }
    if (inet_pton(AF_INET6, address.host.c_str(), &out.v6.sin6_addr) == 1) {
        out.v6.sin6_family = AF_INET6;
        out.v6.sin6_port = htons(address.port);
        return static_cast<socklen_t>(sizeof out.v6);
    }
    return fail(fmt::format("\"{}\" is not an IP address", address.host));
}

std::optional<IpAddress> ip_address(const SocketAddress& address) noexcept {
    std::array<std::uint8_t, 4> v4{};
    IpAddress result;
    switch (address.any.sa_family) {
        case AF_INET:
            std::memcpy(v4.data(), &address.v4.sin_addr, v4.size());
            return IpAddress::from_v4(v4);
        case AF_INET6:
            std::memcpy(result.octets.data(), &address.v6.sin6_addr, result.octets.size());
            return result;
        default:
            return std::nullopt;
    }
}

// Owns a descriptor until it is released.
struct Descriptor {
    explicit Descriptor(int number) noexcept : fd(number) {}
    ~Descriptor() {
        if (fd >= 0)
            ::close(fd);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int release() noexcept { return std::exchange(fd, -1); }
    int fd;
};

bool set_option(int fd, int level, int name) noexcept {
    const int on = 1;
    return ::setsockopt(fd, level, name, &on, sizeof on) == 0;
}

}  // namespace

Result<int> open_listening_socket(const HostPort& address) {
    const auto failed = [&](std::string_view what) {
        return fail(fmt::format("listening on {}: {}: {}", to_string(address), what, std::strerror(errno)));
    };
    SocketAddress bound;
    const auto size = to_socket_address(address, bound);
    if (!size)
        return fail("listening", size.error());
    Descriptor socket(::socket(bound.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.fd < 0)
        return failed("socket");
    // Each worker has its own socket on the same port; the kernel spreads the connections. Accepted sockets
    // inherit TCP_NODELAY, so that no call is needed for each.
    if (!set_option(socket.fd, SOL_SOCKET, SO_REUSEADDR) ||
        !set_option(socket.fd, SOL_SOCKET, SO_REUSEPORT) ||
        !set_option(socket.fd, IPPROTO_TCP, TCP_NODELAY) ||
        (bound.any.sa_family == AF_INET6 && !set_option(socket.fd, IPPROTO_IPV6, IPV6_V6ONLY)))
        return failed("socket options");
    if (::bind(socket.fd, &bound.any, *size) != 0)
        return failed("bind");
    if (::listen(socket.fd, limits::http_backlog) != 0)
        return failed("listen");
    return socket.release();
}

HostPort bound_address(int fd) {
    SocketAddress bound;
    socklen_t size = sizeof bound;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (fd < 0 || ::getsockname(fd, &bound.any, &size) != 0)
        return {};
    if (bound.any.sa_family == AF_INET)
        return {inet_ntop(AF_INET, &bound.v4.sin_addr, text.data(), text.size()), ntohs(bound.v4.sin_port)};
    if (bound.any.sa_family == AF_INET6)
        return {inet_ntop(AF_INET6, &bound.v6.sin6_addr, text.data(), text.size()),
                ntohs(bound.v6.sin6_port)};
    return {};
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
        SocketAddress from{};
        socklen_t size = sizeof from;
        const int accepted = ::accept4(fd, &from.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
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
    SocketAddress from{};
    socklen_t size = sizeof from;
    const bool known = ::getpeername(connected_fd, &from.any, &size) == 0;
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
