#include <algorithm>

#include "cache/limits.h"
#include "responder/signer/publication.h"

// CRLs under the head: whole files in pieces that every store can hold.
namespace eightbells::signer {

Status Publication::publish_crl(const std::string& path, ByteView der, UtcTime now) {
    const cache::Digest digest = crypto::sha256(der);
    cache::Batch batch;
    auto at = std::ranges::find(crls_, path, &cache::Head::CrlRef::path);
    if (at != crls_.end() && at->digest == digest)
        return {};
    for (std::uint32_t piece = 0; std::uint64_t{piece} * limits::crl_piece_octets < der.size(); ++piece) {
        const std::size_t from = std::size_t{piece} * limits::crl_piece_octets;
        const auto part = der.subspan(from, std::min(limits::crl_piece_octets, der.size() - from));
        batch.put.emplace_back(cache::crl_piece_name(issuer_, digest, piece),
                               Bytes(part.begin(), part.end()));
    }
    if (at != crls_.end()) {
        const bool shared = std::ranges::count(crls_, at->digest, &cache::Head::CrlRef::digest) > 1;
        for (std::uint32_t piece = 0; !shared && std::uint64_t{piece} * limits::crl_piece_octets < at->size;
             ++piece) {
            batch.erase.push_back(cache::crl_piece_name(issuer_, at->digest, piece));
        }
    }
    if (auto usable = refuse_while_stale(); !usable)
        return usable;
    if (!published_) {  // goes out with the first head
        batch.issuer = issuer_;
        batch.erase.clear();
        if (auto stored = pages_.publish(batch); !stored)
            return stored;
    }
    if (at != crls_.end()) {
        *at = {path, digest, der.size()};
    } else {
        crls_.push_back({path, digest, der.size()});
        std::ranges::sort(crls_, {}, &cache::Head::CrlRef::path);
    }
    if (!published_)
        return {};
    return commit(std::move(batch), next_sequence(), now);
}

std::optional<Bytes> Publication::served_crl(const std::string& path) {
    const auto at = std::ranges::find(crls_, path, &cache::Head::CrlRef::path);
    if (at == crls_.end())
        return std::nullopt;
    Bytes der;
    for (std::uint32_t piece = 0; der.size() < at->size; ++piece) {
        const std::string name = cache::crl_piece_name(issuer_, at->digest, piece);
        auto stored = pages_.fetch(std::span{&name, 1});
        if (!stored || !stored->front() || stored->front()->empty())
            return std::nullopt;
        der.insert(der.end(), stored->front()->begin(), stored->front()->end());
    }
    if (crypto::sha256(der) != at->digest)
        return std::nullopt;
    return der;
}

}  // namespace eightbells::signer
