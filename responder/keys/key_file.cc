#include "responder/keys/key_file.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "responder/crypto/pem.h"
#include "responder/der/reader.h"

namespace eightbells::keys {

namespace {

using der::Reader;
using der::Tag;

constexpr std::string_view plain_label = "PRIVATE KEY";
constexpr std::string_view encrypted_label = "ENCRYPTED PRIVATE KEY";

tl::unexpected<Error> convert(std::string_view what, std::string_view options,
                              const std::filesystem::path& path) {
    return fail(fmt::format("{}; PKCS#8 is expected. Convert it: openssl pkcs8 -topk8 {}-in {} -out {}.p8",
                            what, options, path.string(), path.string()));
}

Status classify_encrypted(Reader algorithm, const std::filesystem::path& path) {
    static constexpr std::array<std::uint8_t, 9> pbes2{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d};
    const auto oid = algorithm.read_oid();
    if (!oid)
        return fail("the encrypted key is not DER");
    if (!equal(*oid, pbes2))
        return convert("the key is encrypted in an old way (not PBES2)", "-v2 aes-256-cbc ", path);
    return {};
}

// Tells the structures apart by their first two elements.
Status classify(KeyBlock& block, bool pem, const std::filesystem::path& path) {
    const std::string_view form = pem ? "" : "-inform DER ";
    Reader outer{block.der};
    auto fields = outer.read_into(Tag::sequence);
    if (!fields || !outer.empty())
        return fail("the key is not one whole DER SEQUENCE");
    if (auto algorithm = fields->read_into(Tag::sequence)) {
        block.encrypted = true;
        return classify_encrypted(*algorithm, path);
    }
    if (!fields->read_unsigned())
        return fail("the key is no PKCS#8 structure");
    if (fields->next_is(Tag::integer))
        return convert("this is an RSA key in PKCS#1 form", form, path);
    if (fields->next_is(Tag::octet_string))
        return convert("this is an EC key in SEC1 form", form, path);
    auto algorithm = fields->read_into(Tag::sequence);
    const auto oid = algorithm ? algorithm->read_oid() : std::nullopt;
    if (!oid)
        return fail("the key is no PKCS#8 structure");
    static constexpr std::array<std::uint8_t, 9> rsassa_pss{0x2a, 0x86, 0x48, 0x86, 0xf7,
                                                            0x0d, 0x01, 0x01, 0x0a};
    if (equal(*oid, rsassa_pss)) {
        block.rsa_pss_only = true;
        block.pss_parameters.assign(algorithm->rest().begin(), algorithm->rest().end());
    }
    return {};
}

}  // namespace

Result<KeyBlock> find_key_block(ByteView file, const std::filesystem::path& path) {
    KeyBlock block;
    const bool pem =
        !crypto::looks_like_der(file, {plain_label, encrypted_label, "EC PRIVATE KEY", "RSA PRIVATE KEY"});
    if (pem) {
        const bool pkcs8 =
            crypto::has_pem_block(file, plain_label) || crypto::has_pem_block(file, encrypted_label);
        if (!pkcs8) {
            if (crypto::has_pem_block(file, "EC PRIVATE KEY"))
                return convert("this is an EC key in SEC1 form (\"EC PRIVATE KEY\")", "", path);
            if (crypto::has_pem_block(file, "RSA PRIVATE KEY"))
                return convert("this is an RSA key in PKCS#1 form (\"RSA PRIVATE KEY\")", "", path);
            if (crypto::has_pem_block(file, "OPENSSH PRIVATE KEY"))
                return fail(
                    "this is an OpenSSH key; PKCS#8 is expected. Convert a copy of it: ssh-keygen -p -m "
                    "PKCS8 -f " +
                    path.string());
        }
        auto decoded = crypto::decode_pem(file, {plain_label, encrypted_label});
        if (!decoded)
            return tl::unexpected(decoded.error());
        block.der = std::move(*decoded);
    } else {
        block.der.assign(file.begin(), file.end());
    }
    if (auto classified = classify(block, pem, path); !classified)
        return tl::unexpected(classified.error());
    return block;
}

}  // namespace eightbells::keys
