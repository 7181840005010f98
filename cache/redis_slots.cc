#include "cache/redis_slots.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <charconv>

#include "cache/limits.h"

namespace eightbells::cache {

namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number = 0;
    const char* const end = text.data() + text.size();
    const auto [read, wrong] = std::from_chars(text.data(), end, number);
    if (wrong != std::errc{} || read != end)
        return std::nullopt;
    return number;
}

std::string_view text_of(const redisReply* reply) noexcept {
    return reply != nullptr && reply->type == REDIS_REPLY_STRING ? std::string_view{reply->str, reply->len}
                                                                 : std::string_view{};
}

bool is_array(const redisReply* reply, std::size_t at_least) noexcept {
    return reply != nullptr && reply->type == REDIS_REPLY_ARRAY && reply->elements >= at_least;
}

std::optional<std::uint16_t> number_of(const redisReply* reply, long long least, long long most) noexcept {
    if (reply == nullptr || reply->type != REDIS_REPLY_INTEGER || reply->integer < least ||
        reply->integer > most)
        return std::nullopt;
    return static_cast<std::uint16_t>(reply->integer);
}

// [host or nil, port, ...]; both nil and "" stand for the server that says so.
std::optional<RedisPlace> place_of(const redisReply* reply) {
    if (!is_array(reply, 2) || reply->element[0] == nullptr)
        return std::nullopt;
    const redisReply& host = *reply->element[0];
    const auto port = number_of(reply->element[1], 1, 65535);
    if (!port || (host.type != REDIS_REPLY_NIL && host.type != REDIS_REPLY_STRING))
        return std::nullopt;
    const std::string_view name = text_of(&host);
    // "?": this server does not know it either.
    if (name == "?" || (!name.empty() && !is_host(name)))
        return std::nullopt;
    return RedisPlace{std::string{name}, *port};
}

}  // namespace

std::uint16_t slot_of(std::string_view key) noexcept {
    if (const std::size_t open = key.find('{'); open != std::string_view::npos) {
        const std::size_t close = key.find('}', open + 1);
        if (close != std::string_view::npos && close > open + 1)
            key = key.substr(open + 1, close - open - 1);
    }
    std::uint32_t crc = 0;
    for (const char octet : key) {
        crc ^= static_cast<std::uint32_t>(static_cast<unsigned char>(octet)) << 8;
        for (int bit = 0; bit < 8; ++bit)
            crc = ((crc << 1) ^ ((crc & 0x8000U) != 0 ? 0x1021U : 0U)) & 0xffffU;
    }
    return static_cast<std::uint16_t>(crc % slot_count);
}

std::optional<Redirection> parse_redirection(std::string_view error) {
    Redirection redirection;
    redirection.asking = error.starts_with("ASK ");
    if (!redirection.asking && !error.starts_with("MOVED "))
        return std::nullopt;
    error.remove_prefix(error.find(' ') + 1);
    const std::size_t space = error.find(' ');
    const std::size_t colon = error.rfind(':');
    if (space == std::string_view::npos || colon == std::string_view::npos || colon < space)
        return std::nullopt;
    const auto slot = parse_number<std::uint16_t>(error.substr(0, space));
    const auto port = parse_number<std::uint16_t>(error.substr(colon + 1));
    const std::string_view host = error.substr(space + 1, colon - space - 1);
    if (!slot || *slot >= slot_count || !port || *port == 0 || host == "?" ||
        (!host.empty() && !is_host(host)))
        return std::nullopt;
    redirection.slot = *slot;
    redirection.place = {std::string{host}, *port};
    return redirection;
}

Result<std::vector<SlotRange>> parse_slots(const redisReply& reply) {
    if (reply.type != REDIS_REPLY_ARRAY)
        return fail("CLUSTER SLOTS: the reply is not a list");
    std::vector<SlotRange> ranges;
    std::vector<RedisPlace> primaries;
    std::bitset<slot_count> taken;
    for (std::size_t i = 0; i < reply.elements; ++i) {
        const redisReply* entry = reply.element[i];
        if (!is_array(entry, 3))
            return fail(fmt::format("CLUSTER SLOTS: entry {} is not a range and a server", i));
        const auto first = number_of(entry->element[0], 0, slot_count - 1);
        const auto last = number_of(entry->element[1], 0, slot_count - 1);
        auto primary = place_of(entry->element[2]);
        if (!first || !last || *first > *last || !primary)
            return fail(fmt::format("CLUSTER SLOTS: entry {} is not a range and a server", i));
        for (std::size_t slot = *first; slot <= *last; ++slot) {
            if (taken.test(slot))
                return fail(fmt::format("CLUSTER SLOTS: slot {} has two servers", slot));
            taken.set(slot);
        }
        if (std::ranges::find(primaries, *primary) == primaries.end()) {
            if (primaries.size() == limits::redis_nodes)
                return fail(
                    fmt::format("CLUSTER SLOTS: more than {} servers hold slots", limits::redis_nodes));
            primaries.push_back(*primary);
        }
        ranges.push_back({*first, *last, *std::move(primary)});
    }
    return ranges;
}

Result<std::optional<RedisPlace>> parse_primary(const redisReply& reply) {
    if (reply.type == REDIS_REPLY_NIL)
        return std::optional<RedisPlace>{};
    if (!is_array(&reply, 2) || reply.elements != 2)
        return fail("the reply is not a host and a port");
    const std::string_view host = text_of(reply.element[0]);
    const auto port = parse_number<std::uint16_t>(text_of(reply.element[1]));
    if (!is_host(host) || !port || *port == 0)
        return fail("the reply is not a host and a port");
    return std::optional{RedisPlace{std::string{host}, *port}};
}

}  // namespace eightbells::cache
