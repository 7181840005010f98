#include "responder/crypto/digest.h"

#include <botan/hash.h>

namespace eightbells::crypto {

struct Sha256::State {
    std::unique_ptr<Botan::HashFunction> hash = Botan::HashFunction::create_or_throw("SHA-256");
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(ByteView bytes) noexcept {
    state_->hash->update(bytes);
}

Sha256Digest Sha256::finish() noexcept {
    Sha256Digest digest;
    state_->hash->final(std::span<std::uint8_t>{digest});
    return digest;
}

Sha256Digest sha256(ByteView bytes) {
    return Sha256{}.of(bytes);
}

Sha1Digest sha1(ByteView bytes) {
    const auto hash = Botan::HashFunction::create_or_throw("SHA-1");
    hash->update(bytes);
    Sha1Digest digest;
    hash->final(std::span<std::uint8_t>{digest});
    return digest;
}

std::uint64_t serial_hash(Sha256& sha256, ByteView serial_magnitude) noexcept {
    const Sha256Digest digest = sha256.of(serial_magnitude);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i)
        value = value << 8 | digest[i];
    return value;
}

}  // namespace eightbells::crypto
