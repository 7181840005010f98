#ifndef EIGHTBELLS_RESPONDER_SIGNER_FRONT_COMPARER_H
#define EIGHTBELLS_RESPONDER_SIGNER_FRONT_COMPARER_H

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "responder/base/clock.h"
#include "responder/ledger/ledger.h"
#include "responder/metrics/signer_metrics.h"
#include "responder/signer/differences.h"
#include "responder/signer/identity.h"

namespace eightbells::signer {

// Asks the fronts over HTTP what they answer, with both CertID hashes, and holds it against the ledger
// (C-09), at a bounded rate: what has just changed first, then what differed when it was last asked, then
// everything, one certificate after the other, for ever. A front that is away or says tryLater has said
// nothing: other alarms tell of that. On a thread of its own; next() is for tests.
class FrontComparer {
  public:
    struct Settings {
        std::vector<std::string> fronts;  // "192.0.2.1:80"
        unsigned per_second = 20;         // requests, to all fronts together
        seconds delay{900};               // how long a difference may be delay of publication
    };
    // The body of the answer to an OCSP request sent to this front by POST. An error: none came. `stop`,
    // looked at while it waits, ends it early.
    using Ask = std::function<Result<Bytes>(const std::string& front, Bytes request,
                                            const std::function<bool()>& stop)>;
    // What is borrowed must outlive it.
    FrontComparer(Settings settings, std::vector<std::shared_ptr<const Identity>> identities,
                  ledger::Ledger& ledger, Differences& differences, Ask ask, metrics::SignerMetrics& metrics,
                  const Clock& clock);
    ~FrontComparer();
    FrontComparer(const FrontComparer&) = delete;
    FrontComparer& operator=(const FrontComparer&) = delete;

    // These were just published anew. Of more than limits::front_changes the oldest are left to the walk. Any
    // thread.
    void changed(const std::string& issuer, const std::vector<Serial>& serials);
    // Asks all fronts about one certificate; false: there is none to ask about at the moment.
    bool next();
    void start();
    void stop();  // any thread

  private:
    struct Subject {
        std::size_t identity = 0;
        Serial serial;
    };
    std::optional<Subject> next_subject();
    std::optional<Subject> next_of_walk();
    void ask_about(const Subject& subject);
    void ask_one(const Identity& identity, const Serial& serial, const std::string& front,
                 const SigningProfile& profile);
    void say_trouble(const std::string& front, const std::string& trouble);
    bool wait(std::chrono::milliseconds length);  // false: stop
    void loop();

    const Settings settings_;
    const std::vector<std::shared_ptr<const Identity>> identities_;
    ledger::Ledger& ledger_;
    Differences& differences_;
    const Ask ask_;
    metrics::SignerMetrics& metrics_;
    const Clock& clock_;
    bool paced_ = false;  // by the thread

    std::map<std::string, std::string> troubles_;  // why a front did not answer, as it was last told
    std::deque<Subject> again_;                    // differed when they were last asked about
    std::chrono::steady_clock::time_point look_again_{};
    std::deque<Subject> slice_;  // of the walk
    std::size_t issuer_ = 0;     // where the walk stands
    std::uint32_t index_ = 0;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Subject> changed_;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

// OCSPRequest for one certificate (RFC 6960, section 4.1.1), without extensions.
Bytes encode_request(const crypto::IssuerIdentity& issuer, ocsp::HashAlgorithm hash, const Serial& serial);

}  // namespace eightbells::signer

#endif
