#include <boost/test/unit_test.hpp>
#include <future>

#include "responder/signer/mirror.h"
#include "responder/signer/store_merge.h"
#include "tests/signer/world.h"

// Ledgers, page files and stores that come from an old copy, or not at all: nothing that was published is
// lost.
using namespace eightbells;
using namespace eightbells::signer;
using namespace std::chrono_literals;
using tests::World;

namespace {

// A shared store (its bytes in a page file) that can be out of reach, and that looks after every head whether
// what was revoked is so in it.
class SharedStore final : public cache::Store {
  public:
    SharedStore(const std::filesystem::path& file, std::string issuer, cache::StorePublicKey key)
        : bytes_(*cache::PageFile::open(file, cache::PageFile::Access::write)),
          issuer_(std::move(issuer)),
          key_(key) {}

    Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) override {
        const std::scoped_lock lock{mutex_};
        ++calls_;
        if (on_call)
            on_call(calls_);
        if (away_)
            return fail("away");
        return bytes_->fetch(names);
    }
    Status publish(const cache::Batch& batch) override {
        const std::scoped_lock lock{mutex_};
        if (away_)
            return fail("away");
        auto done = bytes_->publish(batch);
        if (!batch.head.empty() && !all_revoked_locked())
            lost_ = true;
        return done;
    }
    Result<bool> wait_notice(std::chrono::milliseconds) override { return false; }
    std::string name() const override { return "shared store"; }

    void set_away(bool away) {
        const std::scoped_lock lock{mutex_};
        away_ = away;
    }
    void expect_revoked(const Serial& serial) {
        const std::scoped_lock lock{mutex_};
        revoked_.push_back(serial);
    }
    bool all_revoked() {
        const std::scoped_lock lock{mutex_};
        return all_revoked_locked();
    }
    bool was_lost() {
        const std::scoped_lock lock{mutex_};
        return lost_;
    }
    cache::Version version() {
        const std::scoped_lock lock{mutex_};
        cache::Walk walk{*bytes_, issuer_, {key_}};
        const auto head = walk.head();
        return head ? head->version : cache::Version{};
    }
    std::optional<cache::Walk::Found> find(const Serial& serial) {
        const std::scoped_lock lock{mutex_};
        cache::Walk walk{*bytes_, issuer_, {key_}};
        const auto head = walk.head();
        if (!head)
            return std::nullopt;
        auto found = walk.find(*head, ocsp::HashAlgorithm::sha256, serial.magnitude());
        return found ? std::move(*found) : std::nullopt;
    }
    int calls() {
        const std::scoped_lock lock{mutex_};
        return calls_;
    }
    std::function<void(int)> on_call;  // set before the mirror begins

  private:
    bool all_revoked_locked() {
        cache::Walk walk{*bytes_, issuer_, {key_}};
        const auto head = walk.head();
        for (const auto& serial : revoked_) {
            const auto found =
                head ? walk.find(*head, ocsp::HashAlgorithm::sha256, serial.magnitude()) : fail("no head");
            if (!found || !*found || !(*found)->record.status)
                return false;
        }
        return true;
    }
    std::mutex mutex_;
    std::unique_ptr<cache::PageFile> bytes_;
    std::string issuer_;
    cache::StorePublicKey key_;
    bool away_ = false;
    bool lost_ = false;
    int calls_ = 0;
    std::vector<Serial> revoked_;
};

// A world whose publications go to a shared store too.
struct SharedWorld : World {
    ~SharedWorld() { end(); }
    void begin() {
        auto made = std::make_unique<SharedStore>(folder.path() / "shared.db", id(), store_key.public_key());
        made->on_call = on_call;
        store = made.get();
        for (const auto& serial : revoked)
            made->expect_revoked(serial);
        made->set_away(away);
        merge = std::make_unique<StoreMerge>(
            std::vector{identity}, std::vector{store_key.public_key()}, *ledger,
            [this](const std::string& issuer, cache::Version found) { publisher->rise_above(issuer, found); },
            metrics, clock);
        mirror = std::make_unique<Mirror>(
            folder.path() / "pages.db", std::move(made), std::vector{id()},
            std::vector{store_key.public_key()},
            [this](const std::string& issuer, cache::Store& own, cache::Store& shared) {
                return merge->open(issuer, own, shared);
            },
            metrics, clock);
    }
    void end() {
        if (mirror)
            mirror->stop();
        mirror.reset();
        store = nullptr;
    }
    // Until the shared store has the page file's head.
    bool comes() {
        for (int i = 0; i < 6000; ++i) {
            settle();
            mirror->compare_soon();
            if (store->version() == head().version)
                return true;
            std::this_thread::sleep_for(10ms);
        }
        return false;
    }

    bool away = false;
    std::vector<Serial> revoked;
    std::function<void(int)> on_call;
    std::unique_ptr<StoreMerge> merge;
    std::unique_ptr<Mirror> mirror;
    SharedStore* store = nullptr;
};

bool for_good(const CertStatus& status) {
    return status && !on_hold(status);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(restored)

// Covers: C-06, C-08
BOOST_AUTO_TEST_CASE(a_ledger_begun_anew_takes_back_every_certificate_that_was_published_as_it_was) {
    World world;
    world.issue(0, 2'000);
    world.settle();
    world.apply(ledger::Action::revoke, 5, CrlReason::key_compromise);
    world.apply(ledger::Action::hold, 6);
    world.apply(ledger::Action::hold, 7);
    world.settle();
    world.apply(ledger::Action::release, 7);
    world.settle();
    world.bring_back({{"ledger.db", ""}});
    world.restart();
    BOOST_TEST(*world.ledger->count(world.id()) == 2'000U);
    world.settle();
    BOOST_TEST(world.state.taken_back == 2'000U);
    world.clock.advance(25h);  // every page is signed again, from the ledger
    world.settle();
    for (unsigned n = 0; n < 2'000; ++n) {
        const auto found = world.find(n);
        BOOST_TEST_CONTEXT("certificate " << n) {
            BOOST_REQUIRE(found);
            BOOST_TEST(found->record.status.has_value() == (n == 5 || n == 6));
        }
    }
    BOOST_TEST((world.find(5)->record.status->reason == CrlReason::key_compromise));
    BOOST_TEST((world.find(6)->record.status->reason == CrlReason::certificate_hold));
    BOOST_TEST(world.ledger->check_integrity().has_value());
}

BOOST_AUTO_TEST_CASE(a_corrected_revocation_comes_back_as_it_was_corrected) {
    World world;
    world.issue(0, 20);
    world.settle();
    world.apply(ledger::Action::revoke, 5, CrlReason::superseded);
    world.clock.advance(13h);  // into its page
    world.settle();
    world.apply(ledger::Action::correct, 5, CrlReason::key_compromise);
    world.settle();
    BOOST_REQUIRE(world.state.patches == 1U);
    world.bring_back({{"ledger.db", ""}});
    world.restart();
    const auto known = *world.ledger->find(world.id(), World::serial(5));
    BOOST_REQUIRE(known && known->status);
    BOOST_TEST((known->status->reason == CrlReason::key_compromise));
}

// Covers: C-08, C-05
BOOST_AUTO_TEST_CASE(ledger_and_page_file_from_an_old_copy_lose_nothing_that_the_shared_store_has) {
    SharedWorld world;
    world.issue(0, 300);
    world.settle();
    world.begin();
    BOOST_REQUIRE(world.comes());
    world.end();
    world.keep("ledger.db", "old-ledger.db");
    world.keep("pages.db", "old-pages.db");
    world.begin();
    world.issue(300, 5);
    world.apply(ledger::Action::revoke, 9, CrlReason::key_compromise);
    world.settle();
    for (int i = 0; i < 5; ++i) {  // the store gets far ahead of the copies
        world.apply(ledger::Action::hold, 10);
        world.settle();
        world.apply(ledger::Action::release, 10);
        world.settle();
    }
    BOOST_REQUIRE(world.comes());
    const auto version = world.store->version();
    world.end();

    world.bring_back({{"ledger.db", "old-ledger.db"}, {"pages.db", "old-pages.db"}});
    world.restart();
    world.settle();
    BOOST_REQUIRE(!world.find(9)->record.status);  // so old are they
    // Out of reach at the start: it is signed all the same, into the page file.
    world.revoked = {World::serial(9)};
    world.away = true;
    world.begin();
    world.apply(ledger::Action::revoke, 11);
    world.settle();
    BOOST_TEST(world.find(11)->record.status.has_value());
    BOOST_REQUIRE(!world.find(9)->record.status);
    // Back: merged before the first write, signed, and above all that fronts have seen.
    world.store->set_away(false);
    BOOST_REQUIRE(world.comes());
    BOOST_TEST(!world.store->was_lost());
    BOOST_TEST(world.find(9)->record.status.has_value());
    BOOST_TEST(world.store->find(World::serial(11))->record.status.has_value());
    BOOST_TEST(world.store->find(World::serial(303)).has_value());
    BOOST_TEST(!world.store->find(World::serial(10))->record.status);
    BOOST_TEST((world.store->version() > version));
    BOOST_TEST(world.store->version().sequence > version.sequence);
    world.end();
}

// Covers: C-05, C-08
BOOST_AUTO_TEST_CASE(a_page_file_that_is_older_than_the_ledger_is_brought_up_before_anything_else) {
    World world;
    world.issue(0, 300);
    world.settle();
    world.apply(ledger::Action::revoke, 8);
    world.settle();
    world.keep("pages.db", "old-pages.db");
    world.issue(300, 1);
    world.apply(ledger::Action::revoke, 9, CrlReason::key_compromise);
    world.apply(ledger::Action::hold, 10);
    world.settle();
    BOOST_REQUIRE(world.ledger->unpublished(world.id(), 10)->empty());
    world.bring_back({{"pages.db", "old-pages.db"}});
    world.restart();
    BOOST_REQUIRE(!world.find(9)->record.status);  // so old is it
    BOOST_TEST(world.ledger->unpublished(world.id(), 10)->size() == 3U);
    const auto before = world.signatures();
    world.settle();
    BOOST_TEST(world.signatures() == before + 6);  // these three, for both hashes
    BOOST_TEST(for_good(world.find(8)->record.status));
    BOOST_TEST(for_good(world.find(9)->record.status));
    BOOST_TEST(on_hold(world.find(10)->record.status));
    BOOST_TEST(world.find(300).has_value());
    world.restart();
    BOOST_TEST(world.ledger->unpublished(world.id(), 10)->empty());
}

BOOST_AUTO_TEST_CASE(what_waits_to_be_published_is_not_written_down_again_at_a_start) {
    World world;
    world.settle();  // a head over nothing
    world.keep("pages.db", "old-pages.db");
    world.issue(0, 3);
    world.apply(ledger::Action::revoke, 1);
    const auto waits = world.ledger->unpublished(world.id(), 10)->size();
    world.restart();
    BOOST_TEST(world.ledger->unpublished(world.id(), 10)->size() == waits);
    world.settle();
    world.bring_back({{"pages.db", "old-pages.db"}});
    world.restart();
    world.settle();
    BOOST_TEST(for_good(world.find(1)->record.status));
    BOOST_TEST(world.find(2).has_value());
}

// As of a signer that followed: the store got a revocation just before it took over.
// Covers: C-08
BOOST_AUTO_TEST_CASE(what_ledger_and_store_have_and_the_page_file_lacks_never_leaves_the_store) {
    SharedWorld world;
    world.issue(0, 300);
    world.settle();
    world.begin();
    BOOST_REQUIRE(world.comes());
    world.end();
    world.keep("pages.db", "old-pages.db");
    world.begin();
    world.apply(ledger::Action::revoke, 9);
    BOOST_REQUIRE(world.comes());
    world.end();
    world.bring_back({{"pages.db", "old-pages.db"}});
    world.restart();
    world.revoked = {World::serial(9)};
    world.begin();
    BOOST_REQUIRE(world.comes());
    BOOST_TEST(!world.store->was_lost());
    BOOST_TEST(world.store->all_revoked());
    world.end();
}

BOOST_AUTO_TEST_CASE(a_store_that_holds_the_page_files_own_head_is_written_at_once_and_not_read_through) {
    SharedWorld world;
    world.issue(0, 20'000);
    world.settle();
    world.begin();
    BOOST_REQUIRE(world.comes());
    world.end();
    world.restart();
    world.begin();
    world.apply(ledger::Action::revoke, 3);
    BOOST_REQUIRE(world.comes());
    BOOST_TEST(world.store->calls() < 200);  // reading it through takes 512 pages, one by one
    BOOST_TEST(world.store->find(World::serial(3))->record.status.has_value());
    world.end();
}

// Covers: C-05
BOOST_AUTO_TEST_CASE(a_lost_page_in_the_store_hides_nothing_of_the_others) {
    SharedWorld world;
    world.issue(0, 2'000);
    world.settle();
    world.begin();
    BOOST_REQUIRE(world.comes());
    world.end();
    world.keep("ledger.db", "old-ledger.db");
    world.keep("pages.db", "old-pages.db");
    world.begin();
    world.apply(ledger::Action::revoke, 9);
    world.clock.advance(13h);  // into its page
    BOOST_REQUIRE(world.comes());
    const std::string place = world.find(8)->place;
    BOOST_REQUIRE(place != world.find(9)->place);
    world.end();
    {
        const auto bytes =
            *cache::PageFile::open(world.folder.path() / "shared.db", cache::PageFile::Access::write);
        BOOST_REQUIRE(bytes->publish({world.id(), {{place, Bytes{1}}}, {}, {}}));
    }
    world.bring_back({{"ledger.db", "old-ledger.db"}, {"pages.db", "old-pages.db"}});
    world.restart();
    world.revoked = {World::serial(9)};
    world.begin();
    BOOST_REQUIRE(world.comes());
    BOOST_TEST(!world.store->was_lost());
    BOOST_TEST(world.find(9)->record.status.has_value());
    world.end();
}

BOOST_AUTO_TEST_CASE(ending_does_not_wait_until_a_large_store_is_compared) {
    SharedWorld world;
    world.issue(0, 20'000);
    world.settle();
    std::promise<void> begun;
    std::thread ending;
    std::atomic<bool> told{false};
    std::atomic<int> calls_after{0};
    world.on_call = [&](int call) {
        if (call < 3)
            return;
        if (call == 3) {
            ending = std::thread{[&] {
                told = true;
                world.mirror->stop();
            }};
            begun.set_value();
            while (!told)
                std::this_thread::yield();
        } else {
            ++calls_after;
        }
        std::this_thread::sleep_for(500ms);  // a slow store
    };
    world.begin();
    BOOST_REQUIRE((begun.get_future().wait_for(60s) == std::future_status::ready));
    ending.join();
    BOOST_TEST(calls_after <= 10);  // one, but who was told may stall before it takes note
    BOOST_TEST((world.store->version() == cache::Version{}));  // there was more to do
    world.end();
}

BOOST_AUTO_TEST_SUITE_END()
