#ifndef EIGHTBELLS_CACHE_REDIS_STORE_H
#define EIGHTBELLS_CACHE_REDIS_STORE_H

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "cache/store.h"

namespace eightbells::cache {

struct RedisAddress {
    std::string host = "127.0.0.1";
    std::uint16_t port = 6379;
    std::filesystem::path unix_socket;  // instead of host and port where set
    std::string user;                   // ACL user; empty: none
    std::string password;
    bool tls = false;
    std::filesystem::path tls_ca_file;
    std::chrono::milliseconds connect_timeout{500};
    std::chrono::milliseconds command_timeout{1000};
};

// The published bytes in Redis through hiredis: a string key a blob, a stream of notices. Reconnects by
// itself, at most once per limits::redis_reconnect_pause; while it is away every call is an error at once.
// Nothing here is trusted.
class RedisStore final : public Store {
  public:
    explicit RedisStore(RedisAddress address);  // does not connect yet
    ~RedisStore() override;

    Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) override;  // one MGET
    Status publish(const Batch& batch) override;  // pipelined in pieces; head and notice last, in one MULTI
    Result<bool> wait_notice(std::chrono::milliseconds limit) override;  // XREAD BLOCK
    std::string name() const override;

    // What an operator must know: maxmemory-policy other than noeviction (C-05). Empty: nothing.
    Result<std::string> check_settings();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::cache

#endif
