#ifndef EIGHTBELLS_TESTS_SIGNER_MADE_CRL_H
#define EIGHTBELLS_TESTS_SIGNER_MADE_CRL_H

#include <filesystem>
#include <string>
#include <vector>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/base/serial.h"

namespace eightbells::tests {

struct MadeEntry {
    Serial serial;
    UtcTime time;
    std::string reason;  // as OpenSSL spells it; empty: none
};

// A CRL of the CA that make_issuer() left in `folder`, made by the openssl command from an index.txt of these
// entries: `crl.pem` there, and the DER. Each has the next number. `extensions`: further lines of OpenSSL's
// section, "issuingDistributionPoint=critical,@idp\n" and the like.
Bytes make_crl(const std::filesystem::path& folder, const std::vector<MadeEntry>& entries,
               UtcTime this_update, UtcTime next_update, const std::string& extensions = {});

}  // namespace eightbells::tests

#endif
