#ifndef EIGHTBELLS_RESPONDER_HTTP_GRAMMAR_H
#define EIGHTBELLS_RESPONDER_HTTP_GRAMMAR_H

#include <cstdint>
#include <optional>
#include <string_view>

#include "responder/http/exchange.h"
#include "responder/http/fault.h"

namespace eightbells::http {

// The rules of RFC 9110 and 9112 that a parser leaves to us: each function looks at text alone.

bool is_token_char(char c) noexcept;                                        // RFC 9110, section 5.6.2
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;  // ASCII
std::string_view trim(std::string_view text) noexcept;                      // spaces and tabs at both ends

// Calls `each` with every non-empty element of a comma-separated list that holds no quoted strings.
template <class Each>
void for_each_element(std::string_view list, Each each) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        const std::string_view element = trim(list.substr(0, comma));
        if (!element.empty())
            each(element);
        list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    }
}

// What a request line asks for, beyond what a handler ever sees.
enum class Verb : std::uint8_t { get, head, post, options, other };

// A request line, section 3, without its CRLF.
struct RequestLine {
    Verb verb = Verb::other;
    bool http_1_0 = false;
    // The place of the target's path within the line; empty for absolute-form without one, which means "/",
    // and for the asterisk-form.
    std::size_t path_at = 0;
    std::size_t path_size = 0;
};
std::optional<Fault> parse_request_line(std::string_view line, std::size_t target_octets,
                                        RequestLine& out) noexcept;

// The same judgement on a line that is already too long to be one: which of its parts is.
Fault judge_overlong_line(std::string_view beginning) noexcept;

// uri-host [":" port] (RFC 3986, section 3.2.2); no user, not empty.
bool is_host(std::string_view text) noexcept;

// 1*DIGIT that fits 63 bits (RFC 9112, section 6.3).
std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept;

}  // namespace eightbells::http

#endif
