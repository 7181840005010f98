#include "responder/der/writer.h"

#include <array>

namespace eightbells::der {
namespace {

// "00" to "99": three times are written for every answer.
constexpr std::array<char, 200> two_digits = [] {
    std::array<char, 200> text{};
    for (std::size_t i = 0; i < 100; ++i) {
        text[2 * i] = static_cast<char>('0' + i / 10);
        text[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
    return text;
}();

}  // namespace

std::size_t write_header(Tag tag, std::size_t length, std::span<std::uint8_t, 10> out) noexcept {
    std::size_t at = out.size();
    if (length < 0x80) {
        out[--at] = static_cast<std::uint8_t>(length);
        out[--at] = static_cast<std::uint8_t>(tag);
        return 2;
    }
    for (; length != 0; length >>= 8)
        out[--at] = static_cast<std::uint8_t>(length & 0xff);
    const auto octets = static_cast<std::uint8_t>(out.size() - at);
    out[--at] = static_cast<std::uint8_t>(0x80 | octets);
    out[--at] = static_cast<std::uint8_t>(tag);
    return out.size() - at;
}

void Writer::unsigned_integer(std::uint64_t value) noexcept {
    std::array<std::uint8_t, 8> magnitude;
    for (std::size_t i = magnitude.size(); i-- > 0; value >>= 8)
        magnitude[i] = static_cast<std::uint8_t>(value & 0xff);
    unsigned_integer(ByteView{magnitude});
}

void Writer::boolean(bool value) noexcept {
    const std::size_t since = size();
    octet(value ? 0xff : 0x00);
    wrap(Tag::boolean, since);
}

void Writer::null() noexcept {
    wrap(Tag::null, size());
}

void Writer::bit_string(ByteView octets) noexcept {
    const std::size_t since = size();
    raw(octets);
    octet(0);  // unused bits
    wrap(Tag::bit_string, since);
}

bool write_generalized_time(UtcTime time, std::span<std::uint8_t, generalized_time_octets> text) noexcept {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const auto first = std::chrono::sys_days{std::chrono::year{0} / 1 / 1};
    if (day < first || time > year_9999)
        return false;
    const std::chrono::year_month_day date{day};
    const auto since_midnight = static_cast<unsigned>((time - day).count());
    const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
    const auto put = [&text](std::size_t at, unsigned value) {
        std::memcpy(&text[at], two_digits.data() + std::size_t{2} * value, 2);
    };
    put(0, year / 100);
    put(2, year % 100);
    put(4, static_cast<unsigned>(date.month()));
    put(6, static_cast<unsigned>(date.day()));
    put(8, since_midnight / 3600);
    put(10, since_midnight / 60 % 60);
    put(12, since_midnight % 60);
    text[14] = 'Z';
    return true;
}

}  // namespace eightbells::der
