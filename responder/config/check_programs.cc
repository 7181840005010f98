#include <fmt/format.h>

#include <algorithm>

#include "cache/limits.h"
#include "responder/base/bytes.h"
#include "responder/base/network.h"
#include "responder/base/socket_address.h"
#include "responder/config/checks.h"
#include "responder/config/limits.h"

namespace eightbells::config {
namespace {

struct Listening {
    std::string field;
    HostPort address;
};

std::optional<HostPort> check_address(const std::string& field, const std::string& text,
                                      std::string_view instead, Report& report) {
    Result<HostPort> address = parse_host_port(text);
    if (address)
        return *address;
    report.mistake(
        field, fmt::format("\"{}\": {}; write for example \"{}\"", text, address.error().message, instead));
    return std::nullopt;
}

// Neither loopback, nor private use (RFC 1918, RFC 4193), shared (RFC 6598) or link-local: a wildcard is all
// of them.
bool reachable_from_outside(const HostPort& place) {
    constexpr std::string_view inside[] = {
        "127.0.0.0/8",    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
        "169.254.0.0/16", "::1",        "fc00::/7",      "fe80::/10"};
    const auto socket = socket_address(place);
    const auto address = socket ? ip_address(*socket) : std::nullopt;
    return address && std::ranges::none_of(inside, [&](std::string_view network) {
               return parse_network(network)->contains(*address);
           });
}

bool clash(const HostPort& a, const HostPort& b) {
    const auto is_wildcard = [](const HostPort& address) {
        return address.host == "0.0.0.0" || address.host == "::";
    };
    return a.port == b.port && a.port != 0 && (a.host == b.host || is_wildcard(a) || is_wildcard(b));
}

void check_addresses(const Config& config, Report& report) {
    std::vector<Listening> seen;
    const auto take = [&](std::string field, const std::optional<HostPort>& address) {
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
    if (!config.signer.live_listen.empty()) {
        const std::string field = "signer.live_listen";
        const auto address = check_address(field, config.signer.live_listen, "192.0.2.1:9645", report);
        if (address && address->port == 0)
            report.mistake(field, "has port 0; write the port that fronts connect to");
        take(field, address);
    }
    const std::pair<std::string, const std::string*> listeners[] = {
        {"signer.metrics", &config.signer.metrics},
        {"front.metrics", &config.front.metrics},
        {"watch.metrics", &config.watch.metrics}};
    for (const auto& [field, text] : listeners) {
        const auto address = check_address(field, *text, "127.0.0.1:9641", report);
        if (address && reachable_from_outside(*address))
            report.warning(field,
                           fmt::format("\"{}\" can be reached from outside; metrics tell what is wrong "
                                       "with the service: write a loopback or private address",
                                       *text));
        take(field, address);
    }
}

void check_memory(const Front& front, Report& report) {
    constexpr std::size_t mib = 1024 * 1024;
    if (front.memory_limit > 0 && front.memory_limit * mib < limits::pool_octets_min)
        report.mistake("front.memory_limit",
                       fmt::format("{} MiB are too few to answer from; write {} or more, or 0 for no limit",
                                   front.memory_limit, limits::pool_octets_min / mib));
}

void check_comparison(const Signer& signer, Report& report) {
    const std::string delay = duration_text(signer.compare_delay);
    if (signer.compare_delay < limits::compare_delay_min || signer.compare_delay > limits::compare_delay_max)
        report.mistake("signer.compare_delay", fmt::format("{} is not from {} to {} (C-09); write \"15m\"",
                                                           delay, duration_text(limits::compare_delay_min),
                                                           duration_text(limits::compare_delay_max)));
    else if (signer.compare_delay < limits::compare_delay_usual)
        report.warning(
            "signer.compare_delay",
            fmt::format("{} is less than publication may take on a bad day ({}): there may be alarms that "
                        "end by themselves",
                        delay, duration_text(limits::compare_delay_usual)));
    for (std::size_t i = 0; i < signer.compare_fronts.size(); ++i) {
        const std::string field = fmt::format("signer.compare_fronts[{}]", i);
        const auto address = check_address(field, signer.compare_fronts[i], "192.0.2.1:80", report);
        if (address && address->port == 0)
            report.mistake(field, "has port 0; write the front's port");
    }
}

void check_pair(const Config& config, Report& report) {
    const Pair& pair = config.signer.pair;
    if (!pair.on()) {
        if (!pair.listen.empty() || !pair.peer.empty())
            report.mistake("signer.pair.name",
                           "is empty beside an address; write this signer's name, for "
                           "example \"a\", and another one at the other signer");
        return;
    }
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    if (pair.name.size() > limits::pair_name_octets || !std::ranges::all_of(pair.name, plain))
        report.mistake("signer.pair.name",
                       fmt::format("\"{}\" is not a name of up to {} of a-z, 0-9 and \"-\"", pair.name,
                                   limits::pair_name_octets));
    const auto listen = check_address("signer.pair.listen", pair.listen, "192.0.2.1:9644", report);
    const auto peer = check_address("signer.pair.peer", pair.peer, "192.0.2.2:9644", report);
    if (listen && listen->port == 0)
        report.mistake("signer.pair.listen", "has port 0; write the port that the other signer connects to");
    if (peer && peer->port == 0)
        report.mistake("signer.pair.peer", "has port 0; write the other signer's port");
    if (listen && peer && listen->host == peer->host && listen->port == peer->port)
        report.mistake("signer.pair.peer", "is signer.pair.listen too; write the other signer's address");
    if (config.store.kind != StoreKind::redis)
        report.mistake("signer.pair",
                       "needs a store that both signers reach and in which their lease lies; write kind = "
                       "\"redis\" in [store]");
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

void check_live_signers(const Config& config, Report& report) {
    const Front& front = config.front;
    const std::string field = "front.live_signers";
    if (front.live_signers.size() > limits::live_signers)
        report.mistake(field, fmt::format("has {} entries; write at most {}", front.live_signers.size(),
                                          limits::live_signers));
    std::vector<HostPort> seen;
    for (std::size_t i = 0; i < front.live_signers.size(); ++i) {
        const std::string entry = fmt::format("{}[{}]", field, i);
        const auto address = check_address(entry, front.live_signers[i], "192.0.2.1:9645", report);
        if (!address)
            continue;
        if (address->port == 0)
            report.mistake(entry, "has port 0; write the port of the signer's live_listen");
        if (std::ranges::find(seen, *address) != seen.end())
            report.mistake(entry, "stands there twice; take one out");
        seen.push_back(*address);
    }
    const auto socket = config.lines.find("front.live_socket");
    const bool written = socket != config.lines.end() && socket->second != 0;
    if (!front.live_signers.empty() && written && !front.live_socket.empty())
        report.mistake(field, "stand beside front.live_socket; take either out");
    const bool unnamed = !config.signer.live_listen.empty() && config.signer.live_secret_file.empty();
    if (unnamed)
        report.mistake("signer.live_secret_file", "is empty; write a path or leave it out");
    if (!unnamed && !front.live_signers.empty() && front.live_secret_file.empty())
        report.mistake("front.live_secret_file", "is empty; write the path of a copy of the signer's");
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

void check_redis_places(const std::string& field, const std::vector<std::string>& places, std::size_t most,
                        const char* example, Report& report) {
    if (places.size() > most)
        report.mistake(field, fmt::format("has {} entries; write at most {}", places.size(), most));
    for (std::size_t i = 0; i < places.size(); ++i) {
        const std::string entry = fmt::format("{}[{}]", field, i);
        if (!cache::parse_place(places[i]))
            report.mistake(entry,
                           fmt::format("\"{}\" is not a host and a port; write \"{}\"", places[i], example));
        else if (std::ranges::find(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(i),
                                   places[i]) != places.begin() + static_cast<std::ptrdiff_t>(i))
            report.mistake(entry, "stands there twice; take one out");
    }
}

void check_sentinels(const Config& config, Report& report) {
    const cache::RedisAddress& redis = config.store.redis;
    check_redis_places("store.redis.sentinels", redis.sentinels, limits::redis_sentinels, "192.0.2.1:26379",
                       report);
    if (!redis.sentinels.empty() && redis.sentinel_service.empty())
        report.mistake("store.redis.sentinels",
                       "are given without sentinel_service; write the name under which they watch over the "
                       "primary, as \"mymaster\"");
    if (redis.sentinels.empty()) {
        const std::pair<std::string, bool> alone[] = {
            {"store.redis.sentinel_service", !redis.sentinel_service.empty()},
            {"store.redis.sentinel_user", !redis.sentinel_user.empty()},
            {"store.redis.sentinel_password_file", !config.store.sentinel_password_file.empty()}};
        for (const auto& [field, given] : alone) {
            if (given)
                report.mistake(field, "is given without sentinels; write sentinels = [\"192.0.2.1:26379\"]");
        }
    } else if (!redis.sentinel_user.empty() && config.store.sentinel_password_file.empty()) {
        report.mistake(
            "store.redis.sentinel_user",
            "is given without sentinel_password_file; write the path of the file that holds the password");
    }
}

void check_redis(const Config& config, Report& report) {
    const cache::RedisAddress& redis = config.store.redis;
    const cache::RedisAddress defaults;
    const bool other_host = redis.host != defaults.host || redis.port != defaults.port;
    const bool one_server = other_host || !redis.unix_socket.empty();
    if (config.store.kind == StoreKind::directory) {
        if (one_server || !redis.sentinels.empty() || !redis.cluster.empty())
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
    if (!redis.sentinels.empty() && (one_server || !redis.cluster.empty()))
        report.mistake("store.redis.sentinels",
                       "stand beside host, port, unix_socket or cluster; take either out");
    else if (!redis.cluster.empty() && one_server)
        report.mistake("store.redis.cluster", "stands beside host, port or unix_socket; take either out");
    check_sentinels(config, report);
    check_redis_places("store.redis.cluster", redis.cluster, limits::redis_nodes, "192.0.2.1:6379", report);
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
    check_memory(config.front, report);
    check_comparison(config.signer, report);
    check_pair(config, report);
    check_proxies(config.front, report);
    check_folders(config, report);
    check_sockets(config, report);
    check_live_signers(config, report);
    check_store_keys(config, report);
    check_redis(config, report);
}

}  // namespace eightbells::config
