#ifndef EIGHTBELLS_RESPONDER_FRONT_FRONT_H
#define EIGHTBELLS_RESPONDER_FRONT_FRONT_H

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "responder/config/config.h"
#include "responder/front/health.h"
#include "responder/front/loader.h"
#include "responder/front/worker.h"

namespace eightbells::front {

// The public program as one object: workers that answer, a loader that keeps what they answer from, and a
// private listener for metrics and readiness, each on threads of its own. Holds no private key and opens no
// file of one: of an issuer's settings only the certificate, the CRL's path and the policies are read.
//
// Starts and serves whatever is down: until the first answer is loaded everything is tryLater, not ready, and
// live.
class Front {
  public:
    // An error: an issuer's certificate cannot be read, or an address cannot be bound. `clock` outlives the
    // front.
    static Result<std::unique_ptr<Front>> start(const config::Config& config, const Clock& clock);
    ~Front();  // ends at once what drain() has not
    Front(const Front&) = delete;
    Front& operator=(const Front&) = delete;

    const std::vector<http::HostPort>& addresses() const noexcept {
        return addresses_;
    }  // with the real ports
    const std::string& metrics_address() const noexcept { return private_->address(); }

    // From now on not ready; takes no more connections and returns when the last one is done, after
    // limits::drain_time at the latest.
    void drain();

  private:
    explicit Front(const Clock& clock) : clock_(clock) {}
    Status open_workers(const config::Front& settings, const std::shared_ptr<const FrontState>& state);
    Status open_private(const std::string& address);
    void refresh_gauges();

    const Clock& clock_;
    std::shared_ptr<metrics::FrontMetrics> metrics_;
    std::unique_ptr<Health> health_;
    std::unique_ptr<OcspPaths> paths_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<http::HostPort> addresses_;
    std::unique_ptr<Loader> loader_;

    std::atomic<bool> private_ends_{false};
    std::unique_ptr<Loop> private_loop_;
    std::unique_ptr<metrics::PrivateListener> private_;
    std::unique_ptr<Ticker> refresh_;
    std::thread private_thread_;
    std::thread loader_thread_;
};

}  // namespace eightbells::front

#endif
