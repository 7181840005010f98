#include "responder/ocsp/request.h"

#include "responder/der/reader.h"
#include "responder/ocsp/extension.h"
#include "responder/ocsp/limits.h"
#include "responder/ocsp/oid.h"

namespace eightbells::ocsp {

using der::Reader;
using der::Tag;

namespace {

using Fault = std::optional<RequestFault>;  // none: well so far

// AlgorithmIdentifier with NULL parameters.
constexpr std::array<std::uint8_t, 11> sha1_null{0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
                                                 0x03, 0x02, 0x1a, 0x05, 0x00};
constexpr std::array<std::uint8_t, 15> sha256_null{0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                                   0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00};
ByteView algorithm_with_null(HashAlgorithm hash) noexcept {
    return hash == HashAlgorithm::sha1 ? ByteView{sha1_null} : ByteView{sha256_null};
}

Fault parse_extensions(Reader& fields, Tag tag, ExtensionList& out) noexcept {
    auto explicit_tag = fields.read_into(tag);
    const auto list = explicit_tag ? explicit_tag->read_into(Tag::sequence) : std::nullopt;
    if (!list || !explicit_tag->empty())
        return RequestFault::extension;
    const auto fault = out.parse(*list);
    if (!fault)
        return std::nullopt;
    return *fault == ExtensionList::Fault::duplicate ? RequestFault::duplicate_extension
                                                     : RequestFault::extension;
}

Fault parse_nonce(ByteView value, std::optional<ByteView>& out) noexcept {
    Reader inner{value};
    const auto nonce = inner.read(Tag::octet_string);
    if (!nonce || !inner.empty())
        return RequestFault::nonce_form;
    if (nonce->empty() || nonce->size() > limits::nonce_octets)
        return RequestFault::nonce_length;
    out = nonce;
    return std::nullopt;
}

Fault parse_version(Reader& fields) noexcept {
    if (!fields.next_is(der::context_constructed(0)))
        return std::nullopt;
    auto explicit_tag = fields.read_into(der::context_constructed(0));
    const auto version = explicit_tag ? explicit_tag->read_unsigned() : std::nullopt;
    if (version != 0U || !explicit_tag->empty())
        return RequestFault::version;
    return std::nullopt;
}

// GeneralName is a CHOICE of context tags; which one, and what it says, does not matter.
Fault skip_requestor_name(Reader& fields) noexcept {
    if (!fields.next_is(der::context_constructed(1)))
        return std::nullopt;
    const auto content = fields.read(der::context_constructed(1));
    if (!content || !der::is_one_element(*content) || ((*content)[0] & 0xc0) != 0x80)
        return RequestFault::not_der;
    return std::nullopt;
}

bool is_algorithm_identifier(Reader& fields) noexcept {
    auto algorithm = fields.read_into(Tag::sequence);
    if (!algorithm || !algorithm->read_oid())
        return false;
    return algorithm->empty() || der::is_one_element(algorithm->rest());
}

// Signature ::= SEQUENCE { signatureAlgorithm AlgorithmIdentifier, signature BIT STRING,
//                          certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
// Its form is looked at, its value never.
bool is_signature(Reader& fields) noexcept {
    auto explicit_tag = fields.read_into(der::context_constructed(0));
    auto signature = explicit_tag ? explicit_tag->read_into(Tag::sequence) : std::nullopt;
    if (!signature || !explicit_tag->empty() || !is_algorithm_identifier(*signature) ||
        !signature->read_bit_string_octets())
        return false;
    if (signature->empty())
        return true;
    auto certs = signature->read_into(der::context_constructed(0));
    auto list = certs ? certs->read_into(Tag::sequence) : std::nullopt;
    if (!list || !certs->empty() || !signature->empty())
        return false;
    while (!list->empty()) {
        if (!list->read(Tag::sequence))
            return false;
    }
    return true;
}

}  // namespace

struct RequestParser {
    RequestView& out;

    // Request ::= SEQUENCE { reqCert CertID, singleRequestExtensions [0] EXPLICIT Extensions OPTIONAL }
    Fault parse_one(Reader fields) noexcept {
        const auto cert_id_element = fields.next_is(Tag::sequence) ? fields.read_any() : std::nullopt;
        const auto cert_id = cert_id_element ? parse_cert_id(cert_id_element->tlv) : std::nullopt;
        if (!cert_id)
            return RequestFault::cert_id;
        out.cert_ids_[out.count_++] = *cert_id;
        if (fields.empty())
            return std::nullopt;
        ExtensionList list;
        if (const auto fault = parse_extensions(fields, der::context_constructed(0), list))
            return fault;
        for (const ExtensionView& extension : list.view()) {
            if (extension.critical && !equal(extension.oid, oid::service_locator))
                return RequestFault::critical_extension;
        }
        return fields.empty() ? Fault{} : RequestFault::cert_id;
    }

    Fault parse_list(Reader& fields) noexcept {
        auto list = fields.read_into(Tag::sequence);
        if (!list)
            return RequestFault::not_der;
        if (list->empty())
            return RequestFault::empty_list;
        while (!list->empty()) {
            if (out.count_ == out.cert_ids_.size())
                return RequestFault::too_many_cert_ids;
            const auto request = list->read_into(Tag::sequence);
            if (!request)
                return RequestFault::cert_id;
            if (const auto fault = parse_one(*request))
                return fault;
        }
        return std::nullopt;
    }

    Fault parse_request_extensions(Reader& fields) noexcept {
        ExtensionList list;
        if (const auto fault = parse_extensions(fields, der::context_constructed(2), list))
            return fault;
        for (const ExtensionView& extension : list.view()) {
            if (equal(extension.oid, oid::nonce)) {
                if (const auto fault = parse_nonce(extension.value, out.nonce_))
                    return fault;
            } else if (extension.critical && !equal(extension.oid, oid::acceptable_responses) &&
                       !equal(extension.oid, oid::preferred_signature_algorithms)) {
                return RequestFault::critical_extension;
            }
        }
        return std::nullopt;
    }

    Fault parse_tbs(Reader fields) noexcept {
        if (const auto fault = parse_version(fields))
            return fault;
        if (const auto fault = skip_requestor_name(fields))
            return fault;
        if (const auto fault = parse_list(fields))
            return fault;
        if (fields.empty())
            return std::nullopt;
        if (const auto fault = parse_request_extensions(fields))
            return fault;
        return fields.empty() ? Fault{} : RequestFault::not_der;
    }

    // The request that nearly every client sends: one certificate, a hash that we sign for with NULL
    // parameters, nothing else, less than 128 octets. Each octet of it but hashes and serial is known, so it
    // is compared instead of parsed. False: anything else, which need not be wrong.
    bool parse_plain(ByteView der) noexcept {
        constexpr std::size_t sequences = 5;  // OCSPRequest, TBSRequest, requestList, Request, CertID
        if (der.size() < 64 || der.size() >= 2 + 0x80)
            return false;
        for (std::size_t at = 0; at < 2 * sequences; at += 2)
            if (der[at] != 0x30 || der[at + 1] != der.size() - at - 2)
                return false;
        constexpr std::size_t cert_id = 2 * (sequences - 1);
        ByteView rest = der.subspan(2 * sequences);
        const auto take = [&rest](std::size_t octets) {
            const ByteView taken = rest.first(octets);
            rest = rest.subspan(octets);
            return taken;
        };
        const HashAlgorithm hash = rest[1] == 0x09 ? HashAlgorithm::sha1 : HashAlgorithm::sha256;
        const ByteView algorithm = algorithm_with_null(hash);
        const std::size_t octets = digest_octets(hash);
        if (rest.size() < algorithm.size() + 2 * (2 + octets) + 3)
            return false;
        CertIdView& one = out.cert_ids_[0];
        one.hash_algorithm = take(algorithm.size());
        const ByteView name_header = take(2);
        one.issuer_name_hash = take(octets);
        const ByteView key_header = take(2);
        one.issuer_key_hash = take(octets);
        const ByteView serial_header = take(2);
        if (!equal(one.hash_algorithm, algorithm) || name_header[0] != 0x04 || name_header[1] != octets ||
            key_header[0] != 0x04 || key_header[1] != octets || serial_header[0] != 0x02 ||
            serial_header[1] != rest.size())
            return false;
        one.hash = hash;
        one.hash_oid = one.hash_algorithm.subspan(4, algorithm.size() - 6);
        one.serial = rest;
        one.tlv = der.subspan(cert_id);
        out.count_ = 1;
        return true;
    }

    Fault parse(ByteView der) noexcept {
        out.count_ = 0;
        out.nonce_.reset();
        if (parse_plain(der))
            return std::nullopt;
        if (der.size() > limits::request_octets)
            return RequestFault::too_large;
        Reader whole{der};
        auto request = whole.read_into(Tag::sequence);
        const auto tbs = request ? request->read_into(Tag::sequence) : std::nullopt;
        if (!tbs)
            return RequestFault::not_der;
        if (!whole.empty())
            return RequestFault::trailing_bytes;
        if (const auto fault = parse_tbs(*tbs))
            return fault;
        if (request->empty())
            return std::nullopt;
        return is_signature(*request) && request->empty() ? Fault{} : RequestFault::signature;
    }
};

std::string_view to_string(RequestFault fault) noexcept {
    static constexpr std::array<std::string_view, request_faults> names{"too_large",
                                                                        "not_der",
                                                                        "trailing_bytes",
                                                                        "version",
                                                                        "empty_list",
                                                                        "too_many_cert_ids",
                                                                        "cert_id",
                                                                        "extension",
                                                                        "duplicate_extension",
                                                                        "critical_extension",
                                                                        "nonce_length",
                                                                        "nonce_form",
                                                                        "signature"};
    const auto at = static_cast<std::size_t>(fault);
    return at < names.size() ? names[at] : "unknown";
}

std::optional<RequestFault> parse_request(ByteView der, RequestView& out) noexcept {
    return RequestParser{out}.parse(der);
}

}  // namespace eightbells::ocsp
