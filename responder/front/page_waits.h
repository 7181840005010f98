#ifndef EIGHTBELLS_RESPONDER_FRONT_PAGE_WAITS_H
#define EIGHTBELLS_RESPONDER_FRONT_PAGE_WAITS_H

#include <chrono>
#include <map>
#include <memory>
#include <vector>

#include "responder/base/clock.h"
#include "responder/front/loop.h"
#include "responder/front/page_reader.h"

namespace eightbells::front {

// The requests of one worker that wait for pages which are being read: bounded in number
// (limits::page_waiters) and in time (limits::page_wait). Everything happens on the loop's thread.
class PageWaits {
  public:
    // What waits. Called once, from the loop and never from within ask() or wait(), unless this is destroyed
    // first.
    class Waiting {
      public:
        virtual ~Waiting() = default;
        // failed: also where it took too long.
        virtual void arrived(PageOutcome outcome) noexcept = 0;
    };

    // Neither is owned; both outlive this.
    PageWaits(PageReader& reader, Loop& loop, const Clock& clock);
    ~PageWaits();
    PageWaits(const PageWaits&) = delete;
    PageWaits& operator=(const PageWaits&) = delete;

    // Has the page read. False: too many wait already.
    bool ask(std::shared_ptr<const cache::IssuerSnapshot> snapshot, const cache::PageRef& page);
    // REQUIRES: ask() was just now true for that page.
    void wait(const cache::Digest& page, std::unique_ptr<Waiting> waiting);
    // For the next state: the page that was asked for has been replaced.
    void wait_for_state(std::unique_ptr<Waiting> waiting);
    // The next state is here.
    void state_given() noexcept;
    // When the loop was woken.
    void take_arrivals() noexcept;

  private:
    struct Waiter {
        std::unique_ptr<Waiting> waiting;
        std::chrono::steady_clock::time_point deadline;
    };
    Waiter waiter(std::unique_ptr<Waiting> waiting);
    static void take_late(std::vector<Waiter>& all, std::chrono::steady_clock::time_point now,
                          std::vector<Waiter>& late);
    void tell(std::vector<Waiter> waiters, PageOutcome outcome) noexcept;
    void give_up_late() noexcept;

    PageReader& reader_;
    const Clock& clock_;
    std::shared_ptr<PageReader::Inbox> inbox_;
    std::map<cache::Digest, std::vector<Waiter>> waiters_;
    std::vector<Waiter> for_state_;
    std::size_t count_ = 0;
    Ticker late_;
};

}  // namespace eightbells::front

#endif
