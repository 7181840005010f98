#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "cache/limits.h"
#include "responder/signer/crl_scope.h"
#include "responder/signer/limits.h"
#include "responder/signer/publication.h"

// CRLs under the head: whole files in pieces that every store can hold.
namespace eightbells::signer {

namespace {

std::uint32_t pieces_of(std::uint64_t octets) {
    return static_cast<std::uint32_t>((octets + limits::crl_piece_octets - 1) / limits::crl_piece_octets);
}

void put_piece(cache::Batch& batch, ByteView der, const cache::Digest& digest, std::uint32_t piece) {
    const std::size_t from = std::size_t{piece} * limits::crl_piece_octets;
    const auto part = der.subspan(from, std::min(limits::crl_piece_octets, der.size() - from));
    batch.put.emplace_back(cache::crl_piece_name(batch.issuer, digest, piece),
                           Bytes(part.begin(), part.end()));
}

}  // namespace

bool Publication::names_crl(const cache::Digest& digest) const noexcept {
    return std::ranges::find(crls_, digest, &cache::Head::CrlRef::digest) != crls_.end();
}

void Publication::leave_pieces(const cache::Digest& digest, std::uint32_t pieces) {
    for (std::uint32_t piece = 0; piece < pieces; ++piece)
        unnamed_pieces_.push_back(cache::crl_piece_name(issuer_, digest, piece));
}

// What the stored head says, but for paths that were taken out of the configuration, and the pieces that it
// does not name.
Status Publication::take_up_crls(std::vector<cache::Head::CrlRef> stored, Loaded& report) {
    std::set<std::string> named;
    for (const auto& crl : stored) {
        for (std::uint32_t piece = 0; piece < pieces_of(crl.size); ++piece)
            named.insert(cache::crl_piece_name(issuer_, crl.digest, piece));
    }
    auto found = pages_.names(cache::crl_pieces_prefix(issuer_), limits::crl_pieces_looked_at);
    if (!found)
        return fail("page file", found.error());
    for (std::string& name : *found) {
        if (!named.contains(name))
            unnamed_pieces_.push_back(std::move(name));
    }
    crls_ = std::move(stored);
    const auto configured = crl_paths_of(identity_->settings);
    for (const auto& crl : crls_) {
        if (std::ranges::find(configured, crl.path) == configured.end())
            report.left_out.push_back(crl.path);
    }
    for (const std::string& path : report.left_out) {
        const auto at = std::ranges::find(crls_, path, &cache::Head::CrlRef::path);
        const cache::Head::CrlRef gone = *at;
        crls_.erase(at);
        if (!names_crl(gone.digest))
            leave_pieces(gone.digest, pieces_of(gone.size));
    }
    head_due_ = !report.left_out.empty();
    return {};
}

Result<bool> Publication::lay_crl(ByteView der, const cache::Digest& digest) {
    if (auto usable = refuse_while_stale(); !usable)
        return tl::unexpected<Error>(usable.error());
    if (names_crl(digest))
        return true;
    if (!coming_crl_ || coming_crl_->digest != digest) {
        if (coming_crl_)
            leave_pieces(coming_crl_->digest, coming_crl_->pieces);
        coming_crl_ = LaidCrl{digest, 0};
        // Pieces of the same octets that were to be erased stay.
        const std::string first = cache::crl_piece_name(issuer_, digest, 0);
        const std::string_view beginning = std::string_view{first}.substr(0, first.size() - 1);
        std::erase_if(unnamed_pieces_, [&](const std::string& name) { return name.starts_with(beginning); });
    }
    const std::uint32_t ahead = std::max(pieces_of(der.size()), 1U) - 1;
    if (coming_crl_->pieces == ahead)
        return true;
    cache::Batch batch;
    batch.issuer = issuer_;
    put_piece(batch, der, digest, coming_crl_->pieces);
    // Crash here, or before the head: the next start finds it under no head, and erases it.
    if (auto stored = pages_.publish(batch); !stored)
        return tl::unexpected<Error>(stored.error());
    return ++coming_crl_->pieces == ahead;
}

Status Publication::publish_crl(const std::string& path, ByteView der, const cache::Digest& digest,
                                UtcTime now) {
    auto at = std::ranges::find(crls_, path, &cache::Head::CrlRef::path);
    if (at != crls_.end() && at->digest == digest)
        return {};
    if (at == crls_.end() && crls_.size() == limits::crls_per_head)
        return fail(fmt::format("{}: more than {} CRLs of one issuer", path, limits::crls_per_head));
    if (auto usable = refuse_while_stale(); !usable)
        return usable;
    cache::Batch batch;
    batch.issuer = issuer_;
    Says says = Says::all;
    if (!names_crl(digest)) {
        if (!coming_crl_ || coming_crl_->digest != digest)
            return fail(path + ": not laid");
        if (const std::uint32_t pieces = pieces_of(der.size()); pieces != 0)
            put_piece(batch, der, digest, pieces - 1);
        if (coming_crl_->pieces != 0)
            says = Says::part;
        coming_crl_.reset();
    }
    if (at != crls_.end()) {
        const cache::Head::CrlRef replaced = std::exchange(*at, {path, digest, der.size()});
        if (!names_crl(replaced.digest))
            leave_pieces(replaced.digest, pieces_of(replaced.size));
    } else {
        crls_.push_back({path, digest, der.size()});
        std::ranges::sort(crls_, {}, &cache::Head::CrlRef::path);
    }
    return commit(std::move(batch), next_sequence(), now, says);
}

Result<bool> Publication::erase_unnamed_pieces() {
    if (unnamed_pieces_.empty() || head_due_)
        return false;
    if (auto usable = refuse_while_stale(); !usable)
        return tl::unexpected<Error>(usable.error());
    cache::Batch batch;
    batch.issuer = issuer_;
    const auto count = std::min(unnamed_pieces_.size(), limits::crl_pieces_erased);
    const auto end = unnamed_pieces_.begin() + static_cast<std::ptrdiff_t>(count);
    batch.erase.assign(unnamed_pieces_.begin(), end);
    if (auto erased = pages_.publish(batch); !erased)
        return tl::unexpected<Error>(erased.error());
    unnamed_pieces_.erase(unnamed_pieces_.begin(), end);
    hand_on_(&batch);
    return !unnamed_pieces_.empty();
}

std::vector<std::string> Publication::crl_paths() const {
    std::vector<std::string> paths;
    for (const auto& crl : crls_)
        paths.push_back(crl.path);
    return paths;
}

Result<std::shared_ptr<const MappedFile>> Publication::served_crl(const std::string& path,
                                                                  const std::filesystem::path& scratch) {
    const auto at = std::ranges::find(crls_, path, &cache::Head::CrlRef::path);
    if (at == crls_.end())
        return nullptr;
    auto file = SpoolFile::make(scratch);
    if (!file)
        return tl::unexpected<Error>(file.error());
    crypto::Sha256 sha256;
    for (std::uint32_t piece = 0; file->size() < at->size; ++piece) {
        const std::string name = cache::crl_piece_name(issuer_, at->digest, piece);
        const auto stored = pages_.fetch(std::span{&name, 1});
        if (!stored)
            return tl::unexpected<Error>(stored.error());
        if (!stored->front() || stored->front()->empty())
            return nullptr;
        sha256.update(*stored->front());
        if (auto written = file->append(*stored->front()); !written)
            return tl::unexpected<Error>(written.error());
    }
    if (sha256.finish() != at->digest)
        return nullptr;
    return file->map();
}

}  // namespace eightbells::signer
