#include "cache/redis_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "cache/limits.h"
#include "cache/redis_servers.h"
#include "cache/redis_settings.h"
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
    State(const RedisAddress& address, const Clock* given)
        : clock(given != nullptr ? *given : system_clock), calls(address, clock), waiting(address, clock) {}

    SystemClock system_clock;
    const Clock& clock;
    RedisServers calls;
    RedisServers waiting;            // its own: it stands in XREAD most of the time
    std::uint64_t waiting_made = 0;  // connections, when `last_notice` was read
    std::string last_notice;         // empty: to be read anew

    std::chrono::milliseconds silence() const { return calls.address().command_timeout; }
    Status put(const std::vector<std::pair<std::string, Bytes>>& blobs);
    Status put_head(const Batch& batch);
    Status erase(const std::vector<std::string>& names);
    Result<bool> read_notices(std::chrono::milliseconds limit);
};

namespace {

// One command for all keys, or in a cluster one each.
std::vector<RedisCommand> commands_for(std::string_view verb, const std::vector<std::string>& keys,
                                       bool spread) {
    std::vector<RedisCommand> commands;
    for (const std::string& key : keys) {
        if (spread || commands.empty())
            commands.push_back({key, {verb}});
        commands.back().words.push_back(key);
    }
    return commands;
}

}  // namespace

RedisStore::RedisStore(RedisAddress address, const Clock* clock)
    : state_(std::make_unique<State>(address, clock)) {}
RedisStore::~RedisStore() = default;

std::string RedisStore::name() const {
    return to_string(state_->calls.address());
}

Result<std::vector<std::optional<Bytes>>> RedisStore::fetch(std::span<const std::string> names) {
    if (names.size() > limits::fetch_names) {
        return fail(fmt::format("{}: {} names in one fetch, more than the limit of {}", name(), names.size(),
                                limits::fetch_names));
    }
    std::vector<std::optional<Bytes>> blobs;
    if (names.empty())
        return blobs;
    RedisServers& redis = state_->calls;
    std::vector<std::string> keys;
    keys.reserve(names.size());
    for (const std::string& wanted : names)
        keys.push_back(key_of(wanted));
    const auto commands = commands_for("MGET", keys, redis.spread());
    const auto replies = redis.ask(commands, state_->silence());
    if (!replies)
        return tl::unexpected(replies.error());
    blobs.reserve(names.size());
    for (std::size_t i = 0; i < commands.size(); ++i) {
        const redisReply& values = *replies->at(i);
        if (values.type != REDIS_REPLY_ARRAY || values.elements != commands[i].words.size() - 1)
            return redis.drop("MGET: the reply is not a list of as many values as were asked for");
        for (std::size_t j = 0; j < values.elements; ++j) {
            const redisReply* value = values.element[j];
            // A key that holds another type than a string comes as nil, too.
            if (value != nullptr && value->type == REDIS_REPLY_NIL) {
                blobs.emplace_back();
            } else if (is_string(value)) {
                const auto* octets = reinterpret_cast<const std::uint8_t*>(value->str);
                blobs.emplace_back(std::in_place, octets, octets + value->len);
            } else {
                return redis.drop(fmt::format("MGET: the value of {} is not a string", keys[blobs.size()]));
            }
        }
    }
    return blobs;
}

Status RedisStore::publish(const Batch& batch) {
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
    std::vector<std::string> keys;
    std::vector<RedisCommand> piece;
    for (std::size_t begin = 0; begin < blobs.size(); begin += keys.size()) {
        keys.clear();
        std::size_t octets = 0;
        for (std::size_t i = begin; i < blobs.size() && octets < limits::redis_piece_octets &&
                                    keys.size() < limits::redis_piece_commands;
             ++i) {
            keys.push_back(key_of(blobs[i].first));
            octets += blobs[i].second.size();
        }
        piece.clear();
        for (std::size_t i = 0; i < keys.size(); ++i)
            piece.push_back({keys[i], {"SET", keys[i], as_text(blobs[begin + i].second)}});
        const auto stored = calls.ask(piece, silence());
        if (!stored)
            return tl::unexpected(stored.error());
        if (!std::ranges::all_of(*stored, [](const auto& reply) { return is_status(*reply, "OK"); }))
            return calls.drop("SET: the reply is not OK");
    }
    return {};
}

Status RedisStore::State::put_head(const Batch& batch) {
    const std::string key = key_of(head_name(batch.issuer));
    const auto stored = calls.ask({key, {"SET", key, as_text(batch.head)}}, silence());
    if (!stored)
        return tl::unexpected(stored.error());
    if (!is_status(**stored, "OK"))
        return calls.drop("SET head: the reply is not OK");
    const std::string kept = std::to_string(limits::redis_notices);
    // Which head, for the eye: readers look at the head itself.
    const std::string which = to_hex(ByteView{crypto::sha256(batch.head)}.first(8));
    const auto noticed = calls.ask(
        {notices, {"XADD", notices, "MAXLEN", "~", kept, "*", "issuer", batch.issuer, "head", which}},
        silence());
    if (!noticed)
        return fail(fmt::format("the head is published, but not its notice in {}", notices), noticed.error());
    if (!is_string(noticed->get()))
        return calls.drop("XADD: the reply is not the name of an entry");
    return {};
}

Status RedisStore::State::erase(const std::vector<std::string>& names) {
    for (std::size_t begin = 0; begin < names.size(); begin += limits::fetch_names) {
        const std::size_t end = std::min(names.size(), begin + limits::fetch_names);
        std::vector<std::string> keys;
        for (std::size_t i = begin; i < end; ++i)
            keys.push_back(key_of(names[i]));
        const auto erased = calls.ask(commands_for("UNLINK", keys, calls.spread()), silence());
        if (!erased)
            return tl::unexpected(erased.error());
        if (!std::ranges::all_of(*erased,
                                 [](const auto& reply) { return reply->type == REDIS_REPLY_INTEGER; }))
            return calls.drop("UNLINK: the reply is not a number");
    }
    return {};
}

Result<bool> RedisStore::wait_notice(std::chrono::milliseconds limit) {
    State& state = *state_;
    if (auto ready = state.waiting.ready(notices); !ready)
        return tl::unexpected(ready.error());
    if (state.waiting_made == state.waiting.made() && !state.last_notice.empty()) {
        auto noticed = state.read_notices(limit);
        if (!noticed)
            state.last_notice.clear();
        return noticed;
    }
    // A new connection: first learn where the stream stands, then say "look". What is published from here on
    // comes after that place, so that nothing falls between.
    const auto reply =
        state.waiting.ask({notices, {"XREVRANGE", notices, "+", "-", "COUNT", "1"}}, state.silence());
    if (!reply)
        return tl::unexpected(reply.error());
    const bool none_yet = (*reply)->type == REDIS_REPLY_ARRAY && (*reply)->elements == 0;
    state.last_notice = none_yet ? "0" : last_id(reply->get());
    if (state.last_notice.empty())
        return state.waiting.drop("XREVRANGE: the reply is not a list of notices");
    state.waiting_made = state.waiting.made();
    return true;
}

Result<bool> RedisStore::State::read_notices(std::chrono::milliseconds limit) {
    // 0 would wait for ever.
    const auto wait =
        std::clamp<std::chrono::milliseconds>(limit, std::chrono::milliseconds{1}, limits::notice_wait);
    const std::string count = std::to_string(limits::redis_notices_read);
    const std::string block = std::to_string(wait.count());
    const auto reply =
        waiting.ask({notices, {"XREAD", "COUNT", count, "BLOCK", block, "STREAMS", notices, last_notice}},
                    wait + silence());
    if (!reply)
        return tl::unexpected(reply.error());
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

std::uint64_t RedisStore::may_have_lost() const {
    // On one server the head was there last, so that it goes with whatever is lost.
    return state_->calls.spread() ? state_->calls.made() : 0;
}

Result<std::vector<StoreFinding>> RedisStore::check_settings() {
    // INFO and not CONFIG GET: the latter is often forbidden or renamed.
    const auto replies = state_->calls.ask_each({"INFO", "memory"});
    if (!replies)
        return tl::unexpected(replies.error());
    std::vector<StoreFinding> all;
    for (const auto& [place, reply] : *replies) {
        std::vector<StoreFinding> found;
        if (const std::string_view error = error_text(*reply); !error.empty()) {
            found.push_back({StoreFinding::Kind::not_told,
                             fmt::format("whether it evicts pages, and how full it is, cannot be asked, "
                                         "allow +info: {}",
                                         error)});
        } else if (is_string(reply.get())) {
            found = findings_in({reply->str, reply->len});
        } else {
            return state_->calls.drop("INFO: the reply is not a text");
        }
        for (StoreFinding& one : found) {
            if (state_->calls.spread())
                one.text = fmt::format("{}: {}", to_string(place), one.text);
            all.push_back(std::move(one));
        }
    }
    return all;
}

}  // namespace eightbells::cache
