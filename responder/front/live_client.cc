#include "responder/front/live_client.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "responder/front/limits.h"
#include "responder/live/limits.h"
#include "responder/live/secret.h"

namespace eightbells::front {
namespace {

timeval to_timeval(std::chrono::steady_clock::duration wait) noexcept {
    const auto us =
        std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(wait).count());
    return {static_cast<time_t>(us / 1'000'000), static_cast<suseconds_t>(us % 1'000'000)};
}

void start(event* timer, std::chrono::steady_clock::duration wait) noexcept {
    const timeval time = to_timeval(wait);
    event_add(timer, &time);
}

}  // namespace

Result<SignerPlaces> SignerPlaces::of(const config::Front& settings) {
    SignerPlaces places;
    for (const std::string& text : settings.live_signers) {
        const auto address = parse_host_port(text);
        if (!address)
            return fail("front.live_signers", address.error());
        places.addresses.push_back(*address);
    }
    if (places.addresses.empty()) {
        places.socket = settings.live_socket;
        return places;
    }
    auto keys = live::load_secrets(settings.live_secret_file);
    if (!keys)
        return fail("front.live_secret_file", keys.error());
    auto context = tls::Context::make(tls::Context::Side::client, {std::move(keys->front())});
    if (!context)
        return fail("front.live_signers", context.error());
    places.tls = std::make_shared<const tls::Context>(std::move(*context));
    return places;
}

LiveClient::LiveClient(event_base* base, SignerPlaces places, const Clock& clock)
    : base_(base),
      places_(std::move(places)),
      clock_(clock),
      pause_(limits::live_reconnect_pause),
      told_(places_.count()) {
    connect_timer_ = event_new(
        base_, -1, 0,
        [](evutil_socket_t, short, void* self) noexcept {
            static_cast<LiveClient*>(self)->on_connect_timer();
        },
        this);
    deadline_timer_ = event_new(
        base_, -1, 0,
        [](evutil_socket_t, short, void* self) noexcept { static_cast<LiveClient*>(self)->on_deadline(); },
        this);
    connect();
}

LiveClient::~LiveClient() {
    calls_.clear();
    disconnect();
    for (event* timer : {connect_timer_, deadline_timer_}) {
        if (timer != nullptr)
            event_free(timer);
    }
}

bool LiveClient::ready() const noexcept {
    // What was sent and has not left yet belongs to a signer that does not read: no more is heaped upon it.
    return connected() && calls_.size() < limits::live_outstanding &&
           evbuffer_get_length(bufferevent_get_output(events_)) < limits::live_output_octets;
}

bool LiveClient::call(live::Call call, std::unique_ptr<Waiting> waiting) {
    call.id = next_id_++;
    const Bytes frame = live::encode(call);
    if (frame.empty())
        return false;
    // The loop writes: a failure then reaches the caller after call() has returned, as every other outcome
    // does.
    bufferevent_write(events_, frame.data(), frame.size());
    const bool first = calls_.empty();
    calls_.emplace(
        call.id, Pending{std::move(call), std::move(waiting), clock_.steady() + limits::live_call_deadline});
    if (first)
        wait_for_deadline();
    return true;
}

std::string LiveClient::place() const {
    return places_.addresses.empty() ? places_.socket.string() : to_string(places_.addresses[at_]);
}

void LiveClient::connect() noexcept {
    const bool here = places_.addresses.empty();
    errno = 0;
    if (!(here ? connect_here() : connect_there(places_.addresses[at_])))
        return give_up(errno != 0 ? std::strerror(errno) : "out of memory");
    const auto on_read = [](bufferevent*, void* self) noexcept {
        static_cast<LiveClient*>(self)->on_readable();
    };
    const auto on_other = [](bufferevent*, short what, void* self) noexcept {
        static_cast<LiveClient*>(self)->on_event(what);
    };
    bufferevent_setcb(events_, on_read, nullptr, on_other, this);
    // A whole frame fits; what is taken is gone from it, so it is never full for long.
    bufferevent_setwatermark(events_, EV_READ, 0, limits::live_reply_octets + 4);
    if (here)
        on_proved();
    else
        start(connect_timer_, limits::live_handshake);
}

bool LiveClient::connect_here() noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& path = places_.socket.native();
    errno = ENAMETOOLONG;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return false;
    std::memcpy(address.sun_path, path.data(), path.size());
    Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    // A local socket connects at once or not at all; a full backlog is EAGAIN and is tried again like any
    // failure.
    if (!socket.open() ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return false;
    events_ = bufferevent_socket_new(base_, socket.get(), BEV_OPT_CLOSE_ON_FREE);
    if (events_ != nullptr)
        static_cast<void>(socket.release());
    return events_ != nullptr;
}

bool LiveClient::connect_there(const HostPort& address) noexcept {
    auto socket = tls::begin_connecting(address);
    SSL* const connection = socket ? places_.tls->connection() : nullptr;
    if (connection == nullptr)
        return false;
    tls::notice_loss(socket->get(), limits::live_loss);
    events_ = bufferevent_openssl_socket_new(base_, socket->get(), connection, BUFFEREVENT_SSL_CONNECTING,
                                             BEV_OPT_CLOSE_ON_FREE);
    if (events_ != nullptr)  // else libevent has freed the connection
        static_cast<void>(socket->release());
    return events_ != nullptr;
}

void LiveClient::on_event(short what) noexcept {
    if ((what & BEV_EVENT_CONNECTED) != 0 && !proved_) {
        if (tls::proved(bufferevent_openssl_get_ssl(events_)))
            return on_proved();
        return give_up("TLS without the secret");
    }
    if (proved_)
        return give_up("the signer has ended the connection");
    const int fault = EVUTIL_SOCKET_ERROR();
    const unsigned long refusal = bufferevent_get_openssl_error(events_);
    const char* const reason = refusal != 0 ? ERR_reason_error_string(refusal) : nullptr;
    if (reason != nullptr)
        return give_up(std::string{"the signer has not proved that it has the same secret ("} + reason + ")");
    give_up((what & BEV_EVENT_ERROR) != 0 && fault != 0 ? std::strerror(fault) : "it takes no calls");
}

void LiveClient::on_proved() noexcept {
    proved_ = true;
    heard_ = false;
    if (!std::exchange(told_[at_], {}).empty())
        spdlog::info("live answers: {}: connected", place());
    event_del(connect_timer_);
    bufferevent_enable(events_, EV_READ | EV_WRITE);
}

void LiveClient::on_readable() noexcept {
    heard_ = true;
    tried_ = 0;
    pause_ = limits::live_reconnect_pause;
    if (!take_replies())
        return give_up("the signer says what is no reply");
    wait_for_deadline();
}

bool LiveClient::take_replies() {
    evbuffer* const input = bufferevent_get_input(events_);
    const std::size_t size = evbuffer_get_length(input);
    const auto* octets = evbuffer_pullup(input, -1);
    ByteView rest{octets, size};
    std::vector<live::Reply> replies;
    bool sound = true;
    for (;;) {
        auto reply = live::take_reply(rest);
        if (!reply) {
            sound = false;  // what came before the broken frame still counts
            break;
        }
        if (!*reply)
            break;
        replies.push_back(std::move(**reply));
    }
    evbuffer_drain(input, size - rest.size());
    for (const live::Reply& reply : replies) {
        const auto found = calls_.find(reply.id);
        if (found == calls_.end())
            continue;  // too late: it has been answered without
        const Pending pending = std::move(found->second);
        calls_.erase(found);
        pending.waiting->replied(pending.call, reply);
    }
    return sound;
}

void LiveClient::on_connect_timer() noexcept {
    if (events_ == nullptr)
        connect();
    else
        give_up("no answer");
}

void LiveClient::on_deadline() noexcept {
    const auto now = clock_.steady();
    bool late = false;
    while (!calls_.empty() && calls_.begin()->second.deadline <= now) {
        const Pending pending = std::move(calls_.begin()->second);
        calls_.erase(calls_.begin());
        late = true;
        pending.waiting->unanswered(pending.call, true);
    }
    // A deadline passed and not an octet came meanwhile: the signer is frozen or gone. What it might still
    // sign is not waited for any more, and the calls behind fail now rather than each at its own deadline.
    if (late && !std::exchange(heard_, false))
        return give_up("the signer is silent");
    wait_for_deadline();
}

void LiveClient::wait_for_deadline() noexcept {
    if (calls_.empty())
        event_del(deadline_timer_);
    else
        start(deadline_timer_, calls_.begin()->second.deadline - clock_.steady());
}

// And goes on to the next place.
void LiveClient::give_up(const std::string& why) noexcept {
    disconnect();
    if (std::exchange(told_[at_], why) != why)
        spdlog::warn("live answers: {}: {}", place(), why);
    at_ = (at_ + 1) % places_.count();
    if (++tried_ < places_.count())
        return start(connect_timer_, {});
    tried_ = 0;
    start(connect_timer_, pause_);
    pause_ = std::min(2 * pause_, limits::live_reconnect_pause_max);
}

void LiveClient::disconnect() noexcept {
    if (events_ != nullptr)
        bufferevent_free(std::exchange(events_, nullptr));
    proved_ = false;
    event_del(connect_timer_);
    event_del(deadline_timer_);
    // The calls are taken out first: whoever hears of one may call again.
    const auto lost = std::exchange(calls_, {});
    for (const auto& [id, pending] : lost)
        pending.waiting->unanswered(pending.call, false);
}

}  // namespace eightbells::front
