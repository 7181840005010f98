#include <sqlite3.h>

#include <boost/test/unit_test.hpp>
#include <set>

#include "tests/signer/world.h"

// Signing everything anew beside what is published.
using namespace eightbells;
using namespace eightbells::signer;
using namespace std::chrono_literals;
using tests::World;

namespace {

// Names of pages and tables in the page file.
std::set<std::string> page_names(const World& world) {
    std::set<std::string> names;
    sqlite3* file = nullptr;
    BOOST_REQUIRE(sqlite3_open_v2((world.folder.path() / "pages.db").c_str(), &file, SQLITE_OPEN_READONLY,
                                  nullptr) == SQLITE_OK);
    const auto take = [](void* into, int, char** values, char**) {
        static_cast<std::set<std::string>*>(into)->insert(values[0]);
        return 0;
    };
    BOOST_REQUIRE(sqlite3_exec(file,
                               "SELECT name FROM blob WHERE name LIKE '%:page:%' OR name LIKE '%:table:%'",
                               take, &names, nullptr) == SQLITE_OK);
    sqlite3_close(file);
    return names;
}

// Those that the head answers for.
std::set<std::string> named_by_head(World& world) {
    std::set<std::string> names;
    cache::Walk walk{*world.pages, world.id(), {world.store_key.public_key()}};
    const auto head = *walk.head();
    for (const auto& set : head.sets) {
        cache::Tree tree{set.page_bits};
        for (std::uint32_t index = 0; index < tree.pages(); ++index) {
            const auto page = walk.page(set, index);
            BOOST_REQUIRE_MESSAGE(page, page.error().message);
            if (!*page)
                continue;
            tree.set_page(index, crypto::sha256((*page)->bytes()));
            names.insert(cache::page_name(world.id(), set.id, set.page_bits, index));
        }
        (void)tree.take_changes();
        BOOST_REQUIRE(tree.root() == set.root);
        for (const auto& table : tree.all_tables())
            names.insert(cache::table_name(world.id(), set.id, set.page_bits, table.id));
    }
    return names;
}

bool has_set(const cache::Head& head, ocsp::HashAlgorithm hash) {
    return std::ranges::any_of(head.sets, [&](const auto& set) { return set.id.hash == hash; });
}

// Round by round until all is signed anew; in the middle of it a revocation and new certificates come. At
// every moment everything that was there can be read, and the revocation is out with the next round.
void sign_anew_with_a_revocation_in_between(World& world) {
    int rounds = 0;
    bool revoked = false;
    std::set<unsigned> seen;
    do {
        ++rounds;
        BOOST_REQUIRE(rounds < 200);
        if (rounds == 5) {
            BOOST_REQUIRE(!world.state.complete);
            for (unsigned n = 100; n < 160; ++n)  // on pages that are signed anew already, and on others
                world.apply(ledger::Action::revoke, n, CrlReason::key_compromise);
            world.issue(50'000, 20);
            revoked = true;
        }
        world.publisher->round();
        BOOST_REQUIRE_MESSAGE(!world.state.fault, *world.state.fault);
        if (rounds == 6) {
            BOOST_TEST(!world.state.complete);
            BOOST_TEST(world.state.unpublished == 0U);
        }
        for (const unsigned n : {0U, 7U, 120U, 159U, 2'999U}) {
            const auto found = world.find(n);
            BOOST_REQUIRE(found);
            if (rounds > 5)
                BOOST_REQUIRE(found->record.status.has_value() == (n >= 100 && n < 160));
        }
    } while (!world.state.complete);
    BOOST_REQUIRE(revoked);
    BOOST_TEST(rounds > 10);
    world.settle();
}

void check_all(World& world, unsigned certificates) {
    for (const auto hash : {ocsp::HashAlgorithm::sha256, ocsp::HashAlgorithm::sha1}) {
        for (unsigned n = 0; n < certificates; ++n) {
            const auto found = world.find(n, hash);
            BOOST_REQUIRE(found);
            BOOST_REQUIRE(found->record.status.has_value() == (n >= 100 && n < 160));
        }
        BOOST_TEST(world.find(50'019, hash).has_value());
    }
    BOOST_TEST((page_names(world) == named_by_head(world)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(anew)

// Covers: B-07, C-10, C-05, D-17
BOOST_AUTO_TEST_CASE(
    while_sha1_answers_are_signed_for_the_first_time_revocations_go_out_and_nothing_is_away) {
    World world;
    world.settings.sha1 = false;
    world.load_again();
    world.restart();
    world.issue(0, 5'000);
    world.settle();
    BOOST_TEST(!has_set(world.head(), ocsp::HashAlgorithm::sha1));
    world.settings.sha1 = true;
    world.load_again();
    world.restart();
    BOOST_TEST(world.publisher->round());
    BOOST_TEST(world.state.published);
    sign_anew_with_a_revocation_in_between(world);
    check_all(world, 5'000);
    // And off again: its pages go.
    world.settings.sha1 = false;
    world.load_again();
    world.restart();
    world.apply(ledger::Action::hold, 1);
    world.settle();
    BOOST_TEST(world.state.complete);
    BOOST_TEST(!has_set(world.head(), ocsp::HashAlgorithm::sha1));
    BOOST_TEST((page_names(world) == named_by_head(world)));
}

// Covers: C-05, B-23
BOOST_AUTO_TEST_CASE(with_a_damaged_table_revocations_go_out_while_the_pages_are_signed_anew) {
    World world;
    world.issue(0, 5'000);
    world.settle();
    const auto set = world.head().sets.front();
    BOOST_REQUIRE(set.id.hash == ocsp::HashAlgorithm::sha1);  // so the SHA-256 pages can be read meanwhile
    const std::string name = cache::table_name(world.id(), set.id, set.page_bits, {0, 0});
    BOOST_REQUIRE(world.pages->publish({world.id(), {{name, Bytes{9, 9}}}, {}, {}}));
    world.restart();
    sign_anew_with_a_revocation_in_between(world);
    check_all(world, 5'000);
}

// Covers: C-05, B-23
BOOST_AUTO_TEST_CASE(a_lost_patch_stays_named_until_every_page_is_signed_anew) {
    World world;
    world.issue(0, 5'000);
    world.settle();
    world.apply(ledger::Action::revoke, 2'000);
    world.settle();
    const auto lost = world.head().patches.front();
    const std::string name = cache::patch_name(world.id(), lost.sequence);
    BOOST_REQUIRE(world.pages->publish({world.id(), {{name, Bytes{9, 9}}}, {}, {}}));
    world.restart();
    for (int rounds = 0; rounds < 12; ++rounds) {
        if (rounds == 6)
            world.apply(ledger::Action::revoke, 2'001);
        BOOST_REQUIRE(world.publisher->round());
    }
    // Under the newer head too: whoever still has it goes on believing it.
    BOOST_TEST(world.state.unpublished == 0U);
    BOOST_TEST((world.head().patches.front() == lost));
    BOOST_TEST(world.head().patches.size() == 2U);
    world.settle();
    BOOST_TEST(world.state.complete);
    BOOST_TEST(world.find(2'000)->record.status.has_value());
    BOOST_TEST(world.find(2'001)->record.status.has_value());
    BOOST_TEST(!world.find(2'002)->record.status.has_value());
}

// Covers: B-23, C-05
BOOST_AUTO_TEST_CASE(a_patch_that_is_damaged_meanwhile_is_found_when_it_is_joined_and_mended) {
    World world;
    world.issue(0, 200);
    world.settle();
    for (unsigned n = 0; n < 2 * limits::patches_before_merge; ++n) {
        world.apply(ledger::Action::revoke, n);
        world.settle();
        if (n == 0) {
            const std::string name = cache::patch_name(world.id(), world.head().patches.front().sequence);
            BOOST_REQUIRE(world.pages->publish({world.id(), {{name, Bytes{9, 9}}}, {}, {}}));
        }
        world.clock.advance(limits::signing_retry);
    }
    world.settle();
    BOOST_TEST(world.state.complete);
    BOOST_TEST(!world.state.fault, world.state.fault.value_or(""));
    BOOST_TEST(world.state.unpublished == 0U);
    for (unsigned n = 0; n < 200; ++n)
        BOOST_TEST(world.find(n)->record.status.has_value() == (n < 2 * limits::patches_before_merge));
}

BOOST_AUTO_TEST_CASE(a_ca_that_grows_far_is_signed_anew_and_leaves_no_page_of_the_old_shape) {
    World world;
    world.issue(0, 100);
    world.settle();
    const auto bits = world.head().sets.front().page_bits;
    world.issue(100, 4'900);
    for (int rounds = 0; rounds < 5; ++rounds) {
        BOOST_REQUIRE(world.publisher->round());
        BOOST_TEST(world.find(50).has_value());
    }
    BOOST_TEST(!world.state.complete);
    world.restart();  // in the middle of it
    world.settle();
    BOOST_TEST(world.head().sets.front().page_bits > bits + 2U);
    BOOST_TEST(world.state.unpublished == 0U);
    for (unsigned n = 0; n < 5'000; n += 7)
        BOOST_REQUIRE(world.find(n).has_value());
    BOOST_TEST((page_names(world) == named_by_head(world)));
}

// Covers: C-08
BOOST_AUTO_TEST_CASE(due_pages_are_renewed_while_others_are_signed_beside_them_and_no_revocation_is_lost) {
    World world;
    world.settings.sha1 = false;
    world.load_again();
    world.restart();
    world.issue(0, 5'000);
    world.settle();
    world.settings.sha1 = true;
    world.load_again();
    world.restart();
    for (int rounds = 0; rounds < 4; ++rounds)
        BOOST_REQUIRE(world.publisher->round());
    // On coming pages that are signed already: they need the patch when the published ones have it folded in.
    for (unsigned n = 100; n < 160; ++n)
        world.apply(ledger::Action::revoke, n);
    world.clock.advance(13h);  // all published pages are due now
    for (int rounds = 0; rounds < 10; ++rounds)
        BOOST_REQUIRE(world.publisher->round());
    BOOST_TEST(!world.state.complete);
    BOOST_TEST(!world.state.fault.has_value());
    BOOST_TEST((world.head().time == world.clock.now()));
    for (int rounds = 0; !world.state.complete; ++rounds) {
        BOOST_REQUIRE(rounds < 100);
        BOOST_REQUIRE(world.publisher->round());
    }
    for (unsigned n = 0; n < 200; ++n)  // at once, before the oldest of the new pages are renewed
        BOOST_TEST(world.find(n)->record.status.has_value() == (n >= 100 && n < 160));
    world.settle();
    BOOST_TEST((*world.state.earliest_next_update - world.clock.now() > 4h));
}

BOOST_AUTO_TEST_SUITE_END()
