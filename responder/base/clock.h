#ifndef EIGHTBELLS_RESPONDER_BASE_CLOCK_H
#define EIGHTBELLS_RESPONDER_BASE_CLOCK_H

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "responder/base/result.h"

namespace eightbells {

// All times of the protocol are whole seconds of UTC (RFC 9919, section 3.2.4).
using UtcTime = std::chrono::sys_seconds;
using std::chrono::seconds;

// 9999-12-31 23:59:59Z: "never again" (EN 319 411-2 CSS-6.3.10-11, RFC 5280 section 4.1.2.5).
inline constexpr UtcTime year_9999{seconds{253402300799}};

inline constexpr UtcTime from_unix(std::int64_t s) noexcept {
    return UtcTime{seconds{s}};
}
inline constexpr std::int64_t to_unix(UtcTime t) noexcept {
    return t.time_since_epoch().count();
}

// "2026-11-22T06:40:00Z"
std::string to_iso8601(UtcTime t);
// Exactly that form, valid calendar dates only.
Result<UtcTime> from_iso8601(std::string_view text);

// The source of time, passed in so that tests own it. Implementations are safe to call from any thread.
class Clock {
  public:
    virtual ~Clock() = default;
    virtual UtcTime now() const noexcept = 0;  // wall clock, may be stepped
    virtual std::chrono::steady_clock::time_point steady()
        const noexcept = 0;  // never steps: for waits and durations
};

class SystemClock final : public Clock {
  public:
    UtcTime now() const noexcept override;
    std::chrono::steady_clock::time_point steady() const noexcept override;
};

// For tests: stands still until told. `advance` moves both clocks, `step` only the wall clock (an operator's
// mistake).
class ManualClock final : public Clock {
  public:
    explicit ManualClock(UtcTime start) : now_(start) {}
    UtcTime now() const noexcept override { return now_; }
    std::chrono::steady_clock::time_point steady() const noexcept override { return steady_; }
    void advance(seconds by) {
        now_ += by;
        steady_ += by;
    }
    void step(seconds by) { now_ += by; }

  private:
    UtcTime now_;
    std::chrono::steady_clock::time_point steady_{};
};

}  // namespace eightbells

#endif
