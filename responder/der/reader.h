#ifndef EIGHTBELLS_RESPONDER_DER_READER_H
#define EIGHTBELLS_RESPONDER_DER_READER_H

#include <cstdint>
#include <optional>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"

namespace eightbells::der {

// Identifier octets that occur in our structures; single-octet tags only (high tag numbers are refused).
enum class Tag : std::uint8_t {
    boolean = 0x01,
    integer = 0x02,
    bit_string = 0x03,
    octet_string = 0x04,
    null = 0x05,
    oid = 0x06,
    enumerated = 0x0a,
    utf8_string = 0x0c,
    sequence = 0x30,
    set = 0x31,
    printable_string = 0x13,
    ia5_string = 0x16,
    utc_time = 0x17,
    generalized_time = 0x18,
};
constexpr Tag context(std::uint8_t number) noexcept {
    return Tag(0x80 | number);
}  // [n] primitive
constexpr Tag context_constructed(std::uint8_t number) noexcept {
    return Tag(0xa0 | number);
}  // [n] constructed

struct Element {
    Tag tag;
    ByteView content;
    ByteView tlv;  // identifier, length and content
};

// A cursor over borrowed bytes of strict DER (X.690, section 10): definite, minimal lengths, single-octet
// tags. Every read either consumes one whole element or fails and leaves the cursor where it was. No
// allocation, no exception. The bytes must outlive the reader and everything it hands out.
class Reader {
  public:
    explicit Reader(ByteView bytes) noexcept : rest_(bytes) {}

    bool empty() const noexcept { return rest_.empty(); }
    ByteView rest() const noexcept { return rest_; }

    // The tag of the next element, without consuming it.
    std::optional<Tag> peek() const noexcept;
    bool next_is(Tag tag) const noexcept { return peek() == tag; }

    std::optional<Element> read_any() noexcept;
    // The content of the next element if it carries this tag.
    std::optional<ByteView> read(Tag tag) noexcept;
    std::optional<Reader> read_into(Tag tag) noexcept;

    // Typed reads, each of a whole element in its DER form.
    std::optional<bool> read_boolean() noexcept;              // 00 or FF
    std::optional<ByteView> read_integer_content() noexcept;  // minimal two's complement, at least one octet
    std::optional<std::uint64_t> read_unsigned() noexcept;    // a non-negative INTEGER that fits
    std::optional<std::uint64_t> read_enumerated() noexcept;
    std::optional<ByteView> read_oid() noexcept;                // content, as is_oid_content() wants it
    std::optional<ByteView> read_bit_string_octets() noexcept;  // no unused bits
    std::optional<UtcTime> read_generalized_time() noexcept;    // YYYYMMDDHHMMSSZ only
    // UTCTime (years 1950 to 2049) or GeneralizedTime, both with seconds and Z (F-05). RFC 5280 has every
    // reader take both; that a date before 2050 should have been the former is for a lint, by peek().
    std::optional<UtcTime> read_time() noexcept;

  private:
    ByteView rest_;
};

// True when `bytes` are exactly one well-formed element and nothing follows. What is inside is not looked at.
bool is_one_element(ByteView bytes) noexcept;

// The content octets of an OBJECT IDENTIFIER: whole, minimal sub-identifiers, at most limits::oid_octets.
bool is_oid_content(ByteView content) noexcept;

}  // namespace eightbells::der

#endif
