#ifndef EIGHTBELLS_TESTS_CRYPTO_WALK_H
#define EIGHTBELLS_TESTS_CRYPTO_WALK_H

#include <string>
#include <vector>

#include "responder/base/bytes.h"

// A second, naive reading of DER for the oracles of fuzz harnesses: no line of it is shared with
// responder/der. Only for octets that the code under test has accepted.
namespace eightbells::test {

inline std::size_t header(ByteView tlv) {
    return tlv[1] < 0x80 ? 2U : 2U + (tlv[1] & 0x7fU);
}
// Octets of the element at the front, header included.
inline std::size_t whole(ByteView tlv) {
    std::size_t length = tlv[1];
    if (length >= 0x80) {
        length = 0;
        for (std::size_t i = 2; i < header(tlv); ++i)
            length = length * 256 + tlv[i];
    }
    return header(tlv) + length;
}
inline ByteView content(ByteView tlv) {
    return tlv.subspan(header(tlv));
}
inline std::vector<ByteView> elements(ByteView rest) {
    std::vector<ByteView> found;
    while (!rest.empty()) {
        found.push_back(rest.first(whole(rest)));
        rest = rest.subspan(whole(rest));
    }
    return found;
}
inline std::vector<ByteView> children(ByteView tlv) {
    return elements(content(tlv));
}
// A UTCTime or GeneralizedTime as ISO 8601.
inline std::string time(ByteView tlv) {
    std::string t{as_text(content(tlv))};
    if (tlv[0] == 0x17)
        t = (t[0] >= '5' ? "19" : "20") + t;
    return t.substr(0, 4) + "-" + t.substr(4, 2) + "-" + t.substr(6, 2) + "T" + t.substr(8, 2) + ":" +
           t.substr(10, 2) + ":" + t.substr(12, 2) + "Z";
}

}  // namespace eightbells::test

#endif
