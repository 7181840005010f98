#include "responder/crypto/algorithms.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <optional>
#include <string_view>

#include "responder/crypto/limits.h"
#include "responder/crypto/text.h"
#include "responder/der/reader.h"

namespace eightbells::crypto {

namespace {

using der::Reader;
using der::Tag;
using namespace std::string_view_literals;

constexpr auto rsa_encryption = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"sv;
constexpr auto rsassa_pss = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"sv;
constexpr auto mgf1 = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"sv;
constexpr auto ec_public_key = "\x2a\x86\x48\xce\x3d\x02\x01"sv;
constexpr auto secp256r1 = "\x2a\x86\x48\xce\x3d\x03\x01\x07"sv;
constexpr auto secp384r1 = "\x2b\x81\x04\x00\x22"sv;
constexpr auto secp521r1 = "\x2b\x81\x04\x00\x23"sv;
constexpr auto ed25519_oid = "\x2b\x65\x70"sv;

struct HashOid {
    SignatureHash hash;
    std::string_view oid;
    unsigned octets;
    std::string_view name;
};
constexpr std::array<HashOid, 3> hashes{{
    {SignatureHash::sha256, "\x60\x86\x48\x01\x65\x03\x04\x02\x01"sv, 32, "SHA-256"},
    {SignatureHash::sha384, "\x60\x86\x48\x01\x65\x03\x04\x02\x02"sv, 48, "SHA-384"},
    {SignatureHash::sha512, "\x60\x86\x48\x01\x65\x03\x04\x02\x03"sv, 64, "SHA-512"},
}};

struct Simple {
    SignatureKind kind;
    SignatureHash hash;
    std::string_view oid;
};
constexpr std::array<Simple, 7> simple_algorithms{{
    {SignatureKind::rsa_pkcs1, SignatureHash::sha256, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"sv},
    {SignatureKind::rsa_pkcs1, SignatureHash::sha384, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"sv},
    {SignatureKind::rsa_pkcs1, SignatureHash::sha512, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"sv},
    {SignatureKind::ecdsa, SignatureHash::sha256, "\x2a\x86\x48\xce\x3d\x04\x03\x02"sv},
    {SignatureKind::ecdsa, SignatureHash::sha384, "\x2a\x86\x48\xce\x3d\x04\x03\x03"sv},
    {SignatureKind::ecdsa, SignatureHash::sha512, "\x2a\x86\x48\xce\x3d\x04\x03\x04"sv},
    {SignatureKind::ed25519, SignatureHash::none, ed25519_oid},
}};

// The algorithms that are refused by name rather than by number.
std::string algorithm_name(ByteView oid) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> weak{{
        {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"sv, "md5WithRSAEncryption"sv},
        {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"sv, "sha1WithRSAEncryption"sv},
        {"\x2a\x86\x48\xce\x3d\x04\x01"sv, "ecdsa-with-SHA1"sv},
        {"\x2a\x86\x48\xce\x38\x04\x03"sv, "dsa-with-SHA1"sv},
        {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e"sv, "sha224WithRSAEncryption"sv},
        {"\x2a\x86\x48\xce\x3d\x04\x03\x01"sv, "ecdsa-with-SHA224"sv},
        {"\x2b\x0e\x03\x02\x1a"sv, "SHA-1"sv},
    }};
    for (const auto& [content, name] : weak) {
        if (as_text(oid) == content)
            return fmt::format("{} ({})", name, oid_text(oid));
    }
    return oid_text(oid);
}

struct AlgorithmParts {
    ByteView oid;
    ByteView parameters;  // TLV; empty: absent
};
std::optional<AlgorithmParts> split(ByteView algorithm_identifier) noexcept {
    Reader outer{algorithm_identifier};
    auto inner = outer.read_into(Tag::sequence);
    const auto oid = inner ? inner->read(Tag::oid) : std::nullopt;
    if (!oid || !outer.empty())
        return std::nullopt;
    const ByteView parameters = inner->rest();
    if (!parameters.empty() && !der::is_one_element(parameters))
        return std::nullopt;
    return AlgorithmParts{*oid, parameters};
}

bool absent_or_null(ByteView parameters) noexcept {
    return parameters.empty() || as_text(parameters) == "\x05\x00"sv;
}

const HashOid* find_hash(ByteView algorithm_identifier) noexcept {
    const auto parts = split(algorithm_identifier);
    if (!parts || !absent_or_null(parts->parameters))
        return nullptr;
    for (const auto& hash : hashes) {
        if (as_text(parts->oid) == hash.oid)
            return &hash;
    }
    return nullptr;
}

// RSASSA-PSS-params (RFC 4055, section 3.1). Its defaults are all SHA-1, so what is absent is refused.
Result<SignatureAlgorithm> parse_pss_parameters(ByteView parameters) {
    Reader outer{parameters};
    auto fields = outer.read_into(Tag::sequence);
    auto hash_field = fields ? fields->read_into(der::context_constructed(0)) : std::nullopt;
    auto mask_field = hash_field ? fields->read_into(der::context_constructed(1)) : std::nullopt;
    auto salt_field = mask_field ? fields->read_into(der::context_constructed(2)) : std::nullopt;
    if (!salt_field || !fields->empty() || !outer.empty())
        return fail("RSASSA-PSS: hash, mask and salt length must be given: their defaults stand for SHA-1");
    const HashOid* hash = find_hash(hash_field->rest());
    if (hash == nullptr)
        return fail("RSASSA-PSS: the hash must be SHA-256, SHA-384 or SHA-512");
    const auto mask = split(mask_field->rest());
    if (!mask || as_text(mask->oid) != mgf1 || find_hash(mask->parameters) != hash)
        return fail("RSASSA-PSS: the mask must be MGF1 with the same hash");
    const auto salt = salt_field->read_unsigned();
    if (!salt || !salt_field->empty() || *salt > limits::pss_salt_octets)
        return fail("RSASSA-PSS: the salt length is not a length");
    return SignatureAlgorithm{SignatureKind::rsa_pss, hash->hash, static_cast<unsigned>(*salt)};
}

Result<KeyFacts> describe_rsa(const AlgorithmParts& algorithm, ByteView key_bits) {
    KeyFacts facts;
    if (as_text(algorithm.oid) == rsa_encryption) {
        facts.kind = KeyKind::rsa;
        if (!absent_or_null(algorithm.parameters))
            return fail("public key: rsaEncryption with parameters");
    } else {
        facts.kind = KeyKind::rsa_pss;
        facts.pss_parameters = algorithm.parameters;
    }
    Reader outer{key_bits};
    auto fields = outer.read_into(Tag::sequence);
    auto modulus = fields ? fields->read_integer_content() : std::nullopt;
    const auto exponent = modulus ? fields->read_integer_content() : std::nullopt;
    if (!exponent || !fields->empty() || !outer.empty() || ((*modulus)[0] & 0x80) != 0)
        return fail("public key: the RSAPublicKey is not DER");
    if ((*modulus)[0] == 0)
        modulus = modulus->subspan(1);
    if (!modulus->empty())
        facts.bits = static_cast<unsigned>(8 * (modulus->size() - 1) + std::bit_width(modulus->front()));
    facts.exponent_fits = ((*exponent)[0] & 0x80) == 0 && (exponent->back() & 1) != 0 &&
                          !(exponent->size() == 1 && (*exponent)[0] < 3) &&
                          (exponent->size() <= 32 || (exponent->size() == 33 && (*exponent)[0] == 0));
    return facts;
}

Result<KeyFacts> describe_ec(ByteView parameters, ByteView key_bits) {
    struct Curve {
        KeyKind kind;
        unsigned bits;
        std::string_view oid;
    };
    static constexpr std::array<Curve, 3> curves{
        {{KeyKind::p256, 256, secp256r1}, {KeyKind::p384, 384, secp384r1}, {KeyKind::p521, 521, secp521r1}}};
    Reader reader{parameters};
    const auto oid = reader.read(Tag::oid);
    if (!oid)
        return fail("public key: an elliptic curve must be named, not spelled out");
    for (const auto& curve : curves) {
        if (as_text(*oid) != curve.oid)
            continue;
        const std::size_t field = (curve.bits + 7) / 8;
        const bool uncompressed = key_bits.size() == 1 + 2 * field && key_bits[0] == 4;
        const bool compressed = key_bits.size() == 1 + field && (key_bits[0] == 2 || key_bits[0] == 3);
        if (!uncompressed && !compressed)
            return fail("public key: not a point of its curve");
        return KeyFacts{curve.kind, curve.bits, true, {}};
    }
    return fail(
        fmt::format("public key: the elliptic curve {} is not P-256, P-384 or P-521", oid_text(*oid)));
}

template <std::size_t N>
struct Identifier {
    std::array<std::uint8_t, N> octets{};
    std::size_t size = 0;
    constexpr void put(std::string_view text) {
        for (const char c : text)
            octets[size++] = static_cast<std::uint8_t>(c);
    }
    ByteView view() const noexcept { return {octets.data(), size}; }
};

constexpr Identifier<16> simple_identifier(const Simple& algorithm) {
    Identifier<16> out;
    const bool null = algorithm.kind == SignatureKind::rsa_pkcs1;
    const std::size_t length = 2 + algorithm.oid.size() + (null ? 2 : 0);
    out.octets[out.size++] = 0x30;
    out.octets[out.size++] = static_cast<std::uint8_t>(length);
    out.octets[out.size++] = 0x06;
    out.octets[out.size++] = static_cast<std::uint8_t>(algorithm.oid.size());
    out.put(algorithm.oid);
    if (null)
        out.put("\x05\x00"sv);
    return out;
}

constexpr Identifier<67> pss_identifier(const HashOid& hash) {
    Identifier<67> out;
    out.put("\x30\x41\x06\x09"sv);
    out.put(rsassa_pss);
    out.put("\x30\x34\xa0\x0f\x30\x0d\x06\x09"sv);
    out.put(hash.oid);
    out.put("\x05\x00\xa1\x1c\x30\x1a\x06\x09"sv);
    out.put(mgf1);
    out.put("\x30\x0d\x06\x09"sv);
    out.put(hash.oid);
    out.put("\x05\x00\xa2\x03\x02\x01"sv);
    out.octets[out.size++] = static_cast<std::uint8_t>(hash.octets);
    return out;
}

}  // namespace

std::string KeyFacts::name() const {
    switch (kind) {
        case KeyKind::rsa:
            return fmt::format("RSA-{}", bits);
        case KeyKind::rsa_pss:
            return fmt::format("RSA-PSS-{}", bits);
        case KeyKind::p256:
            return "ECDSA-P256";
        case KeyKind::p384:
            return "ECDSA-P384";
        case KeyKind::p521:
            return "ECDSA-P521";
        case KeyKind::ed25519:
            return "Ed25519";
    }
    return {};
}

unsigned KeyFacts::strength() const noexcept {
    switch (kind) {
        case KeyKind::rsa:
        case KeyKind::rsa_pss:
            return bits >= 3072 ? 128 : bits >= 2048 ? 112 : 80;
        case KeyKind::p256:
        case KeyKind::ed25519:
            return 128;
        case KeyKind::p384:
            return 192;
        case KeyKind::p521:
            return 256;
    }
    return 0;
}

Result<KeyFacts> describe_key(ByteView subject_public_key_info) {
    Reader outer{subject_public_key_info};
    auto fields = outer.read_into(Tag::sequence);
    const auto algorithm = fields && fields->next_is(Tag::sequence) ? fields->read_any() : std::nullopt;
    const auto key_bits = algorithm ? fields->read_bit_string_octets() : std::nullopt;
    const auto parts = key_bits ? split(algorithm->tlv) : std::nullopt;
    if (!parts || !fields->empty() || !outer.empty())
        return fail("public key: the SubjectPublicKeyInfo is not DER");
    const auto oid = as_text(parts->oid);
    if (oid == rsa_encryption || oid == rsassa_pss)
        return describe_rsa(*parts, *key_bits);
    if (oid == ec_public_key)
        return describe_ec(parts->parameters, *key_bits);
    if (oid == ed25519_oid) {
        if (!parts->parameters.empty() || key_bits->size() != 32)
            return fail("public key: not an Ed25519 key of RFC 8410");
        return KeyFacts{KeyKind::ed25519, 256, true, {}};
    }
    return fail(
        fmt::format("public key: the algorithm {} is not RSA, ECDSA or Ed25519", oid_text(parts->oid)));
}

Status check_key_strength(const KeyFacts& key, bool allow_ed25519) {
    if (key.is_rsa()) {
        if (key.bits < 2048)
            return fail(fmt::format("{} is too weak: at least 2048 bits are required", key.name()));
        if (key.bits > limits::rsa_bits)
            return fail(fmt::format("{} is longer than {} bits", key.name(), limits::rsa_bits));
        if (key.bits % 8 != 0)
            return fail(fmt::format("{}: the number of bits must be divisible by 8", key.name()));
        if (!key.exponent_fits)
            return fail(
                fmt::format("{}: the public exponent must be odd, at least 3 and below 2^256", key.name()));
    }
    if (key.kind == KeyKind::ed25519 && !allow_ed25519)
        return fail("Ed25519 is allowed in the scheme \"private\" only");
    return {};
}

std::string SignatureAlgorithm::botan_name() const {
    if (kind == SignatureKind::ed25519)
        return "Pure";
    const auto name = hashes[static_cast<std::size_t>(hash) - 1].name;
    if (kind == SignatureKind::rsa_pkcs1)
        return fmt::format("PKCS1v15({})", name);
    if (kind == SignatureKind::rsa_pss)
        return fmt::format("PSS({},MGF1,{})", name, salt_octets);
    return std::string{name};
}

Result<SignatureAlgorithm> parse_signature_algorithm(ByteView algorithm_identifier) {
    const auto parts = split(algorithm_identifier);
    if (!parts)
        return fail("signature algorithm: not a DER AlgorithmIdentifier");
    if (as_text(parts->oid) == rsassa_pss)
        return parse_pss_parameters(parts->parameters);
    for (const auto& algorithm : simple_algorithms) {
        if (as_text(parts->oid) != algorithm.oid)
            continue;
        const bool fits = algorithm.kind == SignatureKind::rsa_pkcs1 ? absent_or_null(parts->parameters)
                                                                     : parts->parameters.empty();
        if (!fits)
            return fail(fmt::format("signature algorithm {}: wrong parameters", oid_text(parts->oid)));
        return SignatureAlgorithm{algorithm.kind, algorithm.hash, 0};
    }
    return fail(
        fmt::format("signature algorithm {}: SHA-256 or stronger with RSA or ECDSA, or Ed25519, is required",
                    algorithm_name(parts->oid)));
}

Status check_algorithm_fits(const SignatureAlgorithm& algorithm, const KeyFacts& key) {
    const bool rsa = algorithm.kind == SignatureKind::rsa_pss ||
                     (algorithm.kind == SignatureKind::rsa_pkcs1 && key.kind != KeyKind::rsa_pss);
    const bool edwards = algorithm.kind == SignatureKind::ed25519;
    const bool weierstrass = algorithm.kind == SignatureKind::ecdsa;
    const bool fits = key.is_rsa() ? rsa : key.kind == KeyKind::ed25519 ? edwards : weierstrass;
    if (!fits)
        return fail(fmt::format("{} does not make signatures of {}", key.name(), algorithm.botan_name()));
    if (key.kind == KeyKind::rsa_pss && !key.pss_parameters.empty()) {
        const auto allowed = parse_pss_parameters(key.pss_parameters);
        if (!allowed)
            return tl::unexpected(allowed.error());
        if (allowed->hash != algorithm.hash || algorithm.salt_octets < allowed->salt_octets)
            return fail(fmt::format("{} allows {} only", key.name(), allowed->botan_name()));
    }
    return {};
}

ByteView encode_signature_algorithm(SignatureKind kind, SignatureHash hash) noexcept {
    static constexpr std::array<Identifier<16>, simple_algorithms.size()> simple = [] {
        std::array<Identifier<16>, simple_algorithms.size()> all{};
        for (std::size_t i = 0; i < all.size(); ++i)
            all[i] = simple_identifier(simple_algorithms[i]);
        return all;
    }();
    static constexpr std::array<Identifier<67>, hashes.size()> pss{
        pss_identifier(hashes[0]), pss_identifier(hashes[1]), pss_identifier(hashes[2])};
    if (kind == SignatureKind::rsa_pss)
        return hash == SignatureHash::none ? ByteView{} : pss[static_cast<std::size_t>(hash) - 1].view();
    for (std::size_t i = 0; i < simple.size(); ++i) {
        if (simple_algorithms[i].kind == kind && simple_algorithms[i].hash == hash)
            return simple[i].view();
    }
    return {};
}

}  // namespace eightbells::crypto
