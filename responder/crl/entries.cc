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

// Why an entry is refused; the text is made outside of the loop over millions.
struct Fault {
    std::string text;
};
using EntryResult = tl::expected<void, Fault>;

EntryResult refuse(std::string text) {
    return tl::unexpected(Fault{std::move(text)});
}

EntryResult take_reason(ByteView value, bool critical, bool is_delta, CrlEntry& entry) {
    Reader reader{value};
    const auto code = reader.read_enumerated();
    if (!code || !reader.empty())
        return refuse("reasonCode is not DER");
    const auto reason = reason_from_code(*code);
    if (!reason)
        return refuse(fmt::format("reasonCode {} does not exist", *code));
    if (*reason == CrlReason::remove_from_crl && !is_delta)
        return refuse("F-09: removeFromCRL stands in a full CRL");
    entry.reason_critical = critical;
    entry.reason_spelled_unspecified = *reason == CrlReason::unspecified;
    if (*reason != CrlReason::unspecified)
        entry.revocation.reason = *reason;
    return {};
}

EntryResult take_extension(ByteView oid, bool critical, ByteView value, bool is_delta, CrlEntry& entry) {
    if (equal(oid, oids::reason_code))
        return take_reason(value, critical, is_delta, entry);
    if (equal(oid, oids::invalidity_date)) {
        Reader reader{value};
        entry.invalidity_date_critical = critical;
        entry.revocation.invalidity_date = reader.read_generalized_time();
        if (!entry.revocation.invalidity_date || !reader.empty())
            return refuse("F-10: invalidityDate is not a GeneralizedTime");
        return {};
    }
    if (equal(oid, oids::certificate_issuer))
        return refuse("F-11: certificateIssuer: an indirect CRL is not accepted");
    if (critical)
        return refuse(fmt::format("F-23: the critical extension {} is not known", crypto::oid_text(oid)));
    return {};
}

// crlEntryExtensions; none may occur twice. There are four in RFC 5280, so that comparing all with all is
// cheap.
EntryResult parse_extensions(Reader list, bool is_delta, CrlEntry& entry) {
    if (list.empty())
        return refuse("an empty list of extensions");
    for (std::size_t count = 1; !list.empty(); ++count) {
        if (count > limits::crl_entry_extensions)
            return refuse(fmt::format("more than {} extensions", limits::crl_entry_extensions));
        auto fields = list.read_into(Tag::sequence);
        const auto oid = fields ? fields->read_oid() : std::nullopt;
        if (!oid)
            return refuse("an extension is not DER");
        bool critical = false;
        if (fields->next_is(Tag::boolean)) {
            critical = true;
            if (fields->read_boolean() != true)  // FALSE is the default, which DER leaves out
                return refuse("an extension is not DER");
        }
        const auto value = fields->read(Tag::octet_string);
        if (!value || !fields->empty())
            return refuse(fmt::format("the extension {} is not DER", crypto::oid_text(*oid)));
        for (Reader rest = list; !rest.empty();) {
            auto other = rest.read_into(Tag::sequence);
            const auto other_oid = other ? other->read_oid() : std::nullopt;
            if (!other_oid)
                break;  // refused when its turn comes
            if (equal(*other_oid, *oid))
                return refuse(fmt::format("the extension {} occurs twice", crypto::oid_text(*oid)));
        }
        if (auto taken = take_extension(*oid, critical, *value, is_delta, entry); !taken)
            return taken;
    }
    return {};
}

// SEQUENCE { userCertificate CertificateSerialNumber, revocationDate Time, crlEntryExtensions Extensions
// OPTIONAL }
EntryResult parse_entry(Reader& fields, bool is_delta, CrlEntry& entry) {
    const auto time = fields.read_time();
    if (!time)
        return refuse("revocationDate is missing or not DER");
    entry.revocation.time = *time;
    if (fields.empty())
        return {};
    const auto list = fields.read_into(Tag::sequence);
    if (!list || !fields.empty())
        return refuse("something that is no list of extensions stands behind revocationDate");
    return parse_extensions(*list, is_delta, entry);
}

}  // namespace

Result<std::optional<CrlEntry>> EntryReader::next() {
    Reader entries{rest_};
    if (entries.empty())
        return std::nullopt;
    const std::size_t position = ++position_;
    auto fields = entries.read_into(Tag::sequence);
    const auto content = fields ? fields->read_integer_content() : std::nullopt;
    if (!content)
        return fail(fmt::format("CRL: entry {}: not DER", position));
    const auto serial = Serial::from_der_content(*content);
    if (!serial) {
        return fail(fmt::format("CRL: entry {}: {} is not a serial number: zero, negative or above 20 octets",
                                position,
                                to_hex(content->first(std::min<std::size_t>(content->size(), 32)))));
    }
    CrlEntry entry{*serial, {}, false, false, false};
    if (auto parsed = parse_entry(*fields, is_delta_, entry); !parsed) {
        return fail(
            fmt::format("CRL: entry {} (serial {}): {}", position, serial->to_hex(), parsed.error().text));
    }
    rest_ = entries.rest();
    return entry;
}

Status for_each_entry(const CrlView& crl, const std::function<Status(const CrlEntry&)>& take) {
    EntryReader reader{crl};
    while (true) {
        const auto entry = reader.next();
        if (!entry)
            return tl::unexpected(entry.error());
        if (!*entry)
            return {};
        if (auto taken = take(**entry); !taken)
            return taken;
    }
}

}  // namespace eightbells::crl
