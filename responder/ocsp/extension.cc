#include "responder/ocsp/extension.h"

#include "responder/der/writer.h"
#include "responder/ocsp/cert_id.h"
#include "responder/ocsp/oid.h"

namespace eightbells::ocsp {

namespace {

std::optional<ExtensionView> parse_extension(ByteView content) noexcept {
    der::Reader fields{content};
    ExtensionView extension;
    const auto oid = fields.read_oid();
    if (!oid)
        return std::nullopt;
    extension.oid = *oid;
    if (fields.next_is(der::Tag::boolean)) {
        const auto critical = fields.read_boolean();
        if (!critical)
            return std::nullopt;
        extension.critical = *critical;
        extension.default_written_out = !*critical;
    }
    const auto value = fields.read(der::Tag::octet_string);
    if (!value || !fields.empty())
        return std::nullopt;
    extension.value = *value;
    return extension;
}

// The extension around what has been written since the writer was empty.
Bytes finish(der::Writer& writer, ByteView oid) {
    writer.wrap(der::Tag::octet_string, 0);
    writer.element(der::Tag::oid, oid);
    writer.wrap(der::Tag::sequence, 0);
    if (!writer.ok())
        return {};
    return {writer.bytes().begin(), writer.bytes().end()};
}

// Our own extensions are short: the longest, the certificate hash, takes 64 octets.
using Buffer = std::array<std::uint8_t, 96>;

Bytes encode_time(ByteView oid, UtcTime time) {
    Buffer buffer;
    der::Writer writer{buffer};
    writer.generalized_time(time);
    return finish(writer, oid);
}

}  // namespace

std::optional<ExtensionList::Fault> ExtensionList::parse(der::Reader list) noexcept {
    count = 0;
    if (list.empty())
        return Fault::form;
    while (!list.empty()) {
        const auto content = list.read(der::Tag::sequence);
        if (!content || count == items.size())
            return Fault::form;
        const auto extension = parse_extension(*content);
        if (!extension)
            return Fault::form;
        for (const ExtensionView& earlier : view()) {
            if (equal(earlier.oid, extension->oid))
                return Fault::duplicate;
        }
        items[count++] = *extension;
    }
    return std::nullopt;
}

Bytes encode_archive_cutoff(UtcTime cutoff) {
    return encode_time(oid::archive_cutoff, cutoff);
}

Bytes encode_invalidity_date(UtcTime date) {
    return encode_time(oid::invalidity_date, date);
}

Bytes encode_cert_hash(ByteView sha256_of_certificate) {
    if (sha256_of_certificate.size() != digest_octets(HashAlgorithm::sha256))
        return {};
    Buffer buffer;
    der::Writer writer{buffer};
    writer.element(der::Tag::octet_string, sha256_of_certificate);
    const std::size_t algorithm = writer.size();
    writer.null();
    writer.element(der::Tag::oid, oid::sha256);
    writer.wrap(der::Tag::sequence, algorithm);
    writer.wrap(der::Tag::sequence, 0);
    return finish(writer, oid::cert_hash);
}

}  // namespace eightbells::ocsp
