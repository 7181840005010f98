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

// The same, each sextet where it belongs in a group of four, so that a group is put together by looking up
// and nothing else. What is no letter of the alphabet sets a bit that no group has.
constexpr std::uint32_t not_plain = 1U << 31;
constexpr std::array<std::array<std::uint32_t, 256>, 4> placed_sextets = [] {
    std::array<std::array<std::uint32_t, 256>, 4> tables{};
    for (std::size_t place = 0; place < tables.size(); ++place)
        for (std::size_t octet = 0; octet < sextets.size(); ++octet)
            tables[place][octet] =
                sextets[octet] < 64 ? std::uint32_t{sextets[octet]} << (18 - 6 * place) : not_plain;
    return tables;
}();

// Takes groups of four plain letters off the front of the text, as far as they go, and says how many. What is
// left, an escape, padding or a fault, is for the careful way. Nearly all of a path is such groups.
std::size_t decode_groups(std::string_view text, std::uint8_t* out, std::size_t most) noexcept {
    const auto* in = reinterpret_cast<const std::uint8_t*>(text.data());
    std::size_t groups = 0;
    for (; groups < most; ++groups, in += 4, out += 3) {
        const std::uint32_t group = placed_sextets[0][in[0]] | placed_sextets[1][in[1]] |
                                    placed_sextets[2][in[2]] | placed_sextets[3][in[3]];
        if (group >= not_plain)
            break;
        out[0] = static_cast<std::uint8_t>(group >> 16);
        out[1] = static_cast<std::uint8_t>(group >> 8 & 0xff);
        out[2] = static_cast<std::uint8_t>(group & 0xff);
    }
    return groups;
}

constexpr std::uint8_t not_hex = 0xff;

// The values of hexadecimal digits by octet.
constexpr std::array<std::uint8_t, 256> hex_values = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(not_hex);
    for (std::uint8_t i = 0; i < 10; ++i)
        table[static_cast<std::size_t>('0') + i] = i;
    for (std::uint8_t i = 10; i < 16; ++i)
        table[static_cast<std::size_t>('A') + i - 10] = table[static_cast<std::size_t>('a') + i - 10] = i;
    return table;
}();

// The next sextet of the text, percent-decoded once; not_base64 for everything that is no such thing.
[[gnu::always_inline]] inline std::uint8_t next_sextet(std::string_view text, std::size_t& at) noexcept {
    const auto octet = [&](std::size_t ahead) { return static_cast<std::uint8_t>(text[at + ahead]); };
    if (text[at] != '%')
        return sextets[static_cast<std::uint8_t>(text[at++])];
    if (text.size() - at < 3)
        return not_base64;
    const unsigned high = hex_values[octet(1)];
    const unsigned low = hex_values[octet(2)];
    at += 3;
    return (high | low) < 16 ? sextets[high << 4 | low] : not_base64;
}

// The last group, whose first padding has just been taken: two sextets carry one octet and four bits, three
// carry two octets and two bits; those bits are zero, and there is as much padding as sextets are missing.
// Nothing follows. The octets written; 0: none of that.
std::size_t finish_group(std::string_view rest, std::uint32_t group, unsigned sextet_count,
                         std::span<std::uint8_t> out) noexcept {
    std::size_t at = 0;
    if (sextet_count == 2 && (rest.empty() || next_sextet(rest, at) != padding))
        return 0;
    const std::size_t octets = sextet_count - 1;
    const unsigned surplus = sextet_count == 2 ? 4 : 2;
    if (at != rest.size() || (group & ((1U << surplus) - 1)) != 0 || out.size() < octets)
        return 0;
    group >>= surplus;
    for (std::size_t i = octets; i-- > 0; group >>= 8)
        out[i] = static_cast<std::uint8_t>(group & 0xff);
    return octets;
}

}  // namespace

std::optional<ByteView> decode_get_path(std::string_view encoded, std::span<std::uint8_t> out) noexcept {
    if (encoded.starts_with('/'))
        encoded.remove_prefix(1);
    std::size_t written = 0;
    for (std::size_t at = 0; at < encoded.size();) {
        const std::size_t groups =
            decode_groups(encoded.substr(at), out.data() + written,
                          std::min((encoded.size() - at) / 4, (out.size() - written) / 3));
        at += 4 * groups;
        written += 3 * groups;
        if (at == encoded.size())
            break;
        std::uint32_t group = 0;
        for (unsigned count = 0; count < 4; ++count) {
            const std::uint8_t sextet = at < encoded.size() ? next_sextet(encoded, at) : not_base64;
            if (sextet == padding && count >= 2) {
                const std::size_t last = finish_group(encoded.substr(at), group, count, out.subspan(written));
                return last != 0 ? std::optional{ByteView{out.first(written + last)}} : std::nullopt;
            }
            if (sextet >= 64)
                return std::nullopt;
            group = group << 6 | sextet;
        }
        if (out.size() - written < 3)
            return std::nullopt;
        out[written++] = static_cast<std::uint8_t>(group >> 16);
        out[written++] = static_cast<std::uint8_t>(group >> 8 & 0xff);
        out[written++] = static_cast<std::uint8_t>(group & 0xff);
    }
    return written != 0 ? std::optional{ByteView{out.first(written)}} : std::nullopt;
}

}  // namespace eightbells::ocsp
