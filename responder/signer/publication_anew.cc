#include <algorithm>

#include "responder/base/limits.h"
#include "responder/signer/limits.h"
#include "responder/signer/publication.h"

// Signing everything anew beside what is published.
namespace eightbells::signer {

using cache::empty_digest;

Status Publication::begin_anew(unsigned page_bits) {
    // Other names than those of the pages that the head names: they stay readable until the new head is
    // there.
    if (published_ && page_bits == shape_.page_bits)
        page_bits = page_bits < limits::page_bits ? page_bits + 1 : page_bits - 1;
    if (auto cleared = clear_names(page_bits); !cleared)
        return cleared;
    anew_ = true;
    coming_.emplace();
    coming_->page_bits = page_bits;
    coming_->facts.assign(std::size_t{1} << page_bits, Facts{});
    for (const auto& profile : identity_->profiles)
        coming_->sets.push_back({{profile.hash, cache::Life::live}, cache::Tree{page_bits}});
    // What was made due comes with the new pages.
    for (auto& facts : shape_.facts)
        facts.wanted = false;
    return {};
}

std::vector<std::uint32_t> Publication::missing(std::size_t at_most) const {
    std::vector<std::uint32_t> indices;
    for (std::uint32_t index = 0; coming_ && index < coming_->facts.size() && indices.size() < at_most;
         ++index) {
        if (coming_->facts[index].signed_at == 0)
            indices.push_back(index);
    }
    return indices;
}

Status Publication::publish_coming(std::vector<Press::SignedPage> signed_pages, std::uint64_t sequence,
                                   const AnswerTimes& times) {
    if (auto usable = refuse_while_stale(); !usable)
        return usable;
    cache::Batch batch;
    lay(*coming_, signed_pages, sequence, times, batch);
    if (std::ranges::any_of(coming_->facts, [](const Facts& facts) { return facts.signed_at == 0; })) {
        // No head over them yet: it would state that the pages not signed so far are empty. A patch that is
        // published meanwhile must count over them: the sequence is used up.
        batch.issuer = issuer_;
        if (auto stored = pages_.publish(batch); !stored) {
            stale_ = true;
            return stored;
        }
        version_.sequence = sequence;
        return {};
    }
    take_place(batch);
    prune_patches(batch);
    return commit(std::move(batch), sequence, times.produced_at, Says::part);
}

// The coming pages become the published ones with the next head, and what was published goes after it.
void Publication::take_place(cache::Batch& batch) {
    if (published_)
        erase_pages(shape_, batch);
    // All that a lost patch may have said is in the ledger, from which every coming page was signed.
    std::erase_if(patches_, [&](const LaidPatch& patch) {
        if (patch.lost)
            batch.erase.push_back(cache::patch_name(issuer_, patch.sequence));
        return patch.lost;
    });
    shape_ = std::move(*coming_);
    coming_.reset();
    published_ = true;
    anew_ = false;
}

void Publication::erase_pages(const Shape& shape, cache::Batch& batch) const {
    const auto erase_set = [&](cache::SetId id, unsigned bits, const cache::Tree& tree, bool known) {
        for (std::uint32_t index = 0; index >> bits == 0; ++index) {
            if (!known || tree.page(index) != empty_digest)
                batch.erase.push_back(cache::page_name(issuer_, id, bits, index));
        }
        for (unsigned level = 0; level < cache::Tree::levels(bits); ++level) {
            for (std::uint32_t index = 0; index < cache::Tree::tables_in(bits, level); ++index) {
                batch.erase.push_back(
                    cache::table_name(issuer_, id, bits, {static_cast<std::uint8_t>(level), index}));
            }
        }
    };
    for (const auto& set : shape.sets)
        erase_set(set.id, shape.page_bits, set.tree, true);
    for (const auto& root : shape.roots)
        erase_set(root.id, root.page_bits, cache::Tree{root.page_bits}, false);
}

// What an earlier signing that was broken off has left under the names of the coming pages.
Status Publication::clear_names(unsigned page_bits) {
    cache::Batch batch;
    batch.issuer = issuer_;
    Shape left;
    for (const auto& profile : identity_->profiles) {
        left.roots = {{{profile.hash, cache::Life::live}, static_cast<std::uint8_t>(page_bits), {}}};
        erase_pages(left, batch);
    }
    return pages_.publish(batch);
}

}  // namespace eightbells::signer
