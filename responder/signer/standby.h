#ifndef EIGHTBELLS_RESPONDER_SIGNER_STANDBY_H
#define EIGHTBELLS_RESPONDER_SIGNER_STANDBY_H

#include <memory>

#include "responder/config/config.h"
#include "responder/metrics/signer_metrics.h"
#include "responder/pair/follower.h"

struct event_base;

namespace eightbells::signer {

pair::Settings pair_settings(const config::Config& config);

// Whether a ledger was set aside, which an operator has to look at.
void tell_of_set_aside(const config::Config& config, metrics::SignerMetrics& metrics);

// The signer of a pair that follows: pair::Follower on its data folder, a control socket that answers events
// with who leads, and metrics. It signs nothing and publishes nothing. It asks for the lease; when that is
// taken it is to be destroyed, and a Signer started.
//   {"do":"status"} ->
//   {"ok":true,"issuers":[],"pair":{"follows":"a","heard":true,"has_ledger":true,"alone":false}}
//   {"do":"lead"}   -> {"ok":true}   the operator's order to lead although the other one, now gone, may have
//                                   acknowledged what this one lacks
class Standby {
  public:
    struct Start {
        bool create_ledger = false;  // lead with an empty ledger where nobody leads
        event_base* base = nullptr;  // runs control socket and private listener; not owned
    };
    // `lease` must outlive it.
    static Result<std::unique_ptr<Standby>> start(const config::Config& config, const Start& how,
                                                  pair::Lease& lease, const Clock& clock);
    ~Standby();
    struct State;

  private:
    explicit Standby(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::signer

#endif
