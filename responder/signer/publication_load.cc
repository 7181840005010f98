#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cache/limits.h"
#include "cache/patch.h"
#include "responder/signer/publication.h"

// Taking up what the page file holds after a start: nothing of it is believed before it is checked up to our
// own signature.
namespace eightbells::signer {

using cache::empty_digest;

Result<Publication::Loaded> Publication::load(Witness& witness) {
    Loaded report;
    const auto epoch = version_.epoch;
    reset();
    stale_ = true;  // until all of it is taken up
    const std::string name = cache::head_name(issuer_);
    auto stored = pages_.fetch(std::span{&name, 1});
    if (!stored)
        return fail("page file", stored.error());
    if (!stored->front()) {
        if (auto taken = take_up_crls({}, report); !taken)
            return tl::unexpected<Error>(taken.error());
        stale_ = false;
        return report;
    }
    const std::array<cache::StorePublicKey, 1> trusted{store_key_.public_key()};
    auto head = cache::parse_head(*stored->front(), trusted);
    if (!head || head->issuer != issuer_) {
        report.remark = head ? "the stored head is another issuer's" : head.error().message;
        if (auto taken = take_up_crls({}, report); !taken)
            return tl::unexpected<Error>(taken.error());
        stale_ = false;
        return report;
    }
    report.head = true;
    version_.epoch = std::max(epoch, head->version.epoch);
    version_.sequence = std::max(version_.sequence, head->version.sequence);
    stored_ = head->version;
    profiles_ = head->profiles;
    if (auto taken = take_up_crls(head->crls, report); !taken)
        return tl::unexpected<Error>(taken.error());
    published_ = true;

    // The sets that we sign now must all be there, whole and in one width. Otherwise everything is signed
    // anew, beside what is there: the old head's sets stand under every head until then, as they are where
    // they are damaged. A head over what is left would state that the rest was never issued, or good again.
    bool whole = prepare_facts(*head);
    if (!whole)
        report.remark = "the stored sets are not those that are signed now";
    bool tables = true;
    auto patches = load_patches(*head, witness);  // first: they are newer than the pages below them
    if (!patches)
        return tl::unexpected<Error>(patches.error());
    for (const auto& set : head->sets) {
        const bool wanted = is_signed_now(set.id);
        auto loaded = load_set(set, wanted, witness, report);
        if (!loaded)
            return tl::unexpected<Error>(loaded.error());
        if (!*loaded && wanted) {
            report.remark = "the tables of pages do not belong to the head";
            tables = false;
        }
    }
    if (!tables)
        freeze(*head);
    if (!*patches)
        report.remark = "a patch is missing or damaged";
    anew_ = !whole || !tables || !*patches;
    stale_ = false;
    if (anew_)
        report.remark += ": everything is signed anew";
    return report;
}

bool Publication::is_signed_now(cache::SetId id) const noexcept {
    return id.life == cache::Life::live && std::ranges::any_of(identity_->profiles, [&](const auto& profile) {
               return profile.hash == id.hash;
           });
}

// Room for the ages of the pages. True: all sets that we sign now are under the head.
bool Publication::prepare_facts(const cache::Head& head) {
    std::optional<unsigned> bits;
    std::size_t found = 0;
    for (const auto& set : head.sets) {
        if (!is_signed_now(set.id))
            continue;
        // We give all sets one width; of another there would be no ages.
        if (bits && *bits != set.page_bits) {
            freeze(head);
            return false;
        }
        bits = set.page_bits;
        ++found;
    }
    if (!bits) {
        freeze(head);
        return false;
    }
    shape_.page_bits = *bits;
    shape_.facts.assign(std::size_t{1} << *bits, Facts{});
    // Empty until a page of theirs is seen; the head itself states it, at its own time.
    for (auto& facts : shape_.facts) {
        facts.empty = true;
        facts.signed_at = to_unix(head.time);
    }
    return found == identity_->profiles.size();
}

// The head's sets stay under every head as they are, and no page of theirs is replaced.
void Publication::freeze(const cache::Head& head) {
    const unsigned bits = head.sets.empty() ? 0 : head.sets.front().page_bits;
    shape_ = {};
    shape_.page_bits = bits;
    shape_.known = false;
    shape_.roots = head.sets;
    dropped_.clear();
}

// False: its tables are not those of the head. A set that is not wanted goes with the next head.
Result<bool> Publication::load_set(const cache::Head::Set& stored, bool wanted, Witness& witness,
                                   Loaded& report) {
    Set set{stored.id, cache::Tree{stored.page_bits}};
    const std::uint32_t pages = set.tree.pages();
    for (std::uint32_t table = 0; table * cache::table_digests < pages; ++table) {
        const std::string name = cache::table_name(issuer_, set.id, stored.page_bits, {0, table});
        auto fetched = pages_.fetch(std::span{&name, 1});
        if (!fetched)
            return tl::unexpected<Error>(fetched.error());
        if (!fetched->front())
            continue;  // an empty table is not stored; a lost one shows in the root
        auto digests =
            cache::parse_table(*fetched->front(), cache::Tree::digests_in(stored.page_bits, {0, table}));
        if (!digests)
            continue;
        for (std::size_t i = 0; i < digests->size(); ++i)
            set.tree.set_page(static_cast<std::uint32_t>(table * cache::table_digests + i), (*digests)[i]);
    }
    (void)set.tree.take_changes();
    if (set.tree.root() != stored.root)
        return false;
    if (auto loaded = load_pages(set, wanted, witness, report); !loaded)
        return tl::unexpected<Error>(loaded.error());
    if (shape_.known)
        (wanted ? shape_.sets : dropped_).push_back(std::move(set));
    return true;
}

// All sets' pages of one index were signed together; where they differ, the older one counts.
void Publication::note_age(Facts& facts, const cache::PageHeader& header) {
    const std::int64_t signed_at = to_unix(header.times.produced_at);
    const std::int64_t next_update = to_unix(header.times.next_update);
    const bool first = facts.empty;
    facts.empty = false;
    facts.signed_at = first ? signed_at : std::min(facts.signed_at, signed_at);
    facts.next_update = first ? next_update : std::min(facts.next_update, next_update);
    facts.sequence = first ? header.sequence : std::min(facts.sequence, header.sequence);
    for (const auto& digest : header.profiles)
        facts.profiles = static_cast<std::uint16_t>(facts.profiles | profile_bit(digest));
}

Status Publication::load_pages(Set& set, bool wanted, Witness& witness, Loaded& report) {
    std::vector<std::string> names;
    std::vector<std::uint32_t> indices;
    crypto::Sha256 sha256;
    const auto take = [&]() -> Status {
        auto fetched = pages_.fetch(names);
        if (!fetched)
            return tl::unexpected<Error>(fetched.error());
        for (std::size_t i = 0; i < indices.size(); ++i) {
            auto& bytes = (*fetched)[i];
            auto page = bytes && sha256.of(*bytes) == set.tree.page(indices[i])
                            ? cache::Page::parse(std::move(*bytes))
                            : Result<cache::Page>{fail("missing or damaged")};
            if (!page) {
                ++report.damaged_pages;
                if (wanted && shape_.known)
                    shape_.facts[indices[i]] = Facts{};
                continue;
            }
            ++report.pages;
            if (wanted && shape_.known)
                note_age(shape_.facts[indices[i]], page->header());
            if (auto seen = witness.see_page(*page); !seen)
                return seen;
        }
        names.clear();
        indices.clear();
        return {};
    };
    for (std::uint32_t index = 0; index < set.tree.pages(); ++index) {
        if (set.tree.page(index) == empty_digest) {
            if (auto seen = witness.see_empty_page(set.tree.page_bits(), index); !seen)
                return seen;
            continue;
        }
        names.push_back(cache::page_name(issuer_, set.id, set.tree.page_bits(), index));
        indices.push_back(index);
        if (names.size() == limits::fetch_names) {
            if (auto taken = take(); !taken)
                return taken;
        }
    }
    return names.empty() ? Status{} : take();
}

// False: one is missing or damaged, and what it laid over the pages is not known any more.
Result<bool> Publication::load_patches(const cache::Head& head, Witness& witness) {
    crypto::Sha256 sha256;
    bool all = true;
    for (const auto& reference : head.patches) {
        const std::string name = cache::patch_name(issuer_, reference.sequence);
        auto fetched = pages_.fetch(std::span{&name, 1});
        if (!fetched)
            return tl::unexpected<Error>(fetched.error());
        auto patch = fetched->front() && sha256.of(*fetched->front()) == reference.digest
                         ? cache::Patch::parse(std::move(*fetched->front()))
                         : Result<cache::Patch>{fail("missing or damaged")};
        LaidPatch laid;
        laid.sequence = reference.sequence;
        laid.digest = reference.digest;
        if (!patch) {
            all = false;
            laid.lost = true;
            witness.miss_patch();
            patches_.push_back(std::move(laid));
            continue;
        }
        laid.octets = patch->bytes().size();
        for (const auto& digest : patch->profiles())
            laid.profiles = static_cast<std::uint16_t>(laid.profiles | profile_bit(digest));
        for (const auto& entry : patch->records())
            laid.serial_hashes.push_back(crypto::serial_hash(sha256, entry.record.serial));
        if (auto seen = witness.see_patch(*patch); !seen)
            return tl::unexpected<Error>(seen.error());
        std::ranges::sort(laid.serial_hashes);
        laid.serial_hashes.erase(std::unique(laid.serial_hashes.begin(), laid.serial_hashes.end()),
                                 laid.serial_hashes.end());
        patches_.push_back(std::move(laid));
    }
    return all;
}

}  // namespace eightbells::signer
