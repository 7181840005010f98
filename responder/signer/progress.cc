#include "responder/signer/progress.h"

#include <cmath>

#include "responder/signer/limits.h"

namespace eightbells::signer {

void Progress::note(std::uint64_t done, std::uint64_t due, Moment now) {
    due_ = due;
    if (looks_.empty() || now - looks_.back().at >= limits::progress_step)
        looks_.push_back({now, done});
    // The oldest stands just beyond the window, so that all of that is covered.
    while (looks_.size() > 1 && now - looks_[1].at >= limits::progress_window)
        looks_.pop_front();
    const std::chrono::duration<double> since = now - looks_.front().at;
    rate_ =
        since >= limits::progress_step ? static_cast<double>(done - looks_.front().done) / since.count() : 0;
}

std::optional<seconds> Progress::left() const noexcept {
    if (due_ == 0)
        return seconds{0};
    if (rate_ <= 0)
        return std::nullopt;
    return seconds{static_cast<seconds::rep>(std::ceil(static_cast<double>(due_) / rate_))};
}

}  // namespace eightbells::signer
