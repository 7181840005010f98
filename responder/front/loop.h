#ifndef EIGHTBELLS_RESPONDER_FRONT_LOOP_H
#define EIGHTBELLS_RESPONDER_FRONT_LOOP_H

#include <event2/event.h>

#include <chrono>
#include <functional>
#include <memory>

#include "responder/base/result.h"

namespace eightbells::front {

// An event loop of one thread that other threads may wake. libevent's own locks stay out of it: the wake-up
// is an eventfd, so that requests take none.
class Loop {
  public:
    // `woken` is called on the loop's thread, once for any number of wake() calls since.
    static Result<std::unique_ptr<Loop>> open(std::function<void()> woken);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    event_base* base() const noexcept { return base_; }
    void run() noexcept;   // until end()
    void end() noexcept;   // on the loop's thread
    void wake() noexcept;  // from any thread

  private:
    explicit Loop(std::function<void()> woken) : woken_(std::move(woken)) {}
    void on_wake() noexcept;

    std::function<void()> woken_;
    event_base* base_ = nullptr;
    event* event_ = nullptr;
    int fd_ = -1;
};

// Calls `due` on the loop's thread every `period`, until destroyed.
class Ticker {
  public:
    Ticker(Loop& loop, std::chrono::milliseconds period, std::function<void()> due);
    ~Ticker();
    Ticker(const Ticker&) = delete;
    Ticker& operator=(const Ticker&) = delete;

  private:
    std::function<void()> due_;
    event* event_ = nullptr;
};

}  // namespace eightbells::front

#endif
