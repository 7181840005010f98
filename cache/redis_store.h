#ifndef EIGHTBELLS_CACHE_REDIS_STORE_H
#define EIGHTBELLS_CACHE_REDIS_STORE_H

#include <chrono>
#include <memory>
#include <string>

#include "cache/redis_address.h"
#include "cache/store.h"
#include "responder/base/clock.h"

namespace eightbells::cache {

// The published bytes in Redis through hiredis: a string key a blob, a stream of notices. Reconnects by
// itself, at most once per limits::redis_reconnect_pause; while it is away every call is an error at once.
// Nothing here is trusted. Ignores SIGPIPE for the process. A publication that fails half way leaves the old
// head above parts that are newer: whoever reads meanwhile keeps what it has, and publishing the same batch
// again, or copying (cache/copy.h), completes it. Behind Sentinel it is at the primary, and what a fail-over
// lost shows as another head than the one that was left there; in a Redis Cluster each key is where its slot
// is, and what a node lost shows only when all is read back (may_have_lost).
class RedisStore final : public Store {
  public:
    // Does not connect yet. `clock` must outlive it; null: the system's.
    explicit RedisStore(RedisAddress address, const Clock* clock = nullptr);
    ~RedisStore() override;

    Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) override;
    // Pipelined in pieces, to all servers of a cluster at once; the head when all pieces are confirmed, then
    // the notice.
    Status publish(const Batch& batch) override;
    // XREAD BLOCK on a connection of its own. True at once after each (re)connection: what was missed is not
    // known. At most limits::notice_wait.
    Result<bool> wait_notice(std::chrono::milliseconds limit) override;
    std::string name() const override;

    // Of every server that holds keys: maxmemory-policy other than noeviction, little left of maxmemory, or
    // why that cannot be told.
    Result<std::vector<StoreFinding>> check_settings() override;
    std::uint64_t may_have_lost() const override;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::cache

#endif
