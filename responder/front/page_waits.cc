#include "responder/front/page_waits.h"

#include <utility>

#include "responder/front/limits.h"

namespace eightbells::front {

PageWaits::PageWaits(PageReader& reader, Loop& loop, const Clock& clock)
    : reader_(reader),
      clock_(clock),
      inbox_(std::make_shared<PageReader::Inbox>([&loop] { loop.wake(); })),
      late_(loop, limits::page_wait_poll, [this] { give_up_late(); }) {}

PageWaits::~PageWaits() {
    inbox_->close();
}

// Each time: what this worker heard of that page before has been taken.
bool PageWaits::ask(std::shared_ptr<const cache::IssuerSnapshot> snapshot, const cache::PageRef& page) {
    return count_ < limits::page_waiters && reader_.ask(inbox_, std::move(snapshot), page);
}

PageWaits::Waiter PageWaits::waiter(std::unique_ptr<Waiting> waiting) {
    ++count_;
    return {std::move(waiting), clock_.steady() + limits::page_wait};
}

void PageWaits::wait(const cache::Digest& page, std::unique_ptr<Waiting> waiting) {
    waiters_[page].push_back(waiter(std::move(waiting)));
}

void PageWaits::wait_for_state(std::unique_ptr<Waiting> waiting) {
    for_state_.push_back(waiter(std::move(waiting)));
}

// REQUIRES: they are taken out already, since who hears of it may wait again.
void PageWaits::tell(std::vector<Waiter> waiters, PageOutcome outcome) noexcept {
    count_ -= waiters.size();
    for (const Waiter& one : waiters)
        one.waiting->arrived(outcome);
}

void PageWaits::take_arrivals() noexcept {
    for (const PageReader::Inbox::Arrival& arrival : inbox_->take()) {
        auto found = waiters_.extract(arrival.digest);
        if (!found.empty())
            tell(std::move(found.mapped()), arrival.outcome);
    }
}

void PageWaits::state_given() noexcept {
    tell(std::exchange(for_state_, {}), PageOutcome::replaced);
}

// They stand in the order in which they came.
void PageWaits::take_late(std::vector<Waiter>& all, std::chrono::steady_clock::time_point now,
                          std::vector<Waiter>& late) {
    std::size_t count = 0;
    while (count < all.size() && all[count].deadline <= now)
        late.push_back(std::move(all[count++]));
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count));
}

void PageWaits::give_up_late() noexcept {
    const auto now = clock_.steady();
    std::vector<Waiter> late;
    for (auto at = waiters_.begin(); at != waiters_.end();) {
        take_late(at->second, now, late);
        at = at->second.empty() ? waiters_.erase(at) : std::next(at);
    }
    take_late(for_state_, now, late);
    tell(std::move(late), PageOutcome::failed);
}

}  // namespace eightbells::front
