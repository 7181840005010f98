#include "responder/front/store_keys.h"

#include <algorithm>

#include "responder/base/durable_file.h"
#include "responder/config/limits.h"

namespace eightbells::front {
namespace {

Result<cache::StorePublicKey> parse_key(std::string_view text, const std::string& at) {
    const auto octets = from_hex(text);
    cache::StorePublicKey key;
    if (!octets || octets->size() != key.size())
        return fail(at + ": is not a store key of " + std::to_string(2 * key.size()) + " hexadecimal digits");
    std::ranges::copy(*octets, key.begin());
    return key;
}

std::string_view trimmed(std::string_view line) {
    constexpr std::string_view space = " \t\r";
    const auto first = line.find_first_not_of(space);
    if (first == std::string_view::npos)
        return {};
    return line.substr(first, line.find_last_not_of(space) - first + 1);
}

}  // namespace

Result<std::vector<cache::StorePublicKey>> read_store_keys(std::span<const std::string> keys,
                                                           std::span<const std::filesystem::path> files) {
    std::vector<cache::StorePublicKey> trusted;
    const auto take = [&trusted](std::string_view text, const std::string& at) -> Status {
        const auto key = parse_key(text, at);
        if (!key)
            return tl::unexpected(key.error());
        if (std::ranges::find(trusted, *key) == trusted.end())
            trusted.push_back(*key);
        return {};
    };
    for (std::size_t i = 0; i < keys.size(); ++i)
        if (const Status taken = take(keys[i], "front.store_keys[" + std::to_string(i) + "]"); !taken)
            return tl::unexpected(taken.error());
    for (const auto& file : files) {
        const auto bytes = read_file(file, limits::store_key_file_octets);
        if (!bytes)
            return fail("store key " + file.string(), bytes.error());
        std::string_view rest = as_text(*bytes);
        for (std::size_t line = 1; !rest.empty(); ++line) {
            const auto end = rest.find('\n');
            const std::string_view text = trimmed(rest.substr(0, end));
            rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
            if (text.empty() || text.starts_with('#'))
                continue;
            if (const Status taken = take(text, file.string() + ":" + std::to_string(line)); !taken)
                return tl::unexpected(taken.error());
        }
    }
    if (trusted.empty())
        return fail("no store key to trust: front.store_keys and front.store_key_files name none");
    return trusted;
}

}  // namespace eightbells::front
