#include <array>
#include <cctype>
#include <cstdio>

#include "responder/ocsp/oid.h"
#include "tests/front/world.h"

namespace eightbells::front::test {
namespace {

Bytes tlv(std::uint8_t tag, ByteView content) {
    Bytes out{tag};
    if (content.size() < 0x80) {
        out.push_back(static_cast<std::uint8_t>(content.size()));
    } else {
        out.push_back(0x82);
        out.push_back(static_cast<std::uint8_t>(content.size() >> 8));
        out.push_back(static_cast<std::uint8_t>(content.size()));
        if (content.size() < 0x100)
            out = {tag, 0x81, static_cast<std::uint8_t>(content.size())};
    }
    out.insert(out.end(), content.begin(), content.end());
    return out;
}
Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const Bytes& part : parts)
        out.insert(out.end(), part.begin(), part.end());
    return out;
}

// A DER INTEGER's content from a magnitude.
Bytes integer_content(const Bytes& magnitude) {
    return !magnitude.empty() && (magnitude[0] & 0x80) != 0 ? joined({{0}, magnitude}) : magnitude;
}

}  // namespace

// --- requests

AskedId id_of(const Authority& authority, const Bytes& serial, HashAlgorithm hash) {
    const auto copy = [](ByteView bytes) { return Bytes(bytes.begin(), bytes.end()); };
    AskedId id;
    if (hash == HashAlgorithm::sha1)
        id.hash_oid = Bytes(ocsp::oid::sha1.begin(), ocsp::oid::sha1.end());
    id.name_hash = copy(authority.identity->name_hash(hash));
    id.key_hash = copy(authority.identity->key_hash(hash));
    id.serial = integer_content(serial);
    return id;
}

AskedId id_with(const Authority& authority, const Bytes& serial, const Bytes& hash_oid) {
    const auto hashes = authority.identity->hashes_for(hash_oid);
    AskedId id;
    id.hash_oid = hash_oid;
    id.name_hash = hashes ? hashes->name : Bytes(16, 1);
    id.key_hash = hashes ? hashes->key : Bytes(16, 2);
    id.serial = integer_content(serial);
    return id;
}

Bytes cert_id_der(const AskedId& id) {
    const Bytes oid =
        id.hash_oid.empty() ? Bytes(ocsp::oid::sha256.begin(), ocsp::oid::sha256.end()) : id.hash_oid;
    const Bytes algorithm = tlv(0x30, joined({tlv(6, oid), id.null_parameters ? Bytes{5, 0} : Bytes{}}));
    return tlv(0x30, joined({algorithm, tlv(4, id.name_hash), tlv(4, id.key_hash), tlv(2, id.serial)}));
}

Bytes request_der(const std::vector<AskedId>& ids, const Bytes& nonce) {
    Bytes list;
    for (const AskedId& id : ids)
        list = joined({list, tlv(0x30, cert_id_der(id))});
    Bytes extensions;
    if (!nonce.empty()) {
        const Bytes oid(ocsp::oid::nonce.begin(), ocsp::oid::nonce.end());
        extensions = tlv(0xa2, tlv(0x30, tlv(0x30, joined({tlv(6, oid), tlv(4, tlv(4, nonce))}))));
    }
    return tlv(0x30, tlv(0x30, joined({tlv(0x30, list), extensions})));
}

std::string base64(ByteView bytes) {
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
        unsigned value = 0;
        for (std::size_t k = 0; k < 3; ++k)
            value = value << 8 | (k < n ? bytes[i + k] : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            out += k <= n ? digits[value >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

std::string escaped(std::string_view text, bool upper) {
    std::string out;
    for (const char c : text) {
        std::array<char, 4> hex{};
        std::snprintf(hex.data(), hex.size(), upper ? "%%%02X" : "%%%02x", static_cast<unsigned char>(c));
        if (std::isalnum(static_cast<unsigned char>(c)) != 0)
            out += c;
        else
            out += hex.data();
    }
    return out;
}

}  // namespace eightbells::front::test
