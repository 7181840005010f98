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

Result<Publication::Loaded> Publication::load(const OnRevoked& revoked) {
    Loaded report;
    const auto epoch = version_.epoch;
    reset();
    stale_ = true;  // until all of it is taken up
    const std::string name = cache::head_name(issuer_);
    auto stored = pages_.fetch(std::span{&name, 1});
    if (!stored)
        return fail("page file", stored.error());
    if (!stored->front()) {
        stale_ = false;
        return report;
    }
    const std::array<cache::StorePublicKey, 1> trusted{store_key_.public_key()};
    auto head = cache::parse_head(*stored->front(), trusted);
    if (!head || head->issuer != issuer_) {
        report.remark = head ? "the stored head is another issuer's" : head.error().message;
        stale_ = false;
        return report;
    }
    report.head = true;
    version_.epoch = std::max(epoch, head->version.epoch);
    version_.sequence = head->version.sequence;
    profiles_ = head->profiles;
    crls_ = head->crls;

    // The sets that we sign now must all be there, whole and in one width. Otherwise everything is signed
    // anew before there is another head: one over what is left would state that the rest was never issued, or
    // good again.
    bool whole = prepare_facts(*head);
    if (!whole)
        report.remark = "the stored sets are not those that are signed now";
    for (const auto& set : head->sets) {
        auto loaded = load_set(set, whole && is_signed_now(set.id), revoked, report);
        if (!loaded)
            return tl::unexpected<Error>(loaded.error());
        if (!*loaded)
            report.remark = "the tables of pages do not belong to the head";
        whole = whole && *loaded;
    }
    auto patches = load_patches(*head, revoked);
    if (!patches)
        return tl::unexpected<Error>(patches.error());
    if (!*patches)
        report.remark = "a patch is missing or damaged";
    complete_ = whole && *patches;
    stale_ = false;
    if (!complete_)
        report.remark += ": everything is signed anew";
    return report;
}

bool Publication::is_signed_now(cache::SetId id) const noexcept {
    return id.life == cache::Life::live && std::ranges::any_of(identity_->profiles, [&](const auto& profile) {
               return profile.hash == id.hash;
           });
}

// Room for the ages of the pages, where all sets that we sign are there in one width.
bool Publication::prepare_facts(const cache::Head& head) {
    std::optional<unsigned> bits;
    std::size_t found = 0;
    for (const auto& set : head.sets) {
        if (!is_signed_now(set.id))
            continue;
        if (bits && *bits != set.page_bits)
            return false;
        bits = set.page_bits;
        ++found;
    }
    if (!bits || found != identity_->profiles.size())
        return false;
    page_bits_ = *bits;
    facts_.assign(std::size_t{1} << page_bits_, Facts{});
    for (auto& facts : facts_)
        facts.empty = true;
    return true;
}

// False: its tables are not those of the head. A set that is not `wanted` is only searched for revocations.
Result<bool> Publication::load_set(const cache::Head::Set& stored, bool wanted, const OnRevoked& revoked,
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
    if (auto loaded = load_pages(set, wanted, revoked, report); !loaded)
        return tl::unexpected<Error>(loaded.error());
    if (wanted)
        sets_.push_back(std::move(set));
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

Status Publication::load_pages(Set& set, bool wanted, const OnRevoked& revoked, Loaded& report) {
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
                if (wanted)
                    facts_[indices[i]] = Facts{};
                continue;
            }
            ++report.pages;
            if (wanted)
                note_age(facts_[indices[i]], page->header());
            for (std::size_t r = 0; r < page->size(); ++r) {
                const auto record = page->record(r);
                const auto serial = Serial::from_magnitude(record.serial);
                if (!record.status || !serial)
                    continue;
                if (auto taken = revoked(*serial, *record.status); !taken)
                    return taken;
            }
        }
        names.clear();
        indices.clear();
        return {};
    };
    for (std::uint32_t index = 0; index < set.tree.pages(); ++index) {
        if (set.tree.page(index) == empty_digest)
            continue;
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
Result<bool> Publication::load_patches(const cache::Head& head, const OnRevoked& revoked) {
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
        if (!patch) {
            all = false;
            continue;
        }
        LaidPatch laid;
        laid.sequence = reference.sequence;
        laid.digest = reference.digest;
        laid.octets = patch->bytes().size();
        for (const auto& digest : patch->profiles())
            laid.profiles = static_cast<std::uint16_t>(laid.profiles | profile_bit(digest));
        for (const auto& entry : patch->records()) {
            laid.serial_hashes.push_back(crypto::serial_hash(sha256, entry.record.serial));
            const auto serial = Serial::from_magnitude(entry.record.serial);
            if (!entry.record.status || !serial)
                continue;
            if (auto taken = revoked(*serial, *entry.record.status); !taken)
                return tl::unexpected<Error>(taken.error());
        }
        std::ranges::sort(laid.serial_hashes);
        laid.serial_hashes.erase(std::unique(laid.serial_hashes.begin(), laid.serial_hashes.end()),
                                 laid.serial_hashes.end());
        patches_.push_back(std::move(laid));
    }
    return all;
}

}  // namespace eightbells::signer
