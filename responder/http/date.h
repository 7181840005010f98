#ifndef EIGHTBELLS_RESPONDER_HTTP_DATE_H
#define EIGHTBELLS_RESPONDER_HTTP_DATE_H

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "responder/base/clock.h"

namespace eightbells::http {

// HTTP-date (RFC 9110, section 5.6.7) as we write it: IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT".
inline constexpr std::size_t date_octets = 29;

// Writes dates, remembering the last few days' texts: an answer's dates are almost always of today or
// tomorrow. Not for several threads.
class DateWriter {
  public:
    // Writes date_octets to `out`. A year outside 1 to 9999 is written as the nearest one that fits.
    void write(UtcTime time, char* out) noexcept;

  private:
    struct Day {
        std::int64_t number = -1;  // since 1970; -1: free, and never asked for (1969 is not cached)
        std::array<char, 17> text{};
    };
    std::array<Day, 8> days_;
};

// Reads the three forms a recipient must accept (IMF-fixdate, RFC 850, asctime); nullopt for anything else.
// `now` decides the century of RFC 850's two-digit year.
std::optional<UtcTime> parse_date(std::string_view text, UtcTime now) noexcept;

}  // namespace eightbells::http

#endif
