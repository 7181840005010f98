#ifndef EIGHTBELLS_TESTS_CONFORMANCE_SERVED_H
#define EIGHTBELLS_TESTS_CONFORMANCE_SERVED_H

#include "tests/conformance/world.h"

namespace eightbells::conformance {

// The one world that the cases of an executable share: `eightbells run` with four CAs (p256, p384, rsa, and
// pss, whose certificates, CRL and answers are signed with RSASSA-PSS). Nobody changes what they have on
// record.
RunWorld& served();

// What its programs exported when they were ready and nobody had asked yet.
struct Scrapes {
    std::string front;
    std::string signer;
};
const Scrapes& scraped_at_start();

// What a certificate's line in index.txt means, as peers say it.
struct Meaning {
    bool revoked = false;
    std::string time;                   // YYMMDDHHMMSSZ
    std::string reason;                 // as OpenSSL and Python spell it; empty: none
    int code = 0;                       // of the reason, RFC 5280, section 5.3.1
    std::string invalidity_date = "-";  // YYMMDDHHMMSSZ or "-"
};
Meaning meaning_of(const Authority::Entry& entry);

}  // namespace eightbells::conformance

#endif
