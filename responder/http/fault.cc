#include "responder/http/fault.h"

#include <array>

namespace eightbells::http {
namespace {

struct Row {
    std::string_view name;
    std::uint16_t status;
};
constexpr std::array<Row, fault_count> rows{{
    {"request_line", 400},
    {"version", 505},
    {"method_unknown", 501},
    {"method_not_allowed", 405},
    {"target", 400},
    {"target_too_long", 414},
    {"header_line", 400},
    {"header_too_large", 431},
    {"host", 400},
    {"content_length", 400},
    {"transfer_coding", 400},
    {"coding_unknown", 501},
    {"chunk", 400},
    {"body_too_large", 413},
    {"expectation", 417},
    {"proxy_header", 400},
    {"no_buffer", 503},
}};
static_assert(rows.back().status == 503, "one row a fault, in the order of the enum");

}  // namespace

std::uint16_t status_of(Fault fault) noexcept {
    return rows[static_cast<std::size_t>(fault)].status;
}
std::string_view to_string(Fault fault) noexcept {
    return rows[static_cast<std::size_t>(fault)].name;
}

}  // namespace eightbells::http
