#include "responder/crypto/pem.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <optional>

#include "responder/crypto/limits.h"

namespace eightbells::crypto {

namespace {

constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::string_view end_mark = "-----END ";
constexpr std::string_view dashes = "-----";

// Where the next line "-----BEGIN <label>-----" starts, at or after `from`; npos: nowhere.
std::size_t find_line(std::string_view text, std::string_view mark, std::string_view label,
                      std::size_t from) noexcept {
    for (std::size_t at = text.find(mark, from); at != std::string_view::npos; at = text.find(mark, at + 1)) {
        const bool line_start = at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r';
        const std::string_view rest = text.substr(at + mark.size());
        if (line_start && rest.starts_with(label) && rest.substr(label.size()).starts_with(dashes))
            return at;
    }
    return std::string_view::npos;
}

constexpr std::array<std::int8_t, 256> base64_values() {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        values[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::int8_t>(i);
    return values;
}

Status decode_base64(std::string_view text, const TakeOctets& take) {
    static constexpr auto values = base64_values();
    const auto wrong = [] { return fail("PEM: the block is not base64"); };
    Bytes piece;
    piece.reserve(limits::pem_piece_octets);
    std::uint32_t bits = 0;
    unsigned have = 0;  // characters of the current group of four
    unsigned padding = 0;
    for (const char c : text) {
        if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
            continue;
        if (c == '=') {
            ++padding;
            continue;
        }
        const std::int8_t value = values[static_cast<std::uint8_t>(c)];
        if (value < 0 || padding != 0)
            return wrong();
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        if (++have == 4) {
            piece.push_back(static_cast<std::uint8_t>(bits >> 16));
            piece.push_back(static_cast<std::uint8_t>(bits >> 8));
            piece.push_back(static_cast<std::uint8_t>(bits));
            bits = 0;
            have = 0;
            if (piece.size() + 3 > limits::pem_piece_octets) {
                if (auto taken = take(piece); !taken)
                    return taken;
                piece.clear();
            }
        }
    }
    if (have == 1 || padding != (have == 0 ? 0 : 4 - have))
        return wrong();
    const std::uint32_t unused = have == 2 ? bits & 0x0f : have == 3 ? bits & 0x03 : 0;
    if (unused != 0)
        return wrong();  // a second spelling of the same bytes
    if (have == 2)
        piece.push_back(static_cast<std::uint8_t>(bits >> 4));
    if (have == 3) {
        piece.push_back(static_cast<std::uint8_t>(bits >> 10));
        piece.push_back(static_cast<std::uint8_t>(bits >> 2));
    }
    return piece.empty() ? Status{} : take(piece);
}

}  // namespace

bool has_pem_block(ByteView text, std::string_view label) noexcept {
    return find_line(as_text(text), begin_mark, label, 0) != std::string_view::npos;
}

bool looks_like_der(ByteView bytes, std::initializer_list<std::string_view> labels) noexcept {
    if (bytes.size() < 2 || bytes[0] != 0x30)
        return false;
    // '0' is 30 as well; but a length octet of the long form is no character of a text.
    return (bytes[1] & 0x80) != 0 ||
           std::ranges::none_of(labels, [&](std::string_view label) { return has_pem_block(bytes, label); });
}

Result<Bytes> decode_pem(ByteView text, std::initializer_list<std::string_view> labels) {
    Bytes all;
    all.reserve(text.size() / 4 * 3);
    auto decoded = decode_pem(text, labels, [&](ByteView piece) {
        all.insert(all.end(), piece.begin(), piece.end());
        return Status{};
    });
    if (!decoded)
        return tl::unexpected<Error>(decoded.error());
    return all;
}

Status decode_pem(ByteView bytes, std::initializer_list<std::string_view> labels, const TakeOctets& take) {
    const std::string_view text = as_text(bytes);
    std::optional<std::string_view> body;
    for (const std::string_view label : labels) {
        std::size_t at = find_line(text, begin_mark, label, 0);
        while (at != std::string_view::npos) {
            const std::size_t from = at + begin_mark.size() + label.size() + dashes.size();
            const std::size_t to = find_line(text, end_mark, label, from);
            if (to == std::string_view::npos)
                return fail(fmt::format("PEM: \"-----END {}-----\" is missing", label));
            if (body)
                return fail(fmt::format("PEM: a second block \"{}\"; one is expected", label));
            body = text.substr(from, to - from);
            at = find_line(text, begin_mark, label, to);
        }
    }
    if (!body) {
        return fail(fmt::format("neither DER nor PEM with a block \"-----BEGIN {}-----\"",
                                fmt::join(labels, "-----\" or \"-----BEGIN ")));
    }
    return decode_base64(*body, take);
}

}  // namespace eightbells::crypto
