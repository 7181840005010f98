#ifndef EIGHTBELLS_TESTS_WATCH_WORLD_H
#define EIGHTBELLS_TESTS_WATCH_WORLD_H

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "responder/watch/prober.h"
#include "tests/watch/authority.h"
#include "tests/watch/server.h"

namespace eightbells::watch::test {

inline constexpr std::int64_t good_serial = 11;
inline constexpr std::int64_t revoked_serial = 12;
inline constexpr std::int64_t hold_serial = 13;
inline constexpr std::int64_t expired_serial = 14;
inline constexpr std::int64_t unissued_serial = 15;

// The identities that all worlds share: made once.
struct Cast {
    UtcTime now = SystemClock().now();
    Identity ca;
    Identity delegate;
    Identity other_ca;  // another CA with a delegate of its own
    Identity other_delegate;
    Identity without_eku;
    Identity lapsed_delegate;
    Identity tls_server;  // for the host name "localhost"
    std::map<std::int64_t, Identity> leaves;
    static const Cast& all();

  private:
    Cast();
};

// A service that answers rightly until a test turns a knob, and a prober that asks it.
class World {
  public:
    explicit World(bool tls = false);

    UtcTime now;
    ManualClock clock;
    // The knobs. Turned between rounds only.
    AnswerWish answer;
    std::map<std::int64_t, Said> said;
    CrlWish crl;
    std::string etag = "\"1\"";
    std::string more_headers = "Cache-Control: max-age=600\r\n";
    std::function<std::optional<Server::Reply>(const Server::Asked&)> instead;  // of the right reply

    bool public_trust = false;

    Server::Reply reply(const Server::Asked& asked);
    Bytes answer_for(const Server::Asked& asked);
    // The same octets as long as no knob of it is turned: ECDSA signs differently each time.
    Bytes current_crl();

    WatchedIssuer issuer() const;
    Prober prober(std::vector<WatchedIssuer> issuers,
                  Fetcher::Settings settings = {std::chrono::seconds{60}, {}, "test"}) const;
    Prober prober() const;

  private:
    std::mutex mutex_;
    std::map<std::string, Bytes> crls_;

  public:
    Server server;  // last: it calls this from its threads until it is gone
};

// Keeps what a round saw.
struct Seen final : RoundSink {
    std::map<SeriesKey, Observation> observations;
    std::vector<OcspFacts> ocsp;
    std::vector<CrlFacts> crls;
    std::vector<RevocationSeen> revocations;
    std::vector<std::string> troubles;

    void observed(const SeriesKey& key, const Observation& observation) override {
        observations[key] = observation;
    }
    void noted(const std::string&, const OcspFacts& facts) override { ocsp.push_back(facts); }
    void noted(const std::string&, const CrlFacts& facts) override { crls.push_back(facts); }
    void revocation(const std::string&, const RevocationSeen& seen) override { revocations.push_back(seen); }
    void trouble(const std::string& what) override { troubles.push_back(what); }

    // Of the method at its only address; internal when it was not observed.
    Cause cause(Method method) const;
    std::string text(Method method) const;
    const Observation* find(Method method) const;
};
Seen round(Prober& prober, bool whole_crl = true);

}  // namespace eightbells::watch::test

#endif
