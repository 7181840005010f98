#ifndef EIGHTBELLS_RESPONDER_SIGNER_LIVE_BUDGET_H
#define EIGHTBELLS_RESPONDER_SIGNER_LIVE_BUDGET_H

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace eightbells::signer {

// How many live answers an issuer may cost: `a_second` of them, and never more than that at once. One thread.
class LiveBudget {
  public:
    LiveBudget(std::uint32_t a_second, std::chrono::steady_clock::time_point now) noexcept
        : a_second_(a_second), left_(a_second), as_of_(now) {}

    // False: it is used up for now.
    bool take(std::chrono::steady_clock::time_point now) noexcept {
        const double since = std::chrono::duration<double>(now - as_of_).count();
        left_ = std::min(left_ + since * a_second_, a_second_);
        as_of_ = now;
        if (left_ < 1)
            return false;
        --left_;
        return true;
    }

  private:
    double a_second_;
    double left_;
    std::chrono::steady_clock::time_point as_of_;
};

}  // namespace eightbells::signer

#endif
