#ifndef EIGHTBELLS_RESPONDER_WATCH_EXAMINE_H
#define EIGHTBELLS_RESPONDER_WATCH_EXAMINE_H

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "responder/base/result.h"
#include "responder/watch/chain.h"
#include "responder/watch/history.h"
#include "responder/watch/watch_key.h"

namespace eightbells::watch {

// What is wrong with an outage ledger. Each says which row, and what was found there.
struct LedgerFault {
    enum class Kind : std::uint8_t {
        unreadable,    // SQLite or JSON cannot read it
        missing,       // a number is left out: rows were deleted
        digest,        // a row, or the order of rows, is not what the chain says: edited, moved or exchanged
        content,       // a row that makes no sense where it stands
        evidence,      // an answer's bytes are gone or are not those that the row names
        signature,     // an anchor that the watch's key did not sign
        anchor,        // a signed head says otherwise than the row of its number
        truncated,     // a signed head speaks of rows that are no longer there
        other_ledger,  // a signed head of this watch speaks of another ledger, or the key is another
    };
    Kind kind = Kind::unreadable;
    std::uint64_t row = 0;  // 0: the ledger as a whole
    std::string text;
    std::string to_string() const;  // "row 17: ..."
};

// What a ledger is held against, from outside itself. Without any of it, a ledger whose whole chain was made
// anew by someone without the key cannot be told from the true one.
struct Against {
    std::optional<WatchPublicKey> key;  // without: the key that row 1 names
    std::vector<Anchor> anchors;        // those of other watches are passed over
};

struct Examined {
    History history;
    Head head;
    std::string ledger;                 // digest of row 1 in hex
    std::vector<LedgerFault> faults;    // in the order of their rows; the first limits::ledger_faults_shown
    std::uint64_t anchors_met = 0;      // signed heads, of the ledger itself and from outside, that hold
    std::optional<Anchor> last_anchor;  // the highest of them: behind it, a truncation cannot be seen
};

// Reads a ledger from end to end and redoes all of its arithmetic: nothing is repaired, nothing is written.
// An error: it cannot be opened at all.
Result<Examined> examine(const std::filesystem::path& file, const Against& against);

}  // namespace eightbells::watch

#endif
