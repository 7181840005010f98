#include "responder/front/issuers.h"

#include <algorithm>
#include <string>
#include <utility>

#include "responder/base/durable_file.h"
#include "responder/crypto/limits.h"
#include "responder/ocsp/oid.h"

namespace eightbells::front {
namespace {

// 2.16.840.1.101.3.4.2.2 and .3
constexpr std::array<std::uint8_t, 9> sha384_oid{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02};
constexpr std::array<std::uint8_t, 9> sha512_oid{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03};

ByteView oid_of(std::size_t hash) noexcept {
    switch (hash) {
        case 0:
            return ocsp::oid::sha1;
        case 1:
            return ocsp::oid::sha256;
        case 2:
            return sha384_oid;
        default:
            return sha512_oid;
    }
}

std::optional<std::size_t> position_of(ByteView hash_oid, std::size_t known) noexcept {
    for (std::size_t hash = 0; hash < known; ++hash)
        if (equal(hash_oid, oid_of(hash)))
            return hash;
    return std::nullopt;
}

std::uint64_t start_of(ByteView hash) noexcept {
    std::uint64_t start = 0;
    for (std::size_t i = 0; i < 8; ++i)
        start = start << 8 | (i < hash.size() ? hash[i] : 0U);
    return start;
}

}  // namespace

Result<std::shared_ptr<const Issuers>> Issuers::load(std::span<const config::Issuer> settings) {
    auto loaded = std::make_shared<Issuers>();
    for (const config::Issuer& one : settings) {
        const auto at = [&one](const std::string& step) {
            return "issuer \"" + one.name + "\": " + step + one.certificate.string();
        };
        auto bytes = read_file(one.certificate, limits::certificate_octets);
        if (!bytes)
            return fail(at("reading "), bytes.error());
        auto certificate = crypto::Certificate::parse(*bytes);
        if (!certificate)
            return fail(at(""), certificate.error());
        auto identity = crypto::IssuerIdentity::from_certificate(*certificate);
        if (!identity)
            return fail(at(""), identity.error());
        for (const Issuer& other : loaded->issuers_)
            if (other.identity.id() == identity->id())
                return fail(at("") + ": is the same Name and key as issuer \"" + other.settings.name +
                            "\"; configure it once");
        const std::size_t index = loaded->issuers_.size();
        for (std::size_t hash = 0; hash < known_hashes; ++hash) {
            const auto hashes = identity->hashes_for(oid_of(hash));
            if (hashes)
                loaded->by_hash_[hash].push_back({start_of(hashes->key), index, hashes->name, hashes->key});
        }
        const auto digest = crypto::sha256(identity->certificate().der());
        http::EntityTag tag;
        std::copy_n(digest.begin(), tag.size(), tag.begin());
        loaded->issuers_.push_back({one, *std::move(identity), tag});
    }
    for (auto& entries : loaded->by_hash_)
        std::ranges::sort(entries, {}, &Entry::key_hash_start);
    return loaded;
}

std::optional<std::size_t> Issuers::find(const ocsp::CertIdView& cert_id) const noexcept {
    const auto hash = position_of(cert_id.hash_oid, known_hashes);
    if (!hash)
        return std::nullopt;
    const auto& entries = by_hash_[*hash];
    const std::uint64_t start = start_of(cert_id.issuer_key_hash);
    // One key may stand under several Names, so equal starts are walked.
    for (auto entry = std::ranges::lower_bound(entries, start, {}, &Entry::key_hash_start);
         entry != entries.end() && entry->key_hash_start == start; ++entry)
        if (equal(entry->key_hash, cert_id.issuer_key_hash) &&
            equal(entry->name_hash, cert_id.issuer_name_hash))
            return entry->issuer;
    return std::nullopt;
}

const Issuers::Issuer* Issuers::find_certificate(std::string_view path) const noexcept {
    const auto found = std::ranges::find_if(
        issuers_, [&](const Issuer& one) { return one.settings.certificate_path == path; });
    return found == issuers_.end() ? nullptr : &*found;
}

bool Issuers::knows_hash(ByteView hash_oid) noexcept {
    return position_of(hash_oid, known_hashes).has_value();
}

}  // namespace eightbells::front
