#ifndef EIGHTBELLS_RESPONDER_HTTP_FAULT_H
#define EIGHTBELLS_RESPONDER_HTTP_FAULT_H

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace eightbells::http {

// Why the connection itself refuses a request (RFC 9112 and 9110 sections beside). The one list of them:
// counters, status codes and metric labels follow from it.
enum class Fault : std::uint8_t {
    request_line,        // 9112 section 3: not "method SP target SP HTTP/d.d CRLF"
    version,             // 9110 section 15.6.6: well-formed, but neither HTTP/1.1 nor HTTP/1.0
    method_unknown,      // 9110 section 9.1: not a method we have heard of
    method_not_allowed,  // 9110 section 15.5.6: known, but not served
    target,              // 9112 section 3.2: fragment, white space, control, a form that is not for us
    target_too_long,     // 9110 section 15.5.15
    header_line,         // 9112 section 5: folding, empty name, space before the colon, bare CR or LF, NUL
    header_too_large,    // 6585 section 5
    host,                // 9112 section 3.2: missing, twice, or not a host
    content_length,      // 9112 section 6.3: not digits, too great, twice
    transfer_coding,     // 9112 section 6.1: beside Content-Length, in HTTP/1.0, not ending in chunked
    coding_unknown,      // 9112 section 6.1: chunked over a coding that we do not know
    chunk,               // 9112 section 7.1: framing of a chunked body
    body_too_large,      // 9110 section 15.5.14
    expectation,         // 9110 section 10.1.1: anything but 100-continue
    proxy_header,        // from where one must come: not one. Closed without an answer
    no_buffer,           // our own memory bound is reached
    count_
};
inline constexpr std::size_t fault_count = static_cast<std::size_t>(Fault::count_);

std::uint16_t status_of(Fault fault) noexcept;
std::string_view to_string(Fault fault) noexcept;  // a metric label: "request_line"

}  // namespace eightbells::http

#endif
