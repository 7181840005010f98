#ifndef EIGHTBELLS_CACHE_REDIS_SERVERS_H
#define EIGHTBELLS_CACHE_REDIS_SERVERS_H

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/redis_connection.h"
#include "cache/redis_sentinels.h"
#include "cache/redis_slots.h"

// Private to cache/redis_*.cc.
namespace eightbells::cache {

struct RedisCommand {
    std::string_view key;  // says which server of a cluster is asked
    std::vector<std::string_view> words;
};

// Whoever holds a key: one server, the primary that Sentinels name, or a node of a Redis Cluster. Finds them,
// follows a fail-over, MOVED and ASK. The first failure under way ends the connections, as in
// RedisConnection. Not for several threads at a time.
class RedisServers {
  public:
    // `clock` must outlive it.
    RedisServers(RedisAddress address, const Clock& clock);

    const RedisAddress& address() const noexcept { return address_; }
    // A command may have one key only: others may lie on another server.
    bool spread() const noexcept { return !address_.cluster.empty(); }
    // Connects to the server that holds `key` where necessary; an error at once while a pause lasts.
    Status ready(std::string_view key);
    std::uint64_t made() const noexcept { return made_; }  // rises with every connection made

    // The replies in the order of the commands, none of them an error reply. Commands for different servers
    // run at the same time, those for one in their order, unless one is redirected. `silence`: how long a
    // server may say nothing.
    Result<std::vector<RedisReply>> ask(std::span<const RedisCommand> commands,
                                        std::chrono::milliseconds silence);
    Result<RedisReply> ask(RedisCommand command, std::chrono::milliseconds silence);
    // The same question to every server that holds keys; replies may be error replies.
    Result<std::vector<std::pair<RedisPlace, RedisReply>>> ask_each(
        std::initializer_list<std::string_view> words);

    // Ends all connections and makes the error of it.
    tl::unexpected<Error> drop(std::string message);

  private:
    static constexpr std::size_t nobody = ~std::size_t{0};
    // A command on its way.
    struct Sent {
        std::size_t command;
        std::size_t server;
        bool asking;
    };

    Status look();  // who holds what now, where that is to be asked
    Result<std::size_t> server_of(std::string_view key);
    Status connect(std::size_t server);
    Status follow_primary();
    Status check_role();
    Status read_slots();
    Status read_slots_from(std::size_t server);
    Result<std::size_t> server_at_place(const RedisPlace& place);
    Status send(std::span<const RedisCommand> commands, const std::vector<Sent>& sent,
                std::chrono::milliseconds silence);
    Result<std::vector<Sent>> receive(std::span<const RedisCommand> commands, const std::vector<Sent>& sent,
                                      std::vector<RedisReply>& replies, std::size_t& octets);
    Result<Sent> redirected(const RedisCommand& command, const Sent& sent, const Redirection& redirection);

    const RedisAddress address_;
    const Clock& clock_;
    RedisSentinels sentinels_;
    std::vector<std::unique_ptr<RedisConnection>> servers_;
    std::array<std::size_t, slot_count> slots_{};  // in servers_
    bool slots_known_ = false;
    bool slots_stale_ = true;
    bool looked_ = false;  // for the primary or the slots
    std::chrono::steady_clock::time_point last_look_{};
    std::string last_error_;
    std::uint64_t made_ = 0;
};

}  // namespace eightbells::cache

#endif
