#include "responder/crl/encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "responder/crl/limits.h"
#include "responder/crypto/extension_oids.h"
#include "responder/der/writer.h"

namespace eightbells::crl {

namespace {

using der::Tag;
using der::Writer;
namespace oids = crypto::oids;

constexpr UtcTime year_1950 = std::chrono::sys_days{std::chrono::year{1950} / 1 / 1};
constexpr UtcTime year_2050 = std::chrono::sys_days{std::chrono::year{2050} / 1 / 1};

// Time of RFC 5280, section 5.1.2.4: UTCTime as far as it reaches (F-05).
void write_time(Writer& w, UtcTime time) {
    if (time < year_1950 || time >= year_2050)
        return w.generalized_time(time);
    std::array<std::uint8_t, der::generalized_time_octets> text{};
    der::write_generalized_time(time, text);
    w.element(Tag::utc_time, ByteView{text}.subspan(2));
}

// Extension around the value that was written since `since`.
void wrap_extension(Writer& w, ByteView oid, bool critical, std::size_t since) {
    w.wrap(Tag::octet_string, since);
    if (critical)
        w.boolean(true);
    w.element(Tag::oid, oid);
    w.wrap(Tag::sequence, since);
}

// DistributionPointName { fullName [0] { uniformResourceIdentifier [6] } }, in its own [0].
void write_full_name(Writer& w, std::string_view uri) {
    const std::size_t since = w.size();
    w.element(der::context(6), as_bytes(uri));
    w.wrap(der::context_constructed(0), since);
    w.wrap(der::context_constructed(0), since);
}

// crlExtensions [0]; last extension first, as the writer goes backwards.
void write_extensions(Writer& w, const CrlFields& fields) {
    static constexpr std::array<std::uint8_t, 9> microsoft_next_publish{0x2b, 0x06, 0x01, 0x04, 0x01,
                                                                        0x82, 0x37, 0x15, 0x04};
    const auto extension = [&w](ByteView oid, bool critical, const auto& write_value) {
        const std::size_t since = w.size();
        write_value();
        wrap_extension(w, oid, critical, since);
    };
    if (fields.next_publish)
        extension(microsoft_next_publish, false, [&] { write_time(w, *fields.next_publish); });
    if (fields.expired_certs_on_crl) {
        extension(oids::expired_certs_on_crl, false,
                  [&] { w.generalized_time(*fields.expired_certs_on_crl); });
    }
    if (!fields.freshest_crl.empty()) {
        extension(oids::freshest_crl, false, [&] {
            const std::size_t since = w.size();
            write_full_name(w, fields.freshest_crl);
            w.wrap(Tag::sequence, since);  // DistributionPoint
            w.wrap(Tag::sequence, since);  // CRLDistributionPoints
        });
    }
    if (!fields.distribution_point.empty()) {
        extension(oids::issuing_distribution_point, true, [&] {
            const std::size_t since = w.size();
            write_full_name(w, fields.distribution_point);
            w.wrap(Tag::sequence, since);
        });
    }
    if (fields.base_crl_number) {
        extension(oids::delta_crl_indicator, true,
                  [&] { w.unsigned_integer(ByteView{*fields.base_crl_number}); });
    }
    extension(oids::crl_number, false, [&] { w.unsigned_integer(fields.crl_number); });
    extension(oids::authority_key_identifier, false, [&] {
        const std::size_t since = w.size();
        w.element(der::context(0), fields.authority_key_identifier);
        w.wrap(Tag::sequence, since);
    });
}

Status check_fields(const CrlFields& fields) {
    if (fields.authority_key_identifier.empty())
        return fail("CRL: F-03: no keyIdentifier for authorityKeyIdentifier");
    const auto number = fields.crl_number;
    if (number.empty() || number.size() > limits::crl_number_octets ||
        (number.size() == limits::crl_number_octets && (number[0] & 0x80) != 0))
        return fail("CRL: F-04: cRLNumber must be there and below 2^159");
    if (fields.base_crl_number && !fields.freshest_crl.empty())
        return fail("CRL: F-15: freshestCRL must not stand in a delta CRL");
    if (fields.next_update <= fields.this_update)
        return fail("CRL: nextUpdate must be after thisUpdate");
    if (fields.expired_certs_on_crl && *fields.expired_certs_on_crl >= fields.this_update)
        return fail("CRL: F-17: expiredCertsOnCRL must be before thisUpdate");
    return {};
}

// What stands before and behind the entries within TBSCertList, its own header included.
struct Around {
    Bytes before;
    Bytes behind;
};

Bytes copy(ByteView bytes) {
    return {bytes.begin(), bytes.end()};
}

Result<Around> write_around(const CrlFields& fields, std::size_t entries) {
    Around around;
    Bytes buffer(limits::crl_fields_octets);
    Writer behind{buffer};
    write_extensions(behind, fields);
    behind.wrap(Tag::sequence, 0);
    behind.wrap(der::context_constructed(0), 0);
    if (!behind.ok())
        return fail("CRL: its extensions are too large");
    around.behind = copy(behind.bytes());

    std::array<std::uint8_t, 10> header{};
    Writer before{buffer};
    if (entries != 0)
        before.raw(ByteView{header}.last(der::write_header(Tag::sequence, entries, header)));
    write_time(before, fields.next_update);
    write_time(before, fields.this_update);
    before.raw(fields.issuer_name);
    before.raw(fields.signature_algorithm);
    before.unsigned_integer(std::uint64_t{1});  // v2
    const std::size_t tbs = before.size() + entries + around.behind.size();
    before.raw(ByteView{header}.last(der::write_header(Tag::sequence, tbs, header)));
    if (!before.ok())
        return fail("CRL: its issuer's name or algorithm is too large");
    around.before = copy(before.bytes());
    return around;
}

template <class Take>
Status in_parts(ByteView bytes, const Take& take) {
    while (!bytes.empty()) {
        const auto part = bytes.first(std::min(bytes.size(), limits::crl_part_octets));
        if (auto taken = take(part); !taken)
            return taken;
        bytes = bytes.subspan(part.size());
    }
    return {};
}

}  // namespace

Result<Bytes> crl_number_after(ByteView magnitude) {
    while (!magnitude.empty() && magnitude.front() == 0)
        magnitude = magnitude.subspan(1);
    Bytes number = copy(magnitude);
    std::size_t i = number.size();
    while (i > 0 && ++number[i - 1] == 0)
        --i;
    if (i == 0)
        number.insert(number.begin(), 1);
    if (number.size() > limits::crl_number_octets ||
        (number.size() == limits::crl_number_octets && (number[0] & 0x80) != 0))
        return fail("CRL: F-04: no cRLNumber is left below 2^159");
    return number;
}

Bytes crl_number_of(std::uint64_t value) {
    Bytes number;
    for (int shift = 56; shift >= 0; shift -= 8) {
        const auto octet = static_cast<std::uint8_t>(value >> shift & 0xff);
        if (octet != 0 || !number.empty() || shift == 0)
            number.push_back(octet);
    }
    return number;
}

Bytes key_identifier_for(const crypto::Certificate& issuer) {
    if (const auto identifier = issuer.subject_key_identifier(); identifier && !identifier->empty())
        return copy(*identifier);
    const auto digest = crypto::sha1(issuer.public_key_bits());
    return {digest.begin(), digest.end()};
}

void EntryDigest::add(const CrlEntry& entry) {
    const auto number = [](const std::optional<UtcTime>& time) { return time ? to_unix(*time) : INT64_MIN; };
    std::array<std::uint8_t, 2 + Serial::max_octets + 16> record{};
    const ByteView serial = entry.serial.magnitude();
    record[0] = static_cast<std::uint8_t>(serial.size());
    record[1] = entry.revocation.reason ? static_cast<std::uint8_t>(*entry.revocation.reason) : 0;
    std::size_t at = 2;
    at = static_cast<std::size_t>(std::ranges::copy(serial, record.begin() + 2).out - record.begin());
    for (const std::int64_t time :
         {to_unix(entry.revocation.time), number(entry.revocation.invalidity_date)}) {
        for (unsigned shift = 0; shift < 64; shift += 8)
            record[at++] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(time) >> shift & 0xff);
    }
    sha256_.update(ByteView{record}.first(at));
}

Result<EntrySpool> EntrySpool::make(const std::filesystem::path& folder) {
    auto file = SpoolFile::make(folder);
    if (!file)
        return tl::unexpected(file.error());
    return EntrySpool{std::move(*file)};
}

Status EntrySpool::add(const CrlEntry& entry) {
    std::array<std::uint8_t, limits::crl_entry_octets> buffer{};
    Writer w{buffer};
    const auto& [time, reason, invalidity_date] = entry.revocation;
    if (invalidity_date) {
        const std::size_t since = w.size();
        w.generalized_time(*invalidity_date);
        wrap_extension(w, oids::invalidity_date, false, since);
    }
    if (reason && *reason != CrlReason::unspecified) {
        const std::size_t since = w.size();
        w.enumerated(static_cast<std::uint8_t>(*reason));
        wrap_extension(w, oids::reason_code, false, since);
    }
    if (w.size() != 0)
        w.wrap(Tag::sequence, 0);
    write_time(w, time);
    w.unsigned_integer(entry.serial.magnitude());
    w.wrap(Tag::sequence, 0);
    if (!w.ok())
        return fail(fmt::format("CRL: serial {}: its dates cannot be written", entry.serial.to_hex()));
    std::ranges::copy(w.bytes(), std::back_inserter(waiting_));
    entries_.add(entry);
    ++count_;
    if (waiting_.size() < limits::crl_part_octets)
        return {};
    const auto written = file_.append(waiting_);
    waiting_.clear();
    return written;
}

Status EntrySpool::finish() {
    if (auto written = file_.append(waiting_); !written)
        return written;
    waiting_ = {};
    digest_ = entries_.finish();
    auto mapped = file_.map();
    if (!mapped)
        return tl::unexpected(mapped.error());
    mapped_ = std::move(*mapped);
    return {};
}

Result<std::shared_ptr<const MappedFile>> write_crl(const CrlFields& fields, const EntrySpool& entries,
                                                    const TbsSigner& signer,
                                                    const std::filesystem::path& folder) {
    if (auto fit = check_fields(fields); !fit)
        return tl::unexpected(fit.error());
    const ByteView listed = entries.octets();
    const auto around = write_around(fields, listed.size());
    if (!around)
        return tl::unexpected(around.error());
    for (const ByteView part : {ByteView{around->before}, listed, ByteView{around->behind}}) {
        if (auto fed = in_parts(part, signer.update); !fed)
            return tl::unexpected(fed.error());
    }
    const auto signature = signer.finish();
    if (!signature)
        return tl::unexpected(signature.error());

    Bytes buffer(limits::crl_fields_octets);
    Writer end{buffer};
    end.bit_string(*signature);
    end.raw(fields.signature_algorithm);
    if (!end.ok())
        return fail("CRL: its signature is too large");
    const std::size_t octets = around->before.size() + listed.size() + around->behind.size() + end.size();
    std::array<std::uint8_t, 10> header{};
    const ByteView outer = ByteView{header}.last(der::write_header(Tag::sequence, octets, header));
    if (octets + outer.size() > limits::crl_octets)
        return fail(fmt::format("CRL: {} octets are more than {}", octets, limits::crl_octets));
    auto file = SpoolFile::make(folder);
    if (!file)
        return tl::unexpected(file.error());
    for (const ByteView part :
         {outer, ByteView{around->before}, listed, ByteView{around->behind}, end.bytes()}) {
        if (auto written = file->append(part); !written)
            return tl::unexpected(written.error());
    }
    return file->map();
}

}  // namespace eightbells::crl
