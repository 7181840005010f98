#include "cache/redis_servers.h"

#include <fmt/format.h>

#include <algorithm>

#include "cache/limits.h"

namespace eightbells::cache {

RedisServers::RedisServers(RedisAddress address, const Clock& clock)
    : address_(std::move(address)), clock_(clock), sentinels_(address_, clock) {
    slots_.fill(nobody);
    if (!address_.sentinels.empty())
        return;
    if (!spread()) {
        servers_.push_back(std::make_unique<RedisConnection>(address_, clock_));
        slots_.fill(0);
    }
    for (const std::string& text : address_.cluster) {
        // The configuration refuses what is no place.
        if (auto place = parse_place(text))
            servers_.push_back(
                std::make_unique<RedisConnection>(server_at(address_, *std::move(place)), clock_));
    }
}

tl::unexpected<Error> RedisServers::drop(std::string message) {
    for (const auto& server : servers_) {
        if (server->connected())
            static_cast<void>(server->drop(message));
    }
    return fail(fmt::format("{}: {}", to_string(address_), std::move(message)));
}

Status RedisServers::look() {
    if (!address_.sentinels.empty())
        return follow_primary();
    return spread() ? read_slots() : Status{};
}

Status RedisServers::ready(std::string_view key) {
    if (auto looked = look(); !looked)
        return looked;
    const auto server = server_of(key);
    return server ? Status{} : tl::unexpected(server.error());
}

Result<std::size_t> RedisServers::server_of(std::string_view key) {
    const std::uint16_t slot = slot_of(key);
    const std::size_t server = slots_[slot];
    if (server == nobody) {
        slots_stale_ = true;
        return fail(fmt::format("{}: no server holds slot {}", to_string(address_), slot));
    }
    if (auto connected = connect(server); !connected)
        return tl::unexpected(connected.error());
    return server;
}

Status RedisServers::connect(std::size_t server) {
    RedisConnection& connection = *servers_[server];
    if (connection.connected())
        return {};
    auto ready = connection.ready();
    if (ready)
        ++made_;
    else
        slots_stale_ = true;  // another may have taken over what it held
    return ready;
}

// --- behind Sentinel

// Sentinels end the connections to a primary that they replace, where they reach it; where they do not, only
// they can tell that it is one no more. So they are asked before each connection, and now and then.
Status RedisServers::follow_primary() {
    const auto now = clock_.steady();
    const bool connected = !servers_.empty() && servers_.front()->connected();
    const auto rest =
        connected ? std::chrono::milliseconds{limits::redis_sentinel_look} : limits::redis_reconnect_pause;
    if (looked_ && now - last_look_ < rest) {
        return connected ? Status{}
                         : fail(fmt::format("{}: not connected, next attempt shortly; the last error was: {}",
                                            to_string(address_), last_error_));
    }
    looked_ = true;
    last_look_ = now;
    Status why = fail("no Sentinel is configured");
    std::optional<RedisPlace> tried;
    const auto until = std::chrono::steady_clock::now() + limits::redis_call_time;
    for (std::size_t i = 0; i < sentinels_.count() && std::chrono::steady_clock::now() < until; ++i) {
        // One only where we are connected: a Sentinel that is away is no reason to wait for the others.
        const auto place = sentinels_.primary(connected ? 1 : sentinels_.count());
        if (!place) {
            if (connected)
                return {};
            why = tl::unexpected(place.error());
            break;
        }
        if (connected && servers_.front()->connected() && servers_.front()->place() == *place)
            return {};
        if (tried == *place) {
            sentinels_.next();
            continue;
        }
        tried = *place;
        servers_.clear();
        servers_.push_back(std::make_unique<RedisConnection>(server_at(address_, *place), clock_));
        slots_.fill(0);
        why = connect(0);
        if (why)
            why = check_role();
        if (why)
            return {};
        // One that has just missed a fail-over names the server of before.
        sentinels_.next();
    }
    last_error_ = why.error().message;
    return fail(to_string(address_), why.error());
}

// By INFO and not ROLE, which is a right more.
Status RedisServers::check_role() {
    RedisConnection& server = *servers_.front();
    const auto reply = server.ask({"INFO", "replication"});
    if (!reply)
        return tl::unexpected(reply.error());
    const bool said = (*reply)->type == REDIS_REPLY_STRING;
    const std::string_view text = said ? std::string_view{(*reply)->str, (*reply)->len} : std::string_view{};
    if (text.find("role:master\r\n") == std::string_view::npos)
        return server.drop("is not the primary that a Sentinel said it was");
    return {};
}

// --- in a Redis Cluster

Status RedisServers::read_slots() {
    const auto now = clock_.steady();
    if (!slots_stale_ || (looked_ && now - last_look_ < limits::redis_reconnect_pause)) {
        return slots_known_
                   ? Status{}
                   : fail(fmt::format("{}: not connected, next attempt shortly; the last error was: {}",
                                      to_string(address_), last_error_));
    }
    looked_ = true;
    last_look_ = now;
    Status why = fail("no node of the cluster is configured");
    const auto until = std::chrono::steady_clock::now() + limits::redis_call_time;
    // Those that are connected first: they answer at once.
    for (const bool connected : {true, false}) {
        for (std::size_t i = 0; i < servers_.size() && std::chrono::steady_clock::now() < until; ++i) {
            if (servers_[i]->connected() != connected)
                continue;
            why = read_slots_from(i);
            if (why)
                return {};
        }
    }
    last_error_ = why.error().message;
    // What was known is not wrong because nobody confirms it.
    return slots_known_ ? Status{} : fail(to_string(address_), why.error());
}

Status RedisServers::read_slots_from(std::size_t server) {
    if (auto connected = connect(server); !connected)
        return connected;
    RedisConnection& told_by = *servers_[server];
    if (auto set = told_by.set_silence(address_.command_timeout); !set)
        return set;
    const auto reply = told_by.ask({"CLUSTER", "SLOTS"});
    if (!reply)
        return tl::unexpected(reply.error());
    const auto ranges = parse_slots(**reply);
    if (!ranges)
        return told_by.drop(ranges.error().message);
    const std::string asked_host = told_by.place().host;
    // The configured nodes stay, the others while they hold slots.
    std::vector<std::unique_ptr<RedisConnection>> before = std::move(servers_);
    servers_.clear();
    for (std::size_t i = 0; i < before.size() && i < address_.cluster.size(); ++i)
        servers_.push_back(std::move(before[i]));
    slots_.fill(nobody);
    for (const SlotRange& range : *ranges) {
        const RedisPlace place{range.primary.host.empty() ? asked_host : range.primary.host,
                               range.primary.port};
        const auto is_here = [&](const auto& held) { return held != nullptr && held->place() == place; };
        auto found = std::ranges::find_if(servers_, is_here);
        if (found == servers_.end()) {
            const auto kept = std::ranges::find_if(before, is_here);
            servers_.push_back(kept != before.end()
                                   ? std::move(*kept)
                                   : std::make_unique<RedisConnection>(server_at(address_, place), clock_));
            found = servers_.end() - 1;
        }
        std::fill(slots_.begin() + range.first, slots_.begin() + range.last + 1,
                  static_cast<std::size_t>(found - servers_.begin()));
    }
    slots_known_ = true;
    slots_stale_ = false;
    return {};
}

Result<std::size_t> RedisServers::server_at_place(const RedisPlace& place) {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        if (servers_[i]->place() == place)
            return i;
    }
    if (servers_.size() >= address_.cluster.size() + limits::redis_nodes)
        return fail(fmt::format("more than {} servers hold slots", limits::redis_nodes));
    servers_.push_back(std::make_unique<RedisConnection>(server_at(address_, place), clock_));
    return servers_.size() - 1;
}

// --- asking

Result<RedisReply> RedisServers::ask(RedisCommand command, std::chrono::milliseconds silence) {
    auto replies = ask({&command, 1}, silence);
    if (!replies)
        return tl::unexpected(replies.error());
    return std::move(replies->front());
}

Result<std::vector<RedisReply>> RedisServers::ask(std::span<const RedisCommand> commands,
                                                  std::chrono::milliseconds silence) {
    if (auto looked = look(); !looked)
        return tl::unexpected(looked.error());
    std::vector<RedisReply> replies(commands.size());
    std::vector<Sent> sent;
    sent.reserve(commands.size());
    // All connections first: a server that is away ends nothing that is under way.
    for (std::size_t i = 0; i < commands.size(); ++i) {
        const auto server = server_of(commands[i].key);
        if (!server)
            return tl::unexpected(server.error());
        sent.push_back({i, *server, false});
    }
    std::size_t octets = limits::redis_reply_octets;
    for (unsigned round = 0; round <= limits::redis_redirections; ++round) {
        if (auto queued = send(commands, sent, silence); !queued) {
            static_cast<void>(drop(queued.error().message));
            return tl::unexpected(queued.error());
        }
        auto again = receive(commands, sent, replies, octets);
        if (!again) {
            // Other replies may be under way on other connections.
            slots_stale_ = true;
            static_cast<void>(drop(again.error().message));
            return tl::unexpected(again.error());
        }
        if (again->empty())
            return replies;
        sent = *std::move(again);
    }
    return drop(fmt::format("{} was redirected more than {} times",
                            commands[sent.front().command].words.front(), limits::redis_redirections));
}

Status RedisServers::send(std::span<const RedisCommand> commands, const std::vector<Sent>& sent,
                          std::chrono::milliseconds silence) {
    for (const Sent& one : sent) {
        if (auto connected = connect(one.server); !connected)
            return connected;
        RedisConnection& server = *servers_[one.server];
        if (auto set = server.set_silence(silence); !set)
            return set;
        if (one.asking) {
            if (auto queued = server.append({"ASKING"}); !queued)
                return queued;
        }
        if (auto queued = server.append(commands[one.command].words); !queued)
            return queued;
    }
    for (const Sent& one : sent) {
        if (auto written = servers_[one.server]->send(); !written)
            return written;
    }
    return {};
}

// What was redirected, to be sent again.
Result<std::vector<RedisServers::Sent>> RedisServers::receive(std::span<const RedisCommand> commands,
                                                              const std::vector<Sent>& sent,
                                                              std::vector<RedisReply>& replies,
                                                              std::size_t& octets) {
    std::vector<Sent> again;
    for (const Sent& one : sent) {
        const RedisCommand& command = commands[one.command];
        if (one.asking) {
            const auto asking = servers_[one.server]->read("ASKING", octets);
            if (!asking)
                return tl::unexpected(asking.error());
            if (!error_text(**asking).empty())
                return servers_[one.server]->refused("ASKING", **asking);
        }
        auto reply = servers_[one.server]->read(command.words.front(), octets);
        if (!reply)
            return tl::unexpected(reply.error());
        const auto redirection = spread() ? parse_redirection(error_text(**reply)) : std::nullopt;
        if (redirection) {
            auto sent_again = redirected(command, one, *redirection);
            if (!sent_again)
                return tl::unexpected(sent_again.error());
            again.push_back(*sent_again);
        } else if ((*reply)->type == REDIS_REPLY_ERROR) {
            return servers_[one.server]->refused(command.words.front(), **reply);
        } else {
            replies[one.command] = *std::move(reply);
        }
    }
    return again;
}

Result<RedisServers::Sent> RedisServers::redirected(const RedisCommand& command, const Sent& sent,
                                                    const Redirection& redirection) {
    if (redirection.slot != slot_of(command.key))
        return servers_[sent.server]->drop(
            fmt::format("{}: is redirected for a slot that is not its own", command.words.front()));
    RedisPlace place = redirection.place;
    if (place.host.empty())
        place.host = servers_[sent.server]->place().host;
    const auto server = server_at_place(place);
    if (!server)
        return tl::unexpected(server.error());
    if (!redirection.asking) {
        slots_[redirection.slot] = *server;
        slots_stale_ = true;
    }
    return Sent{sent.command, *server, redirection.asking};
}

Result<std::vector<std::pair<RedisPlace, RedisReply>>> RedisServers::ask_each(
    std::initializer_list<std::string_view> words) {
    if (auto looked = look(); !looked)
        return tl::unexpected(looked.error());
    std::vector<std::size_t> holders{slots_.begin(), slots_.end()};
    std::ranges::sort(holders);
    const auto repeated = std::ranges::unique(holders);
    holders.erase(repeated.begin(), repeated.end());
    std::vector<std::pair<RedisPlace, RedisReply>> replies;
    for (const std::size_t server : holders) {
        if (server == nobody)
            continue;
        std::size_t octets = limits::redis_reply_octets;
        if (auto connected = connect(server); !connected)
            return tl::unexpected(connected.error());
        RedisConnection& connection = *servers_[server];
        if (auto set = connection.set_silence(address_.command_timeout); !set)
            return tl::unexpected(set.error());
        if (auto queued = connection.append(words); !queued)
            return tl::unexpected(queued.error());
        auto reply = connection.read(*words.begin(), octets);
        if (!reply)
            return tl::unexpected(reply.error());
        replies.emplace_back(connection.place(), *std::move(reply));
    }
    return replies;
}

}  // namespace eightbells::cache
