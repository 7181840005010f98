#include <botan/data_src.h>
#include <botan/ed25519.h>
#include <botan/mem_ops.h>
#include <botan/pkcs8.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <fmt/format.h>

#include <algorithm>

#include "responder/base/durable_file.h"
#include "responder/keys/limits.h"
#include "responder/keys/signing_key.h"

namespace eightbells::keys {

struct StoreKey::State {
    Botan::Ed25519_PrivateKey key;
};

namespace {

Result<Botan::Ed25519_PrivateKey> create(const std::filesystem::path& path) {
    try {
        Botan::System_RNG rng;
        Botan::Ed25519_PrivateKey key{rng};
        std::string pem = Botan::PKCS8::PEM_encode(key);
        const Status written = write_file_durably(path, as_bytes(pem), 0600);
        Botan::secure_scrub_memory(pem.data(), pem.size());
        if (!written)
            return fail("store key", written.error());
        return key;
    } catch (const std::exception& e) {
        return fail(fmt::format("{}: cannot make a store key: {}", path.string(), e.what()));
    }
}

Result<Botan::Ed25519_PrivateKey> load(const std::filesystem::path& path) {
    auto bytes = read_file(path, limits::key_file_octets);
    if (!bytes)
        return fail("store key", bytes.error());
    try {
        Botan::DataSource_Memory source{ByteView{*bytes}};
        const auto key = Botan::PKCS8::load_key(source);
        Botan::secure_scrub_memory(bytes->data(), bytes->size());
        if (const auto* ed25519 = dynamic_cast<const Botan::Ed25519_PrivateKey*>(key.get()))
            return *ed25519;
        return fail(
            fmt::format("{}: the store key must be Ed25519; this is {}", path.string(), key->algo_name()));
    } catch (const std::exception& e) {
        return fail(fmt::format("{}: no PKCS#8 store key without a passphrase: {}", path.string(), e.what()));
    }
}

}  // namespace

StoreKey::StoreKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
StoreKey::~StoreKey() = default;
StoreKey::StoreKey(StoreKey&&) noexcept = default;
StoreKey& StoreKey::operator=(StoreKey&&) noexcept = default;

Result<StoreKey> StoreKey::load_or_create(const std::filesystem::path& path) {
    // Only a path where nothing stands is written to: a key that cannot be read now must not be replaced by a
    // new one that no front trusts.
    std::error_code error;
    const auto found = std::filesystem::symlink_status(path, error);
    auto key = found.type() == std::filesystem::file_type::not_found ? create(path) : load(path);
    if (!key)
        return tl::unexpected(key.error());
    return StoreKey{std::make_unique<State>(State{std::move(*key)})};
}

std::array<std::uint8_t, 32> StoreKey::public_key() const noexcept {
    const auto point = state_->key.raw_public_key_bits();
    std::array<std::uint8_t, 32> octets{};
    std::copy_n(point.begin(), octets.size(), octets.begin());  // always 32 octets (RFC 8032)
    return octets;
}

Result<std::array<std::uint8_t, 64>> StoreKey::sign(ByteView message) const noexcept {
    try {
        Botan::System_RNG rng;  // Ed25519 draws nothing from it; the interface wants one
        Botan::PK_Signer signer{state_->key, rng, "Pure"};
        const auto signature = signer.sign_message(message, rng);
        std::array<std::uint8_t, 64> octets{};
        if (signature.size() != octets.size())
            return fail("store key: a signature of unexpected size");
        std::ranges::copy(signature, octets.begin());
        return octets;
    } catch (const std::exception& e) {
        return fail(fmt::format("store key: cannot sign: {}", e.what()));
    }
}

}  // namespace eightbells::keys
