#include "tests/front/corpus.h"

#include <array>

namespace eightbells::front::test {
namespace {

std::string one_escape(char c, bool upper) {
    const std::string_view digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    const auto octet = static_cast<unsigned char>(c);
    return {'%', digits[octet >> 4], digits[octet & 15]};
}

}  // namespace

Bytes Speller::nonce() {
    Bytes octets(1 + pick(128));
    // Long runs of one octet, so that the base64 has "//", "/+/", "++" and the like.
    static constexpr std::uint8_t edges[]{0xff, 0xfb, 0xef, 0xbe, 0x3f, 0x00};
    const bool odd = pick(2) == 0;
    for (std::uint8_t& octet : octets)
        octet = odd ? edges[pick(std::size(edges))] : static_cast<std::uint8_t>(random_());
    return octets;
}

std::string Speller::spell(std::string_view data, Escapes escapes) {
    std::string out;
    for (const char c : data) {
        const bool special = c == '+' || c == '/' || c == '=';
        const bool escape = escapes == Escapes::every_octet || (escapes == Escapes::mixed && pick(4) == 0) ||
                            (special && (escapes == Escapes::all_upper || escapes == Escapes::all_lower));
        const bool upper = escapes == Escapes::all_upper || (escapes != Escapes::all_lower && pick(2) == 0);
        if (escape)
            out += one_escape(c, upper);
        else
            out += c;
    }
    return out;
}

// Everything that a client or a cache goes by.
std::string what_matters(const Response& response, const std::vector<std::string>& and_these) {
    std::string all = std::to_string(response.status);
    std::vector<std::string> names{"content-type", "content-length", "etag",  "last-modified",
                                   "expires",      "cache-control",  "allow", "content-range"};
    names.insert(names.end(), and_these.begin(), and_these.end());
    for (const std::string& name : names)
        all += "\n" + name + ": " + response.field(name);
    return all + "\n" + to_hex(as_bytes(response.body));
}

}  // namespace eightbells::front::test
