#include <random>

#include "responder/ledger/limits.h"
#include "tests/ledger/fixture.h"

using namespace eightbells;
using namespace eightbells::ledger;
using namespace eightbells::ledger::testing;
using namespace std::chrono_literals;

namespace {
constexpr auto from_crl = [](Ledger::ImportSource& source) {
    source.name = "crl";
    source.file = "crl.pem";
    source.full_list = false;
    source.issue_unknown = true;
    source.repeats_tolerated = true;
    source.absence_releases = true;
};
}  // namespace

BOOST_AUTO_TEST_SUITE(imports)

BOOST_AUTO_TEST_CASE(a_first_list_is_taken_and_read_again_changes_nothing) {
    Bench bench;
    const std::vector<Ledger::Entry> entries{good("01"), revoked("02", noon - 1h, CrlReason::superseded),
                                             held("03", noon)};
    const auto first = bench.import(entries, "1");
    REQUIRE_OK(first);
    BOOST_TEST(first->read == 3u);
    BOOST_TEST(first->issued == 3u);
    BOOST_TEST(first->revoked == 2u);
    BOOST_TEST(first->unchanged == 0u);
    BOOST_TEST(on_hold(bench.status("03")));
    BOOST_TEST((bench.find("01")->not_after == noon + 24h * 365));
    const auto same = bench.import(entries, "1");
    REQUIRE_OK(same);
    BOOST_TEST(same->unchanged == 3u);
    const auto some = [](Ledger::ImportSource& source) { source.full_list = false; };
    BOOST_TEST(bench.import(entries, "1", some)->same_bytes);
    const auto again = bench.import(entries, "2");
    REQUIRE_OK(again);
    BOOST_TEST(!again->same_bytes);
    BOOST_TEST(again->unchanged == 3u);
    BOOST_TEST(again->issued + again->revoked + again->corrected + again->released == 0u);
    REQUIRE_OK(bench.ledger->check_integrity());
}

// Covers: G-26
BOOST_AUTO_TEST_CASE(a_full_list_is_compared_whole_each_time_although_its_bytes_are_the_same) {
    Bench bench;
    const std::vector<Ledger::Entry> entries{good("01"), good("02"),
                                             revoked("03", noon, CrlReason::superseded)};
    REQUIRE_OK(bench.import(entries, "1"));
    const auto equal = bench.import(entries, "1");
    BOOST_TEST(equal->missing + equal->contradicted == 0u);
    BOOST_TEST(equal->unchanged == *bench.ledger->count(bench.id));
    // Since then the ledger was told otherwise, past the list.
    Event event;
    event.issuer = bench.id;
    event.source = "ca";
    event.action = Action::revoke;
    event.serial = serial("01");
    BOOST_TEST((bench.ledger->apply(event)->verdict == Verdict::applied));
    const auto differs = bench.import(entries, "1");
    REQUIRE_OK(differs);
    BOOST_TEST(differs->contradicted == 1u);
    BOOST_TEST(differs->unchanged == 2u);
    BOOST_TEST(bench.status("01").has_value());
}

// Covers: C-08
BOOST_AUTO_TEST_CASE(a_list_that_says_good_of_a_revoked_certificate_is_contradicted) {
    Bench bench;
    REQUIRE_OK(bench.import({revoked("0A", noon, CrlReason::superseded, 1)}, "1"));
    const auto report = bench.import({good("0A", 7)}, "2");
    REQUIRE_OK(report);
    BOOST_TEST(report->contradicted == 1u);
    BOOST_TEST_REQUIRE(report->warnings.size() == 1u);
    BOOST_TEST(contains(report->warnings[0], "index.txt:7: serial 0A: stated as good"), report->warnings[0]);
    BOOST_TEST(bench.status("0A").has_value());
    const auto hold = bench.import({held("0A", noon - 1h)}, "3");
    REQUIRE_OK(hold);
    BOOST_TEST(hold->contradicted == 1u);
    BOOST_TEST((bench.status("0A") == Revocation{noon, CrlReason::superseded, std::nullopt}));
}

// Covers: C-11
BOOST_AUTO_TEST_CASE(only_the_source_that_set_a_hold_releases_it) {
    Bench bench;
    bench.issue("0B");
    REQUIRE_OK(bench.import({held("0A", noon), good("0B")}, "1"));
    bench.apply(Action::hold, "0B");
    const auto other = bench.import({good("0A")}, "list", [](auto& source) { source.name = "list:x"; });
    REQUIRE_OK(other);
    BOOST_TEST(other->contradicted == 1u);
    BOOST_TEST(on_hold(bench.status("0A")));
    const auto own = bench.import({good("0A"), good("0B")}, "2");
    REQUIRE_OK(own);
    BOOST_TEST(own->released == 1u);
    BOOST_TEST(own->contradicted == 1u);
    BOOST_TEST(!bench.status("0A").has_value());
    BOOST_TEST(on_hold(bench.status("0B")));
}

// Covers: C-11
BOOST_AUTO_TEST_CASE(a_hold_that_a_list_turns_into_a_revocation_keeps_its_first_time_also_when_read_again) {
    Bench bench;
    REQUIRE_OK(bench.import({held("0A", noon - 2h)}, "1"));
    const auto converted = bench.import({revoked("0A", noon - 1h, CrlReason::key_compromise)}, "2");
    REQUIRE_OK(converted);
    BOOST_TEST(converted->revoked == 1u);
    const Revocation expected{noon - 2h, CrlReason::key_compromise, std::nullopt};
    BOOST_TEST((bench.status("0A") == expected));
    const auto again = bench.import({revoked("0A", noon - 1h, CrlReason::key_compromise)}, "3");
    REQUIRE_OK(again);
    BOOST_TEST(again->unchanged == 1u);
    BOOST_TEST((bench.status("0A") == expected));
}

// Covers: C-11
BOOST_AUTO_TEST_CASE(without_suspension_a_list_with_a_hold_is_refused_as_a_whole) {
    Bench bench(false);
    CHECK_FAILS(bench.import({good("01", 1), held("02", noon, 2)}, "1"), "index.txt:2: serial 02: on hold",
                "`suspension = true`");
    BOOST_TEST(!bench.find("01").has_value());
    BOOST_TEST(bench.ledger->sources(issuer)->empty());
}

// Covers: C-10
BOOST_AUTO_TEST_CASE(a_list_with_a_revocation_in_the_future_is_refused) {
    Bench bench;
    CHECK_FAILS(bench.import({revoked("0A", noon + 2min, {}, 3)}, "1"),
                "index.txt:3: serial 0A: revocation time", "is in the future");
    REQUIRE_OK(bench.import({revoked("0A", noon + 30s)}, "2"));
    BOOST_TEST((bench.status("0A")->time == noon));
    bench.clock.advance(1h);  // then the time as stated holds, so that answer and CRL agree
    const auto later = bench.import({revoked("0A", noon + 30s)}, "3");
    REQUIRE_OK(later);
    BOOST_TEST(later->corrected == 1u);
    BOOST_TEST((bench.status("0A")->time == noon + 30s));
}

// Covers: C-14
BOOST_AUTO_TEST_CASE(a_source_corrects_what_it_stated_and_another_only_moves_back_or_fills_in) {
    Bench bench;
    REQUIRE_OK(bench.import({revoked("0A", noon - 1h)}, "1"));
    const auto own = bench.import({revoked("0A", noon - 30min, CrlReason::superseded)}, "2");
    REQUIRE_OK(own);
    BOOST_TEST(own->corrected == 1u);
    BOOST_TEST((bench.status("0A") == Revocation{noon - 30min, CrlReason::superseded, std::nullopt}));
    BOOST_TEST(contains(bench.audit_texts("import-status").back(), "2026-11-22T11:00:00Z"));
    BOOST_TEST(contains(bench.audit_texts("import-status").back(), "2026-11-22T11:30:00Z"));

    // An operator's correction is not undone by the list that knows nothing of it.
    BOOST_TEST(bench.apply(Action::correct, "0A", CrlReason::key_compromise).verdict == Verdict::applied);
    const auto list = bench.import({revoked("0A", noon - 30min, CrlReason::superseded, 4)}, "3");
    REQUIRE_OK(list);
    BOOST_TEST(list->differing == 1u);
    BOOST_TEST(contains(list->warnings.at(0), "index.txt:4: serial 0A"), list->warnings.at(0));
    BOOST_TEST((bench.status("0A")->reason == CrlReason::key_compromise));

    // An event gave its own moment, a moment after the CA's: the CA's record is earlier and prevails.
    bench.issue("0B");
    bench.apply(Action::revoke, "0B");
    const auto earlier = bench.import(
        {revoked("0A", noon - 30min, CrlReason::superseded), revoked("0B", noon - 2s, CrlReason::superseded)},
        "4");
    REQUIRE_OK(earlier);
    BOOST_TEST(earlier->corrected == 1u);
    BOOST_TEST((bench.status("0B") == Revocation{noon - 2s, CrlReason::superseded, std::nullopt}));
    // A CRL without reasons takes none away.
    const auto crl = bench.import({revoked("0A", noon - 30min), revoked("0B", noon - 2s)}, "5", from_crl);
    REQUIRE_OK(crl);
    BOOST_TEST(crl->corrected == 0u);
    BOOST_TEST((bench.status("0B")->reason == CrlReason::superseded));
}

// Covers: C-13
BOOST_AUTO_TEST_CASE(what_a_full_list_no_longer_names_is_kept_and_counted) {
    Bench bench;
    bench.issue("0C");
    REQUIRE_OK(bench.import({good("0A"), revoked("0B", noon)}, "1"));
    const auto report = bench.import({good("0A")}, "2");
    REQUIRE_OK(report);
    BOOST_TEST(report->missing == 1u);  // 0C was never on this list
    BOOST_TEST(contains(report->warnings.at(0), "serial 0b is no longer listed"), report->warnings.at(0));
    BOOST_TEST(bench.status("0B").has_value());
    // Once the list has named what an event issued, it should go on doing so.
    REQUIRE_OK(bench.import({good("0A"), revoked("0B", noon), good("0C")}, "3"));
    BOOST_TEST(bench.import({}, "4")->missing == 3u);
}

BOOST_AUTO_TEST_CASE(a_serial_twice_is_refused_with_both_places_unless_repetitions_are_tolerated) {
    Bench bench;
    CHECK_FAILS(bench.import({good("0A", 3), good("0B", 4), good("000A", 9)}, "1"),
                "index.txt:9: serial 0A stands already at index.txt:3");
    BOOST_TEST(*bench.ledger->count(issuer) == 0u);
    const auto crl = bench.import({revoked("0A", noon, {}, 1), revoked("0A", noon, {}, 2)}, "2", from_crl);
    REQUIRE_OK(crl);
    BOOST_TEST(crl->issued == 1u);
    CHECK_FAILS(bench.import({revoked("0A", noon, {}, 1), revoked("0A", noon - 1h, {}, 2)}, "3", from_crl),
                "with other facts");
    CHECK_FAILS(bench.import({revoked("0A", noon, {}, 1), revoked("0A", noon, {}, 2)}, "4"),
                "stands already");
}

BOOST_AUTO_TEST_CASE(an_error_in_the_last_entry_leaves_everything_as_it_was) {
    Bench bench;
    REQUIRE_OK(bench.import({good("0A")}, "1"));
    const auto head = *bench.ledger->audit_head();
    std::vector<Ledger::Entry> entries{revoked("0A", noon), good("0B"), good("0C", 17)};
    entries.back().not_after.reset();
    bench.clock.advance(1h);
    CHECK_FAILS(bench.import(entries, "2"), "index.txt:17: serial 0C: new here", "not_after");
    BOOST_TEST(!bench.status("0A").has_value());
    BOOST_TEST(!bench.find("0B").has_value());
    BOOST_TEST((*bench.ledger->audit_head() == head));
    BOOST_TEST((bench.ledger->as_of(issuer).value() == noon));
    BOOST_TEST(*bench.ledger->count(issuer) == 1u);
    REQUIRE_OK(bench.ledger->check_integrity());
}

// Covers: C-09
BOOST_AUTO_TEST_CASE(an_entry_of_a_crl_that_is_not_on_the_issued_list_is_revoked_with_unknown_end) {
    Bench bench;
    Ledger::Entry entry = revoked("0A", noon);
    entry.not_after.reset();
    REQUIRE_OK(bench.import({entry}, "1", from_crl));
    BOOST_TEST((bench.find("0A")->not_after == year_9999));
    // The issued list brings its end.
    const auto list = bench.import({revoked("0A", noon)}, "2");
    REQUIRE_OK(list);
    BOOST_TEST(list->corrected == 1u);
    BOOST_TEST((bench.find("0A")->not_after == noon + 24h * 365));
}

// Covers: C-11, C-13
BOOST_AUTO_TEST_CASE(a_complete_crl_releases_its_own_holds_that_it_no_longer_lists) {
    Bench bench;
    std::vector<Ledger::Entry> issued{good("01"), good("02"), good("03"), good("04")};
    issued[2].not_after = noon - 1h;
    REQUIRE_OK(bench.import(issued, "1"));
    const auto without_end = [](Ledger::Entry entry) {
        entry.not_after.reset();
        return entry;
    };
    REQUIRE_OK(bench.import({without_end(held("01", noon - 3h)), without_end(held("03", noon - 3h)),
                             without_end(revoked("04", noon - 3h)), without_end(held("05", noon - 3h))},
                            "2", from_crl));
    bench.apply(Action::hold, "02");
    const auto report = bench.import({}, "3", from_crl);
    REQUIRE_OK(report);
    BOOST_TEST(report->released == 1u);
    BOOST_TEST(!bench.status("01").has_value());
    BOOST_TEST(on_hold(bench.status("02")));  // the operator's
    BOOST_TEST(on_hold(bench.status("03")));  // expired: a CA may drop it
    BOOST_TEST(bench.status("04").has_value());
    BOOST_TEST(on_hold(bench.status("05")));  // never on the issued list: must not become good
}

BOOST_AUTO_TEST_CASE(an_event_during_an_import_does_not_wait_and_is_not_overwritten) {
    Bench bench;
    REQUIRE_OK(bench.import({good("0A"), good("0B")}, "1"));
    Ledger::ImportSource source;
    source.issuer = issuer;
    source.name = "index";
    source.file = "index.txt";
    source.full_list = true;
    REQUIRE_OK(bench.ledger->import(source, [&](const Ledger::Take& take) -> Result<crypto::Sha256Digest> {
        REQUIRE_OK(take(good("0A")));
        REQUIRE_OK(take(held("0B", noon)));
        BOOST_TEST(bench.apply(Action::revoke, "0A").verdict == Verdict::applied);
        BOOST_TEST(bench.apply(Action::revoke, "0B").verdict == Verdict::applied);
        return crypto::sha256(as_bytes("2"));
    }));
    BOOST_TEST(bench.status("0A").has_value());
    BOOST_TEST(!on_hold(bench.status("0B")));
}

// Covers: C-08
BOOST_AUTO_TEST_CASE(no_order_of_imports_and_events_makes_revoked_good) {
    Bench bench;
    std::mt19937 random(7);
    std::vector<std::string> names;
    for (int i = 1; i <= 12; ++i) {
        names.push_back(std::to_string(10 + i));
        bench.issue(names.back());
    }
    std::vector<bool> final(names.size(), false);
    const auto pick = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
    for (int step = 0; step < 200; ++step) {
        bench.clock.advance(seconds{pick(100)});
        if (pick(3) != 0) {
            static constexpr std::array actions{Action::revoke, Action::hold, Action::release,
                                                Action::correct};
            bench.apply(pick(10) == 0 ? actions[0] : actions[1 + pick(3)], names[pick(12)],
                        pick(2) != 0 ? std::optional(CrlReason::superseded) : std::nullopt);
        } else {
            std::vector<Ledger::Entry> entries;
            for (const std::string& name : names) {
                const unsigned kind = pick(6);
                if (kind < 3)
                    entries.push_back(good(name));
                else if (kind < 5)
                    entries.push_back(held(name, noon - seconds{pick(1000)}));
                else if (pick(60) == 0)
                    entries.push_back(revoked(name, noon - seconds{pick(1000)}));
            }
            const bool crl = pick(2) != 0;
            REQUIRE_OK(bench.import(entries, std::to_string(step), [&](auto& source) {
                if (crl)
                    from_crl(source);
            }));
        }
        for (std::size_t i = 0; i < names.size(); ++i) {
            const CertStatus status = bench.status(names[i]);
            BOOST_TEST_REQUIRE(!(final[i] && (!status || on_hold(status))), names[i] << " at step " << step);
            final[i] = status.has_value() && !on_hold(status);
        }
    }
    BOOST_TEST(std::ranges::count(final, true) > 3);
    BOOST_TEST(std::ranges::count(final, false) > 0);
}

BOOST_AUTO_TEST_CASE(large_imports_sort_outside_memory_and_agree_with_small_ones) {
    // More entries than memory holds (full blocks, and an open one a bucket), and more differences than are
    // remembered.
    constexpr std::size_t many =
        (limits::import_memory_octets + limits::import_buckets * limits::import_block_octets) / 64 + 60'000;
    static_assert(many > limits::import_candidates * 2);
    Bench bench;
    const auto text = [](std::size_t i) {
        std::array<char, 20> name{};
        std::snprintf(name.data(), name.size(), "%zX", 0x1000'0000'0000 + i);
        return std::string(name.data());
    };
    const auto run_import = [&](const std::string& version, auto entry_of) {
        Ledger::ImportSource source;
        source.issuer = issuer;
        source.name = "index";
        source.file = "index.txt";
        source.full_list = true;
        return bench.ledger->import(source, [&](const Ledger::Take& take) -> Result<crypto::Sha256Digest> {
            for (std::size_t i = 0; i < many; ++i) {
                if (auto taken = take(entry_of(i)); !taken)
                    return fail(taken.error().message);
            }
            return crypto::sha256(as_bytes(version));
        });
    };
    const auto first = run_import("1", [&](std::size_t i) { return good(text(i), i + 1); });
    REQUIRE_OK(first);
    BOOST_TEST(first->issued == many);
    BOOST_TEST(bench.ledger->unpublished(issuer, 10)->empty());
    const auto one = run_import("2", [&](std::size_t i) {
        return i == 4711 ? revoked(text(i), noon, CrlReason::superseded, i + 1) : good(text(i), i + 1);
    });
    REQUIRE_OK(one);
    BOOST_TEST(one->revoked == 1u);
    BOOST_TEST(one->unchanged == many - 1);
    BOOST_TEST(bench.status(text(4711)).has_value());
    const auto half = run_import(
        "3", [&](std::size_t i) { return i % 2 == 0 ? held(text(i), noon, i + 1) : good(text(i), i + 1); });
    REQUIRE_OK(half);
    BOOST_TEST(half->revoked == (many + 1) / 2);
    BOOST_TEST(half->contradicted == 1u);
    BOOST_TEST(half->unchanged == many - (many + 1) / 2 - 1);
    BOOST_TEST(*bench.ledger->count(issuer) == many);
}

BOOST_AUTO_TEST_CASE(an_import_for_an_unknown_issuer_says_so) {
    Bench bench;
    CHECK_FAILS(bench.import({}, "1", [](auto& source) { source.issuer = "ff"; }), "issuer ff is not known");
}

BOOST_AUTO_TEST_SUITE_END()
