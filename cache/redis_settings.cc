#include "cache/redis_settings.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "cache/limits.h"

namespace eightbells::cache {

namespace {

// What stands behind "field:" where a line begins so; else empty.
std::string_view value_of(std::string_view info, std::string_view field) {
    const std::string begin = fmt::format("\n{}:", field);
    const std::size_t at = info.find(begin);
    if (at == std::string_view::npos)
        return {};
    const std::string_view rest = info.substr(at + begin.size());
    return rest.substr(0, rest.find_first_of("\r\n"));
}

std::optional<std::uint64_t> parse_octets(std::string_view text) {
    std::uint64_t octets = 0;
    const char* const end = text.data() + text.size();
    const auto [read, wrong] = std::from_chars(text.data(), end, octets);
    if (wrong != std::errc{} || read != end)
        return std::nullopt;
    return octets;
}

// It goes into messages.
bool is_policy(std::string_view text) noexcept {
    return !text.empty() && text.size() <= limits::redis_policy_octets &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos;
}

}  // namespace

std::vector<StoreFinding> findings_in(std::string_view info) {
    using enum StoreFinding::Kind;
    const std::string_view policy = value_of(info, "maxmemory_policy");
    const auto bound = parse_octets(value_of(info, "maxmemory"));  // 0: none
    const auto used = parse_octets(value_of(info, "used_memory"));
    std::vector<StoreFinding> found;
    if (is_policy(policy) && policy != "noeviction") {
        found.push_back({evicts, fmt::format("maxmemory-policy is {}: pages could vanish silently; set "
                                             "`maxmemory-policy noeviction`",
                                             policy)});
    }
    // How much is used is left out: the text would be another each second.
    if (bound && used && *bound != 0 && *used > *bound / 10 * limits::redis_full_tenths) {
        found.push_back({nearly_full, fmt::format("more than {} tenths of its maxmemory of {} octets are "
                                                  "used: once it is full nothing new can be published; "
                                                  "give it more",
                                                  limits::redis_full_tenths, *bound)});
    }
    if (!is_policy(policy) || !bound || !used) {
        found.push_back({not_told,
                         "INFO memory does not say maxmemory_policy, maxmemory and used_memory as a Redis "
                         "does: whether it evicts pages, and how full it is, cannot be told; look what "
                         "answers there"});
    }
    return found;
}

}  // namespace eightbells::cache
