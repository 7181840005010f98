#ifndef EIGHTBELLS_RESPONDER_LEDGER_AUDIT_H
#define EIGHTBELLS_RESPONDER_LEDGER_AUDIT_H

#include <string>
#include <string_view>
#include <vector>

#include "responder/base/clock.h"
#include "responder/ledger/ledger.h"
#include "responder/ledger/sqlite.h"

namespace eightbells::ledger {

// The append-only log (G-12, G-14, G-15). Line n holds the UTC time, a kind, a JSON text, and
// SHA-256(hash of line n-1 || n as 8 octets || time || 0 || kind || 0 || text); before line 1 stand 32 zero
// octets. Used inside the writer's transaction: load, append ..., store_head, commit.
class AuditLog {
  public:
    Status load(Database& database);
    Status append(Database& database, UtcTime at, std::string_view kind, std::string_view text);
    Status store_head(Database& database);

  private:
    AuditHead head_;
    bool grown_ = false;
    crypto::Sha256 sha256_;
};

Result<AuditHead> read_audit_head(Database& database);
// Every fault found, up to limits::integrity_faults: a line missing, edited or moved, a log cut at its end.
Result<std::vector<std::string>> check_audit(Database& database, const std::optional<AuditHead>& anchor);

}  // namespace eightbells::ledger

#endif
