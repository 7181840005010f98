#include <fmt/format.h>

#include <algorithm>

#include "cache/fold.h"
#include "cache/limits.h"
#include "cache/patch.h"
#include "responder/base/limits.h"
#include "responder/signer/limits.h"
#include "responder/signer/publication.h"

// Changing the shape of what is published without one new signature: pages split, patches join.
namespace eightbells::signer {

using cache::empty_digest;

Status Publication::split(UtcTime now) {
    if (shape_.page_bits >= limits::page_bits)
        return fail(fmt::format("{} bits of pages is the most", limits::page_bits));
    if (auto usable = refuse_while_stale(); !usable)
        return usable;
    const std::uint64_t sequence = next_sequence();
    const unsigned bits = shape_.page_bits + 1;
    std::vector<Facts> facts(std::size_t{1} << bits);
    cache::Batch erased;  // the old pages go only after the new head is there
    std::vector<Set> sets;
    for (auto& set : shape_.sets) {
        Set wider{set.id, cache::Tree{bits}};
        cache::Batch part;
        part.issuer = issuer_;
        std::size_t octets = 0;
        for (std::uint32_t index = 0; index < shape_.facts.size(); ++index) {
            facts[2 * index] = facts[2 * index + 1] = shape_.facts[index];
            if (set.tree.page(index) == empty_digest)
                continue;
            const std::string name = cache::page_name(issuer_, set.id, shape_.page_bits, index);
            auto stored = pages_.fetch(std::span{&name, 1});
            if (!stored)
                return tl::unexpected<Error>(stored.error());
            if (!stored->front() || crypto::sha256(*stored->front()) != set.tree.page(index)) {
                shape_.facts[index].signed_at = 0;  // damaged: signed again first, then split
                return {};
            }
            auto page = cache::Page::parse(std::move(*stored->front()));
            if (!page)
                return fail(name, page.error());
            auto halves = cache::split_page(*page);
            if (!halves)
                return fail(name, halves.error());
            erased.erase.push_back(name);
            std::uint32_t half_index = 2 * index;
            for (Bytes* half : {&halves->first, &halves->second}) {
                if (!half->empty()) {
                    wider.tree.set_page(half_index, crypto::sha256(*half));
                    octets += half->size();
                    part.put.emplace_back(cache::page_name(issuer_, set.id, bits, half_index),
                                          std::move(*half));
                }
                ++half_index;
            }
            if (octets > limits::copy_octets) {
                if (auto published = pages_.publish(part); !published)
                    return published;
                part.put.clear();
                octets = 0;
            }
        }
        if (auto published = pages_.publish(part); !published)
            return published;
        for (const auto& table : set.tree.all_tables()) {
            erased.erase.push_back(cache::table_name(issuer_, set.id, shape_.page_bits, table.id));
        }
        sets.push_back(std::move(wider));
    }
    shape_.sets = std::move(sets);
    shape_.facts = std::move(facts);
    shape_.page_bits = bits;
    return commit(std::move(erased), sequence, now, Says::part);
}

// The smaller ones, so that a big patch is not copied again and again, and none that is larger than all
// before it together; as many as one patch can hold, with room for what one more profile table and other base
// times add. Oldest first.
std::vector<std::size_t> Publication::patches_to_join(bool crowded) const {
    std::vector<std::size_t> order(patches_.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return patches_[i].octets; });
    std::size_t octets = 0;
    std::size_t records = 0;
    std::size_t taken = 0;
    for (; taken <= patches_.size() / 2; ++taken) {
        const auto& patch = patches_[order[taken]];
        if (!crowded && patch.octets > std::max(octets, limits::small_patch_octets))
            break;
        octets += patch.octets;
        records += patch.serial_hashes.size() * identity_->profiles.size();
        if (octets > limits::patch_octets / 2 || records > limits::patch_records / 2)
            break;
    }
    order.resize(taken);
    std::ranges::sort(order);
    return order;
}

// The records of `opened` that still count, with their serial hashes: neither folded into a page nor overlaid
// by a later patch that stays.
std::vector<cache::LaidRecord> Publication::records_to_join(std::span<const cache::Patch> opened,
                                                            std::vector<std::uint64_t>& serial_hashes) {
    crypto::Sha256 sha256;
    std::vector<cache::LaidRecord> laid;
    for (const auto& patch : opened) {
        for (const auto& entry : patch.records()) {
            const std::uint64_t hash = crypto::serial_hash(sha256, entry.record.serial);
            if (is_folded(hash, patch.sequence()))
                continue;  // folded in already
            // A later record in a patch that stays must go on winning, although the joined patch comes after
            // it.
            const bool overlaid = std::ranges::any_of(patches_, [&](const LaidPatch& other) {
                return other.sequence > patch.sequence() &&
                       std::ranges::binary_search(other.serial_hashes, hash);
            });
            if (overlaid)
                continue;
            laid.push_back({&patch, &entry});
            serial_hashes.push_back(hash);
        }
    }
    return laid;
}

Status Publication::merge_patches(UtcTime now) {
    // A lost one may have newer words than those that would be joined above it.
    if (patches_.size() < limits::patches_before_merge || has_lost_patch())
        return {};
    // The large ones of a burst are written once, while a head has room for them.
    const bool crowded = patches_.size() >= limits::patches_per_head / 2;
    const auto order = patches_to_join(crowded);
    if (order.size() < (crowded ? 2 : limits::patches_joined))
        return {};
    cache::Batch batch;
    std::vector<cache::Patch> opened;
    opened.reserve(order.size());  // laid records point into it
    LaidPatch joined;
    joined.sequence = next_sequence();
    for (const std::size_t i : order) {
        const std::string name = cache::patch_name(issuer_, patches_[i].sequence);
        auto stored = pages_.fetch(std::span{&name, 1});
        if (!stored)
            return tl::unexpected<Error>(stored.error());
        if (!stored->front() || crypto::sha256(*stored->front()) != patches_[i].digest) {
            stale_ = true;  // what load() finds lost is signed anew
            return fail(name + ": damaged in the page file");
        }
        auto patch = cache::Patch::parse(std::move(*stored->front()));
        if (!patch)
            return fail(name, patch.error());
        opened.push_back(std::move(*patch));
        batch.erase.push_back(name);
        joined.profiles = static_cast<std::uint16_t>(joined.profiles | patches_[i].profiles);
    }
    const auto laid = records_to_join(opened, joined.serial_hashes);
    std::ranges::sort(joined.serial_hashes);
    joined.serial_hashes.erase(std::ranges::unique(joined.serial_hashes).begin(), joined.serial_hashes.end());
    std::optional<Bytes> bytes;
    if (!laid.empty()) {
        auto encoded = cache::join_patches(joined.sequence, laid.front().entry->record.times, laid);
        if (!encoded)
            return tl::unexpected<Error>(encoded.error());
        bytes = std::move(*encoded);
    }
    for (auto i = order.rbegin(); i != order.rend(); ++i)
        patches_.erase(patches_.begin() + static_cast<std::ptrdiff_t>(*i));
    const std::uint64_t sequence = joined.sequence;
    if (bytes) {
        joined.digest = crypto::sha256(*bytes);
        joined.octets = bytes->size();
        batch.put.emplace_back(cache::patch_name(issuer_, sequence), std::move(*bytes));
        patches_.push_back(std::move(joined));
    }
    return commit(std::move(batch), sequence, now);
}

}  // namespace eightbells::signer
