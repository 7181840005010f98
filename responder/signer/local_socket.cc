#include "responder/signer/local_socket.h"

#include <event2/buffer.h>
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
#include <map>
#include <optional>

namespace eightbells::signer {

namespace {

class Server;

class Connection final : public LocalConnection {
  public:
    Connection(Server& server, bufferevent* events, uid_t peer, std::uint64_t id)
        : server_(server), events_(events), peer_(peer), id_(id) {}
    ~Connection() override { bufferevent_free(events_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void send(ByteView bytes) noexcept override { bufferevent_write(events_, bytes.data(), bytes.size()); }
    uid_t peer() const noexcept override { return peer_; }
    std::uint64_t id() const noexcept override { return id_; }

    Server& server_;
    bufferevent* events_;

  private:
    uid_t peer_;
    std::uint64_t id_;
};

class Server final : public LocalServer {
  public:
    Server(Settings settings, OnInput on_input)
        : settings_(std::move(settings)), on_input_(std::move(on_input)) {}
    ~Server() override {
        if (listener_ != nullptr)
            evconnlistener_free(listener_);
        connections_.clear();
        ::unlink(settings_.path.c_str());
    }

    Status listen(event_base* base);
    LocalConnection* find(std::uint64_t id) noexcept override {
        const auto found = connections_.find(id);
        return found == connections_.end() ? nullptr : found->second.get();
    }

    void accept(evutil_socket_t fd) noexcept;
    void read(Connection& connection) noexcept;
    void close(std::uint64_t id) noexcept { connections_.erase(id); }

  private:
    Settings settings_;
    OnInput on_input_;
    event_base* base_ = nullptr;
    evconnlistener* listener_ = nullptr;
    std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
    std::uint64_t next_id_ = 1;
};

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

Status Server::listen(event_base* base) {
    base_ = base;
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
        static_cast<Server*>(self)->accept(peer);
    };
    if (bound) {
        listener_ =
            evconnlistener_new(base, accepted, this, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 64, fd);
    }
    if (listener_ == nullptr) {
        const Error error{
            fmt::format("{}: cannot listen: {}", settings_.path.string(), std::strerror(errno))};
        ::close(fd);
        return tl::unexpected<Error>(error);
    }
    return {};
}

void Server::accept(evutil_socket_t fd) noexcept {
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    if (!known || !settings_.may_connect(peer.uid) || connections_.size() >= settings_.connections) {
        spdlog::warn("{}: refused a connection of user {}{}", settings_.path.string(),
                     known ? static_cast<long>(peer.uid) : -1L,
                     connections_.size() >= settings_.connections ? ": too many are open" : "");
        ::close(fd);
        return;
    }
    evutil_make_socket_nonblocking(fd);
    bufferevent* events = bufferevent_socket_new(base_, fd, BEV_OPT_CLOSE_ON_FREE);
    if (events == nullptr) {
        ::close(fd);
        return;
    }
    const std::uint64_t id = next_id_++;
    auto connection = std::make_unique<Connection>(*this, events, peer.uid, id);
    bufferevent_setcb(
        events,
        [](bufferevent*, void* self) noexcept {
            auto& one = *static_cast<Connection*>(self);
            one.server_.read(one);
        },
        nullptr,
        [](bufferevent*, short, void* self) noexcept {  // end, error or idle too long: all mean the same here
            auto& one = *static_cast<Connection*>(self);
            one.server_.close(one.id());
        },
        connection.get());
    bufferevent_setwatermark(events, EV_READ, 0, settings_.input_octets);
    if (settings_.idle.count() > 0) {
        const timeval idle{static_cast<time_t>(settings_.idle.count()), 0};
        bufferevent_set_timeouts(events, &idle, nullptr);
    }
    bufferevent_enable(events, EV_READ | EV_WRITE);
    connections_.emplace(id, std::move(connection));
}

void Server::read(Connection& connection) noexcept {
    evbuffer* input = bufferevent_get_input(connection.events_);
    const std::size_t size = evbuffer_get_length(input);
    const auto* start = evbuffer_pullup(input, -1);
    const auto used = on_input_(connection, ByteView{start, size});
    const bool stuck = used && *used == 0 && size >= settings_.input_octets;
    const bool deaf =
        evbuffer_get_length(bufferevent_get_output(connection.events_)) > settings_.output_octets;
    if (!used || stuck || deaf) {
        close(connection.id());
        return;
    }
    evbuffer_drain(input, *used);
}

}  // namespace

Result<std::unique_ptr<LocalServer>> LocalServer::open(event_base* base, Settings settings,
                                                       OnInput on_input) {
    auto server = std::make_unique<Server>(std::move(settings), std::move(on_input));
    if (auto listening = server->listen(base); !listening)
        return tl::unexpected<Error>(listening.error());
    return std::unique_ptr<LocalServer>{std::move(server)};
}

}  // namespace eightbells::signer
