#ifndef EIGHTBELLS_RESPONDER_LEDGER_INDEX_LINE_H
#define EIGHTBELLS_RESPONDER_LEDGER_INDEX_LINE_H

#include <string_view>

#include "responder/base/clock.h"
#include "responder/base/serial.h"
#include "responder/base/status.h"

namespace eightbells::ledger {

// One line of the database that `openssl ca` and EasyRSA keep: V (valid), R (revoked) or E (expired), end
// date, revocation date and reason (R only), serial, file name, subject; separated by tabs, a tab within a
// field by a backslash before it.
struct IndexLine {
    Serial serial;
    UtcTime not_after{};
    CertStatus status;  // V and E: not revoked
};

// `line` without its line end. Errors name the field, not the place.
Result<IndexLine> parse_index_line(std::string_view line);

// YYMMDDHHMMSSZ (00-49 is 2000-2049, RFC 5280 section 4.1.2.5.1) or YYYYMMDDHHMMSSZ; nullopt: anything else.
std::optional<UtcTime> parse_index_time(std::string_view text) noexcept;

// OpenSSL leaves out lines that begin with '#'.
inline bool is_index_comment(std::string_view line) noexcept {
    return line.starts_with('#');
}

}  // namespace eightbells::ledger

#endif
