#include "responder/signer/publication.h"

#include <fmt/format.h>

#include <algorithm>

#include "cache/fold.h"
#include "cache/patch.h"
#include "responder/base/limits.h"

namespace eightbells::signer {

using cache::empty_digest;

Publication::Publication(std::shared_ptr<const Identity> identity, cache::PageFile& pages,
                         const keys::StoreKey& store_key, HandOn hand_on)
    : identity_(std::move(identity)),
      pages_(pages),
      store_key_(store_key),
      hand_on_(std::move(hand_on)),
      issuer_(identity_->issuer.id()) {}

void Publication::begin_epoch(std::uint64_t epoch) noexcept {
    // The sequence goes on rising: patches and pages compare by it, across epochs.
    version_.epoch = epoch;
}

void Publication::use_identity(std::shared_ptr<const Identity> identity) {
    identity_ = std::move(identity);
}

void Publication::reset() {
    complete_ = false;
    facts_.clear();
    sets_.clear();
    patches_.clear();
    profiles_.clear();
    crls_.clear();
}

void Publication::begin_anew(unsigned page_bits) {
    complete_ = false;
    page_bits_ = page_bits;
    facts_.assign(std::size_t{1} << page_bits, Facts{});
    patches_.clear();
    profiles_.clear();
    sets_.clear();
    for (const auto& profile : identity_->profiles) {
        sets_.push_back({{profile.hash, cache::Life::live}, cache::Tree{page_bits}});
    }
}

std::uint16_t Publication::profile_bit(const cache::Digest& digest) {
    auto found = std::ranges::find(profiles_, digest);
    if (found == profiles_.end()) {
        profiles_.push_back(digest);
        found = std::prev(profiles_.end());
    }
    return static_cast<std::uint16_t>(1U << (found - profiles_.begin()));
}

std::vector<std::uint32_t> Publication::due(UtcTime now, seconds period, std::size_t at_most) const {
    std::vector<std::pair<std::int64_t, std::uint32_t>> found;
    for (std::uint32_t index = 0; index < facts_.size(); ++index) {
        const auto& facts = facts_[index];
        if (facts.signed_at == 0 || is_due(from_unix(facts.signed_at), now, period, page_bits_, index)) {
            found.emplace_back(facts.signed_at, index);
        }
    }
    const auto wanted = std::min(at_most, found.size());
    std::ranges::partial_sort(found, found.begin() + static_cast<std::ptrdiff_t>(wanted));
    std::vector<std::uint32_t> indices;
    indices.reserve(wanted);
    for (std::size_t i = 0; i < wanted; ++i)
        indices.push_back(found[i].second);
    return indices;
}

std::uint64_t Publication::count_due(UtcTime now, seconds period) const {
    std::uint64_t count = 0;
    for (std::uint32_t index = 0; index < facts_.size(); ++index) {
        const auto& facts = facts_[index];
        count += facts.signed_at == 0 || is_due(from_unix(facts.signed_at), now, period, page_bits_, index)
                     ? 1
                     : 0;
    }
    return count;
}

std::vector<std::uint32_t> Publication::forced(std::size_t at_most) const {
    std::vector<std::uint32_t> indices;
    for (std::uint32_t index = 0; index < facts_.size() && indices.size() < at_most; ++index) {
        if (facts_[index].signed_at == 0)
            indices.push_back(index);
    }
    return indices;
}

void Publication::make_due(std::uint64_t serial_hash) {
    facts_of(serial_hash).signed_at = 0;
}

UtcTime Publication::oldest_signed_at() const noexcept {
    std::int64_t oldest = to_unix(year_9999);
    for (const auto& facts : facts_) {
        if (facts.signed_at != 0 && !facts.empty)
            oldest = std::min(oldest, facts.signed_at);
    }
    return from_unix(oldest);
}

UtcTime Publication::earliest_next_update() const noexcept {
    std::int64_t earliest = to_unix(year_9999);
    for (const auto& facts : facts_) {
        if (facts.signed_at != 0 && !facts.empty)
            earliest = std::min(earliest, facts.next_update);
    }
    return from_unix(earliest);
}

std::optional<seconds> Publication::shortest_runway(UtcTime now, seconds period) const noexcept {
    std::optional<seconds> shortest;
    for (std::uint32_t index = 0; index < facts_.size(); ++index) {
        const auto& facts = facts_[index];
        if (facts.signed_at == 0 || facts.empty)
            continue;
        const UtcTime due = last_due(now, period, page_bits_, index);
        const UtcTime next = from_unix(facts.signed_at) < due ? now : due + period;
        const seconds runway = from_unix(facts.next_update) - next;
        shortest = std::min(shortest.value_or(runway), runway);
    }
    return shortest;
}

Status Publication::publish_pages(std::vector<Press::SignedPage> signed_pages, std::uint64_t sequence,
                                  const AnswerTimes& times) {
    const UtcTime now = times.produced_at;
    cache::Batch batch;
    std::uint16_t profiles = 0;
    for (const auto& profile : identity_->profiles) {
        profiles = static_cast<std::uint16_t>(profiles | profile_bit(profile.digest));
        batch.put.emplace_back(cache::profile_name(issuer_, profile.digest), profile.stored);
    }
    for (auto& page : signed_pages) {
        auto& facts = facts_[page.index];
        facts = {to_unix(now), to_unix(times.next_update), sequence, profiles, page.records == 0};
        for (std::size_t p = 0; p < sets_.size(); ++p) {
            auto& bytes = page.by_profile[p];
            auto name = cache::page_name(issuer_, sets_[p].id, page_bits_, page.index);
            if (bytes.empty()) {
                if (sets_[p].tree.page(page.index) != empty_digest)
                    batch.erase.push_back(std::move(name));
                sets_[p].tree.set_page(page.index, empty_digest);
                continue;
            }
            sets_[p].tree.set_page(page.index, crypto::sha256(bytes));
            batch.put.emplace_back(std::move(name), std::move(bytes));
        }
    }
    if (!complete_) {
        complete_ = std::ranges::none_of(facts_, [](const Facts& facts) { return facts.signed_at == 0; });
        if (!complete_) {
            // No head yet: it would state that the pages not signed so far are empty.
            batch.issuer = issuer_;
            if (auto stored = pages_.publish(batch); !stored) {
                stale_ = true;
                return stored;
            }
            return {};
        }
    }
    prune_patches(batch);
    return commit(std::move(batch), sequence, now);
}

Status Publication::publish_patch(Bytes patch, std::vector<std::uint64_t> serial_hashes,
                                  std::uint64_t sequence, UtcTime now) {
    cache::Batch batch;
    std::uint16_t profiles = 0;
    for (const auto& profile : identity_->profiles) {
        profiles = static_cast<std::uint16_t>(profiles | profile_bit(profile.digest));
        batch.put.emplace_back(cache::profile_name(issuer_, profile.digest), profile.stored);
    }
    std::ranges::sort(serial_hashes);
    patches_.push_back({sequence, crypto::sha256(patch), std::move(serial_hashes), profiles, patch.size()});
    batch.put.emplace_back(cache::patch_name(issuer_, sequence), std::move(patch));
    prune_patches(batch);
    return commit(std::move(batch), sequence, now);
}

// A patch whose pages have all been signed since is folded in: nothing of it counts any more.
void Publication::prune_patches(cache::Batch& batch) {
    std::erase_if(patches_, [&](const LaidPatch& patch) {
        const bool folded = std::ranges::all_of(patch.serial_hashes, [&](std::uint64_t serial_hash) {
            return facts_of(serial_hash).sequence >= patch.sequence;
        });
        if (folded)
            batch.erase.push_back(cache::patch_name(issuer_, patch.sequence));
        return folded;
    });
}

// Profiles that no page and no patch names any more leave the head, unless we sign under them now.
void Publication::prune_profiles(cache::Batch& batch) {
    std::uint16_t used = 0;
    for (const auto& facts : facts_)
        used = static_cast<std::uint16_t>(used | facts.profiles);
    for (const auto& patch : patches_)
        used = static_cast<std::uint16_t>(used | patch.profiles);
    for (const auto& profile : identity_->profiles)
        used = static_cast<std::uint16_t>(used | profile_bit(profile.digest));
    const auto all = static_cast<std::uint16_t>((1U << profiles_.size()) - 1U);
    if (used == all)
        return;
    std::vector<cache::Digest> kept;
    std::vector<std::uint16_t> moved(profiles_.size(), 0);  // old position to new bit
    for (std::size_t i = 0; i < profiles_.size(); ++i) {
        if ((used >> i & 1U) != 0) {
            moved[i] = static_cast<std::uint16_t>(1U << kept.size());
            kept.push_back(profiles_[i]);
        } else {
            batch.erase.push_back(cache::profile_name(issuer_, profiles_[i]));
        }
    }
    const auto renumber = [&](std::uint16_t bits) {
        std::uint16_t result = 0;
        for (std::size_t i = 0; i < moved.size(); ++i) {
            if ((bits >> i & 1U) != 0)
                result = static_cast<std::uint16_t>(result | moved[i]);
        }
        return result;
    };
    for (auto& facts : facts_)
        facts.profiles = renumber(facts.profiles);
    for (auto& patch : patches_)
        patch.profiles = renumber(patch.profiles);
    profiles_ = std::move(kept);
}

Status Publication::commit(cache::Batch batch, std::uint64_t sequence, UtcTime now) {
    if (stale_)
        return fail("an earlier publication failed half way; what is stored must be loaded again first");
    if (profiles_.size() > limits::profiles_before_pruning)
        prune_profiles(batch);
    cache::Head head;
    head.issuer = issuer_;
    head.version = {version_.epoch, sequence};
    head.time = now;
    for (auto& set : sets_) {
        for (auto& table : set.tree.take_changes()) {
            auto name = cache::table_name(issuer_, set.id, page_bits_, table.id);
            if (table.bytes.empty()) {
                batch.erase.push_back(std::move(name));
            } else {
                batch.put.emplace_back(std::move(name), std::move(table.bytes));
            }
        }
        head.sets.push_back({set.id, static_cast<std::uint8_t>(page_bits_), set.tree.root()});
    }
    std::ranges::sort(head.sets, {}, &cache::Head::Set::id);
    for (const auto& patch : patches_)
        head.patches.push_back({patch.sequence, patch.digest});
    head.profiles = profiles_;
    head.crls = crls_;
    auto encoded = cache::encode_head(head, store_key_.public_key(),
                                      [&](ByteView body) { return store_key_.sign(body); });
    if (!encoded) {
        stale_ = true;
        return tl::unexpected<Error>(encoded.error());
    }
    batch.issuer = issuer_;
    batch.head = std::move(*encoded);
    // Crash before: nothing happened, the changes are signed again. Crash after: the page file has it, and it
    // is handed on by comparison.
    if (auto stored = pages_.publish(batch); !stored) {
        stale_ = true;
        return stored;
    }
    version_.sequence = sequence;
    hand_on_(batch);
    return {};
}

Status Publication::split(UtcTime now) {
    if (page_bits_ >= limits::page_bits)
        return fail(fmt::format("{} bits of pages is the most", limits::page_bits));
    const std::uint64_t sequence = next_sequence();
    const unsigned bits = page_bits_ + 1;
    std::vector<Facts> facts(std::size_t{1} << bits);
    cache::Batch erased;  // the old pages go only after the new head is there
    std::vector<Set> sets;
    for (auto& set : sets_) {
        Set wider{set.id, cache::Tree{bits}};
        cache::Batch part;
        part.issuer = issuer_;
        std::size_t octets = 0;
        for (std::uint32_t index = 0; index < facts_.size(); ++index) {
            facts[2 * index] = facts[2 * index + 1] = facts_[index];
            if (set.tree.page(index) == empty_digest)
                continue;
            const std::string name = cache::page_name(issuer_, set.id, page_bits_, index);
            auto stored = pages_.fetch(std::span{&name, 1});
            if (!stored)
                return tl::unexpected<Error>(stored.error());
            if (!stored->front() || crypto::sha256(*stored->front()) != set.tree.page(index)) {
                return fail(
                    fmt::format("page {} is damaged in the page file; it is signed again first", index));
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
            if (octets > limits::publish_part_octets) {
                if (auto published = pages_.publish(part); !published)
                    return published;
                part.put.clear();
                octets = 0;
            }
        }
        if (auto published = pages_.publish(part); !published)
            return published;
        for (const auto& table : set.tree.all_tables()) {
            erased.erase.push_back(cache::table_name(issuer_, set.id, page_bits_, table.id));
        }
        sets.push_back(std::move(wider));
    }
    sets_ = std::move(sets);
    facts_ = std::move(facts);
    page_bits_ = bits;
    return commit(std::move(erased), sequence, now);
}

Status Publication::merge_patches(UtcTime now) {
    if (patches_.size() < limits::patches_before_merge)
        return {};
    // The smaller half: a big patch is not copied again and again.
    std::vector<std::size_t> order(patches_.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return patches_[i].octets; });
    // What a patch can hold, with room for what one more profile table and other base times add.
    std::size_t octets = 0;
    std::size_t records = 0;
    std::size_t taken = 0;
    for (; taken <= patches_.size() / 2; ++taken) {
        const auto& patch = patches_[order[taken]];
        octets += patch.octets;
        records += patch.serial_hashes.size() * sets_.size();
        if (octets > limits::patch_octets / 2 || records > limits::patch_records / 2)
            break;
    }
    if (taken < 2)
        return {};
    order.resize(taken);
    std::ranges::sort(order);  // oldest first: a later record for the same serial wins

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
            return fail(name + ": damaged in the page file");
        }
        auto patch = cache::Patch::parse(std::move(*stored->front()));
        if (!patch)
            return fail(name, patch.error());
        opened.push_back(std::move(*patch));
        batch.erase.push_back(name);
        joined.profiles = static_cast<std::uint16_t>(joined.profiles | patches_[i].profiles);
    }
    crypto::Sha256 sha256;
    std::vector<cache::LaidRecord> laid;
    for (const auto& patch : opened) {
        for (const auto& entry : patch.records()) {
            const std::uint64_t hash = crypto::serial_hash(sha256, entry.record.serial);
            if (!cache::counts_over(patch.sequence(), facts_of(hash).sequence))
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
            joined.serial_hashes.push_back(hash);
        }
    }
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

Status Publication::publish_crl(const std::string& path, ByteView der, UtcTime now) {
    const cache::Digest digest = crypto::sha256(der);
    cache::Batch batch;
    auto at = std::ranges::find(crls_, path, &cache::Head::CrlRef::path);
    if (at != crls_.end() && at->digest == digest)
        return {};
    for (std::uint32_t piece = 0; std::uint64_t{piece} * limits::crl_piece_octets < der.size(); ++piece) {
        const std::size_t from = std::size_t{piece} * limits::crl_piece_octets;
        const auto part = der.subspan(from, std::min(limits::crl_piece_octets, der.size() - from));
        batch.put.emplace_back(cache::crl_piece_name(issuer_, digest, piece),
                               Bytes(part.begin(), part.end()));
    }
    if (at != crls_.end()) {
        const bool shared = std::ranges::count(crls_, at->digest, &cache::Head::CrlRef::digest) > 1;
        for (std::uint32_t piece = 0; !shared && std::uint64_t{piece} * limits::crl_piece_octets < at->size;
             ++piece) {
            batch.erase.push_back(cache::crl_piece_name(issuer_, at->digest, piece));
        }
        *at = {path, digest, der.size()};
    } else {
        crls_.push_back({path, digest, der.size()});
        std::ranges::sort(crls_, {}, &cache::Head::CrlRef::path);
    }
    if (!complete_) {  // goes out with the first head
        batch.issuer = issuer_;
        batch.erase.clear();
        return pages_.publish(batch);
    }
    return commit(std::move(batch), next_sequence(), now);
}

std::optional<Bytes> Publication::served_crl(const std::string& path) {
    const auto at = std::ranges::find(crls_, path, &cache::Head::CrlRef::path);
    if (at == crls_.end())
        return std::nullopt;
    Bytes der;
    for (std::uint32_t piece = 0; der.size() < at->size; ++piece) {
        const std::string name = cache::crl_piece_name(issuer_, at->digest, piece);
        auto stored = pages_.fetch(std::span{&name, 1});
        if (!stored || !stored->front() || stored->front()->empty())
            return std::nullopt;
        der.insert(der.end(), stored->front()->begin(), stored->front()->end());
    }
    if (crypto::sha256(der) != at->digest)
        return std::nullopt;
    return der;
}

}  // namespace eightbells::signer
