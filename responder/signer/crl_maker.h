#ifndef EIGHTBELLS_RESPONDER_SIGNER_CRL_MAKER_H
#define EIGHTBELLS_RESPONDER_SIGNER_CRL_MAKER_H

#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "responder/crl/crl.h"
#include "responder/crl/encode.h"
#include "responder/ledger/ledger.h"
#include "responder/signer/crl_scope.h"
#include "responder/signer/identity.h"

namespace eightbells::signer {

// A CRL that was made, read back and found right; not published by that.
struct MadeCrl {
    std::shared_ptr<const MappedFile> der;
    crl::CrlVersion version;
    UtcTime next_update{};
    std::uint64_t entries = 0;
};

// Makes the CRLs of one issuer out of the ledger: in files without names, with memory that does not grow with
// the number of entries. Knows nothing of when, nor of publishing. Not for several threads.
class CrlMaker {
  public:
    // `identity` has a CRL key. `scratch`: a folder for files without names, on a disk with room for each CRL
    // twice.
    CrlMaker(std::shared_ptr<const Identity> identity, std::filesystem::path scratch);

    const std::vector<CrlScope>& scopes() const noexcept { return scopes_; }

    // The entries of all scopes, from one reading of the ledger at one moment. Expired certificates stay
    // where the scheme keeps them (F-16); elsewhere they are left out once they have stood on a regular CRL
    // after their end (RFC 5280, section 3.3), and never before (C-13).
    struct Dealt {
        std::vector<crl::EntrySpool> entries;                   // as scopes()
        std::uint64_t covers = 0;                               // Ledger::status_changes that they hold
        UtcTime latest{};                                       // revocation among them
        std::vector<std::pair<std::uint64_t, Serial>> leaving;  // expired, and here for the last time
    };
    Result<Dealt> deal(ledger::Ledger& ledger, UtcTime expired_before);
    // What turns the base into the complete CRL: new and changed entries, and removeFromCRL for what is gone
    // (F-15). Both CRLs are ours, in our order of entries.
    Result<crl::EntrySpool> deal_delta(ByteView base, ByteView complete);

    // Number and times apart, the same for every CRL of the issuer.
    struct Kind {
        const CrlScope* scope = nullptr;
        std::optional<Bytes> base;  // a delta to this number
        bool last = false;          // no other follows: neither delta nor next publication is named
        ByteView complete{};        // of a delta: the complete CRL that is made with it
    };
    // What the gate for strangers' CRLs must know of one.
    crl::CrlPolicy policy(const Kind& kind) const;
    // Signs, reads back with the parser for strangers' CRLs, verifies, and holds every entry against what was
    // meant. `previous`: what is served at its place.
    Result<MadeCrl> make(const Kind& kind, const Bytes& number, const CrlTimes& times,
                         const crl::EntrySpool& entries, const std::optional<crl::CrlVersion>& previous,
                         UtcTime now);

  private:
    crl::CrlFields fields(const Kind& kind, const Bytes& number, const CrlTimes& times) const;
    Result<MadeCrl> check(std::shared_ptr<const MappedFile> der, const Kind& kind,
                          const crl::EntrySpool& entries, const std::optional<crl::CrlVersion>& previous,
                          UtcTime now) const;
    bool keeps_expired() const noexcept;
    bool names_delta(const Kind& kind) const noexcept;

    std::shared_ptr<const Identity> identity_;
    std::filesystem::path scratch_;
    std::vector<CrlScope> scopes_;
    Bytes key_identifier_;
};

}  // namespace eightbells::signer

#endif
