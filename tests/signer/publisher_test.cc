#include "responder/signer/publisher.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "cache/walk.h"
#include "responder/config/limits.h"
#include "responder/ledger/sqlite.h"
#include "responder/ocsp/limits.h"
#include "responder/ocsp/response.h"
#include "responder/signer/ca_compromise.h"
#include "responder/signer/limits.h"
#include "tests/signer/world.h"

using namespace eightbells;
using namespace eightbells::signer;
using namespace std::chrono_literals;
using tests::World;

BOOST_AUTO_TEST_SUITE(publisher)

// Covers: B-05, B-06, C-01
BOOST_AUTO_TEST_CASE(every_certificate_is_signed_for_both_hashes_and_nothing_else_is_there) {
    World world;
    world.issue(0, 500);
    world.settle();
    BOOST_TEST(world.state.complete);
    BOOST_TEST(world.state.certificates == 500U);
    BOOST_TEST(world.signatures() == 1000U);
    for (unsigned n = 0; n < 500; n += 7) {
        const auto sha256 = world.find(n);
        const auto sha1 = world.find(n, ocsp::HashAlgorithm::sha1);
        BOOST_REQUIRE(sha256 && sha1);
        BOOST_TEST(!sha256->record.status.has_value());
        BOOST_TEST((sha256->record.times == sha1->record.times));
    }
    BOOST_TEST(!world.find(500).has_value());
}

BOOST_AUTO_TEST_CASE(no_head_is_published_before_every_page_is_signed) {
    World world;
    world.issue(0, 20'000);  // 256 pages, two rounds
    BOOST_TEST(world.publisher->round());
    cache::Walk walk{*world.pages, world.id(), {world.store_key.public_key()}};
    BOOST_TEST(!walk.head().has_value());
    world.settle();
    BOOST_TEST(walk.head().has_value());
    BOOST_TEST(world.find(19'999).has_value());
}

// Covers: C-10, C-18, D-17
BOOST_AUTO_TEST_CASE(a_revocation_is_published_for_both_hashes_in_one_step_without_signing_pages_again) {
    World world;
    world.issue(0, 300);
    world.settle();
    const auto before = world.signatures();
    const auto sequence = world.head().version.sequence;
    world.clock.advance(100s);
    world.apply(ledger::Action::revoke, 42, CrlReason::key_compromise);
    BOOST_TEST(world.publisher->round());
    BOOST_TEST(world.head().version.sequence == sequence + 1);
    BOOST_TEST(world.signatures() == before + 2);
    BOOST_TEST(world.published_changes == 1U);
    for (const auto hash : {ocsp::HashAlgorithm::sha1, ocsp::HashAlgorithm::sha256}) {
        const auto found = world.find(42, hash);
        BOOST_REQUIRE(found && found->record.status);
        BOOST_TEST((found->record.status->reason == CrlReason::key_compromise));
        BOOST_TEST(to_unix(found->record.status->time) == to_unix(world.clock.now()));
        BOOST_TEST(to_unix(found->record.times.produced_at) == to_unix(world.clock.now()));
    }
}

// Covers: C-08, D-06, D-18, D-20
BOOST_AUTO_TEST_CASE(over_three_days_every_answer_keeps_four_hours_and_a_revoked_one_stays_revoked) {
    World world;
    world.issue(0, 2'000);
    world.settle();
    world.apply(ledger::Action::revoke, 5, CrlReason::superseded);
    world.settle();
    UtcTime last_produced = world.find(6)->record.times.produced_at;
    for (int minute = 0; minute < 3 * 24 * 60; minute += 5) {
        world.clock.advance(5min);
        world.settle();
        BOOST_REQUIRE(world.state.earliest_next_update.has_value());
        BOOST_REQUIRE(*world.state.earliest_next_update - world.clock.now() >= 12h - 5min);
        BOOST_REQUIRE(*world.state.shortest_runway >= limits::runway);
        if (minute % 240 == 0) {
            const auto revoked = world.find(5);
            BOOST_REQUIRE(revoked && revoked->record.status);
            const auto good = world.find(6);
            BOOST_REQUIRE(good->record.times.produced_at >= last_produced);  // D-20: never backwards
            last_produced = good->record.times.produced_at;
        }
    }
    BOOST_TEST(world.state.patches == 0U);  // folded into its page at the refresh
    // Six refreshes of 4,000 answers each and the first signing: the load is what the plan says, not more.
    BOOST_TEST(world.signatures() <= 4000U * 7 + 2 + 400);
    BOOST_TEST(world.signatures() >= 4000U * 7 - 400);
}

// Covers: B-13
BOOST_AUTO_TEST_CASE(with_a_frozen_feed_this_update_does_not_move_on) {
    World world;
    world.issue(0, 10);
    world.settle();
    const UtcTime frozen = world.clock.now();
    world.as_of = frozen;
    world.clock.advance(13h);
    world.settle();
    const auto found = world.find(3);
    BOOST_TEST(to_unix(found->record.times.this_update) == to_unix(frozen));
    BOOST_TEST((found->record.times.produced_at > frozen));
}

// Covers: G-23
BOOST_AUTO_TEST_CASE(a_restart_takes_up_what_is_stored_without_one_signature_under_a_higher_epoch) {
    World world;
    world.issue(0, 1'000);
    world.settle();
    world.apply(ledger::Action::revoke, 1);
    world.settle();
    const auto before = world.signatures();
    const auto version = world.head().version;
    world.restart();
    world.settle();
    BOOST_TEST(world.signatures() == before);
    BOOST_TEST(world.state.complete);
    world.apply(ledger::Action::revoke, 2);
    world.settle();
    BOOST_TEST(world.head().version.epoch > version.epoch);
    BOOST_TEST(world.head().version.sequence > version.sequence);
    BOOST_TEST(world.find(1)->record.status.has_value());
    BOOST_TEST(world.find(2)->record.status.has_value());
}

BOOST_AUTO_TEST_CASE(an_event_acknowledged_before_a_crash_is_published_after_it) {
    World world;
    world.issue(0, 50);
    world.settle();
    world.apply(ledger::Action::revoke, 7, CrlReason::key_compromise);
    world.restart();  // before the publisher saw it
    world.settle();
    BOOST_TEST(world.find(7)->record.status.has_value());
}

// Covers: C-08
BOOST_AUTO_TEST_CASE(a_ledger_restored_from_an_old_copy_takes_back_what_was_published_as_revoked) {
    World world;
    world.issue(0, 50);
    world.settle();
    world.keep("ledger.db", "old.db");
    world.apply(ledger::Action::revoke, 9, CrlReason::key_compromise);
    world.settle();
    world.bring_back({{"ledger.db", "old.db"}});
    BOOST_REQUIRE(!(*world.ledger->find(world.id(), World::serial(9)))->status);
    world.restart();
    BOOST_TEST((*world.ledger->find(world.id(), World::serial(9)))->status.has_value());
    world.clock.advance(25h);
    world.settle();
    BOOST_TEST(world.find(9)->record.status.has_value());
}

// Covers: B-23
BOOST_AUTO_TEST_CASE(a_damaged_page_is_noticed_at_the_start_and_signed_again) {
    World world;
    world.issue(0, 400);
    world.settle();
    const std::string place = world.find(11)->place;
    cache::Batch damage{world.id(), {{place, Bytes{1, 2, 3}}}, {}, {}};
    BOOST_REQUIRE(world.pages->publish(damage));
    cache::Walk walk{*world.pages, world.id(), {world.store_key.public_key()}};
    BOOST_REQUIRE(!walk.find(*walk.head(), ocsp::HashAlgorithm::sha256, World::serial(11).magnitude()));
    world.restart();
    world.settle();
    BOOST_TEST(world.find(11).has_value());
}

BOOST_AUTO_TEST_CASE(many_small_patches_are_joined_and_every_status_stays_right) {
    World world;
    world.issue(0, 200);
    world.settle();
    for (unsigned n = 0; n < 150; ++n) {
        world.apply(n % 3 == 0 ? ledger::Action::hold : ledger::Action::revoke, n);
        world.settle();
        if (n % 3 == 0) {
            world.apply(ledger::Action::release, n);
            world.settle();
        }
    }
    BOOST_TEST(world.state.patches <= limits::patches_before_merge);
    for (unsigned n = 0; n < 200; ++n) {
        const auto found = world.find(n);
        BOOST_REQUIRE(found);
        BOOST_TEST_CONTEXT("certificate " << n)
        BOOST_TEST(found->record.status.has_value() == (n < 150 && n % 3 != 0));
    }
}

BOOST_AUTO_TEST_CASE(pages_split_as_the_ca_grows_and_nothing_is_signed_again_for_it) {
    World world;
    world.issue(0, 300);
    world.settle();
    const auto bits = world.head().sets.front().page_bits;
    world.issue(300, 600);
    world.settle();
    world.issue(900, 900);
    world.settle();
    BOOST_TEST(world.head().sets.front().page_bits > bits);
    BOOST_TEST(world.signatures() == 2U * 1'800);
    for (unsigned n = 0; n < 1'800; n += 11)
        BOOST_REQUIRE(world.find(n).has_value());
}

BOOST_AUTO_TEST_CASE(very_many_new_certificates_are_signed_as_pages) {
    World world;
    world.issue(0, 1'000);
    world.settle();
    world.issue(1'000, 5'000);
    world.settle();
    BOOST_TEST(world.state.unpublished == 0U);
    BOOST_TEST(world.state.patches == 0U);
    for (unsigned n = 0; n < 6'000; n += 13)
        BOOST_REQUIRE(world.find(n).has_value());
}

BOOST_AUTO_TEST_CASE(very_many_new_certificates_whose_marking_fails_keep_later_ones_waiting_no_longer) {
    World world;
    world.issue(0, 20'000);
    world.settle();
    world.issue(20'000, 5'000);
    auto beside = *ledger::Database::open(world.folder.path() / "ledger.db", ledger::Database::Access::write);
    BOOST_REQUIRE(beside.execute(
        "CREATE TRIGGER none_go BEFORE DELETE ON changes BEGIN SELECT RAISE(ABORT, 'not now'); END"));
    world.settle();
    BOOST_REQUIRE(world.state.fault.has_value());
    BOOST_TEST(world.find(24'999).has_value());
    BOOST_REQUIRE(beside.execute("DROP TRIGGER none_go"));
    world.clock.advance(limits::signing_retry);
    world.settle();
    BOOST_TEST(world.state.unpublished == 0U);
    world.issue(25'000, 1);
    world.settle();
    BOOST_TEST(world.find(25'000).has_value());
}

// Covers: D-07
BOOST_AUTO_TEST_CASE(no_answer_outlives_its_signer_certificate_and_none_is_signed_after_it) {
    World world{1};
    world.issue(0, 10);
    world.clock.advance(21h);
    world.settle();
    const UtcTime end = world.identity->signer_certificate.not_after();
    BOOST_TEST(to_unix(world.find(0)->record.times.next_update) == to_unix(end));
    BOOST_TEST(*world.state.shortest_runway < limits::runway);  // the alarm
    world.clock.advance(4h);
    const auto before = world.signatures();
    BOOST_TEST(!world.publisher->round());
    BOOST_REQUIRE(world.state.fault.has_value());
    BOOST_TEST(world.state.fault->find("D-07") != std::string::npos);
    BOOST_TEST(world.signatures() == before);
}

// Covers: C-06, C-07
BOOST_AUTO_TEST_CASE(a_certificate_known_by_its_issuance_event_alone_is_good_at_once_and_can_be_revoked) {
    World world;
    world.issue(0, 5);
    world.settle();
    ledger::Event event;
    event.issuer = world.id();
    event.source = "ca";
    event.action = ledger::Action::issue;  // a precertificate's serial: no certificate need ever follow
    event.serial = World::serial(77);
    event.not_after = world.clock.now() + 24h * 90;
    BOOST_REQUIRE(world.ledger->apply(event)->verdict == ledger::Verdict::applied);
    world.restart();  // the signer ends between the event and the answer
    BOOST_TEST(world.publisher->round());
    const auto good = world.find(77);
    BOOST_REQUIRE(good);
    BOOST_TEST(!good->record.status.has_value());
    world.apply(ledger::Action::revoke, 77, CrlReason::superseded);
    world.settle();
    BOOST_TEST(world.find(77)->record.status.has_value());
}

// Covers: C-12, C-16
BOOST_AUTO_TEST_CASE(a_short_lived_certificate_is_answered_from_the_issued_list_during_and_after_its_life) {
    World world;
    ledger::Event event;
    event.issuer = world.id();
    event.source = "ca";
    event.action = ledger::Action::issue;
    event.serial = World::serial(1);
    event.not_after = world.clock.now() + 1h;
    BOOST_REQUIRE(world.ledger->apply(event)->verdict == ledger::Verdict::applied);
    world.settle();
    BOOST_TEST(!world.find(1)->record.status.has_value());
    for (int day = 0; day < 3; ++day) {
        world.clock.advance(24h);
        world.settle();
        const auto found = world.find(1);
        BOOST_REQUIRE(found);
        BOOST_TEST(!found->record.status.has_value());
        BOOST_TEST((found->record.times.next_update > world.clock.now()));
    }
}

// Covers: C-15
BOOST_AUTO_TEST_CASE(a_compromised_ca_has_every_certificate_revoked_and_it_is_on_record) {
    World world;
    world.issue(0, 3'000);
    world.settle();
    world.apply(ledger::Action::revoke, 1, CrlReason::superseded);
    world.apply(ledger::Action::hold, 2);
    world.settle();
    const UtcTime held_at = world.find(2)->record.status->time;
    world.clock.advance(1h);
    const auto report = revoke_everything(*world.ledger, world.identity->issuer, world.clock.now() - 10min,
                                          world.clock.now());
    BOOST_REQUIRE_MESSAGE(report, report.error().message);
    BOOST_TEST(report->read == 2'999U);
    world.settle();
    for (const auto hash : {ocsp::HashAlgorithm::sha1, ocsp::HashAlgorithm::sha256}) {
        for (unsigned n = 0; n < 3'000; ++n) {
            const auto found = world.find(n, hash);
            BOOST_REQUIRE(found && found->record.status);
            BOOST_REQUIRE((found->record.status->reason ==
                           (n == 1 ? CrlReason::superseded : CrlReason::ca_compromise)));
        }
    }
    BOOST_TEST(to_unix(world.find(2)->record.status->time) ==
               to_unix(held_at));  // C-11: a hold keeps its first time
    BOOST_TEST(to_unix(world.find(3)->record.status->time) == to_unix(world.clock.now() - 10min));
    BOOST_TEST(
        !revoke_everything(*world.ledger, world.identity->issuer, world.clock.now() + 1h, world.clock.now())
             .has_value());
    BOOST_TEST(world.ledger->check_integrity().has_value());
}

// Covers: B-18, B-20, B-21, C-03
BOOST_AUTO_TEST_CASE(answers_carry_a_truthful_archive_cutoff_and_no_extension_that_claims_more) {
    World world;
    world.issue(0, 20);
    world.settle();
    const auto parse = [&](unsigned n) {
        const auto found = world.find(n);
        BOOST_REQUIRE(found);
        const auto& record = found->record;
        std::array<std::uint8_t, limits::answer_octets> buffer{};
        const auto der =
            ocsp::encode_response(found->profile,
                                  {record.serial, record.status, record.times.produced_at,
                                   record.times.this_update, record.times.next_update, record.extensions},
                                  record.signature, buffer);
        // Neither a CRL reference nor the extended-revoke marker stands anywhere (…48.1.3 and …48.1.9).
        for (const std::uint8_t last : {std::uint8_t{3}, std::uint8_t{9}}) {
            const std::array<std::uint8_t, 11> oid{0x06, 0x09, 0x2b, 0x06, 0x01, 0x05,
                                                   0x05, 0x07, 0x30, 0x01, last};
            BOOST_TEST(std::ranges::search(der, oid).empty());
        }
        const auto response = ocsp::parse_response(der);
        BOOST_REQUIRE_MESSAGE(response, response.error().message);
        BOOST_TEST(!response->nonce.has_value());
        return response->singles.front().archive_cutoff;
    };
    const UtcTime not_before = world.identity->issuer.certificate().not_before();
    BOOST_REQUIRE(parse(3).has_value());
    BOOST_TEST(to_unix(*parse(3)) == to_unix(not_before));

    // Records are only complete since a later moment: the cutoff says so.
    world.settings.records_since = not_before + 24h;
    std::vector<std::string> warnings;
    world.identity = *load_identity(0, world.settings, world.clock.now(), warnings);
    world.restart();
    world.clock.advance(12h);
    world.settle();
    BOOST_TEST(to_unix(*parse(3)) == to_unix(not_before + 24h));
    world.settings.records_since = not_before - 24h;  // before the CA existed: its beginning counts
    world.identity = *load_identity(0, world.settings, world.clock.now(), warnings);
    world.restart();
    world.clock.advance(12h);
    world.settle();
    BOOST_TEST(to_unix(*parse(3)) == to_unix(not_before));
}

// Covers: B-23, C-05
BOOST_AUTO_TEST_CASE(a_damaged_table_or_patch_never_leads_to_a_head_that_calls_the_rest_unissued_or_good) {
    for (const bool table : {true, false}) {
        World world;
        world.issue(0, 20'000);
        world.settle();
        world.apply(ledger::Action::revoke, 3, CrlReason::key_compromise);
        world.settle();
        const auto set = world.head().sets.front();
        const std::string name = table ? cache::table_name(world.id(), set.id, set.page_bits, {0, 0})
                                       : cache::patch_name(world.id(), world.head().patches.front().sequence);
        BOOST_REQUIRE(world.pages->publish({world.id(), {{name, Bytes{9, 9}}}, {}, {}}));
        const auto before = world.head().version;
        world.restart();
        BOOST_TEST(world.publisher->round());
        BOOST_TEST((world.head().version == before));  // no head over half of it
        world.settle();
        BOOST_TEST((world.head().version > before));
        BOOST_TEST(world.find(3)->record.status.has_value());
        for (unsigned n = 0; n < 20'000; n += 199)
            BOOST_REQUIRE(world.find(n).has_value());
    }
}

// Covers: C-08
BOOST_AUTO_TEST_CASE(a_restored_hold_that_was_published_as_revoked_for_good_becomes_revoked_again) {
    World world;
    world.issue(0, 20);
    world.settle();
    world.apply(ledger::Action::hold, 4);
    world.settle();
    world.keep("ledger.db", "old.db");
    world.apply(ledger::Action::revoke, 4, CrlReason::key_compromise);
    world.settle();
    world.bring_back({{"ledger.db", "old.db"}});
    world.restart();
    const auto known = *world.ledger->find(world.id(), World::serial(4));
    BOOST_REQUIRE(known->status);
    BOOST_TEST((known->status->reason == CrlReason::key_compromise));
}

BOOST_AUTO_TEST_CASE(a_list_imported_after_an_empty_start_is_signed_whole) {
    World world;
    world.settle();
    BOOST_TEST(world.state.complete);
    world.issue(0, 12'000);
    world.settle();
    BOOST_TEST(!world.state.fault.has_value());
    BOOST_TEST(world.state.unpublished == 0U);
    for (unsigned n = 0; n < 12'000; n += 97)
        BOOST_REQUIRE(world.find(n).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
