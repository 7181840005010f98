#include "cache/redis_address.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace eightbells::cache {

bool is_host(std::string_view text) noexcept {
    // 253 octets are the longest name there is.
    return !text.empty() && text.size() <= 253 &&
           std::ranges::all_of(text, [](char octet) { return octet > ' ' && octet < '\x7f'; });
}

std::optional<RedisPlace> parse_place(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string_view::npos)
        return std::nullopt;
    std::uint16_t port = 0;
    const char* const end = digits.data() + digits.size();
    const auto [read, wrong] = std::from_chars(digits.data(), end, port);
    if (!is_host(host) || host.find_first_of("[]") != std::string_view::npos || wrong != std::errc{} ||
        read != end || port == 0)
        return std::nullopt;
    return RedisPlace{std::string{host}, port};
}

std::string to_string(const RedisPlace& place) {
    const bool is_v6 = place.host.find(':') != std::string::npos;
    return is_v6 ? fmt::format("[{}]:{}", place.host, place.port)
                 : fmt::format("{}:{}", place.host, place.port);
}

RedisAddress server_at(const RedisAddress& address, RedisPlace place) {
    RedisAddress server = address;
    server.sentinels.clear();
    server.cluster.clear();
    server.unix_socket.clear();
    server.host = std::move(place.host);
    server.port = place.port;
    return server;
}

std::string to_string(const RedisAddress& address) {
    if (!address.sentinels.empty())
        return fmt::format("redis \"{}\" behind Sentinel {}", address.sentinel_service,
                           fmt::join(address.sentinels, ", "));
    if (!address.cluster.empty())
        return fmt::format("redis cluster {}", fmt::join(address.cluster, ", "));
    if (!address.unix_socket.empty())
        return "redis " + address.unix_socket.string();
    return "redis " + to_string(RedisPlace{address.host, address.port});
}

}  // namespace eightbells::cache
