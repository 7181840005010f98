#include "responder/signer/publication.h"

#include <fmt/format.h>

#include <algorithm>

#include "responder/signer/due_moments.h"
#include "responder/signer/limits.h"

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
    published_ = false;
    anew_ = true;
    shape_ = {};
    coming_.reset();
    dropped_.clear();
    patches_.clear();
    profiles_.clear();
    crls_.clear();
    coming_crl_.reset();
    unnamed_pieces_.clear();
    head_due_ = false;
}

std::uint16_t Publication::profile_bit(const cache::Digest& digest) {
    auto found = std::ranges::find(profiles_, digest);
    if (found == profiles_.end()) {
        profiles_.push_back(digest);
        found = std::prev(profiles_.end());
    }
    return static_cast<std::uint16_t>(1U << (found - profiles_.begin()));
}

bool Publication::is_lengthened(const Facts& facts, const AnswerTimes& times) const noexcept {
    const auto& settings = identity_->settings;
    const seconds left = from_unix(facts.next_update) - times.produced_at;
    const bool ends_early = seconds{facts.next_update - facts.signed_at} < settings.validity;
    return !facts.empty && ends_early && left < settings.validity - settings.refresh &&
           times.next_update - from_unix(facts.next_update) >= std::max(left, limits::lengthening_min);
}

bool Publication::is_late(const Facts& facts, UtcTime now) const noexcept {
    const auto& settings = identity_->settings;
    return !facts.empty && from_unix(facts.next_update) - now < (settings.validity - settings.refresh) / 2;
}

std::vector<std::uint32_t> Publication::due(const AnswerTimes& times, std::size_t at_most,
                                            std::size_t paced) const {
    const seconds period = identity_->settings.refresh;
    const UtcTime now = times.produced_at;
    std::vector<std::pair<std::int64_t, std::uint32_t>> found;  // 0 or signed_at, index
    if (!shape_.known)
        return {};
    const DueMoments moments{now, period, shape_.page_bits};
    for (std::uint32_t index = 0; index < shape_.facts.size(); ++index) {
        const auto& facts = shape_.facts[index];
        const bool turn = moments.is_due(from_unix(facts.signed_at), index);
        if (facts.wanted || facts.signed_at == 0 || is_lengthened(facts, times) ||
            (turn && is_late(facts, now)))
            found.emplace_back(0, index);
        else if (turn && paced > 0)
            found.emplace_back(facts.signed_at, index);
    }
    const auto most = static_cast<std::ptrdiff_t>(std::min(at_most, found.size()));
    std::ranges::partial_sort(found, found.begin() + most);
    std::vector<std::uint32_t> indices;
    for (auto one = found.begin(); one != found.begin() + most; ++one) {
        if (one->first != 0 && paced-- == 0)
            break;
        indices.push_back(one->second);
    }
    return indices;
}

std::uint64_t Publication::count_due(UtcTime now, seconds period) const {
    std::uint64_t count =
        coming_ ? static_cast<std::uint64_t>(std::ranges::count(coming_->facts, 0, &Facts::signed_at)) : 0;
    const DueMoments moments{now, period, shape_.page_bits};
    for (std::uint32_t index = 0; shape_.known && index < shape_.facts.size(); ++index) {
        const auto& facts = shape_.facts[index];
        const bool due =
            facts.wanted || facts.signed_at == 0 || moments.is_due(from_unix(facts.signed_at), index);
        count += due ? 1 : 0;
    }
    return count;
}

std::vector<std::uint32_t> Publication::forced(std::size_t at_most) const {
    std::vector<std::uint32_t> indices;
    for (std::uint32_t index = 0; shape_.known && index < shape_.facts.size() && indices.size() < at_most;
         ++index) {
        if (shape_.facts[index].signed_at == 0 || shape_.facts[index].wanted)
            indices.push_back(index);
    }
    return indices;
}

void Publication::make_due(std::uint64_t serial_hash) {
    shape_.facts[cache::page_index(serial_hash, shape_.page_bits)].wanted = true;
}

void Publication::make_all_due() {
    for (auto& facts : shape_.facts)
        facts.wanted = true;
}

UtcTime Publication::oldest_signed_at() const noexcept {
    std::int64_t oldest = to_unix(year_9999);
    for (const auto& facts : shape_.facts) {
        if (facts.signed_at != 0 && !facts.empty)
            oldest = std::min(oldest, facts.signed_at);
    }
    return from_unix(oldest);
}

UtcTime Publication::earliest_next_update() const noexcept {
    std::int64_t earliest = to_unix(year_9999);
    for (const auto& facts : shape_.facts) {
        if (facts.signed_at != 0 && !facts.empty)
            earliest = std::min(earliest, facts.next_update);
    }
    return from_unix(earliest);
}

std::optional<seconds> Publication::shortest_runway(UtcTime now, seconds period) const noexcept {
    std::optional<seconds> shortest;
    const DueMoments moments{now, period, shape_.page_bits};
    for (std::uint32_t index = 0; index < shape_.facts.size(); ++index) {
        const auto& facts = shape_.facts[index];
        if (facts.signed_at == 0 || facts.empty)
            continue;
        const UtcTime due = moments.last(index);
        const UtcTime next = from_unix(facts.signed_at) < due ? now : due + period;
        const seconds runway = from_unix(facts.next_update) - next;
        shortest = std::min(shortest.value_or(runway), runway);
    }
    return shortest;
}

// Into the shape and the batch; the shape's sets that are not signed any more keep what they have.
std::uint16_t Publication::lay(Shape& shape, std::vector<Press::SignedPage>& signed_pages,
                               std::uint64_t sequence, const AnswerTimes& times, cache::Batch& batch) {
    std::uint16_t profiles = 0;
    for (const auto& profile : identity_->profiles) {
        profiles = static_cast<std::uint16_t>(profiles | profile_bit(profile.digest));
        batch.put.emplace_back(cache::profile_name(issuer_, profile.digest), profile.stored);
    }
    for (auto& page : signed_pages) {
        shape.facts[page.index] = {to_unix(times.produced_at),
                                   to_unix(times.next_update),
                                   sequence,
                                   profiles,
                                   page.records == 0,
                                   false};
        for (std::size_t p = 0; p < identity_->profiles.size(); ++p) {
            const auto set = std::ranges::find_if(
                shape.sets, [&](const Set& one) { return one.id.hash == identity_->profiles[p].hash; });
            if (set == shape.sets.end())
                continue;  // published pages do not have this hash yet
            auto& bytes = page.by_profile[p];
            auto name = cache::page_name(issuer_, set->id, shape.page_bits, page.index);
            if (bytes.empty()) {
                if (set->tree.page(page.index) != empty_digest)
                    batch.erase.push_back(std::move(name));
                set->tree.set_page(page.index, empty_digest);
                continue;
            }
            set->tree.set_page(page.index, crypto::sha256(bytes));
            batch.put.emplace_back(std::move(name), std::move(bytes));
        }
    }
    return profiles;
}

Status Publication::publish_pages(std::vector<Press::SignedPage> signed_pages, std::uint64_t sequence,
                                  const AnswerTimes& times) {
    if (auto usable = refuse_while_stale(); !usable)
        return usable;
    cache::Batch batch;
    lay(shape_, signed_pages, sequence, times, batch);
    prune_patches(batch);
    return commit(std::move(batch), sequence, times.produced_at);
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
    patches_.push_back(
        {sequence, crypto::sha256(patch), std::move(serial_hashes), profiles, patch.size(), false});
    batch.put.emplace_back(cache::patch_name(issuer_, sequence), std::move(patch));
    prune_patches(batch);
    return commit(std::move(batch), sequence, now);
}

// What a patch says of a serial is in the published page, and in the coming one, or will be when that is
// signed.
bool Publication::is_folded(std::uint64_t serial_hash, std::uint64_t sequence) const {
    if (!shape_.known || shape_.facts_of(serial_hash).sequence < sequence)
        return false;
    if (!coming_)
        return true;
    const Facts& facts = coming_->facts_of(serial_hash);
    return facts.signed_at == 0 || facts.sequence >= sequence;
}

bool Publication::has_lost_patch() const noexcept {
    return std::ranges::any_of(patches_, &LaidPatch::lost);
}

// A patch whose pages have all been signed since is folded in: nothing of it counts any more.
void Publication::prune_patches(cache::Batch& batch) {
    std::erase_if(patches_, [&](const LaidPatch& patch) {
        const bool folded = !patch.lost && std::ranges::all_of(patch.serial_hashes, [&](std::uint64_t hash) {
            return is_folded(hash, patch.sequence);
        });
        if (folded)
            batch.erase.push_back(cache::patch_name(issuer_, patch.sequence));
        return folded;
    });
}

// Profiles that no page and no patch names any more leave the head, unless we sign under them now.
void Publication::prune_profiles(cache::Batch& batch) {
    if (!shape_.known || has_lost_patch())
        return;  // what they name is not known
    std::uint16_t used = 0;
    for (const auto& facts : shape_.facts)
        used = static_cast<std::uint16_t>(used | facts.profiles);
    for (std::size_t i = 0; coming_ && i < coming_->facts.size(); ++i)
        used = static_cast<std::uint16_t>(used | coming_->facts[i].profiles);
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
    for (auto& facts : shape_.facts)
        facts.profiles = renumber(facts.profiles);
    for (std::size_t i = 0; coming_ && i < coming_->facts.size(); ++i)
        coming_->facts[i].profiles = renumber(coming_->facts[i].profiles);
    for (auto& patch : patches_)
        patch.profiles = renumber(patch.profiles);
    profiles_ = std::move(kept);
}

Status Publication::refuse_while_stale() const {
    if (stale_)
        return fail("an earlier publication failed half way; what is stored must be loaded again first");
    return {};
}

Status Publication::commit(cache::Batch batch, std::uint64_t sequence, UtcTime now, Says says) {
    if (auto usable = refuse_while_stale(); !usable)
        return usable;
    if (profiles_.size() > limits::profiles_before_pruning)
        prune_profiles(batch);
    cache::Head head;
    head.issuer = issuer_;
    head.version = {version_.epoch, sequence};
    head.time = now;
    head.sets = shape_.roots;
    for (auto& set : shape_.sets) {
        for (auto& table : set.tree.take_changes()) {
            auto name = cache::table_name(issuer_, set.id, shape_.page_bits, table.id);
            if (table.bytes.empty()) {
                batch.erase.push_back(std::move(name));
            } else {
                batch.put.emplace_back(std::move(name), std::move(table.bytes));
            }
        }
        head.sets.push_back({set.id, static_cast<std::uint8_t>(shape_.page_bits), set.tree.root()});
    }
    for (const auto& set : dropped_)
        erase_pages({set.tree.page_bits(), {}, {set}, true, {}}, batch);
    dropped_.clear();
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
    stored_ = head.version;
    head_due_ = false;
    hand_on_(says == Says::all ? &batch : nullptr);
    return {};
}

}  // namespace eightbells::signer
