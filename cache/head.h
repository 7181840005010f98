#ifndef EIGHTBELLS_CACHE_HEAD_H
#define EIGHTBELLS_CACHE_HEAD_H

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cache/page.h"

namespace eightbells::cache {

using StorePublicKey = std::array<std::uint8_t, 32>;  // Ed25519

// Which head is newer: a new leader takes a higher epoch, within it the sequence rises by one a publication.
struct Version {
    std::uint64_t epoch = 0;
    std::uint64_t sequence = 0;
    friend auto operator<=>(const Version&, const Version&) = default;
};

// The one signed statement about everything that is stored for an issuer.
struct Head {
    std::string issuer;  // IssuerIdentity::id(), 32 hex digits
    Version version;
    UtcTime time{};  // when it was published

    struct Set {
        SetId id;
        std::uint8_t page_bits = 0;
        Digest root{};
    };
    std::vector<Set> sets;  // sorted by id, no id twice

    struct PatchRef {
        std::uint64_t sequence = 0;  // names the patch
        Digest digest{};
    };
    std::vector<PatchRef> patches;  // sorted by sequence

    std::vector<Digest> profiles;  // every profile that a page or patch may name

    struct CrlRef {
        std::string path;        // where the front serves it, "/demo.crl"
        Digest digest{};         // of the whole DER
        std::uint64_t size = 0;  // octets
    };
    std::vector<CrlRef> crls;  // sorted by path
};

// Body, the store key's public half and the signature (Ed25519 over all before it).
using SignHead = std::function<Result<std::array<std::uint8_t, 64>>(ByteView)>;
Result<Bytes> encode_head(const Head& head, const StorePublicKey& key, const SignHead& sign);

// Parses and checks the signature under one of the trusted keys. An untrusted key, a wrong signature and
// malformed bytes are errors.
Result<Head> parse_head(ByteView bytes, std::span<const StorePublicKey> trusted);

}  // namespace eightbells::cache

#endif
