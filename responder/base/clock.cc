#include "responder/base/clock.h"

#include <fmt/format.h>

namespace eightbells {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hh_mm_ss;
using std::chrono::year_month_day;

std::string to_iso8601(UtcTime t) {
    const auto day = floor<days>(t);
    const year_month_day date{day};
    const hh_mm_ss time{t - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count());
}

Result<UtcTime> from_iso8601(std::string_view text) {
    static constexpr std::string_view pattern = "0000-00-00T00:00:00Z";
    const auto wrong = [&] {
        return fail(fmt::format("\"{}\" is not a time like 2026-11-22T06:40:00Z", text));
    };
    if (text.size() != pattern.size())
        return wrong();
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const bool fits = pattern[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == pattern[i];
        if (!fits)
            return wrong();
    }
    const auto number = [&](std::size_t at, std::size_t digits) {
        int value = 0;
        for (std::size_t i = at; i < at + digits; ++i)
            value = value * 10 + (text[i] - '0');
        return value;
    };
    const year_month_day date{std::chrono::year{number(0, 4)},
                              std::chrono::month{static_cast<unsigned>(number(5, 2))},
                              std::chrono::day{static_cast<unsigned>(number(8, 2))}};
    const int hour = number(11, 2);
    const int minute = number(14, 2);
    const int second = number(17, 2);
    if (!date.ok() || hour > 23 || minute > 59 || second > 59)
        return wrong();
    return UtcTime{std::chrono::sys_days{date}} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
           seconds{second};
}

UtcTime SystemClock::now() const noexcept {
    return floor<seconds>(std::chrono::system_clock::now());
}
std::chrono::steady_clock::time_point SystemClock::steady() const noexcept {
    return std::chrono::steady_clock::now();
}

}  // namespace eightbells
