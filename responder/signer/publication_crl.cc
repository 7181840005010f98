#include <fmt/format.h>

#include <algorithm>

#include "cache/limits.h"
#include "responder/signer/limits.h"
#include "responder/signer/publication.h"

// CRLs under the head: whole files in pieces that every store can hold.
namespace eightbells::signer {

namespace {

std::uint32_t pieces_of(std::uint64_t octets) {
    return static_cast<std::uint32_t>((octets + limits::crl_piece_octets - 1) / limits::crl_piece_octets);
}

}  // namespace

// A large CRL goes ahead in parts: nothing names the pieces before the head does, so that memory stays
// bounded and a crash between two of them leaves what was published.
Status Publication::publish_crl(const std::string& path, ByteView der, UtcTime now) {
    const cache::Digest digest = crypto::sha256(der);
    auto at = std::ranges::find(crls_, path, &cache::Head::CrlRef::path);
    if (at != crls_.end() && at->digest == digest)
        return {};
    if (at == crls_.end() && crls_.size() == limits::crls_per_head)
        return fail(fmt::format("{}: more than {} CRLs of one issuer", path, limits::crls_per_head));
    if (auto usable = refuse_while_stale(); !usable)
        return usable;
    cache::Batch batch;
    batch.issuer = issuer_;
    std::size_t octets = 0;
    Says says = Says::all;
    for (std::uint32_t piece = 0; piece < pieces_of(der.size()); ++piece) {
        const std::size_t from = std::size_t{piece} * limits::crl_piece_octets;
        const auto part = der.subspan(from, std::min(limits::crl_piece_octets, der.size() - from));
        if (octets + part.size() > limits::publish_part_octets) {
            if (auto stored = pages_.publish(batch); !stored)
                return stored;
            batch.put.clear();
            octets = 0;
            says = Says::part;
        }
        octets += part.size();
        batch.put.emplace_back(cache::crl_piece_name(issuer_, digest, piece),
                               Bytes(part.begin(), part.end()));
    }
    if (at != crls_.end() && std::ranges::count(crls_, at->digest, &cache::Head::CrlRef::digest) == 1) {
        for (std::uint32_t piece = 0; piece < pieces_of(at->size); ++piece)
            batch.erase.push_back(cache::crl_piece_name(issuer_, at->digest, piece));
    }
    if (at != crls_.end()) {
        *at = {path, digest, der.size()};
    } else {
        crls_.push_back({path, digest, der.size()});
        std::ranges::sort(crls_, {}, &cache::Head::CrlRef::path);
    }
    return commit(std::move(batch), next_sequence(), now, says);
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
