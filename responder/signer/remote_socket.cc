#include "responder/signer/remote_socket.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <unistd.h>

#include "responder/live/limits.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

namespace {
// Handshakes and their bounds are of sockets: what a test passes in as time has no part in them.
std::chrono::steady_clock::time_point now() {
    return std::chrono::steady_clock::now();
}
}  // namespace

RemoteServer::RemoteServer(Settings settings, tls::Context context, Connections::OnInput on_input)
    : settings_(std::move(settings)),
      context_(std::move(context)),
      connections_(settings_.limits, std::move(on_input)),
      looks_(limits::remote_accepted, now()),
      refusals_(to_string(settings_.address), settings_.refused) {}

RemoteServer::~RemoteServer() {
    if (listener_ != nullptr)
        evconnlistener_free(listener_);
    if (tick_ != nullptr)
        event_free(tick_);
    while (!unproved_.empty())
        drop(unproved_.front());
    connections_.close_all();
}

Result<std::unique_ptr<RemoteServer>> RemoteServer::open(event_base* base, Settings settings,
                                                         Connections::OnInput on_input) {
    auto context = tls::Context::make(tls::Context::Side::server, settings.keys);
    if (!context)
        return tl::unexpected<Error>(context.error());
    std::unique_ptr<RemoteServer> server{
        new RemoteServer(std::move(settings), std::move(*context), std::move(on_input))};
    if (auto listening = server->listen(base); !listening)
        return tl::unexpected<Error>(listening.error());
    return server;
}

Status RemoteServer::listen(event_base* base) {
    base_ = base;
    auto socket = tls::listen_at(settings_.address, limits::remote_backlog);
    if (!socket)
        return tl::unexpected<Error>(socket.error());
    const auto accepted = [](evconnlistener*, evutil_socket_t peer, sockaddr*, int, void* self) noexcept {
        static_cast<RemoteServer*>(self)->accept(peer);
    };
    listener_ = evconnlistener_new(base, accepted, this, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0,
                                   socket->get());
    tick_ = event_new(
        base, -1, 0,
        [](evutil_socket_t, short, void* self) noexcept { static_cast<RemoteServer*>(self)->on_tick(); },
        this);
    if (listener_ == nullptr || tick_ == nullptr)
        return fail("out of memory");
    static_cast<void>(socket->release());
    return {};
}

void RemoteServer::tick_soon() noexcept {
    static constexpr timeval soon{0, std::chrono::microseconds{limits::remote_tick}.count()};
    if (event_pending(tick_, EV_TIMEOUT, nullptr) == 0)
        event_add(tick_, &soon);
}

void RemoteServer::accept(int fd) noexcept {
    if (!settings_.may_connect())
        ::close(fd);
    else if (connections_.full()) {
        ::close(fd);
        refusals_.add(tls::Refusal::too_many);
    } else {
        greet(fd);
    }
    // The others wait in the kernel's queue until the next tick, or are turned away there.
    if (!looks_.take(now()))
        evconnlistener_disable(listener_);
    tick_soon();
}

void RemoteServer::greet(int fd) noexcept {
    evutil_make_socket_nonblocking(fd);
    tls::notice_loss(fd, limits::live_loss);
    SSL* const connection = context_.connection();
    bufferevent* const events =
        connection == nullptr ? nullptr
                              : bufferevent_openssl_socket_new(
                                    base_, fd, connection, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (events == nullptr) {  // libevent has freed the connection
        ::close(fd);
        return;
    }
    if (unproved_.size() >= limits::remote_unproved) {
        drop(unproved_.front());
        refusals_.add(tls::Refusal::slow);
    }
    const auto one =
        unproved_.emplace(unproved_.end(), Unproved{*this, events, {}, now() + limits::remote_handshake});
    one->self = one;
    bufferevent_setcb(
        events, nullptr, nullptr,
        [](bufferevent*, short what, void* unproved) noexcept {
            auto& it = *static_cast<Unproved*>(unproved);
            it.home.on_handshake(it, what);
        },
        &*one);
}

void RemoteServer::on_handshake(Unproved& one, short what) noexcept {
    bufferevent* const events = one.events;
    const SSL* const connection = bufferevent_openssl_get_ssl(events);
    if ((what & BEV_EVENT_CONNECTED) == 0 || !tls::proved(connection)) {
        refusals_.add(tls::why_unproved(connection));
        return drop(one);
    }
    if (connections_.full()) {
        refusals_.add(tls::Refusal::too_many);
        return drop(one);
    }
    unproved_.erase(one.self);
    connections_.add(events, Connection::nobody());
}

void RemoteServer::drop(Unproved& one) noexcept {
    bufferevent_free(one.events);
    unproved_.erase(one.self);
}

void RemoteServer::on_tick() noexcept {
    while (!unproved_.empty() && unproved_.front().until <= now()) {
        drop(unproved_.front());
        refusals_.add(tls::Refusal::slow);
    }
    if (!unproved_.empty())
        tick_soon();
    evconnlistener_enable(listener_);
}

}  // namespace eightbells::signer
