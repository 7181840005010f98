#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <random>

#include "tests/cache/follower.h"

using namespace eightbells;
using namespace eightbells::cache;

// A signer that works, a store that lies and breaks off at random, a front that is killed and started again.
// EIGHTBELLS_SEED=n repeats one history, EIGHTBELLS_HISTORIES=n runs n random ones.
namespace {

// What a relying party may conclude from all answers it ever got from one front.
class Witness {
  public:
    void hear(const BuiltSet& set, const Follower& front, const std::string& when) {
        const auto snapshot = front.snapshot();
        for (const auto& [serial, certificate] : set.certificates()) {
            for (const HashAlgorithm hash : both_hashes) {
                IssuerSnapshot::Found found;
                const Lookup lookup = snapshot->find(hash, serial, BuiltSet::hash_of(serial), found);
                const std::string what = when + ": " + to_hex(serial);
                Heard& heard = heard_[{hash, serial}];
                // Not issued is right for what the front's head did not have yet, and only then.
                if (lookup == Lookup::not_issued)
                    BOOST_REQUIRE_MESSAGE(issued_at_.at(serial) > snapshot->head().version.sequence, what);
                if (lookup != Lookup::found)
                    continue;
                const bool revoked = found.single.status.has_value();
                BOOST_REQUIRE_MESSAGE(revoked || !heard.revoked, what << ": revoked, and good again");
                BOOST_REQUIRE_MESSAGE(found.single.produced_at >= heard.produced_at,
                                      what << ": time runs back");
                BOOST_REQUIRE_MESSAGE(!revoked || certificate.status.has_value(), what << ": never revoked");
                heard.revoked = revoked;
                heard.produced_at = found.single.produced_at;
            }
        }
    }
    void issued(const Bytes& serial, std::uint64_t sequence) { issued_at_[serial] = sequence; }

  private:
    struct Heard {
        bool revoked = false;
        UtcTime produced_at{};
    };
    std::map<std::pair<HashAlgorithm, Bytes>, Heard> heard_;
    std::map<Bytes, std::uint64_t> issued_at_;
};

enum class Faults : std::uint8_t {
    of_the_store,
    of_everything,  // and of the front's own page file; new epochs, patches joined
};

class History {
  public:
    History(std::uint64_t seed, Faults faults)
        : seed_(seed), faults_(faults), random_(seed), more_random_(~seed), set_(bits()), front_(set_) {
        store_.lie = [this](const std::string& name, std::optional<Bytes> blob) {
            return lie(name, std::move(blob));
        };
    }

    void run() {
        for (int step = 0; step < 60; ++step) {
            const std::string when =
                "EIGHTBELLS_SEED=" + std::to_string(seed_) + " step " + std::to_string(step);
            sign();
            old_stores_.push_back(store_.blobs);
            percent_ = static_cast<unsigned>(below(3) * 20);
            if (below(6) == 0)
                store_.fail_after = store_.fetches + below(8);
            static_cast<void>(front_.replica().sync(store_, {}));
            store_.fail_after.reset();
            witness_.hear(set_, front_, when);
            if (below(8) != 0)
                continue;
            if (faults_ == Faults::of_everything && more_below(2) == 0)
                damage_own_file();
            const SyncReport loaded = front_.restart();
            BOOST_REQUIRE_MESSAGE(!contains(loaded.first_rejection, "older than"), when);
            witness_.hear(set_, front_, when + " restarted");
        }
        heal();
    }

  private:
    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    std::uint64_t more_below(std::uint64_t bound) { return more_random_() % bound; }
    unsigned bits() { return static_cast<unsigned>(below(4)); }

    void sign() {
        set_.now += seconds{60};
        if (faults_ == Faults::of_everything && more_below(20) == 0)
            set_.begin_epoch(set_.version().epoch + 1);
        for (std::uint64_t i = below(4); i > 0; --i) {
            serials_.push_back(set_.issue());
            witness_.issued(serials_.back(), set_.version().sequence + 1);
        }
        if (!serials_.empty() && below(3) > 0)
            set_.revoke(serials_[below(serials_.size())]);
        if (!serials_.empty() && below(5) == 0)
            set_.expire(serials_[below(serials_.size())]);
        std::vector<std::uint32_t> refreshed;
        for (std::uint64_t i = below(3); i > 0; --i)
            refreshed.push_back(static_cast<std::uint32_t>(below(set_.pages())));
        std::ranges::sort(refreshed);
        refreshed.erase(std::ranges::unique(refreshed).begin(), refreshed.end());
        publish(store_, set_.publish(refreshed));
        if (below(25) == 0 && set_.page_bits() < 6)
            publish(store_, set_.split());
        if (faults_ == Faults::of_everything && more_below(8) == 0)
            publish(store_, set_.join());
    }

    std::optional<Bytes> lie(const std::string& name, std::optional<Bytes> blob) {
        if (!blob || below(100) >= percent_)
            return blob;
        switch (below(4)) {
            case 0:
                return std::nullopt;
            case 1:
                (*blob)[below(blob->size())] ^= static_cast<std::uint8_t>(1 + below(255));
                return blob;
            case 2:
                blob->resize(below(blob->size()));
                return blob;
            default: {
                const auto& old = old_stores_[below(old_stores_.size())];
                const auto found = old.find(name);
                return found == old.end() ? std::nullopt : std::optional{found->second};
            }
        }
    }

    // Its blobs are lost, or replaced by what they were under some older head; the floor stays.
    void damage_own_file() {
        auto change = need(front_.own().begin(true));
        const auto& old = old_stores_[more_below(old_stores_.size())];
        for (const auto& [name, bytes] : store_.blobs) {
            if (more_below(4) != 0 || name == head_name(set_.issuer()))
                continue;
            const auto found = old.find(name);
            BOOST_REQUIRE(found == old.end() || more_below(2) == 0 ? change.erase(name)
                                                                   : change.put(name, found->second));
        }
        BOOST_REQUIRE(change.commit());
    }

    // When the store is well again the front is right, also after a restart.
    void heal() {
        percent_ = 0;
        BOOST_REQUIRE(!front_.sync(store_).behind);
        BOOST_REQUIRE((front_.snapshot()->head() == set_.head()));
        for (int restarts = 0; restarts < 2; ++restarts) {
            for (const auto& [serial, certificate] : set_.certificates())
                BOOST_REQUIRE_EQUAL(front_.says(serial), certificate.status ? "revoked" : "good");
            BOOST_REQUIRE_EQUAL(front_.says(never_issued), "not issued");
            front_.restart();
        }
    }

    std::uint64_t seed_;
    Faults faults_;
    std::mt19937_64 random_;
    std::mt19937_64 more_random_;  // of its own, so that the same seed makes the same signer and store
    BuiltSet set_;
    MemoryStore store_;
    Follower front_;
    Witness witness_;
    std::vector<Bytes> serials_;
    std::vector<std::map<std::string, Bytes>> old_stores_;
    unsigned percent_ = 0;  // of lies
};

std::vector<std::uint64_t> seeds() {
    if (const char* given = std::getenv("EIGHTBELLS_SEED"))
        return {std::strtoull(given, nullptr, 10)};
    std::vector<std::uint64_t> all;
    std::random_device random;
    if (const char* histories = std::getenv("EIGHTBELLS_HISTORIES")) {
        for (unsigned long i = std::strtoul(histories, nullptr, 10); i > 0; --i)
            all.push_back(random());
        return all;
    }
    // The first ones have found something once.
    all = {2108793866, 3546153468, 1425119502, 1744301847, 1044935089};
    for (std::uint64_t seed = 1; seed <= 7; ++seed)
        all.push_back(seed);
    all.push_back(random());
    return all;
}

void live_through(Faults faults) {
    for (const std::uint64_t seed : seeds()) {
        BOOST_TEST_MESSAGE("EIGHTBELLS_SEED=" << seed);
        BOOST_TEST_CONTEXT("EIGHTBELLS_SEED=" << seed) {
            History{seed, faults}.run();
        }
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(replica_history)

// Covers: B-23, C-05, C-08, D-17, D-20
BOOST_AUTO_TEST_CASE(no_history_of_a_lying_store_makes_revoked_good_times_run_back_or_issued_unissued) {
    live_through(Faults::of_the_store);
}

// Covers: B-23, C-05, C-08, D-17, D-20
BOOST_AUTO_TEST_CASE(nor_does_one_in_which_the_own_page_file_lies_too_and_leaders_change) {
    live_through(Faults::of_everything);
}

BOOST_AUTO_TEST_SUITE_END()
