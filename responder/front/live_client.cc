#include "responder/front/live_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "responder/front/limits.h"
#include "responder/live/limits.h"

namespace eightbells::front {
namespace {

timeval to_timeval(std::chrono::steady_clock::duration wait) noexcept {
    const auto us =
        std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(wait).count());
    return {static_cast<time_t>(us / 1'000'000), static_cast<suseconds_t>(us % 1'000'000)};
}

bool would_block(int error) noexcept {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

LiveClient::LiveClient(event_base* base, std::filesystem::path socket, const Clock& clock)
    : base_(base), socket_(std::move(socket)), clock_(clock) {
    timer_ = event_new(
        base_, -1, 0,
        [](evutil_socket_t, short, void* self) noexcept { static_cast<LiveClient*>(self)->on_timer(); },
        this);
    in_.reserve(limits::live_reply_octets + 4);
    connect();
    set_timer();
}

LiveClient::~LiveClient() {
    calls_.clear();
    disconnect();
    if (timer_ != nullptr)
        event_free(timer_);
}

bool LiveClient::ready() const noexcept {
    // What was sent and has not left yet belongs to a signer that does not read: no more is heaped upon it.
    return connected() && calls_.size() < limits::live_outstanding &&
           out_.size() - sent_ < limits::live_output_octets;
}

bool LiveClient::call(live::Call call, std::unique_ptr<Waiting> waiting) {
    call.id = next_id_++;
    const Bytes frame = live::encode(call);
    if (frame.empty())
        return false;
    out_.insert(out_.end(), frame.begin(), frame.end());
    const bool first = calls_.empty();
    calls_.emplace(
        call.id, Pending{std::move(call), std::move(waiting), clock_.steady() + limits::live_call_deadline});
    // The loop writes: a failure then reaches the caller after call() has returned, as every other outcome
    // does.
    watch_writing();
    if (first)
        set_timer();
    return true;
}

void LiveClient::connect() noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& path = socket_.native();
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return;
    std::memcpy(address.sun_path, path.data(), path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    // A local socket connects at once or not at all; a full backlog is EAGAIN and is tried again like any
    // failure.
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(fd);
        return;
    }
    const auto on_event = [](evutil_socket_t, short what, void* self) noexcept {
        static_cast<LiveClient*>(self)->on_socket(what);
    };
    readable_ = event_new(base_, fd, EV_READ | EV_PERSIST, on_event, this);
    writable_ = event_new(base_, fd, EV_WRITE, on_event, this);
    fd_ = fd;
    heard_ = false;
    if (readable_ == nullptr || writable_ == nullptr || event_add(readable_, nullptr) != 0)
        disconnect();
}

void LiveClient::disconnect() noexcept {
    for (event** one : {&readable_, &writable_})
        if (*one != nullptr) {
            event_free(*one);
            *one = nullptr;
        }
    if (fd_ >= 0)
        ::close(fd_);
    fd_ = -1;
    out_.clear();
    sent_ = 0;
    in_.clear();
    // The calls are taken out first: whoever hears of one may call again.
    const auto lost = std::exchange(calls_, {});
    for (const auto& [id, pending] : lost)
        pending.waiting->unanswered(pending.call, false);
}

void LiveClient::watch_writing() noexcept {
    if (writable_ != nullptr && sent_ < out_.size())
        event_add(writable_, nullptr);
}

void LiveClient::on_socket(short what) noexcept {
    const bool whole = ((what & EV_WRITE) == 0 || write_some()) && ((what & EV_READ) == 0 || read_some());
    if (!whole)
        disconnect();
    else
        watch_writing();
    set_timer();
}

bool LiveClient::write_some() noexcept {
    while (sent_ < out_.size()) {
        const ssize_t n = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
        if (n < 0) {
            if (!would_block(errno))
                return false;
            out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(std::exchange(sent_, 0)));
            return true;
        }
        sent_ += static_cast<std::size_t>(n);
    }
    out_.clear();
    sent_ = 0;
    return true;
}

bool LiveClient::read_some() noexcept {
    std::array<std::uint8_t, 16 * 1024> chunk;
    const ssize_t n = ::recv(fd_, chunk.data(), chunk.size(), 0);
    if (n < 0)
        return would_block(errno);
    if (n == 0)
        return false;
    heard_ = true;
    // Bounded: after the whole frames are taken, less than one frame is left.
    in_.insert(in_.end(), chunk.begin(), chunk.begin() + n);
    return take_replies();
}

bool LiveClient::take_replies() {
    ByteView rest = in_;
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
    in_.erase(in_.begin(), in_.end() - static_cast<std::ptrdiff_t>(rest.size()));
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

void LiveClient::on_timer() noexcept {
    if (!connected()) {
        connect();
        set_timer();
        return;
    }
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
        disconnect();
    set_timer();
}

void LiveClient::set_timer() noexcept {
    if (!connected()) {
        const timeval pause = to_timeval(limits::live_reconnect_pause);
        if (!event_pending(timer_, EV_TIMEOUT, nullptr))
            event_add(timer_, &pause);
        return;
    }
    if (calls_.empty()) {
        event_del(timer_);
        return;
    }
    const timeval wait = to_timeval(calls_.begin()->second.deadline - clock_.steady());
    event_add(timer_, &wait);
}

}  // namespace eightbells::front
