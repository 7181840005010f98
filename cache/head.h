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
// A new epoch goes on above the sequence of every page and patch it takes over, never from zero: which of
// a page and a patch is newer is told by the sequence alone.
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
        friend bool operator==(const Set&, const Set&) = default;
    };
    std::vector<Set> sets;  // sorted by id, no id twice

    struct PatchRef {
        std::uint64_t sequence = 0;  // names the patch; not above version.sequence
        Digest digest{};
        friend bool operator==(const PatchRef&, const PatchRef&) = default;
    };
    std::vector<PatchRef> patches;  // sorted by sequence, none twice

    std::vector<Digest> profiles;  // every profile that a page or patch may name; sorted, none twice

    struct CrlRef {
        std::string path;        // where the front serves it, "/demo.crl"
        Digest digest{};         // of the whole DER
        std::uint64_t size = 0;  // octets
        friend bool operator==(const CrlRef&, const CrlRef&) = default;
    };
    std::vector<CrlRef> crls;  // sorted by path, none twice

    friend bool operator==(const Head&, const Head&) = default;
};

// The signed statement without key and signature. Lists may come in any order and are sorted here; what the
// form cannot hold is an error that names the field. Believe nothing that parse_head_body alone has parsed.
Result<Bytes> encode_head_body(const Head& head);
Result<Head> parse_head_body(ByteView body);

// Body, the store key's public half and the signature (Ed25519 over all before it). The signature is checked
// under `key` before it is handed out, so that a faulty signer is seen here and not by every front.
using SignHead = std::function<Result<std::array<std::uint8_t, 64>>(ByteView)>;
Result<Bytes> encode_head(const Head& head, const StorePublicKey& key, const SignHead& sign);

// Checks the signature under one of the trusted keys, then parses. An untrusted key, a wrong signature and
// malformed bytes are errors. Whether the head is of the issuer one asked for, and not older than one already
// accepted, is the caller's to check.
Result<Head> parse_head(ByteView bytes, std::span<const StorePublicKey> trusted);

}  // namespace eightbells::cache

#endif
