#ifndef EIGHTBELLS_RESPONDER_SIGNER_CRL_SCOPE_H
#define EIGHTBELLS_RESPONDER_SIGNER_CRL_SCOPE_H

#include <optional>
#include <string>
#include <vector>

#include "responder/base/clock.h"
#include "responder/config/config.h"

namespace eightbells::signer {

// What one of an issuer's CRLs is about (RFC 5280, section 5): every certificate, or those whose
// cRLDistributionPoints name a URI. Its key in the ledger is that URI, "" for the complete one; numbers are
// counted for each key alone.
struct CrlScope {
    std::string distribution_point;  // empty: the complete CRL
    std::string path;                // where it is served
};

// The complete CRL first, then the configured parts.
std::vector<CrlScope> crl_scopes(const config::Issuer& settings);

// Every path at which a CRL of the issuer's may be served, whether made here or not.
std::vector<std::string> crl_paths_of(const config::Issuer& settings);

// On which CRLs a revoked certificate stands: on the complete one always; on its own part; on all parts where
// no source told where it belongs or it names none of them, so that whichever CRL a relying party fetches has
// it. One that names the complete CRL's own path stands on no part.
bool belongs_to(const CrlScope& scope, const std::string* distribution_point,
                const std::vector<CrlScope>& scopes);

// The times of a CRL that is made at `now`.
struct CrlTimes {
    UtcTime this_update{};
    UtcTime next_update{};
    std::optional<UtcTime> next_publish;
};
// thisUpdate is the moment up to which the sources speak (B-13), never before that of the CRL that is served,
// nor before a revocation that stands on it: a change is itself its source's word. nextUpdate is `validity`
// after now, within D-13 and D-14 counted from thisUpdate.
CrlTimes crl_times(const config::Issuer& issuer, UtcTime now, UtcTime as_of, UtcTime latest_revocation,
                   std::optional<UtcTime> served_this_update, seconds validity);

}  // namespace eightbells::signer

#endif
