#include "responder/signer/local_socket.h"

#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace eightbells::signer {

namespace {

Status fill_address(const std::filesystem::path& path, sockaddr_un& address) {
    address = {};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.size() >= sizeof address.sun_path) {
        return fail(
            fmt::format("{}: a socket path may have {} octets at most", text, sizeof address.sun_path - 1));
    }
    std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
    return {};
}

}  // namespace

LocalServer::~LocalServer() {
    if (listener_ == nullptr)
        return;  // the file is another process's
    evconnlistener_free(listener_);
    connections_.close_all();
    ::unlink(settings_.path.c_str());
}

Status LocalServer::listen() {
    sockaddr_un address{};
    if (auto filled = fill_address(settings_.path, address); !filled)
        return filled;
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return fail(fmt::format("{}: {}", settings_.path.string(), std::strerror(errno)));
    const bool answered = ::connect(probe, generic, sizeof address) == 0;
    ::close(probe);
    if (answered)
        return fail(settings_.path.string() + ": another process answers on this socket");
    ::unlink(settings_.path.c_str());

    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(fmt::format("{}: {}", settings_.path.string(), std::strerror(errno)));
    const mode_t before = ::umask(0117);  // 0660 from the first moment
    const bool bound = ::bind(fd, generic, sizeof address) == 0;
    ::umask(before);
    const auto accepted = [](evconnlistener*, evutil_socket_t peer, sockaddr*, int, void* self) noexcept {
        static_cast<LocalServer*>(self)->accept(peer);
    };
    if (bound) {
        listener_ =
            evconnlistener_new(base_, accepted, this, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 64, fd);
    }
    if (listener_ == nullptr) {
        const Error error{
            fmt::format("{}: cannot listen: {}", settings_.path.string(), std::strerror(errno))};
        ::close(fd);
        return tl::unexpected<Error>(error);
    }
    return {};
}

void LocalServer::accept(int fd) noexcept {
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    if (!known || !settings_.may_connect(peer.uid) || connections_.full()) {
        spdlog::warn("{}: refused a connection of user {}{}", settings_.path.string(),
                     known ? static_cast<long>(peer.uid) : -1L,
                     connections_.full() ? ": too many are open" : "");
        ::close(fd);
        return;
    }
    evutil_make_socket_nonblocking(fd);
    bufferevent* events = bufferevent_socket_new(base_, fd, BEV_OPT_CLOSE_ON_FREE);
    if (events == nullptr)
        ::close(fd);
    else
        connections_.add(events, peer.uid);
}

Result<std::unique_ptr<LocalServer>> LocalServer::open(event_base* base, Settings settings,
                                                       Connections::OnInput on_input) {
    std::unique_ptr<LocalServer> server{new LocalServer(base, std::move(settings), std::move(on_input))};
    if (auto listening = server->listen(); !listening)
        return tl::unexpected<Error>(listening.error());
    return server;
}

}  // namespace eightbells::signer
