#ifndef EIGHTBELLS_RESPONDER_SIGNER_LIVE_SERVICE_H
#define EIGHTBELLS_RESPONDER_SIGNER_LIVE_SERVICE_H

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "responder/base/clock.h"
#include "responder/ledger/ledger.h"
#include "responder/live/message.h"
#include "responder/metrics/signer_metrics.h"
#include "responder/signer/clock_guard.h"
#include "responder/signer/identity.h"
#include "responder/signer/live_budget.h"
#include "responder/signer/schedule.h"
#include "responder/tls/context.h"
#include "responder/tls/socket.h"

namespace eightbells::signer {

// Builds and signs live answers from the ledger's own data: the caller names CertIDs, never bytes to sign
// (H-12). One thread.
class LiveSigner {
  public:
    LiveSigner(std::vector<std::shared_ptr<const Identity>> identities, ledger::Ledger& ledger,
               std::function<std::optional<Vouched>(const std::string&)> vouched, TrustedNow trusted_now);
    ~LiveSigner();
    live::Reply answer(const live::Call& call);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// By the issuer's id.
using LiveBudgets = std::map<std::string, LiveBudget, std::less<>>;
LiveBudgets live_budgets(const std::vector<std::shared_ptr<const Identity>>& identities, const Clock& clock);

// The signer's end of the private call, on a thread of its own: a local socket that only our own user may
// connect to, where it is wanted a door for fronts on other machines, a bounded queue, a deadline after which
// a call is refused as busy instead of being answered late, and a budget for each issuer, beyond which its
// calls are refused as busy: no flood takes the time that revocations and refreshes need.
//
// A signer of a pair that does not lead ends the connection, as one that is not there: whoever calls tries
// the other one.
class LiveService {
  public:
    struct Doors {
        std::filesystem::path socket;
        std::optional<HostPort> listen;  // for other machines
        std::vector<tls::Key> keys;      // by which they prove themselves
        std::function<bool()> leads;     // any thread; empty: always
    };
    // As the configuration says. The fronts' secret is made where there is none.
    static Result<Doors> doors(const config::Signer& settings, std::function<bool()> leads);
    static Result<std::unique_ptr<LiveService>> open(Doors doors, std::unique_ptr<LiveSigner> signer,
                                                     LiveBudgets budgets, metrics::SignerMetrics& metrics,
                                                     const Clock& clock);
    ~LiveService();

    struct State;

  private:
    explicit LiveService(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::signer

#endif
