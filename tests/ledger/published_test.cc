#include "tests/ledger/fixture.h"

using namespace eightbells;
using namespace eightbells::ledger;
using namespace eightbells::ledger::testing;
using namespace std::chrono_literals;

namespace {
std::vector<Ledger::Change> unpublished(Bench& bench, std::size_t at_most = 1000) {
    auto changes = bench.ledger->unpublished(bench.id, at_most);
    REQUIRE_OK(changes);
    return *changes;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(published)

BOOST_AUTO_TEST_CASE(changes_of_status_come_before_new_certificates_and_survive_a_restart) {
    Bench bench;
    bench.issue("0A");
    bench.issue("0B");
    bench.clock.advance(5s);
    bench.apply(Action::revoke, "0A");
    bench.reopen();
    const auto changes = unpublished(bench);
    BOOST_TEST_REQUIRE(changes.size() == 3u);
    BOOST_TEST((changes[0].serial == serial("0A")));
    BOOST_TEST(changes[0].status_change);
    BOOST_TEST((changes[0].at == noon + 5s));
    BOOST_TEST((changes[1].serial == serial("0A")));
    BOOST_TEST(!changes[1].status_change);
    BOOST_TEST((changes[2].serial == serial("0B")));
    BOOST_TEST(changes[0].id > changes[2].id);
    BOOST_TEST(unpublished(bench, 1).size() == 1u);
    REQUIRE_OK(bench.ledger->mark_published(issuer, {changes[0].id, changes[2].id}));
    const auto rest = unpublished(bench);
    BOOST_TEST_REQUIRE(rest.size() == 1u);
    BOOST_TEST(rest[0].id == changes[1].id);
    bench.apply(Action::revoke, "0B");
    BOOST_TEST(unpublished(bench)[0].id > changes[0].id);  // an id is never given twice
    BOOST_TEST(bench.apply(Action::revoke, "0B").verdict == Verdict::unchanged);
    BOOST_TEST(unpublished(bench).size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_first_lists_write_no_change_a_certificate_until_the_whole_list_is_begun) {
    Bench bench;
    REQUIRE_OK(bench.import({good("01"), revoked("02", noon)}, "1"));
    REQUIRE_OK(bench.import({good("01"), revoked("02", noon), good("03")}, "2"));
    BOOST_TEST(unpublished(bench).empty());
    CHECK_FAILS(bench.ledger->mark_all_published(issuer, 0), "last_change_id was not asked");
    const auto up_to = bench.ledger->last_change_id(issuer);
    REQUIRE_OK(up_to);
    // The signer reads the pages now; what comes meanwhile must not be lost.
    REQUIRE_OK(
        bench.import({good("01"), revoked("02", noon), good("03"), good("04"), revoked("05", noon)}, "3"));
    BOOST_TEST(unpublished(bench).size() == 2u);
    REQUIRE_OK(bench.ledger->mark_all_published(issuer, *up_to));
    const auto changes = unpublished(bench);
    BOOST_TEST_REQUIRE(changes.size() == 2u);
    BOOST_TEST((changes[0].serial == serial("05")));
    BOOST_TEST(changes[0].status_change);
    REQUIRE_OK(bench.ledger->mark_all_published(issuer, *bench.ledger->last_change_id(issuer)));
    BOOST_TEST(unpublished(bench).empty());
    bench.reopen();  // it stays published
    REQUIRE_OK(bench.import({good("06")}, "4"));
    BOOST_TEST(unpublished(bench).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_page_is_every_certificate_whose_serial_hash_begins_with_its_bits_in_order) {
    Bench bench;
    std::vector<Ledger::Entry> entries;
    for (int i = 0; i < 500; ++i)
        entries.push_back(i % 10 == 0 ? revoked(std::to_string(100000 + i), noon)
                                      : good(std::to_string(100000 + i)));
    REQUIRE_OK(bench.import(entries, "1"));
    crypto::Sha256 sha256;
    for (const unsigned bits : {0U, 1U, 4U, 8U}) {
        std::size_t total = 0;
        std::uint64_t last = 0;
        for (std::uint32_t index = 0; index < (1U << bits); ++index) {
            const auto page = bench.ledger->page(issuer, bits, index);
            REQUIRE_OK(page);
            for (const Certificate& certificate : *page) {
                const std::uint64_t hash = crypto::serial_hash(sha256, certificate.serial.magnitude());
                BOOST_TEST((bits == 0 || hash >> (64 - bits) == index));
                BOOST_TEST(hash >= last);
                last = hash;
            }
            total += page->size();
        }
        BOOST_TEST(total == entries.size());
    }
    CHECK_FAILS(bench.ledger->page(issuer, 4, 16), "no page 16");
    CHECK_FAILS(bench.ledger->page(issuer, 25, 0), "no page");
    // Another issuer's certificates lie elsewhere.
    REQUIRE_OK(bench.ledger->register_issuer("ff", "other", false));
    BOOST_TEST(bench.ledger->page("ff", 0, 0)->empty());
    BOOST_TEST(*bench.ledger->count("ff") == 0u);
    BOOST_TEST(!bench.ledger->find("ff", serial("100000"))->has_value());
}

BOOST_AUTO_TEST_CASE(an_epoch_is_taken_once_and_is_above_every_other) {
    Bench bench;
    BOOST_TEST(*bench.ledger->take_epoch(0) == 1u);
    BOOST_TEST(*bench.ledger->take_epoch(0) == 2u);
    BOOST_TEST(*bench.ledger->take_epoch(41) == 42u);
    bench.reopen();
    BOOST_TEST(*bench.ledger->take_epoch(7) == 43u);
    CHECK_FAILS(bench.ledger->take_epoch(UINT64_MAX), "no epoch is left");
}

BOOST_AUTO_TEST_CASE(a_ledger_is_never_created_by_accident_nor_opened_twice_nor_taken_for_another_file) {
    TempFolder folder;
    const ManualClock clock{noon};
    CHECK_FAILS(Ledger::open(folder / "none.db", false, clock), "no ledger is here");
    BOOST_TEST(!std::filesystem::exists(folder / "none.db"));
    {
        const auto ledger = Ledger::open(folder / "a.db", true, clock);
        REQUIRE_OK(ledger);
        BOOST_TEST(((std::filesystem::status(folder / "a.db").permissions() & std::filesystem::perms::all) ==
                    (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)));
        CHECK_FAILS(Ledger::open(folder / "a.db", true, clock), "another process holds it");
    }
    REQUIRE_OK(Ledger::open(folder / "a.db", false, clock));
    write(folder / "text.db", "this is not a database, but long enough to look at: " + std::string(200, 'x'));
    CHECK_FAILS(Ledger::open(folder / "text.db", true, clock), "text.db", "not a database");
    write(folder / "empty.db", "");
    CHECK_FAILS(Ledger::open(folder / "empty.db", false, clock), "its creation was cut short");
    REQUIRE_OK(Ledger::open(folder / "empty.db", true, clock));
    {
        Bench bench;
        bench.ledger.reset();
        bench.sql("PRAGMA user_version = 3");
        CHECK_FAILS(Ledger::open(bench.folder / "ledger.db", true, clock), "ledger of version 3");
        bench.sql("PRAGMA user_version = 1; PRAGMA application_id = 77");
        CHECK_FAILS(Ledger::open(bench.folder / "ledger.db", true, clock), "not a ledger of Eightbells");
    }
}

BOOST_AUTO_TEST_CASE(damage_in_the_file_is_found) {
    Bench bench;
    REQUIRE_OK(bench.import({good("0A"), revoked("0B", noon)}, "1"));
    REQUIRE_OK(bench.ledger->check_integrity());
    bench.sql("UPDATE issuers SET certificates = 3");
    CHECK_FAILS(bench.ledger->check_integrity(), "not as many as counted");
    bench.sql("UPDATE issuers SET certificates = 2; UPDATE certificates SET reason = 77 WHERE state = 2");
    CHECK_FAILS(bench.ledger->find(issuer, serial("0B")), "the ledger is damaged");
    CHECK_FAILS(bench.ledger->page(issuer, 0, 0), "the ledger is damaged");
}

BOOST_AUTO_TEST_SUITE_END()
