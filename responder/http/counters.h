#ifndef EIGHTBELLS_RESPONDER_HTTP_COUNTERS_H
#define EIGHTBELLS_RESPONDER_HTTP_COUNTERS_H

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "responder/http/exchange.h"
#include "responder/http/fault.h"

namespace eightbells::http {

// Written by one thread, read by others: a plain load and store, no locked instruction.
class Counter {
  public:
    void add(std::uint64_t n = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    void subtract(std::uint64_t n = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
    }
    std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

// Which wait ran out.
enum class Wait : std::uint8_t {
    idle,     // between requests: closed without a word
    request,  // from a request's first octet to its end: 408
    write,    // the client took nothing of an answer: reset
    answer,   // a Deferred that never came: 503
    drain,    // after the last answer, for the client to finish: closed
    last,     // when the listener has stopped, for one request more: closed, a clean end first
    count_
};
inline constexpr std::size_t wait_count = static_cast<std::size_t>(Wait::count_);
std::string_view to_string(Wait wait) noexcept;

// The status codes that this listener and its handler send; a code not listed counts as the last row, 0.
inline constexpr std::array<std::uint16_t, 20> counted_statuses{
    100, 200, 206, 304, 400, 403, 404, 405, 408, 413, 414, 415, 416, 417, 431, 500, 501, 503, 505, 0};
std::size_t status_row(std::uint16_t status) noexcept;

// What happened on one worker's wire. Numbers only: no address, no path.
struct WireCounters {
    Counter accepted;
    Counter open;                     // a gauge
    Counter refused;                  // accepted and closed at once: limits.connections
    Counter refused_by_address;       // the same: limits.connections_per_address; 503 behind a proxy
    Counter accept_failures;          // no file descriptor or memory left
    std::array<Counter, 3> requests;  // by Method; what the handler was asked
    std::array<Counter, counted_statuses.size()> responses;  // by status_row; 100 among them
    std::array<Counter, fault_count> faults;                 // by Fault
    std::array<Counter, wait_count> timeouts;                // by Wait
    Counter octets_in;
    Counter octets_out;
    Counter lost;       // connections that ended before their answer was sent
    Counter files_cut;  // a file was shorter than promised: the connection was reset
    // System calls of the request path, so that a test can hold us to "one read, one write".
    Counter reads;
    Counter writes;
    Counter interest_changes;  // of what the loop waits for: epoll_ctl
    Counter buffer_octets;     // a gauge: held for unfinished requests and unsent answers
};

}  // namespace eightbells::http

#endif
