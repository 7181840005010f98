#ifndef EIGHTBELLS_RESPONDER_WATCH_BOTAN_SEAM_H
#define EIGHTBELLS_RESPONDER_WATCH_BOTAN_SEAM_H

#include <memory>

#include "responder/base/bytes.h"
#include "responder/base/result.h"
#include "responder/watch/verdict.h"

namespace eightbells::watch {

// One issuer as Botan sees it: a trust store that holds its certificate and nothing else, so that another
// CA's responder can vouch for nothing here (CVE-2026-32883). Botan's exceptions end in this module's
// botan_seam.cc. Const functions may be called from several threads.
class BotanIssuer {
  public:
    static Result<BotanIssuer> from_der(ByteView certificate);
    BotanIssuer(BotanIssuer&&) noexcept;
    BotanIssuer& operator=(BotanIssuer&&) noexcept;
    ~BotanIssuer();

    // Path, EKU, signature, CertID and times of an answer for the certificate `subject` (DER).
    SecondOpinion judge_ocsp(ByteView answer, ByteView subject, UtcTime now) const noexcept;

    // A CRL, read once and asked for each canary.
    class Crl {
      public:
        Crl(Crl&&) noexcept;
        Crl& operator=(Crl&&) noexcept;
        ~Crl();
        const SecondOpinion& opinion() const noexcept;  // of signature, issuer and times; no status
        std::optional<SeenStatus> status_of(ByteView subject) const noexcept;  // nullopt: cannot be told

      private:
        friend class BotanIssuer;
        struct State;
        explicit Crl(std::unique_ptr<State> state);
        std::unique_ptr<State> state_;
    };
    Crl judge_crl(ByteView crl, UtcTime now) const;

  private:
    struct State;
    explicit BotanIssuer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::watch

#endif
