#include "cache/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "cache/limits.h"
#include "cache/octets.h"
#include "responder/base/serial.h"

namespace eightbells::cache {

namespace {

static_assert(Serial::max_octets <= serial_octets_mask);
static_assert(limits::profiles_per_page <= (1U << (8 - profile_shift)));

// The octet after the serial: which of the optional fields follow, in this order.
constexpr std::uint8_t flag_revoked = 0x01;
constexpr std::uint8_t flag_produced_at = 0x02;
constexpr std::uint8_t flag_this_update = 0x04;
constexpr std::uint8_t flag_next_update = 0x08;
constexpr std::uint8_t flag_never_again = 0x10;  // next_update is year_9999, and takes no octets
constexpr std::uint8_t flag_extensions = 0x20;
constexpr std::uint8_t flags_known = 0x3f;

// A difference of two storable times, in seconds with its sign in the lowest bit, takes 39 bits: six groups
// of seven.
constexpr std::size_t delta_octets_max = 6;

bool is_storable_reason(std::optional<CrlReason> reason) noexcept {
    return reason != CrlReason::unspecified && reason != CrlReason::remove_from_crl;
}

void append_delta(UtcTime value, UtcTime base, Bytes& out) {
    const std::int64_t delta = (value - base).count();
    const bool negative = delta < 0;
    std::uint64_t rest = static_cast<std::uint64_t>(negative ? -delta : delta) << 1 | (negative ? 1U : 0U);
    for (; rest >= 0x80; rest >>= 7)
        out.push_back(static_cast<std::uint8_t>(rest | 0x80));
    out.push_back(static_cast<std::uint8_t>(rest));
}

// The time that a delta leads to. Fails `in` on a longer form than needed, on no difference at all (the flag
// would be unset) and on what leaves the storable range; nothing untrusted is added before it is compared.
UtcTime read_delta(OctetReader& in, UtcTime base) noexcept {
    std::uint64_t coded = 0;
    for (std::size_t i = 0; in.ok(); ++i) {
        const std::uint8_t group = in.octet();
        if (i == delta_octets_max || (i > 0 && group == 0)) {
            in.fail();
            break;
        }
        coded |= std::uint64_t{group & 0x7fU} << (7 * i);
        if (group < 0x80)
            break;
    }
    const seconds distance{static_cast<std::int64_t>(coded >> 1)};
    const bool negative = (coded & 1) != 0;
    const seconds room = negative ? base - from_unix(0) : year_9999 - base;
    if (!in.ok() || distance == seconds{0} || distance > room) {
        in.fail();
        return base;
    }
    return negative ? base - distance : base + distance;
}

Revocation read_revocation(OctetReader& in) noexcept {
    Revocation revocation;
    revocation.time = in.time();
    const std::uint8_t code = in.octet();
    if (code != 0) {
        revocation.reason = reason_from_code(code);
        if (!revocation.reason || !is_storable_reason(revocation.reason))
            in.fail();
    }
    return revocation;
}

BaseTimes read_times(OctetReader& in, std::uint8_t flags, const BaseTimes& base) noexcept {
    BaseTimes times = base;
    if ((flags & flag_produced_at) != 0)
        times.produced_at = read_delta(in, base.produced_at);
    if ((flags & flag_this_update) != 0)
        times.this_update = read_delta(in, base.this_update);
    if ((flags & flag_next_update) != 0) {
        times.next_update = read_delta(in, base.next_update);
        if (times.next_update == year_9999)
            in.fail();  // there is the flag for it
    }
    if ((flags & flag_never_again) != 0) {
        times.next_update = year_9999;
        if (base.next_update == year_9999 || (flags & flag_next_update) != 0)
            in.fail();
    }
    return times;
}

}  // namespace

std::strong_ordering compare_serials(ByteView a, ByteView b) noexcept {
    if (a.size() != b.size())
        return a.size() <=> b.size();
    return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

Status check_record(const Record& record) {
    const auto wrong = [&](std::string_view what) -> Status {
        return fail(fmt::format("record of serial {}: {}", to_hex(record.serial), what));
    };
    if (record.serial.empty() || record.serial.size() > Serial::max_octets || record.serial.front() == 0)
        return wrong("serial: not a positive number of 1 to 20 octets without leading zeros");
    if (record.profile >= limits::profiles_per_page)
        return wrong(
            fmt::format("profile: index {} is above {}", record.profile, limits::profiles_per_page - 1));
    if (record.signature.empty() || record.signature.size() > limits::signature_octets)
        return wrong(fmt::format("signature: {} octets, 1 to {} are possible", record.signature.size(),
                                 limits::signature_octets));
    if (record.extensions.size() > limits::record_extension_octets)
        return wrong(fmt::format("extensions: {} octets, at most {} are possible", record.extensions.size(),
                                 limits::record_extension_octets));
    if (record.status && !is_storable(record.status->time))
        return wrong("revocation time: before 1970 or after 9999");
    if (record.status && !is_storable_reason(record.status->reason))
        return wrong("reason: unspecified is left out, removeFromCRL is no status");
    if (auto times = check_base_times(record.times); !times)
        return wrong(times.error().message);
    return {};
}

Status check_base_times(const BaseTimes& base) {
    if (!is_storable(base.produced_at))
        return fail("produced_at: before 1970 or after 9999");
    if (!is_storable(base.this_update))
        return fail("this_update: before 1970 or after 9999");
    if (!is_storable(base.next_update))
        return fail("next_update: before 1970 or after 9999");
    return {};
}

void append_record(const Record& record, const BaseTimes& base, Bytes& out) {
    assert(check_record(record) && check_base_times(base));
    const BaseTimes& times = record.times;
    std::uint8_t flags = 0;
    if (record.status)
        flags |= flag_revoked;
    if (times.produced_at != base.produced_at)
        flags |= flag_produced_at;
    if (times.this_update != base.this_update)
        flags |= flag_this_update;
    if (times.next_update != base.next_update)
        flags |= times.next_update == year_9999 ? flag_never_again : flag_next_update;
    if (!record.extensions.empty())
        flags |= flag_extensions;

    out.push_back(static_cast<std::uint8_t>(record.profile << profile_shift | record.serial.size()));
    append_octets(record.serial, out);
    out.push_back(flags);
    if (record.status) {
        append_time(record.status->time, out);
        out.push_back(record.status->reason ? static_cast<std::uint8_t>(*record.status->reason)
                                            : std::uint8_t{0});
    }
    if ((flags & flag_produced_at) != 0)
        append_delta(times.produced_at, base.produced_at, out);
    if ((flags & flag_this_update) != 0)
        append_delta(times.this_update, base.this_update, out);
    if ((flags & flag_next_update) != 0)
        append_delta(times.next_update, base.next_update, out);
    if ((flags & flag_extensions) != 0) {
        append_length(record.extensions.size(), out);
        append_octets(record.extensions, out);
    }
    append_length(record.signature.size(), out);
    append_octets(record.signature, out);
}

std::optional<Record> parse_record(ByteView& bytes, const BaseTimes& base) noexcept {
    OctetReader in(bytes);
    const std::uint8_t first = in.octet();
    const ByteView serial = in.octets(first & serial_octets_mask);
    if (serial.empty() || serial.size() > Serial::max_octets || serial.front() == 0)
        return std::nullopt;

    const std::uint8_t flags = in.octet();
    if ((flags & ~flags_known) != 0)
        return std::nullopt;
    CertStatus status;
    if ((flags & flag_revoked) != 0)
        status = read_revocation(in);
    const BaseTimes times = read_times(in, flags, base);
    ByteView extensions;
    if ((flags & flag_extensions) != 0) {
        extensions = in.octets(in.length());
        if (extensions.empty() || extensions.size() > limits::record_extension_octets)
            return std::nullopt;
    }
    const ByteView signature = in.octets(in.length());
    if (!in.ok() || signature.empty() || signature.size() > limits::signature_octets)
        return std::nullopt;
    bytes = in.rest();
    return Record{serial, status,    static_cast<std::uint8_t>(first >> profile_shift),
                  times,  signature, extensions};
}

}  // namespace eightbells::cache
