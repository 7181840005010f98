#ifndef EIGHTBELLS_RESPONDER_LEDGER_IMPORT_H
#define EIGHTBELLS_RESPONDER_LEDGER_IMPORT_H

#include <filesystem>
#include <string>

#include "responder/crl/crl.h"
#include "responder/crl/octets.h"
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
// answer and CRL agree (C-09). A last CRL (F-18) while a certificate of the issuer is neither expired nor
// revoked, in the ledger or by this CRL, is refused.
struct CrlToImport {
    crl::Octets octets;
    std::string place;              // file or URL, for messages
    std::filesystem::path scratch;  // a folder for files without names
    std::string source = "crl";     // in the ledger; a delta speaks for the same source as its base
    // A delta's policy has accept_delta; the warnings of the report go where it says, and into the report.
    crl::CrlPolicy policy;
    std::optional<crl::CrlVersion> previous;  // the newest taken so far, which this may not go behind (F-23)
    // A complete CRL (no issuing distribution point) releases the holds that its source had set and that it
    // no longer lists, unless a newer delta has been taken already.
    std::optional<crl::CrlVersion> newest_delta;
};
// The verified DER, for publication, and what is to be remembered of it.
struct CrlImport {
    ImportReport report;
    crl::Octets der;
    crl::CrlVersion version;
};
Result<CrlImport> import_crl(Ledger& ledger, const crypto::IssuerIdentity& issuer, CrlToImport offer,
                             UtcTime now);

// Lists of issued certificates: they add to what is known, so nothing is missing from them. CSV (RFC 4180, in
// any case of its header names) with a header line naming `serial` (hexadecimal; or `serial_decimal`) and
// `not_after` (ISO 8601 or YYYYMMDDHHMMSSZ) and optionally `sha256`, `status` (good, revoked, hold),
// `revocation_time`, `reason`, `invalidity_date`, `distribution_point`
// (the URI under which the certificate says that its CRL lies); JSON lines with the same names, all values
// strings; other names are passed over. With a `status` column the list speaks of status as of `now`. A
// folder of certificates (.pem, .crt, .cer, .der), each checked to be signed by the issuer; other files are
// passed over, subfolders too.
Result<ImportReport> import_csv(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                const std::filesystem::path& file, UtcTime now);
Result<ImportReport> import_json_lines(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                       const std::filesystem::path& file, UtcTime now);
Result<ImportReport> import_folder(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                   const std::filesystem::path& folder, UtcTime now);

}  // namespace eightbells::ledger

#endif
