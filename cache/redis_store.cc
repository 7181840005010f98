#include "cache/redis_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "cache/limits.h"
#include "cache/redis_connection.h"
#include "responder/crypto/digest.h"

namespace eightbells::cache {

namespace {

constexpr std::string_view prefix = "eightbells:";
constexpr std::string_view notices = "eightbells:notices";

std::string key_of(std::string_view name) {
    return std::string{prefix}.append(name);
}

bool is_array(const redisReply* reply, std::size_t at_least) noexcept {
    return reply != nullptr && reply->type == REDIS_REPLY_ARRAY && reply->elements >= at_least;
}
bool is_string(const redisReply* reply) noexcept {
    return reply != nullptr && reply->type == REDIS_REPLY_STRING;
}

// Milliseconds and a count, "1795329600000-0": two numbers of 64 bits. It goes into the next question.
bool is_stream_id(std::string_view text) {
    const auto is_number = [](std::string_view part) {
        return !part.empty() && part.size() <= 20 &&
               std::ranges::all_of(part, [](char digit) { return digit >= '0' && digit <= '9'; });
    };
    const std::size_t dash = text.find('-');
    return dash != std::string_view::npos && is_number(text.substr(0, dash)) &&
           is_number(text.substr(dash + 1));
}

// The stream ID of the last of some entries [[id, fields], ...]; empty where the shape is another.
std::string last_id(const redisReply* entries) {
    if (!is_array(entries, 1))
        return {};
    const redisReply* last = entries->element[entries->elements - 1];
    if (!is_array(last, 1) || !is_string(last->element[0]))
        return {};
    const std::string_view id{last->element[0]->str, last->element[0]->len};
    return is_stream_id(id) ? std::string{id} : std::string{};
}

}  // namespace

struct RedisStore::State {
    State(RedisAddress redis, const Clock* given)
        : address(std::move(redis)), clock(given != nullptr ? *given : system_clock) {}

    SystemClock system_clock;
    const RedisAddress address;
    const Clock& clock;
    RedisConnection calls{address, clock};
    RedisConnection waiting{address, clock};  // its own: it stands in XREAD most of the time
    std::uint64_t waiting_generation = 0;     // of the connection that `last_notice` was read on
    std::string last_notice;

    Status put(const std::vector<std::pair<std::string, Bytes>>& blobs);
    Status put_head(const Batch& batch);
    Status erase(const std::vector<std::string>& names);
    Result<bool> read_notices(std::chrono::milliseconds limit);
};

RedisStore::RedisStore(RedisAddress address, const Clock* clock)
    : state_(std::make_unique<State>(std::move(address), clock)) {}
RedisStore::~RedisStore() = default;

std::string RedisStore::name() const {
    return to_string(state_->address);
}

Result<std::vector<std::optional<Bytes>>> RedisStore::fetch(std::span<const std::string> names) {
    if (names.size() > limits::fetch_names) {
        return fail(fmt::format("{}: {} names in one fetch, more than the limit of {}", name(), names.size(),
                                limits::fetch_names));
    }
    std::vector<std::optional<Bytes>> blobs;
    if (names.empty())
        return blobs;
    RedisConnection& redis = state_->calls;
    if (auto ready = redis.ready(); !ready)
        return fail(ready.error().message);
    std::vector<std::string> keys;
    keys.reserve(names.size());
    for (const std::string& wanted : names)
        keys.push_back(key_of(wanted));
    std::vector<std::string_view> words{"MGET"};
    words.insert(words.end(), keys.begin(), keys.end());
    if (auto queued = redis.append(words); !queued)
        return fail(queued.error().message);
    auto reply = redis.reply("MGET");
    if (!reply)
        return fail(reply.error().message);
    if ((*reply)->type != REDIS_REPLY_ARRAY || (*reply)->elements != names.size())
        return redis.drop("MGET: the reply is not a list of as many values as were asked for");
    blobs.reserve(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        const redisReply* value = (*reply)->element[i];
        // A key that holds another type than a string comes as nil, too.
        if (value != nullptr && value->type == REDIS_REPLY_NIL) {
            blobs.emplace_back();
        } else if (is_string(value)) {
            const auto* octets = reinterpret_cast<const std::uint8_t*>(value->str);
            blobs.emplace_back(std::in_place, octets, octets + value->len);
        } else {
            return redis.drop(fmt::format("MGET: the value of {} is not a string", keys[i]));
        }
    }
    return blobs;
}

Status RedisStore::publish(const Batch& batch) {
    if (auto ready = state_->calls.ready(); !ready)
        return ready;
    // In this order: a crash between two steps leaves the old head, or the new one with everything it covers,
    // and at worst some blobs that no head names.
    if (auto put = state_->put(batch.put); !put)
        return put;
    if (!batch.head.empty()) {
        if (auto put = state_->put_head(batch); !put)
            return put;
    }
    return state_->erase(batch.erase);
}

Status RedisStore::State::put(const std::vector<std::pair<std::string, Bytes>>& blobs) {
    std::size_t under_way = 0;
    std::size_t octets = 0;
    for (std::size_t i = 0; i < blobs.size(); ++i) {
        if (auto queued = calls.append({"SET", key_of(blobs[i].first), as_text(blobs[i].second)}); !queued)
            return queued;
        ++under_way;
        octets += blobs[i].second.size();
        const bool last = i + 1 == blobs.size();
        if (!last && octets < limits::redis_piece_octets && under_way < limits::redis_piece_commands)
            continue;
        for (; under_way > 0; --under_way) {
            if (auto stored = calls.expect_status("SET", "OK"); !stored)
                return stored;
        }
        octets = 0;
    }
    return {};
}

Status RedisStore::State::put_head(const Batch& batch) {
    const std::string key = key_of(head_name(batch.issuer));
    const std::string kept = std::to_string(limits::redis_notices);
    // Which head, for the eye: readers look at the head itself.
    const std::string which = to_hex(ByteView{crypto::sha256(batch.head)}.first(8));
    for (const Status& queued :
         {calls.append({"MULTI"}), calls.append({"SET", key, as_text(batch.head)}),
          calls.append({"XADD", notices, "MAXLEN", "~", kept, "*", "issuer", batch.issuer, "head", which}),
          calls.append({"EXEC"})}) {
        if (!queued)
            return queued;
    }
    if (auto begun = calls.expect_status("MULTI", "OK"); !begun)
        return begun;
    if (auto set = calls.expect_status("SET head", "QUEUED"); !set)
        return set;
    if (auto added = calls.expect_status("XADD " + std::string{notices}, "QUEUED"); !added)
        return added;
    auto done = calls.reply("EXEC");
    if (!done)
        return fail(done.error().message);
    if (!is_array(done->get(), 2))
        return calls.drop("EXEC: the reply is not a list of two results");
    for (std::size_t i = 0; i < 2; ++i) {
        const redisReply* result = (*done)->element[i];
        if (result == nullptr || result->type == REDIS_REPLY_ERROR) {
            const std::string_view text = result == nullptr ? "" : std::string_view{result->str, result->len};
            return calls.drop(i == 0
                                  ? fmt::format("SET {}: {}", key, text)
                                  : fmt::format("the head is published, but not its notice: {}: {} (another "
                                                "service's value stands under this key: delete it)",
                                                notices, text));
        }
    }
    return {};
}

Status RedisStore::State::erase(const std::vector<std::string>& names) {
    for (std::size_t begin = 0; begin < names.size(); begin += limits::fetch_names) {
        const std::size_t end = std::min(names.size(), begin + limits::fetch_names);
        std::vector<std::string> keys;
        for (std::size_t i = begin; i < end; ++i)
            keys.push_back(key_of(names[i]));
        std::vector<std::string_view> words{"UNLINK"};
        words.insert(words.end(), keys.begin(), keys.end());
        if (auto queued = calls.append(words); !queued)
            return queued;
        auto erased = calls.reply("UNLINK");
        if (!erased)
            return fail(erased.error().message);
        if ((*erased)->type != REDIS_REPLY_INTEGER)
            return calls.drop("UNLINK: the reply is not a number");
    }
    return {};
}

Result<bool> RedisStore::wait_notice(std::chrono::milliseconds limit) {
    State& state = *state_;
    if (auto ready = state.waiting.ready(); !ready)
        return fail(ready.error().message);
    if (state.waiting_generation == state.waiting.generation() && !state.last_notice.empty())
        return state.read_notices(limit);
    // A new connection: first learn where the stream stands, then say "look". What is published from here on
    // comes after that place, so that nothing falls between.
    if (auto set = state.waiting.set_silence(state.address.command_timeout); !set)
        return fail(set.error().message);
    auto reply = state.waiting.ask({"XREVRANGE", notices, "+", "-", "COUNT", "1"});
    if (!reply)
        return fail(reply.error().message);
    const bool none_yet = (*reply)->type == REDIS_REPLY_ARRAY && (*reply)->elements == 0;
    state.last_notice = none_yet ? "0" : last_id(reply->get());
    if (state.last_notice.empty())
        return state.waiting.drop("XREVRANGE: the reply is not a list of notices");
    state.waiting_generation = state.waiting.generation();
    return true;
}

Result<bool> RedisStore::State::read_notices(std::chrono::milliseconds limit) {
    // 0 would wait for ever.
    const auto wait =
        std::clamp<std::chrono::milliseconds>(limit, std::chrono::milliseconds{1}, limits::notice_wait);
    if (auto set = waiting.set_silence(wait + address.command_timeout); !set)
        return fail(set.error().message);
    auto reply = waiting.ask({"XREAD", "COUNT", std::to_string(limits::redis_notices_read), "BLOCK",
                              std::to_string(wait.count()), "STREAMS", notices, last_notice});
    if (!reply)
        return fail(reply.error().message);
    if ((*reply)->type == REDIS_REPLY_NIL)
        return false;
    // [[stream, entries]]
    const redisReply* streams = reply->get();
    const bool one_stream = is_array(streams, 1) && is_array(streams->element[0], 2);
    std::string id = one_stream ? last_id(streams->element[0]->element[1]) : std::string{};
    if (id.empty())
        return waiting.drop("XREAD: the reply is not a list of notices");
    last_notice = std::move(id);
    return true;
}

Result<std::string> RedisStore::check_settings() {
    RedisConnection& redis = state_->calls;
    if (auto ready = redis.ready(); !ready)
        return fail(ready.error().message);
    // INFO and not CONFIG GET: the latter is often forbidden or renamed.
    auto reply = redis.ask({"INFO", "memory"});
    if (!reply)
        return fail(reply.error().message);
    if (!is_string(reply->get()))
        return redis.drop("INFO: the reply is not a text");
    const std::string_view text{(*reply)->str, (*reply)->len};
    constexpr std::string_view field = "maxmemory_policy:";
    const std::size_t at = text.find(field);
    if (at == std::string_view::npos)
        return fmt::format("{}: maxmemory-policy: unknown; it must be noeviction", name());
    std::string_view policy = text.substr(at + field.size());
    policy = policy.substr(0, policy.find_first_of("\r\n"));
    if (policy != "noeviction") {
        return fmt::format(
            "{}: maxmemory-policy is {}: pages could vanish silently; set `maxmemory-policy noeviction`",
            name(), policy);
    }
    return std::string{};
}

}  // namespace eightbells::cache
