#ifndef EIGHTBELLS_RESPONDER_KEYS_SIGNING_KEY_H
#define EIGHTBELLS_RESPONDER_KEYS_SIGNING_KEY_H

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "responder/base/bytes.h"
#include "responder/crypto/certificate.h"
#include "responder/ocsp/answer.h"

namespace eightbells::keys {

// How RSA keys sign; other keys have one way each.
enum class RsaPadding : std::uint8_t { pkcs1_v15, pss };

// One private key that signs status, behind one seam so that a hardware key can join. Thread-safe to make
// signers from.
class SigningKey {
  public:
    virtual ~SigningKey() = default;

    virtual ByteView subject_public_key_info() const noexcept = 0;
    virtual ByteView signature_algorithm() const noexcept = 0;  // AlgorithmIdentifier, byte-exact (B-09)
    virtual ocsp::SignatureForm signature_form() const noexcept = 0;

    // A signing context. One a thread; it must not outlive the key.
    class Signer {
      public:
        virtual ~Signer() = default;
        // The signature in the raw form that signature_form() names. Errors are values: a key that is gone is
        // not a crash.
        virtual Result<Bytes> sign(ByteView message) noexcept = 0;
        // The same for a message that comes in parts, whatever its size; `finish` begins the next one.
        // Ed25519 reads its message twice, so that it must be held meanwhile: refused above
        // limits::held_message_octets. After an error the message begins anew.
        virtual Status update(ByteView part) noexcept = 0;
        virtual Result<Bytes> finish() noexcept = 0;
    };
    virtual Result<std::unique_ptr<Signer>> make_signer() const = 0;
};

struct KeyFile {
    std::filesystem::path path;
    std::string passphrase;  // empty: the file is not encrypted
};

// PKCS#8 in PEM or DER, plain or PBES2 (PBKDF2 or scrypt): RSA 2048 to 8192, P-256, P-384, P-521; Ed25519
// only when `allow_ed25519` (scheme `private`). Hash: SHA-256 for RSA up to 3072 and P-256, SHA-384 for
// P-384, SHA-512 for P-521 and RSA above 3072 (H-10, B-10). "EC PRIVATE KEY" and "RSA PRIVATE KEY" (not
// PKCS#8) are refused with the openssl command that converts them. The key has signed and its public half
// verified once before this returns. `warnings` takes what is discouraged: a file that others may read
// (H-11).
Result<std::shared_ptr<const SigningKey>> load_signing_key(const KeyFile& file, RsaPadding padding,
                                                           bool allow_ed25519,
                                                           std::vector<std::string>* warnings = nullptr);

// H-10, H-12: the key in the file belongs to the certificate that says so.
Status check_key_matches(const SigningKey& key, const crypto::Certificate& certificate);

// The store key (Ed25519) that signs heads. The file is made on first use, PKCS#8 PEM, mode 0600.
class StoreKey {
  public:
    static Result<StoreKey> load_or_create(const std::filesystem::path& path);
    ~StoreKey();
    StoreKey(StoreKey&&) noexcept;
    StoreKey& operator=(StoreKey&&) noexcept;

    std::array<std::uint8_t, 32> public_key() const noexcept;
    Result<std::array<std::uint8_t, 64>> sign(ByteView message) const noexcept;

  private:
    struct State;
    explicit StoreKey(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::keys

#endif
