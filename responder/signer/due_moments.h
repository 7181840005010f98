#ifndef EIGHTBELLS_RESPONDER_SIGNER_DUE_MOMENTS_H
#define EIGHTBELLS_RESPONDER_SIGNER_DUE_MOMENTS_H

#include <cstdint>

#include "responder/base/clock.h"

namespace eightbells::signer {

// When pages fall due. Every page has its own moment in the refresh period, proportional to its index, and
// falls due each time that moment comes round: the load is level by construction (D-19), needs no memory but
// when a page was last signed, and a page is never older than one period. Halves of a split page keep their
// parent's moment or lie half a step behind it.
//
// For all pages at one moment, `now`: without a division for each, since all are looked at in every round, a
// million at a hundred million certificates.
class DueMoments {
  public:
    DueMoments(UtcTime now, seconds period, unsigned page_bits) noexcept;
    // The latest moment, not after `now`, at which the page fell due. Counted from 1970, so that it does not
    // move with restarts.
    UtcTime last(std::uint32_t index) const noexcept {
        // Periods are at most days and page_bits at most 24: the product stays far below 2^63.
        const std::int64_t phase = (period_ * static_cast<std::int64_t>(index)) >> page_bits_;
        return begun_ + seconds{phase <= into_ ? phase : phase - period_};
    }
    bool is_due(UtcTime signed_at, std::uint32_t index) const noexcept { return signed_at < last(index); }

  private:
    std::int64_t period_;
    std::int64_t into_;  // how far the present period is gone
    UtcTime begun_;      // when it began
    unsigned page_bits_;
};

}  // namespace eightbells::signer

#endif
