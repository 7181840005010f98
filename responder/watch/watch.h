#ifndef EIGHTBELLS_RESPONDER_WATCH_WATCH_H
#define EIGHTBELLS_RESPONDER_WATCH_WATCH_H

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "responder/base/clock.h"
#include "responder/base/result.h"
#include "responder/config/config.h"
#include "responder/watch/judge.h"

struct event_base;

namespace eightbells::watch {

// The watch as a program: rounds of probes on a thread of its own, and the private listener with /metrics,
// /live, /ready, /status and /public (pages for operators and for relying parties, their data at the same
// address with ".json"), /anchors (the ledger's signed heads, for other watches) on the caller's loop.
class Watch {
  public:
    // `random` gives numbers from 0 up to 1, for the jitter of the rounds; called on the watch's thread.
    // `base` and `clock` must outlive it. An error names the issuer and field, or what is wrong with the
    // ledger: a damaged one is refused.
    static Result<std::unique_ptr<Watch>> start(const config::Config& config, event_base* base,
                                                const Clock& clock, std::function<double()> random,
                                                std::string_view version);
    // Ends the round under way early, enters the end into the ledger and signs its head.
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    const std::string& address() const noexcept;  // of the private listener, with the real port

  private:
    struct State;
    explicit Watch(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// The issuers that are watched, with their certificates and canaries read: what check-config also tries.
Result<std::vector<WatchedIssuer>> load_watched(const config::Config& config);

}  // namespace eightbells::watch

#endif
