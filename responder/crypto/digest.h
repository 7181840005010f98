#ifndef EIGHTBELLS_RESPONDER_CRYPTO_DIGEST_H
#define EIGHTBELLS_RESPONDER_CRYPTO_DIGEST_H

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <span>

#include "responder/base/bytes.h"

namespace eightbells::crypto {

using Sha1Digest = std::array<std::uint8_t, 20>;
using Sha256Digest = std::array<std::uint8_t, 32>;

// SHA-256 whose state is made once and used again without allocation. One object a thread. Never throws after
// construction.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(ByteView bytes) noexcept;
    Sha256Digest finish() noexcept;  // and begins anew
    Sha256Digest of(ByteView bytes) noexcept {
        update(bytes);
        return finish();
    }

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// One-off forms, for places where an allocation does not matter.
Sha256Digest sha256(ByteView bytes);
Sha1Digest sha1(ByteView bytes);

// Where a certificate stands in pages and ledger: the first 8 octets, big-endian, of SHA-256 over the
// canonical serial.
std::uint64_t serial_hash(Sha256& sha256, ByteView serial_magnitude) noexcept;

}  // namespace eightbells::crypto

#endif
