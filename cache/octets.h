#ifndef EIGHTBELLS_CACHE_OCTETS_H
#define EIGHTBELLS_CACHE_OCTETS_H

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cache/record.h"
#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/crypto/digest.h"

// The alphabet of every stored blob (cache/README.md, "Numbers, times, lengths"). Private to cache/*.cc.
namespace eightbells::cache {

// The first four octets of a blob: what it is and in which version of its form, so that no kind can ever be
// read as another, whatever digest or signature stands over it.
using Magic = std::array<std::uint8_t, 4>;
inline constexpr Magic page_magic{'E', 'B', 'P', 1};
inline constexpr Magic patch_magic{'E', 'B', 'C', 1};
inline constexpr Magic profile_magic{'E', 'B', 'A', 1};
inline constexpr Magic table_magic{'E', 'B', 'T', 1};
inline constexpr Magic head_magic{'E', 'B', 'H', 1};

inline constexpr std::size_t digest_octets = 32;
inline constexpr std::size_t time_octets = 5;

// The first octet of a record: profile index in the upper three bits, octets of the serial in the lower five.
inline constexpr unsigned profile_shift = 5;
inline constexpr std::uint8_t serial_octets_mask = 0x1f;

inline bool is_storable(UtcTime t) noexcept {
    return t >= from_unix(0) && t <= year_9999;
}

// Reads from the front of borrowed bytes. The first read that does not fit, or that finds a value its form
// forbids, fails the reader for good; from then on everything reads as zero or empty. So a parser reads a
// run of fields and asks ok() once, before it believes any of them.
class OctetReader {
  public:
    explicit OctetReader(ByteView bytes) noexcept : rest_(bytes) {}

    bool ok() const noexcept { return !failed_; }
    ByteView rest() const noexcept { return rest_; }
    void fail() noexcept {
        failed_ = true;
        rest_ = {};
    }

    ByteView octets(std::size_t n) noexcept {
        if (rest_.size() < n) {
            fail();
            return {};
        }
        const ByteView taken = rest_.first(n);
        rest_ = rest_.subspan(n);
        return taken;
    }
    // Big-endian, at most 8 octets.
    std::uint64_t number(std::size_t octet_count) noexcept {
        std::uint64_t value = 0;
        for (const std::uint8_t octet : octets(octet_count))
            value = value << 8 | octet;
        return value;
    }
    std::uint8_t octet() noexcept { return static_cast<std::uint8_t>(number(1)); }
    bool magic(const Magic& expected) noexcept {
        if (!equal(octets(expected.size()), expected))
            fail();
        return ok();
    }
    crypto::Sha256Digest digest() noexcept {
        crypto::Sha256Digest value{};
        std::ranges::copy(octets(digest_octets), value.begin());
        return value;
    }
    UtcTime time() noexcept {
        // 40 bits cannot overflow the clock's count.
        const UtcTime value = from_unix(static_cast<std::int64_t>(number(time_octets)));
        if (!is_storable(value))
            fail();
        return value;
    }
    BaseTimes base_times() noexcept {
        BaseTimes times;
        times.produced_at = time();
        times.this_update = time();
        times.next_update = time();
        return times;
    }
    // One octet below 128, else two with the top bit set; only the shorter form of a length is valid.
    std::size_t length() noexcept {
        const std::size_t first = octet();
        if (first < 0x80)
            return first;
        const std::size_t value = (first & 0x7f) << 8 | octet();
        if (value < 0x80)
            fail();
        return value;
    }

  private:
    ByteView rest_;
    bool failed_ = false;
};

inline void append_octets(ByteView octets, Bytes& out) {
    out.insert(out.end(), octets.begin(), octets.end());
}
inline void append_number(std::uint64_t value, std::size_t octet_count, Bytes& out) {
    for (std::size_t i = octet_count; i-- > 0;)
        out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
inline void append_time(UtcTime t, Bytes& out) {
    append_number(static_cast<std::uint64_t>(to_unix(t)), time_octets, out);
}
inline void append_base_times(const BaseTimes& times, Bytes& out) {
    append_time(times.produced_at, out);
    append_time(times.this_update, out);
    append_time(times.next_update, out);
}
// REQUIRES: below 32,768.
inline void append_length(std::size_t length, Bytes& out) {
    if (length < 0x80)
        append_number(length, 1, out);
    else
        append_number(length | 0x8000, 2, out);
}

// The profile table of a page or patch: one to limits::profiles_per_page digests, none zero, none twice
// (page.cc).
Status check_profile_table(const std::vector<crypto::Sha256Digest>& profiles);
std::vector<crypto::Sha256Digest> read_profile_table(OctetReader& in, std::size_t count);

// A digest that names something; the empty digest does not.
inline bool is_empty(const crypto::Sha256Digest& digest) noexcept {
    return digest == crypto::Sha256Digest{};
}

}  // namespace eightbells::cache

#endif
