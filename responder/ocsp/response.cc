#include "responder/ocsp/response.h"

#include <string>

#include "responder/der/reader.h"
#include "responder/ocsp/extension.h"
#include "responder/ocsp/limits.h"
#include "responder/ocsp/oid.h"

namespace eightbells::ocsp {

using der::context;
using der::context_constructed;
using der::Reader;
using der::Tag;

namespace {

constexpr std::size_t key_hash_octets = 20;  // SHA-1, whatever the CertIDs use (B-04)

Result<UtcTime> read_time(Reader& fields, const char* field) {
    const auto time = fields.read_generalized_time();
    if (!time)
        return fail(std::string{field} + ": not a GeneralizedTime like 20261122064000Z");
    return *time;
}

// Extensions under [number] EXPLICIT; strict: none critical, no default written out.
Result<ExtensionList> read_extensions(Reader& fields, std::uint8_t number, const char* field) {
    auto explicit_tag = fields.read_into(context_constructed(number));
    const auto list = explicit_tag ? explicit_tag->read_into(Tag::sequence) : std::nullopt;
    ExtensionList extensions;
    if (!list || !explicit_tag->empty() || extensions.parse(*list))
        return fail(std::string{field} + ": not a list of different extensions");
    for (const ExtensionView& extension : extensions.view()) {
        if (extension.critical || extension.default_written_out)
            return fail(std::string{field} + ": an extension that is critical or says that it is not");
    }
    return extensions;
}

Result<void> read_status(Reader& fields, ParsedSingle& out) {
    const auto status = fields.read_any();
    if (!status)
        return fail("certStatus: missing");
    if (status->tag == context_constructed(1)) {
        Reader info{status->content};
        Revocation revocation;
        const auto time = read_time(info, "revocationTime");
        if (!time)
            return tl::unexpected(time.error());
        revocation.time = *time;
        if (!info.empty()) {
            auto explicit_tag = info.read_into(context_constructed(0));
            const auto code = explicit_tag ? explicit_tag->read_enumerated() : std::nullopt;
            const auto reason = code ? reason_from_code(*code) : std::nullopt;
            if (!reason || !explicit_tag->empty() || !info.empty() || *reason == CrlReason::unspecified ||
                *reason == CrlReason::remove_from_crl)
                return fail("revocationReason: not a reason that an answer carries");
            revocation.reason = reason;
        }
        out.status = revocation;
        return {};
    }
    out.unknown = status->tag == context(2);
    if ((status->tag != context(0) && !out.unknown) || !status->content.empty())
        return fail("certStatus: neither good nor revoked nor unknown");
    return {};
}

Result<void> read_single_extensions(Reader& fields, ParsedSingle& out) {
    Reader ahead = fields;
    const auto outer = ahead.read_into(context_constructed(1));
    auto list = read_extensions(fields, 1, "singleExtensions");
    if (!list)
        return tl::unexpected(list.error());
    out.extensions = Reader{*outer}.read(Tag::sequence).value_or(ByteView{});
    for (const ExtensionView& extension : list->view()) {
        if (equal(extension.oid, oid::reason_code))
            return fail("singleExtensions: a reasonCode, whose place is revocationReason");
        const bool cutoff = equal(extension.oid, oid::archive_cutoff);
        const bool invalidity = equal(extension.oid, oid::invalidity_date);
        if (!cutoff && !invalidity)
            continue;
        Reader value{extension.value};
        const auto time = read_time(value, cutoff ? "archiveCutoff" : "invalidityDate");
        if (!time)
            return tl::unexpected(time.error());
        if (!value.empty())
            return fail("singleExtensions: bytes behind a time");
        if (cutoff)
            out.archive_cutoff = *time;
        else if (out.status)
            out.status->invalidity_date = *time;
        else
            return fail("invalidityDate: the certificate is not revoked");
    }
    return {};
}

// SingleResponse ::= SEQUENCE { certID, certStatus, thisUpdate GeneralizedTime,
//     nextUpdate [0] EXPLICIT GeneralizedTime OPTIONAL, singleExtensions [1] EXPLICIT Extensions OPTIONAL }
Result<ParsedSingle> read_single(Reader fields) {
    ParsedSingle out;
    const auto element = fields.read_any();
    const auto cert_id = element ? parse_cert_id(element->tlv) : std::nullopt;
    if (!cert_id)
        return fail("certID: not well formed");
    const ByteView serial = cert_id->serial;
    if (serial.size() > 1 && serial[0] == 0 && (serial[1] & 0x80) == 0)
        return fail("certID: serialNumber: leading zeros");
    out.cert_id = *cert_id;
    if (auto status = read_status(fields, out); !status)
        return tl::unexpected(status.error());
    const auto this_update = read_time(fields, "thisUpdate");
    if (!this_update)
        return tl::unexpected(this_update.error());
    out.this_update = *this_update;
    auto explicit_tag = fields.read_into(context_constructed(0));
    if (!explicit_tag)
        return fail("nextUpdate: missing");
    const auto next_update = read_time(*explicit_tag, "nextUpdate");
    if (!next_update)
        return tl::unexpected(next_update.error());
    if (!explicit_tag->empty())
        return fail("nextUpdate: bytes behind the time");
    out.next_update = *next_update;
    if (!fields.empty()) {
        if (auto read = read_single_extensions(fields, out); !read)
            return tl::unexpected(read.error());
    }
    if (!fields.empty())
        return fail("SingleResponse: bytes behind the last field");
    return out;
}

Result<void> read_responses(Reader& fields, ParsedResponse& out) {
    auto responses = fields.read_into(Tag::sequence);
    if (!responses || responses->empty())
        return fail("responses: missing or empty");
    while (!responses->empty()) {
        if (out.singles.size() == limits::cert_ids_per_request)
            return fail("responses: more than " + std::to_string(limits::cert_ids_per_request));
        const auto content = responses->read_into(Tag::sequence);
        if (!content)
            return fail("responses: not a list of SingleResponse");
        auto single = read_single(*content);
        if (!single)
            return fail("responses[" + std::to_string(out.singles.size()) + "]", single.error());
        out.singles.push_back(*single);
    }
    return {};
}

Result<void> read_nonce(Reader& fields, ParsedResponse& out) {
    const auto list = read_extensions(fields, 1, "responseExtensions");
    if (!list)
        return tl::unexpected(list.error());
    if (list->count != 1 || !equal(list->items[0].oid, oid::nonce))
        return fail("responseExtensions: something other than one nonce");
    Reader value{list->items[0].value};
    const auto nonce = value.read(Tag::octet_string);
    if (!nonce || !value.empty() || nonce->empty() || nonce->size() > limits::nonce_octets)
        return fail("nonce: not an OCTET STRING of 1 to " + std::to_string(limits::nonce_octets) + " octets");
    out.nonce = *nonce;
    return {};
}

// ResponseData ::= SEQUENCE { version [0] DEFAULT v1, responderID, producedAt GeneralizedTime,
//     responses SEQUENCE OF SingleResponse, responseExtensions [1] EXPLICIT Extensions OPTIONAL }
Result<void> read_response_data(Reader fields, ParsedResponse& out) {
    auto responder = fields.read_into(context_constructed(2));
    if (!responder)
        return fail("responderID: not byKey right at the beginning of the ResponseData");
    const auto key_hash = responder->read(Tag::octet_string);
    if (!key_hash || key_hash->size() != key_hash_octets || !responder->empty())
        return fail("responderID: not the SHA-1 of a key");
    out.responder_key_hash = *key_hash;
    const auto produced_at = read_time(fields, "producedAt");
    if (!produced_at)
        return tl::unexpected(produced_at.error());
    out.produced_at = *produced_at;
    if (auto read = read_responses(fields, out); !read)
        return read;
    if (!fields.empty()) {
        if (auto read = read_nonce(fields, out); !read)
            return read;
    }
    if (!fields.empty())
        return fail("ResponseData: bytes behind the last field");
    return {};
}

// AlgorithmIdentifier, whose parameters are the signer's affair.
Result<void> read_signature_algorithm(Reader& fields, ParsedResponse& out) {
    const auto element = fields.next_is(Tag::sequence) ? fields.read_any() : std::nullopt;
    if (!element)
        return fail("signatureAlgorithm: missing");
    Reader algorithm{element->content};
    if (!algorithm.read_oid() || !(algorithm.empty() || der::is_one_element(algorithm.rest())))
        return fail("signatureAlgorithm: not an AlgorithmIdentifier");
    out.signature_algorithm = element->tlv;
    return {};
}

// [0] EXPLICIT SEQUENCE OF Certificate: the signer's alone (B-08).
Result<void> read_certs(Reader& fields, ParsedResponse& out) {
    auto explicit_tag = fields.read_into(context_constructed(0));
    auto certs = explicit_tag ? explicit_tag->read_into(Tag::sequence) : std::nullopt;
    const auto certificate = certs && certs->next_is(Tag::sequence) ? certs->read_any() : std::nullopt;
    if (!certificate || !certs->empty() || !explicit_tag->empty())
        return fail("certs: not exactly one certificate");
    out.certificates.push_back(certificate->tlv);
    return {};
}

// BasicOCSPResponse ::= SEQUENCE { tbsResponseData, signatureAlgorithm, signature BIT STRING,
//                                  certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
Result<void> read_basic(Reader fields, ParsedResponse& out) {
    const auto response_data = fields.next_is(Tag::sequence) ? fields.read_any() : std::nullopt;
    if (!response_data)
        return fail("tbsResponseData: missing");
    out.response_data = response_data->tlv;
    if (auto read = read_response_data(Reader{response_data->content}, out); !read)
        return read;
    if (auto read = read_signature_algorithm(fields, out); !read)
        return read;
    const auto signature = fields.read_bit_string_octets();
    if (!signature || signature->empty())
        return fail("signature: not a BIT STRING of whole octets");
    out.signature = *signature;
    if (!fields.empty()) {
        if (auto read = read_certs(fields, out); !read)
            return read;
    }
    if (!fields.empty())
        return fail("BasicOCSPResponse: bytes behind the last field");
    return {};
}

std::optional<ResponseStatus> response_status(std::uint64_t code) noexcept {
    switch (code) {
        case 0:
            return ResponseStatus::successful;
        case 1:
            return ResponseStatus::malformed_request;
        case 2:
            return ResponseStatus::internal_error;
        case 3:
            return ResponseStatus::try_later;
        case 6:
            return ResponseStatus::unauthorized;
        default:
            return std::nullopt;
    }
}

}  // namespace

Result<ParsedResponse> parse_response(ByteView der) {
    if (der.size() > limits::answer_octets)
        return fail("OCSPResponse: longer than " + std::to_string(limits::answer_octets) + " octets");
    Reader whole{der};
    auto response = whole.read_into(Tag::sequence);
    if (!response || !whole.empty())
        return fail("OCSPResponse: not one SEQUENCE");
    const auto code = response->read_enumerated();
    const auto status = code ? response_status(*code) : std::nullopt;
    if (!status)
        return fail("responseStatus: not one that we send");
    ParsedResponse out;
    out.status = *status;
    if (*status != ResponseStatus::successful) {
        if (!response->empty())
            return fail("responseBytes: present beside an error status");
        return out;
    }
    auto explicit_tag = response->read_into(context_constructed(0));
    auto response_bytes = explicit_tag ? explicit_tag->read_into(Tag::sequence) : std::nullopt;
    if (!response_bytes || !explicit_tag->empty() || !response->empty())
        return fail("responseBytes: missing or not well formed");
    const auto type = response_bytes->read_oid();
    if (!type || !equal(*type, oid::basic))
        return fail("responseType: not id-pkix-ocsp-basic");
    auto octets = response_bytes->read_into(Tag::octet_string);
    if (!octets || !response_bytes->empty())
        return fail("response: not an OCTET STRING");
    const auto basic = octets->read_into(Tag::sequence);
    if (!basic || !octets->empty())
        return fail("BasicOCSPResponse: not one SEQUENCE");
    if (auto read = read_basic(*basic, out); !read)
        return tl::unexpected(read.error());
    return out;
}

}  // namespace eightbells::ocsp
