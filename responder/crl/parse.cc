#include <fmt/format.h>

#include <algorithm>

#include "responder/crl/crl.h"
#include "responder/crl/limits.h"
#include "responder/crypto/extension_oids.h"
#include "responder/crypto/text.h"
#include "responder/der/reader.h"

namespace eightbells::crl {

namespace {

using der::Reader;
using der::Tag;
namespace oids = crypto::oids;

tl::unexpected<Error> bad(std::string_view field) {
    return fail(fmt::format("CRL: {} is missing or not DER", field));
}

std::optional<ByteView> read_tlv(Reader& reader, Tag tag) noexcept {
    if (!reader.next_is(tag))
        return std::nullopt;
    const auto element = reader.read_any();
    return element ? std::optional{element->tlv} : std::nullopt;
}

// A time of the list, with F-05's rule as a departure: UTCTime up to 2049.
std::optional<UtcTime> read_time(Reader& reader, std::string_view field, CrlView& crl) {
    const bool generalized = reader.next_is(Tag::generalized_time);
    const auto time = reader.read_time();
    static constexpr UtcTime year_2050 = std::chrono::sys_days{std::chrono::year{2050} / 1 / 1};
    if (time && generalized && *time < year_2050)
        crl.departures.push_back(fmt::format("F-05: {} before 2050 must be a UTCTime", field));
    return time;
}

// A non-negative INTEGER of at most 20 octets, without its sign octet.
Result<ByteView> read_number(ByteView value, std::string_view field) {
    Reader reader{value};
    auto content = reader.read_integer_content();
    if (!content || !reader.empty())
        return bad(field);
    if (((*content)[0] & 0x80) != 0)
        return fail(fmt::format("CRL: F-04: {} is negative", field));
    if (content->size() > 1 && (*content)[0] == 0)
        content = content->subspan(1);
    if (content->size() > limits::crl_number_octets)
        return fail(fmt::format("CRL: F-04: {} is longer than {} octets", field, limits::crl_number_octets));
    return *content;
}

struct Extension {
    ByteView oid;
    bool critical = false;
    ByteView value;
};

Status take_number(CrlView& crl, const Extension& extension) {
    const auto number = read_number(extension.value, "cRLNumber");
    if (!number)
        return tl::unexpected(number.error());
    crl.crl_number = *number;
    if (extension.critical)
        crl.departures.push_back("F-04: cRLNumber is critical");
    return {};
}

Status take_delta(CrlView& crl, const Extension& extension) {
    const auto number = read_number(extension.value, "deltaCRLIndicator");
    if (!number)
        return tl::unexpected(number.error());
    if (!extension.critical)
        return fail("CRL: F-15: deltaCRLIndicator must be critical");
    crl.is_delta = true;
    crl.base_crl_number = *number;
    return {};
}

Status take_expired_certs(CrlView& crl, const Extension& extension) {
    Reader reader{extension.value};
    const auto time = reader.read_generalized_time();
    if (!time || !reader.empty())
        return bad("expiredCertsOnCRL");
    crl.expired_certs_on_crl = *time;
    return {};
}

Status take_extension(CrlView& crl, const Extension& extension) {
    if (equal(extension.oid, oids::crl_number))
        return take_number(crl, extension);
    if (equal(extension.oid, oids::delta_crl_indicator))
        return take_delta(crl, extension);
    if (equal(extension.oid, oids::expired_certs_on_crl))
        return take_expired_certs(crl, extension);
    if (equal(extension.oid, oids::authority_key_identifier)) {
        if (!der::is_one_element(extension.value) || extension.value[0] != 0x30)
            return bad("authorityKeyIdentifier");
        crl.has_authority_key_identifier = true;
        crl.authority_key_identifier = crypto::key_identifier_of(extension.value).value_or(ByteView{});
        if (extension.critical)
            crl.departures.push_back("F-03: authorityKeyIdentifier is critical");
        return {};
    }
    if (equal(extension.oid, oids::issuing_distribution_point)) {
        if (!der::is_one_element(extension.value) || extension.value[0] != 0x30)
            return bad("issuingDistributionPoint");
        crl.issuing_distribution_point = extension.value;
        return extension.critical ? Status{} : fail("CRL: F-12: issuingDistributionPoint must be critical");
    }
    if (equal(extension.oid, oids::freshest_crl)) {
        if (!der::is_one_element(extension.value) || extension.value[0] != 0x30)
            return bad("freshestCRL");
        crl.has_freshest_crl = true;
        if (extension.critical)
            crl.departures.push_back("F-15: freshestCRL is critical");
        return {};
    }
    if (extension.critical && !equal(extension.oid, oids::issuer_alternative_name))
        crl.unknown_critical_extensions.push_back(crypto::oid_text(extension.oid));
    return {};
}

// crlExtensions [0] EXPLICIT Extensions OPTIONAL
Status parse_extensions(Reader wrapped, CrlView& crl) {
    auto list = wrapped.read_into(Tag::sequence);
    if (!list || !wrapped.empty())
        return bad("crlExtensions");
    if (list->empty())
        return fail("CRL: crlExtensions: an empty list");
    std::vector<ByteView> seen;
    while (!list->empty()) {
        auto fields = list->read_into(Tag::sequence);
        const auto oid = fields ? fields->read_oid() : std::nullopt;
        if (!oid)
            return bad("crlExtensions: an extension");
        Extension extension{*oid, false, {}};
        if (fields->next_is(Tag::boolean)) {
            const auto critical = fields->read_boolean();
            if (critical != true)  // FALSE is the default, which DER leaves out
                return bad(fmt::format("extension {}: critical", crypto::oid_text(*oid)));
            extension.critical = true;
        }
        const auto value = fields->read(Tag::octet_string);
        if (!value || !fields->empty())
            return bad(fmt::format("extension {}", crypto::oid_text(*oid)));
        extension.value = *value;
        if (std::ranges::any_of(seen, [&](ByteView other) { return equal(other, *oid); }))
            return fail(fmt::format("CRL: extension {} occurs twice", crypto::oid_text(*oid)));
        if (seen.size() == limits::crl_extensions)
            return fail(fmt::format("CRL: more than {} extensions", limits::crl_extensions));
        seen.push_back(*oid);
        if (auto taken = take_extension(crl, extension); !taken)
            return taken;
    }
    return {};
}

//   TBSCertList ::= SEQUENCE { version Version OPTIONAL, signature AlgorithmIdentifier, issuer Name,
//                              thisUpdate Time, nextUpdate Time OPTIONAL, revokedCertificates SEQUENCE OF
//                              SEQUENCE {...} OPTIONAL, crlExtensions [0] EXPLICIT Extensions OPTIONAL }
Status parse_tbs(Reader fields, CrlView& crl) {
    const auto version = fields.read_unsigned();
    if (version != 1U)
        return fail("CRL: F-01: version must be v2 (no version stands for v1, which has no extensions)");
    const auto algorithm = read_tlv(fields, Tag::sequence);
    if (!algorithm)
        return bad("signature");
    if (!equal(*algorithm, crl.signature_algorithm))
        return fail("CRL: F-02: the signature algorithms inside and outside differ");
    const auto issuer = read_tlv(fields, Tag::sequence);
    if (!issuer)
        return bad("issuer");
    crl.issuer_name = *issuer;
    const auto this_update = read_time(fields, "thisUpdate", crl);
    if (!this_update)
        return bad("thisUpdate");
    crl.this_update = *this_update;
    if (fields.next_is(Tag::utc_time) || fields.next_is(Tag::generalized_time)) {
        crl.next_update = read_time(fields, "nextUpdate", crl);
        if (!crl.next_update)
            return bad("nextUpdate");
    }
    if (fields.next_is(Tag::sequence)) {
        const auto entries = fields.read(Tag::sequence);
        if (!entries)
            return bad("revokedCertificates");
        if (entries->empty())
            return fail("CRL: F-06: revokedCertificates is empty; it must be absent then");
        crl.revoked_certificates = *entries;
    }
    if (fields.next_is(der::context_constructed(0))) {
        const auto wrapped = fields.read_into(der::context_constructed(0));
        if (!wrapped)
            return bad("crlExtensions");
        if (auto parsed = parse_extensions(*wrapped, crl); !parsed)
            return parsed;
    }
    return fields.empty() ? Status{} : fail("CRL: something stands behind its last field");
}

}  // namespace

std::strong_ordering compare_crl_numbers(ByteView a, ByteView b) noexcept {
    if (a.size() != b.size())
        return a.size() <=> b.size();
    return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

namespace {

// What is wrong with octets that are not one DER SEQUENCE: a file that is being written looks like this, and
// so does BER.
Error explain_outer(ByteView der) {
    if (der.size() < 2)
        return {fmt::format("CRL: cut off: {} octets", der.size())};
    if (der[0] != 0x30)
        return {fmt::format("CRL: begins with octet {:02x}, not with a SEQUENCE (30)", der[0])};
    if (der[1] == 0x80)
        return {"CRL: F-01: BER: its length is indefinite, where DER has a definite one"};
    const std::size_t count = der[1] < 0x80 ? 0 : der[1] & 0x7fU;
    if (count > 8)
        return {"CRL: F-01: its length is not DER"};
    std::uint64_t length = count == 0 ? der[1] : 0;
    for (std::size_t i = 0; i < count && 2 + i < der.size(); ++i)
        length = length << 8 | der[2 + i];
    if (der.size() < 2 + count || length > der.size() - 2 - count)
        return {fmt::format("CRL: cut off: {} octets of {}", der.size(), length + 2 + count)};
    return {"CRL: F-01: not one whole DER SEQUENCE"};
}

}  // namespace

Result<CrlView> parse_crl(ByteView der) {
    Reader outer{der};
    auto fields = outer.read_into(Tag::sequence);
    if (!fields)
        return tl::unexpected(explain_outer(der));
    if (!outer.empty())
        return fail(fmt::format("CRL: {} octets stand behind it", outer.rest().size()));
    CrlView crl;
    const auto tbs = read_tlv(*fields, Tag::sequence);
    if (!tbs)
        return bad("tbsCertList");
    crl.tbs = *tbs;
    const auto algorithm = read_tlv(*fields, Tag::sequence);
    if (!algorithm)
        return bad("signatureAlgorithm");
    crl.signature_algorithm = *algorithm;
    const auto signature = fields->read_bit_string_octets();
    if (!signature || !fields->empty())
        return bad("signatureValue");
    crl.signature = *signature;
    const auto inner = Reader{crl.tbs}.read_into(Tag::sequence);
    if (!inner)
        return bad("tbsCertList");
    if (auto parsed = parse_tbs(*inner, crl); !parsed)
        return tl::unexpected(parsed.error());
    return crl;
}

}  // namespace eightbells::crl
