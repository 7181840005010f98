#ifndef EIGHTBELLS_RESPONDER_OCSP_OID_H
#define EIGHTBELLS_RESPONDER_OCSP_OID_H

#include <array>
#include <cstdint>

// Content octets of the object identifiers that occur in requests and answers.
namespace eightbells::ocsp::oid {

// 1.3.14.3.2.26
inline constexpr std::array<std::uint8_t, 5> sha1{0x2b, 0x0e, 0x03, 0x02, 0x1a};
// 2.16.840.1.101.3.4.2.1
inline constexpr std::array<std::uint8_t, 9> sha256{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01};

// id-pkix-ocsp, 1.3.6.1.5.5.7.48.1, and its arcs (RFC 6960, appendix B.2; RFC 9654)
constexpr std::array<std::uint8_t, 9> pkix_ocsp(std::uint8_t arc) noexcept {
    return {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, arc};
}
inline constexpr auto basic = pkix_ocsp(1);
inline constexpr auto nonce = pkix_ocsp(2);
inline constexpr auto acceptable_responses = pkix_ocsp(4);
inline constexpr auto archive_cutoff = pkix_ocsp(6);
inline constexpr auto service_locator = pkix_ocsp(7);
inline constexpr auto preferred_signature_algorithms = pkix_ocsp(8);

inline constexpr std::array<std::uint8_t, 3> reason_code{0x55, 0x1d, 0x15};      // 2.5.29.21
inline constexpr std::array<std::uint8_t, 3> invalidity_date{0x55, 0x1d, 0x18};  // 2.5.29.24
// 1.3.36.8.3.13, Common PKI part 4 and EN 319 412-2: the certificate hash
inline constexpr std::array<std::uint8_t, 5> cert_hash{0x2b, 0x24, 0x08, 0x03, 0x0d};

}  // namespace eightbells::ocsp::oid

#endif
