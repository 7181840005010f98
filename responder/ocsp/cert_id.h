#ifndef EIGHTBELLS_RESPONDER_OCSP_CERT_ID_H
#define EIGHTBELLS_RESPONDER_OCSP_CERT_ID_H

#include <cstdint>
#include <optional>
#include <string_view>

#include "responder/base/bytes.h"

namespace eightbells::ocsp {

// The hash algorithms of CertIDs for which answers are signed ahead (A-05, B-05). The values are part of the
// stored form.
enum class HashAlgorithm : std::uint8_t { sha1 = 0, sha256 = 1 };
inline constexpr std::size_t hash_algorithms = 2;

constexpr std::size_t digest_octets(HashAlgorithm hash) noexcept {
    return hash == HashAlgorithm::sha1 ? 20 : 32;
}
std::string_view to_string(HashAlgorithm hash) noexcept;  // "sha1", "sha256"

// CertID (RFC 6960, section 4.1.1):
//   CertID ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, issuerNameHash OCTET STRING,
//                         issuerKeyHash OCTET STRING, serialNumber CertificateSerialNumber }
// Everything points into the request's bytes.
struct CertIdView {
    std::optional<HashAlgorithm> hash;  // absent: an algorithm that is not signed ahead
    ByteView hash_oid;  // content of the OBJECT IDENTIFIER; parameters NULL or absent do not matter
    ByteView hash_algorithm;  // the AlgorithmIdentifier as spelled, tag and length included: a live answer
                              // echoes it
    ByteView issuer_name_hash;
    ByteView issuer_key_hash;
    ByteView serial;  // content octets of the INTEGER, as spelled: at least one; Serial::from_der_content()
                      // judges the rest
    ByteView tlv;     // the whole CertID
};

// Exactly one CertID in strict DER, but for the serial, which may carry surplus leading zeros. SHA-1
// and SHA-256 take no parameters but NULL; other algorithms may carry any one element. nullopt: anything
// else. Borrows from `tlv`. No allocation.
[[nodiscard]] std::optional<CertIdView> parse_cert_id(ByteView tlv) noexcept;

}  // namespace eightbells::ocsp

#endif
