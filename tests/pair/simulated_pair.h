#ifndef EIGHTBELLS_TESTS_PAIR_SIMULATED_PAIR_H
#define EIGHTBELLS_TESTS_PAIR_SIMULATED_PAIR_H

#include <array>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "cache/shared_word.h"
#include "responder/ledger/ledger.h"
#include "responder/pair/lease.h"
#include "tests/cache/temporary_folder.h"

// Two signers on a clock that the test moves: the leases and the ledgers with their journals are the
// product's own, and so is the ledger's account of what is published; the connection between them, the store
// with its replica, and the page files are a few lines. Anything happens in any order; a model holds that an
// acknowledged revocation is never lost and never good again, and that nobody publishes who has been deposed.
namespace eightbells::pair::test {

// What the fronts are shown: the statuses under a head.
struct Published {
    std::uint64_t epoch = 0;
    std::uint64_t sequence = 0;
    std::set<unsigned> revoked;
    unsigned leadership = 0;  // whose: what the real head does not say
};

// Redis: a primary, and a replica that may take its place; it may be emptied.
struct SimulatedStore {
    struct Data {
        std::string word;
        Published published;
    };
    Data primary;
    Data replica;
    bool away = false;
    bool replica_connected = true;
    bool replica_answers = true;
    void written() {
        if (replica_connected && replica_answers)
            replica = primary;
    }
    bool replicated() const { return !replica_connected || replica_answers; }
};

class SimulatedPair {
  public:
    explicit SimulatedPair(std::uint64_t seed);
    ~SimulatedPair();
    SimulatedPair(const SimulatedPair&) = delete;
    SimulatedPair& operator=(const SimulatedPair&) = delete;
    // A second with whatever happens in it; where all is well now and then some hours more.
    void step();
    // Everything heals, and what was acknowledged is there.
    void end();
    UtcTime now() const { return clock_.now(); }

    std::uint64_t faults = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t refused = 0;
    std::uint64_t alone = 0;       // of those acknowledged
    std::uint64_t take_overs = 0;  // from one to the other

  private:
    class Word;
    struct Signer {
        std::string name;
        std::filesystem::path file;
        std::unique_ptr<Lease> lease;  // none: it does not run
        std::unique_ptr<ledger::Ledger> ledger;
        bool frozen = false;
        bool cut_off = false;  // from the store
        // while it leads
        bool leads = false;
        bool in_step = false;
        std::uint64_t has = 0;  // of the journal, the other one
        std::uint64_t alone_up_to = 0;
        unsigned leadership = 0;
        std::uint64_t epoch = 0;
        std::uint64_t sequence = 0;
        bool merged = false;                  // has seen what the store held when it began to lead
        std::optional<Published> on_its_way;  // was being written when it was frozen
        // while it follows
        bool follows = false;  // with a ledger that is the leader's
        std::optional<std::chrono::steady_clock::time_point> heard_at;
        // on its disk
        Published pages;  // its page file's head

        bool acts() const { return lease && !frozen; }
    };

    bool one_in(unsigned many) { return std::uniform_int_distribution<unsigned>{1, many}(random_) == 1; }
    Signer& other_of(const Signer& one) { return &one == &signers_[0] ? signers_[1] : signers_[0]; }
    bool well() const;
    void start(Signer& one);
    void kill(Signer& one);
    void freeze(Signer& one, bool on);
    void look(Signer& one);
    void begin_to_lead(Signer& one);
    void talk();
    bool carry(Signer& leader, Signer& follower);
    void copy(Signer& leader, Signer& follower);
    void second();
    Status confirm(Signer& one, std::uint64_t number);
    void revoke();
    std::optional<Published> next_head(Signer& one);
    void write(const Published& head);
    void publish(Signer& one);
    void copy_pages(Signer& one);
    void show(const Published& head);
    std::set<unsigned> revoked_in(ledger::Ledger& ledger);
    void happen_to_signers();
    void happen_to_store();
    void heal();

    std::mt19937_64 random_;
    ManualClock clock_{UtcTime{std::chrono::seconds{1'795'348'800}}};
    TemporaryFolder folder_;
    SimulatedStore store_;
    std::array<Signer, 2> signers_;
    bool link_ = true;
    bool memory_counts_ = false;  // the store has gone back behind "alone", which only a signer remembers
    Published shown_;             // by the front
    std::set<unsigned> promised_;
    unsigned leaderships_ = 0;
    std::map<std::uint64_t, unsigned> written_by_;  // an epoch: which leadership has written heads under it
    std::size_t last_leader_ = 0;
};

}  // namespace eightbells::pair::test

#endif
