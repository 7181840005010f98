#ifndef EIGHTBELLS_TESTS_FAULTS_SIMULATED_H
#define EIGHTBELLS_TESTS_FAULTS_SIMULATED_H

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "cache/copy.h"
#include "cache/replica.h"
#include "responder/front/plan.h"
#include "tests/cache/memory_store.h"
#include "tests/signer/world.h"

// Months of a CA's life in a few seconds: the signer's own publisher, ledger and page file, a store that may
// do anything, and fronts with their own copies, all on a clock that the test moves; against a model of a few
// lines that says what relying parties may be told.
namespace eightbells::faults {

// What is true of one certificate, in order: 'g' good, 'h' on hold, 'r' revoked.
struct Truth {
    std::string states;
    UtcTime certain_from{};  // until then a hold that the ledger has forgotten may still be told
};

// One front: its page file, its verified copy, and what it has said so far.
struct SimulatedFront {
    std::unique_ptr<cache::PageFile> own;
    std::unique_ptr<cache::Replica> replica;
    // Where it may keep one page in memory alone (front.memory_limit); null: all. Without a Reader, since all
    // is one thread, which holds nothing while a page is read.
    std::shared_ptr<cache::PagePool> pool;
    // Pages that its disk has damaged or dropped and that are not back yet, and when that was first noticed
    // though all else was well.
    std::map<std::string, std::optional<UtcTime>> lost;
    bool cut_off = false;  // from the store
    UtcTime whole_at{};    // when it last got everything from a signer that signs
    // How far in Truth::states it was with a certificate. Each hash has pages of its own: where one's page is
    // damaged on the way and the other's is not, they are a refresh apart.
    std::map<std::pair<ocsp::HashAlgorithm, unsigned>, std::size_t> said;
};

class Simulation {
  public:
    explicit Simulation(std::uint64_t seed);
    // A few hours, with whatever happens in them.
    void step();
    UtcTime now() const { return world_.clock.now(); }
    std::uint64_t answers() const noexcept { return answers_; }
    std::uint64_t refusals() const noexcept { return refusals_; }
    std::uint64_t faults() const noexcept { return faults_; }

  private:
    using Lookup = cache::IssuerSnapshot::Lookup;

    bool one_in(unsigned many) { return std::uniform_int_distribution<unsigned>{1, many}(random_) == 1; }
    std::size_t any(std::size_t below) {
        return std::uniform_int_distribution<std::size_t>{0, below - 1}(random_);
    }
    bool healthy() const { return signs_ && runs_ && store_up_; }

    void happen_to_certificates();
    void happen_to_signer();
    void happen_to_store();
    void happen_to_fronts();
    void lose_page(SimulatedFront& front);
    void restore_ledger();
    void heal_now_and_then();
    void carry();
    void sync(SimulatedFront& front);
    void mend(SimulatedFront& front);
    void check(SimulatedFront& front, std::size_t which);
    void check_one(SimulatedFront& front, const front::FrontState& state, unsigned certificate,
                   ocsp::HashAlgorithm hash, bool whole);
    Status read(SimulatedFront& front, const cache::PageRef& page);
    void check_answer(SimulatedFront& front, unsigned certificate, ocsp::HashAlgorithm hash,
                      const front::Plan& plan, bool whole);
    void open(SimulatedFront& front, std::size_t which);
    Bytes cert_id(unsigned certificate, ocsp::HashAlgorithm hash) const;

    std::mt19937_64 random_;
    tests::World world_;
    cache::MemoryStore store_;
    std::map<std::string, Bytes> yesterday_;  // of the store's blobs
    std::shared_ptr<const front::Issuers> issuers_;
    std::vector<SimulatedFront> fronts_;
    std::vector<Truth> truth_;
    std::set<Bytes> verified_;  // answers whose signature was checked
    crypto::SignatureVerifier verifier_;
    crypto::Sha256 sha256_;
    bool signs_ = true;     // the clock is trusted and the key works
    bool runs_ = true;      // the signer is there
    bool store_up_ = true;  // for the signer
    bool copied_ = false;   // a copy of the ledger was made
    UtcTime fault_since_{};
    std::uint64_t answers_ = 0;
    std::uint64_t refusals_ = 0;
    std::uint64_t faults_ = 0;
};

}  // namespace eightbells::faults

#endif
