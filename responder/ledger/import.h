#ifndef EIGHTBELLS_RESPONDER_LEDGER_IMPORT_H
#define EIGHTBELLS_RESPONDER_LEDGER_IMPORT_H

#include <filesystem>
#include <string>

#include "responder/crl/crl.h"
#include "responder/crypto/certificate.h"
#include "responder/ledger/ledger.h"

namespace eightbells::ledger {

// The sources a CA really has. Each reads a whole file in one consistent view, believes nothing of it before
// it is checked, and names file and line of what it refuses; nothing changes then. A text file that changes
// while it is read, or whose last line has no line end, is still being written: refused, "try again". The
// source's name in the ledger is "index", "crl" or "list:<file or folder name>".

// OpenSSL's and EasyRSA's database (six tab-separated fields: V, R or E; end date; revocation date and
// reason; serial; file name; subject), LF or CRLF. A full list; speaks as of `now`.
Result<ImportReport> import_index(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                  const std::filesystem::path& file, UtcTime now);

// A CRL, PEM or DER, verified against the issuer before a single entry is believed; speaks as of its
// thisUpdate. A serial that is not known as issued is kept as a revoked certificate with unknown end, so that
// answer and CRL agree (C-09). A complete CRL (no issuing distribution point) releases the holds that a CRL
// had set and that it no longer lists. `served_now` is the DER of the CRL that is published now: the new one
// may not go back behind it (F-23). Returns the verified DER as well, for publication; the warnings of
// `policy` stand in the report.
struct CrlImport {
    ImportReport report;
    Bytes der;
};
Result<CrlImport> import_crl(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                             const std::filesystem::path& file, UtcTime now,
                             const std::optional<Bytes>& served_now,
                             crypto::Scheme scheme = crypto::Scheme::eutl);

// Lists of issued certificates: they add to what is known, so nothing is missing from them. CSV (RFC 4180, in
// any case of its header names) with a header line naming `serial` (hexadecimal; or `serial_decimal`) and
// `not_after` (ISO 8601 or YYYYMMDDHHMMSSZ) and optionally `sha256`, `status` (good, revoked, hold),
// `revocation_time`, `reason`, `invalidity_date`; JSON lines with the same names, all values strings; other
// names are passed over. With a `status` column the list speaks of status as of `now`. A folder of
// certificates (.pem, .crt, .cer, .der), each checked to be signed by the issuer; other files are passed
// over, subfolders too.
Result<ImportReport> import_csv(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                const std::filesystem::path& file, UtcTime now);
Result<ImportReport> import_json_lines(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                       const std::filesystem::path& file, UtcTime now);
Result<ImportReport> import_folder(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                   const std::filesystem::path& folder, UtcTime now);

}  // namespace eightbells::ledger

#endif
