#include "responder/http/date.h"

#include <algorithm>
#include <cstring>

namespace eightbells::http {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::string_view week = "SunMonTueWedThuFriSat";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr UtcTime first_second{sys_days{std::chrono::year{1} / 1 / 1}};

void two_digits(char* out, unsigned value) noexcept {
    out[0] = static_cast<char>('0' + value / 10 % 10);
    out[1] = static_cast<char>('0' + value % 10);
}

void write_day(sys_days day, char* out) noexcept {
    const year_month_day date{day};
    const unsigned month = static_cast<unsigned>(date.month()) - 1;
    const unsigned year = static_cast<unsigned>(static_cast<int>(date.year()));
    std::memcpy(out, week.data() + std::size_t{std::chrono::weekday{day}.c_encoding()} * 3, 3);
    std::memcpy(out + 3, ", ", 2);
    two_digits(out + 5, static_cast<unsigned>(date.day()));
    out[7] = ' ';
    std::memcpy(out + 8, months.data() + std::size_t{month} * 3, 3);
    out[11] = ' ';
    two_digits(out + 12, year / 100);
    two_digits(out + 14, year % 100);
    out[16] = ' ';
}

// Takes pieces off the front of a date text; anything unexpected makes it fail for good.
class Reader {
  public:
    explicit Reader(std::string_view text) noexcept : rest_(text) {}
    void literal(std::string_view expected) noexcept {
        if (rest_.substr(0, expected.size()) == expected)
            rest_.remove_prefix(expected.size());
        else
            failed_ = true;
    }
    unsigned number(std::size_t digits) noexcept {
        unsigned value = 0;
        if (rest_.size() < digits) {
            failed_ = true;
            return 0;
        }
        for (std::size_t i = 0; i < digits; ++i) {
            if (rest_[i] < '0' || rest_[i] > '9')
                failed_ = true;
            value = value * 10 + static_cast<unsigned>(rest_[i] - '0');
        }
        rest_.remove_prefix(digits);
        return value;
    }
    // One of the three-letter names: its place, from 0.
    unsigned name(std::string_view names) noexcept {
        for (std::size_t i = 0; i < names.size() && rest_.size() >= 3; i += 3)
            if (rest_.substr(0, 3) == names.substr(i, 3)) {
                rest_.remove_prefix(3);
                return static_cast<unsigned>(i / 3);
            }
        failed_ = true;
        return 0;
    }
    unsigned day_of_asctime() noexcept {  // " 6" or "16"
        if (rest_.substr(0, 1) == " ") {
            literal(" ");
            return number(1);
        }
        return number(2);
    }
    void clock(unsigned& hour, unsigned& minute, unsigned& second) noexcept {
        hour = number(2);
        literal(":");
        minute = number(2);
        literal(":");
        second = number(2);
    }
    bool done() const noexcept { return !failed_ && rest_.empty(); }

  private:
    std::string_view rest_;
    bool failed_ = false;
};

}  // namespace

void DateWriter::write(UtcTime time, char* out) noexcept {
    time = std::clamp(time, first_second, year_9999);
    const sys_days day = std::chrono::floor<days>(time);
    const std::int64_t number = day.time_since_epoch().count();
    if (number >= 0) {
        Day& cached = days_[static_cast<std::size_t>(number) % days_.size()];
        if (cached.number != number) {
            cached.number = number;
            write_day(day, cached.text.data());
        }
        std::memcpy(out, cached.text.data(), cached.text.size());
    } else {
        write_day(day, out);
    }
    const auto second = static_cast<unsigned>((time - day).count());
    two_digits(out + 17, second / 3600);
    out[19] = ':';
    two_digits(out + 20, second / 60 % 60);
    out[22] = ':';
    two_digits(out + 23, second % 60);
    std::memcpy(out + 25, " GMT", 4);
}

std::optional<UtcTime> parse_date(std::string_view text, UtcTime now) noexcept {
    Reader in(text);
    unsigned day = 0;
    unsigned month = 0;
    unsigned year = 0;
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    const std::size_t comma = text.find(',');
    if (comma == 3) {  // Sun, 06 Nov 1994 08:49:37 GMT
        in.name(week);
        in.literal(", ");
        day = in.number(2);
        in.literal(" ");
        month = in.name(months);
        in.literal(" ");
        year = in.number(4);
        in.literal(" ");
        in.clock(hour, minute, second);
        in.literal(" GMT");
    } else if (comma != std::string_view::npos) {  // Sunday, 06-Nov-94 08:49:37 GMT
        static constexpr std::array<std::string_view, 7> names{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                               "Thursday", "Friday", "Saturday"};
        if (std::ranges::find(names, text.substr(0, comma)) == names.end())
            return std::nullopt;
        in = Reader(text.substr(comma));
        in.literal(", ");
        day = in.number(2);
        in.literal("-");
        month = in.name(months);
        in.literal("-");
        year = in.number(2);
        in.literal(" ");
        in.clock(hour, minute, second);
        in.literal(" GMT");
        // More than 50 years ahead means the century before (RFC 9110, section 5.6.7).
        const year_month_day today{std::chrono::floor<days>(now)};
        const auto this_year = static_cast<unsigned>(static_cast<int>(today.year()));
        year += this_year / 100 * 100;
        if (year > this_year + 50)
            year -= 100;
    } else {  // Sun Nov  6 08:49:37 1994
        in.name(week);
        in.literal(" ");
        month = in.name(months);
        in.literal(" ");
        day = in.day_of_asctime();
        in.literal(" ");
        in.clock(hour, minute, second);
        in.literal(" ");
        year = in.number(4);
    }
    const year_month_day date{std::chrono::year{static_cast<int>(year)}, std::chrono::month{month + 1},
                              std::chrono::day{day}};
    if (!in.done() || !date.ok() || year == 0 || hour > 23 || minute > 59 || second > 60)
        return std::nullopt;
    return UtcTime{sys_days{date}} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
           seconds{second};
}

}  // namespace eightbells::http
