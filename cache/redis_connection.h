#ifndef EIGHTBELLS_CACHE_REDIS_CONNECTION_H
#define EIGHTBELLS_CACHE_REDIS_CONNECTION_H

#include <hiredis/hiredis.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "cache/redis_address.h"
#include "responder/base/clock.h"
#include "responder/base/result.h"

// The seam to hiredis: nothing else sees it. Private to cache/redis_*.cc.
namespace eightbells::cache {

struct ReplyDeleter {
    void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};
using RedisReply = std::unique_ptr<redisReply, ReplyDeleter>;

// Gives a reader bounds for what it builds of hostile octets: limits::redis_reply_depth, and
// limits::redis_reply_elements, of which `elements` counts those of the present reply. It must outlive the
// reader.
void set_bounds(redisReader& reader, std::size_t& elements);

bool is_status(const redisReply& reply, std::string_view text) noexcept;
std::string_view error_text(const redisReply& reply) noexcept;  // empty: it is none

// A connection to one server, host and port or unix_socket of its address, that makes itself, at most once
// per limits::redis_reconnect_pause. The first failure ends it: what would come next on it could be the
// answer to an earlier question. Not for several threads at a time.
class RedisConnection {
  public:
    // `clock` must outlive the connection.
    RedisConnection(RedisAddress address, const Clock& clock);
    ~RedisConnection();
    RedisConnection(const RedisConnection&) = delete;
    RedisConnection& operator=(const RedisConnection&) = delete;

    // Connects where necessary; an error at once while the pause lasts.
    Status ready();
    bool connected() const noexcept { return context_ != nullptr; }
    RedisPlace place() const { return {address_.host, address_.port}; }
    // For the next replies: how long silence may last. It is the address's command_timeout at first.
    Status set_silence(std::chrono::milliseconds limit);

    // Queues a command. Its reply is read by `read`, in order.
    Status append(std::span<const std::string_view> words);
    Status append(std::initializer_list<std::string_view> words) {
        return append(std::span<const std::string_view>(words.begin(), words.size()));
    }
    Status send();  // all that is queued
    // Sends what is queued and reads the next reply, which may be an error reply and leaves the connection as
    // it is. `octets` is what may still be read, and becomes less.
    Result<RedisReply> read(std::string_view command, std::size_t& octets);
    // append and read of one command; an error reply ends the connection.
    Result<RedisReply> ask(std::initializer_list<std::string_view> words);

    // Ends the connection and makes the error of it.
    tl::unexpected<Error> drop(std::string message);
    // The same for an error reply: with what can be done about it.
    tl::unexpected<Error> refused(std::string_view command, const redisReply& error);

  private:
    struct ContextDeleter {
        void operator()(redisContext* context) const noexcept { redisFree(context); }
    };
    Status connect();
    Status start_tls();
    Status authenticate();

    const RedisAddress address_;
    const Clock& clock_;
    std::unique_ptr<redisContext, ContextDeleter> context_;
    bool tried_ = false;
    std::chrono::steady_clock::time_point last_try_{};
    std::string last_error_;
    std::chrono::milliseconds silence_{};
    std::size_t elements_ = 0;  // of all arrays of the present reply
};

}  // namespace eightbells::cache

#endif
