#include "responder/ledger/limits.h"
#include "tests/ledger/fixture.h"

using namespace eightbells;
using namespace eightbells::ledger;
using namespace eightbells::ledger::testing;
using namespace std::chrono_literals;

namespace {

Event event_of(std::string source, std::optional<std::uint64_t> sequence, Action action,
               std::string_view hex = {}) {
    Event event;
    event.issuer = issuer;
    event.source = std::move(source);
    event.sequence = sequence;
    event.action = action;
    if (!hex.empty())
        event.serial = serial(hex);
    if (action == Action::issue)
        event.not_after = noon + 24h * 365;
    return event;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(events)

// Covers: C-08
BOOST_AUTO_TEST_CASE(revoked_is_final_for_every_event) {
    Bench bench;
    bench.issue("0A");
    BOOST_TEST(bench.apply(Action::revoke, "0A", CrlReason::superseded).verdict == Verdict::applied);
    const CertStatus before = bench.status("0A");
    bench.clock.advance(1h);
    for (const Action action : {Action::release, Action::hold}) {
        const EventAnswer answer = bench.apply(action, "0A");
        BOOST_TEST(answer.verdict == Verdict::refused);
        BOOST_TEST(contains(answer.message, "revoked is final"), answer.message);
    }
    BOOST_TEST(bench.apply(Action::correct, "0A", CrlReason::certificate_hold).verdict == Verdict::refused);
    bench.clock.step(-48h);  // nor does a clock that is set back
    BOOST_TEST(bench.apply(Action::release, "0A").verdict == Verdict::refused);
    bench.reopen();
    BOOST_TEST((bench.status("0A") == before));
}

// Covers: C-08, C-13
BOOST_AUTO_TEST_CASE(even_a_database_tool_cannot_make_revoked_good_or_remove_it) {
    Bench bench;
    bench.issue("0A");
    bench.apply(Action::revoke, "0A");
    BOOST_CHECK_THROW(bench.sql("UPDATE certificates SET state = 0, revoked_at = NULL"), std::runtime_error);
    BOOST_CHECK_THROW(bench.sql("DELETE FROM certificates"), std::runtime_error);
    BOOST_TEST(bench.status("0A").has_value());
}

// Covers: C-11
BOOST_AUTO_TEST_CASE(a_hold_is_visible_as_such_and_release_returns_to_good) {
    Bench bench;
    bench.issue("0A");
    BOOST_TEST(bench.apply(Action::hold, "0A").verdict == Verdict::applied);
    BOOST_TEST(on_hold(bench.status("0A")));
    BOOST_TEST((bench.status("0A")->time == noon));
    bench.clock.advance(1h);
    BOOST_TEST(bench.apply(Action::hold, "0A").verdict == Verdict::unchanged);
    BOOST_TEST((bench.status("0A")->time == noon));
    BOOST_TEST(bench.apply(Action::release, "0A").verdict == Verdict::applied);
    BOOST_TEST(!bench.status("0A").has_value());
    BOOST_TEST(bench.apply(Action::release, "0A").verdict == Verdict::unchanged);
}

// Covers: C-11
BOOST_AUTO_TEST_CASE(a_hold_that_becomes_a_revocation_keeps_its_first_time) {
    Bench bench;
    bench.issue("0A");
    bench.issue("0B");
    bench.apply(Action::hold, "0A");
    bench.apply(Action::hold, "0B");
    bench.clock.advance(5h);
    BOOST_TEST(bench.apply(Action::revoke, "0A", CrlReason::key_compromise).verdict == Verdict::applied);
    const Revocation expected{noon, CrlReason::key_compromise, std::nullopt};
    BOOST_TEST((bench.status("0A") == expected));
    // A compromise that is known to be older than the hold is told as what it is.
    BOOST_TEST(bench.apply(Action::revoke, "0B", CrlReason::key_compromise, noon - 24h).verdict ==
               Verdict::applied);
    BOOST_TEST((bench.status("0B")->time == noon - 24h));
    BOOST_TEST(bench.apply(Action::release, "0A").verdict == Verdict::refused);
}

// Covers: C-11
BOOST_AUTO_TEST_CASE(without_suspension_a_hold_is_refused_and_says_how_to_allow_it) {
    Bench bench(false);
    bench.issue("0A");
    const EventAnswer answer = bench.apply(Action::hold, "0A");
    BOOST_TEST(answer.verdict == Verdict::refused);
    BOOST_TEST(contains(answer.message, "`suspension = true`"), answer.message);
    BOOST_TEST(!bench.status("0A").has_value());
    // A hold from before the setting was turned off can still be released.
    REQUIRE_OK(bench.ledger->register_issuer(issuer, "test", true));
    BOOST_TEST(bench.apply(Action::hold, "0A").verdict == Verdict::applied);
    REQUIRE_OK(bench.ledger->register_issuer(issuer, "test", false));
    BOOST_TEST(bench.apply(Action::release, "0A").verdict == Verdict::applied);
}

// Covers: C-10
BOOST_AUTO_TEST_CASE(a_revocation_time_is_never_in_the_future) {
    Bench bench;
    bench.issue("0A");
    const EventAnswer answer =
        bench.apply(Action::revoke, "0A", std::nullopt, noon + limits::clock_allowance + 1s);
    BOOST_TEST(answer.verdict == Verdict::refused);
    BOOST_TEST(contains(answer.message, "time: 2026-11-22T12:01:01Z is in the future"), answer.message);
    BOOST_TEST(!bench.status("0A").has_value());
    BOOST_TEST(bench.apply(Action::revoke, "0A", std::nullopt, noon + limits::clock_allowance).verdict ==
               Verdict::applied);
    BOOST_TEST((bench.status("0A")->time == noon));  // a fast clock: now
    BOOST_TEST(bench.apply(Action::correct, "0A", std::nullopt, noon + 2min).verdict == Verdict::refused);
}

// Covers: C-14, G-12
BOOST_AUTO_TEST_CASE(a_correction_changes_reason_and_dates_and_the_audit_log_shows_old_and_new) {
    Bench bench;
    bench.issue("0A");
    bench.apply(Action::revoke, "0A", CrlReason::superseded);
    bench.clock.advance(24h);
    Event event = event_of("operator", std::nullopt, Action::correct, "0A");
    event.reason = CrlReason::key_compromise;
    event.time = noon - 48h;
    event.invalidity_date = noon - 72h;
    BOOST_TEST(bench.apply(event).verdict == Verdict::applied);
    const Revocation expected{noon - 48h, CrlReason::key_compromise, noon - 72h};
    BOOST_TEST((bench.status("0A") == expected));
    const std::string line = bench.audit_texts("event").back();
    BOOST_TEST(
        contains(line, R"("old":{"status":"revoked","time":"2026-11-22T12:00:00Z","reason":"superseded"})"),
        line);
    BOOST_TEST(
        contains(line, R"("new":{"status":"revoked","time":"2026-11-20T12:00:00Z","reason":"keyCompromise",)"
                       R"("invalidity_date":"2026-11-19T12:00:00Z"})"),
        line);
    event = event_of("operator", std::nullopt, Action::correct, "0A");
    BOOST_TEST(bench.apply(event).verdict == Verdict::refused);
    bench.issue("0B");
    BOOST_TEST(bench.apply(Action::correct, "0B", CrlReason::superseded).verdict == Verdict::refused);
}

// Covers: B-15
BOOST_AUTO_TEST_CASE(an_unspecified_reason_is_stored_as_absent) {
    Bench bench;
    bench.issue("0A");
    bench.apply(Action::revoke, "0A", CrlReason::unspecified);
    BOOST_TEST(!bench.status("0A")->reason.has_value());
    bench.issue("0B");
    bench.apply(Action::revoke, "0B", CrlReason::superseded);
    BOOST_TEST(bench.apply(Action::correct, "0B", CrlReason::unspecified).verdict == Verdict::applied);
    BOOST_TEST(!bench.status("0B")->reason.has_value());
}

BOOST_AUTO_TEST_CASE(a_revocation_said_again_is_unchanged_and_said_otherwise_is_refused) {
    Bench bench;
    bench.issue("0A");
    bench.apply(Action::revoke, "0A", CrlReason::superseded);
    bench.clock.advance(1h);
    BOOST_TEST(bench.apply(Action::revoke, "0A").verdict == Verdict::unchanged);
    BOOST_TEST(bench.apply(Action::revoke, "0A", CrlReason::superseded).verdict == Verdict::unchanged);
    const EventAnswer answer = bench.apply(Action::revoke, "0A", CrlReason::key_compromise);
    BOOST_TEST(answer.verdict == Verdict::refused);
    BOOST_TEST(contains(answer.message, "use correct"), answer.message);
}

// Covers: A-09, F-07
BOOST_AUTO_TEST_CASE(every_spelling_of_a_serial_is_the_same_certificate) {
    Bench bench;
    bench.issue("00:0a:bC");
    for (const char* spelling : {"ABC", "0abc", "0x0ABC", "000000000000000000000000000000000000000000000ABC"})
        BOOST_TEST(bench.find(spelling).has_value(), spelling);
    BOOST_TEST(!bench.find("ABC0").has_value());
    const EventAnswer again = bench.apply(event_of("operator", std::nullopt, Action::issue, "0000ABC"));
    BOOST_TEST(again.verdict == Verdict::unchanged);
    BOOST_TEST(*bench.ledger->count(issuer) == 1u);
    BOOST_TEST((equal(bench.find("ABC")->serial.magnitude(), Bytes{0x0a, 0xbc})));
}

// Covers: C-01
BOOST_AUTO_TEST_CASE(a_status_event_for_a_serial_never_issued_is_refused) {
    Bench bench;
    const EventAnswer answer = bench.apply(Action::revoke, "0A");
    BOOST_TEST(answer.verdict == Verdict::refused);
    BOOST_TEST(contains(answer.message, "not known as issued"), answer.message);
    BOOST_TEST(!bench.find("0A").has_value());
}

// Covers: C-08
BOOST_AUTO_TEST_CASE(the_same_event_twice_gets_the_same_answer) {
    Bench bench;
    bench.issue("0A");
    bench.apply(event_of("ca", 1, Action::heartbeat));
    const Event hold = event_of("ca", 2, Action::hold, "0A");
    const EventAnswer first = bench.apply(hold);
    BOOST_TEST(first.verdict == Verdict::applied);
    BOOST_TEST(!first.repeated);
    BOOST_TEST(bench.apply(event_of("ca", 3, Action::release, "0A")).verdict == Verdict::applied);
    bench.reopen();
    const EventAnswer second = bench.apply(hold);
    BOOST_TEST(second.repeated);
    BOOST_TEST(second.verdict == first.verdict);
    BOOST_TEST(second.message == first.message);
    BOOST_TEST(second.sequence == first.sequence);
    BOOST_TEST(!bench.status("0A").has_value());  // and is not carried out again
    const auto lines = bench.audit_texts("event");
    BOOST_TEST(lines.size() == 2u);  // hold, release: one line each
}

BOOST_AUTO_TEST_CASE(a_number_used_for_another_event_is_refused_and_changes_nothing) {
    Bench bench;
    bench.issue("0A");
    bench.issue("0B");
    bench.apply(event_of("ca", 1, Action::revoke, "0A"));
    Event other = event_of("ca", 1, Action::revoke, "0B");
    const EventAnswer answer = bench.apply(other);
    BOOST_TEST(answer.verdict == Verdict::refused);
    BOOST_TEST(!answer.repeated);
    BOOST_TEST(contains(answer.message, "already used for another event"), answer.message);
    BOOST_TEST(!bench.status("0B").has_value());
    other = event_of("ca", 1, Action::revoke, "0A");
    other.reason = CrlReason::superseded;
    BOOST_TEST(bench.apply(other).verdict == Verdict::refused);
    BOOST_TEST(bench.apply(event_of("ca", 1, Action::revoke, "0A")).repeated);
    // The numbers of another source are its own.
    BOOST_TEST(bench.apply(event_of("other", 1, Action::revoke, "0B")).verdict == Verdict::applied);
}

BOOST_AUTO_TEST_CASE(a_refusal_uses_its_number_up_too) {
    Bench bench;
    const Event early = event_of("ca", 1, Action::revoke, "0A");
    BOOST_TEST(bench.apply(early).verdict == Verdict::refused);
    bench.issue("0A");
    const EventAnswer again = bench.apply(early);
    BOOST_TEST(again.repeated);
    BOOST_TEST(again.verdict == Verdict::refused);
    BOOST_TEST(bench.apply(event_of("ca", 2, Action::revoke, "0A")).verdict == Verdict::applied);
}

BOOST_AUTO_TEST_CASE(a_gap_is_applied_shown_and_cleared_by_a_full_list_only) {
    Bench bench;
    bench.issue("0A");
    BOOST_TEST(!bench.apply(event_of("ca", 1, Action::heartbeat)).gap);
    const EventAnswer answer = bench.apply(event_of("ca", 5, Action::revoke, "0A"));
    BOOST_TEST(answer.verdict == Verdict::applied);
    BOOST_TEST(answer.gap);
    const auto has_gap = [&] {
        for (const Source& source : bench.sources()) {
            if (source.name == "ca") {
                BOOST_TEST(source.last_sequence >= 5u);
                return source.gap;
            }
        }
        BOOST_FAIL("source ca is not there");
        return false;
    };
    BOOST_TEST(has_gap());
    BOOST_TEST(!bench.apply(event_of("ca", 6, Action::heartbeat)).gap);
    BOOST_TEST(has_gap());
    REQUIRE_OK(bench.import({revoked("0A", noon)}, "1", [](auto& source) { source.full_list = false; }));
    BOOST_TEST(has_gap());
    REQUIRE_OK(bench.import({revoked("0A", noon)}, "2"));
    BOOST_TEST(!has_gap());
}

BOOST_AUTO_TEST_CASE(a_gap_that_opens_while_a_list_is_read_stays) {
    Bench bench;
    bench.issue("0A");
    BOOST_TEST(bench.apply(event_of("ca", 3, Action::heartbeat)).gap);  // this one the list reconciles
    Ledger::ImportSource source;
    source.issuer = issuer;
    source.name = "index";
    source.file = "index.txt";
    source.full_list = true;
    REQUIRE_OK(bench.ledger->import(source, [&](const Ledger::Take& take) -> Result<crypto::Sha256Digest> {
        REQUIRE_OK(take(good("0A")));
        BOOST_TEST(bench.apply(event_of("ca", 9, Action::heartbeat)).gap);
        return crypto::sha256(as_bytes("list"));
    }));
    bool gap = false;
    for (const Source& one : bench.sources())
        gap = gap || one.gap;
    BOOST_TEST(gap);
}

// Covers: C-08
BOOST_AUTO_TEST_CASE(a_late_event_may_revoke_but_not_release) {
    Bench bench;
    bench.issue("0A");
    bench.issue("0B");
    bench.apply(event_of("ca", 1, Action::hold, "0A"));
    bench.apply(event_of("ca", 10, Action::heartbeat));
    const EventAnswer release = bench.apply(event_of("ca", 4, Action::release, "0A"));
    BOOST_TEST(release.verdict == Verdict::refused);
    BOOST_TEST(contains(release.message, "that late"), release.message);
    BOOST_TEST(on_hold(bench.status("0A")));
    BOOST_TEST(bench.apply(event_of("ca", 5, Action::revoke, "0B")).verdict == Verdict::applied);
    BOOST_TEST(bench.apply(event_of("ca", std::nullopt, Action::heartbeat)).sequence == 11u);
}

BOOST_AUTO_TEST_CASE(an_event_older_than_what_is_remembered_is_refused_clearly) {
    Bench bench;
    bench.issue("0A");
    const Event first = event_of("ca", 1, Action::revoke, "0A");
    bench.apply(first);
    bench.apply(event_of("ca", limits::remembered_events, Action::heartbeat));
    BOOST_TEST(bench.apply(first).repeated);  // just remembered
    bench.apply(event_of("ca", limits::remembered_events + 1, Action::heartbeat));
    const EventAnswer answer = bench.apply(first);
    BOOST_TEST(!answer.repeated);
    BOOST_TEST(answer.verdict == Verdict::refused);
    BOOST_TEST(contains(answer.message, "too old"), answer.message);
    BOOST_TEST(bench.apply(event_of("ca", limits::remembered_events + 1, Action::heartbeat)).repeated);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_an_event_names_its_field) {
    Bench bench;
    bench.issue("0A");
    const auto refused = [&](Event event, std::string_view part) {
        const EventAnswer answer = bench.apply(event);
        BOOST_TEST(answer.verdict == Verdict::refused);
        BOOST_TEST(contains(answer.message, part), answer.message << " does not say " << part);
    };
    Event event = event_of("ca", 1, Action::revoke, "0A");
    event.issuer = "ff";
    refused(event, "issuer: ff is not known");
    for (const char* name : {"", "a b", "a/b", "index", "crl", "list:x"}) {
        refused(event_of(name, 1, Action::revoke, "0A"), "source: ");
    }
    refused(event_of(std::string(65, 'a'), 1, Action::revoke, "0A"), "source: ");
    refused(event_of("ca", 0, Action::revoke, "0A"), "sequence: ");
    refused(event_of("ca", UINT64_MAX, Action::revoke, "0A"), "sequence: ");
    refused(event_of("ca", 1, Action::revoke), "serial: missing");
    event = event_of("ca", 2, Action::issue, "0B");
    event.not_after.reset();
    refused(event, "not_after: missing");
    event = event_of("ca", 3, Action::revoke, "0A");
    event.reason = CrlReason::certificate_hold;
    refused(event, "use hold");
    event.sequence = 4;
    event.reason = CrlReason::remove_from_crl;
    refused(event, "use release");
    event = event_of("ca", 5, Action::issue, "0A");
    event.not_after = noon;
    refused(event, "already issued with other facts");
    event = event_of("ca", 6, Action::heartbeat, "0A");
    refused(event, "a heartbeat has no serial");
    BOOST_TEST(!bench.status("0A").has_value());
}

BOOST_AUTO_TEST_CASE(several_events_are_answered_in_order_in_one_transaction) {
    Bench bench;
    std::vector<Event> batch;
    for (std::uint64_t i = 1; i <= 100; ++i) {
        batch.push_back(event_of("ca", 2 * i - 1, Action::issue, std::to_string(1000 + i)));
        batch.push_back(event_of("ca", 2 * i, Action::revoke, std::to_string(1000 + i)));
    }
    const auto answers = bench.ledger->apply(batch);
    REQUIRE_OK(answers);
    BOOST_TEST_REQUIRE(answers->size() == batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        BOOST_TEST((*answers)[i].sequence == i + 1);
        BOOST_TEST((*answers)[i].verdict == Verdict::applied);
    }
    BOOST_TEST(*bench.ledger->count(issuer) == 100u);
    CHECK_FAILS(bench.ledger->apply(std::vector<Event>(limits::events_per_transaction + 1, batch[0])),
                "limit of");
}

BOOST_AUTO_TEST_CASE(an_issue_completes_what_a_list_left_open) {
    Bench bench;
    bench.issue("0A");
    Event event = event_of("ca", 1, Action::issue, "0A");
    event.hash = crypto::sha256(as_bytes("certificate"));
    BOOST_TEST(bench.apply(event).verdict == Verdict::applied);
    BOOST_TEST((bench.find("0A")->hash == event.hash));
    event.sequence = 2;
    event.hash = crypto::sha256(as_bytes("another certificate"));
    BOOST_TEST(bench.apply(event).verdict == Verdict::refused);
}

// Covers: B-13
BOOST_AUTO_TEST_CASE(as_of_moves_with_heartbeats_and_stands_still_without) {
    Bench bench;
    const auto as_of = [&] { return bench.ledger->as_of(issuer).value(); };
    bench.issue("0A");
    BOOST_TEST(!as_of().has_value());  // one command of an operator says nothing of the others
    bench.apply(event_of("ca", 1, Action::issue, "0B"));
    BOOST_TEST(!as_of().has_value());
    bench.apply(event_of("ca", 2, Action::heartbeat));
    BOOST_TEST((as_of() == noon));
    bench.clock.advance(1h);
    BOOST_TEST((as_of() == noon));  // the feed is frozen
    bench.apply(Action::revoke, "0A");
    BOOST_TEST((as_of() == noon));
    bench.apply(event_of("ca", 3, Action::revoke, "0B"));
    BOOST_TEST((as_of() == noon + 1h));  // an event in sequence of a feed with heartbeat
    bench.clock.advance(1h);
    Event past = event_of("ca", 4, Action::heartbeat);
    past.time = noon + 90min;
    bench.apply(past);
    BOOST_TEST((as_of() == noon + 90min));
    past.sequence = 5;
    past.time = noon;
    bench.apply(past);
    BOOST_TEST((as_of() == noon + 90min));  // never back
    past.sequence = 6;
    past.time = noon + 3h;
    BOOST_TEST(bench.apply(past).verdict == Verdict::refused);
}

// Covers: B-13
BOOST_AUTO_TEST_CASE(a_source_with_a_gap_is_not_current) {
    Bench bench;
    bench.apply(event_of("ca", 1, Action::heartbeat));
    bench.clock.advance(1h);
    const EventAnswer answer = bench.apply(event_of("ca", 7, Action::heartbeat));
    BOOST_TEST(answer.gap);
    BOOST_TEST(answer.verdict == Verdict::unchanged);
    BOOST_TEST((bench.ledger->as_of(issuer).value() == noon));
}

// Covers: B-13
BOOST_AUTO_TEST_CASE(as_of_is_the_latest_among_sources_that_carry_status) {
    Bench bench;
    REQUIRE_OK(bench.import({good("0A")}, "1"));
    BOOST_TEST((bench.ledger->as_of(issuer).value() == noon));
    bench.clock.advance(1h);
    REQUIRE_OK(bench.import({good("0B")}, "2", [](auto& source) {
        source.name = "list:new";
        source.carries_status = false;
        source.full_list = false;
    }));
    BOOST_TEST((bench.ledger->as_of(issuer).value() == noon));
    REQUIRE_OK(bench.ledger->confirm(issuer, "index", noon + 30min));
    BOOST_TEST((bench.ledger->as_of(issuer).value() == noon + 30min));
    REQUIRE_OK(bench.ledger->confirm(issuer, "index", noon));
    BOOST_TEST((bench.ledger->as_of(issuer).value() == noon + 30min));
    CHECK_FAILS(bench.ledger->confirm(issuer, "crl", noon), "has not spoken yet");
}

BOOST_AUTO_TEST_SUITE_END()
