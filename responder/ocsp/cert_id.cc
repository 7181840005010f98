#include "responder/ocsp/cert_id.h"

#include "responder/der/reader.h"
#include "responder/ocsp/oid.h"

namespace eightbells::ocsp {

namespace {

// AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }
bool parse_algorithm(ByteView content, CertIdView& out) noexcept {
    der::Reader fields{content};
    const auto oid = fields.read_oid();
    if (!oid)
        return false;
    out.hash_oid = *oid;
    if (equal(*oid, oid::sha1))
        out.hash = HashAlgorithm::sha1;
    else if (equal(*oid, oid::sha256))
        out.hash = HashAlgorithm::sha256;
    if (fields.empty())
        return true;
    const auto parameters = fields.read_any();
    if (!parameters || !fields.empty())
        return false;
    const bool null = parameters->tag == der::Tag::null && parameters->content.empty();
    return null || !out.hash;
}

}  // namespace

std::string_view to_string(HashAlgorithm hash) noexcept {
    return hash == HashAlgorithm::sha1 ? "sha1" : "sha256";
}

std::optional<CertIdView> parse_cert_id(ByteView tlv) noexcept {
    der::Reader whole{tlv};
    auto fields = whole.read_into(der::Tag::sequence);
    if (!fields || !whole.empty())
        return std::nullopt;
    CertIdView out;
    out.tlv = tlv;
    if (!fields->next_is(der::Tag::sequence))
        return std::nullopt;
    const auto algorithm = fields->read_any();
    if (!algorithm || !parse_algorithm(algorithm->content, out))
        return std::nullopt;
    out.hash_algorithm = algorithm->tlv;
    const auto name_hash = fields->read(der::Tag::octet_string);
    const auto key_hash = fields->read(der::Tag::octet_string);
    const auto serial = fields->read(der::Tag::integer);
    if (!name_hash || !key_hash || !serial || serial->empty() || !fields->empty())
        return std::nullopt;
    out.issuer_name_hash = *name_hash;
    out.issuer_key_hash = *key_hash;
    out.serial = *serial;
    return out;
}

}  // namespace eightbells::ocsp
