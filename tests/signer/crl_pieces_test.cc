#include "cache/limits.h"
#include "tests/signer/world.h"

// How CRLs come to lie under a head: octets that the gate has judged; here they are only bytes.
using namespace eightbells;
using namespace eightbells::tests;

namespace {

void configure(World& world, const std::vector<std::string>& paths) {
    world.settings.imported_crls.clear();
    for (const std::string& path : paths)
        world.settings.imported_crls.emplace_back().path = path;
    world.load_again();
    world.restart();
}

std::vector<std::string> pieces(World& world) {
    return *world.pages->names(cache::crl_pieces_prefix(world.id()), 1000);
}

// No two pieces are alike.
Bytes large(unsigned count, std::uint8_t first = 1) {
    Bytes octets(count * limits::crl_piece_octets);
    for (std::size_t i = 0; i < count; ++i)
        octets[i * limits::crl_piece_octets] = static_cast<std::uint8_t>(first + i);
    return octets;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crl_pieces)

BOOST_AUTO_TEST_CASE(a_crl_is_published_under_the_head_and_replaced_as_a_whole) {
    World world;
    world.issue(0, 10);
    world.settle();
    const Bytes first(100'000, 1);  // the gate before this has judged it; here it is only bytes
    world.submit_crl("/tested.crl", first);
    world.settle();
    cache::Walk walk{*world.pages, world.id(), {world.store_key.public_key()}};
    BOOST_REQUIRE(world.head().crls.size() == 1);
    BOOST_TEST(world.head().crls.front().path == "/tested.crl");
    BOOST_TEST((*walk.crl(world.head().crls.front()) == first));
    const auto old = world.head().crls.front();
    world.submit_crl("/tested.crl", Bytes(50, 2));
    world.settle();
    BOOST_TEST(walk.crl(world.head().crls.front())->size() == 50U);
    BOOST_TEST(!walk.crl(old).has_value());
}

BOOST_AUTO_TEST_CASE(several_crls_of_an_issuer_lie_under_one_head_large_ones_in_parts_and_survive_a_restart) {
    World world;
    configure(world, {"/early.crl", "/large.crl", "/shard-1.crl", "/shard-2.crl"});
    world.issue(0, 10);
    world.submit_crl("/early.crl", Bytes(10, 1));  // before there is a head
    world.settle();
    Bytes large(40 * 1024 * 1024 + 1, 3);
    large[20'000'000] = 4;
    world.submit_crl("/large.crl", large);
    world.submit_crl("/shard-1.crl", Bytes(20, 5));
    world.submit_crl("/shard-2.crl", Bytes(20, 5));  // the same octets twice: they lie there once
    world.settle();
    world.submit_crl("/shard-1.crl", Bytes(20, 6));
    world.settle();
    world.restart();
    cache::Walk walk{*world.pages, world.id(), {world.store_key.public_key()}};
    const auto head = world.head();
    BOOST_REQUIRE(head.crls.size() == 4);
    BOOST_TEST((*walk.crl(head.crls[0]) == Bytes(10, 1)));
    BOOST_TEST((*walk.crl(head.crls[1]) == large));
    BOOST_TEST((*walk.crl(head.crls[2]) == Bytes(20, 6)));
    BOOST_TEST((*walk.crl(head.crls[3]) == Bytes(20, 5)));
    const auto served = world.publisher->served_crl(world.id(), "/large.crl");
    BOOST_REQUIRE(served != nullptr);
    BOOST_TEST(equal(served->bytes(), large));
    BOOST_TEST(world.publisher->served_crl_paths(world.id()).size() == 4U);
    BOOST_TEST((world.publisher->served_crl(world.id(), "/other.crl") == nullptr));
}

// Covers: C-09, D-02
BOOST_AUTO_TEST_CASE(a_revocation_goes_out_between_two_pieces_of_a_large_crl) {
    World world;
    world.issue(0, 10);
    world.settle();
    const Bytes der = large(6);
    world.submit_crl("/tested.crl", der);
    for (unsigned n = 1; n <= 3; ++n) {
        BOOST_TEST(world.publisher->round());
        BOOST_TEST(pieces(world).size() == n);  // one a round
        BOOST_TEST(world.head().crls.empty());
    }
    world.apply(ledger::Action::revoke, 4);
    BOOST_TEST(!world.find(4)->record.status.has_value());
    BOOST_TEST(world.publisher->round());
    BOOST_TEST(world.find(4)->record.status.has_value());  // in the very next round
    BOOST_TEST(world.head().crls.empty());
    BOOST_TEST(pieces(world).size() == 4U);  // and the CRL has gone on all the same
    BOOST_TEST(world.publisher->crl_waits(world.id(), "/tested.crl"));
    // However many follow each other.
    for (unsigned n = 5; n < 10; ++n) {
        world.apply(ledger::Action::revoke, n);
        world.publisher->round();
        BOOST_TEST(world.find(n)->record.status.has_value());
        BOOST_TEST(world.head().crls.empty());  // not before what it says is answered (C-09)
    }
    BOOST_TEST(pieces(world).size() == 5U);
    world.settle();
    BOOST_TEST(!world.publisher->crl_waits(world.id(), "/tested.crl"));
    cache::Walk walk{*world.pages, world.id(), {world.store_key.public_key()}};
    BOOST_REQUIRE(world.head().crls.size() == 1U);
    BOOST_TEST((*walk.crl(world.head().crls.front()) == der));
}

BOOST_AUTO_TEST_CASE(what_was_half_laid_before_a_crash_and_what_was_replaced_is_erased) {
    World world;
    world.issue(0, 10);
    world.submit_crl("/tested.crl", large(3));
    world.settle();
    world.submit_crl("/tested.crl", large(4, 11));
    world.publisher->round();
    world.publisher->round();
    BOOST_TEST(pieces(world).size() == 5U);
    world.restart();  // the source is looked at again, but the CA has taken that one back
    world.settle();
    BOOST_TEST(pieces(world).size() == 3U);
    cache::Walk walk{*world.pages, world.id(), {world.store_key.public_key()}};
    BOOST_TEST((*walk.crl(world.head().crls.front()) == large(3)));
    // Half laid, then the same again: what is there is used, not erased under it.
    world.submit_crl("/tested.crl", large(4, 11));
    world.publisher->round();
    world.publisher->round();
    world.restart();
    world.submit_crl("/tested.crl", large(4, 11));
    world.settle();
    BOOST_TEST((*walk.crl(world.head().crls.front()) == large(4, 11)));
    BOOST_TEST(pieces(world).size() == 4U);
    // A newer one comes before the large one is done, and the first comes back after it.
    world.submit_crl("/tested.crl", large(5, 21));
    world.publisher->round();
    world.publisher->round();
    world.submit_crl("/tested.crl", large(3));
    world.publisher->round();
    world.submit_crl("/tested.crl", large(5, 21));
    world.settle();
    BOOST_TEST((*walk.crl(world.head().crls.front()) == large(5, 21)));
    BOOST_TEST(pieces(world).size() == 5U);
}

BOOST_AUTO_TEST_CASE(a_path_that_is_not_configured_any_more_leaves_the_head) {
    World world;
    configure(world, {"/one.crl", "/two.crl", "/three.crl"});
    world.issue(0, 10);
    world.submit_crl("/one.crl", large(2));
    world.submit_crl("/two.crl", Bytes(20, 2));
    world.submit_crl("/three.crl", Bytes(20, 2));
    world.settle();
    BOOST_REQUIRE(world.head().crls.size() == 3U);
    configure(world, {"/two.crl"});
    BOOST_TEST(pieces(world).size() == 3U);  // not before a head without it
    world.settle();
    BOOST_REQUIRE(world.head().crls.size() == 1U);
    BOOST_TEST(world.head().crls.front().path == "/two.crl");
    BOOST_TEST(pieces(world).size() == 1U);
    BOOST_TEST((world.publisher->served_crl(world.id(), "/one.crl") == nullptr));
    cache::Walk walk{*world.pages, world.id(), {world.store_key.public_key()}};
    BOOST_TEST((*walk.crl(world.head().crls.front()) == Bytes(20, 2)));
}

// Covers: C-09, D-02
BOOST_AUTO_TEST_CASE(a_crl_that_cannot_be_published_keeps_neither_answers_nor_other_crls_from_it) {
    World world;
    world.issue(0, 10);
    world.settle();
    for (std::uint8_t n = 0; n < limits::crls_per_head; ++n)
        world.submit_crl("/" + std::to_string(n) + ".crl", Bytes(20, n));
    world.settle();
    BOOST_REQUIRE(world.head().crls.size() == limits::crls_per_head);
    world.submit_crl("/-.crl", Bytes(20, 200));  // one too many, and the first in turn
    world.submit_crl("/7.crl", Bytes(20, 201));
    world.settle();
    BOOST_TEST(world.state.fault.has_value());
    BOOST_TEST(!world.publisher->crl_waits(world.id(), "/7.crl"));
    for (unsigned n = 0; n < 4; ++n) {  // also when it has waited for five minutes
        world.apply(ledger::Action::revoke, n);
        world.settle();
        BOOST_TEST(world.find(n)->record.status.has_value());
        BOOST_TEST(world.state.fault.has_value());
        world.clock.advance(3min);
    }
    world.clock.advance(13h);
    world.settle();
    BOOST_TEST((*world.state.oldest_signed_at == world.clock.now()));
    BOOST_TEST(world.publisher->crl_waits(world.id(), "/-.crl"));
}

// Covers: C-09
BOOST_AUTO_TEST_CASE(a_crl_goes_out_alone_after_five_minutes_in_which_nothing_could_be_signed) {
    World world;
    world.issue(0, 10);
    world.settle();
    world.until = world.clock.now();  // no answer can be signed any more
    world.clock.advance(1s);
    world.submit_crl("/tested.crl", large(3));
    const auto begun = world.clock.now();
    while (world.head().crls.empty()) {
        world.publisher->round();
        BOOST_REQUIRE((world.clock.now() - begun < 6min));
        if (world.clock.now() - begun < 5min)
            BOOST_TEST(world.head().crls.empty());
        world.clock.advance(5s);
    }
    cache::Walk walk{*world.pages, world.id(), {world.store_key.public_key()}};
    BOOST_TEST((*walk.crl(world.head().crls.front()) == large(3)));
}

BOOST_AUTO_TEST_SUITE_END()
