#include "responder/http/grammar.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "responder/http/limits.h"

namespace eightbells::http {
namespace {

constexpr std::array<bool, 256> table_of(std::string_view others) {
    std::array<bool, 256> table{};
    for (unsigned c = 0; c < 256; ++c) {
        const bool digit = c >= '0' && c <= '9';
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        table[c] = digit || letter;
    }
    for (const char c : others)
        table[static_cast<unsigned char>(c)] = true;
    return table;
}
constexpr auto token_chars = table_of("!#$%&'*+-.^_`|~");
constexpr auto reg_name_chars = table_of("-._~!$&'()*+,;=%");  // unreserved, sub-delims, pct-encoded
constexpr auto ip_literal_chars = table_of(":.-_~!$&'()*+,;=");

bool all_in(const std::array<bool, 256>& table, std::string_view text) noexcept {
    return std::ranges::all_of(text, [&](char c) { return table[static_cast<unsigned char>(c)]; });
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool is_hex_digit(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool escapes_are_whole(std::string_view text) noexcept {
    for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1))
        if (at + 2 >= text.size() || !is_hex_digit(text[at + 1]) || !is_hex_digit(text[at + 2]))
            return false;
    return true;
}

bool is_port(std::string_view text) noexcept {  // *DIGIT; the empty port is the scheme's own
    if (text.size() > 5 || !std::ranges::all_of(text, is_digit))
        return false;
    unsigned value = 0;
    for (const char c : text)
        value = value * 10 + static_cast<unsigned>(c - '0');
    return value <= 65535;
}

// Whether one of eight octets is below 0x21, above 0x7e or '#'. No octet's carry can hide another's hit,
// since the smallest hit is always exact (the classic haszero and hasless).
bool has_bad_target_octet(std::uint64_t octets) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101U;
    constexpr std::uint64_t highs = ones * 0x80U;
    const auto zero_in = [](std::uint64_t v) { return (v - ones) & ~v; };
    const std::uint64_t bad = octets | ((octets - ones * 0x21U) & ~octets) | zero_in(octets ^ ones * 0x7fU) |
                              zero_in(octets ^ ones * static_cast<std::uint64_t>('#'));
    return (bad & highs) != 0;
}

// Visible ASCII without '#': a fragment never travels (section 3.2.1), a raw octet above 127 is no URI. A GET
// is mostly target, so eight octets at a time.
bool is_target(std::string_view text) noexcept {
    std::uint64_t octets = 0;
    while (text.size() >= sizeof octets) {
        std::memcpy(&octets, text.data(), sizeof octets);
        if (has_bad_target_octet(octets))
            return false;
        text.remove_prefix(sizeof octets);
    }
    std::memset(&octets, 'a', sizeof octets);
    std::memcpy(&octets, text.data(), text.size());
    return !has_bad_target_octet(octets);
}

// Reduces origin-form and absolute-form to the path. The asterisk-form is for OPTIONS alone.
bool find_path(std::string_view target, bool asterisk_allowed, std::size_t& at, std::size_t& size) noexcept {
    at = 0;
    size = target.size();
    if (target.front() == '/')
        return true;
    if (target == "*") {
        size = 0;
        return asterisk_allowed;
    }
    const std::size_t scheme_end = target.find("://");
    if (scheme_end == std::string_view::npos)
        return false;
    const std::string_view scheme = target.substr(0, scheme_end);
    if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https"))
        return false;
    const std::size_t authority = scheme_end + 3;
    at = std::min(target.find('/', authority), target.size());
    size = target.size() - at;
    // A query straight after the authority has no path we could hand on as sent: is_host refuses its '?'.
    return is_host(target.substr(authority, at - authority));
}

bool is_version(std::string_view text) noexcept {
    return text.size() == 8 && text.substr(0, 5) == "HTTP/" && is_digit(text[5]) && text[6] == '.' &&
           is_digit(text[7]);
}

struct MethodRow {
    std::string_view name;
    Verb verb;
};
constexpr std::array<MethodRow, 9> methods{{{"GET", Verb::get},
                                            {"POST", Verb::post},
                                            {"HEAD", Verb::head},
                                            {"OPTIONS", Verb::options},
                                            {"PUT", Verb::other},
                                            {"DELETE", Verb::other},
                                            {"TRACE", Verb::other},
                                            {"CONNECT", Verb::other},
                                            {"PATCH", Verb::other}}};

}  // namespace

bool is_token_char(char c) noexcept {
    return token_chars[static_cast<unsigned char>(c)];
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) noexcept {
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && blank(text.back()))
        text.remove_suffix(1);
    return text;
}

std::optional<Fault> parse_request_line(std::string_view line, std::size_t target_octets,
                                        RequestLine& out) noexcept {
    const std::size_t method_end = line.find(' ');
    if (method_end == std::string_view::npos || method_end == 0 ||
        !all_in(token_chars, line.substr(0, method_end)))
        return Fault::request_line;
    const std::size_t target_end = line.find(' ', method_end + 1);
    if (target_end == std::string_view::npos || target_end == method_end + 1)
        return Fault::request_line;
    const std::string_view version = line.substr(target_end + 1);
    if (!is_version(version))
        return Fault::request_line;
    if (version != "HTTP/1.1" && version != "HTTP/1.0")
        return Fault::version;
    out.http_1_0 = version.back() == '0';

    const std::string_view method = line.substr(0, method_end);
    const auto row = std::ranges::find(methods, method, &MethodRow::name);
    if (row == methods.end())
        return Fault::method_unknown;
    out.verb = row->verb;

    const std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
    if (target.size() > target_octets)
        return Fault::target_too_long;
    if (!is_target(target))
        return Fault::target;
    if (method == "CONNECT")  // refused as a method once its headers are read, but well-formed
        return is_host(target) ? std::nullopt : std::optional{Fault::target};
    std::size_t at = 0;
    if (!find_path(target, row->verb == Verb::options, at, out.path_size))
        return Fault::target;
    out.path_at = method_end + 1 + at;
    return std::nullopt;
}

Fault judge_overlong_line(std::string_view beginning) noexcept {
    const std::string_view method = beginning.substr(0, limits::http_method_octets + 1);
    const std::size_t end = method.find(' ');
    if (end == 0 || !all_in(token_chars, method.substr(0, end)))
        return Fault::request_line;
    return end == std::string_view::npos ? Fault::method_unknown : Fault::target_too_long;
}

bool is_host(std::string_view text) noexcept {
    if (text.empty())
        return false;
    std::size_t end = 0;
    if (text.front() == '[') {
        end = text.find(']');
        if (end == std::string_view::npos || end < 3 || !all_in(ip_literal_chars, text.substr(1, end - 1)))
            return false;
        ++end;
    } else {
        end = std::min(text.find(':'), text.size());
        const std::string_view name = text.substr(0, end);
        if (name.empty() || !all_in(reg_name_chars, name) || !escapes_are_whole(name))
            return false;
    }
    return end == text.size() || (text[end] == ':' && is_port(text.substr(end + 1)));
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept {
    if (text.empty() || !std::ranges::all_of(text, is_digit))
        return std::nullopt;
    constexpr std::uint64_t most = (std::uint64_t{1} << 63) - 1;
    std::uint64_t value = 0;
    for (const char c : text) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (value > (most - digit) / 10)
            return std::nullopt;
        value = value * 10 + digit;
    }
    return value;
}

}  // namespace eightbells::http
