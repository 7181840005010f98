#include "responder/front/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "responder/tls/loop.h"

namespace eightbells::front {

Result<std::unique_ptr<Loop>> Loop::open(std::function<void()> woken) {
    std::unique_ptr<Loop> loop(new Loop(std::move(woken)));
    const std::unique_ptr<event_config, decltype(&event_config_free)> config(event_config_new(),
                                                                             &event_config_free);
    if (config == nullptr || event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK) != 0)
        return fail("event loop: out of memory");
    loop->base_ = event_base_new_with_config(config.get());
    if (loop->base_ == nullptr)
        return fail("event loop: cannot be made");
    loop->fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->fd_ < 0)
        return fail("event loop: eventfd: " + std::generic_category().message(errno));
    loop->event_ = event_new(
        loop->base_, loop->fd_, EV_READ | EV_PERSIST,
        [](evutil_socket_t, short, void* self) noexcept { static_cast<Loop*>(self)->on_wake(); }, loop.get());
    if (loop->event_ == nullptr || event_add(loop->event_, nullptr) != 0)
        return fail("event loop: the wake-up cannot be watched");
    return loop;
}

Loop::~Loop() {
    if (event_ != nullptr)
        event_free(event_);
    if (base_ != nullptr)
        tls::free_loop(base_);
    if (fd_ >= 0)
        ::close(fd_);
}

void Loop::run() noexcept {
    event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY);
}

void Loop::end() noexcept {
    event_base_loopbreak(base_);
}

// The count can only overflow after 2^64 wake-ups that nobody took.
void Loop::wake() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof one);
}

void Loop::on_wake() noexcept {
    std::uint64_t count = 0;
    if (::read(fd_, &count, sizeof count) == sizeof count)
        woken_();
}

Ticker::Ticker(Loop& loop, std::chrono::milliseconds period, std::function<void()> due)
    : due_(std::move(due)) {
    event_ = event_new(
        loop.base(), -1, EV_PERSIST,
        [](evutil_socket_t, short, void* self) noexcept { static_cast<Ticker*>(self)->due_(); }, this);
    const timeval every{static_cast<time_t>(period.count() / 1000),
                        static_cast<suseconds_t>(period.count() % 1000 * 1000)};
    if (event_ != nullptr)
        event_add(event_, &every);
}

Ticker::~Ticker() {
    if (event_ != nullptr)
        event_free(event_);
}

}  // namespace eightbells::front
