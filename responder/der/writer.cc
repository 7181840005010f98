#include "responder/der/writer.h"

#include <array>
#include <cstring>

namespace eightbells::der {

void Writer::raw(ByteView bytes) noexcept {
    if (!ok_ || bytes.size() > at_) {
        ok_ = false;
        return;
    }
    if (bytes.empty())
        return;  // memcpy must not see the null pointer of an empty view
    at_ -= bytes.size();
    std::memcpy(buffer_.data() + at_, bytes.data(), bytes.size());
}

void Writer::octet(std::uint8_t value) noexcept {
    if (!ok_ || at_ == 0) {
        ok_ = false;
        return;
    }
    buffer_[--at_] = value;
}

void Writer::wrap(Tag tag, std::size_t since) noexcept {
    if (!ok_ || since > size()) {
        ok_ = false;
        return;
    }
    std::size_t length = size() - since;
    if (length < 0x80) {
        octet(static_cast<std::uint8_t>(length));
    } else {
        std::uint8_t octets = 0;
        for (; length != 0; length >>= 8, ++octets)
            octet(static_cast<std::uint8_t>(length & 0xff));
        octet(static_cast<std::uint8_t>(0x80 | octets));
    }
    octet(static_cast<std::uint8_t>(tag));
}

void Writer::element(Tag tag, ByteView content) noexcept {
    const std::size_t since = size();
    raw(content);
    wrap(tag, since);
}

void Writer::unsigned_integer(ByteView magnitude) noexcept {
    while (!magnitude.empty() && magnitude.front() == 0)
        magnitude = magnitude.subspan(1);
    const std::size_t since = size();
    raw(magnitude);
    if (magnitude.empty() || (magnitude.front() & 0x80) != 0)
        octet(0);  // zero itself, or the sign
    wrap(Tag::integer, since);
}

void Writer::unsigned_integer(std::uint64_t value) noexcept {
    std::array<std::uint8_t, 8> magnitude;
    for (std::size_t i = magnitude.size(); i-- > 0; value >>= 8)
        magnitude[i] = static_cast<std::uint8_t>(value & 0xff);
    unsigned_integer(ByteView{magnitude});
}

void Writer::enumerated(std::uint8_t value) noexcept {
    const std::size_t since = size();
    octet(value);
    if ((value & 0x80) != 0)
        octet(0);
    wrap(Tag::enumerated, since);
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

void Writer::generalized_time(UtcTime time) noexcept {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const auto first = std::chrono::sys_days{std::chrono::year{0} / 1 / 1};
    if (day < first || time > year_9999) {
        ok_ = false;
        return;
    }
    const std::chrono::year_month_day date{day};
    const auto since_midnight = static_cast<unsigned>((time - day).count());
    const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
    std::array<std::uint8_t, 15> text;
    const auto put = [&text](std::size_t at, unsigned value) {
        text[at] = static_cast<std::uint8_t>('0' + value / 10);
        text[at + 1] = static_cast<std::uint8_t>('0' + value % 10);
    };
    put(0, year / 100);
    put(2, year % 100);
    put(4, static_cast<unsigned>(date.month()));
    put(6, static_cast<unsigned>(date.day()));
    put(8, since_midnight / 3600);
    put(10, since_midnight / 60 % 60);
    put(12, since_midnight % 60);
    text[14] = 'Z';
    element(Tag::generalized_time, text);
}

}  // namespace eightbells::der
