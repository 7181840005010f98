// Oracles of decode_get_path. The input as a path: what is accepted, spelled again in base64, is the path
// after its percent escapes are undone and one leading slash is dropped. The input as a request: spelled as a
// path, it decodes to itself.

#include <array>
#include <cstdlib>
#include <string>

#include "responder/ocsp/limits.h"
#include "responder/ocsp/request.h"

namespace {

using namespace eightbells;

std::string base64(ByteView bytes) {
    static constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    std::size_t bits = 0;
    unsigned waiting = 0;
    for (const std::uint8_t octet : bytes) {
        waiting = waiting << 8 | octet;
        for (bits += 8; bits >= 6; bits -= 6)
            out += alphabet[waiting >> (bits - 6) & 0x3f];
    }
    if (bits > 0)
        out += alphabet[waiting << (6 - bits) & 0x3f];
    while (out.size() % 4 != 0)
        out += '=';
    return out;
}

std::string unescape_once(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const ByteView input{bytes, size};
    std::array<std::uint8_t, limits::request_octets> buffer;
    const std::string_view path = as_text(input);
    if (const auto decoded = ocsp::decode_get_path(path, buffer); decoded) {
        const std::string_view data = path.starts_with('/') ? path.substr(1) : path;
        if (decoded->empty() || base64(*decoded) != unescape_once(data))
            std::abort();
    }
    if (size == 0 || size > buffer.size())
        return 0;
    const std::string spelled = "/" + base64(input);
    const auto decoded = ocsp::decode_get_path(spelled, buffer);
    if (!decoded || !equal(*decoded, input))
        std::abort();
    return 0;
}
