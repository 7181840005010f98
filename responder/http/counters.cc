#include "responder/http/counters.h"

namespace eightbells::http {

std::string_view to_string(Wait wait) noexcept {
    static constexpr std::array<std::string_view, wait_count> names{"idle",   "request", "write",
                                                                    "answer", "drain",   "last"};
    return names[static_cast<std::size_t>(wait)];
}

std::size_t status_row(std::uint16_t status) noexcept {
    std::size_t row = 1;  // 200 first: nearly all are
    if (status == counted_statuses[row])
        return row;
    for (row = 0; row + 1 < counted_statuses.size() && counted_statuses[row] != status; ++row)
        continue;
    return row;
}

}  // namespace eightbells::http
