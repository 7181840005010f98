#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cache/patch.h"
#include "responder/base/limits.h"
#include "responder/signer/publication.h"

// Taking up what the page file holds after a start: nothing of it is believed before it is checked up to our
// own signature.
namespace eightbells::signer {

using cache::empty_digest;

Result<Publication::Loaded> Publication::load(const OnRevoked& revoked) {
    Loaded report;
    const auto epoch = version_.epoch;
    reset();
    stale_ = false;
    const std::string name = cache::head_name(issuer_);
    auto stored = pages_.fetch(std::span{&name, 1});
    if (!stored)
        return fail("page file", stored.error());
    if (!stored->front())
        return report;
    const std::array<cache::StorePublicKey, 1> trusted{store_key_.public_key()};
    auto head = cache::parse_head(*stored->front(), trusted);
    if (!head || head->issuer != issuer_) {
        report.remark = head ? "the stored head is another issuer's" : head.error().message;
        return report;
    }
    report.head = true;
    version_.epoch = std::max(epoch, head->version.epoch);
    version_.sequence = head->version.sequence;
    profiles_ = head->profiles;
    crls_ = head->crls;

    // The sets that we sign now must all be there in one width; anything else is signed anew.
    std::optional<unsigned> bits;
    bool usable = true;
    for (const auto& profile : identity_->profiles) {
        const cache::SetId wanted{profile.hash, cache::Life::live};
        const auto found = std::ranges::find(head->sets, wanted, &cache::Head::Set::id);
        usable = usable && found != head->sets.end() && (!bits || *bits == found->page_bits);
        if (usable)
            bits = found->page_bits;
    }
    if (!usable || !bits) {
        report.remark = "the stored sets are not those that are signed now: everything is signed anew";
        profiles_.clear();
        return report;
    }
    page_bits_ = *bits;
    facts_.assign(std::size_t{1} << page_bits_, Facts{});
    for (auto& facts : facts_)
        facts.empty = true;
    for (const auto& profile : identity_->profiles) {
        const cache::SetId wanted{profile.hash, cache::Life::live};
        const auto set = std::ranges::find(head->sets, wanted, &cache::Head::Set::id);
        if (auto loaded = load_set(*set, revoked, report); !loaded)
            return tl::unexpected<Error>(loaded.error());
    }
    if (auto loaded = load_patches(*head, revoked); !loaded)
        return tl::unexpected<Error>(loaded.error());
    complete_ = true;
    return report;
}

Status Publication::load_set(const cache::Head::Set& stored, const OnRevoked& revoked, Loaded& report) {
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
        for (std::size_t i = 0; i < digests->size(); ++i) {
            set.tree.set_page(static_cast<std::uint32_t>(table * cache::table_digests + i), (*digests)[i]);
        }
    }
    (void)set.tree.take_changes();
    if (set.tree.root() != stored.root) {
        report.remark = "the page file's tables do not belong to its head: every page is signed again";
        set.tree = cache::Tree{stored.page_bits};
        for (auto& facts : facts_)
            facts = Facts{};
        report.damaged_pages += pages;
    } else if (auto loaded = load_pages(set, revoked, report); !loaded) {
        return loaded;
    }
    sets_.push_back(std::move(set));
    return {};
}

Status Publication::load_pages(Set& set, const OnRevoked& revoked, Loaded& report) {
    std::vector<std::string> names;
    std::vector<std::uint32_t> indices;
    crypto::Sha256 sha256;
    const auto take = [&]() -> Status {
        auto fetched = pages_.fetch(names);
        if (!fetched)
            return tl::unexpected<Error>(fetched.error());
        for (std::size_t i = 0; i < indices.size(); ++i) {
            auto& facts = facts_[indices[i]];
            auto& bytes = (*fetched)[i];
            auto page = bytes && sha256.of(*bytes) == set.tree.page(indices[i])
                            ? cache::Page::parse(std::move(*bytes))
                            : Result<cache::Page>{fail("missing or damaged")};
            if (!page) {
                ++report.damaged_pages;
                facts = Facts{};
                facts.sequence = 0;
                continue;
            }
            ++report.pages;
            std::uint16_t profiles = 0;
            for (const auto& digest : page->header().profiles)
                profiles = static_cast<std::uint16_t>(profiles | profile_bit(digest));
            // All sets' pages of one index were signed together; where they differ, the older one counts.
            const std::int64_t signed_at = to_unix(page->header().times.produced_at);
            const std::int64_t next_update = to_unix(page->header().times.next_update);
            const bool first = facts.empty;
            facts.next_update = first ? next_update : std::min(facts.next_update, next_update);
            facts.empty = false;
            facts.signed_at = first ? signed_at : std::min(facts.signed_at, signed_at);
            facts.sequence =
                first ? page->header().sequence : std::min(facts.sequence, page->header().sequence);
            facts.profiles = static_cast<std::uint16_t>(facts.profiles | profiles);
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
        names.push_back(cache::page_name(issuer_, set.id, page_bits_, index));
        indices.push_back(index);
        if (names.size() == limits::fetch_names) {
            if (auto taken = take(); !taken)
                return taken;
        }
    }
    return names.empty() ? Status{} : take();
}

Status Publication::load_patches(const cache::Head& head, const OnRevoked& revoked) {
    crypto::Sha256 sha256;
    for (const auto& reference : head.patches) {
        const std::string name = cache::patch_name(issuer_, reference.sequence);
        auto fetched = pages_.fetch(std::span{&name, 1});
        if (!fetched)
            return tl::unexpected<Error>(fetched.error());
        auto patch = fetched->front() && sha256.of(*fetched->front()) == reference.digest
                         ? cache::Patch::parse(std::move(*fetched->front()))
                         : Result<cache::Patch>{fail("missing or damaged")};
        if (!patch) {
            // What it laid over the pages is not known any more: all of them are signed again from the
            // ledger.
            for (auto& facts : facts_)
                facts.signed_at = 0;
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
                return taken;
        }
        std::ranges::sort(laid.serial_hashes);
        laid.serial_hashes.erase(std::unique(laid.serial_hashes.begin(), laid.serial_hashes.end()),
                                 laid.serial_hashes.end());
        patches_.push_back(std::move(laid));
    }
    return {};
}

}  // namespace eightbells::signer
