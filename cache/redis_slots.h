#ifndef EIGHTBELLS_CACHE_REDIS_SLOTS_H
#define EIGHTBELLS_CACHE_REDIS_SLOTS_H

#include <hiredis/hiredis.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cache/redis_address.h"
#include "responder/base/result.h"

// What the servers of a Redis Cluster, and Sentinels, say of each other (Redis Cluster Specification, Redis
// Sentinel client guidelines). All of it is hostile until it has gone through here. Private to
// cache/redis_*.cc.
namespace eightbells::cache {

inline constexpr std::uint16_t slot_count = 16384;

// CRC16 (XMODEM) of the key modulo slot_count; of what stands between the first '{' and the '}' after it
// where that is not empty.
std::uint16_t slot_of(std::string_view key) noexcept;

struct Redirection {
    bool asking = false;  // ASK: this once, after ASKING. Else MOVED: from now on
    std::uint16_t slot = 0;
    RedisPlace place;  // host empty: that of the server that said so
    friend bool operator==(const Redirection&, const Redirection&) = default;
};
// "MOVED 3999 127.0.0.1:6381", "ASK 3999 ::1:6381", "MOVED 3999 :6381"; nullopt: it is neither.
std::optional<Redirection> parse_redirection(std::string_view error);

struct SlotRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    RedisPlace primary;  // host empty: that of the server that said so
    friend bool operator==(const SlotRange&, const SlotRange&) = default;
};
// The reply to CLUSTER SLOTS. Ranges do not overlap; they need not cover all slots. At most
// limits::redis_nodes primaries.
Result<std::vector<SlotRange>> parse_slots(const redisReply& reply);

// The reply to SENTINEL get-master-addr-by-name; nullopt in it: the Sentinel knows no such service.
Result<std::optional<RedisPlace>> parse_primary(const redisReply& reply);

}  // namespace eightbells::cache

#endif
