#include "responder/tls/socket.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace eightbells::tls {

namespace {

tl::unexpected<Error> failed(const std::string& what) {
    return fail(fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace

Result<Descriptor> listen_at(const HostPort& address, int backlog) {
    const auto where = socket_address(address);
    if (!where)
        return tl::unexpected<Error>(where.error());
    Descriptor socket{::socket(where->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const int one = 1;
    if (!socket.open() || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        ::bind(socket.get(), where->generic(), where->size) != 0 || ::listen(socket.get(), backlog) != 0)
        return failed(to_string(address) + ": cannot listen");
    return socket;
}

Result<Descriptor> begin_connecting(const HostPort& address) {
    const auto where = socket_address(address);
    if (!where)
        return tl::unexpected<Error>(where.error());
    Descriptor socket{::socket(where->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket.open() ||
        (::connect(socket.get(), where->generic(), where->size) != 0 && errno != EINPROGRESS))
        return failed(to_string(address));
    return socket;
}

void notice_loss(int socket, std::chrono::seconds time) noexcept {
    const auto set = [&](int level, int option, std::int64_t value) {
        const int number = static_cast<int>(std::max<std::int64_t>(1, value));
        ::setsockopt(socket, level, option, &number, sizeof number);
    };
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    // Asked twice after half of the time; and what was sent must be acknowledged within it.
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, time.count() / 2);
    set(IPPROTO_TCP, TCP_KEEPINTVL, time.count() / 4);
    set(IPPROTO_TCP, TCP_KEEPCNT, 2);
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, time.count() * 1000);
}

}  // namespace eightbells::tls
