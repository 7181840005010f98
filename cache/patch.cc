#include "cache/patch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cache/limits.h"
#include "cache/octets.h"

namespace eightbells::cache {

namespace {

std::strong_ordering compare_places(SetId set, ByteView serial, SetId other_set,
                                    ByteView other_serial) noexcept {
    if (const auto order = set <=> other_set; order != 0)
        return order;
    return compare_serials(serial, other_serial);
}

std::strong_ordering compare(const PatchRecord& a, const PatchRecord& b) noexcept {
    return compare_places(a.set, a.record.serial, b.set, b.record.serial);
}

std::string name_of(const PatchRecord& entry) {
    return fmt::format("{} serial {}", to_string(entry.set), to_hex(entry.record.serial));
}

Status check_counts(std::size_t records) {
    if (records == 0 || records > limits::patch_records)
        return fail(fmt::format("patch: {} records, 1 to {} are possible", records, limits::patch_records));
    return {};
}

Status check_order(const PatchRecord& before, const PatchRecord& entry) {
    const auto order = compare(before, entry);
    if (order == 0)
        return fail(fmt::format("patch: {}: stands twice", name_of(entry)));
    if (order > 0)
        return fail(fmt::format("patch: {}: not above the one before", name_of(entry)));
    return {};
}

}  // namespace

Result<Patch> Patch::parse(Bytes bytes) {
    if (bytes.size() > limits::patch_octets)
        return fail(
            fmt::format("patch: {} octets, at most {} are possible", bytes.size(), limits::patch_octets));
    Patch patch;
    patch.bytes_ = std::move(bytes);
    OctetReader in(patch.bytes_);
    if (!in.magic(patch_magic))
        return fail("patch: not a patch of version 1");
    patch.sequence_ = in.number(8);
    patch.base_ = in.base_times();
    const std::size_t profiles = in.octet();
    const std::size_t count = in.number(4);
    patch.profiles_ = read_profile_table(in, profiles);
    if (!in.ok())
        return fail("patch: header cut short, or a time after 9999");
    if (auto checked = check_profile_table(patch.profiles_); !checked)
        return fail("patch", checked.error());
    if (auto checked = check_counts(count); !checked)
        return tl::unexpected(checked.error());

    ByteView rest = in.rest();
    // A record takes at least as many octets as are promised here, so that a false count reserves nothing.
    patch.records_.reserve(std::min(count, rest.size()));
    for (std::size_t i = 0; i < count; ++i) {
        const auto wrong = [&](std::string_view what) {
            return fail(
                fmt::format("patch: record {} at octet {}: {}", i, patch.bytes_.size() - rest.size(), what));
        };
        if (rest.empty())
            return wrong("cut short");
        const auto set = set_from_octet(rest.front());
        if (!set)
            return wrong("no such CertID hash or life");
        ByteView after = rest.subspan(1);
        const auto record = parse_record(after, patch.base_);
        if (!record)
            return wrong("malformed");
        if (record->profile >= patch.profiles_.size())
            return wrong("names a profile that the patch does not");
        PatchRecord entry{*set, *record};
        if (i > 0) {
            if (auto ordered = check_order(patch.records_.back(), entry); !ordered)
                return tl::unexpected(ordered.error());
        }
        patch.records_.push_back(std::move(entry));
        rest = after;
    }
    if (!rest.empty())
        return fail(fmt::format("patch: {} octets after the last record", rest.size()));
    return patch;
}

const Record* Patch::find(SetId set, ByteView serial) const noexcept {
    const auto at = std::ranges::partition_point(records_, [&](const PatchRecord& entry) {
        return compare_places(entry.set, entry.record.serial, set, serial) < 0;
    });
    if (at == records_.end() || compare_places(at->set, at->record.serial, set, serial) != 0)
        return nullptr;
    return &at->record;
}

Result<Bytes> encode_patch(std::uint64_t sequence, const std::vector<Digest>& profiles, const BaseTimes& base,
                           const std::vector<PatchRecord>& records) {
    if (auto checked = check_base_times(base); !checked)
        return fail("patch", checked.error());
    if (auto checked = check_profile_table(profiles); !checked)
        return fail("patch", checked.error());
    if (auto checked = check_counts(records.size()); !checked)
        return tl::unexpected(checked.error());
    std::vector<const PatchRecord*> sorted;
    sorted.reserve(records.size());
    for (const PatchRecord& entry : records)
        sorted.push_back(&entry);
    std::ranges::sort(sorted, [](const PatchRecord* a, const PatchRecord* b) { return compare(*a, *b) < 0; });

    Bytes out;
    append_octets(patch_magic, out);
    append_number(sequence, 8, out);
    append_base_times(base, out);
    append_number(profiles.size(), 1, out);
    append_number(records.size(), 4, out);
    for (const Digest& digest : profiles)
        append_octets(digest, out);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        const PatchRecord& entry = *sorted[i];
        if (auto checked = check_record(entry.record); !checked)
            return fail(fmt::format("patch: {}", to_string(entry.set)), checked.error());
        if (entry.record.profile >= profiles.size())
            return fail(fmt::format("patch: {}: names a profile that the patch does not", name_of(entry)));
        if (i > 0) {
            if (auto ordered = check_order(*sorted[i - 1], entry); !ordered)
                return tl::unexpected(ordered.error());
        }
        append_number(set_octet(entry.set), 1, out);
        append_record(entry.record, base, out);
        if (out.size() > limits::patch_octets)
            return fail(fmt::format("patch: {} records take more than {} octets: more patches are needed",
                                    records.size(), limits::patch_octets));
    }
    return out;
}

}  // namespace eightbells::cache
