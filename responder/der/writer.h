#ifndef EIGHTBELLS_RESPONDER_DER_WRITER_H
#define EIGHTBELLS_RESPONDER_DER_WRITER_H

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/der/reader.h"

namespace eightbells::der {

inline constexpr std::size_t generalized_time_octets = 15;
// YYYYMMDDHHMMSSZ; false for a year that is not 0000 to 9999.
bool write_generalized_time(UtcTime time, std::span<std::uint8_t, generalized_time_octets> out) noexcept;
// The header of an element, at the end of `out`; its size.
std::size_t write_header(Tag tag, std::size_t length, std::span<std::uint8_t, 10> out) noexcept;

// Writes DER from the end of a buffer to its beginning, so that every length is known when its header is
// written and no second pass is needed. Errors are sticky: once the buffer is too small every later call does
// nothing, and `ok()` tells at the end. No allocation. What every answer is made of is written inline.
// Contents are written last element first:
//
//     const std::size_t end = w.size();
//     w.integer(...); w.octet_string(...);       // last field first
//     w.wrap(Tag::sequence, end);                // header over everything written since `end`
// All that an answer is made of is inline, and nothing here lets a Writer's address escape: one that lives
// within a function lives in registers. Its octets could be its own members otherwise, for all that the
// compiler knows, and each would cost the reading and writing of all of them.
class Writer {
  public:
    explicit Writer(std::span<std::uint8_t> buffer) noexcept : buffer_(buffer), at_(buffer.size()) {}

    bool ok() const noexcept { return ok_; }
    std::size_t size() const noexcept { return buffer_.size() - at_; }
    // What has been written; its end is the buffer's end.
    ByteView bytes() const noexcept { return buffer_.subspan(at_); }

    [[gnu::always_inline]] void raw(ByteView bytes) noexcept {
        if (!ok_ || bytes.size() > at_) {
            ok_ = false;
            return;
        }
        if (bytes.empty())
            return;  // memcpy must not see the null pointer of an empty view
        at_ -= bytes.size();
        std::memcpy(buffer_.data() + at_, bytes.data(), bytes.size());
    }
    [[gnu::always_inline]] void octet(std::uint8_t value) noexcept {
        if (!ok_ || at_ == 0) {
            ok_ = false;
            return;
        }
        buffer_[--at_] = value;
    }
    [[gnu::always_inline]] void wrap(Tag tag, std::size_t since) noexcept {
        if (!ok_ || since > size()) {
            ok_ = false;
            return;
        }
        const std::size_t length = size() - since;
        const std::size_t header = length < 0x80 ? 2 : length < 0x100 ? 3 : 4;
        if (length >= 0x10000 || header > at_)
            return wrap_rarely(tag, length);
        at_ -= header;
        std::uint8_t* const out = buffer_.data() + at_;
        out[0] = static_cast<std::uint8_t>(tag);
        out[1] = static_cast<std::uint8_t>(header == 2 ? length : 0x7e + header);
        if (header == 4)
            out[2] = static_cast<std::uint8_t>(length >> 8);
        out[header - 1] = static_cast<std::uint8_t>(length & 0xff);
    }

    [[gnu::always_inline]] void element(Tag tag, ByteView content) noexcept {
        const std::size_t since = size();
        raw(content);
        wrap(tag, since);
    }
    // Big-endian; leading zeros are dropped, a sign octet is added where due.
    [[gnu::always_inline]] void unsigned_integer(ByteView magnitude) noexcept {
        while (!magnitude.empty() && magnitude.front() == 0)
            magnitude = magnitude.subspan(1);
        const std::size_t since = size();
        raw(magnitude);
        if (magnitude.empty() || (magnitude.front() & 0x80) != 0)
            octet(0);  // zero itself, or the sign
        wrap(Tag::integer, since);
    }
    void unsigned_integer(std::uint64_t value) noexcept;
    [[gnu::always_inline]] void enumerated(std::uint8_t value) noexcept {
        const std::size_t since = size();
        octet(value);
        if ((value & 0x80) != 0)
            octet(0);
        wrap(Tag::enumerated, since);
    }
    void boolean(bool value) noexcept;
    void null() noexcept;
    void bit_string(ByteView octets) noexcept;  // no unused bits
    // Years 0000 to 9999, else the writer fails.
    [[gnu::always_inline]] void generalized_time(UtcTime time) noexcept {
        if (!ok_ || at_ < 2 + generalized_time_octets) {
            ok_ = false;
            return;
        }
        at_ -= 2 + generalized_time_octets;
        std::uint8_t* const out = buffer_.data() + at_;
        out[0] = static_cast<std::uint8_t>(Tag::generalized_time);
        out[1] = generalized_time_octets;
        ok_ = write_generalized_time(
            time, std::span<std::uint8_t, generalized_time_octets>{out + 2, generalized_time_octets});
    }

  private:
    [[gnu::always_inline]] void wrap_rarely(Tag tag, std::size_t length) noexcept {
        std::array<std::uint8_t, 10> header;
        raw(ByteView{header}.last(write_header(tag, length, header)));
    }

    std::span<std::uint8_t> buffer_;
    std::size_t at_;
    bool ok_ = true;
};

}  // namespace eightbells::der

#endif
