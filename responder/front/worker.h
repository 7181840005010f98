#ifndef EIGHTBELLS_RESPONDER_FRONT_WORKER_H
#define EIGHTBELLS_RESPONDER_FRONT_WORKER_H

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "responder/front/answering.h"
#include "responder/front/listening_sockets.h"
#include "responder/front/loop.h"
#include "responder/http/listener.h"

namespace eightbells::front {

// One thread that serves: its own loop, its own listening sockets, its own connection to the signer. Workers
// share nothing but immutable states. Made, started, drained and destroyed by one thread at a time; only what
// is marked may be called by others.
class Worker {
  public:
    // Not owned but for the state; outlives the worker.
    struct Parts {
        const OcspPaths& paths;
        metrics::FrontMetrics& metrics;
        SignerPlaces signers;             // none: no signer to ask
        cache::PagePool* pool = nullptr;  // null: every page is in memory
        PageReader* pages = nullptr;      // REQUIRED with `pool`
        http::ConnectionLimits limits;
        const Clock& clock;
        std::shared_ptr<const FrontState> state;
    };
    // Takes the listening sockets over; connections are taken once start() has been called.
    static Result<std::unique_ptr<Worker>> open(ListeningSockets sockets, const Parts& parts);
    ~Worker();  // ends at once what is still under way
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void start();
    // Any thread. The worker takes it before its next batch of events; of several given meanwhile only the
    // last.
    void give(std::shared_ptr<const FrontState> state);
    // Any thread. Takes no more connections, finishes what was begun, for limits::drain_time at most, and
    // ends. Returns at once.
    void drain() noexcept;
    void join() noexcept;

    bool live_connected() const noexcept {
        return live_connected_.load(std::memory_order_relaxed);
    }                                                                                // any thread
    const metrics::RequestCounters& counters() const noexcept { return counters_; }  // any thread

  private:
    explicit Worker(const Parts& parts);
    Status listen(ListeningSockets sockets);
    void woken();
    void begin_drain();
    void look_whether_done();

    Parts parts_;
    metrics::RequestCounters counters_;
    LiveCheck check_;
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<LiveClient> live_;
    std::unique_ptr<cache::PagePool::Reader> pool_reader_;
    std::unique_ptr<PageWaits> pages_;
    std::unique_ptr<Answering> answering_;
    std::vector<std::unique_ptr<http::Listener>>
        listeners_;  // before `live_`, whose calls promise them answers
    std::unique_ptr<Ticker> watch_live_;
    std::unique_ptr<Ticker> watch_drain_;
    std::optional<std::chrono::steady_clock::time_point> drain_until_;
    std::thread thread_;

    std::atomic<bool> live_connected_{false};
    std::mutex mutex_;  // of what follows
    std::shared_ptr<const FrontState> given_;
    bool draining_ = false;
    bool ending_ = false;
};

}  // namespace eightbells::front

#endif
