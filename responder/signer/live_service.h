#ifndef EIGHTBELLS_RESPONDER_SIGNER_LIVE_SERVICE_H
#define EIGHTBELLS_RESPONDER_SIGNER_LIVE_SERVICE_H

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "responder/base/clock.h"
#include "responder/ledger/ledger.h"
#include "responder/live/message.h"
#include "responder/metrics/signer_metrics.h"
#include "responder/signer/clock_guard.h"
#include "responder/signer/identity.h"
#include "responder/signer/schedule.h"

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

// The signer's end of the private call, on a thread of its own: a local socket that only our own user may
// connect to, a bounded queue, a deadline after which a call is refused as busy instead of being answered
// late.
class LiveService {
  public:
    static Result<std::unique_ptr<LiveService>> open(const std::filesystem::path& socket,
                                                     std::unique_ptr<LiveSigner> signer,
                                                     metrics::SignerMetrics& metrics, const Clock& clock);
    ~LiveService();

    struct State;

  private:
    explicit LiveService(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::signer

#endif
