#ifndef EIGHTBELLS_RESPONDER_CRYPTO_EXTENSION_OIDS_H
#define EIGHTBELLS_RESPONDER_CRYPTO_EXTENSION_OIDS_H

#include <array>
#include <cstdint>

// The content octets of the object identifiers that certificates and CRLs are judged by.
namespace eightbells::crypto::oids {

using CeOid = std::array<std::uint8_t, 3>;  // id-ce, 2.5.29.n
inline constexpr CeOid subject_key_identifier{0x55, 0x1d, 14};
inline constexpr CeOid key_usage{0x55, 0x1d, 15};
inline constexpr CeOid subject_alternative_name{0x55, 0x1d, 17};
inline constexpr CeOid issuer_alternative_name{0x55, 0x1d, 18};
inline constexpr CeOid basic_constraints{0x55, 0x1d, 19};
inline constexpr CeOid crl_number{0x55, 0x1d, 20};
inline constexpr CeOid reason_code{0x55, 0x1d, 21};
inline constexpr CeOid invalidity_date{0x55, 0x1d, 24};
inline constexpr CeOid delta_crl_indicator{0x55, 0x1d, 27};
inline constexpr CeOid issuing_distribution_point{0x55, 0x1d, 28};
inline constexpr CeOid certificate_issuer{0x55, 0x1d, 29};
inline constexpr CeOid name_constraints{0x55, 0x1d, 30};
inline constexpr CeOid crl_distribution_points{0x55, 0x1d, 31};
inline constexpr CeOid certificate_policies{0x55, 0x1d, 32};
inline constexpr CeOid authority_key_identifier{0x55, 0x1d, 35};
inline constexpr CeOid extended_key_usage{0x55, 0x1d, 37};
inline constexpr CeOid freshest_crl{0x55, 0x1d, 46};
inline constexpr CeOid expired_certs_on_crl{0x55, 0x1d, 60};

using PkixOid = std::array<std::uint8_t, 8>;  // id-pkix, 1.3.6.1.5.5.7.a.b
inline constexpr PkixOid authority_information_access{0x2b, 6, 1, 5, 5, 7, 1, 1};
inline constexpr PkixOid ocsp_signing{0x2b, 6, 1, 5, 5, 7, 3, 9};
inline constexpr PkixOid ad_ocsp{0x2b, 6, 1, 5, 5, 7, 48, 1};
inline constexpr std::array<std::uint8_t, 9> ocsp_nocheck{0x2b, 6, 1, 5, 5, 7, 48, 1, 5};

}  // namespace eightbells::crypto::oids

#endif
