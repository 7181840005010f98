#ifndef EIGHTBELLS_RESPONDER_SIGNER_MIRROR_H
#define EIGHTBELLS_RESPONDER_SIGNER_MIRROR_H

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cache/page_file.h"
#include "cache/store.h"
#include "responder/base/clock.h"
#include "responder/metrics/signer_metrics.h"

namespace eightbells::signer {

// Carries what the page file holds to the shared store (Redis) on a thread of its own, so that signing never
// waits for it. While both agree, publications are handed over as they come; after any failure, or when too
// many wait, the two are compared and what differs is copied, without one new signature. Now and then
// everything is read back; publications go out between its fetches. The store may be away for any time.
// Ending waits for no more than the call of a store that is under way.
class Mirror {
  public:
    // Whether the shared store may be written for an issuer; asked before the first write for it and until it
    // says yes, on the mirror's thread. `pages` is the page file.
    using Gate =
        std::function<Result<bool>(const std::string& issuer, cache::Store& pages, cache::Store& store)>;
    // `page_file` is opened by the mirror's own thread, read-only. `issuers`: whose heads are compared at
    // start.
    Mirror(std::filesystem::path page_file, std::unique_ptr<cache::Store> target,
           std::vector<std::string> issuers, std::vector<cache::StorePublicKey> trusted, Gate gate,
           metrics::SignerMetrics& metrics, const Clock& clock);
    ~Mirror();
    // Ends the thread: nothing is written to the store, and the gate not asked, any more.
    void stop();
    Mirror(const Mirror&) = delete;
    Mirror& operator=(const Mirror&) = delete;

    // Any thread; never waits.
    void hand_over(const cache::Batch& batch);
    void compare_soon();  // more changed than one batch says

  private:
    void loop();
    std::unique_ptr<cache::PageFile> open_page_file();
    void check_settings();
    bool is_compare_due();
    bool compare(cache::PageFile& pages);
    bool is_read_back_due() const;
    bool read_back(cache::PageFile& pages);
    Status read_back(cache::PageFile& pages, const std::string& issuer);
    Status publish_waiting(const std::function<Status(const cache::Batch&)>& published);
    bool publish(const cache::Batch& batch);
    bool may_write(const std::string& issuer, cache::Store& pages);
    void note_failure(const Error& error);

    std::filesystem::path page_file_;
    std::unique_ptr<cache::Store> target_;
    std::vector<std::string> issuers_;
    std::vector<cache::StorePublicKey> trusted_;
    Gate gate_;
    metrics::SignerMetrics& metrics_;
    const Clock& clock_;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<cache::Batch> waiting_;
    std::size_t waiting_octets_ = 0;
    bool compare_due_ = true;
    std::atomic<bool> stopping_{false};  // set under mutex_
    // The mirror's thread only, all that follows.
    bool failure_logged_ = false;
    std::chrono::steady_clock::time_point next_read_back_{};
    std::chrono::steady_clock::time_point no_read_back_before_{};  // after one that failed
    std::uint64_t read_back_at_ = 0;                               // the store's may_have_lost() then
    std::string read_back_failure_;                                // told once
    std::chrono::steady_clock::time_point next_settings_look_{};
    std::vector<cache::StoreFinding> findings_;  // of the last look that succeeded
    // The head that the store held when it was last compared or written, by issuer; empty: none.
    std::map<std::string, Bytes> left_;
    std::set<std::string> open_;  // issuers whose gate has opened
    std::thread thread_;
};

}  // namespace eightbells::signer

#endif
