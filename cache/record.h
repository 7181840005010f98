#ifndef EIGHTBELLS_CACHE_RECORD_H
#define EIGHTBELLS_CACHE_RECORD_H

#include <compare>
#include <cstdint>
#include <optional>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/base/status.h"

namespace eightbells::cache {

// The times that the records of one page or patch are measured from. Each from 1970 to year_9999.
struct BaseTimes {
    UtcTime produced_at{};
    UtcTime this_update{};
    UtcTime next_update{};
    friend bool operator==(const BaseTimes&, const BaseTimes&) = default;
};

// One stored answer, apart from what its profile says. Borrowed parts point into the page or patch it was
// read from, or, when writing, into the caller's bytes.
struct Record {
    ByteView serial;           // canonical magnitude, 1 to 20 octets, first octet not zero
    CertStatus status;         // invalidity_date is not kept here: it stands in `extensions`, as signed
    std::uint8_t profile = 0;  // index into the profile table of the page or patch, 0 to 7
    BaseTimes times;           // absolute; stored as deltas, nothing at all when equal to the base
    ByteView signature;        // in the form that the profile names, 1 to limits::signature_octets
    ByteView extensions;       // Extension TLVs of this record alone, up to limits::record_extension_octets;
                               // usually empty
};

// The order of records: serials as numbers. REQUIRES: canonical magnitudes (no leading zeros).
std::strong_ordering compare_serials(ByteView a, ByteView b) noexcept;

// Whether the form can hold the record and the times. The message names the field. A reason `unspecified`
// (B-15: it is left out) and `removeFromCRL` (stands in delta CRLs only) are refused, not rewritten: the
// signature covers what was encoded.
Status check_record(const Record& record);
Status check_base_times(const BaseTimes& base);

// Appends the stored form (cache/README.md, "Record") to `out`. REQUIRES: check_record and check_base_times
// have nothing against them.
void append_record(const Record& record, const BaseTimes& base, Bytes& out);

// Reads one record from the front of `bytes` and shortens `bytes` by it. nullopt: malformed; nothing is
// consumed. The form is unique: what parses re-encodes to the same octets. No allocation.
std::optional<Record> parse_record(ByteView& bytes, const BaseTimes& base) noexcept;

}  // namespace eightbells::cache

#endif
