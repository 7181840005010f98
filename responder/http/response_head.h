#ifndef EIGHTBELLS_RESPONDER_HTTP_RESPONSE_HEAD_H
#define EIGHTBELLS_RESPONDER_HTTP_RESPONSE_HEAD_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "responder/base/bytes.h"
#include "responder/http/date.h"
#include "responder/http/exchange.h"

namespace eightbells::http {

// Bytes on their way out, in memory that somebody else owns. The caller has made sure of the room.
struct Output {
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
    std::size_t capacity = 0;

    std::size_t room() const noexcept { return capacity - size; }
    Output rest() const noexcept { return {data + size, 0, room()}; }  // what is behind
    void put(std::string_view text) noexcept {
        std::memcpy(data + size, text.data(), text.size());
        size += text.size();
    }
    void put(ByteView bytes) noexcept {
        if (!bytes.empty())
            std::memcpy(data + size, bytes.data(), bytes.size());
        size += bytes.size();
    }
    char* reserve(std::size_t octets) noexcept {
        char* at = reinterpret_cast<char*>(data + size);
        size += octets;
        return at;
    }
};

// The time as answers give it: read from the clock once a tick and once for requests that came together, the
// Date text made once a second.
struct Moment {
    UtcTime now{};
    char date[date_octets] = {};
    DateWriter dates;
    void set(UtcTime time) noexcept;
};

enum class Persistence : std::uint8_t {
    keep,       // HTTP/1.1's default, not said
    keep_said,  // HTTP/1.0 that asked for it
    close
};

struct ContentRange {
    std::uint64_t first = 0;
    std::uint64_t octets = 0;  // 0: unsatisfiable, "bytes */total"
    std::uint64_t total = 0;
};

// A response as it goes on the wire.
struct WireHead {
    std::uint16_t status = 200;
    std::string_view content_type;
    std::optional<std::uint64_t> content_length;  // absent: 304
    const Caching* caching = nullptr;             // null: no-store
    std::optional<seconds> retry_after;
    std::string_view allow;
    std::optional<ContentRange> range;
    bool accept_ranges = false;
    Persistence persistence = Persistence::keep;
};

// Writes status line and headers with the empty line, at most limits::http_answer_head_octets when the texts
// keep to limits::http_answer_text_octets.
void write_head(Output& out, const WireHead& head, Moment& moment) noexcept;

inline constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace eightbells::http

#endif
