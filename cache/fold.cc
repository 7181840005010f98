#include "cache/fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "cache/limits.h"

namespace eightbells::cache {

namespace {

// A record on its way, with what it needs to be told apart from an older one and to be written elsewhere.
struct Candidate {
    PatchRecord entry;
    std::uint64_t sequence = 0;
    const Digest* profile = nullptr;  // borrowed from the page's or patch's table
};

// Keeps the candidate of the highest sequence for each serial of each set.
void keep_newest(std::vector<Candidate>& candidates) {
    std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
        if (a.entry.set != b.entry.set)
            return a.entry.set < b.entry.set;
        const auto order = compare_serials(a.entry.record.serial, b.entry.record.serial);
        return order != 0 ? order < 0 : a.sequence > b.sequence;
    });
    const auto same_place = [](const Candidate& a, const Candidate& b) {
        return a.entry.set == b.entry.set && equal(a.entry.record.serial, b.entry.record.serial);
    };
    candidates.erase(std::unique(candidates.begin(), candidates.end(), same_place), candidates.end());
}

// One table for records that came with different ones; renumbers the records. In the order of first use, so
// that the same records give the same bytes.
Result<std::vector<Digest>> join_profiles(std::vector<Candidate>& candidates) {
    std::vector<Digest> table;
    for (Candidate& candidate : candidates) {
        const auto at = std::ranges::find(table, *candidate.profile);
        candidate.entry.record.profile = static_cast<std::uint8_t>(at - table.begin());
        if (at != table.end())
            continue;
        if (table.size() == limits::profiles_per_page)
            return fail(fmt::format("folding: more than {} profiles in one place: sign the page anew",
                                    limits::profiles_per_page));
        table.push_back(*candidate.profile);
    }
    return table;
}

Candidate from_patch(const LaidRecord& laid) {
    const PatchRecord& entry = *laid.entry;
    return {entry, laid.patch->sequence(), &laid.patch->profiles()[entry.record.profile]};
}

}  // namespace

Result<Bytes> fold_page(const PageHeader& header, const Page* page, std::span<const LaidRecord> laid) {
    std::vector<Candidate> candidates;
    if (page != nullptr) {
        const PageHeader& old = page->header();
        if (old.set != header.set || old.page_bits != header.page_bits || old.index != header.index ||
            old.sequence > header.sequence)
            return fail("folding: the page before stands elsewhere or is newer");
        for (std::size_t i = 0; i < page->size(); ++i) {
            const Record record = page->record(i);
            candidates.push_back({{old.set, record}, old.sequence, &old.profiles[record.profile]});
        }
    }
    for (const LaidRecord& one : laid) {
        const std::uint64_t sequence = one.patch->sequence();
        if (sequence > header.sequence)
            return fail(fmt::format("folding: patch {} is newer than the page's new sequence {}", sequence,
                                    header.sequence));
        if (one.entry->set != header.set)
            return fail(fmt::format("folding: patch {}: a record of set {} into one of {}", sequence,
                                    to_string(one.entry->set), to_string(header.set)));
        if (page == nullptr || counts_over(sequence, page->header().sequence))
            candidates.push_back(from_patch(one));
    }
    if (candidates.empty())
        return fail("folding: no record is left: that is the empty digest, not a page");
    keep_newest(candidates);
    auto profiles = join_profiles(candidates);
    if (!profiles)
        return tl::unexpected(profiles.error());
    PageHeader folded = header;
    folded.profiles = std::move(*profiles);
    std::vector<Record> records;
    records.reserve(candidates.size());
    for (const Candidate& candidate : candidates)
        records.push_back(candidate.entry.record);
    return encode_page(folded, std::move(records));
}

Result<Bytes> join_patches(std::uint64_t sequence, const BaseTimes& base, std::span<const LaidRecord> laid) {
    std::vector<Candidate> candidates;
    for (const LaidRecord& one : laid) {
        if (one.patch->sequence() >= sequence)
            return fail(fmt::format("folding: patch {} is not older than the new one {}",
                                    one.patch->sequence(), sequence));
        candidates.push_back(from_patch(one));
    }
    if (candidates.empty())
        return fail("folding: no record is left: that is no patch");
    keep_newest(candidates);
    auto profiles = join_profiles(candidates);
    if (!profiles)
        return tl::unexpected(profiles.error());
    std::vector<PatchRecord> records;
    records.reserve(candidates.size());
    for (const Candidate& candidate : candidates)
        records.push_back(candidate.entry);
    return encode_patch(sequence, *profiles, base, records);
}

}  // namespace eightbells::cache
