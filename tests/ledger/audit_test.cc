#include "tests/ledger/fixture.h"

using namespace eightbells;
using namespace eightbells::ledger;
using namespace eightbells::ledger::testing;
using namespace std::chrono_literals;

namespace {

// A ledger with some history, whose audit log somebody with a database tool will alter.
struct AuditBench : Bench {
    AuditBench() {
        for (const char* name : {"0A", "0B", "0C"}) {
            issue(name);
            apply(Action::revoke, name);
        }
        BOOST_TEST_REQUIRE(ledger->check_integrity().has_value());
        head = *ledger->audit_head();
    }
    void tamper(const std::string& statements) {
        sql("DROP TRIGGER audit_is_not_edited; DROP TRIGGER audit_is_not_cut;" + statements);
    }
    AuditHead head;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(audit)

// Covers: G-12, G-15
BOOST_AUTO_TEST_CASE(each_action_leaves_exactly_one_line_with_utc_time_actor_serial_and_result) {
    Bench bench;
    bench.issue("0A");
    const auto lines = [&] { return bench.audit_texts("event"); };
    BOOST_TEST(lines().empty());  // an applied issue: the certificate's row is the record
    const std::vector<std::pair<Action, const char*>> actions{
        {Action::hold, "applied"},   {Action::hold, "unchanged"},  {Action::release, "applied"},
        {Action::revoke, "applied"}, {Action::release, "refused"}, {Action::revoke, "unchanged"}};
    for (std::size_t i = 0; i < actions.size(); ++i) {
        bench.apply(actions[i].first, "0A");
        BOOST_TEST_REQUIRE(lines().size() == i + 1);
        const std::string line = lines().back();
        BOOST_TEST(contains(line, R"("source":"operator")"), line);
        BOOST_TEST(contains(line, R"("serial":"0A")"), line);
        BOOST_TEST(contains(line, "\"action\":\"" + std::string(to_string(actions[i].first)) + "\""), line);
        BOOST_TEST(contains(line, "\"result\":\"" + std::string(actions[i].second) + "\""), line);
    }
    bench.apply(Action::revoke, "0B");
    BOOST_TEST(contains(lines().back(), R"("result":"refused")"));
}

// Covers: G-12
BOOST_AUTO_TEST_CASE(an_import_leaves_one_line_and_one_for_each_status_it_changed) {
    Bench bench;
    REQUIRE_OK(bench.import({good("0A"), revoked("0B", noon - 1h)}, "1"));
    BOOST_TEST(bench.audit_texts("import").size() == 1u);
    BOOST_TEST(contains(bench.audit_texts("import")[0], R"("issued":2)"));
    BOOST_TEST(contains(bench.audit_texts("import")[0], to_hex(crypto::sha256(as_bytes("1")))));
    BOOST_TEST(bench.audit_texts("import-status").empty());  // the first list: its digest stands for it
    REQUIRE_OK(bench.import({revoked("0A", noon - 1min, CrlReason::superseded, 5), revoked("0B", noon - 1h),
                             revoked("0C", noon - 1h), good("0D")},
                            "2"));
    const auto changes = bench.audit_texts("import-status");
    BOOST_TEST_REQUIRE(changes.size() == 2u);
    const std::string all = changes[0] + changes[1];
    BOOST_TEST(contains(all, R"("serial":"0A","line":5,"old":{"status":"good")"), all);
    BOOST_TEST(
        contains(all, R"("new":{"status":"revoked","time":"2026-11-22T11:59:00Z","reason":"superseded")"),
        all);
    BOOST_TEST(contains(all, R"("serial":"0C")"), all);
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(the_log_refuses_to_be_edited_or_cut) {
    AuditBench bench;
    BOOST_CHECK_THROW(bench.sql("UPDATE audit SET text = '{}' WHERE line = 2"), std::runtime_error);
    BOOST_CHECK_THROW(bench.sql("DELETE FROM audit WHERE line = 2"), std::runtime_error);
    REQUIRE_OK(bench.ledger->check_integrity());
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(an_edited_line_is_found) {
    AuditBench bench;
    bench.tamper("UPDATE audit SET text = replace(text, '0B', '0C') WHERE text LIKE '%0B%'");
    CHECK_FAILS(bench.ledger->check_integrity(), "line 3 was edited");
}

// Covers: G-14, G-15
BOOST_AUTO_TEST_CASE(an_edited_time_is_found) {
    AuditBench bench;
    bench.tamper("UPDATE audit SET at = '2020-01-01T00:00:00Z' WHERE line = 2");
    CHECK_FAILS(bench.ledger->check_integrity(), "line 2 was edited");
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(a_deleted_line_is_found) {
    AuditBench bench;
    bench.tamper("DELETE FROM audit WHERE line = 2");
    CHECK_FAILS(bench.ledger->check_integrity(), "line 1 is followed by line 3");
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(exchanged_lines_are_found) {
    AuditBench bench;
    bench.tamper(
        "UPDATE audit SET line = -1 WHERE line = 2; UPDATE audit SET line = 2 WHERE line = 3;"
        "UPDATE audit SET line = 3 WHERE line = -1");
    CHECK_FAILS(bench.ledger->check_integrity(), "line 2 was edited");
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(a_log_cut_at_its_end_is_found) {
    AuditBench bench;
    bench.tamper("DELETE FROM audit WHERE line = (SELECT max(line) FROM audit)");
    CHECK_FAILS(bench.ledger->check_integrity(), "ends at line 3, where line 4 was written");
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(a_cut_that_also_rewrites_the_ledgers_own_note_is_found_by_an_anchor_kept_elsewhere) {
    AuditBench bench;
    BOOST_TEST(bench.head.line == 4u);
    REQUIRE_OK(bench.ledger->check_integrity(bench.head));
    bench.tamper(
        "DELETE FROM audit WHERE line = 4;"
        "UPDATE audit_head SET line = 3, hash = (SELECT hash FROM audit WHERE line = 3)");
    REQUIRE_OK(bench.ledger->check_integrity());
    CHECK_FAILS(bench.ledger->check_integrity(bench.head), "line 4, noted elsewhere, is missing");
    bench.apply(Action::revoke, "0D");
    CHECK_FAILS(bench.ledger->check_integrity(bench.head), "line 4 is not the one that was noted elsewhere");
}

// Covers: G-12
BOOST_AUTO_TEST_CASE(other_lines_are_json_of_a_named_kind) {
    Bench bench;
    REQUIRE_OK(bench.ledger->append_audit("key-loaded", R"({"key":"a"})"));
    BOOST_TEST(bench.audit_texts("key-loaded").size() == 1u);
    CHECK_FAILS(bench.ledger->append_audit("key-loaded", "free text"), "not JSON");
    CHECK_FAILS(bench.ledger->append_audit("key-loaded", "\"" + std::string(20'000, 'x') + "\""),
                "not JSON of at most");
    CHECK_FAILS(bench.ledger->append_audit("Key loaded", "{}"), "kind");
    REQUIRE_OK(bench.ledger->check_integrity());
}

BOOST_AUTO_TEST_SUITE_END()
