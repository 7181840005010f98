#define BOOST_TEST_MODULE front_loader
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

#include "responder/base/durable_file.h"
#include "responder/front/limits.h"
#include "responder/front/store_keys.h"
#include "responder/front/store_of.h"
#include "tests/front/world.h"

namespace eightbells::front::test {
namespace {

constexpr std::chrono::milliseconds at_once{0};

struct Held : World {
    Held() { publish(); }
    AskedId id() { return id_of(authority(), serial); }
    std::string says() { return verdict(post(request_der({id()})), authority(), {id()}); }
    bool ready() const { return health->readiness(clock.steady()).ready; }
    std::string reason() const { return health->readiness(clock.steady()).issuers.at(0).reason; }
    // The front starts again, with what it finds on its disk.
    void restart(std::unique_ptr<cache::Store> from) {
        loader.reset();
        answering->use(FrontState::make(issuers, {nullptr}, {}, {false}));
        health = std::make_unique<Health>(std::vector<std::string>{"ca"});
        loader = make_loader(std::move(from));
    }
    std::unique_ptr<cache::MemoryStore> dead_store() {
        auto dead = std::make_unique<cache::MemoryStore>();
        dead->offline = true;
        store = dead.get();
        return dead;
    }
    std::string own() { return (folder / "front" / cache::page_file_name).string(); }
    Bytes serial = set().issue();
};

void damage(const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.write("not a database any more", 23);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(loading)

// Covers: G-23
BOOST_FIXTURE_TEST_CASE(a_front_starts_from_its_own_page_file_with_the_store_gone, Held) {
    set().set_crl("/ca.crl", authority().crl("20260101000000Z", "20990101000000Z"));
    publish_patch();
    const std::string crl = get("/ca.crl").body;
    BOOST_REQUIRE(crl.size() > 100U);
    restart(dead_store());
    BOOST_TEST(says() == "tryLater");
    BOOST_TEST(!ready());
    BOOST_REQUIRE(loader->open());
    loader->load();
    BOOST_TEST(says() == "good");
    BOOST_TEST(get("/ca.crl").body == crl);
    BOOST_TEST(ready());
    for (int i = 0; i < 3; ++i)
        loader->pass(at_once);
    BOOST_TEST(says() == "good");
    BOOST_TEST(ready());
    BOOST_TEST(metrics->store_reachable().value() == 0.0);
}

// Covers: C-05, G-23
BOOST_FIXTURE_TEST_CASE(garbage_in_the_store_changes_nothing_but_the_alarm, Held) {
    advance(seconds(10));
    set().revoke(serial);
    BOOST_REQUIRE(store->publish(set().publish()));
    const auto blobs = store->blobs;
    for (auto& [name, bytes] : store->blobs)
        bytes.assign(bytes.size(), 0xa5);
    for (int i = 0; i < 3; ++i)
        sync();
    BOOST_TEST(says() == "good");
    BOOST_TEST(ready());
    BOOST_TEST(metrics->rejected_blobs(0, metrics::BlobKind::head).value() > 0U);
    store->blobs.clear();
    sync();
    BOOST_TEST(says() == "good");
    store->blobs = blobs;
    sync();
    BOOST_TEST(says() == "revoked");
}

// Covers: G-24
BOOST_AUTO_TEST_CASE(a_front_is_ready_when_every_issuer_is_loaded) {
    World::Options options;
    options.issuers.resize(2);
    options.issuers[0].name = "a";
    options.issuers[1].name = "b";
    World world(options);
    const auto ready = [&world] { return world.health->readiness(world.clock.steady()); };
    world.sync();
    BOOST_TEST(!ready().ready);
    world.set(0).issue();
    world.publish(0);
    BOOST_TEST(!ready().ready);
    BOOST_TEST(ready().issuers[0].ready);
    BOOST_TEST(ready().issuers[1].reason == "not loaded yet");
    world.set(1).issue();
    world.publish(1);
    BOOST_TEST(ready().ready);
    // One issuer going stale is an alarm and no reason to leave: all fronts are in the same state.
    world.advance(std::chrono::hours(100));
    world.publish(0);
    BOOST_TEST(ready().ready);
    world.store->blobs.clear();
    world.sync();
    BOOST_TEST(ready().ready);
    world.health->set_leaving();
    BOOST_TEST(!ready().ready);
}

// Covers: G-24
BOOST_FIXTURE_TEST_CASE(a_front_that_cannot_take_what_the_store_has_leaves_the_pool_after_a_while, Held) {
    // The own page file cannot be written: another process holds it.
    auto other = need(cache::PageFile::open(own(), cache::PageFile::Access::write));
    auto change = need(other->begin(false));
    BOOST_REQUIRE(change.put("x", Bytes(1)));
    set().revoke(serial);
    BOOST_REQUIRE(store->publish(set().publish()));
    sync();
    BOOST_TEST(says() == "good");  // still: the floor could not be kept
    BOOST_TEST(ready());
    advance(limits::ready_lag);
    BOOST_TEST(ready());
    advance(seconds(1));
    BOOST_TEST(!ready());
    BOOST_TEST(reason() == "behind the published head");
    // With the store gone nothing is known to be newer than what was seen, and that stays missed.
    store->offline = true;
    sync();
    BOOST_TEST(!ready());
    store->offline = false;
    BOOST_REQUIRE(change.put("x", Bytes(2)));
    { const auto gone = std::move(change); }
    sync();
    BOOST_TEST(says() == "revoked");
    BOOST_TEST(ready());
}

// Covers: G-24
BOOST_FIXTURE_TEST_CASE(pages_that_the_store_has_lost_take_no_front_out, Held) {
    advance(seconds(10));
    BOOST_REQUIRE(store->publish(set().publish_all()));
    std::erase_if(store->blobs,
                  [](const auto& blob) { return cache::kind_of(blob.first) == cache::BlobKind::page; });
    sync();
    advance(limits::ready_lag + seconds(60));
    sync();
    BOOST_TEST(ready());
    BOOST_TEST(says() == "good");  // the page before
    BOOST_TEST(metrics->behind(0).value() == 1.0);
    BOOST_TEST(metrics->pages_stale(0).value() > 0.0);
}

BOOST_FIXTURE_TEST_CASE(a_damaged_own_page_file_is_set_aside_after_some_attempts, Held) {
    auto whole = std::make_unique<cache::MemoryStore>();
    whole->blobs = store->blobs;
    restart(std::move(whole));
    std::filesystem::remove(own() + "-wal");
    std::filesystem::remove(own() + "-shm");
    damage(own());
    for (unsigned i = 1; i < limits::own_file_attempts; ++i)
        BOOST_TEST(!loader->open());
    BOOST_REQUIRE(loader->open());
    BOOST_TEST(std::filesystem::exists(own() + ".damaged"));
    loader->load();
    loader->pass(at_once);
    BOOST_TEST(says() == "good");
}

BOOST_FIXTURE_TEST_CASE(an_own_page_file_in_a_folder_that_may_not_be_used_is_left_alone, Held) {
    restart(dead_store());
    std::filesystem::remove(own() + "-wal");
    std::filesystem::remove(own() + "-shm");
    const auto folder_of_own = folder / "front";
    damage(own());
    // What would prove the file guilty cannot be made.
    std::filesystem::create_directory(folder_of_own / "probe.db");
    std::filesystem::create_directory(folder_of_own / "probe.db" / "x");
    for (unsigned i = 0; i < 3 * limits::own_file_attempts; ++i)
        BOOST_TEST(!loader->open());
    BOOST_TEST(!std::filesystem::exists(own() + ".damaged"));
}

// One front goes on while the next one has loaded already; that one's store is away, so that only the page
// file can tell it what was shown since.
BOOST_FIXTURE_TEST_CASE(a_front_that_takes_over_knows_all_that_the_one_before_has_shown, Held) {
    BOOST_REQUIRE(claim.take());
    Claim next_claim{folder / "front"};
    auto dead = std::make_unique<cache::MemoryStore>();
    dead->offline = true;
    std::mutex mutex;  // of the next front's state
    std::shared_ptr<const FrontState> next_state;
    std::promise<void> has_loaded;
    std::promise<std::string> answers;
    const auto verdict_now = [&] {
        const std::lock_guard lock(mutex);
        const cache::IssuerSnapshot& snapshot = *next_state->snapshots.at(0);
        cache::IssuerSnapshot::Found found;
        crypto::Sha256 sha256;
        const auto hash = crypto::serial_hash(sha256, serial);
        const auto lookup = snapshot.find(HashAlgorithm::sha256, serial, hash, found);
        BOOST_REQUIRE(lookup == cache::IssuerSnapshot::Lookup::found);
        return std::string{found.single.status ? "revoked" : "good"};
    };
    Loader next({folder / "front", {to_hex(set().key())}, {}},
                {.store = std::move(dead),
                 .issuers = issuers,
                 .publish =
                     [&](auto given) {
                         const std::lock_guard lock(mutex);
                         next_state = given;
                     },
                 .loaded = [&] { has_loaded.set_value(); },
                 .answer = [&] { answers.set_value(verdict_now()); },
                 .alone = false,
                 .claim = next_claim,
                 .health = *health,
                 .metrics = *metrics,
                 .clock = clock});
    std::thread thread([&] { next.run(); });
    has_loaded.get_future().wait();
    BOOST_TEST(verdict_now() == "good");
    set().revoke(serial);
    publish_patch();
    BOOST_TEST(says() == "revoked");
    auto first_word = answers.get_future();
    BOOST_TEST((first_word.wait_for(at_once) == std::future_status::timeout));
    claim.give_up();
    BOOST_TEST(first_word.get() == "revoked");
    next.stop();
    thread.join();
}

BOOST_FIXTURE_TEST_CASE(the_loader_waits_for_the_store_key_that_the_signer_makes, Held) {
    const auto file = folder / "store-key.pub";
    auto whole = std::make_unique<cache::MemoryStore>();
    whole->blobs = store->blobs;
    loader.reset();
    loader = std::make_unique<Loader>(
        Loader::Settings{folder / "another", {}, {file}},
        Loader::Parts{.store = std::move(whole),
                      .issuers = issuers,
                      .publish = [this](auto given) { answering->use(std::move(given)); },
                      .claim = claim,
                      .health = *health,
                      .metrics = *metrics,
                      .clock = clock});
    BOOST_TEST(!loader->open());
    BOOST_REQUIRE(write_file_durably(file, as_bytes("# the signer's\n" + to_hex(set().key()) + "\n")));
    BOOST_REQUIRE(loader->open());
    loader->load();
    loader->pass(at_once);
    BOOST_TEST(says() == "good");
}

BOOST_AUTO_TEST_CASE(store_keys_are_all_taken_or_none_and_the_line_is_named) {
    TemporaryFolder folder;
    const std::string a(64, 'a');
    const std::string b(64, 'B');
    const std::vector<std::filesystem::path> files{folder / "keys"};
    const auto read = [&](const std::string& text) {
        BOOST_REQUIRE(write_file_durably(files[0], as_bytes(text)));
        return read_store_keys(std::vector{a}, files);
    };
    BOOST_TEST(need(read(b + "\r\n\n# old\n" + a)).size() == 2U);
    BOOST_TEST(need(read("")).size() == 1U);
    const auto broken = read(b + "\nxyz\n");
    BOOST_REQUIRE(!broken);
    BOOST_TEST(broken.error().message.find("keys:2") != std::string::npos, broken.error().message);
    BOOST_TEST(!read_store_keys(std::vector<std::string>{"aa"}, {}));
    BOOST_TEST(!read_store_keys({}, {}));
    std::filesystem::remove(files[0]);
    BOOST_TEST(!read_store_keys(std::vector{a}, files));
}

BOOST_FIXTURE_TEST_CASE(a_shared_page_file_may_come_late_and_be_replaced, Held) {
    const auto path = folder / "shared.db";
    cache::MemoryStore whole;
    whole.blobs = store->blobs;
    restart(std::make_unique<SharedPageFile>(path));
    std::filesystem::remove_all(folder / "front");
    BOOST_REQUIRE(loader->open());
    loader->load();
    loader->pass(at_once);
    BOOST_TEST(says() == "tryLater");
    const auto publish_into = [&](const std::filesystem::path& to) {
        BOOST_REQUIRE(whole.publish(set().publish_all()));
        cache::Batch all;
        all.issuer = set().issuer();
        for (const auto& [name, bytes] : whole.blobs)
            if (cache::kind_of(name) == cache::BlobKind::head)
                all.head = bytes;
            else
                all.put.emplace_back(name, bytes);
        auto file = need(cache::PageFile::open(to, cache::PageFile::Access::write));
        BOOST_REQUIRE(file->publish(all));
    };
    publish_into(path);
    loader->pass(at_once);
    BOOST_TEST(says() == "good");
    // Another file under the name, as after a restored backup and a publication.
    for (const char* end : {"", "-wal", "-shm"})
        std::filesystem::remove(path.string() + end);
    set().revoke(serial);
    publish_into(path);
    loader->pass(at_once);
    BOOST_TEST(says() == "revoked");
}

// Covers: C-08
BOOST_FIXTURE_TEST_CASE(yesterdays_store_does_not_make_a_revoked_certificate_good_again, Held) {
    const auto yesterday = store->blobs;
    set().revoke(serial);
    publish_patch();
    BOOST_TEST(says() == "revoked");
    store->blobs = yesterday;
    sync();
    BOOST_TEST(says() == "revoked");
    auto old = std::make_unique<cache::MemoryStore>();
    old->blobs = yesterday;
    restart(std::move(old));
    BOOST_REQUIRE(loader->open());
    loader->load();
    loader->pass(at_once);
    BOOST_TEST(says() == "revoked");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::front::test
