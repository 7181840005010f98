#ifndef EIGHTBELLS_RESPONDER_HTTP_REQUEST_HEAD_H
#define EIGHTBELLS_RESPONDER_HTTP_REQUEST_HEAD_H

#include <cstdint>
#include <string_view>

#include "responder/http/grammar.h"

namespace eightbells::http {

// A piece of a request, as its place from some octet of it: stays true when the bytes move.
struct Span {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
    bool empty() const noexcept { return size == 0; }
    std::string_view of(const std::uint8_t* begin) const noexcept {
        return {reinterpret_cast<const char*>(begin) + at, size};
    }
};

// A header field whose first line is kept, and how often it came.
struct Field {
    Span value;
    std::uint8_t lines = 0;
};

// What header lines say, once they are found good. Spans count from the first octet of the header lines.
struct HeaderFacts {
    std::uint64_t body_octets = 0;  // of Content-Length
    Field content_type;
    Field if_none_match;
    Field if_modified_since;
    Field range;
    Field if_range;
    bool keep_alive = true;
    bool chunked = false;
    bool expects_continue = false;
    bool has_body() const noexcept { return chunked || body_octets != 0; }
};

// A request's head.
struct RequestHead {
    Verb verb = Verb::other;
    bool http_1_0 = false;
    Span path;  // from the request's first octet; empty: "/"
    HeaderFacts headers;
};

}  // namespace eightbells::http

#endif
