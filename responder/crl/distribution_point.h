#ifndef EIGHTBELLS_RESPONDER_CRL_DISTRIBUTION_POINT_H
#define EIGHTBELLS_RESPONDER_CRL_DISTRIBUTION_POINT_H

#include <vector>

#include "responder/base/bytes.h"

namespace eightbells::crl {

// What a CRL says of its own scope (RFC 5280, section 5.2.5). Borrows from the extension's value.
//
//   IssuingDistributionPoint ::= SEQUENCE { distributionPoint [0], onlyContainsUserCerts [1],
//     onlyContainsCACerts [2], onlySomeReasons [3], indirectCRL [4], onlyContainsAttributeCerts [5] },
//   all optional, the BOOLEANs with FALSE as default, which DER leaves out.
struct IssuingDistributionPoint {
    std::vector<ByteView> uris;  // of distributionPoint's fullName; compared octet by octet (F-12)
    bool has_relative_name = false;
    bool only_user_certificates = false;
    bool only_ca_certificates = false;
    bool only_some_reasons = false;
    bool indirect = false;
    bool only_attribute_certificates = false;
};

// Strict DER; an empty sequence is an error as well (F-12). At most limits::crl_names names.
Result<IssuingDistributionPoint> parse_issuing_distribution_point(ByteView extension_value);

}  // namespace eightbells::crl

#endif
