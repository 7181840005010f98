#ifndef EIGHTBELLS_CACHE_REDIS_CONNECTION_H
#define EIGHTBELLS_CACHE_REDIS_CONNECTION_H

#include <hiredis/hiredis.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "cache/redis_store.h"
#include "responder/base/clock.h"

// The seam to hiredis: nothing else sees it. Private to cache/redis_*.cc.
namespace eightbells::cache {

struct ReplyDeleter {
    void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};
using RedisReply = std::unique_ptr<redisReply, ReplyDeleter>;

std::string to_string(const RedisAddress& address);  // "redis 127.0.0.1:6379", never with the password

// A connection that makes itself, at most once per limits::redis_reconnect_pause. The first failure of any
// kind ends it: what would come next on it could be the answer to an earlier question. Not for several
// threads at a time.
class RedisConnection {
  public:
    // Both must outlive the connection.
    RedisConnection(const RedisAddress& address, const Clock& clock);
    ~RedisConnection();

    // Connects where necessary; an error at once while the pause lasts.
    Status ready();
    std::uint64_t generation() const noexcept { return generation_; }  // rises with every connection made
    // For the next replies: how long silence may last.
    Status set_silence(std::chrono::milliseconds limit);

    // Queues a command. Its reply is read by `reply`, in order.
    Status append(std::span<const std::string_view> words);
    Status append(std::initializer_list<std::string_view> words) {
        return append(std::span<const std::string_view>(words.begin(), words.size()));
    }
    // Sends what is queued and reads the next reply. An error reply is an Error that says what to do about
    // it.
    Result<RedisReply> reply(std::string_view command);
    Result<RedisReply> ask(std::initializer_list<std::string_view> words);  // append and reply
    // The reply must be the status OK (or QUEUED).
    Status expect_status(std::string_view command, std::string_view text);

    // Ends the connection and makes the error of it.
    tl::unexpected<Error> drop(std::string message);

  private:
    struct ContextDeleter {
        void operator()(redisContext* context) const noexcept { redisFree(context); }
    };
    Status connect();
    Status start_tls();
    Status authenticate();
    Status send();

    const RedisAddress& address_;
    const Clock& clock_;
    std::unique_ptr<redisContext, ContextDeleter> context_;
    bool tried_ = false;
    std::chrono::steady_clock::time_point last_try_{};
    std::string last_error_;
    std::uint64_t generation_ = 0;
    std::size_t elements_ = 0;  // of all arrays of the present reply
};

}  // namespace eightbells::cache

#endif
