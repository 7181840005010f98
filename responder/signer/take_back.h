#ifndef EIGHTBELLS_RESPONDER_SIGNER_TAKE_BACK_H
#define EIGHTBELLS_RESPONDER_SIGNER_TAKE_BACK_H

#include <cstdint>
#include <map>
#include <string>

#include "cache/page.h"
#include "cache/patch.h"
#include "responder/base/clock.h"
#include "responder/ledger/ledger.h"
#include "responder/signer/identity.h"

namespace eightbells::signer {

// What reads published bytes shows each page and patch to a witness. Patches come first: what one says of a
// serial is newer than any page below it.
class Witness {
  public:
    virtual ~Witness() = default;
    virtual Status see_page(const cache::Page& page) = 0;
    virtual Status see_patch(const cache::Patch& patch) = 0;
};

// Holds what was once published for an issuer against the ledger, and takes back into the ledger what it has
// forgotten, so that a ledger that was restored from an old copy, or begun anew, neither makes a revoked
// certificate good again (C-08) nor calls an issued one "never issued" (C-06):
//  - a revocation of a certificate that is good or on hold in the ledger;
//  - a certificate that the ledger does not know at all, with its last published status, a hold too. Answers
//    do not tell a certificate's end: it counts as not expired until a source gives it.
// A published hold of a certificate that the ledger has as good is left alone: it may rightly have been
// released since. One thread; in limits::taken_back_at_once parts, each all or nothing.
class TakeBack final : public Witness {
  public:
    // `where` is named in messages. All but `where` must outlive it.
    TakeBack(ledger::Ledger& ledger, const Identity& identity, std::string where, const Clock& clock);

    Status see_page(const cache::Page& page) override;
    Status see_patch(const cache::Patch& patch) override;
    // Afterwards: what is still to be written.
    Status finish();

    struct Counts {
        std::uint64_t issued = 0;
        std::uint64_t revoked = 0;  // of certificates that the ledger knew
    };
    const Counts& counts() const noexcept { return counts_; }

  private:
    struct Statement {
        std::uint64_t sequence = 0;
        CertStatus status;
        bool known = false;
    };
    Status weigh(const Serial& serial, const CertStatus& published, std::uint64_t sequence,
                 const ledger::Certificate* known);
    Status look_up(const Serial& serial, const CertStatus& published, std::uint64_t sequence);

    ledger::Ledger& ledger_;
    const Identity& identity_;
    std::string where_;
    const Clock& clock_;
    std::map<Serial, Statement> forgotten_;
    Counts counts_;
};

}  // namespace eightbells::signer

#endif
