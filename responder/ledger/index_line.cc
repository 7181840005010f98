#include "responder/ledger/index_line.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace eightbells::ledger {

namespace {

constexpr std::size_t fields_in_line = 6;
using Fields = std::array<std::string_view, fields_in_line>;

// The fields as OpenSSL splits them: a tab ends a field unless a backslash stands before it.
std::size_t split(std::string_view line, Fields& fields) noexcept {
    std::size_t count = 0;
    std::size_t from = 0;
    std::size_t at = 0;
    for (;;) {
        at = line.find('\t', at);
        if (at != std::string_view::npos && at > from && line[at - 1] == '\\') {
            ++at;
            continue;
        }
        if (count < fields.size())
            fields[count] = line.substr(from, at == std::string_view::npos ? at : at - from);
        ++count;
        if (at == std::string_view::npos)
            return count;
        from = ++at;
    }
}

Result<Serial> parse_serial(std::string_view text) {
    // The usual form without an allocation; whatever is unusual, or wrong, goes the long way.
    std::array<std::uint8_t, Serial::max_octets> octets{};
    const auto digit = [](char c) -> int {
        if (c >= '0' && c <= '9')
            return c - '0';
        if (c >= 'A' && c <= 'F')
            return c - 'A' + 10;
        if (c >= 'a' && c <= 'f')
            return c - 'a' + 10;
        return -1;
    };
    if (!text.empty() && text.size() <= 2 * octets.size()) {
        std::size_t at = octets.size() * 2 - text.size();  // in half octets: right-aligned
        bool plain = true;
        for (const char c : text) {
            const int value = digit(c);
            plain = plain && value >= 0;
            octets[at / 2] = static_cast<std::uint8_t>((octets[at / 2] << 4) | (value & 0x0f));
            ++at;
        }
        if (plain) {
            if (const auto serial = Serial::from_magnitude(octets))
                return *serial;
        }
    }
    auto serial = Serial::from_hex(text);
    if (!serial)
        return fail("serial", serial.error());
    return serial;
}

Result<Revocation> parse_revocation(std::string_view text) {
    if (text.empty())
        return fail("revocation date: missing in a revoked entry");
    const std::size_t first = text.find(',');
    const std::string_view time_text = text.substr(0, first);
    const auto time = parse_index_time(time_text);
    if (!time)
        return fail(
            fmt::format("revocation date: \"{:.40}\" is not YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ", time_text));
    Revocation revocation{*time, std::nullopt, std::nullopt};
    if (first == std::string_view::npos)
        return revocation;
    const std::string_view after = text.substr(first + 1);
    const std::size_t second = after.find(',');
    const std::string_view name = after.substr(0, second);
    const bool has_argument = second != std::string_view::npos;
    const std::string_view argument = has_argument ? after.substr(second + 1) : std::string_view{};
    // What `openssl ca -crl_hold`, `-crl_compromise` and `-crl_CA_compromise` write (any case is read).
    const auto is = [&](std::string_view word) {
        return name.size() == word.size() && ::strncasecmp(name.data(), word.data(), word.size()) == 0;
    };
    if (is("holdInstruction")) {
        if (argument.empty())
            return fail("revocation reason: holdInstruction without its object identifier");
        revocation.reason = CrlReason::certificate_hold;
        return revocation;
    }
    if (is("keyTime") || is("CAkeyTime")) {
        revocation.reason = is("keyTime") ? CrlReason::key_compromise : CrlReason::ca_compromise;
        revocation.invalidity_date = parse_index_time(argument);
        if (!revocation.invalidity_date)
            return fail(fmt::format("invalidity date: \"{:.40}\" is not YYYYMMDDHHMMSSZ", argument));
        return revocation;
    }
    const auto reason = reason_from_string(name);
    if (!reason)
        return fail(fmt::format("revocation reason: \"{:.40}\" is not known", name));
    if (*reason == CrlReason::remove_from_crl)
        return fail("revocation reason: removeFromCRL only ever stands in a delta CRL");
    if (has_argument)
        return fail(fmt::format("revocation reason: \"{:.40}\" takes nothing after it", name));
    if (*reason != CrlReason::unspecified)  // B-15
        revocation.reason = *reason;
    return revocation;
}

}  // namespace

std::optional<UtcTime> parse_index_time(std::string_view text) noexcept {
    if ((text.size() != 13 && text.size() != 15) || text.back() != 'Z')
        return std::nullopt;
    text.remove_suffix(1);
    for (const char c : text) {
        if (c < '0' || c > '9')
            return std::nullopt;
    }
    const auto two = [&](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
    int year = two(0);
    std::size_t at = 2;
    if (text.size() == 14) {
        year = year * 100 + two(2);
        at = 4;
    } else {
        year += year < 50 ? 2000 : 1900;
    }
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(two(at))},
                                           std::chrono::day{static_cast<unsigned>(two(at + 2))}};
    const int hour = two(at + 4);
    const int minute = two(at + 6);
    const int second = two(at + 8);
    if (!date.ok() || hour > 23 || minute > 59 || second > 59)
        return std::nullopt;
    return UtcTime{std::chrono::sys_days{date}} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
           std::chrono::seconds{second};
}

Result<IndexLine> parse_index_line(std::string_view line) {
    if (line.empty())
        return fail("an empty line");
    if (line.find('\0') != std::string_view::npos)
        return fail("a zero octet");
    Fields fields;
    const std::size_t count = split(line, fields);
    if (count != fields_in_line)
        return fail(fmt::format("{} fields, {} are expected (separated by tabs)", count, fields_in_line));
    const auto& [kind, end_text, revoked_text, serial_text, file, subject] = fields;
    static_cast<void>(file);
    static_cast<void>(subject);
    if (kind != "V" && kind != "R" && kind != "E")
        return fail(fmt::format("status: \"{:.20}\" is none of V, R, E", kind));
    const auto not_after = parse_index_time(end_text);
    if (!not_after)
        return fail(fmt::format("end date: \"{:.40}\" is not YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ", end_text));
    CertStatus status;
    if (kind == "R") {
        auto revocation = parse_revocation(revoked_text);
        if (!revocation)
            return fail(revocation.error().message);
        status = *revocation;
    } else if (!revoked_text.empty()) {
        return fail(fmt::format("status: {} with a revocation date", kind));
    }
    const auto serial = parse_serial(serial_text);
    if (!serial)
        return fail(serial.error().message);
    return IndexLine{*serial, *not_after, status};
}

}  // namespace eightbells::ledger
