#include "responder/http/preconditions.h"

#include <algorithm>
#include <cstring>

#include "responder/http/date.h"
#include "responder/http/grammar.h"

namespace eightbells::http {
namespace {

// Takes one entity-tag off the front of a list, its W/ dropped; an empty view when there is none.
std::string_view take_tag(std::string_view& list) noexcept {
    if (list.substr(0, 2) == "W/")
        list.remove_prefix(2);
    if (list.empty() || list.front() != '"')
        return {};
    const std::size_t end = list.find('"', 1);
    if (end == std::string_view::npos)
        return {};
    const std::string_view tag = list.substr(0, end + 1);
    list.remove_prefix(end + 1);
    return tag;
}

// If-None-Match over all its lines.
bool any_tag_matches(const Conditions& conditions, std::string_view tag) noexcept {
    const Field& field = conditions.head->headers.if_none_match;
    if (field.lines == 1)
        return tag_list_matches(conditions.value(field), tag);
    static constexpr std::string_view name = "if-none-match:";
    bool matches = false;
    std::string_view lines = conditions.lines;
    while (!lines.empty() && !matches) {
        const std::size_t end = std::min(lines.find('\r'), lines.size());
        const std::string_view line = lines.substr(0, end);
        if (line.size() >= name.size() && equal_ignoring_case(line.substr(0, name.size()), name))
            matches = tag_list_matches(trim(line.substr(name.size())), tag);
        lines.remove_prefix(std::min(end + 2, lines.size()));
    }
    return matches;
}

// Digits as a number that stops at `most`; nullopt without digits.
std::optional<std::uint64_t> parse_position(std::string_view text, std::uint64_t most) noexcept {
    if (text.empty())
        return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9')
            return std::nullopt;
        const auto digit = static_cast<std::uint64_t>(c - '0');
        value = value > (most - digit) / 10 ? most : value * 10 + digit;
    }
    return value;
}

}  // namespace

void write_entity_tag(const EntityTag& tag, char* out) noexcept {
    static constexpr auto pairs = [] {
        constexpr std::string_view digits = "0123456789abcdef";
        std::array<std::array<char, 2>, 256> all{};
        for (std::size_t octet = 0; octet < all.size(); ++octet)
            all[octet] = {digits[octet >> 4], digits[octet & 15]};
        return all;
    }();
    *out++ = '"';
    for (const std::uint8_t octet : tag) {
        std::memcpy(out, pairs[octet].data(), 2);
        out += 2;
    }
    *out = '"';
}

bool tag_list_matches(std::string_view list, std::string_view quoted_tag) noexcept {
    if (list == "*")
        return true;
    while (!list.empty()) {
        list = trim(list);
        if (!list.empty() && list.front() == ',') {  // an empty element, section 5.6.1.2
            list.remove_prefix(1);
            continue;
        }
        const std::string_view tag = take_tag(list);
        if (tag.empty())
            return false;  // not a list of tags: as if it were not there
        list = trim(list);
        if (!list.empty() && list.front() != ',')
            return false;
        if (tag == quoted_tag)
            return true;
    }
    return false;
}

bool not_modified(const Conditions& conditions, const Caching& caching, UtcTime now) noexcept {
    const HeaderFacts& head = conditions.head->headers;
    if (head.if_none_match.lines != 0) {
        EntityTagText tag;
        write_entity_tag(caching.etag, tag.data());
        return any_tag_matches(conditions, {tag.data(), tag.size()});
    }
    if (head.if_modified_since.lines != 1)
        return false;
    const auto since = parse_date(conditions.value(head.if_modified_since), now);
    return since && *since <= now && caching.last_modified <= *since;
}

ByteRange parse_range(std::string_view value, std::uint64_t size) noexcept {
    const ByteRange whole{ByteRange::Kind::whole, 0, size};
    static constexpr std::string_view unit = "bytes=";
    if (value.size() < unit.size() || !equal_ignoring_case(value.substr(0, unit.size()), unit))
        return whole;
    const std::string_view range = trim(value.substr(unit.size()));
    const std::size_t dash = range.find('-');
    if (dash == std::string_view::npos)
        return whole;
    constexpr std::uint64_t most = UINT64_MAX / 16;
    const std::string_view from = range.substr(0, dash);
    const std::string_view to = range.substr(dash + 1);
    const auto last = parse_position(to, most);
    if (!last && !to.empty())
        return whole;  // several ranges end up here: ',' is no digit
    if (from.empty()) {
        if (!last)
            return whole;
        if (*last == 0 || size == 0)
            return {ByteRange::Kind::unsatisfiable, 0, 0};
        const std::uint64_t octets = std::min(*last, size);
        return {ByteRange::Kind::part, size - octets, octets};
    }
    const auto first = parse_position(from, most);
    if (!first || (last && *last < *first))
        return whole;
    if (*first >= size)
        return {ByteRange::Kind::unsatisfiable, 0, 0};
    const std::uint64_t end = last ? std::min(*last, size - 1) : size - 1;
    return {ByteRange::Kind::part, *first, end - *first + 1};
}

ByteRange choose_range(const Conditions& conditions, const std::optional<Caching>& caching,
                       std::uint64_t size) noexcept {
    const HeaderFacts& head = conditions.head->headers;
    const ByteRange whole{ByteRange::Kind::whole, 0, size};
    if (conditions.head->verb != Verb::get || head.range.lines != 1)
        return whole;
    if (head.if_range.lines != 0) {
        EntityTagText tag;
        if (!caching || head.if_range.lines != 1)
            return whole;
        write_entity_tag(caching->etag, tag.data());
        if (conditions.value(head.if_range) != std::string_view{tag.data(), tag.size()})
            return whole;
    }
    return parse_range(conditions.value(head.range), size);
}

}  // namespace eightbells::http
