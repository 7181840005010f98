#include "responder/ledger/journal.h"

#include <fmt/format.h>

#include "tests/ledger/fixture.h"

// A second ledger that follows the first one by its journal is the same, row for row; one that has gone
// another way is found out.
using namespace eightbells;
using namespace eightbells::ledger;
using namespace eightbells::ledger::testing;

namespace {

// A ledger that leads, and one that began as its copy.
struct Two {
    Two() {
        BOOST_REQUIRE(first.ledger->journal().keep());
        first.issue("01");
        first.issue("02");
        take_copy();
    }
    void take_copy() {
        second.reset();
        std::filesystem::remove(first.folder / "second.db");
        BOOST_REQUIRE(first.ledger->journal().copy_to(first.folder / "second.db"));
        auto opened = Ledger::open(first.folder / "second.db", false, first.clock);
        BOOST_REQUIRE(opened);
        second = std::move(*opened);
        BOOST_REQUIRE(second->journal().keep());
    }
    static Journal::Place place(Ledger& ledger) {
        const auto place = ledger.journal().place();
        BOOST_REQUIRE((place && *place));
        return **place;
    }
    // What the second one lacks; nullopt: only a copy helps.
    std::optional<std::vector<Journal::Record>> missing() {
        const auto records = first.ledger->journal().after(place(*second));
        BOOST_REQUIRE(records);
        return *records;
    }
    void follow() {
        const auto records = missing();
        BOOST_REQUIRE(records);
        for (const auto& record : *records) {
            const auto done = second->journal().replay(record);
            BOOST_REQUIRE_MESSAGE(done, done.error().message);
        }
        BOOST_TEST((place(*second) == place(*first.ledger)));
    }
    CertStatus second_says(std::string_view hex) {
        const auto found = second->find(first.id, serial(hex));
        BOOST_REQUIRE((found && *found));
        return (*found)->status;
    }

    Bench first;
    std::unique_ptr<Ledger> second;
};

Ledger::Entry entry(unsigned number, CertStatus status = {}) {
    return {serial(fmt::format("{:06x}", number + 0x100000)), noon + std::chrono::days{365}, std::nullopt,
            true, status};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(the_journal)

// Covers: C-08, G-22
BOOST_AUTO_TEST_CASE(makes_of_a_second_ledger_the_same_one) {
    Two two;
    two.first.apply(Action::revoke, "01", CrlReason::key_compromise);
    two.first.apply(Action::hold, "02");
    two.first.apply(Action::release, "02");
    BOOST_REQUIRE(two.first.import({entry(1), entry(2, Revocation{noon, CrlReason::superseded, {}})}, "a"));
    BOOST_REQUIRE(two.first.ledger->take_epoch(6));
    two.follow();
    BOOST_TEST(two.second_says("01").has_value());
    BOOST_TEST(!two.second_says("02").has_value());
    BOOST_TEST(two.second_says("100002").has_value());
    BOOST_TEST(*two.second->take_epoch(0) == *two.first.ledger->take_epoch(0));
    BOOST_TEST((*two.second->audit_head() == *two.first.ledger->audit_head()));
    const auto sound = two.second->check_integrity(*two.first.ledger->audit_head());
    BOOST_TEST(sound.has_value(), (sound ? "" : sound.error().message));
}

BOOST_AUTO_TEST_CASE(goes_on_across_restarts_of_either) {
    Two two;
    two.first.reopen();
    BOOST_REQUIRE(two.first.ledger->journal().keep());
    two.first.apply(Action::revoke, "01", CrlReason::superseded);
    two.follow();
    two.second.reset();
    auto opened = Ledger::open(two.first.folder / "second.db", false, two.first.clock);
    BOOST_REQUIRE(opened);
    two.second = std::move(*opened);
    BOOST_REQUIRE(two.second->journal().keep());
    two.first.apply(Action::revoke, "02", CrlReason::superseded);
    two.follow();
}

BOOST_AUTO_TEST_CASE(finds_out_who_has_gone_another_way) {
    Two two;
    BOOST_TEST(two.missing()->empty());
    two.first.apply(Action::revoke, "01", CrlReason::superseded);
    const auto record = two.missing()->front();
    BOOST_REQUIRE(two.second->journal().replay(record));
    BOOST_TEST(!two.second->journal().replay(record));  // a second time
    two.first.apply(Action::revoke, "02", CrlReason::superseded);
    const auto other = two.missing()->front();
    Event own;
    own.issuer = two.first.id;
    own.source = "elsewhere";
    own.action = Action::hold;
    own.serial = serial("02");
    BOOST_REQUIRE(two.second->apply(own));
    BOOST_TEST(!two.missing());                        // its place is on no way of the first
    BOOST_TEST(!two.second->journal().replay(other));  // and nothing is forced upon it
    BOOST_TEST((two.second_says("02")->reason == CrlReason::certificate_hold));
    two.take_copy();
    two.follow();
}

BOOST_AUTO_TEST_CASE(ends_where_something_was_written_without_it) {
    Two two;
    two.first.reopen();
    two.first.apply(Action::revoke, "01", CrlReason::superseded);  // not recorded
    BOOST_REQUIRE(two.first.ledger->journal().keep());
    BOOST_TEST(!two.missing());
}

BOOST_AUTO_TEST_CASE(leaves_a_large_import_to_a_copy) {
    Two two;
    std::vector<Ledger::Entry> entries;
    for (unsigned i = 0; i < 300'000; ++i)
        entries.push_back(entry(i));
    BOOST_REQUIRE(two.first.import(entries, "large"));
    BOOST_TEST(!two.missing());
    two.take_copy();
    two.first.apply(Action::revoke, "01", CrlReason::superseded);
    two.follow();
    BOOST_TEST(*two.second->count(two.first.id) == 300'002U);
}

BOOST_AUTO_TEST_CASE(lets_an_event_wait_for_whoever_confirms_it) {
    Bench bench;
    BOOST_REQUIRE(bench.ledger->journal().keep());
    bench.issue("01");
    std::uint64_t asked = 0;
    bool confirms = false;
    bench.ledger->journal().listen({{}, [&](std::uint64_t number) {
                                        asked = number;
                                        return confirms ? Status{} : Status{fail("nobody has it")};
                                    }});
    Event event;
    event.issuer = bench.id;
    event.source = "ca";
    event.sequence = 1;
    event.action = Action::revoke;
    event.serial = serial("01");
    BOOST_TEST(!bench.ledger->apply(event));  // refused, and durable all the same
    BOOST_TEST(asked == (*bench.ledger->journal().place())->number);
    confirms = true;
    const auto again = bench.ledger->apply(event);
    BOOST_REQUIRE(again);
    BOOST_TEST((again->verdict == Verdict::applied));
    BOOST_TEST(again->repeated);
}

BOOST_AUTO_TEST_SUITE_END()
