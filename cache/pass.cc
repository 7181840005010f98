#include "cache/pass.h"

#include <fmt/format.h>

#include <algorithm>

#include "cache/limits.h"
#include "cache/profile.h"
#include "responder/crypto/digest.h"

namespace eightbells::cache {

namespace {

// A table's stored form: 256 digests and a few octets before them.
constexpr std::size_t table_octets = table_digests * 32 + 64;

// The range of children of a table among all of the level below.
std::size_t first_child(std::uint32_t table) noexcept {
    return std::size_t{table} * table_digests;
}

}  // namespace

Pass::Pass(const std::string& issuer, const HeldState& before, Head head, Bytes head_bytes, BlobReader& blobs,
           PagePlaces places)
    : issuer_(issuer),
      before_(before),
      blobs_(blobs),
      places_(std::move(places)),
      head_(std::move(head)),
      head_bytes_(std::move(head_bytes)) {}

Status Pass::run(std::size_t page_budget, std::size_t first_page,
                 const std::function<Status()>& on_progress) {
    // Profiles first: pages and patches are of use only with theirs.
    if (auto read = read_profiles(); !read)
        return read;
    if (auto read = read_patches(); !read)
        return read;
    drafts_.reserve(head_.sets.size());
    for (const Head::Set& reference : head_.sets) {
        if (auto walked = walk(reference); !walked)
            return walked;
    }
    auto read = read_pages(page_budget, first_page, on_progress);
    return kept_ ? read : kept_;
}

Status Pass::read_profiles() {
    std::vector<Wanted> wanted;
    for (const Digest& digest : head_.profiles) {
        if (const auto held = before_.profiles.find(digest); held != before_.profiles.end())
            profiles_.insert(*held);
        else
            wanted.push_back({profile_name(issuer_, digest), digest});
    }
    const auto take = [&](std::size_t i, Bytes bytes) -> Status {
        auto parsed = parse_profile(bytes);
        if (!parsed)
            return tl::unexpected(parsed.error());
        profiles_.emplace(wanted[i].digest, std::make_shared<const HeldProfile>(HeldProfile{
                                                wanted[i].digest, std::move(bytes), std::move(*parsed)}));
        return {};
    };
    auto read = blobs_.read(wanted, limits::profile_octets, take, {});
    for (const auto& [digests, table] : before_.profile_tables) {
        if (std::ranges::all_of(digests, [&](const Digest& named) { return profiles_.contains(named); }))
            profile_tables_.emplace(digests, table);
    }
    profiles_complete_ = profiles_.size() == head_.profiles.size();
    return read;
}

Result<ProfileTablePtr> Pass::resolve(const std::vector<Digest>& digests) {
    if (const auto known = profile_tables_.find(digests); known != profile_tables_.end())
        return known->second;
    auto resolved = std::make_shared<ProfileTable>();
    for (std::size_t i = 0; i < digests.size(); ++i) {  // parsing has seen to it that they fit
        const auto held = profiles_.find(digests[i]);
        if (held == profiles_.end())
            return fail(fmt::format("names the profile {}, which is not held", to_hex(digests[i])));
        (*resolved)[i] = held->second;
    }
    profile_tables_.emplace(digests, resolved);
    return resolved;
}

Status Pass::read_patches() {
    patches_.resize(head_.patches.size());
    std::vector<Wanted> wanted;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < head_.patches.size(); ++i) {
        const Head::PatchRef& reference = head_.patches[i];
        const auto held = std::ranges::find_if(before_.patches, [&](const auto& patch) {
            return patch != nullptr && patch->digest == reference.digest;
        });
        if (held != before_.patches.end()) {
            patches_[i] = *held;
        } else {
            wanted.push_back({patch_name(issuer_, reference.sequence), reference.digest});
            places.push_back(i);
        }
    }
    const auto take = [&](std::size_t i, Bytes bytes) -> Status {
        auto patch = take_patch(head_.patches[places[i]], wanted[i].digest, std::move(bytes));
        if (!patch)
            return tl::unexpected(patch.error());
        patches_[places[i]] = std::move(*patch);
        return {};
    };
    return blobs_.read(wanted, limits::patch_octets, take, {});
}

Result<std::shared_ptr<const HeldPatch>> Pass::take_patch(const Head::PatchRef& reference,
                                                          const Digest& digest, Bytes bytes) {
    auto parsed = Patch::parse(std::move(bytes));
    if (!parsed)
        return tl::unexpected(parsed.error());
    if (parsed->sequence() != reference.sequence)
        return fail(fmt::format("patch: sequence: {} instead of {}", parsed->sequence(), reference.sequence));
    auto profiles = resolve(parsed->profiles());
    if (!profiles)
        return tl::unexpected(profiles.error());
    auto held = std::make_shared<HeldPatch>(HeldPatch{digest, std::move(*parsed), std::move(*profiles), {}});
    crypto::Sha256 sha256;
    held->serial_hashes.reserve(held->patch.records().size());
    for (const PatchRecord& laid : held->patch.records()) {
        if ((*held->profiles)[laid.record.profile]->answer.cert_id_hash != laid.set.hash)
            return fail("patch: a record's profile is of another CertID hash than its set");
        held->serial_hashes.push_back(crypto::serial_hash(sha256, laid.record.serial));
    }
    return held;
}

Status Pass::walk(const Head::Set& reference) {
    Draft& draft = drafts_.emplace_back();
    draft.set.id = reference.id;
    draft.set.page_bits = reference.page_bits;
    if (const HeldSet* held = before_.set(reference.id)) {
        if (held->page_bits == reference.page_bits)
            draft.before = held;
        else if (held->page_bits < reference.page_bits)
            draft.before_split = held;
    }
    const unsigned levels = Tree::levels(reference.page_bits);
    draft.set.known_tables.resize(levels);
    for (unsigned level = 0; level < levels; ++level)
        draft.set.known_tables[level].resize(Tree::tables_in(reference.page_bits, level));
    draft.set.known_tables.back().front() = reference.root;
    draft.set.tables.resize(draft.set.known_tables.front().size());
    draft.changed.resize(draft.set.tables.size());
    if (auto walked = walk_upper_tables(draft); !walked)
        return walked;
    return walk_page_tables(draft);
}

Status Pass::read_tables(const std::vector<Wanted>& wanted,
                         const std::function<std::size_t(std::size_t)>& count,
                         const std::function<void(std::size_t, std::span<const Digest>)>& take) {
    std::size_t taken = 0;
    const auto parse_and_take = [&](std::size_t i, Bytes bytes) -> Status {
        auto digests = parse_table(bytes, count(i));
        if (!digests)
            return tl::unexpected(digests.error());
        take(i, *digests);
        ++taken;
        return {};
    };
    auto read = blobs_.read(wanted, table_octets, parse_and_take, {});
    tables_complete_ = tables_complete_ && taken == wanted.size();
    return read;
}

Status Pass::walk_upper_tables(Draft& draft) {
    HeldSet& set = draft.set;
    for (auto level = static_cast<std::uint8_t>(set.known_tables.size() - 1); level > 0; --level) {
        std::vector<Wanted> wanted;
        std::vector<std::uint32_t> places;
        auto& children = set.known_tables[level - 1u];
        for (std::uint32_t index = 0; index < set.known_tables[level].size(); ++index) {
            const std::optional<Digest>& digest = set.known_tables[level][index];
            if (!digest)
                continue;  // nothing is known below it either
            const std::size_t count = Tree::digests_in(set.page_bits, {level, index});
            const auto own = std::span(children).subspan(first_child(index), count);
            if (*digest == empty_digest) {
                std::ranges::fill(own, empty_digest);
                continue;
            }
            if (draft.before != nullptr && draft.before->known_tables[level][index] == digest) {
                const auto held =
                    std::span(draft.before->known_tables[level - 1u]).subspan(first_child(index), count);
                if (std::ranges::all_of(held, [](const auto& known) { return known.has_value(); })) {
                    std::ranges::copy(held, own.begin());
                    continue;
                }
            }
            wanted.push_back({table_name(issuer_, set.id, set.page_bits, {level, index}), *digest});
            places.push_back(index);
        }
        const auto take = [&](std::size_t i, std::span<const Digest> digests) {
            std::ranges::copy(digests,
                              children.begin() + static_cast<std::ptrdiff_t>(first_child(places[i])));
        };
        const auto count = [&](std::size_t i) { return Tree::digests_in(set.page_bits, {level, places[i]}); };
        if (auto read = read_tables(wanted, count, take); !read)
            return read;
    }
    return {};
}

Status Pass::walk_page_tables(Draft& draft) {
    HeldSet& set = draft.set;
    std::vector<Wanted> wanted;
    std::vector<std::uint32_t> places;
    for (std::uint32_t index = 0; index < set.tables.size(); ++index) {
        const std::optional<Digest>& digest = set.known_tables[0][index];
        const auto held = draft.before != nullptr && digest && draft.before->known_tables[0][index] == digest
                              ? draft.before->tables[index]
                              : nullptr;
        if (held != nullptr && held->totals.unverified == 0 && held->totals.unanswered == 0 &&
            !has_lost(draft, index)) {
            set.tables[index] = held;
            continue;
        }
        auto table = std::make_shared<HeldTable>();
        table->slots.resize(Tree::digests_in(set.page_bits, {0, index}));
        if (places_.pool != nullptr)
            table->facts.resize(table->slots.size());
        if (held != nullptr &&
            std::ranges::all_of(held->slots, [](const Slot& slot) { return slot.digest.has_value(); })) {
            for (std::size_t i = 0; i < table->slots.size(); ++i)
                table->slots[i].digest = held->slots[i].digest;
        } else if (digest && *digest == empty_digest) {
            for (Slot& slot : table->slots)
                slot.digest = empty_digest;
        } else if (digest) {
            wanted.push_back({table_name(issuer_, set.id, set.page_bits, {0, index}), *digest});
            places.push_back(index);
        }
        draft.changed[index] = std::move(table);
    }
    const auto take = [&](std::size_t i, std::span<const Digest> digests) {
        HeldTable& table = *draft.changed[places[i]];
        for (std::size_t slot = 0; slot < table.slots.size(); ++slot)
            table.slots[slot].digest = digests[slot];
    };
    const auto count = [&](std::size_t i) { return draft.changed[places[i]]->slots.size(); };
    if (auto read = read_tables(wanted, count, take); !read)
        return read;
    for (std::uint32_t index = 0; index < draft.changed.size(); ++index) {
        if (draft.changed[index] != nullptr)
            settle_slots(drafts_.size() - 1, index);
    }
    return {};
}

const Slot* Pass::Draft::slot_before(std::uint32_t index) const noexcept {
    if (before != nullptr)
        return &before->slot(index);
    if (before_split == nullptr)
        return nullptr;
    // One page of before held what now lies on several; its records are found there all the same.
    return &before_split->slot(index >> (set.page_bits - unsigned{before_split->page_bits}));
}

bool Pass::has_lost(const Draft& draft, std::uint32_t table) const noexcept {
    return std::ranges::any_of(places_.anew, [&](const auto& lost) {
        const PageRef& page = lost.second;
        return page.set == draft.set.id && page.page_bits == draft.set.page_bits &&
               page.index / table_digests == table;
    });
}

// Whether the page held in this place has that digest. A stale one may be right again: the table above it did
// not verify for a while.
bool Pass::is_page(const Draft& draft, std::uint32_t index, const Slot& held, const Digest& digest) const {
    if (held.state == SlotState::present)
        return held.digest == digest;
    if (places_.pool != nullptr)
        return draft.before->facts(index).digest == digest;
    return draft.before != nullptr && crypto::sha256(held.page->page.bytes()) == digest;
}

// What of the slots is held already; the rest becomes wanted and meanwhile stays what it was, marked as such.
void Pass::settle_slots(std::size_t draft_at, std::uint32_t table_index) {
    Draft& draft = drafts_[draft_at];
    HeldTable& table = *draft.changed[table_index];
    for (std::size_t i = 0; i < table.slots.size(); ++i) {
        Slot& slot = table.slots[i];
        const auto index = static_cast<std::uint32_t>(first_child(table_index) + i);
        if (slot.digest && *slot.digest == empty_digest) {
            slot.state = SlotState::empty;
            continue;
        }
        // Where a pool holds the pages, what lay there before a split has no place in the own page file any
        // more.
        const Slot* before =
            places_.pool == nullptr || draft.before != nullptr ? draft.slot_before(index) : nullptr;
        const bool had_page =
            before != nullptr && before->has_page() &&
            (places_.anew.empty() || !places_.anew.contains(draft.before->facts(index).digest));
        if (had_page) {
            slot.page = before->page;
            slot.sequence = before->sequence;
            if (places_.pool != nullptr)
                table.facts[i] = draft.before->facts(index);
        }
        if (had_page && slot.digest && is_page(draft, index, *before, *slot.digest)) {
            slot.state = SlotState::present;
            continue;
        }
        slot.state = had_page ? SlotState::stale : SlotState::absent;
        if (slot.digest)
            wanted_pages_.push_back({draft_at, index});
    }
    table.count();
}

Status Pass::read_pages(std::size_t budget, std::size_t first, const std::function<Status()>& on_progress) {
    if (wanted_pages_.size() > budget) {
        std::ranges::rotate(
            wanted_pages_, wanted_pages_.begin() + static_cast<std::ptrdiff_t>(first % wanted_pages_.size()));
        wanted_pages_.resize(budget);
    }
    std::vector<Wanted> wanted;
    wanted.reserve(wanted_pages_.size());
    for (const WantedPage& page : wanted_pages_) {
        const Draft& draft = drafts_[page.draft];
        const Slot& slot = draft.changed[page.index / table_digests]->slots[page.index % table_digests];
        wanted.push_back({page_name(issuer_, draft.set.id, draft.set.page_bits, page.index), *slot.digest});
    }
    const auto take = [&](std::size_t i, Bytes bytes) {
        return take_page(wanted_pages_[i], wanted[i], std::move(bytes));
    };
    const std::uint64_t accepted_before = blobs_.accepted();
    std::uint64_t shown_at = limits::progress_pages;
    return blobs_.read(wanted, limits::page_octets, take, [&]() -> Status {
        const std::uint64_t accepted = blobs_.accepted() - accepted_before;
        if (!on_progress || accepted < shown_at)
            return {};
        shown_at = accepted + std::max(limits::progress_pages, accepted / limits::progress_share);
        return on_progress();
    });
}

Result<HeldPage> hold_page(
    Bytes bytes, SetId set, unsigned page_bits, std::uint32_t index,
    const std::function<Result<ProfileTablePtr>(const std::vector<Digest>&)>& resolve) {
    auto page = Page::parse(std::move(bytes));
    if (!page)
        return tl::unexpected(page.error());
    const PageHeader& header = page->header();
    if (header.set != set || header.page_bits != page_bits || header.index != index)
        return fail(fmt::format("page: it says it is page {} of {} ({} bits)", header.index,
                                to_string(header.set), header.page_bits));
    auto profiles = resolve(header.profiles);
    if (!profiles)
        return tl::unexpected(profiles.error());
    for (std::size_t i = 0; i < header.profiles.size(); ++i) {
        if ((**profiles)[i]->answer.cert_id_hash != set.hash)
            return fail("page: a profile of it is of another CertID hash");
    }
    return HeldPage{std::move(*page), std::move(*profiles)};
}

Status Pass::take_page(const WantedPage& wanted, const Wanted& blob, Bytes bytes) {
    if (!kept_)
        return fail("was not read: the one before could not be kept");
    const HeldSet& set = drafts_[wanted.draft].set;
    auto page = hold_page(std::move(bytes), set.id, set.page_bits, wanted.index,
                          [this](const std::vector<Digest>& named) { return resolve(named); });
    if (!page)
        return tl::unexpected(page.error());
    HeldTable& table = *drafts_[wanted.draft].changed[wanted.index / table_digests];
    Slot& slot = table.slots[wanted.index % table_digests];
    slot.sequence = page->page.header().sequence;
    if (places_.pool == nullptr) {
        slot.page = std::make_shared<const StoredPage>(std::move(*page));
    } else {
        if (places_.keep)
            kept_ = places_.keep(blob.name, page->page.bytes());
        if (!kept_)
            return kept_;
        PageFacts& facts = table.facts[wanted.index % table_digests];
        // Who was asked for stays in memory in its new version.
        const bool asked_for = slot.state == SlotState::stale && places_.pool->has(facts.digest);
        facts = PageFacts{page->page, blob.digest};
        places_.pool->put(blob.digest, std::move(*page),
                          asked_for ? PagePool::Room::at_once : PagePool::Room::spare);
    }
    slot.state = SlotState::present;
    return {};
}

// The rule at the head of held.h, for whole pages.
void Pass::mark_answered(const Draft& draft, std::size_t table, HeldTable& slots,
                         const HeldState& now) const {
    // A set of this hash that is gone, or was joined to fewer pages, may have answered for a serial later
    // than another life's page that is stale does.
    const bool lost = std::ranges::any_of(before_.sets, [&](const HeldSet& held) {
        const auto still = std::ranges::find(now.head.sets, held.id, &Head::Set::id);
        return held.id.hash == draft.set.id.hash &&
               (still == now.head.sets.end() || still->page_bits < held.page_bits);
    });
    for (std::size_t i = 0; i < slots.slots.size(); ++i) {
        Slot& slot = slots.slots[i];
        const Slot* before =
            draft.slot_before(static_cast<std::uint32_t>(first_child(static_cast<std::uint32_t>(table)) + i));
        const bool known = slot.verified() && slot.sequence >= now.newest_missing;
        const bool carried = before != nullptr && before->answered && !(lost && !slot.verified());
        slot.answered = known || carried;
    }
}

std::shared_ptr<HeldState> Pass::state() const {
    auto state = std::make_shared<HeldState>();
    state->head = head_;
    state->head_bytes = head_bytes_;
    state->pool = places_.pool;
    state->lost = places_.lost;
    state->profiles = profiles_;
    state->profile_tables = profile_tables_;
    state->profiles_complete = profiles_complete_;
    state->patches = patches_;
    state->patches_complete = std::ranges::find(patches_, nullptr) == patches_.end();
    for (std::size_t i = 0; i < patches_.size(); ++i) {
        if (patches_[i] == nullptr)
            state->newest_missing = std::max(state->newest_missing, head_.patches[i].sequence);
    }
    for (const Draft& draft : drafts_) {
        HeldSet& set = state->sets.emplace_back(draft.set);
        for (std::size_t i = 0; i < set.tables.size(); ++i) {
            if (draft.changed[i] == nullptr)
                continue;
            // A copy: the draft goes on changing.
            auto table = std::make_shared<HeldTable>(*draft.changed[i]);
            mark_answered(draft, i, *table, *state);
            table->count();
            set.tables[i] = std::move(table);
        }
    }
    state->crls = before_.crls;
    state->crls_complete = head_.crls.empty();  // the folder says more
    state->finish(before_);
    return state;
}

}  // namespace eightbells::cache
