#ifndef EIGHTBELLS_RESPONDER_LEDGER_IMPORT_H
#define EIGHTBELLS_RESPONDER_LEDGER_IMPORT_H

#include <filesystem>
#include <string>

#include "responder/crypto/certificate.h"
#include "responder/ledger/ledger.h"

namespace eightbells::ledger {

// The sources a CA really has. Each reads a whole file, believes nothing of it before it is checked, and
// names file and line of what it refuses; nothing changes then. `name` is the source's name in the ledger.

// OpenSSL's and EasyRSA's database (six tab-separated fields: V, R or E; end date; revocation date and
// reason; serial; file name; subject), LF or CRLF. A last line without its line end is a file still being
// written: refused, try again.
Result<ImportReport> import_index(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                  const std::filesystem::path& file, UtcTime now);

// A CRL, PEM or DER, verified against the issuer before a single entry is believed. Returns the verified DER
// as well, for publication.
struct CrlImport {
    ImportReport report;
    Bytes der;
};
Result<CrlImport> import_crl(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                             const std::filesystem::path& file, UtcTime now,
                             const std::optional<Bytes>& served_now);

// Lists of issued certificates. CSV with a header line naming `serial` and `not_after` (ISO 8601 or
// YYYYMMDDHHMMSSZ) and optionally `sha256`, `status`, `revocation_time`, `reason`, `invalidity_date`; JSON
// lines with the same names; a folder of certificates (.pem, .crt, .cer, .der), each checked to be signed by
// the issuer.
Result<ImportReport> import_csv(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                const std::filesystem::path& file, UtcTime now);
Result<ImportReport> import_json_lines(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                       const std::filesystem::path& file, UtcTime now);
Result<ImportReport> import_folder(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                   const std::filesystem::path& folder, UtcTime now);

}  // namespace eightbells::ledger

#endif
