#ifndef EIGHTBELLS_RESPONDER_HTTP_PRECONDITIONS_H
#define EIGHTBELLS_RESPONDER_HTTP_PRECONDITIONS_H

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "responder/http/exchange.h"
#include "responder/http/request_head.h"

namespace eightbells::http {

using EntityTagText = std::array<char, 34>;                       // 32 hexadecimal digits in quotes
void write_entity_tag(const EntityTag& tag, char* out) noexcept;  // sizeof(EntityTagText) octets

// A request as preconditions see it; views into the request's bytes.
struct Conditions {
    const RequestHead* head = nullptr;
    std::string_view lines;  // its header lines: where the spans of the head point into
    std::string_view value(const Field& field) const noexcept {
        return lines.substr(field.value.at, field.value.size);
    }
};

// RFC 9110, section 13.2.2, for GET and HEAD of something that exists: true means 304. If-None-Match is a
// list or "*", compared weakly, and beats If-Modified-Since, which counts only with one valid date that is
// not in the future (E-11, E-12).
bool not_modified(const Conditions& conditions, const Caching& caching, UtcTime now) noexcept;

// One byte range (section 14), or why there is none.
struct ByteRange {
    enum class Kind : std::uint8_t { whole, part, unsatisfiable } kind = Kind::whole;
    std::uint64_t first = 0;
    std::uint64_t octets = 0;
};
// For GET of a file of `size` octets: several ranges, other units and malformed ones are ignored, as is Range
// when If-Range does not name this very tag (strong comparison; a date never does: Last-Modified is to the
// second and says nothing about the bytes, section 13.1.5).
ByteRange choose_range(const Conditions& conditions, const std::optional<Caching>& caching,
                       std::uint64_t size) noexcept;

// The two texts on their own, for tests.
bool tag_list_matches(std::string_view list, std::string_view quoted_tag) noexcept;
ByteRange parse_range(std::string_view value, std::uint64_t size) noexcept;

}  // namespace eightbells::http

#endif
