#include "cache/head.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "cache/limits.h"
#include "cache/octets.h"
#include "responder/base/limits.h"
#include "responder/crypto/certificate.h"

namespace eightbells::cache {

namespace {

constexpr std::size_t issuer_octets = 16;
constexpr std::size_t key_octets = 32;
constexpr std::size_t signature_octets = 64;

// Only what parses to itself: 32 lower-case hexadecimal digits.
Result<Bytes> issuer_from_text(std::string_view issuer) {
    auto octets = from_hex(issuer);
    if (!octets || octets->size() != issuer_octets || to_hex(*octets) != issuer)
        return fail(fmt::format("head: issuer: \"{:.64}\" is not 32 lower-case hexadecimal digits", issuer));
    return octets;
}

bool is_crl_path(std::string_view path) noexcept {
    return path.size() > 1 && path.size() <= limits::crl_path_octets && path.front() == '/' &&
           std::ranges::all_of(path, [](char c) { return c > 0x20 && c < 0x7f; });
}

Status check_count(std::string_view what, std::size_t count, std::size_t limit) {
    if (count > limit)
        return fail(fmt::format("head: {}: {} of them, at most {} are possible", what, count, limit));
    return {};
}

Status check_sizes(const Head& head) {
    if (auto ok = check_count("sets", head.sets.size(), limits::sets_per_head); !ok)
        return ok;
    if (auto ok = check_count("patches", head.patches.size(), limits::patches_per_head); !ok)
        return ok;
    if (auto ok = check_count("profiles", head.profiles.size(), limits::profiles_per_head); !ok)
        return ok;
    return check_count("crls", head.crls.size(), limits::crls_per_head);
}

// Strictly rising, as the form demands it of every list.
template <class List, class Key>
bool rises(const List& list, Key key) {
    return std::ranges::adjacent_find(list, std::ranges::greater_equal{}, key) == list.end();
}

Status check_sets_and_patches(const Head& head) {
    if (!rises(head.sets, &Head::Set::id))
        return fail("head: sets: one stands twice, or out of order");
    for (const Head::Set& set : head.sets) {
        if (set.page_bits > limits::page_bits)
            return fail(fmt::format("head: set {}: page_bits: {} is above {}", to_string(set.id),
                                    set.page_bits, limits::page_bits));
    }
    if (!rises(head.patches, &Head::PatchRef::sequence))
        return fail("head: patches: a sequence stands twice, or out of order");
    for (const Head::PatchRef& patch : head.patches) {
        if (patch.sequence > head.version.sequence)
            return fail(fmt::format("head: patch {}: above the head's own sequence {}", patch.sequence,
                                    head.version.sequence));
        if (is_empty(patch.digest))
            return fail(fmt::format("head: patch {}: its digest is empty", patch.sequence));
    }
    return {};
}

Status check_profiles_and_crls(const Head& head) {
    if (!rises(head.profiles, std::identity{}))
        return fail("head: profiles: one stands twice, or out of order");
    if (std::ranges::any_of(head.profiles, is_empty))
        return fail("head: profiles: an empty digest");
    if (!rises(head.crls, &Head::CrlRef::path))
        return fail("head: crls: a path stands twice, or out of order");
    for (const Head::CrlRef& crl : head.crls) {
        if (!is_crl_path(crl.path))
            return fail(
                fmt::format("head: crls: path: \"{:.64}\" is not '/' and 1 to {} visible ASCII characters",
                            crl.path, limits::crl_path_octets - 1));
        if (is_empty(crl.digest))
            return fail(fmt::format("head: crl {}: its digest is empty", crl.path));
        if (crl.size == 0 || crl.size > limits::stored_crl_octets)
            return fail(fmt::format("head: crl {}: size: {} octets, 1 to {} are possible", crl.path, crl.size,
                                    limits::stored_crl_octets));
    }
    return {};
}

Status check_lists(const Head& head) {
    if (auto ok = check_sets_and_patches(head); !ok)
        return ok;
    return check_profiles_and_crls(head);
}

void append_lists(const Head& head, Bytes& out) {
    append_number(head.sets.size(), 1, out);
    for (const Head::Set& set : head.sets) {
        append_number(set_octet(set.id), 1, out);
        append_number(set.page_bits, 1, out);
        append_octets(set.root, out);
    }
    append_number(head.patches.size(), 2, out);
    for (const Head::PatchRef& patch : head.patches) {
        append_number(patch.sequence, 8, out);
        append_octets(patch.digest, out);
    }
    append_number(head.profiles.size(), 2, out);
    for (const Digest& profile : head.profiles)
        append_octets(profile, out);
    append_number(head.crls.size(), 1, out);
    for (const Head::CrlRef& crl : head.crls) {
        append_number(crl.path.size(), 1, out);
        append_octets(as_bytes(crl.path), out);
        append_octets(crl.digest, out);
        append_number(crl.size, 8, out);
    }
}

void read_lists(OctetReader& in, Head& head) {
    for (std::size_t left = in.octet(); left > 0 && in.ok(); --left) {
        Head::Set set;
        const auto id = set_from_octet(in.octet());
        if (!id)
            in.fail();
        set.id = id.value_or(SetId{});
        set.page_bits = in.octet();
        set.root = in.digest();
        head.sets.push_back(set);
    }
    for (std::size_t left = in.number(2); left > 0 && in.ok(); --left) {
        const std::uint64_t sequence = in.number(8);
        head.patches.push_back({sequence, in.digest()});
    }
    for (std::size_t left = in.number(2); left > 0 && in.ok(); --left)
        head.profiles.push_back(in.digest());
    for (std::size_t left = in.octet(); left > 0 && in.ok(); --left) {
        Head::CrlRef crl;
        crl.path = std::string(as_text(in.octets(in.octet())));
        crl.digest = in.digest();
        crl.size = in.number(8);
        head.crls.push_back(std::move(crl));
    }
}

}  // namespace

Result<Bytes> encode_head_body(const Head& given) {
    const auto issuer = issuer_from_text(given.issuer);
    if (!issuer)
        return tl::unexpected(issuer.error());
    if (!is_storable(given.time))
        return fail("head: time: before 1970 or after 9999");
    if (auto sizes = check_sizes(given); !sizes)
        return tl::unexpected(sizes.error());
    Head head = given;
    std::ranges::sort(head.sets, {}, &Head::Set::id);
    std::ranges::sort(head.patches, {}, &Head::PatchRef::sequence);
    std::ranges::sort(head.profiles);
    std::ranges::sort(head.crls, {}, &Head::CrlRef::path);
    if (auto lists = check_lists(head); !lists)
        return tl::unexpected(lists.error());

    Bytes out;
    append_octets(head_magic, out);
    append_octets(*issuer, out);
    append_number(head.version.epoch, 8, out);
    append_number(head.version.sequence, 8, out);
    append_time(head.time, out);
    append_lists(head, out);
    return out;
}

Result<Head> parse_head_body(ByteView body) {
    OctetReader in(body);
    if (!in.magic(head_magic))
        return fail("head: not a head of version 1");
    Head head;
    head.issuer = to_hex(in.octets(issuer_octets));
    head.version.epoch = in.number(8);
    head.version.sequence = in.number(8);
    head.time = in.time();
    read_lists(in, head);
    if (!in.ok())
        return fail("head: cut short, or with a set or a time that there is not");
    if (!in.rest().empty())
        return fail(fmt::format("head: {} octets after its end", in.rest().size()));
    if (auto sizes = check_sizes(head); !sizes)
        return tl::unexpected(sizes.error());
    if (auto lists = check_lists(head); !lists)
        return tl::unexpected(lists.error());
    return head;
}

Result<Bytes> encode_head(const Head& head, const StorePublicKey& key, const SignHead& sign) {
    auto out = encode_head_body(head);
    if (!out)
        return out;
    append_octets(key, *out);
    const auto signature = sign(*out);
    if (!signature)
        return fail("head: signing with the store key", signature.error());
    if (!crypto::verify_ed25519(key, *out, *signature))
        return fail(fmt::format("head: the signature does not verify under the store key {}", to_hex(key)));
    append_octets(*signature, *out);
    return out;
}

Result<Head> parse_head(ByteView bytes, std::span<const StorePublicKey> trusted) {
    if (bytes.size() > limits::head_octets)
        return fail(
            fmt::format("head: {} octets, at most {} are possible", bytes.size(), limits::head_octets));
    if (bytes.size() < key_octets + signature_octets)
        return fail(fmt::format("head: {} octets are none", bytes.size()));
    const ByteView signature = bytes.last(signature_octets);
    const ByteView covered = bytes.first(bytes.size() - signature_octets);
    const ByteView key = covered.last(key_octets);
    const auto known = std::ranges::find_if(trusted, [&](const StorePublicKey& k) { return equal(k, key); });
    if (known == trusted.end())
        return fail(
            fmt::format("head: signed with the store key {}, which is not a trusted one", to_hex(key)));
    if (!crypto::verify_ed25519(*known, covered, signature))
        return fail(fmt::format("head: wrong signature under the store key {}", to_hex(key)));
    return parse_head_body(covered.first(covered.size() - key_octets));
}

}  // namespace eightbells::cache
