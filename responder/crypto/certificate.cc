#include "responder/crypto/certificate.h"

#include <fmt/format.h>

#include "responder/crypto/algorithms.h"
#include "responder/crypto/extension_oids.h"
#include "responder/crypto/limits.h"
#include "responder/crypto/pem.h"
#include "responder/crypto/text.h"
#include "responder/der/reader.h"

namespace eightbells::crypto {

using der::Reader;
using der::Tag;

// Views point into `der`, which is never changed again.
struct Certificate::Parts {
    Bytes der;
    ByteView tbs;
    ByteView serial_content;
    ByteView signature_algorithm;
    ByteView signature;
    ByteView issuer;
    ByteView subject;
    UtcTime not_before{};
    UtcTime not_after{};
    ByteView subject_public_key_info;
    ByteView public_key_bits;
    std::vector<Extension> extensions;
    bool is_ca = false;

    Status parse();

  private:
    Status parse_tbs(Reader fields);
    bool parse_key(ByteView tlv) noexcept;
    Status parse_extensions(Reader list);
};

namespace {

tl::unexpected<Error> bad(std::string_view field) {
    return fail(fmt::format("certificate: {} is missing or not DER", field));
}

std::optional<ByteView> read_tlv(Reader& reader, Tag tag) noexcept {
    if (!reader.next_is(tag))
        return std::nullopt;
    const auto element = reader.read_any();
    return element ? std::optional{element->tlv} : std::nullopt;
}

// BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }
std::optional<bool> read_ca_flag(ByteView value) noexcept {
    Reader outer{value};
    auto fields = outer.read_into(Tag::sequence);
    if (!fields || !outer.empty())
        return std::nullopt;
    bool ca = false;
    if (fields->next_is(Tag::boolean)) {
        const auto flag = fields->read_boolean();
        if (!flag)
            return std::nullopt;
        ca = *flag;
    }
    if (fields->next_is(Tag::integer) && !fields->read_unsigned())
        return std::nullopt;
    return fields->empty() ? std::optional{ca} : std::nullopt;
}

}  // namespace

Status Certificate::Parts::parse_extensions(Reader list) {
    if (list.empty())
        return fail("certificate: extensions: an empty list");
    while (!list.empty()) {
        auto fields = list.read_into(Tag::sequence);
        const auto oid = fields ? fields->read_oid() : std::nullopt;
        if (!oid)
            return bad("extensions: an extension");
        Extension extension{*oid, false, {}};
        if (fields->next_is(Tag::boolean)) {
            const auto critical = fields->read_boolean();
            if (!critical)
                return bad(fmt::format("extension {}: critical", oid_text(*oid)));
            extension.critical = *critical;
        }
        const auto value = fields->read(Tag::octet_string);
        if (!value || !fields->empty())
            return bad(fmt::format("extension {}", oid_text(*oid)));
        if (find_if(extensions.begin(), extensions.end(),
                    [&](const Extension& e) { return equal(e.oid, *oid); }) != extensions.end())
            return fail(fmt::format("certificate: extension {} occurs twice", oid_text(*oid)));
        if (extensions.size() == limits::certificate_extensions)
            return fail(fmt::format("certificate: more than {} extensions", limits::certificate_extensions));
        extension.value = *value;
        extensions.push_back(extension);
        if (equal(*oid, oids::basic_constraints)) {
            const auto ca = read_ca_flag(*value);
            if (!ca)
                return bad("basicConstraints");
            is_ca = *ca;
        }
    }
    return {};
}

bool Certificate::Parts::parse_key(ByteView tlv) noexcept {
    auto fields = Reader{tlv}.read_into(Tag::sequence);
    const auto algorithm = fields ? fields->read(Tag::sequence) : std::nullopt;
    const auto bits = algorithm ? fields->read_bit_string_octets() : std::nullopt;
    if (!bits || !fields->empty())
        return false;
    subject_public_key_info = tlv;
    public_key_bits = *bits;
    return true;
}

Status Certificate::Parts::parse_tbs(Reader fields) {
    std::uint64_t version = 0;
    if (auto explicit_version = fields.read_into(der::context_constructed(0))) {
        const auto number = explicit_version->read_unsigned();
        if (!number || *number > 2 || !explicit_version->empty())
            return fail("certificate: version: 1, 2 and 3 exist");
        version = *number;
    }
    const auto serial = fields.read_integer_content();
    if (!serial)
        return bad("serialNumber");
    serial_content = *serial;
    const auto inner_algorithm = read_tlv(fields, Tag::sequence);
    if (!inner_algorithm)
        return bad("signature");
    if (!equal(*inner_algorithm, signature_algorithm))
        return fail("certificate: the signature algorithms inside and outside differ");
    const auto issuer_tlv = read_tlv(fields, Tag::sequence);
    if (!issuer_tlv)
        return bad("issuer");
    issuer = *issuer_tlv;
    auto validity = fields.read_into(Tag::sequence);
    const auto begin = validity ? validity->read_time() : std::nullopt;
    const auto end = begin ? validity->read_time() : std::nullopt;
    if (!end || !validity->empty())
        return bad("validity");
    not_before = *begin;
    not_after = *end;
    const auto subject_tlv = read_tlv(fields, Tag::sequence);
    if (!subject_tlv)
        return bad("subject");
    subject = *subject_tlv;
    const auto key = read_tlv(fields, Tag::sequence);
    if (!key || !parse_key(*key))
        return bad("subjectPublicKeyInfo");
    for (const std::uint8_t unique_id : {std::uint8_t{1}, std::uint8_t{2}}) {
        if (fields.next_is(der::context(unique_id)) && (version == 0 || !fields.read_any()))
            return bad("a unique identifier");
    }
    if (auto wrapped = fields.read_into(der::context_constructed(3))) {
        auto list = wrapped->read_into(Tag::sequence);
        if (version != 2 || !list || !wrapped->empty())
            return bad("extensions");
        if (auto parsed = parse_extensions(*list); !parsed)
            return parsed;
    }
    if (!fields.empty())
        return fail("certificate: something stands behind the last field");
    return {};
}

// Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue BIT STRING }
Status Certificate::Parts::parse() {
    Reader outer{der};
    auto fields = outer.read_into(Tag::sequence);
    if (!fields)
        return fail("certificate: not one whole DER SEQUENCE");
    if (!outer.empty())
        return fail("certificate: something stands behind it");
    const auto tbs_tlv = read_tlv(*fields, Tag::sequence);
    if (!tbs_tlv)
        return bad("tbsCertificate");
    tbs = *tbs_tlv;
    const auto algorithm = read_tlv(*fields, Tag::sequence);
    if (!algorithm)
        return bad("signatureAlgorithm");
    signature_algorithm = *algorithm;
    const auto signature_octets = fields->read_bit_string_octets();
    if (!signature_octets || !fields->empty())
        return bad("signatureValue");
    signature = *signature_octets;
    const auto inner = Reader{tbs}.read_into(Tag::sequence);
    return inner ? parse_tbs(*inner) : Status{bad("tbsCertificate")};
}

Result<Certificate> Certificate::parse(ByteView der_or_pem) {
    const auto parts = std::make_shared<Parts>();
    if (looks_like_der(der_or_pem, {"CERTIFICATE", "X509 CERTIFICATE"})) {
        parts->der.assign(der_or_pem.begin(), der_or_pem.end());
    } else {
        auto decoded = decode_pem(der_or_pem, {"CERTIFICATE", "X509 CERTIFICATE"});
        if (!decoded)
            return fail("certificate", decoded.error());
        parts->der = std::move(*decoded);
    }
    if (auto parsed = parts->parse(); !parsed)
        return tl::unexpected(parsed.error());
    return Certificate{parts};
}

ByteView Certificate::der() const noexcept {
    return parts_->der;
}
ByteView Certificate::tbs() const noexcept {
    return parts_->tbs;
}
ByteView Certificate::signature_algorithm() const noexcept {
    return parts_->signature_algorithm;
}
ByteView Certificate::signature() const noexcept {
    return parts_->signature;
}
ByteView Certificate::subject_name() const noexcept {
    return parts_->subject;
}
ByteView Certificate::issuer_name() const noexcept {
    return parts_->issuer;
}
ByteView Certificate::public_key_bits() const noexcept {
    return parts_->public_key_bits;
}
ByteView Certificate::subject_public_key_info() const noexcept {
    return parts_->subject_public_key_info;
}
std::optional<Serial> Certificate::serial() const noexcept {
    return Serial::from_der_content(parts_->serial_content);
}
UtcTime Certificate::not_before() const noexcept {
    return parts_->not_before;
}
UtcTime Certificate::not_after() const noexcept {
    return parts_->not_after;
}
bool Certificate::is_ca() const noexcept {
    return parts_->is_ca;
}
std::string Certificate::subject_text() const {
    return name_text(parts_->subject);
}
std::string Certificate::issuer_text() const {
    return name_text(parts_->issuer);
}
std::span<const Certificate::Extension> Certificate::extensions() const noexcept {
    return parts_->extensions;
}

std::string Certificate::key_name() const {
    const auto facts = describe_key(parts_->subject_public_key_info);
    return facts ? facts->name() : facts.error().message;
}

const Certificate::Extension* Certificate::find_extension(ByteView oid) const noexcept {
    for (const auto& extension : parts_->extensions) {
        if (equal(extension.oid, oid))
            return &extension;
    }
    return nullptr;
}

std::optional<ByteView> Certificate::subject_key_identifier() const noexcept {
    const auto* extension = find_extension(oids::subject_key_identifier);
    if (extension == nullptr)
        return std::nullopt;
    Reader reader{extension->value};
    const auto identifier = reader.read(Tag::octet_string);
    return reader.empty() ? identifier : std::nullopt;
}

std::optional<ByteView> Certificate::authority_key_identifier() const noexcept {
    const auto* extension = find_extension(oids::authority_key_identifier);
    return extension == nullptr ? std::nullopt : key_identifier_of(extension->value);
}

std::optional<ByteView> key_identifier_of(ByteView authority_key_identifier) noexcept {
    Reader outer{authority_key_identifier};
    auto fields = outer.read_into(Tag::sequence);
    return fields && outer.empty() ? fields->read(der::context(0)) : std::nullopt;
}

}  // namespace eightbells::crypto
