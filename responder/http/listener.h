#ifndef EIGHTBELLS_RESPONDER_HTTP_LISTENER_H
#define EIGHTBELLS_RESPONDER_HTTP_LISTENER_H

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "responder/base/clock.h"
#include "responder/base/network.h"
#include "responder/base/result.h"
#include "responder/base/socket_address.h"
#include "responder/http/exchange.h"

struct event_base;

namespace eightbells::http {

// A bound and listening socket. The caller owns it; Listener::adopt takes it over.
Result<int> open_listening_socket(const HostPort& address);

// Bounds that an operator may set; defaults fit OCSP. Those that nobody needs to set are in limits.h.
struct ConnectionLimits {
    std::size_t body_octets = 16 * 1024;    // 413 above
    std::size_t target_octets = 24 * 1024;  // 414 above (A-24: at least 8000 are accepted)
    std::size_t header_octets = 16 * 1024;  // 431 above
    std::uint32_t connections = 20'000;     // accepted and closed at once above
    // Of one IPv4 address or IPv6 /64, closed at once above; 0: as many as it likes. A thousand clients a
    // minute behind one address, each of which leaves its connection to the idle time-out, find room (E-29).
    std::uint32_t connections_per_address = 1000;
    std::chrono::milliseconds idle{60'000};    // between requests
    std::chrono::milliseconds header{10'000};  // from the first octet of a request to its end
    std::chrono::milliseconds write{20'000};   // without any progress
    // Not counted by address: proxies that speak for many clients and do not say for whom. An address in both
    // lists sends the header.
    std::vector<Network> trusted_proxies;
    // Not counted either; each connection begins with a PROXY protocol header (version 2), and counts for the
    // address in it. One that does not is closed: whether a header comes is never guessed. Nobody else's
    // header is believed: it is a malformed request.
    std::vector<Network> proxy_protocol_from;
};
// Refuses what would not work: zero, or more memory for one request than a worker may hold in all.
Status check(const ConnectionLimits& limits);

struct WireCounters;  // counters.h: written by the worker's thread alone, read by any

// One worker's public listener: accepts on its own socket (SO_REUSEPORT) and runs the connections on one
// libevent loop. Everything is used on the loop's thread only, but for counters(). A loop made with
// EVENT_BASE_FLAG_NOLOCK spares a lock an event.
class Listener {
  public:
    // `base`, `handler` and `clock` are not owned and must outlive the listener.
    static Result<std::unique_ptr<Listener>> open(event_base* base, const HostPort& address,
                                                  const ConnectionLimits& limits, Handler& handler,
                                                  const Clock& clock);
    // The same on a listening socket that somebody else has opened (socket activation). Takes ownership.
    static Result<std::unique_ptr<Listener>> adopt(event_base* base, int listening_fd,
                                                   const ConnectionLimits& limits, Handler& handler,
                                                   const Clock& clock);
    ~Listener();  // closes every connection at once
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    HostPort address() const;  // as bound_address
    // Serves a connected stream socket as if it had been accepted. Takes ownership.
    void serve(int connected_fd) noexcept;
    // The listening socket is closed, and every answer from now on is its connection's last ("Connection:
    // close"). A connection that waits for its next request gets limits::http_last_request for it, so that
    // none is closed under a request that is on its way.
    void stop_accepting() noexcept;
    // Reads the clock for Date and time-outs. The loop does so by itself every limits::http_tick; tests that
    // own the clock need not wait for it.
    void tick() noexcept;
    std::size_t connections() const noexcept;
    const WireCounters& counters() const noexcept;

  private:
    struct State;
    explicit Listener(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::http

#endif
