#ifndef EIGHTBELLS_RESPONDER_SIGNER_PROGRESS_H
#define EIGHTBELLS_RESPONDER_SIGNER_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "responder/base/clock.h"

namespace eightbells::signer {

// How fast one issuer's pages are signed, over the last limits::progress_window, and how long what is due
// takes at that rate. One thread.
class Progress {
  public:
    using Moment = std::chrono::steady_clock::time_point;

    // `done`: pages signed since the start.
    void note(std::uint64_t done, std::uint64_t due, Moment now);
    double rate() const noexcept { return rate_; }  // pages a second
    // Nought: nothing is due. nullopt: something is, and nothing is signed.
    std::optional<seconds> left() const noexcept;

  private:
    struct Look {
        Moment at;
        std::uint64_t done;
    };
    std::deque<Look> looks_;  // limits::progress_step apart, so at most a few dozen
    std::uint64_t due_ = 0;
    double rate_ = 0;
};

}  // namespace eightbells::signer

#endif
