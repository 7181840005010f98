#ifndef EIGHTBELLS_TESTS_OCSP_SPELL_H
#define EIGHTBELLS_TESTS_OCSP_SPELL_H

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "responder/base/bytes.h"

// DER spelled forwards by hand, element by element, so that a test can also spell it wrongly; it shares
// nothing with responder/der.
namespace spell {

using eightbells::Bytes;
using eightbells::ByteView;

inline Bytes hex(std::string_view digits) {
    return eightbells::from_hex(digits).value();
}

inline Bytes join(std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const Bytes& part : parts)
        out.insert(out.end(), part.begin(), part.end());
    return out;
}

inline Bytes tlv(std::uint8_t tag, const Bytes& content) {
    Bytes out{tag};
    if (content.size() < 0x80) {
        out.push_back(static_cast<std::uint8_t>(content.size()));
    } else if (content.size() < 0x100) {
        out.push_back(0x81);
        out.push_back(static_cast<std::uint8_t>(content.size()));
    } else {
        out.push_back(0x82);
        out.push_back(static_cast<std::uint8_t>(content.size() >> 8));
        out.push_back(static_cast<std::uint8_t>(content.size() & 0xff));
    }
    out.insert(out.end(), content.begin(), content.end());
    return out;
}
inline Bytes tlv(std::uint8_t tag, std::initializer_list<Bytes> parts) {
    return tlv(tag, join(parts));
}
inline Bytes sequence(std::initializer_list<Bytes> parts) {
    return tlv(0x30, parts);
}
inline Bytes octets(const Bytes& content) {
    return tlv(0x04, content);
}

// AlgorithmIdentifiers.
inline const Bytes sha1_null = hex("300906052b0e03021a0500");
inline const Bytes sha1_absent = hex("300706052b0e03021a");
inline const Bytes sha256_null = hex("300d06096086480165030402010500");
inline const Bytes sha256_absent = hex("300b0609608648016503040201");

inline const Bytes name_hash(32, 0xa1);
inline const Bytes key_hash(32, 0xb2);
inline const Bytes serial = hex("7edcba98765432100123456789abcdef01234567");

inline Bytes cert_id(const Bytes& algorithm = sha256_null, const Bytes& serial_content = serial) {
    const std::size_t size = algorithm == sha1_null || algorithm == sha1_absent ? 20 : 32;
    return sequence(
        {algorithm, octets(Bytes(size, 0xa1)), octets(Bytes(size, 0xb2)), tlv(0x02, serial_content)});
}

// OCSPRequest from the parts of TBSRequest, each whole: `before` is version and requestor name, `after` the
// extensions; `signature` stands outside it.
inline Bytes request(const std::vector<Bytes>& requests, const Bytes& after = {}, const Bytes& before = {},
                     const Bytes& signature = {}) {
    Bytes list;
    for (const Bytes& one : requests)
        list.insert(list.end(), one.begin(), one.end());
    return sequence({sequence({before, tlv(0x30, list), after}), signature});
}
inline Bytes one_request() {
    return request({sequence({cert_id()})});
}

inline const Bytes oid_nonce = hex("06092b0601050507300102");
inline const Bytes oid_unknown = hex("06072b060104018d1f");  // 1.3.6.1.4.1.1695
inline const Bytes critical = hex("0101ff");

inline Bytes extension(const Bytes& oid, const Bytes& value, const Bytes& flag = {}) {
    return sequence({oid, flag, octets(value)});
}
inline Bytes nonce(std::size_t size) {
    return extension(oid_nonce, octets(Bytes(size, 0x6e)));
}
// requestExtensions [2], singleRequestExtensions [0], responseExtensions and singleExtensions [1]
inline Bytes extensions(std::uint8_t number, std::initializer_list<Bytes> list) {
    return tlv(static_cast<std::uint8_t>(0xa0 | number), {tlv(0x30, list)});
}

}  // namespace spell

#endif
