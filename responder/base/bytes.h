#ifndef EIGHTBELLS_RESPONDER_BASE_BYTES_H
#define EIGHTBELLS_RESPONDER_BASE_BYTES_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "responder/base/result.h"

namespace eightbells {

using Bytes = std::vector<std::uint8_t>;         // owned
using ByteView = std::span<const std::uint8_t>;  // borrowed: valid as long as what it points into

inline bool equal(ByteView a, ByteView b) noexcept {
    return std::ranges::equal(a, b);
}

inline ByteView as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hexadecimal, two digits an octet.
std::string to_hex(ByteView bytes);
// Accepts either case and an even number of digits; nothing else (no separators, no "0x").
Result<Bytes> from_hex(std::string_view text);

}  // namespace eightbells

#endif
