#ifndef EIGHTBELLS_RESPONDER_WATCH_WATCH_KEY_H
#define EIGHTBELLS_RESPONDER_WATCH_WATCH_KEY_H

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "responder/base/bytes.h"
#include "responder/base/result.h"

namespace eightbells::watch {

using WatchPublicKey = std::array<std::uint8_t, 32>;  // Ed25519, as in RFC 8032

// The watch's own key, with which it signs its ledger's head and its reports. No status key.
class WatchKey {
  public:
    // PKCS#8 PEM. A missing file is made, private to its owner, with the public half beside it in hex
    // (watch-key.pem, watch-key.pub).
    static Result<WatchKey> load_or_make(const std::filesystem::path& file);
    WatchKey(WatchKey&&) noexcept;
    WatchKey& operator=(WatchKey&&) noexcept;
    ~WatchKey();

    const WatchPublicKey& public_key() const noexcept;
    Result<Bytes> sign(std::string_view text) const;

  private:
    struct Key;
    explicit WatchKey(std::unique_ptr<Key> key);
    std::unique_ptr<Key> key_;
};

bool verify(const WatchPublicKey& key, std::string_view text, ByteView signature) noexcept;
Result<WatchPublicKey> parse_public_key(std::string_view hex);

}  // namespace eightbells::watch

#endif
