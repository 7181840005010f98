#ifndef EIGHTBELLS_RESPONDER_SIGNER_TAKE_BACK_H
#define EIGHTBELLS_RESPONDER_SIGNER_TAKE_BACK_H

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <unordered_map>

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
    virtual Status see_empty_page(unsigned page_bits, std::uint32_t index) = 0;  // by the head's word
    virtual Status see_patch(const cache::Patch& patch) = 0;
    virtual void miss_patch() = 0;  // one is lost: nobody knows what it says
};

// Holds what was once published for an issuer against the ledger, and takes back into the ledger what it has
// forgotten, so that a ledger that was restored from an old copy, or begun anew, neither makes a revoked
// certificate good again (C-08) nor calls an issued one "never issued" (C-06):
//  - a revocation of a certificate that is good or on hold in the ledger;
//  - a certificate that the ledger does not know at all, with its last published status, a hold too. Answers
//    do not tell a certificate's end: it counts as not expired until a source gives it.
// A published hold of a certificate that the ledger has as good is left alone: it may rightly have been
// released since.
//
// And the other way round, of what is published from: where the ledger has a certificate as revoked, on hold
// or issued, no change of it waits, and what is published knows nothing of that, it is written down to be
// published again. So it is where the page file is an old copy, and where it is that of a signer that
// followed: the one that led had published it in its own page file, and the store, from which the other's is
// copied, has not got it, or just now. (Where a patch is lost everything is signed anew anyway.)
// One thread; in limits::taken_back_at_once parts, each all or nothing.
class TakeBack final : public Witness {
  public:
    enum class Seen { published_from, another_store };
    // `where` is named in messages. All but `where` must outlive it.
    TakeBack(ledger::Ledger& ledger, const Identity& identity, Seen seen, std::string where,
             const Clock& clock);

    Status see_page(const cache::Page& page) override;
    Status see_empty_page(unsigned page_bits, std::uint32_t index) override;
    Status see_patch(const cache::Patch& patch) override;
    void miss_patch() override { patches_lost_ = true; }
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
    Status note_lacking(std::span<const ledger::Certificate> known, const cache::Page* page);
    Status take_forgotten();
    Status publish_lacking();

    ledger::Ledger& ledger_;
    const Identity& identity_;
    const Seen seen_;
    std::string where_;
    const Clock& clock_;
    std::map<Serial, Statement> forgotten_;
    struct Patched {
        std::uint64_t sequence = 0;
        int weight = 0;
    };
    std::unordered_map<std::uint64_t, Patched> patched_;  // by serial hash: the newest patch's word
    bool patches_lost_ = false;
    std::set<Serial> lacking_;
    crypto::Sha256 sha256_;
    Counts counts_;
};

}  // namespace eightbells::signer

#endif
