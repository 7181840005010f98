#ifndef EIGHTBELLS_RESPONDER_FRONT_LIVE_CHECK_H
#define EIGHTBELLS_RESPONDER_FRONT_LIVE_CHECK_H

#include <vector>

#include "responder/base/clock.h"
#include "responder/base/result.h"
#include "responder/crypto/certificate.h"
#include "responder/front/issuers.h"
#include "responder/live/message.h"

namespace eightbells::front {

// Judges what came back over the private call before it is sent: the signer's output is hostile until
// checked. It must be a successful answer in the shapes that we send, to exactly the CertIDs asked for, in
// their order, with the nonce asked for and no other, valid now, and signed by the issuer or by a
// delegate that the issuer signed (group H). Keeps the last signer's key of each issuer, since building a key
// costs about as much as a check. One object a worker.
class LiveCheck {
  public:
    explicit LiveCheck(std::shared_ptr<const Issuers> issuers);

    // The error names the field; it goes into the log, never to a client.
    Status check(std::size_t issuer, const live::Call& call, ByteView response, UtcTime now);

  private:
    struct Signer {
        crypto::Certificate certificate;
        crypto::Sha1Digest key_hash{};
        crypto::SignatureVerifier verifier;
    };
    Result<Signer*> signer_of(std::size_t issuer, const std::vector<ByteView>& certificates, UtcTime now);

    std::shared_ptr<const Issuers> issuers_;
    std::vector<std::optional<Signer>> signers_;  // [issuer]
};

}  // namespace eightbells::front

#endif
