#include "cache/copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "cache/limits.h"

namespace eightbells::cache {

namespace {

// A table in both stores. The empty digest: the head says that there is nothing.
struct Node {
    TableId id;
    Digest source{};
    std::optional<Digest> target;  // what the target's verified head says; nullopt: nothing is known
};

// A blob to be copied unless the target has it.
struct Blob {
    std::string name;
    Digest digest{};
};

class Copy {
  public:
    Copy(Store& from, Store& to, const std::string& issuer, std::span<const StorePublicKey> trusted,
         CopyDepth depth, Meanwhile* meanwhile)
        : from_(from),
          to_(to),
          issuer_(issuer),
          trusted_(trusted),
          everything_(depth == CopyDepth::everything),
          meanwhile_(meanwhile) {
        batch_.issuer = issuer;
    }

    // One attempt. `moved_on` tells that a blob of the source was not what its head says.
    Status run();
    bool moved_on() const noexcept { return moved_on_; }
    const Bytes& source_head() const noexcept { return source_bytes_; }
    const CopyReport& report() const noexcept { return report_; }

  private:
    Status read_heads();
    Status copy_set(const Head::Set& source, const Head::Set* target);
    Status copy_level(const Head::Set& set, std::span<const Node> nodes, std::vector<Node>& below);
    Status compare(const Head::Set& set, const Node& node, std::optional<Bytes> source,
                   std::optional<Bytes> target, std::vector<Node>& below, std::vector<Blob>& pages);
    Status copy_blobs(std::span<const Blob> blobs, std::size_t max_octets, bool read_back);
    Status copy_patches();
    Status copy_profiles();
    Status copy_crl(const Head::CrlRef& reference);
    void erase_crl(const Head::CrlRef& reference);

    Result<std::vector<std::optional<Bytes>>> fetch(Store& store, std::span<const std::string> names);
    Status put(std::string name, Bytes bytes);
    void erase(std::string name) { batch_.erase.push_back(std::move(name)); }
    Status flush();
    bool has_turns() const noexcept { return meanwhile_ != nullptr && same_head_; }
    Status turn();
    tl::unexpected<Error> wrong_source(const std::string& name) {
        moved_on_ = true;
        return fail(fmt::format("{}: {}: missing, or not what the head answers for", from_.name(), name));
    }

    Store& from_;
    Store& to_;
    const std::string& issuer_;
    std::span<const StorePublicKey> trusted_;
    const bool everything_;
    Meanwhile* const meanwhile_;

    Bytes source_bytes_;
    Head source_;
    bool same_head_ = false;
    Head target_;  // empty where the target has no head that verifies
    Batch batch_;
    std::size_t batch_octets_ = 0;
    CopyReport report_;
    bool moved_on_ = false;
    crypto::Sha256 sha256_;
};

Result<std::vector<std::optional<Bytes>>> Copy::fetch(Store& store, std::span<const std::string> names) {
    auto blobs = store.fetch(names);
    if (blobs && blobs->size() != names.size())
        return fail(fmt::format("{}: {} blobs for {} names", store.name(), blobs->size(), names.size()));
    return blobs;
}

Status Copy::put(std::string name, Bytes bytes) {
    if (has_turns() && meanwhile_->touched(name))
        return {};
    ++report_.copied;
    report_.octets += bytes.size();
    batch_octets_ += bytes.size();
    batch_.put.emplace_back(std::move(name), std::move(bytes));
    return batch_octets_ < limits::copy_octets ? Status{} : flush();
}

// Parts beforehand, without the head; what they replace may belong to the target's present head, which its
// readers bear (cache/replica.h).
Status Copy::flush() {
    if (batch_.put.empty())
        return {};
    const Batch part{issuer_, std::exchange(batch_.put, {}), {}, {}};
    batch_octets_ = 0;
    return to_.publish(part);
}

// Nothing of ours may wait: it would then be written over what is newer.
Status Copy::turn() {
    if (!has_turns())
        return {};
    if (auto flushed = flush(); !flushed)
        return flushed;
    return meanwhile_->turn();
}

Status Copy::read_heads() {
    const std::string name = head_name(issuer_);
    auto source = fetch(from_, {&name, 1});
    if (!source)
        return tl::unexpected(source.error());
    if (!source->front())
        return {};
    source_bytes_ = std::move(*source->front());
    auto head = parse_head(source_bytes_, trusted_);
    if (!head)
        return fail(fmt::format("{}: {}", from_.name(), name), head.error());
    if (head->issuer != issuer_)
        return fail(fmt::format("{}: {}: it is another issuer's head", from_.name(), name));
    source_ = std::move(*head);

    auto target = fetch(to_, {&name, 1});
    if (!target)
        return tl::unexpected(target.error());
    const std::optional<Bytes>& target_bytes = target->front();
    if (!target_bytes)
        return {};
    same_head_ = *target_bytes == source_bytes_;
    auto parsed = parse_head(*target_bytes, trusted_);
    if (!parsed || parsed->issuer != issuer_)
        return {};  // garbage, or a stranger's: it will be written over
    if (parsed->version > source_.version) {
        return fail(
            fmt::format("{}: its head has version {}.{}, newer than {}.{} here: another signer publishes "
                        "there, or this one was restored and needs a higher epoch",
                        to_.name(), parsed->version.epoch, parsed->version.sequence, source_.version.epoch,
                        source_.version.sequence));
    }
    target_ = std::move(*parsed);
    return {};
}

Status Copy::run() {
    if (auto read = read_heads(); !read)
        return read;
    if (source_bytes_.empty() || (same_head_ && !everything_))
        return {};
    if (auto copied = copy_profiles(); !copied)
        return copied;
    for (const Head::Set& set : source_.sets) {
        const auto target = std::ranges::find_if(target_.sets, [&](const Head::Set& other) {
            return other.id == set.id && other.page_bits == set.page_bits;
        });
        if (auto copied = copy_set(set, target == target_.sets.end() ? nullptr : &*target); !copied)
            return copied;
    }
    if (auto copied = copy_patches(); !copied)
        return copied;
    for (const Head::CrlRef& reference : source_.crls) {
        if (auto copied = copy_crl(reference); !copied)
            return copied;
    }
    // What only the target's older head names: whole sets, and CRLs.
    for (const Head::Set& gone : target_.sets) {
        const bool stays = std::ranges::any_of(source_.sets, [&](const Head::Set& set) {
            return set.id == gone.id && set.page_bits == gone.page_bits;
        });
        if (stays)
            continue;
        if (auto erased = copy_set({gone.id, gone.page_bits, empty_digest}, &gone); !erased)
            return erased;
    }
    for (const Head::CrlRef& gone : target_.crls) {
        if (std::ranges::find(source_.crls, gone.digest, &Head::CrlRef::digest) == source_.crls.end())
            erase_crl(gone);
    }
    if (same_head_ && report_.copied == 0 && batch_.erase.empty())
        return {};
    if (auto flushed = flush(); !flushed)
        return flushed;
    if (has_turns()) {
        std::erase_if(batch_.erase, [this](const std::string& name) { return meanwhile_->touched(name); });
    } else {
        batch_.head = source_bytes_;
        report_.head = true;
    }
    report_.erased = batch_.erase.size();
    return to_.publish(batch_);
}

Status Copy::copy_profiles() {
    std::vector<Blob> blobs;
    for (const Digest& digest : source_.profiles) {
        if (everything_ || !std::ranges::binary_search(target_.profiles, digest))
            blobs.push_back({profile_name(issuer_, digest), digest});
    }
    for (const Digest& digest : target_.profiles) {
        if (!std::ranges::binary_search(source_.profiles, digest))
            erase(profile_name(issuer_, digest));
    }
    return copy_blobs(blobs, limits::profile_octets, everything_);
}

Status Copy::copy_patches() {
    std::vector<Blob> blobs;
    for (const Head::PatchRef& reference : source_.patches) {
        if (everything_ || std::ranges::find(target_.patches, reference) == target_.patches.end())
            blobs.push_back({patch_name(issuer_, reference.sequence), reference.digest});
    }
    for (const Head::PatchRef& reference : target_.patches) {
        if (std::ranges::find(source_.patches, reference.sequence, &Head::PatchRef::sequence) ==
            source_.patches.end())
            erase(patch_name(issuer_, reference.sequence));
    }
    return copy_blobs(blobs, limits::patch_octets, everything_);
}

// `read_back`: asks the target first.
Status Copy::copy_blobs(std::span<const Blob> blobs, std::size_t max_octets, bool read_back) {
    const std::size_t batch =
        std::clamp<std::size_t>(limits::fetch_octets / max_octets, 1, limits::fetch_names);
    for (std::size_t begin = 0; begin < blobs.size(); begin += batch) {
        std::vector<std::string> names;
        for (const Blob& blob : blobs.subspan(begin, std::min(batch, blobs.size() - begin)))
            names.push_back(blob.name);
        if (auto turned = turn(); !turned)
            return turned;
        auto sources = fetch(from_, names);
        if (!sources)
            return tl::unexpected(sources.error());
        std::vector<std::optional<Bytes>> targets(names.size());
        if (read_back) {
            auto fetched = fetch(to_, names);
            if (!fetched)
                return tl::unexpected(fetched.error());
            targets = std::move(*fetched);
        }
        for (std::size_t i = 0; i < names.size(); ++i) {
            std::optional<Bytes>& source = (*sources)[i];
            if (!source || sha256_.of(*source) != blobs[begin + i].digest)
                return wrong_source(names[i]);
            if (targets[i] == source)
                continue;
            if (auto copied = put(names[i], std::move(*source)); !copied)
                return copied;
        }
    }
    return {};
}

Status Copy::copy_set(const Head::Set& source, const Head::Set* target) {
    const auto top = static_cast<std::uint8_t>(Tree::levels(source.page_bits) - 1);
    std::vector<Node> nodes{
        {{top, 0}, source.root, target != nullptr ? std::optional{target->root} : std::nullopt}};
    while (!nodes.empty()) {
        std::vector<Node> below;
        for (std::size_t begin = 0; begin < nodes.size(); begin += limits::fetch_names) {
            const auto part = std::span<const Node>(nodes).subspan(
                begin, std::min(limits::fetch_names, nodes.size() - begin));
            if (auto copied = copy_level(source, part, below); !copied)
                return copied;
        }
        nodes = std::move(below);
    }
    return {};
}

Status Copy::copy_level(const Head::Set& set, std::span<const Node> nodes, std::vector<Node>& below) {
    std::vector<std::string> names;
    for (const Node& node : nodes)
        names.push_back(table_name(issuer_, set.id, set.page_bits, node.id));
    auto sources = fetch(from_, names);
    if (!sources)
        return tl::unexpected(sources.error());
    auto targets = fetch(to_, names);
    if (!targets)
        return tl::unexpected(targets.error());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        std::vector<Blob> pages;
        if (auto compared =
                compare(set, nodes[i], std::move((*sources)[i]), std::move((*targets)[i]), below, pages);
            !compared)
            return compared;
        if (auto copied = copy_blobs(pages, limits::page_octets, everything_); !copied)
            return copied;
    }
    return {};
}

// A table of the target tells what lies below it only where the target's own head answers for it: one that
// was put there by a publication which then broke off may stand above pages that never came.
Status Copy::compare(const Head::Set& set, const Node& node, std::optional<Bytes> source,
                     std::optional<Bytes> target, std::vector<Node>& below, std::vector<Blob>& pages) {
    const std::string name = table_name(issuer_, set.id, set.page_bits, node.id);
    const std::size_t count = Tree::digests_in(set.page_bits, node.id);
    const bool empty = node.source == empty_digest;
    if (!empty && (!source || sha256_.of(*source) != node.source))
        return wrong_source(name);
    const bool target_empty = node.target == empty_digest;
    const bool target_whole = target && node.target && sha256_.of(*target) == *node.target;
    if (!everything_ && node.target == node.source && (target_whole || target_empty))
        return {};

    std::vector<Digest> ours(count);
    if (!empty) {
        auto parsed = parse_table(*source, count);
        if (!parsed)
            return wrong_source(name);
        ours = std::move(*parsed);
    }
    std::vector<std::optional<Digest>> theirs(count);
    if (target_empty) {
        std::ranges::fill(theirs, empty_digest);
    } else if (target_whole) {
        if (auto parsed = parse_table(*target, count))
            std::ranges::copy(*parsed, theirs.begin());
    }
    if (empty) {
        if (target)
            erase(name);
    } else if (target != source) {
        if (auto copied = put(name, std::move(*source)); !copied)
            return copied;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto child = static_cast<std::uint32_t>(node.id.index * table_digests + i);
        const bool ours_empty = ours[i] == empty_digest;
        if (ours_empty && (!theirs[i] || *theirs[i] == empty_digest))
            continue;
        if (node.id.level > 0)
            below.push_back({{static_cast<std::uint8_t>(node.id.level - 1), child}, ours[i], theirs[i]});
        else if (ours_empty)
            erase(page_name(issuer_, set.id, set.page_bits, child));
        else if (everything_ || theirs[i] != ours[i])
            pages.push_back({page_name(issuer_, set.id, set.page_bits, child), ours[i]});
    }
    return {};
}

Status Copy::copy_crl(const Head::CrlRef& reference) {
    const bool listed =
        std::ranges::find(target_.crls, reference.digest, &Head::CrlRef::digest) != target_.crls.end();
    if (listed && !everything_)
        return {};
    crypto::Sha256 whole;
    std::uint64_t left = reference.size;
    for (std::uint32_t piece = 0; left > 0; ++piece) {
        const std::string name = crl_piece_name(issuer_, reference.digest, piece);
        if (auto turned = turn(); !turned)
            return turned;
        auto source = fetch(from_, {&name, 1});
        if (!source)
            return tl::unexpected(source.error());
        auto target = fetch(to_, {&name, 1});
        if (!target)
            return tl::unexpected(target.error());
        std::optional<Bytes>& bytes = source->front();
        if (!bytes || bytes->size() != std::min<std::uint64_t>(left, limits::crl_piece_octets))
            return wrong_source(name);
        left -= bytes->size();
        whole.update(*bytes);
        if (target->front() == bytes)
            continue;
        if (auto copied = put(name, std::move(*bytes)); !copied)
            return copied;
    }
    if (whole.finish() != reference.digest)
        return wrong_source(crl_piece_name(issuer_, reference.digest, 0));
    return {};
}

void Copy::erase_crl(const Head::CrlRef& reference) {
    const std::uint64_t pieces = (reference.size + limits::crl_piece_octets - 1) / limits::crl_piece_octets;
    for (std::uint32_t piece = 0;
         piece < std::min<std::uint64_t>(pieces, limits::stored_crl_octets / limits::crl_piece_octets);
         ++piece)
        erase(crl_piece_name(issuer_, reference.digest, piece));
}

}  // namespace

Result<CopyReport> mirror(Store& from, Store& to, const std::string& issuer,
                          std::span<const StorePublicKey> trusted, CopyDepth depth, Meanwhile* meanwhile) {
    Bytes last_head;
    for (unsigned round = 1;; ++round) {
        Copy copy{from, to, issuer, trusted, depth, meanwhile};
        const Status done = copy.run();
        if (done) {
            CopyReport report = copy.report();
            report.present = copy.source_head();
            return report;
        }
        // The source went on: with its new head what we read is in order. If it did not, it is damaged.
        const bool again = copy.moved_on() && copy.source_head() != last_head && round < limits::sync_rounds;
        if (!again)
            return tl::unexpected(done.error());
        last_head = copy.source_head();
    }
}

}  // namespace eightbells::cache
