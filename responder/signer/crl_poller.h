#ifndef EIGHTBELLS_RESPONDER_SIGNER_CRL_POLLER_H
#define EIGHTBELLS_RESPONDER_SIGNER_CRL_POLLER_H

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "responder/fetch/fetch.h"
#include "responder/signer/crl_gate.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

// Asks one URL for a CRL again and again, conditionally, on a thread of its own, so that a server that stalls
// delays nothing else. What comes is handed over whole; a redirect, a page of HTML or any other status than
// 200 and 304 is a refusal that says so, and the CRL before it stays.
class CrlPoller {
  public:
    // Called on the poller's thread; they bring the CRL to the gate on the thread that it belongs to.
    struct Hooks {
        // The gate's verdict when it is known; false: it was refused, or could not even be asked.
        std::function<bool(CrlGate::Offer)> offer;
        std::function<void(CrlGate::Offer, const Error&)> refuse;
    };
    // `scratch` is a folder for files without names; `stalls`: a server that sends nothing for so long is
    // given up.
    CrlPoller(config::ImportedCrl crl, std::filesystem::path scratch, Hooks hooks,
              std::chrono::seconds stalls = limits::crl_fetch_stalls);
    ~CrlPoller();
    CrlPoller(const CrlPoller&) = delete;
    CrlPoller& operator=(const CrlPoller&) = delete;

    void start();
    // From any thread; ends a fetch under way. What `offer` waits for must end by itself.
    void stop();

    // One request and what comes of it, on the caller's thread: for tests, before start().
    void poll_once();

  private:
    void judge(fetch::Fetched fetched, SpoolFile body);
    void forget();
    void loop();

    config::ImportedCrl crl_;
    std::filesystem::path scratch_;
    Hooks hooks_;
    std::chrono::seconds stalls_;
    // Of the CRL that the gate last took, unless something was refused since: only that one need not come
    // again.
    std::string etag_;
    std::string last_modified_;

    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::condition_variable wake_;
    std::thread thread_;
};

}  // namespace eightbells::signer

#endif
