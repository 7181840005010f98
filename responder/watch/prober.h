#ifndef EIGHTBELLS_RESPONDER_WATCH_PROBER_H
#define EIGHTBELLS_RESPONDER_WATCH_PROBER_H

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "responder/fetch/fetch.h"
#include "responder/watch/chain.h"
#include "responder/watch/history.h"
#include "responder/watch/judge.h"
#include "responder/watch/outage_ledger.h"

namespace eightbells::watch {

using fetch::Fetch;
using fetch::Fetched;
using fetch::Fetcher;

// Takes what a round sees, as soon as it is known.
class RoundSink {
  public:
    virtual ~RoundSink() = default;
    virtual void observed(const SeriesKey& key, const Observation& observation) = 0;
    virtual void noted(const std::string& issuer, const OcspFacts& facts) = 0;
    virtual void noted(const std::string& issuer, const CrlFacts& facts) = 0;
    virtual void revocation(const std::string& issuer, const RevocationSeen& seen) = 0;
    // The watch itself could not look: not recorded as anybody's outage.
    virtual void trouble(const std::string& what) = 0;
};

// A certificate of which it is known that it was revoked: waited for until all addresses say so, or for
// limits::awaited_for.
struct Awaited {
    std::size_t issuer = 0;
    Serial serial;
    UtcTime revoked_at{};
    std::string reference;
    std::array<bool, method_count> seen{};  // methods by which it has been seen already
};

// Asks every issuer's status by every method at every address once, and judges the answers. One probe of a
// series is right if the answers for all canaries and hashes are. Not for several threads at a time.
class Prober {
  public:
    // `clock` must outlive it.
    Prober(std::vector<WatchedIssuer> issuers, Fetcher fetcher, const Clock& clock);

    // With `whole_crl` every CRL is fetched whole; else only where none is held that was right. Takes up to
    // three times the fetcher's timeout and what name resolution takes.
    Status round(RoundSink& sink, bool whole_crl, const std::function<bool()>& stop);
    // An error: too many are waited for.
    Status await(const Awaited& awaited);

    const std::vector<WatchedIssuer>& issuers() const noexcept { return issuers_; }
    std::size_t awaited() const noexcept { return waiting_.size(); }

  private:
    // A probe of one series under way: several requests, one verdict.
    struct Probe {
        SeriesKey key;
        std::size_t issuer = 0;
        std::size_t left = 0;
        Verdict verdict;
        Bytes evidence;
        bool looked = true;
    };
    // One request of a probe (or, without one, of a revocation that is waited for).
    struct Question {
        std::optional<std::size_t> probe;
        std::size_t issuer = 0;
        Canary canary;
        RequestHash hash = RequestHash::sha256;
        Method method = Method::ocsp_get;
        std::string address;
        std::size_t waiting = 0;
    };
    struct Held {  // a CRL, as an address last gave it rightly
        Digest digest{};
        std::string etag;
        std::string last_modified;
        UtcTime this_update{};
        UtcTime next_update{};
    };
    struct Waiting {
        Awaited awaited;
        std::array<bool, method_count> seen{};
        std::array<std::size_t, method_count> said{};  // in this round, addresses
        std::array<std::size_t, method_count> asked{};
    };
    struct OcspRound {
        std::vector<Fetch> fetches;
        std::vector<Question> questions;
        std::vector<Probe> probes;
        std::map<std::size_t, OcspFacts> facts;
    };
    struct CrlTarget {
        std::size_t issuer = 0;
        std::string address;
        bool changed = false;          // this round's CRL is another than the one held before
        Held before;                   // whose validators the conditional request names
        std::optional<Verdict> whole;  // of this round's whole fetch
    };

    std::vector<std::string> addresses(RoundSink& sink, std::size_t issuer, const std::string& url,
                                       std::initializer_list<Method> methods);
    Status ask_ocsp(RoundSink& sink, const std::function<bool()>& stop);
    void plan_ocsp(RoundSink& sink, OcspRound& round);
    void plan_waiting(OcspRound& round, std::size_t issuer, const std::string& address);
    void ask(OcspRound& round, Question question);
    void answered(RoundSink& sink, OcspRound& round, const Question& question, const Fetched& fetched);
    void take_words(OcspRound& round, const Question& question, const OcspSeen& seen);
    Verdict check_order(const Question& question, const OcspSeen& seen);
    void give_up_waiting(RoundSink& sink);
    void finish_waiting(RoundSink& sink, bool crl);

    Status ask_crls(RoundSink& sink, bool whole_crl, const std::function<bool()>& stop);
    void whole_answered(RoundSink& sink, CrlTarget& target, const Fetched& fetched);
    Status ask_conditionally(RoundSink& sink, std::vector<CrlTarget>& targets,
                             const std::function<bool()>& stop);
    Verdict judge_conditional(const CrlTarget& target, const Fetched& fetched, UtcTime now);
    void observe(RoundSink& sink, const SeriesKey& key, const Verdict& verdict, Bytes evidence);

    std::vector<WatchedIssuer> issuers_;
    Fetcher fetcher_;
    const Clock& clock_;
    std::map<std::pair<std::size_t, std::string>, std::vector<std::string>> known_;  // by issuer and URL
    std::vector<OcspWords> words_;                                                   // by issuer
    std::map<std::tuple<std::size_t, std::string, CanaryKind, RequestHash>, UtcTime> newest_;
    std::map<std::pair<std::size_t, std::string>, Held> held_;  // by issuer and address
    std::vector<Waiting> waiting_;
};

// The URL of a GET request (RFC 6960, appendix A.1): base64 with '+', '/' and '=' escaped.
std::string get_url(const std::string& base, ByteView request);

}  // namespace eightbells::watch

#endif
