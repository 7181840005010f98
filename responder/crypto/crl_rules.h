#ifndef EIGHTBELLS_RESPONDER_CRYPTO_CRL_RULES_H
#define EIGHTBELLS_RESPONDER_CRYPTO_CRL_RULES_H

#include <string>
#include <vector>

#include "responder/crypto/certificate.h"

namespace eightbells::crypto {

// Whether a CA's own certificate lets its key sign CRLs: keyUsage with cRLSign (RFC 5280, section 4.2.1.3;
// F-01). Without keyUsage every use is allowed; the schemes of public trust ask for it. Why not; empty: it
// may.
std::string why_not_crl_signer(const Certificate& ca, Scheme scheme);

// The URIs under which the certificate says that its CRL lies: the uniformResourceIdentifiers of the
// fullNames in cRLDistributionPoints (RFC 5280, section 4.2.1.13), in their order, octet by octet. A
// DistributionPoint with cRLIssuer belongs to an indirect CRL and is passed over. Empty: there are none; an
// error: not DER.
Result<std::vector<std::string>> crl_distribution_points(const Certificate& certificate);

}  // namespace eightbells::crypto

#endif
