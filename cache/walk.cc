#include "cache/walk.h"

#include <fmt/format.h>

#include <algorithm>

#include "cache/fold.h"
#include "cache/profile.h"

namespace eightbells::cache {

Walk::Walk(Store& store, std::string issuer, std::vector<StorePublicKey> trusted)
    : store_(store), issuer_(std::move(issuer)), trusted_(std::move(trusted)) {}

Result<std::optional<Bytes>> Walk::fetch_one(const std::string& name) {
    auto fetched = store_.fetch(std::span{&name, 1});
    if (!fetched)
        return fail(name, fetched.error());
    return std::move(fetched->front());
}

Result<Bytes> Walk::fetch_checked(const std::string& name, const Digest& digest) {
    auto bytes = fetch_one(name);
    if (!bytes)
        return tl::unexpected<Error>(bytes.error());
    if (!*bytes)
        return fail(name + ": missing");
    if (crypto::sha256(**bytes) != digest)
        return fail(name + ": its digest is not the one that the head vouches for");
    return std::move(**bytes);
}

Result<Head> Walk::head() {
    kept_.clear();
    const std::string name = head_name(issuer_);
    auto bytes = fetch_one(name);
    if (!bytes)
        return tl::unexpected<Error>(bytes.error());
    if (!*bytes)
        return fail(name + ": missing: nothing is published for this issuer");
    auto head = parse_head(**bytes, trusted_);
    if (!head)
        return fail(name, head.error());
    if (head->issuer != issuer_)
        return fail(name + ": it is another issuer's head");
    return head;
}

Result<const std::vector<Digest>*> Walk::table(const Head::Set& set, TableId id) {
    const unsigned levels = Tree::levels(set.page_bits);
    if (kept_.size() < levels)
        kept_.resize(levels);
    auto& kept = kept_[id.level];
    if (!kept.digests.empty() && kept.root == set.root && kept.set == set.id && kept.id == id)
        return &kept.digests;
    Digest expected = set.root;
    if (id.level + 1U < levels) {
        auto above = table(set, {static_cast<std::uint8_t>(id.level + 1),
                                 static_cast<std::uint32_t>(id.index / table_digests)});
        if (!above)
            return above;
        expected = *above == nullptr ? empty_digest : (**above)[id.index % table_digests];
    }
    if (expected == empty_digest)
        return nullptr;  // nothing below it
    const std::string name = table_name(issuer_, set.id, set.page_bits, id);
    auto bytes = fetch_checked(name, expected);
    if (!bytes)
        return tl::unexpected<Error>(bytes.error());
    auto digests = parse_table(*bytes, Tree::digests_in(set.page_bits, id));
    if (!digests)
        return fail(name, digests.error());
    kept = {set.root, set.id, id, std::move(*digests)};
    return &kept.digests;
}

Result<std::optional<Page>> Walk::page(const Head::Set& set, std::uint32_t index) {
    auto digests = table(set, {0, static_cast<std::uint32_t>(index / table_digests)});
    if (!digests)
        return tl::unexpected<Error>(digests.error());
    const Digest digest = *digests == nullptr ? empty_digest : (**digests)[index % table_digests];
    if (digest == empty_digest)
        return std::nullopt;
    const std::string name = page_name(issuer_, set.id, set.page_bits, index);
    auto bytes = fetch_checked(name, digest);
    if (!bytes)
        return tl::unexpected<Error>(bytes.error());
    auto page = Page::parse(std::move(*bytes));
    if (!page)
        return fail(name, page.error());
    const auto& header = page->header();
    if (header.set != set.id || header.page_bits != set.page_bits || header.index != index) {
        return fail(name + ": the page says that it stands elsewhere");
    }
    return std::optional<Page>{std::move(*page)};
}

Result<Patch> Walk::patch(const Head::PatchRef& reference) {
    const std::string name = patch_name(issuer_, reference.sequence);
    auto bytes = fetch_checked(name, reference.digest);
    if (!bytes)
        return tl::unexpected<Error>(bytes.error());
    auto patch = Patch::parse(std::move(*bytes));
    if (!patch)
        return fail(name, patch.error());
    if (patch->sequence() != reference.sequence)
        return fail(name + ": the patch says another sequence");
    return patch;
}

Result<ocsp::AnswerProfile> Walk::profile(const Digest& digest) {
    const std::string name = profile_name(issuer_, digest);
    auto bytes = fetch_checked(name, digest);
    if (!bytes)
        return tl::unexpected<Error>(bytes.error());
    auto profile = parse_profile(*bytes);
    if (!profile)
        return fail(name, profile.error());
    return profile;
}

Result<Bytes> Walk::crl(const Head::CrlRef& reference) {
    Bytes der;
    for (std::uint32_t piece = 0; der.size() < reference.size; ++piece) {
        const std::string name = crl_piece_name(issuer_, reference.digest, piece);
        auto bytes = fetch_one(name);
        if (!bytes)
            return tl::unexpected<Error>(bytes.error());
        if (!*bytes || (*bytes)->empty())
            return fail(name + ": missing");
        der.insert(der.end(), (*bytes)->begin(), (*bytes)->end());
    }
    if (crypto::sha256(der) != reference.digest) {
        return fail(
            fmt::format("CRL {}: its digest is not the one that the head vouches for", reference.path));
    }
    return der;
}

Result<std::optional<Walk::Found>> Walk::find(const Head& head, ocsp::HashAlgorithm hash, ByteView serial) {
    crypto::Sha256 sha256;
    const std::uint64_t serial_hash = crypto::serial_hash(sha256, serial);
    std::optional<Found> best;
    const auto take = [&](std::string place, std::uint64_t sequence, ByteView blob,
                          const Digest& profile_digest, const Record& record) -> Status {
        auto profile = this->profile(profile_digest);
        if (!profile)
            return tl::unexpected<Error>(profile.error());
        // The record's views are moved along with the bytes that they point into.
        Found found{std::move(place), sequence, Bytes(blob.begin(), blob.end()), record, std::move(*profile)};
        const auto moved = [&](ByteView view) {
            return view.empty() ? ByteView{}
                                : ByteView{found.blob.data() + (view.data() - blob.data()), view.size()};
        };
        found.record.serial = moved(record.serial);
        found.record.signature = moved(record.signature);
        found.record.extensions = moved(record.extensions);
        best = std::move(found);
        return {};
    };
    for (const auto& set : head.sets) {
        if (set.id.hash != hash)
            continue;
        auto page = this->page(set, page_index(serial_hash, set.page_bits));
        if (!page)
            return tl::unexpected<Error>(page.error());
        const auto record = *page ? (*page)->find(serial) : std::nullopt;
        if (!record || (best && best->sequence >= (*page)->header().sequence))
            continue;
        const auto& header = (*page)->header();
        auto taken = take(page_name(issuer_, set.id, set.page_bits, header.index), header.sequence,
                          (*page)->bytes(), header.profiles[record->profile], *record);
        if (!taken)
            return tl::unexpected<Error>(taken.error());
    }
    for (const auto& reference : head.patches) {
        if (best && !counts_over(reference.sequence, best->sequence))
            continue;
        auto patch = this->patch(reference);
        if (!patch)
            return tl::unexpected<Error>(patch.error());
        for (const auto& entry : patch->records()) {
            if (entry.set.hash != hash || !equal(entry.record.serial, serial))
                continue;
            auto taken = take(patch_name(issuer_, reference.sequence), reference.sequence, patch->bytes(),
                              patch->profiles()[entry.record.profile], entry.record);
            if (!taken)
                return tl::unexpected<Error>(taken.error());
        }
    }
    return best;
}

}  // namespace eightbells::cache
