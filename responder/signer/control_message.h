#ifndef EIGHTBELLS_RESPONDER_SIGNER_CONTROL_MESSAGE_H
#define EIGHTBELLS_RESPONDER_SIGNER_CONTROL_MESSAGE_H

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "responder/ledger/ledger.h"

namespace eightbells::signer {

// An event as it stands on the control socket's line, but for the issuer, which the caller resolves. Errors
// begin with the field's name; a field that is not known is an error too, so that a misspelt "reason" is not
// lost.
Result<ledger::Event> event_from_json(const nlohmann::json& line);
nlohmann::json to_json(const ledger::EventAnswer& answer);

}  // namespace eightbells::signer

#endif
