#ifndef EIGHTBELLS_CACHE_REDIS_STORE_H
#define EIGHTBELLS_CACHE_REDIS_STORE_H

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "cache/store.h"
#include "responder/base/clock.h"

namespace eightbells::cache {

struct RedisAddress {
    std::string host =
        "127.0.0.1";  // a name is resolved by the system, in its time; an address costs nothing
    std::uint16_t port = 6379;
    std::filesystem::path unix_socket;  // instead of host and port where set
    std::string user;                   // ACL user; empty: none
    std::string password;
    bool tls = false;
    std::filesystem::path tls_ca_file;  // empty: the system's trusted CAs. The name is checked, too
    std::chrono::milliseconds connect_timeout{500};
    std::chrono::milliseconds command_timeout{1000};  // silence; limits::redis_call_time bounds a whole reply
    friend bool operator==(const RedisAddress&, const RedisAddress&) = default;
};

// The published bytes in Redis through hiredis: a string key a blob, a stream of notices. Reconnects by
// itself, at most once per limits::redis_reconnect_pause; while it is away every call is an error at once.
// Nothing here is trusted. Ignores SIGPIPE for the process. A publication that fails half way leaves the old
// head above parts that are newer: whoever reads meanwhile keeps what it has, and publishing the same batch
// again, or copying (cache/copy.h), completes it.
class RedisStore final : public Store {
  public:
    // Does not connect yet. `clock` must outlive it; null: the system's.
    explicit RedisStore(RedisAddress address, const Clock* clock = nullptr);
    ~RedisStore() override;

    Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) override;  // one MGET
    Status publish(const Batch& batch) override;  // pipelined in pieces; head and notice last, in one MULTI
    // XREAD BLOCK on a connection of its own. True at once after each (re)connection: what was missed is not
    // known. At most limits::notice_wait.
    Result<bool> wait_notice(std::chrono::milliseconds limit) override;
    std::string name() const override;

    // What an operator must know: maxmemory-policy other than noeviction (C-05). Empty: nothing.
    Result<std::string> check_settings();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::cache

#endif
