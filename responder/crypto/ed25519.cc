#include <botan/ed25519.h>
#include <botan/pubkey.h>

#include "responder/crypto/certificate.h"

namespace eightbells::crypto {

bool verify_ed25519(std::span<const std::uint8_t, 32> public_key, ByteView message,
                    ByteView signature) noexcept {
    try {
        const Botan::Ed25519_PublicKey key{ByteView{public_key}};
        Botan::PK_Verifier verifier{key, "Pure"};
        return verifier.verify_message(message, signature);
    } catch (const std::exception&) {
        return false;  // no point of the curve, or a signature of another length
    }
}

}  // namespace eightbells::crypto
