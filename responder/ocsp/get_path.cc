#include <algorithm>

#include "responder/ocsp/request.h"

namespace eightbells::ocsp {

namespace {

constexpr std::uint8_t not_base64 = 0xff;
constexpr std::uint8_t padding = 0xfe;

// The standard alphabet (RFC 4648, section 4) by octet.
constexpr std::array<std::uint8_t, 256> sextets = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(not_base64);
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        table[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
    table[static_cast<std::uint8_t>('=')] = padding;
    return table;
}();

// Takes groups of four plain letters off the front of the text, as far as they go, and says how many. What is
// left, an escape, padding or a fault, is for the careful way. Nearly all of a path is such groups.
std::size_t decode_groups(std::string_view text, std::uint8_t* out, std::size_t most) noexcept {
    const auto sextet = [&](std::size_t at) -> std::uint32_t {
        return sextets[static_cast<std::uint8_t>(text[at])];
    };
    std::size_t groups = 0;
    for (; groups < most; ++groups, out += 3) {
        const std::size_t at = 4 * groups;
        const std::uint32_t a = sextet(at);
        const std::uint32_t b = sextet(at + 1);
        const std::uint32_t c = sextet(at + 2);
        const std::uint32_t d = sextet(at + 3);
        if ((a | b | c | d) >= 64)
            break;
        const std::uint32_t group = a << 18 | b << 12 | c << 6 | d;
        out[0] = static_cast<std::uint8_t>(group >> 16);
        out[1] = static_cast<std::uint8_t>(group >> 8 & 0xff);
        out[2] = static_cast<std::uint8_t>(group & 0xff);
    }
    return groups;
}

// The value of a hexadecimal digit, or a negative number.
constexpr int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

// The next sextet of the text, percent-decoded once; not_base64 for everything that is no such thing.
std::uint8_t next_sextet(std::string_view text, std::size_t& at) noexcept {
    const char c = text[at++];
    if (c != '%')
        return sextets[static_cast<std::uint8_t>(c)];
    if (text.size() - at < 2)
        return not_base64;
    const int high = hex_value(text[at]);
    const int low = hex_value(text[at + 1]);
    at += 2;
    if (high < 0 || low < 0)
        return not_base64;
    return sextets[static_cast<std::uint8_t>(high * 16 + low)];
}

}  // namespace

std::optional<ByteView> decode_get_path(std::string_view encoded, std::span<std::uint8_t> out) noexcept {
    if (encoded.starts_with('/'))
        encoded.remove_prefix(1);
    std::size_t written = 0;
    std::uint32_t group = 0;  // up to four sextets
    unsigned sextet_count = 0;
    unsigned pads = 0;
    for (std::size_t at = 0; at < encoded.size();) {
        if (sextet_count % 4 == 0 && pads == 0) {
            const std::size_t groups =
                decode_groups(encoded.substr(at), out.data() + written,
                              std::min((encoded.size() - at) / 4, (out.size() - written) / 3));
            at += 4 * groups;
            written += 3 * groups;
            if (groups != 0)
                sextet_count = 4;
            if (at == encoded.size())
                break;
        }
        const std::uint8_t sextet = next_sextet(encoded, at);
        if (sextet == not_base64)
            return std::nullopt;
        if (sextet == padding) {
            // Only the third and fourth places of the last group may be padding.
            if (sextet_count + pads < 2 || sextet_count + pads == 4)
                return std::nullopt;
            ++pads;
            continue;
        }
        if (pads != 0)
            return std::nullopt;
        if (sextet_count == 4)
            sextet_count = 0;
        group = group << 6 | sextet;
        if (++sextet_count < 4)
            continue;
        if (out.size() - written < 3)
            return std::nullopt;
        out[written++] = static_cast<std::uint8_t>(group >> 16 & 0xff);
        out[written++] = static_cast<std::uint8_t>(group >> 8 & 0xff);
        out[written++] = static_cast<std::uint8_t>(group & 0xff);
    }
    if (sextet_count == 4 || sextet_count == 0)
        return written != 0 && pads == 0 ? std::optional{ByteView{out.first(written)}} : std::nullopt;
    if (sextet_count + pads != 4)
        return std::nullopt;
    // Two sextets carry one octet and four bits, three carry two octets and two bits; those bits are zero.
    const unsigned octets = sextet_count - 1;
    const unsigned surplus = octets == 1 ? 4 : 2;
    if ((group & ((1U << surplus) - 1)) != 0 || out.size() - written < octets)
        return std::nullopt;
    group >>= surplus;
    if (octets == 2)
        out[written++] = static_cast<std::uint8_t>(group >> 8 & 0xff);
    out[written++] = static_cast<std::uint8_t>(group & 0xff);
    return ByteView{out.first(written)};
}

}  // namespace eightbells::ocsp
