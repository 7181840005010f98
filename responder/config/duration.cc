#include <fmt/format.h>

#include <array>
#include <charconv>

#include "responder/config/config.h"
#include "responder/config/limits.h"

namespace eightbells::config {
namespace {

struct Unit {
    char letter;
    std::int64_t in_seconds;
};
constexpr std::array<Unit, 4> units{{{'d', 86'400}, {'h', 3'600}, {'m', 60}, {'s', 1}}};

}  // namespace

Result<seconds> parse_duration(std::string_view text) {
    const Error not_one{
        fmt::format("\"{}\" is not a duration; write for example \"24h\", \"90s\" or \"1d12h\"", text)};
    std::int64_t total = 0;
    std::size_t next_unit = 0;
    std::string_view rest = text;
    if (rest.empty())
        return fail(not_one.message);
    while (!rest.empty()) {
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
        if (rest.front() == '-' || error != std::errc{} || end == rest.data() + rest.size())
            return fail(not_one.message);
        while (next_unit < units.size() && units[next_unit].letter != *end)
            ++next_unit;
        if (next_unit == units.size())
            return fail(not_one.message);
        const std::int64_t unit = units[next_unit++].in_seconds;
        if (number > limits::duration_max.count() / unit)
            return fail(fmt::format("\"{}\" is more than {}, the longest that is accepted", text,
                                    duration_text(limits::duration_max)));
        total += number * unit;
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
    }
    return seconds{total};
}

std::string duration_text(seconds duration) {
    std::int64_t rest = duration.count();
    if (rest == 0)
        return "0s";
    std::string text;
    if (rest < 0) {
        text = "-";
        rest = -rest;
    }
    for (const Unit& unit : units) {
        if (rest >= unit.in_seconds)
            text += fmt::format("{}{}", rest / unit.in_seconds, unit.letter);
        rest %= unit.in_seconds;
    }
    return text;
}

}  // namespace eightbells::config
