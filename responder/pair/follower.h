#ifndef EIGHTBELLS_RESPONDER_PAIR_FOLLOWER_H
#define EIGHTBELLS_RESPONDER_PAIR_FOLLOWER_H

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "cache/page_file.h"
#include "cache/redis_store.h"
#include "responder/base/durable_file.h"
#include "responder/ledger/ledger.h"
#include "responder/pair/copied_ledger.h"
#include "responder/pair/leader.h"
#include "responder/pair/lease.h"

namespace eightbells::pair {

// The end of the pair that follows: its ledger does what the leader's did, record by record, and its page
// file holds what stands in the store, so that it can lead within seconds. Two threads of its own. It owns
// the ledger and the page file until it is destroyed.
class Follower {
  public:
    struct Pages {
        std::filesystem::path file;
        std::vector<std::string> issuers;
        std::vector<cache::StorePublicKey> trusted;
        std::unique_ptr<cache::Store> store;
    };
    // `clock` must outlive it. An error: a ledger or page file that cannot be opened.
    static Result<std::unique_ptr<Follower>> start(Settings settings, const Secret& secret, Pages pages,
                                                   const Clock& clock);
    ~Follower();
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    Lease::Candidate candidate() const;

  private:
    Follower(Settings settings, const Secret& secret, Pages pages, const Clock& clock);
    Status open_ledger();
    void follow();
    Status talk(Channel& channel);
    Status take(Channel& channel, Message message);
    Status install(const crypto::Sha256Digest& digest);
    void copy_pages();
    void rest(std::chrono::milliseconds time) const;

    const Settings settings_;
    const Secret secret_;
    const Pages pages_;
    const Clock& clock_;
    std::unique_ptr<cache::PageFile> page_file_;  // the copying thread's

    // The following thread's.
    std::unique_ptr<ledger::Ledger> ledger_;
    std::optional<CopiedLedger> coming_;
    bool wants_copy_ = false;
    std::string told_;  // the last trouble, so that it is told once

    mutable std::mutex mutex_;
    bool has_ledger_ = false;
    std::optional<std::chrono::steady_clock::time_point> heard_at_;
    std::atomic<bool> stopping_{false};
    std::thread following_;
    std::thread copying_;
};

}  // namespace eightbells::pair

#endif
