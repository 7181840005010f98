#ifndef EIGHTBELLS_RESPONDER_FRONT_FRONT_H
#define EIGHTBELLS_RESPONDER_FRONT_FRONT_H

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
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
// Starts and serves whatever is down. Clients wait in the listening sockets while the own page file is read,
// for limits::load_patience at most; what is not loaded by then, or not to be had, is tryLater, not ready,
// and live.
class Front {
  public:
    // An error: an issuer's certificate cannot be read, or an address cannot be bound. `clock` outlives the
    // front.
    static Result<std::unique_ptr<Front>> start(const config::Config& config, const Clock& clock) {
        return start(config, clock, {}, {});
    }
    // With listening sockets that a service manager gave (taken over): one named "metrics" is the private
    // one, all others stand for the addresses in the configuration. Only so may another front still run on
    // the same data folder; this one then takes connections from the moment on in which that one drains.
    // `loaded` is called once, on a thread of the front's, when what the own page file has could be answered
    // from.
    static Result<std::unique_ptr<Front>> start(const config::Config& config, const Clock& clock,
                                                std::vector<GivenSocket> given, std::function<void()> loaded);
    ~Front();  // ends at once what drain() has not
    Front(const Front&) = delete;
    Front& operator=(const Front&) = delete;

    const std::vector<HostPort>& addresses() const noexcept { return addresses_; }  // with the real ports
    const std::string& metrics_address() const noexcept { return private_->address(); }

    // From now on not ready, and the data folder is another's who waits for it; takes no more connections and
    // returns when the last one is done, after limits::drain_time at the latest.
    void drain();

  private:
    Front(const config::Config& config, const Clock& clock) : clock_(clock), claim_(config.front.data) {}
    Status open_workers(const config::Front& settings, const std::vector<GivenSocket>& given,
                        const std::shared_ptr<const FrontState>& state);
    Status open_private(const std::string& address, std::optional<int> given);
    void begin_to_answer();
    void refresh_gauges();

    const Clock& clock_;
    Claim claim_;  // the loader's thread, once that runs
    std::shared_ptr<metrics::FrontMetrics> metrics_;
    std::unique_ptr<Health> health_;
    std::unique_ptr<OcspPaths> paths_;
    std::shared_ptr<cache::PagePool> pool_;  // null: every page is in memory
    std::unique_ptr<PageReader> pages_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<HostPort> addresses_;
    std::unique_ptr<Loader> loader_;

    std::mutex answering_mutex_;  // of what follows
    bool answering_ = false;
    bool leaving_ = false;

    std::atomic<bool> private_ends_{false};
    std::atomic<bool> private_leaves_{false};  // to whoever has the socket too
    bool private_given_ = false;
    std::unique_ptr<Loop> private_loop_;
    std::unique_ptr<metrics::PrivateListener> private_;
    std::unique_ptr<Ticker> refresh_;
    std::thread private_thread_;
    std::thread loader_thread_;
};

}  // namespace eightbells::front

#endif
