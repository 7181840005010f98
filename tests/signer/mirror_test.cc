#include "responder/signer/mirror.h"

#include <boost/test/unit_test.hpp>
#include <future>

#include "cache/redis_store.h"
#include "tests/cache/memory_store.h"
#include "tests/cache/redis_cluster.h"
#include "tests/signer/world.h"

using namespace eightbells;
using namespace eightbells::tests;

namespace {

// What is written to the store, and a moment in which it holds all that the page file holds can be waited
// for.
class WatchedStore final : public cache::Store {
  public:
    Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) override {
        for (const std::string& one : names) {
            calls.push_back(one);
            if (at_fetch)
                at_fetch(one);
        }
        const std::scoped_lock lock{mutex_};
        return memory_.fetch(names);
    }
    Status publish(const cache::Batch& batch) override {
        if (!batch.head.empty())
            calls.push_back("a head comes");
        const std::scoped_lock lock{mutex_};
        auto done = memory_.publish(batch);
        changed_.notify_all();
        return done;
    }
    Result<bool> wait_notice(std::chrono::milliseconds) override { return false; }
    Result<std::vector<cache::StoreFinding>> check_settings() override {
        const std::scoped_lock lock{mutex_};
        return findings_;
    }
    std::string name() const override { return "watched store"; }

    // The mirror's thread only, while it runs.
    std::function<void(const std::string& name)> at_fetch;
    std::vector<std::string> calls;

    void finds(std::vector<cache::StoreFinding> findings) {
        const std::scoped_lock lock{mutex_};
        findings_ = std::move(findings);
    }
    void empty() {
        const std::scoped_lock lock{mutex_};
        memory_.blobs.clear();
    }
    Bytes blob(const std::string& name) {
        const std::scoped_lock lock{mutex_};
        return memory_.blobs[name];
    }
    bool holds(const std::vector<std::string>& names) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, 60s, [&] {
            return std::ranges::all_of(names, [&](const auto& one) { return memory_.blobs.contains(one); });
        });
    }
    std::vector<std::string> names() {
        const std::scoped_lock lock{mutex_};
        std::vector<std::string> all;
        for (const auto& [one, bytes] : memory_.blobs)
            all.push_back(one);
        return all;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    cache::MemoryStore memory_;
    std::vector<cache::StoreFinding> findings_;
};

// The store behind a mirror, which owns what it is given.
class Lent final : public cache::Store {
  public:
    explicit Lent(cache::Store& store) : store_(store) {}
    Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) override {
        return store_.fetch(names);
    }
    Status publish(const cache::Batch& batch) override { return store_.publish(batch); }
    Result<bool> wait_notice(std::chrono::milliseconds limit) override { return store_.wait_notice(limit); }
    Result<std::vector<cache::StoreFinding>> check_settings() override { return store_.check_settings(); }
    std::string name() const override { return store_.name(); }

  private:
    cache::Store& store_;
};

Mirror::Gate always_open() {
    return [](const std::string&, cache::Store&, cache::Store&) -> Result<bool> { return true; };
}

Mirror mirror_of(World& world, std::unique_ptr<cache::Store> store, const Clock& clock,
                 Mirror::Gate gate = always_open()) {
    return {world.folder.path() / "pages.db",
            std::move(store),
            {world.id()},
            {world.store_key.public_key()},
            std::move(gate),
            world.metrics,
            clock};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mirror)

// Reading everything back takes a quarter of a minute at ten million certificates.
// Covers: D-17
BOOST_AUTO_TEST_CASE(a_revocation_does_not_wait_until_everything_is_read_back) {
    World world;
    world.issue(0, 500);
    world.settle();
    // What a publication would hand over: all that the page file has and the store has not.
    const auto batch_of = [&](WatchedStore& store) {
        cache::Batch batch;
        batch.issuer = world.id();
        const auto names = *world.pages->names(world.id(), 10'000);
        for (const std::string& name : names) {
            Bytes bytes = *world.pages->fetch(std::span{&name, 1})->front();
            if (name == cache::head_name(world.id()))
                batch.head = std::move(bytes);
            else if (bytes != store.blob(name))
                batch.put.emplace_back(name, std::move(bytes));
        }
        return batch;
    };
    std::optional<cache::Batch> revoked;
    const auto name_of = [&](std::string_view kind, const std::string& name) {
        return name.find(kind) != std::string::npos;
    };
    WatchedStore store;
    std::promise<void> read_on;
    bool told = false;
    Mirror* running = nullptr;
    std::size_t pages = 0;
    // Everything is there, and the first page is read back: a certificate is revoked, on another thread in
    // truth.
    store.at_fetch = [&](const std::string& name) {
        if (!name_of(":page:", name))
            return;
        if (++pages != 1) {
            // Of the other hash, at the latest, with the revocation in the store.
            if (!told && store.blob(cache::head_name(world.id())) == revoked->head)
                read_on.set_value();
            told = told || store.blob(cache::head_name(world.id())) == revoked->head;
            return;
        }
        const cache::Batch seen{world.id(), {}, {}, store.blob(cache::head_name(world.id()))};
        world.apply(ledger::Action::revoke, 7, CrlReason::key_compromise);
        world.settle();
        revoked = batch_of(store);
        running->hand_over(seen);  // the comparison has brought it already
        running->hand_over(*revoked);
    };
    {
        std::promise<void> begun;
        const auto gate = [&, wait = begun.get_future().share()](const std::string&, cache::Store&,
                                                                 cache::Store&) -> Result<bool> {
            wait.wait();
            return true;
        };
        Mirror mirror = mirror_of(world, std::make_unique<Lent>(store), world.clock, gate);
        running = &mirror;
        begun.set_value();
        BOOST_REQUIRE((read_on.get_future().wait_for(60s) == std::future_status::ready));
        mirror.stop();
    }
    // The head that the store had when it was handed over never went out again.
    const auto first_page =
        std::ranges::find_if(store.calls, [&](const auto& one) { return name_of(":page:", one); });
    BOOST_TEST(std::count(first_page, store.calls.end(), "a head comes") == 1);
    BOOST_TEST((store.blob(cache::head_name(world.id())) == revoked->head));
}

// Covers: G-23
BOOST_AUTO_TEST_CASE(a_store_that_was_emptied_is_refilled_although_a_publication_comes_first) {
    World world;
    world.issue(0, 500);
    world.settle();
    const auto signatures = world.signatures();
    WatchedStore store;
    Mirror mirror = mirror_of(world, std::make_unique<Lent>(store), world.clock);
    BOOST_REQUIRE(store.holds({cache::head_name(world.id())}));
    const auto everything = store.names();
    BOOST_REQUIRE(everything.size() > 8);

    // As a publication finds it that comes before the mirror has looked again: a head, and nothing below.
    store.empty();
    cache::Batch batch;
    batch.issuer = world.id();
    const std::string head = cache::head_name(world.id());
    batch.head = *world.pages->fetch(std::span{&head, 1})->front();
    mirror.hand_over(batch);
    BOOST_TEST(store.holds(everything));
    BOOST_TEST(world.signatures() == signatures);
}

// A CRL that was replaced leaves more of them than one batch takes.
BOOST_AUTO_TEST_CASE(batches_without_a_head_go_through_one_after_the_other) {
    World world;
    world.issue(0, 5);
    world.settle();
    WatchedStore store;
    const std::string head = cache::head_name(world.id());
    const std::vector<std::string> old{world.id() + ":crl:1", world.id() + ":crl:2"};
    BOOST_REQUIRE(store.publish({world.id(), {{old[0], {1}}, {old[1], {2}}}, {}, {}}));
    Mirror mirror = mirror_of(world, std::make_unique<Lent>(store), world.clock);
    BOOST_REQUIRE(store.holds({head}));
    for (const std::string& name : old)
        mirror.hand_over({world.id(), {}, {name}, {}});
    BOOST_TEST(soon([&] {
        const auto names = store.names();
        return std::ranges::find_first_of(names, old) == names.end();
    }));
    BOOST_TEST(!store.blob(head).empty());
}

// A large set is refreshed in heads that follow one another faster than the store is looked at.
// Covers: C-05
BOOST_AUTO_TEST_CASE(what_is_found_of_the_store_is_measured_though_publications_never_pause) {
    using enum cache::StoreFinding::Kind;
    const SystemClock clock;  // it is looked at each second
    World world;
    world.issue(0, 5);
    world.settle();
    WatchedStore store;
    store.finds({{evicts, "one server evicts"}, {nearly_full, "another is nearly full"}});
    Mirror mirror = mirror_of(world, std::make_unique<Lent>(store), clock);
    using metrics::StoreFinding;
    const auto measured = [&](StoreFinding finding) { return world.metrics.store_finding(finding).value(); };
    const auto comes = [&](const std::vector<double>& expected) {
        return soon([&] {
            mirror.hand_over({world.id(), {}, {"nothing"}, {}});
            return std::vector{measured(StoreFinding::evicts), measured(StoreFinding::nearly_full),
                               measured(StoreFinding::not_told)} == expected;
        });
    };
    BOOST_TEST(comes({1, 1, 0}));
    store.finds({{not_told, "neither is told"}});
    BOOST_TEST(comes({0, 0, 1}));
    store.finds({});
    BOOST_TEST(comes({0, 0, 0}));
}

// Its head is on another node: nothing but a look at each of them tells of it.
// Covers: C-05, G-23
BOOST_AUTO_TEST_CASE(what_a_node_of_a_cluster_lost_comes_back_though_nothing_is_published) {
    const RedisCluster cluster;
    const SystemClock clock;  // what failed is tried again after a pause
    World world;
    world.issue(0, 500);
    world.settle();
    const auto signatures = world.signatures();
    Mirror mirror = mirror_of(world, std::make_unique<cache::RedisStore>(cluster.address()), clock);
    const auto keys = [&](std::size_t node) { return std::stoul(cluster[node].command("--raw dbsize")); };
    const auto all = [&] { return keys(0) + keys(1) + keys(2); };
    const std::size_t published = world.pages->names(world.id(), 10'000)->size();
    BOOST_REQUIRE(soon([&] { return all() >= published; }));
    const std::size_t lost =
        (cluster.holder_of("eightbells:" + cache::head_name(world.id())) + 1) % RedisCluster::size;
    BOOST_REQUIRE(keys(lost) > 1);  // and one may be the notices, which nobody needs again
    cluster[lost].stop();
    cluster[lost].start();
    BOOST_TEST(soon([&] { return all() >= published; }));
    BOOST_TEST(world.signatures() == signatures);
}

BOOST_AUTO_TEST_SUITE_END()
