#ifndef EIGHTBELLS_RESPONDER_WATCH_JUDGE_H
#define EIGHTBELLS_RESPONDER_WATCH_JUDGE_H

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "responder/fetch/fetch.h"
#include "responder/watch/botan_seam.h"
#include "responder/watch/history.h"
#include "responder/watch/openssl_seam.h"
#include "responder/watch/verdict.h"

namespace eightbells::watch {

using fetch::Fetched;

// One issuer that is watched: what to ask, where, and what the answers must be.
struct WatchedIssuer {
    std::string name;
    OpensslIssuer openssl;
    BotanIssuer botan;
    std::vector<Canary> canaries;
    std::string ocsp_url;             // empty: OCSP is not watched
    std::string crl_url;              // empty: no CRL is watched
    std::vector<std::string> fronts;  // "host:port" of each; empty: every address of the URL's name
    std::vector<RequestHash> hashes{RequestHash::sha256};
    bool public_trust = false;  // the rules of D-05 and D-06 hold for its answers
};

// Whether what was fetched is right, and why not: the first thing that a relying party would stumble over.
// Judging needs no network and no clock: the same octets and time give the same verdict again.

// The way there alone, as the ledger names it.
Verdict judge_way(const Fetched& fetched);
// Status, media type and Date.
Verdict judge_http(const Fetched& fetched, std::string_view media_type, UtcTime now);
// No cache has kept it, or may keep it, beyond max-age and nextUpdate.
Verdict judge_caching(const Fetched& fetched, UtcTime next_update, UtcTime now);

struct OcspJudged {
    Verdict verdict;
    OcspSeen seen;
};
OcspJudged judge_ocsp(const WatchedIssuer& issuer, const Canary& canary, RequestHash hash,
                      const Fetched& fetched, UtcTime now);

// What OCSP last said rightly of each canary, to hold the CRL against.
using OcspWords = std::map<CanaryKind, OcspSeen>;
struct CrlJudged {
    Verdict verdict;
    CrlFacts facts;                                          // of a CRL that could be read
    std::vector<std::pair<Serial, SeenRevocation>> awaited;  // of the serials asked for: those it lists
};
CrlJudged judge_crl(const WatchedIssuer& issuer, const OcspWords& words, std::span<const Serial> awaited,
                    const Fetched& fetched, UtcTime now);

}  // namespace eightbells::watch

#endif
