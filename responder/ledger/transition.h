#ifndef EIGHTBELLS_RESPONDER_LEDGER_TRANSITION_H
#define EIGHTBELLS_RESPONDER_LEDGER_TRANSITION_H

#include <cstdint>
#include <optional>
#include <string>

#include "responder/base/clock.h"
#include "responder/base/status.h"
#include "responder/ledger/ledger.h"

namespace eightbells::ledger {

// The rules by which a status changes (C-08, C-10, C-11, C-14, B-15), apart from how it is stored. Pure
// functions.

// A source's row number in the ledger.
using SourceId = std::int64_t;

struct Standing {
    CertStatus status;
    bool first_time_kept = false;  // revoked from hold: the time is the hold's, whatever a list says (C-11)
    SourceId by = 0;               // who stated the present status; 0: nobody since it was issued
    friend bool operator==(const Standing&, const Standing&) = default;
};

// The reason as the ledger keeps it: unspecified is absent (B-15).
std::optional<CrlReason> canonical(std::optional<CrlReason> reason) noexcept;

// What a list's entry does to a certificate's standing.
enum class EntryEffect : std::uint8_t { unchanged, revoked, released, corrected, contradicted, differing };
struct EntryOutcome {
    EntryEffect effect = EntryEffect::unchanged;
    Standing standing;  // what it is afterwards; equal to the one before unless revoked, released, corrected
};
EntryOutcome judge_entry(const Standing& now_standing, const CertStatus& stated, SourceId source);

// What an event does. `standing` unset: the certificate is not known. Only revoke, hold, release and correct.
struct EventOutcome {
    Verdict verdict = Verdict::refused;
    std::string message;
    Standing standing;  // meaningful when applied
};
EventOutcome judge_event(const std::optional<Standing>& standing, const Event& event, SourceId source,
                         bool suspension, UtcTime now);

// "revoked at 2026-11-22T06:40:00Z (keyCompromise)", "on hold since ...", "good": for messages.
std::string describe(const CertStatus& status);

}  // namespace eightbells::ledger

#endif
