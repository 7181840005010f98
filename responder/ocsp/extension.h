#ifndef EIGHTBELLS_RESPONDER_OCSP_EXTENSION_H
#define EIGHTBELLS_RESPONDER_OCSP_EXTENSION_H

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/der/reader.h"
#include "responder/ocsp/limits.h"

namespace eightbells::ocsp {

// Extension (RFC 5280, section 4.1), borrowed:
//   Extension ::= SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING
//   }
struct ExtensionView {
    ByteView oid;
    bool critical = false;
    bool default_written_out = false;  // `critical FALSE` is there although DER leaves it out
    ByteView value;                    // content of extnValue
};

// A non-empty list of at most limits::extensions_per_list extensions, no OID twice.
struct ExtensionList {
    enum class Fault : std::uint8_t { form, duplicate };

    std::array<ExtensionView, limits::extensions_per_list> items;
    std::size_t count = 0;

    std::span<const ExtensionView> view() const noexcept { return {items.data(), count}; }
    // `list` is the content of the Extensions SEQUENCE. No allocation.
    std::optional<Fault> parse(der::Reader list) noexcept;
};

// Extension TLVs for the singleExtensions of an answer, none critical. Empty when the argument cannot be
// encoded: a year beyond 9999, a hash of the wrong size.
Bytes encode_archive_cutoff(UtcTime cutoff);             // RFC 6960, section 4.4.4 (B-17)
Bytes encode_invalidity_date(UtcTime date);              // RFC 5280, section 5.3.2 (B-22)
Bytes encode_cert_hash(ByteView sha256_of_certificate);  // CertHash, 1.3.36.8.3.13

}  // namespace eightbells::ocsp

#endif
