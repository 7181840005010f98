#ifndef EIGHTBELLS_RESPONDER_WATCH_OPENSSL_SEAM_H
#define EIGHTBELLS_RESPONDER_WATCH_OPENSSL_SEAM_H

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "responder/base/bytes.h"
#include "responder/base/result.h"
#include "responder/watch/verdict.h"

namespace eightbells::watch {

// One issuer as OpenSSL sees it: makes requests as relying parties do, reads answers and CRLs, and shows what
// Botan does not: revocation time, reason, CRL number. Its certificate is the only one that is trusted, a
// root or not. Const functions may be called from several threads.
class OpensslIssuer {
  public:
    static Result<OpensslIssuer> parse(ByteView pem_or_der);
    OpensslIssuer(OpensslIssuer&&) noexcept;
    OpensslIssuer& operator=(OpensslIssuer&&) noexcept;
    ~OpensslIssuer();

    const Bytes& der() const noexcept;
    UtcTime not_after() const noexcept;

    // From a certificate (PEM or DER), which must name this issuer; or from a serial alone, for which a
    // certificate with this issuer's name and a throwaway key is made.
    Result<Canary> canary(CanaryKind kind, ByteView certificate) const;
    Result<Canary> canary(CanaryKind kind, const Serial& serial) const;

    Result<Bytes> request(const Serial& serial, RequestHash hash) const;  // DER, one CertID, no nonce
    // Reads and verifies in the order of RFC 6960, section 3.2. Never judges the status itself.
    OcspSeen read_ocsp(ByteView answer, const Serial& serial, RequestHash hash, UtcTime now) const;

    // A CRL, read once and asked for each canary. Not for several threads at a time: OpenSSL sorts it at the
    // first question.
    class Crl {
      public:
        Crl(Crl&&) noexcept;
        Crl& operator=(Crl&&) noexcept;
        ~Crl();
        const Verdict& verdict() const noexcept;
        const std::string& number() const noexcept;  // CRLNumber in decimal; empty: none
        UtcTime this_update() const noexcept;
        std::optional<UtcTime> next_update() const noexcept;
        std::uint64_t entries() const noexcept;
        // Of a CRL whose verdict is right; nullopt: not listed (or taken off the list).
        std::optional<SeenRevocation> find(const Serial& serial);

      private:
        friend class OpensslIssuer;
        struct State;
        explicit Crl(std::unique_ptr<State> state);
        std::unique_ptr<State> state_;
    };
    Crl read_crl(ByteView crl, UtcTime now) const;

  private:
    struct State;
    explicit OpensslIssuer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// Whether these octets are one DER value, whole: the header's length tells "cut off" from "something else".
enum class DerExtent : std::uint8_t { whole, cut_off, no_der, more_behind };
DerExtent der_extent(ByteView octets) noexcept;

}  // namespace eightbells::watch

#endif
