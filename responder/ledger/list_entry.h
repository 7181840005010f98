#ifndef EIGHTBELLS_RESPONDER_LEDGER_LIST_ENTRY_H
#define EIGHTBELLS_RESPONDER_LEDGER_LIST_ENTRY_H

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "responder/ledger/ledger.h"

namespace eightbells::ledger {

// The names that a list of issued certificates may use, the same for CSV columns and JSON members.
enum class ListField : std::uint8_t {
    serial,
    serial_decimal,
    not_after,
    sha256,
    status,
    revocation_time,
    reason,
    invalidity_date,
    distribution_point,
};
inline constexpr std::size_t list_fields = 9;
std::optional<ListField> list_field_from_name(std::string_view name) noexcept;  // any case

using ListValues = std::array<std::optional<std::string>, list_fields>;  // empty text counts as absent
// Errors name the field, not the place. `says_status` as the list as a whole does.
Result<Ledger::Entry> to_entry(const ListValues& values, bool says_status, std::uint64_t line);

// One CSV record (RFC 4180) after another. `feed` takes a line without its end and says whether the record is
// complete; a quoted field may hold a line end, then the next line belongs to it.
class CsvRecord {
  public:
    Result<bool> feed(std::string_view line);
    const std::vector<std::string>& fields() const noexcept { return fields_; }

  private:
    Status end_field(std::string field);
    std::vector<std::string> fields_;
    std::string open_;  // of a quoted field that goes on
    bool in_quotes_ = false;
    std::size_t octets_ = 0;
};

}  // namespace eightbells::ledger

#endif
