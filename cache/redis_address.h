#ifndef EIGHTBELLS_CACHE_REDIS_ADDRESS_H
#define EIGHTBELLS_CACHE_REDIS_ADDRESS_H

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eightbells::cache {

struct RedisPlace {
    std::string host;  // a name or an address, IPv6 without brackets
    std::uint16_t port = 0;
    friend bool operator==(const RedisPlace&, const RedisPlace&) = default;
};
// "192.0.2.1:6379", "redis.example:6379", "[2001:db8::1]:6379"; nullopt: it is none of them.
std::optional<RedisPlace> parse_place(std::string_view text);
std::string to_string(const RedisPlace& place);
// What may stand for a host: visible ASCII, at most 253 octets.
bool is_host(std::string_view text) noexcept;

// Where the store is, and how it is spoken to. One server: host and port, or unix_socket; a primary that
// Sentinels watch over; or the primaries of a Redis Cluster.
struct RedisAddress {
    std::string host =
        "127.0.0.1";  // a name is resolved by the system, in its time; an address costs nothing
    std::uint16_t port = 6379;
    std::filesystem::path unix_socket;   // instead of host and port where set
    std::vector<std::string> sentinels;  // as parse_place reads them; instead of host and port
    std::string sentinel_service;        // the name under which they watch over the primary
    std::string sentinel_user;           // what they ask for; the servers' own is below
    std::string sentinel_password;
    std::vector<std::string>
        cluster;       // some of its nodes, as parse_place reads them; instead of host and port
    std::string user;  // ACL user; empty: none
    std::string password;
    bool tls = false;                   // towards servers and Sentinels
    std::filesystem::path tls_ca_file;  // empty: the system's trusted CAs. The name is checked, too
    std::chrono::milliseconds connect_timeout{500};
    std::chrono::milliseconds command_timeout{1000};  // silence; limits::redis_call_time bounds a whole reply
    friend bool operator==(const RedisAddress&, const RedisAddress&) = default;
};

// One server of those behind `address`, spoken to as it says.
RedisAddress server_at(const RedisAddress& address, RedisPlace place);

// "redis 127.0.0.1:6379", "redis \"status\" behind Sentinel 192.0.2.1:26379"; never with the password.
std::string to_string(const RedisAddress& address);

}  // namespace eightbells::cache

#endif
