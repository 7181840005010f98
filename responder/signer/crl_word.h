#ifndef EIGHTBELLS_RESPONDER_SIGNER_CRL_WORD_H
#define EIGHTBELLS_RESPONDER_SIGNER_CRL_WORD_H

#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "responder/base/clock.h"
#include "responder/ledger/ledger.h"
#include "responder/signer/schedule.h"

namespace eightbells::signer {

// What the CRL vouches for, of issuers whose status comes from it alone (B-13): its thisUpdate, until its
// nextUpdate. A last CRL (nextUpdate 99991231235959Z, RFC 5280 section 4.1.2.5, EN 319 411-1 CSS-6.3.9-06)
// says that nothing will change any more, and so speaks for every later moment; it is believed in that while
// no certificate on record is open. Any thread.
class CrlWord {
  public:
    // Both must outlive it.
    CrlWord(ledger::Ledger& ledger, const Clock& clock) : ledger_(ledger), clock_(clock) {}

    // A CRL that was verified and whose entries are durable in the ledger, newer than the one before.
    // `path`: where it is served, which tells an issuer's CRLs apart.
    void accepted(const std::string& issuer, const std::string& path, ByteView der);
    // What the CRLs at all of these paths vouch for together: the oldest thisUpdate until the earliest
    // nextUpdate. nullopt: one of them was not accepted yet.
    std::optional<Vouched> of(const std::string& issuer, std::span<const std::string> paths);

  private:
    struct Words {
        std::map<std::string, Vouched> by_path;
        bool last = false;  // nothing is open, as looked up at `looked_at`
        std::optional<UtcTime> looked_at;
    };
    bool is_last(const std::string& issuer, UtcTime now) const;

    ledger::Ledger& ledger_;
    const Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Words> words_;  // issuer id
};

}  // namespace eightbells::signer

#endif
