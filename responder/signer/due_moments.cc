#include "responder/signer/due_moments.h"

#include <algorithm>

namespace eightbells::signer {

DueMoments::DueMoments(UtcTime now, seconds period, unsigned page_bits) noexcept
    : period_(std::max<std::int64_t>(period.count(), 1)),
      into_(to_unix(now) % period_),
      page_bits_(page_bits) {
    if (into_ < 0)
        into_ += period_;
    begun_ = now - seconds{into_};
}

}  // namespace eightbells::signer
