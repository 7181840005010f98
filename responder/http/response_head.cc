#include "responder/http/response_head.h"

#include <algorithm>
#include <charconv>

#include "responder/http/preconditions.h"

namespace eightbells::http {
namespace {

// Inline, so that an Output in write_head stays in registers: what is written could be its own members
// otherwise, for all that the compiler knows.
#define EIGHTBELLS_INLINE [[gnu::always_inline]] inline

// The status line and what is the same after it. Each text by itself, so that its length is known where it is
// copied.
EIGHTBELLS_INLINE void put_beginning(Output& out, std::uint16_t status) noexcept {
    switch (status) {
#define EIGHTBELLS_STATUS(CODE, REASON) \
    case CODE:                          \
        return out.put("HTTP/1.1 " #CODE " " REASON "\r\nDate: ")
        EIGHTBELLS_STATUS(200, "OK");
        EIGHTBELLS_STATUS(206, "Partial Content");
        EIGHTBELLS_STATUS(304, "Not Modified");
        EIGHTBELLS_STATUS(400, "Bad Request");
        EIGHTBELLS_STATUS(403, "Forbidden");
        EIGHTBELLS_STATUS(404, "Not Found");
        EIGHTBELLS_STATUS(405, "Method Not Allowed");
        EIGHTBELLS_STATUS(408, "Request Timeout");
        EIGHTBELLS_STATUS(413, "Content Too Large");
        EIGHTBELLS_STATUS(414, "URI Too Long");
        EIGHTBELLS_STATUS(415, "Unsupported Media Type");
        EIGHTBELLS_STATUS(416, "Range Not Satisfiable");
        EIGHTBELLS_STATUS(417, "Expectation Failed");
        EIGHTBELLS_STATUS(431, "Request Header Fields Too Large");
        EIGHTBELLS_STATUS(501, "Not Implemented");
        EIGHTBELLS_STATUS(503, "Service Unavailable");
        EIGHTBELLS_STATUS(505, "HTTP Version Not Supported");
#undef EIGHTBELLS_STATUS
        default:  // nothing else is ours to send
            return out.put("HTTP/1.1 500 Internal Server Error\r\nDate: ");
    }
}

EIGHTBELLS_INLINE void put_number(Output& out, std::uint64_t value) noexcept {
    char* at = reinterpret_cast<char*>(out.data + out.size);
    out.size += static_cast<std::size_t>(std::to_chars(at, at + 20, value).ptr - at);
}

EIGHTBELLS_INLINE void put_date(Output& out, std::string_view name, UtcTime time,
                                DateWriter& dates) noexcept {
    out.put(name);
    dates.write(time, out.reserve(date_octets));
}

EIGHTBELLS_INLINE void put_caching(Output& out, const Caching& caching, Moment& moment) noexcept {
    out.put("\r\nETag: ");
    write_entity_tag(caching.etag, out.reserve(sizeof(EntityTagText)));
    // RFC 9110, section 8.8.2.1: never later than Date, which matters when a clock was behind.
    put_date(out, "\r\nLast-Modified: ", std::min(caching.last_modified, moment.now), moment.dates);
    put_date(out, "\r\nExpires: ", caching.expires, moment.dates);
    out.put("\r\nCache-Control: max-age=");
    // RFC 9111, section 1.2.2: caches must understand 31 bits, and no more.
    constexpr std::int64_t most = INT32_MAX;
    put_number(out, static_cast<std::uint64_t>(std::clamp<std::int64_t>(caching.max_age.count(), 0, most)));
    out.put(", public, no-transform, must-revalidate");
}

void put_range(Output& out, const ContentRange& range) noexcept {
    out.put("\r\nContent-Range: bytes ");
    if (range.octets == 0) {
        out.put("*");
    } else {
        put_number(out, range.first);
        out.put("-");
        put_number(out, range.first + range.octets - 1);
    }
    out.put("/");
    put_number(out, range.total);
}

}  // namespace

void Moment::set(UtcTime time) noexcept {
    if (time == now && date[0] != 0)
        return;
    now = time;
    dates.write(time, date);
}

void write_head(Output& to, const WireHead& head, Moment& moment) noexcept {
    Output out = to;
    put_beginning(out, head.status);
    out.put(std::string_view{moment.date, date_octets});
    if (!head.content_type.empty()) {
        out.put("\r\nContent-Type: ");
        out.put(head.content_type);
    }
    if (head.content_length) {
        out.put("\r\nContent-Length: ");
        put_number(out, *head.content_length);
    }
    if (head.range)
        put_range(out, *head.range);
    if (head.accept_ranges)
        out.put("\r\nAccept-Ranges: bytes");
    if (head.caching != nullptr)
        put_caching(out, *head.caching, moment);
    else
        out.put("\r\nCache-Control: no-store");
    if (!head.allow.empty()) {
        out.put("\r\nAllow: ");
        out.put(head.allow);
    }
    if (head.retry_after) {
        out.put("\r\nRetry-After: ");
        put_number(out, static_cast<std::uint64_t>(std::max<std::int64_t>(head.retry_after->count(), 0)));
    }
    if (head.persistence == Persistence::keep_said)
        out.put("\r\nConnection: keep-alive");
    else if (head.persistence == Persistence::close)
        out.put("\r\nConnection: close");
    out.put("\r\n\r\n");
    to.size = out.size;
}

}  // namespace eightbells::http
