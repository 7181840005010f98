#ifndef EIGHTBELLS_RESPONDER_DER_WRITER_H
#define EIGHTBELLS_RESPONDER_DER_WRITER_H

#include <cstdint>
#include <span>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/der/reader.h"

namespace eightbells::der {

// Writes DER from the end of a buffer to its beginning, so that every length is known when its header is
// written and no second pass is needed. Errors are sticky: once the buffer is too small every later call does
// nothing, and `ok()` tells at the end. No allocation. Contents are written last element first:
//
//     const std::size_t end = w.size();
//     w.integer(...); w.octet_string(...);       // last field first
//     w.wrap(Tag::sequence, end);                // header over everything written since `end`
class Writer {
  public:
    explicit Writer(std::span<std::uint8_t> buffer) noexcept : buffer_(buffer), at_(buffer.size()) {}

    bool ok() const noexcept { return ok_; }
    std::size_t size() const noexcept { return buffer_.size() - at_; }
    // What has been written; its end is the buffer's end.
    ByteView bytes() const noexcept { return buffer_.subspan(at_); }

    void raw(ByteView bytes) noexcept;
    void octet(std::uint8_t value) noexcept;
    void wrap(Tag tag, std::size_t since) noexcept;

    void element(Tag tag, ByteView content) noexcept;
    void unsigned_integer(
        ByteView magnitude) noexcept;  // big-endian; leading zeros are dropped, a sign octet added where due
    void unsigned_integer(std::uint64_t value) noexcept;
    void enumerated(std::uint8_t value) noexcept;
    void boolean(bool value) noexcept;
    void null() noexcept;
    void bit_string(ByteView octets) noexcept;     // no unused bits
    void generalized_time(UtcTime time) noexcept;  // years 0000 to 9999, else the writer fails

  private:
    std::span<std::uint8_t> buffer_;
    std::size_t at_;
    bool ok_ = true;
};

}  // namespace eightbells::der

#endif
