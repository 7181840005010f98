#ifndef EIGHTBELLS_CACHE_UNTIL_STOPPED_H
#define EIGHTBELLS_CACHE_UNTIL_STOPPED_H

#include <atomic>

#include "cache/store.h"

namespace eightbells::cache {

// A store whose calls fail once whoever uses it is to end: what runs over many of them, as a copy of
// everything does, ends with the one that is under way. Borrows both.
class UntilStopped final : public Store {
  public:
    UntilStopped(Store& store, const std::atomic<bool>& stopped) : store_(store), stopped_(stopped) {}
    Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) override {
        return stopped_ ? fail("the signer ends") : store_.fetch(names);
    }
    Status publish(const Batch& batch) override {
        return stopped_ ? Status{fail("the signer ends")} : store_.publish(batch);
    }
    Result<bool> wait_notice(std::chrono::milliseconds limit) override { return store_.wait_notice(limit); }
    std::string name() const override { return store_.name(); }

  private:
    Store& store_;
    const std::atomic<bool>& stopped_;
};

}  // namespace eightbells::cache

#endif
