#ifndef EIGHTBELLS_RESPONDER_CRL_ENTRY_RULES_H
#define EIGHTBELLS_RESPONDER_CRL_ENTRY_RULES_H

#include <array>
#include <cstdint>
#include <string>

#include "responder/crl/crl.h"

namespace eightbells::crl {

// The rules for single entries by profile (F-08, F-09, F-10), for a stream of millions: what binds refuses at
// the first entry, what is advice is counted and told once.
class EntryRules {
  public:
    // Both are borrowed.
    EntryRules(const CrlView& crl, const CrlPolicy& policy);

    // `position` counts from 1. An error names entry, serial and row.
    Status check(const CrlEntry& entry, std::uint64_t position);
    // Adds to the policy's warnings, one for each kind of departure.
    void tell() const;

  private:
    enum Kind : std::size_t { reason_critical, reason_spelled, reason_missing, invalidity_critical, kinds };
    struct Seen {
        std::uint64_t times = 0;
        std::string first;
    };
    Status depart(Kind kind, const CrlEntry& entry, std::uint64_t position);

    const CrlPolicy& policy_;
    bool public_trust_;
    bool covers_cas_;
    bool delta_;
    std::array<Seen, kinds> seen_;
};

}  // namespace eightbells::crl

#endif
