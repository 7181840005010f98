#include "cache/shared_word.h"

#include <charconv>

#include "cache/limits.h"
#include "cache/redis_servers.h"

namespace eightbells::cache {

namespace {
constexpr std::string_view script =
    "local w=redis.call('GET',KEYS[1]) or '' "
    "if w==ARGV[1] and ARGV[1]~=ARGV[2] then redis.call('SET',KEYS[1],ARGV[2]) return ARGV[2] end "
    "return w";
}

struct RedisWord::State {
    State(const RedisAddress& address, std::string name, const Clock& clock)
        : key("eightbells:" + std::move(name)), servers(address, clock) {}
    const std::string key;
    RedisServers servers;
};

RedisWord::RedisWord(const RedisAddress& address, std::string name, const Clock& clock)
    : state_(std::make_unique<State>(address, std::move(name), clock)) {}
RedisWord::~RedisWord() = default;

Result<std::string> RedisWord::exchange(const std::string& expected, const std::string& next) {
    RedisServers& redis = state_->servers;
    const auto reply = redis.ask({state_->key, {"EVAL", script, "1", state_->key, expected, next}},
                                 redis.address().command_timeout);
    if (!reply)
        return tl::unexpected(reply.error());
    const redisReply& word = **reply;
    if (word.type != REDIS_REPLY_STRING || word.len > limits::shared_word_octets)
        return redis.drop(state_->key + ": not a short text");
    return std::string{word.str, word.len};
}

Result<bool> RedisWord::replicated(std::chrono::milliseconds at_most) {
    RedisServers& redis = state_->servers;
    const auto patience = redis.address().command_timeout;
    const auto told = redis.ask({state_->key, {"INFO", "replication"}}, patience);
    if (!told)
        return tl::unexpected(told.error());
    constexpr std::string_view field = "\nconnected_slaves:";
    const std::string_view text{(*told)->str == nullptr ? "" : (*told)->str, (*told)->len};
    const auto at = text.find(field);
    unsigned replicas = 0;
    if (at == std::string_view::npos ||
        std::from_chars(text.data() + at + field.size(), text.data() + text.size(), replicas).ec !=
            std::errc{})
        return redis.drop("INFO replication: connected_slaves is missing");
    if (replicas == 0)
        return true;
    const auto have =
        redis.ask({state_->key, {"WAIT", std::to_string(replicas), std::to_string(at_most.count())}},
                  at_most + patience);
    if (!have)
        return tl::unexpected(have.error());
    if ((*have)->type != REDIS_REPLY_INTEGER)
        return redis.drop("WAIT: not a number");
    return (*have)->integer >= replicas;
}

}  // namespace eightbells::cache
