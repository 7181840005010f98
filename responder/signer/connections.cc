#include "responder/signer/connections.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <atomic>

#include "responder/signer/limits.h"

namespace eightbells::signer {

namespace {
std::atomic<std::uint64_t> last_id{0};
}  // namespace

Connection::Connection(Connections& home, bufferevent* events, uid_t user, std::uint64_t id) noexcept
    : home_(home), events_(events), input_(evbuffer_new()), user_(user), id_(id) {}

Connection::~Connection() {
    bufferevent_free(events_);
    evbuffer_free(input_);
}

void Connection::send(ByteView bytes) noexcept {
    bufferevent_write(events_, bytes.data(), bytes.size());
}

void Connections::add(bufferevent* events, uid_t user) {
    const std::uint64_t id = ++last_id;
    auto connection = std::make_unique<Connection>(*this, events, user, id);
    bufferevent_setcb(
        events,
        [](bufferevent*, void* self) noexcept {
            auto& one = *static_cast<Connection*>(self);
            one.home_.read(one);
        },
        [](bufferevent*, void* self) noexcept {
            auto& one = *static_cast<Connection*>(self);
            one.home_.resume(one);
        },
        [](bufferevent*, short, void* self) noexcept {  // end, error or idle too long: all mean the same here
            auto& one = *static_cast<Connection*>(self);
            one.home_.close(one.id());
        },
        connection.get());
    bufferevent_setwatermark(events, EV_WRITE, limits_.output_octets / 2, 0);
    const timeval idle{static_cast<time_t>(limits_.idle.count()), 0};
    const timeval stalls{static_cast<time_t>(limits::peer_stalls.count()), 0};
    bufferevent_set_timeouts(events, limits_.idle.count() > 0 ? &idle : nullptr, &stalls);
    connections_.emplace(id, std::move(connection));
    bufferevent_enable(events, EV_READ | EV_WRITE);
}

Connection* Connections::find(std::uint64_t id) noexcept {
    const auto found = connections_.find(id);
    return found == connections_.end() ? nullptr : found->second.get();
}

void Connections::read(Connection& connection) noexcept {
    evbuffer* const input = connection.input_;
    const evbuffer* const output = bufferevent_get_output(connection.events_);
    const auto behind = [&] { return evbuffer_get_length(output) > limits_.output_octets; };
    evbuffer_add_buffer(input, bufferevent_get_input(connection.events_));
    // libevent reads 4 KiB at a time: what is worked on together is whatever the peer has sent by now. What
    // comes from another machine is not plain on the socket.
    const evutil_socket_t fd =
        connection.user_ == Connection::nobody() ? -1 : bufferevent_getfd(connection.events_);
    while (fd >= 0 && !behind() && evbuffer_get_length(input) < limits_.input_octets &&
           evbuffer_read(input, fd, -1) > 0) {
    }
    while (const std::size_t size = evbuffer_get_length(input)) {
        if (behind()) {
            connection.paused_ = true;
            bufferevent_disable(connection.events_, EV_READ);
            return;
        }
        const auto used = on_input_(connection, ByteView{evbuffer_pullup(input, -1), size});
        const bool stuck = used && *used == 0 && size >= limits_.input_octets;
        if (!used || stuck)
            return close(connection.id());
        if (*used == 0)
            return;
        evbuffer_drain(input, *used);
    }
}

// The peer has taken its answers.
void Connections::resume(Connection& connection) noexcept {
    if (!connection.paused_)
        return;
    connection.paused_ = false;
    bufferevent_enable(connection.events_, EV_READ);
    read(connection);
}

}  // namespace eightbells::signer
