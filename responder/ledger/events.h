#ifndef EIGHTBELLS_RESPONDER_LEDGER_EVENTS_H
#define EIGHTBELLS_RESPONDER_LEDGER_EVENTS_H

#include <nlohmann/json_fwd.hpp>

#include "responder/ledger/books.h"

namespace eightbells::ledger {

// One event within the caller's transaction: validated, applied, remembered, on the audit log.
Result<EventAnswer> apply_event(Writing& writing, const Event& event);

// A status as the audit log writes it.
nlohmann::ordered_json status_json(const CertStatus& status);

}  // namespace eightbells::ledger

#endif
