#include <fmt/format.h>

#include <algorithm>

#include "responder/base/bytes.h"
#include "responder/base/network.h"
#include "responder/config/address.h"
#include "responder/config/checks.h"
#include "responder/config/limits.h"

namespace eightbells::config {
namespace {

struct Listening {
    std::string field;
    ListenAddress address;
};

std::optional<ListenAddress> check_address(const std::string& field, const std::string& text,
                                           std::string_view instead, Report& report) {
    Result<ListenAddress> address = parse_listen_address(text);
    if (address)
        return *address;
    report.mistake(
        field, fmt::format("\"{}\": {}; write for example \"{}\"", text, address.error().message, instead));
    return std::nullopt;
}

bool clash(const ListenAddress& a, const ListenAddress& b) {
    const auto is_wildcard = [](const ListenAddress& address) {
        return address.host == "0.0.0.0" || address.host == "::";
    };
    return a.port == b.port && a.port != 0 && (a.host == b.host || is_wildcard(a) || is_wildcard(b));
}

void check_addresses(const Config& config, Report& report) {
    std::vector<Listening> seen;
    const auto take = [&](std::string field, const std::optional<ListenAddress>& address) {
        if (!address)
            return;
        for (const Listening& other : seen) {
            if (clash(other.address, *address))
                report.mistake(field, fmt::format("port {} is taken by {}; write another port", address->port,
                                                  other.field));
        }
        seen.push_back({std::move(field), *address});
    };
    for (std::size_t i = 0; i < config.front.listen.size(); ++i) {
        const std::string field = fmt::format("front.listen[{}]", i);
        take(field, check_address(field, config.front.listen[i], "0.0.0.0:80", report));
    }
    if (config.front.listen.empty())
        report.mistake("front.listen", "is empty; write at least one address, for example [\"0.0.0.0:80\"]");
    const std::pair<std::string, const std::string*> listeners[] = {
        {"signer.metrics", &config.signer.metrics},
        {"front.metrics", &config.front.metrics},
        {"watch.metrics", &config.watch.metrics}};
    for (const auto& [field, text] : listeners) {
        const auto address = check_address(field, *text, "127.0.0.1:9641", report);
        if (address && address->reachable_from_outside)
            report.warning(field,
                           fmt::format("\"{}\" can be reached from outside; metrics tell what is wrong "
                                       "with the service: write a loopback or private address",
                                       *text));
        take(field, address);
    }
}

void check_proxies(const Front& front, Report& report) {
    const std::pair<std::string_view, const std::vector<std::string>*> lists[] = {
        {"front.trusted_proxies", &front.trusted_proxies},
        {"front.proxy_protocol_from", &front.proxy_protocol_from}};
    for (const auto& [name, texts] : lists) {
        for (std::size_t i = 0; i < texts->size(); ++i) {
            if (const auto network = parse_network((*texts)[i]); !network)
                report.mistake(fmt::format("{}[{}]", name, i), network.error().message);
        }
    }
}

void check_folders(const Config& config, Report& report) {
    if (config.signer.data == config.front.data)
        report.mistake("front.data", fmt::format("{} is signer.data too; a front must not stand beside the "
                                                 "signer's keys: write another folder",
                                                 config.front.data.string()));
    if (config.store.kind == StoreKind::directory &&
        (config.store.directory == config.signer.data || config.store.directory == config.front.data))
        report.mistake("store.directory",
                       fmt::format("{} is the folder of one program; write a folder of its own that the "
                                   "signer may write and the fronts may read",
                                   config.store.directory.string()));
}

void check_sockets(const Config& config, Report& report) {
    const std::pair<std::string, const std::filesystem::path*> sockets[] = {
        {"signer.control_socket", &config.signer.control_socket},
        {"signer.live_socket", &config.signer.live_socket},
        {"front.live_socket", &config.front.live_socket},
        {"store.redis.unix_socket", &config.store.redis.unix_socket}};
    for (const auto& [field, path] : sockets) {
        const std::size_t octets = path->string().size();
        if (octets > limits::socket_path_octets)
            report.mistake(field, fmt::format("{} has {} characters; a socket's path may have {}: write a "
                                              "shorter one, for example below /run/eightbells",
                                              path->string(), octets, limits::socket_path_octets));
    }
    if (config.signer.control_socket.empty())
        report.mistake("signer.control_socket", "is empty; write a path or leave it out");
    if (config.signer.live_socket.empty())
        report.mistake("signer.live_socket", "is empty; write a path or leave it out");
    else if (config.signer.live_socket == config.signer.control_socket)
        report.mistake("signer.live_socket",
                       "is signer.control_socket too; fronts must not reach that one: "
                       "write another path");
}

void check_store_keys(const Config& config, Report& report) {
    for (std::size_t i = 0; i < config.front.store_keys.size(); ++i) {
        const std::string& key = config.front.store_keys[i];
        const std::string field = fmt::format("front.store_keys[{}]", i);
        const Result<Bytes> octets = from_hex(key);
        if (!octets || octets->size() != 32)
            report.mistake(field, fmt::format("\"{}\" is not a store key; write the 64 hex digits from the "
                                              "signer's store-key.pub",
                                              key));
        else if (std::ranges::find(config.front.store_keys, key) !=
                 config.front.store_keys.begin() + static_cast<std::ptrdiff_t>(i))
            report.mistake(field, "stands there twice; take one out");
    }
}

void check_redis(const Config& config, Report& report) {
    const cache::RedisAddress& redis = config.store.redis;
    const cache::RedisAddress defaults;
    const bool other_host = redis.host != defaults.host || redis.port != defaults.port;
    if (config.store.kind == StoreKind::directory) {
        if (other_host || !redis.unix_socket.empty())
            report.warning("store.redis",
                           "is not used while store.kind is \"directory\"; write kind = "
                           "\"redis\" in [store] to use it");
        return;
    }
    if (redis.host.empty() && redis.unix_socket.empty())
        report.mistake("store.redis.host", "is empty; write the name or address of the Redis server");
    if (!redis.unix_socket.empty() && other_host)
        report.mistake(
            "store.redis.unix_socket",
            fmt::format("stands beside host and port ({}:{}); take one of them out", redis.host, redis.port));
    if (redis.tls && !redis.unix_socket.empty())
        report.mistake("store.redis.tls", "is not for a local socket; write false");
    if (!redis.tls && !redis.tls_ca_file.empty())
        report.mistake("store.redis.tls_ca_file", "is given without tls; write tls = true");
    if (!redis.user.empty() && config.store.redis_password_file.empty())
        report.mistake("store.redis.user",
                       "is given without password_file; write the path of the file that "
                       "holds the password");
    const std::pair<std::string, std::chrono::milliseconds> timeouts[] = {
        {"store.redis.connect_timeout", redis.connect_timeout},
        {"store.redis.command_timeout", redis.command_timeout}};
    for (const auto& [field, timeout] : timeouts) {
        if (timeout < limits::redis_timeout_min || timeout > limits::redis_timeout_max)
            report.mistake(field,
                           fmt::format("{}ms is out of range; write \"{}ms\" to \"{}ms\"", timeout.count(),
                                       limits::redis_timeout_min.count(), limits::redis_timeout_max.count()));
    }
}

}  // namespace

void check_programs(const Config& config, Report& report) {
    check_addresses(config, report);
    check_proxies(config.front, report);
    check_folders(config, report);
    check_sockets(config, report);
    check_store_keys(config, report);
    check_redis(config, report);
}

}  // namespace eightbells::config
