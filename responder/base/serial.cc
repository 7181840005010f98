#include "responder/base/serial.h"

#include <fmt/format.h>

namespace eightbells {

std::optional<Serial> Serial::from_magnitude(ByteView octets) noexcept {
    while (!octets.empty() && octets.front() == 0)
        octets = octets.subspan(1);
    if (octets.empty() || octets.size() > max_octets)
        return std::nullopt;
    Serial serial;
    std::ranges::copy(octets, serial.octets_.begin());
    serial.size_ = static_cast<std::uint8_t>(octets.size());
    return serial;
}

std::optional<Serial> Serial::from_der_content(ByteView content) noexcept {
    if (content.empty() || (content.front() & 0x80) != 0)
        return std::nullopt;  // negative, or no INTEGER at all
    return from_magnitude(content);
}

Result<Serial> Serial::from_hex(std::string_view text) {
    const auto wrong = [&](std::string_view why) {
        return fail(fmt::format("\"{:.80}\" is not a serial number: {}", text, why));
    };
    std::string_view rest = text;
    if (rest.starts_with("0x") || rest.starts_with("0X"))
        rest.remove_prefix(2);
    if (rest.find(':') != std::string_view::npos) {
        for (std::size_t i = 0; i < rest.size(); ++i) {
            if ((rest[i] == ':') != (i % 3 == 2))
                return wrong("colons must stand between pairs of digits");
        }
        if (rest.size() % 3 != 2)
            return wrong("colons must stand between pairs of digits");
    }
    std::string digits;
    for (const char c : rest) {
        if (c != ':')
            digits.push_back(c);
    }
    if (digits.empty())
        return wrong("it has no digits");
    if (digits.size() % 2 != 0)
        digits.insert(digits.begin(), '0');
    if (digits.size() > 256)
        return wrong("it is longer than 20 octets");
    const auto octets = eightbells::from_hex(digits);
    if (!octets)
        return wrong("hexadecimal digits are expected");
    const auto serial = from_magnitude(*octets);
    if (!serial) {
        const bool zero = std::ranges::all_of(*octets, [](std::uint8_t o) { return o == 0; });
        return wrong(zero ? "zero is not allowed" : "it is longer than 20 octets");
    }
    return *serial;
}

Result<Serial> Serial::from_decimal(std::string_view text) {
    const auto wrong = [&](std::string_view why) {
        return fail(fmt::format("\"{:.80}\" is not a serial number: {}", text, why));
    };
    if (text.empty())
        return wrong("it has no digits");
    std::array<std::uint8_t, max_octets> value{};
    for (const char c : text) {
        if (c < '0' || c > '9')
            return wrong("decimal digits are expected");
        unsigned carry = static_cast<unsigned>(c - '0');
        for (std::size_t i = value.size(); i-- > 0;) {
            const unsigned step = value[i] * 10U + carry;
            value[i] = static_cast<std::uint8_t>(step & 0xff);
            carry = step >> 8;
        }
        if (carry != 0)
            return wrong("it is longer than 20 octets");
    }
    const auto serial = from_magnitude(value);
    if (!serial)
        return wrong("zero is not allowed");
    return *serial;
}

std::string Serial::to_hex() const {
    std::string text = eightbells::to_hex(magnitude());
    for (char& c : text) {
        if (c >= 'a')
            c = static_cast<char>(c - 'a' + 'A');
    }
    return text;
}

std::strong_ordering operator<=>(const Serial& a, const Serial& b) noexcept {
    if (a.size_ != b.size_)
        return a.size_ <=> b.size_;  // no leading zeros: the longer is the larger
    for (std::size_t i = 0; i < a.size_; ++i) {
        if (a.octets_[i] != b.octets_[i])
            return a.octets_[i] <=> b.octets_[i];
    }
    return std::strong_ordering::equal;
}

}  // namespace eightbells
