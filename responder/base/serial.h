#ifndef EIGHTBELLS_RESPONDER_BASE_SERIAL_H
#define EIGHTBELLS_RESPONDER_BASE_SERIAL_H

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "responder/base/bytes.h"

namespace eightbells {

// A certificate serial number in its one canonical form: the big-endian magnitude without leading zeros, 1 to
// 20 octets, positive (RFC 5280, section 4.1.2.2). Every spelling of a source (upper or lower hex, leading
// zeros, colons, decimal, DER) becomes this before it is compared, stored or looked up. A small value; copy
// it.
class Serial {
  public:
    static constexpr std::size_t max_octets = 20;

    // From the content octets of a DER INTEGER as found in a request or certificate. Surplus leading zeros
    // are tolerated; zero, negative and over-long numbers are not a serial: nullopt, which callers
    // answer as "not issued".
    static std::optional<Serial> from_der_content(ByteView content) noexcept;
    // From a big-endian magnitude, leading zeros tolerated; zero and over-long numbers are not a serial.
    static std::optional<Serial> from_magnitude(ByteView octets) noexcept;
    // From hexadecimal text: either case, leading zeros, an optional "0x", optional ':' between octets.
    static Result<Serial> from_hex(std::string_view text);
    // From decimal digits.
    static Result<Serial> from_decimal(std::string_view text);

    ByteView magnitude() const noexcept { return {octets_.data(), size_}; }
    // Upper-case hexadecimal with an even number of digits, as OpenSSL prints it.
    std::string to_hex() const;

    friend bool operator==(const Serial& a, const Serial& b) noexcept {
        return equal(a.magnitude(), b.magnitude());
    }
    // Numeric order.
    friend std::strong_ordering operator<=>(const Serial& a, const Serial& b) noexcept;

  private:
    Serial() = default;
    std::array<std::uint8_t, max_octets> octets_{};
    std::uint8_t size_ = 0;
};

}  // namespace eightbells

#endif
