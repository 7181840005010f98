#include "cache/kept.h"

#include <algorithm>
#include <set>

#include "cache/limits.h"

namespace eightbells::cache {

namespace {

// Writes until the first failure and remembers it, so that the steps read as a list.
class Writing {
  public:
    Writing(PageFile::Change& change, const std::string& issuer) : change_(change), issuer_(issuer) {}

    void put(const std::string& name, ByteView bytes) {
        if (status_)
            status_ = change_.put(name, bytes);
    }
    void erase(const std::string& name) {
        if (status_)
            status_ = change_.erase(name);
    }
    const std::string& issuer() const noexcept { return issuer_; }
    const Status& status() const noexcept { return status_; }

  private:
    PageFile::Change& change_;
    const std::string& issuer_;
    Status status_;
};

void keep_profiles(Writing& out, const HeldState& saved, const HeldState& now) {
    for (const auto& [digest, profile] : now.profiles) {
        if (!saved.profiles.contains(digest))
            out.put(profile_name(out.issuer(), digest), profile->bytes);
    }
    for (const auto& [digest, profile] : saved.profiles) {
        if (!std::ranges::binary_search(now.head.profiles, digest))
            out.erase(profile_name(out.issuer(), digest));
    }
}

void keep_patches(Writing& out, const HeldState& saved, const HeldState& now) {
    std::set<std::uint64_t> listed;
    for (const Head::PatchRef& reference : now.head.patches)
        listed.insert(reference.sequence);
    for (const Head::PatchRef& reference : saved.head.patches) {
        if (!listed.contains(reference.sequence))
            out.erase(patch_name(out.issuer(), reference.sequence));
    }
    std::set<Digest> saved_digests;
    for (const auto& patch : saved.patches) {
        if (patch != nullptr)
            saved_digests.insert(patch->digest);
    }
    for (const auto& patch : now.patches) {
        if (patch != nullptr && !saved_digests.contains(patch->digest))
            out.put(patch_name(out.issuer(), patch->patch.sequence()), patch->patch.bytes());
    }
}

// The digests in a table; nothing where the table did not verify.
std::optional<std::vector<Digest>> digests_in(const HeldSet& set, TableId id) {
    std::vector<Digest> digests;
    const auto add = [&](const std::optional<Digest>& digest) {
        if (digest)
            digests.push_back(*digest);
        return digest.has_value();
    };
    if (id.level == 0) {
        for (const Slot& slot : set.tables[id.index]->slots) {
            if (!add(slot.digest))
                return std::nullopt;
        }
        return digests;
    }
    const auto& children = set.known_tables[id.level - 1u];
    const std::size_t first = std::size_t{id.index} * table_digests;
    for (std::size_t i = 0; i < Tree::digests_in(set.page_bits, id); ++i) {
        if (!add(children[first + i]))
            return std::nullopt;
    }
    return digests;
}

void keep_tables(Writing& out, const HeldSet* saved, const HeldSet& now) {
    for (std::size_t level = 0; level < now.known_tables.size(); ++level) {
        for (std::uint32_t index = 0; index < now.known_tables[level].size(); ++index) {
            const TableId id{static_cast<std::uint8_t>(level), index};
            const std::optional<Digest>& digest = now.known_tables[level][index];
            if (!digest)
                continue;
            const bool same = saved != nullptr && saved->known_tables[level][index] == digest;
            // What is shared was whole; looking into each of a thousand tables would take longer than all the
            // rest.
            if (same && ((level == 0 && saved->tables[index] == now.tables[index]) ||
                         digests_in(*saved, id).has_value()))
                continue;
            const std::string name = table_name(out.issuer(), now.id, now.page_bits, id);
            if (*digest == empty_digest)
                out.erase(name);
            else if (const auto digests = digests_in(now, id))
                out.put(name, encode_table(*digests));
        }
    }
}

// Whether the page has to be written.
bool is_new(const Slot& slot, const Slot* before) {
    const bool there =
        before != nullptr && before->state == SlotState::present && before->digest == slot.digest;
    return slot.state == SlotState::present && !there && slot.page != nullptr;
}

// How many pages that were.
std::size_t keep_page_table(Writing& out, const HeldSet* saved, const HeldSet& now, std::size_t t) {
    std::size_t written = 0;
    for (std::size_t i = 0; i < now.tables[t]->slots.size(); ++i) {
        const Slot& slot = now.tables[t]->slots[i];
        const Slot* before = saved != nullptr ? &saved->tables[t]->slots[i] : nullptr;
        const auto index = static_cast<std::uint32_t>(t * table_digests + i);
        if (is_new(slot, before)) {
            out.put(page_name(out.issuer(), now.id, now.page_bits, index), slot.page->page.bytes());
            ++written;
        } else if (slot.state == SlotState::empty && before != nullptr && before->state != SlotState::empty) {
            out.erase(page_name(out.issuer(), now.id, now.page_bits, index));
        }
    }
    return written;
}

void keep_pages(Writing& out, const HeldSet* saved, const HeldSet& now) {
    for (std::size_t t = 0; t < now.tables.size(); ++t) {
        if (saved == nullptr || saved->tables[t] != now.tables[t])
            keep_page_table(out, saved, now, t);
    }
}

void erase_set(Writing& out, const HeldSet& gone) {
    for (std::size_t level = 0; level < gone.known_tables.size(); ++level) {
        for (std::uint32_t index = 0; index < gone.known_tables[level].size(); ++index) {
            if (gone.known_tables[level][index] != empty_digest)
                out.erase(table_name(out.issuer(), gone.id, gone.page_bits,
                                     {static_cast<std::uint8_t>(level), index}));
        }
    }
    for (std::uint32_t index = 0; index < (std::uint32_t{1} << gone.page_bits); ++index) {
        if (gone.slot(index).state != SlotState::empty)
            out.erase(page_name(out.issuer(), gone.id, gone.page_bits, index));
    }
}

}  // namespace

Status keep(PageFile::Change change, const std::string& issuer, const HeldState& saved,
            const HeldState& now) {
    Writing out{change, issuer};
    keep_profiles(out, saved, now);
    keep_patches(out, saved, now);
    for (const HeldSet& set : now.sets) {
        const HeldSet* before = saved.set(set.id);
        if (before != nullptr && before->page_bits != set.page_bits)
            before = nullptr;
        keep_tables(out, before, set);
        keep_pages(out, before, set);
    }
    for (const HeldSet& gone : saved.sets) {
        const HeldSet* after = now.set(gone.id);
        if (after == nullptr || after->page_bits != gone.page_bits)
            erase_set(out, gone);
    }
    out.put(head_name(issuer), now.head_bytes);
    if (!out.status())
        return out.status();
    if (auto raised = change.raise_floor(issuer, now.head.version); !raised)
        return raised;
    return change.commit();
}

Filling::Filling(const HeldState& first) {
    for (const HeldSet& set : first.sets) {
        HeldSet& blank = held_.sets.emplace_back();
        blank.id = set.id;
        blank.page_bits = set.page_bits;
        for (const auto& level : set.known_tables)
            blank.known_tables.emplace_back(level.size());
        for (const auto& table : set.tables) {
            if (blank.tables.empty() || blank.tables.back()->slots.size() != table->slots.size()) {
                auto slots = std::make_shared<HeldTable>();
                slots->slots.resize(table->slots.size());
                blank.tables.push_back(std::move(slots));
            } else {
                blank.tables.push_back(blank.tables.back());
            }
        }
    }
    for (const HeldSet& set : held_.sets)
        held_.by_hash[static_cast<std::size_t>(set.id.hash)][static_cast<std::size_t>(set.id.life)] = &set;
}

bool Filling::has_pieces(const HeldState& now) const {
    std::size_t missing = 0;
    for (const HeldSet& set : held_.sets) {
        const HeldSet* wanted = now.set(set.id);
        if (wanted == nullptr || wanted->page_bits != set.page_bits)
            return false;  // another shape: what was written is of no use
        for (std::size_t t = 0; t < set.tables.size() && missing <= limits::kept_pages; ++t) {
            if (set.tables[t] == wanted->tables[t])
                continue;
            for (std::size_t i = 0; i < set.tables[t]->slots.size(); ++i)
                missing += is_new(wanted->tables[t]->slots[i], &set.tables[t]->slots[i]) ? 1 : 0;
        }
    }
    return missing > limits::kept_pages;
}

Status Filling::keep_piece(PageFile::Change change, const std::string& issuer, const HeldState& now) {
    Writing out{change, issuer};
    std::vector<std::pair<HeldSet*, std::size_t>> written;
    std::size_t pages = 0;
    for (HeldSet& set : held_.sets) {
        const HeldSet& wanted = *now.set(set.id);
        for (std::size_t t = 0; t < set.tables.size() && pages < limits::kept_pages; ++t) {
            if (set.tables[t] == wanted.tables[t])
                continue;
            pages += keep_page_table(out, &set, wanted, t);
            written.emplace_back(&set, t);
        }
    }
    if (!out.status())
        return out.status();
    if (auto committed = change.commit(); !committed)
        return committed;
    for (const auto& [set, t] : written)
        set->tables[t] = now.set(set->id)->tables[t];
    return {};
}

}  // namespace eightbells::cache
