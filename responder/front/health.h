#ifndef EIGHTBELLS_RESPONDER_FRONT_HEALTH_H
#define EIGHTBELLS_RESPONDER_FRONT_HEALTH_H

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "responder/metrics/private_listener.h"

namespace eightbells::front {

// Whether this front belongs in the pool (G-24), told to the private listener. Written by the loader, read by
// any thread.
//
// Ready: every configured issuer was held at least once since the start, out of the own page file or out of
// the store, and none has been lagging for longer than limits::ready_lag. Lagging is this front's own fault,
// and another front may do better, which is why it leaves the pool: the store shows a newer head that
// verifies and what it covers is there, but it has not been taken over (a slow or full disk, too little
// time). What would take out every front at once is no reason to leave, since then nobody would answer:
//   the store away, empty or full of garbage: what is held goes on being served, with an alarm;
//   a head that stops advancing, answers that expire, of one issuer or of all: alarms, and tryLater for what
//   is past.
class Health {
  public:
    explicit Health(std::vector<std::string> issuers);

    void set_loaded(std::size_t issuer);
    // The program ends: never ready again, so that a load balancer looks elsewhere while the last answers go
    // out.
    void set_leaving();
    // `lagging` since now unless it was already.
    void set_lagging(std::size_t issuer, bool lagging, std::chrono::steady_clock::time_point now);

    metrics::Readiness readiness(std::chrono::steady_clock::time_point now) const;

  private:
    struct Issuer {
        std::string name;
        bool loaded = false;
        bool lagging = false;
        std::chrono::steady_clock::time_point since{};
    };
    mutable std::mutex mutex_;
    std::vector<Issuer> issuers_;
    bool leaving_ = false;
};

}  // namespace eightbells::front

#endif
