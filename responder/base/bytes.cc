#include "responder/base/bytes.h"

namespace eightbells {

std::string to_hex(ByteView bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t octet : bytes) {
        text.push_back(digits[octet >> 4]);
        text.push_back(digits[octet & 0x0f]);
    }
    return text;
}

namespace {
int digit_value(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}
}  // namespace

Result<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) {
        return fail("an odd number of hexadecimal digits");
    }
    Bytes bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = digit_value(text[i]);
        const int low = digit_value(text[i + 1]);
        if (high < 0 || low < 0) {
            return fail("not a hexadecimal digit at position " + std::to_string(high < 0 ? i : i + 1));
        }
        bytes.push_back(static_cast<std::uint8_t>(high * 16 + low));
    }
    return bytes;
}

}  // namespace eightbells
