#include <fmt/format.h>

#include <bitset>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "cache/limits.h"
#include "cache/redis_connection.h"
#include "cache/redis_settings.h"
#include "cache/redis_slots.h"

// What servers of a cluster and Sentinels say of each other, from the octets on the wire, and what a server
// says of itself. Oracles: what parses is within its bounds, and written anew it parses to the same; no slot
// has two servers; no message has more than one line or takes up whatever is sent.
using namespace eightbells;
using namespace eightbells::cache;

namespace {

void require(bool holds) {
    if (!holds)
        std::abort();
}

bool is_place(const RedisPlace& place) {
    return place.port != 0 && place.host.size() <= 253 &&
           place.host.find_first_of(" \r\n") == std::string::npos;
}

RedisReply parsed(std::string_view octets) {
    const std::unique_ptr<redisReader, void (*)(redisReader*)> reader{redisReaderCreate(), redisReaderFree};
    std::size_t elements = 0;
    set_bounds(*reader, elements);
    void* reply = nullptr;
    if (redisReaderFeed(reader.get(), octets.data(), octets.size()) != REDIS_OK ||
        redisReaderGetReply(reader.get(), &reply) != REDIS_OK)
        return nullptr;
    require(elements <= limits::redis_reply_elements);
    return RedisReply{static_cast<redisReply*>(reply)};
}

std::string bulk(const std::string& text) {
    return fmt::format("${}\r\n{}\r\n", text.size(), text);
}

void check_redirection(std::string_view text) {
    const auto redirection = parse_redirection(text);
    if (!redirection)
        return;
    require(redirection->slot < slot_count && is_place(redirection->place));
    const std::string again =
        fmt::format("{} {} {}:{}", redirection->asking ? "ASK" : "MOVED", redirection->slot,
                    redirection->place.host, redirection->place.port);
    require(parse_redirection(again) == redirection);
}

void check_slots(const redisReply& reply) {
    const auto ranges = parse_slots(reply);
    if (!ranges)
        return;
    std::bitset<slot_count> taken;
    std::string again = fmt::format("*{}\r\n", ranges->size());
    for (const SlotRange& range : *ranges) {
        require(range.first <= range.last && range.last < slot_count && is_place(range.primary));
        for (std::size_t slot = range.first; slot <= range.last; ++slot) {
            require(!taken.test(slot));
            taken.set(slot);
        }
        again += fmt::format("*3\r\n:{}\r\n:{}\r\n*2\r\n{}:{}\r\n", range.first, range.last,
                             bulk(range.primary.host), range.primary.port);
    }
    const RedisReply written = parsed(again);
    require(written != nullptr && *parse_slots(*written) == *ranges);
}

void check_primary(const redisReply& reply) {
    const auto primary = parse_primary(reply);
    if (!primary || !*primary)
        return;
    require(is_place(**primary) && is_host((*primary)->host));
    const RedisReply written =
        parsed("*2\r\n" + bulk((*primary)->host) + bulk(std::to_string((*primary)->port)));
    require(written != nullptr && *parse_primary(*written) == *primary);
}

void check_findings(std::string_view info) {
    const auto found = findings_in(info);
    require(found.size() <= store_finding_kinds);
    for (const StoreFinding& one : found)
        require(one.text.size() < 256 && one.text.find_first_of("\r\n") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view octets{reinterpret_cast<const char*>(bytes), size};
    check_redirection(octets);
    if (const auto place = parse_place(octets))
        require(is_place(*place) && is_host(place->host) && parse_place(to_string(*place)) == place);
    require(slot_of(octets) < slot_count);
    check_findings(octets);
    if (const RedisReply reply = parsed(octets)) {
        check_redirection(error_text(*reply));
        check_slots(*reply);
        check_primary(*reply);
    }
    return 0;
}
