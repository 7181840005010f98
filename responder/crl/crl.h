#ifndef EIGHTBELLS_RESPONDER_CRL_CRL_H
#define EIGHTBELLS_RESPONDER_CRL_CRL_H

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
    ByteView crl_number;  // canonical magnitude (content without a sign octet); empty when absent (F-04)
    bool has_authority_key_identifier = false;
    bool is_delta = false;                // deltaCRLIndicator present
    ByteView issuing_distribution_point;  // extension value; empty: a full CRL (F-12, F-13)
    std::optional<UtcTime> expired_certs_on_crl;
    std::vector<std::string> unknown_critical_extensions;  // dotted OIDs
    ByteView signature_algorithm;  // AlgorithmIdentifier TLV, inner and outer equal (F-02)
    ByteView signature;
};

struct CrlEntry {
    Serial serial;
    Revocation revocation;  // reason absent when unspecified or not given
};

// The DER of a file that holds one CRL in DER or PEM (text around the block is ignored; a second block is
// refused).
Result<Bytes> to_der(Bytes der_or_pem);

// Strict DER; every failure names the field. Entries are not looked at yet.
Result<CrlView> parse_crl(ByteView der);

// Streams the entries, in the order they stand, without holding them. Stops at the first malformed entry,
// whose position (from 1) and serial are named, or when `take` returns an error. Refused: unknown critical
// entry extensions, certificateIssuer (F-11), removeFromCRL in a full CRL (F-09), a serial that is not one.
Status for_each_entry(const CrlView& crl, const std::function<Status(const CrlEntry&)>& take);

// The import gate (F-23, F-02, F-03, F-04, F-11, F-26): right issuer, valid signature, no unknown critical
// extension, thisUpdate not in the future, nextUpdate ahead. Before a single entry is believed. `previous` is
// what is served now: number and thisUpdate must not go back, and equal numbers mean equal bytes.
struct CrlVersion {
    Bytes crl_number;
    UtcTime this_update{};
    crypto::Sha256Digest digest{};
};
Status check_crl(const CrlView& crl, ByteView der, const crypto::IssuerIdentity& issuer, UtcTime now,
                 const std::optional<CrlVersion>& previous);

}  // namespace eightbells::crl

#endif
