#ifndef EIGHTBELLS_RESPONDER_SIGNER_FENCED_STORE_H
#define EIGHTBELLS_RESPONDER_SIGNER_FENCED_STORE_H

#include <memory>
#include <vector>

#include "cache/store.h"
#include "responder/pair/lease.h"
#include "responder/pair/limits.h"

namespace eightbells::signer {

// The shared store, for as long as this signer surely holds the lease and its epoch stands there: one that
// was deposed while it was frozen or cut off publishes nothing. A call that is under way at that moment may
// still be done; its head has the lower epoch, fronts ignore it, and the one that leads puts its own there
// again within a second.
class FencedStore final : public cache::Store {
  public:
    // `lease` must outlive it.
    FencedStore(std::unique_ptr<cache::Store> store, std::vector<cache::StorePublicKey> trusted,
                pair::Lease& lease)
        : store_(std::move(store)), trusted_(std::move(trusted)), lease_(lease) {}
    Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) override {
        return store_->fetch(names);
    }
    Status publish(const cache::Batch& batch) override {
        std::uint64_t epoch = 0;  // of what has no head
        if (!batch.head.empty()) {
            const auto head = cache::parse_head(batch.head, trusted_);
            if (!head)
                return tl::unexpected<Error>(head.error());
            epoch = head->version.epoch;
        }
        if (!lease_.publishes_under(epoch, limits::lease_epoch))
            return fail("this signer does not hold the lease: another may lead");
        return store_->publish(batch);
    }
    Result<bool> wait_notice(std::chrono::milliseconds limit) override { return store_->wait_notice(limit); }
    Result<std::vector<cache::StoreFinding>> check_settings() override { return store_->check_settings(); }
    std::uint64_t may_have_lost() const override { return store_->may_have_lost(); }
    std::string name() const override { return store_->name(); }

  private:
    const std::unique_ptr<cache::Store> store_;
    const std::vector<cache::StorePublicKey> trusted_;
    pair::Lease& lease_;
};

}  // namespace eightbells::signer

#endif
