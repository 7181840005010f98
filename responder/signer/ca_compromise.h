#ifndef EIGHTBELLS_RESPONDER_SIGNER_CA_COMPROMISE_H
#define EIGHTBELLS_RESPONDER_SIGNER_CA_COMPROMISE_H

#include "responder/crypto/certificate.h"
#include "responder/ledger/ledger.h"

namespace eightbells::signer {

// The switch for the day an issuer's own key is compromised (C-15, EN 319 411-1 OVR-6.4.8-13): every
// certificate on record that is not revoked yet becomes revoked with reason cACompromise at `time`; holds
// become revocations and keep their first time. One import, all or nothing, on the record of the audit log;
// the publisher then signs it as it signs any change. There is no way back.
Result<ledger::ImportReport> revoke_everything(ledger::Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                               UtcTime time, UtcTime now);

}  // namespace eightbells::signer

#endif
