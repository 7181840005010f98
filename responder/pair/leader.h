#ifndef EIGHTBELLS_RESPONDER_PAIR_LEADER_H
#define EIGHTBELLS_RESPONDER_PAIR_LEADER_H

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "responder/ledger/ledger.h"
#include "responder/pair/channel.h"
#include "responder/pair/lease.h"

namespace eightbells::pair {

struct Settings {
    std::string name;              // of this signer
    HostPort listen;               // where this one is connected to while it leads
    HostPort peer;                 // and the other one
    std::filesystem::path ledger;  // the file
};

// The end of the pair that leads: sends the other signer's ledger every record of the journal, and says when
// an event may be acknowledged: when the other has it durably; or, after limits::pair_confirmation, when
// "alone" stands in the lease; or not at all, when neither can be had, since then another may lead.
// A thread of its own.
class Leader {
  public:
    // REQUIRES: the lease is taken. The ledger's next epoch is above all that the lease knows of.
    // All that is borrowed must outlive it. `seen` is told whether the other one is in step, and whether this
    // one acknowledges alone, whenever it changes; on any thread. `refused` of connections, on its own.
    using Seen = std::function<void(bool in_step, bool alone)>;
    static Result<std::unique_ptr<Leader>> start(Settings settings, const Secret& secret,
                                                 ledger::Ledger& ledger, Lease& lease, Seen seen,
                                                 tls::Refusals::Count refused, const Clock& clock);
    ~Leader();
    Leader(const Leader&) = delete;
    Leader& operator=(const Leader&) = delete;

    // May this signer speak for the ledger at this moment? By the lease, or by the other one's word: it would
    // not follow if it led.
    bool leads() const;
    // Whether what stands in the journal up to this number may be acknowledged. Waits.
    Status confirm(std::uint64_t number);

  private:
    Leader(Settings settings, const Secret& secret, ledger::Ledger& ledger, Lease& lease, Seen seen,
           tls::Refusals::Count refused, const Clock& clock, Listener listener, Descriptor wake);
    void loop();
    void wait_and_accept();
    void greet(Descriptor socket);
    void turn_away(const std::string& why);
    Status send_what_is_new();
    Status send_copy();
    Status hear();
    void on_done(std::uint64_t number);
    void drop(const Error& why);
    void tell();

    const Settings settings_;
    const Secret secret_;
    ledger::Ledger& ledger_;
    ledger::Journal journal_;
    Lease& lease_;
    const Seen seen_;
    const Clock& clock_;
    Listener listener_;
    Descriptor wake_;  // eventfd
    std::atomic<bool> stopping_{false};

    // The thread's own.
    std::unique_ptr<Channel> channel_;
    tls::Refusals refusals_;
    std::string told_;  // why the other signer was turned away, so that it is told once
    ledger::Journal::Place sent_;
    bool wants_copy_ = false;
    std::chrono::steady_clock::time_point beat_at_{};
    std::chrono::steady_clock::time_point silent_since_{};

    mutable std::mutex mutex_;
    std::condition_variable done_;
    std::uint64_t acknowledged_ = 0;  // by the other one
    std::uint64_t alone_up_to_ = 0;   // acknowledged to others without it
    bool in_step_ = false;            // it has all that was ever acknowledged, and is waited for
    bool connected_ = false;
    std::chrono::steady_clock::time_point heard_at_{};
    std::thread thread_;
};

}  // namespace eightbells::pair

#endif
