#ifndef EIGHTBELLS_RESPONDER_CRL_CRL_H
#define EIGHTBELLS_RESPONDER_CRL_CRL_H

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/base/serial.h"
#include "responder/base/status.h"
#include "responder/crypto/certificate.h"

namespace eightbells::crl {

// The facts of a CRL apart from its entries (RFC 5280, section 5.1). Borrows from the CRL's bytes.
struct CrlView {
    ByteView tbs;          // TLV: what the signature covers
    ByteView issuer_name;  // DER Name
    UtcTime this_update{};
    std::optional<UtcTime> next_update;
    ByteView revoked_certificates;  // content of the SEQUENCE OF; empty when absent (F-06)
    // Canonical magnitude: the content without a sign octet, at most 20 octets; a single zero octet for the
    // number 0; empty when absent (F-04). `compare_crl_numbers` orders two of them.
    ByteView crl_number;
    bool has_authority_key_identifier = false;
    ByteView authority_key_identifier;    // keyIdentifier; empty when there is none
    bool is_delta = false;                // deltaCRLIndicator present
    ByteView base_crl_number;             // of a delta: magnitude, as crl_number
    ByteView issuing_distribution_point;  // extension value; empty: a full CRL (F-12, F-13)
    bool has_freshest_crl = false;        // a delta CRL exists (F-15)
    std::optional<UtcTime> expired_certs_on_crl;
    std::vector<std::string> unknown_critical_extensions;  // dotted OIDs
    // Departures from the profile that do not hinder reading, one line each with the row's id ("F-05:
    // thisUpdate ..."); check_crl weighs them.
    std::vector<std::string> departures;
    ByteView signature_algorithm;  // AlgorithmIdentifier TLV, inner and outer equal (F-02)
    ByteView signature;
};

// Numeric order of two canonical magnitudes.
std::strong_ordering compare_crl_numbers(ByteView a, ByteView b) noexcept;

struct CrlEntry {
    Serial serial;
    Revocation revocation;  // reason absent when unspecified or not given
    // Departures from the profile, for EntryRules to weigh (F-08, F-10).
    bool reason_critical = false;
    bool reason_spelled_unspecified = false;
    bool invalidity_date_critical = false;
};

// Strict DER of an X.509 v2 CRL (F-01, F-02, F-06); every failure names the field. Entries are not looked at
// yet. Linear in the size of everything but the entries.
Result<CrlView> parse_crl(ByteView der);

// The entries one after the other, in the order they stand, without holding them. Refused, with position
// (from 1) and serial: what is malformed, unknown critical entry extensions, certificateIssuer (F-11),
// removeFromCRL in a full CRL (F-09), a serial that is not one. Borrows from the CRL's bytes.
class EntryReader {
  public:
    explicit EntryReader(const CrlView& crl) noexcept
        : rest_(crl.revoked_certificates), is_delta_(crl.is_delta) {}
    Result<std::optional<CrlEntry>> next();  // nullopt: that was all

  private:
    ByteView rest_;
    bool is_delta_;
    std::size_t position_ = 0;
};

// The same to the end; stops when `take` returns an error, which is passed on as it is.
Status for_each_entry(const CrlView& crl, const std::function<Status(const CrlEntry&)>& take);

// What is served now.
struct CrlVersion {
    Bytes crl_number;  // as CrlView::crl_number
    UtcTime this_update{};
    crypto::Sha256Digest digest{};  // of the whole CRL
};
// What the gate may bend, and for whom.
struct CrlPolicy {
    // In `tls_br` and `smime_br` the departures of F-03, F-04 and F-05 refuse a CRL; elsewhere they warn, as
    // CAs run with openssl leave authorityKeyIdentifier out.
    crypto::Scheme scheme = crypto::Scheme::eutl;
    bool accept_delta = false;  // false: absence from a delta would be taken for "not revoked" (F-15)
    std::vector<std::string>* warnings = nullptr;
    bool covers_cas = false;         // what it lists are CA certificates (F-08, F-09, D-14)
    std::string distribution_point;  // the certificates' CDP, which the CRL must name byte for byte (F-12);
                                     // empty: it covers the whole issuer
    bool has_delta = false;          // a delta CRL to this one is served too (F-15)
    const CrlView* base = nullptr;   // of a delta: what is served of the CRL that it goes with; null: nothing
};

// Whether a CRL lists CA certificates: by its own scope, else by what the policy says.
bool covers_cas(const CrlView& crl, const CrlPolicy& policy);

// The import gate (F-02 to F-06, F-11 to F-13, F-15, F-17, F-23, F-26, D-13, D-14): right issuer, valid
// signature, a number, no unknown critical extension, the scope that was configured, not indirect, thisUpdate
// not in the future, nextUpdate ahead and not too far. Before a single entry is believed; those have
// EntryRules. With `previous`, number and thisUpdate must not go back, and equal numbers mean equal
// bytes. The error holds every reason, each with its row's id, separated by "; ".
Status check_crl(const CrlView& crl, ByteView der, const crypto::IssuerIdentity& issuer, UtcTime now,
                 const std::optional<CrlVersion>& previous, const CrlPolicy& policy = {});

}  // namespace eightbells::crl

#endif
