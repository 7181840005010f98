#ifndef EIGHTBELLS_RESPONDER_PAIR_LEASE_H
#define EIGHTBELLS_RESPONDER_PAIR_LEASE_H

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "cache/shared_word.h"
#include "responder/base/clock.h"
#include "responder/pair/claim.h"

namespace eightbells::pair {

// Which of two signers leads. The lease is one word in the store (Claim), changed by compare-and-set only:
// the holder changes it every second, and the other one takes it when it has stood still for
// limits::lease_lasts on its own clock, so that no clock is compared with another. It decides who works, not
// who is believed: that is the epoch in the signed heads, by which fronts ignore a signer that has been
// deposed and does not know it yet.
//
//  - The store is away: nobody takes over, and whoever led goes on as far as the other one confirms.
//  - The holder is cut off from the store: the other one takes over after limits::lease_lasts.
//  - Whoever takes it leads once every replica that follows the store has it: else a fail-over might make the
//    one that was deposed lead again.
//  - No two leaders publish under one epoch: the holder's stands in the lease, and in every such replica,
//    before its first head under it is written, and whoever takes the lease takes a higher one. So a head
//    that was under way when its signer froze, and arrives when that is deposed, is older than the other's.
//    By its epoch a claim is known, too, that a store has brought back: it deposes nobody.
//  - "alone" stands in the lease, and in every such replica, before the first event is acknowledged by one
//    signer only. Then the other one does not take over by itself, since it may lack a
//    revocation that somebody was promised: an operator may order it to (`order`). Once it has read "alone"
//    it believes nothing else before the holder is heard of again: a store that failed over may have gone
//    back.
//  - The word is gone (the store was emptied): the holder writes it again within a second. Only who hears
//    nothing of the holder either, and has not read "alone" before, takes it.
// Any thread, but look(), which is called by run()'s thread, or by tests.
class Lease {
  public:
    // What the one that follows knows beside the word.
    struct Candidate {
        bool has_ledger = false;  // without one it never leads
        bool leader_heard = false;
    };
    // `clock` must outlive it.
    Lease(std::unique_ptr<cache::SharedWord> word, std::string name, const Clock& clock);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    // Looks once a second, on a thread of its own.
    void run();
    void look();

    // For whoever follows: asked at each look, and must not wait. Empty: it is not sought, and whoever was
    // asked before is asked no more when this returns.
    void seek(std::function<Candidate()> candidate);
    void order();  // an operator's: takes it although "alone" stands in it, once it stands still

    bool taken() const;  // by us, and not known to be lost
    bool holds() const;  // surely: nobody else can have it at this moment
    // Who holds it, as last read; empty: nobody is known to.
    std::string holder() const;
    bool reached() const;  // the last look reached the store
    // "Others may lack what we acknowledged." True when that stands in the store and its replicas and we hold
    // the lease, which is waited for. May be called by many.
    bool go_alone(std::chrono::milliseconds at_most);
    void together_again();
    // As it stands in the store; of another one's, whether this one may lack something.
    bool alone() const;
    // The highest epoch under which anybody may have published, by what was read here. Nobody has signed it.
    std::uint64_t epoch() const;
    // May a head under this epoch be written now? True while that stands in the store and its replicas and
    // the lease is surely held. The first time for an epoch, that is waited for.
    bool publishes_under(std::uint64_t epoch, std::chrono::milliseconds at_most);
    // Gives it up in good order: the other one need not wait.
    void give_up();

  private:
    void look_at_ours(std::unique_lock<std::mutex>& lock);
    void look_at_others(std::unique_lock<std::mutex>& lock);
    void make_it_stay(std::unique_lock<std::mutex>& lock);
    void note(const Claim& claim);
    bool may_take(const Candidate& candidate) const;
    std::optional<std::string> exchange(std::unique_lock<std::mutex>& lock, const std::string& expected,
                                        const std::string& next);

    const std::unique_ptr<cache::SharedWord> word_;  // look()'s thread
    const std::string name_;
    const Clock& clock_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;     // look at once, or end
    std::condition_variable written_;  // something was written
    std::function<Candidate()> candidate_;
    bool ordered_ = false;
    bool stopping_ = false;
    bool soon_ = false;
    std::optional<Claim> own_;  // as we last wrote it
    bool want_alone_ = false;
    bool writes_alone_ = false;  // as it was last written or is being written
    bool leads_ = false;         // own_ has stood in every replica
    bool stays_ = false;         // our term, epoch and "alone" would survive a fail-over of the store
    bool told_ = false;          // that it would not
    bool may_lack_ = false;      // "alone" was read of another one, and nothing better since
    std::chrono::steady_clock::time_point until_{};
    std::string seen_;
    std::chrono::steady_clock::time_point since_{};
    // What was held when last looked at is over: somebody else's end may be an old one, which a store that
    // went back has brought up again.
    bool given_up_ = false;
    std::optional<Claim> last_claim_;  // the newest that was read, whoever's
    std::uint64_t epoch_ = 0;          // the highest that was read, or is to stand in ours
    std::uint64_t epoch_stands_ = 0;   // in ours, and in every replica
    bool reached_ = false;
    std::thread thread_;
};

}  // namespace eightbells::pair

#endif
