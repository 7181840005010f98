#include <algorithm>
#include <map>

#include "tests/ledger/fixture.h"

using namespace eightbells;
using namespace eightbells::ledger;
using namespace eightbells::ledger::testing;

namespace {

struct Listing {
    std::vector<std::string> serials;           // in the order of the ledger
    std::map<std::string, std::string> points;  // "-": not told
    std::map<std::string, bool> leaving;
    std::uint64_t covers = 0;
};

Listing list(Ledger& ledger) {
    Listing listing;
    const auto covers = ledger.for_each_listed(issuer, [&](const Ledger::Listed& listed) {
        const auto hex = listed.serial.to_hex();
        listing.serials.push_back(hex);
        listing.points[hex] = listed.distribution_point == nullptr ? "-" : *listed.distribution_point;
        listing.leaving[hex] = listed.last_listed.has_value();
        return Status{};
    });
    REQUIRE_OK(covers);
    listing.covers = *covers;
    return listing;
}

Ledger::Entry at(Ledger::Entry entry, const char* point) {
    entry.distribution_point = point;
    return entry;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crls)

// Covers: F-04
BOOST_AUTO_TEST_CASE(f_04_a_number_is_taken_once_and_stays_taken) {
    Bench bench;
    const Bytes thousand{0x03, 0xe8};
    const auto take = [&](const Bytes& at_least, unsigned count = 1) {
        const auto taken = bench.ledger->take_crl_numbers(issuer, "", at_least, count);
        REQUIRE_OK(taken);
        return to_hex(*taken);
    };
    BOOST_TEST(take(thousand) == "03e8");
    BOOST_TEST(take({0x01}) == "03e9");
    BOOST_TEST(take({0x01}, 2) == "03ea");  // and 03eb
    bench.reopen();
    BOOST_TEST(take({0x01}) == "03ec");
    BOOST_TEST(take({0x10, 0x00}) == "1000");
    // Each scope counts for itself.
    BOOST_TEST(to_hex(*bench.ledger->take_crl_numbers(issuer, "http://a/1.crl", {0x05}, 1)) == "05");
    BOOST_TEST(to_hex(bench.ledger->crl_state(issuer, "").value()->number) == "1000");
    BOOST_TEST(!bench.ledger->crl_state(issuer, "http://a/2.crl").value().has_value());
    const Bytes last(20, 0x7f);
    Bytes largest = last;
    std::ranges::fill(largest, std::uint8_t{0xff});
    largest[0] = 0x7f;
    BOOST_TEST(take(largest) == to_hex(largest));
    CHECK_FAILS(bench.ledger->take_crl_numbers(issuer, "", {0x01}, 1), "F-04");
}

BOOST_AUTO_TEST_CASE(every_change_of_status_counts_by_event_and_by_import_published_or_not) {
    Bench bench;
    const auto changes = [&] { return bench.ledger->status_changes(issuer).value(); };
    REQUIRE_OK(bench.import({good("0A"), revoked("0B", noon)}, "1"));
    const auto first = changes();
    BOOST_TEST(first > 0U);
    REQUIRE_OK(bench.import({good("0A"), revoked("0B", noon), good("0C")}, "2"));
    BOOST_TEST(changes() == first);  // a new good certificate is no change of status
    bench.apply(Action::hold, "0A");
    const auto held = changes();
    BOOST_TEST(held > first);
    bench.apply(Action::release, "0A");
    BOOST_TEST(changes() > held);
    const auto released = changes();
    bench.apply(Action::correct, "0B", CrlReason::superseded);
    BOOST_TEST(changes() > released);
    const auto corrected = changes();
    REQUIRE_OK(bench.import({good("0A"), revoked("0B", noon), revoked("0C", noon)}, "3"));
    BOOST_TEST(changes() > corrected);
    const auto listing = list(*bench.ledger);
    BOOST_TEST(listing.covers == changes());
    BOOST_TEST(listing.serials.size() == 2U);
    bench.reopen();
    BOOST_TEST(changes() == listing.covers);
}

BOOST_AUTO_TEST_CASE(the_distribution_point_is_learned_from_lists_and_may_be_learned_later) {
    Bench bench;
    REQUIRE_OK(bench.import(
        {revoked("0A", noon), at(revoked("0B", noon), "http://a/1.crl"), at(good("0C"), "http://a/2.crl")},
        "1"));
    auto listing = list(*bench.ledger);
    BOOST_TEST(listing.points["0A"] == "-");
    BOOST_TEST(listing.points["0B"] == "http://a/1.crl");
    // Told by a list that knows nothing of status; nothing needs to be signed again for it.
    const auto before = bench.ledger->unpublished(issuer, 100).value().size();
    bench.apply(Action::revoke, "0C");
    auto entry = at(good("0A"), "http://a/2.crl");
    entry.says_status = false;
    REQUIRE_OK(bench.import({entry}, "2", [](Ledger::ImportSource& source) {
        source.name = "list:points";
        source.full_list = false;
        source.carries_status = false;
    }));
    listing = list(*bench.ledger);
    BOOST_TEST(listing.points["0A"] == "http://a/2.crl");
    BOOST_TEST(listing.points["0B"] == "http://a/1.crl");
    BOOST_TEST(listing.points["0C"] == "http://a/2.crl");  // kept through the change of status
    BOOST_TEST(bench.ledger->unpublished(issuer, 100).value().size() <= before + 1);
    std::vector<Ledger::Entry> many;
    for (int i = 0; i < 256; ++i) {
        many.push_back(good(to_hex(Bytes{0x10, static_cast<std::uint8_t>(i)})));
        many.back().distribution_point = "http://a/" + std::to_string(i);
    }
    CHECK_FAILS(bench.import(many, "3"), "distribution_point", "more than 255");
}

BOOST_AUTO_TEST_CASE(a_csv_column_names_the_distribution_point) {
    Bench bench(true, test_ca().identity.id());
    write(bench.folder / "list.csv",
          "serial,not_after,status,revocation_time,Distribution_Point\n"
          "0A,2027-01-01T00:00:00Z,revoked,2026-11-22T11:00:00Z,http://a/1.crl\n"
          "0B,2027-01-01T00:00:00Z,revoked,2026-11-22T11:00:00Z,\n");
    REQUIRE_OK(import_csv(*bench.ledger, test_ca().identity, bench.folder / "list.csv", noon));
    std::map<std::string, std::string> points;
    REQUIRE_OK(bench.ledger->for_each_listed(bench.id, [&](const Ledger::Listed& listed) {
        points[listed.serial.to_hex()] =
            listed.distribution_point == nullptr ? "-" : *listed.distribution_point;
        return Status{};
    }));
    BOOST_TEST(points["0A"] == "http://a/1.crl");
    BOOST_TEST(points["0B"] == "-");
}

// Covers: C-13
BOOST_AUTO_TEST_CASE(c_13_only_what_has_expired_is_marked_as_listed_for_the_last_time) {
    Bench bench;
    REQUIRE_OK(bench.import({revoked("0A", noon), revoked("0B", noon)}, "1"));
    std::vector<std::pair<std::uint64_t, Serial>> both;
    std::vector<UtcTime> ends;
    REQUIRE_OK(bench.ledger->for_each_listed(issuer, [&](const Ledger::Listed& listed) {
        both.emplace_back(listed.hash, listed.serial);
        ends.push_back(listed.not_after);
        return Status{};
    }));
    REQUIRE_OK(bench.ledger->mark_last_listed(issuer, both, ends[0]));  // not past the end
    BOOST_TEST(!list(*bench.ledger).leaving["0A"]);
    REQUIRE_OK(bench.ledger->mark_last_listed(issuer, both, ends[0] + seconds{1}));
    BOOST_TEST(list(*bench.ledger).leaving["0A"]);
    BOOST_TEST(list(*bench.ledger).serials.size() == 2U);  // leaving the list is for whoever makes CRLs
}

// Covers: F-18
BOOST_AUTO_TEST_CASE(f_18_a_certificate_that_is_good_or_on_hold_and_not_expired_is_found) {
    Bench bench;
    REQUIRE_OK(bench.import({good("0A"), revoked("0B", noon), held("0C", noon)}, "1"));
    const auto alive = [&](UtcTime now) {
        const auto found = bench.ledger->find_open(issuer, now).value();
        return found ? found->to_hex() : std::string{"none"};
    };
    BOOST_TEST((alive(noon) == "0A" || alive(noon) == "0C"));
    bench.apply(Action::revoke, "0A");
    BOOST_TEST(alive(noon) == "0C");
    bench.apply(Action::revoke, "0C");
    BOOST_TEST(alive(noon) == "none");
    bench.issue("0D", noon + seconds{10});
    BOOST_TEST(alive(noon + seconds{10}) == "0D");
    BOOST_TEST(bench.ledger->count_open(issuer, noon + seconds{10}).value() == 1U);
    BOOST_TEST(alive(noon + seconds{11}) == "none");
    BOOST_TEST(bench.ledger->count_open(issuer, noon + seconds{11}).value() == 0U);
}

BOOST_AUTO_TEST_CASE(a_ledger_of_version_1_is_taken_over) {
    Bench bench;
    REQUIRE_OK(bench.import({good("0A"), revoked("0B", noon)}, "1"));
    bench.ledger.reset();
    bench.sql(
        "DROP INDEX listed; DROP TABLE crls; DROP TABLE distribution_points;"
        "ALTER TABLE certificates DROP COLUMN distribution_point; ALTER TABLE certificates DROP COLUMN "
        "last_listed;"
        "ALTER TABLE issuers DROP COLUMN status_changes; PRAGMA user_version = 1");
    auto ledger = Ledger::open(bench.folder / "ledger.db", false, bench.clock);
    REQUIRE_OK(ledger);
    BOOST_TEST(list(**ledger).serials.size() == 1U);
    REQUIRE_OK((*ledger)->take_crl_numbers(issuer, "", {0x01}, 1));
    REQUIRE_OK((*ledger)->check_integrity());
    ledger->reset();
    REQUIRE_OK(Ledger::open(bench.folder / "ledger.db", false, bench.clock));
}

BOOST_AUTO_TEST_SUITE_END()
