#include <sqlite3.h>

#include <boost/test/unit_test.hpp>
#include <cctype>

#include "responder/watch/report.h"
#include "tests/watch/simulated_watch.h"

// What was changed after the fact, in a report, its page or its ledger, is found and named.
using namespace eightbells;
using namespace eightbells::watch;
using namespace eightbells::watch::test;

namespace {

using Json = nlohmann::ordered_json;

// A watch of a day with two outages, and its signed report.
struct Reported {
    TemporaryFolder folder;
    std::filesystem::path file = folder / "watch" / outage_ledger_name;
    WatchKey key;
    ReportFiles files;
    std::vector<Anchor> anchors;
    Json report;

    Reported() : key(keep()) {
        const LedgerView view = need(view_ledger(file));
        report = need(make_report(
            {&view}, {need(parse_month("2026-09")), begin + 25h, true, "north", key.public_key()}));
        sign(report_octets(report));
        files.html = report_html(report, sha256(as_bytes(files.json)));
        anchors = need(read_anchors(folder / "watch" / anchor_file_name));
    }
    WatchKey keep() const {
        auto ledger = open(folder / "watch");
        need(ledger->note_start(begin, "0", 60s));
        const auto get = need(ledger->series({"demo", Method::ocsp_get, "192.0.2.1:80"}, hold, begin));
        const auto crl = need(ledger->series({"demo", Method::crl, "192.0.2.1:80"}, hold, begin));
        for (int i = 0; i < 40; ++i) {
            const UtcTime now = begin + i * 60s;
            need(ledger->observe(get, saw(now, i >= 5 && i < 9 ? Cause::timeout : Cause::none)));
            need(ledger->observe(crl, saw(now, i >= 30 && i < 33 ? Cause::expired : Cause::none)));
            need(ledger->end_round(now, now));
            if (i == 20)
                BOOST_REQUIRE(need(ledger->anchor(now)).made);
        }
        need(ledger->note_revocation("demo", {Method::crl, begin + 60s, begin + 400s, {}}));
        BOOST_REQUIRE(need(ledger->anchor(begin + 24h)).made);
        need(ledger->note_stop(begin + 24h));
        return need(WatchKey::load_or_make(folder / "watch" / watch_key_name));
    }
    // As someone with the watch's key would.
    void sign(std::string json) {
        files.json = std::move(json);
        files.signature = need(key.sign(files.json));
    }
    std::vector<std::string> faults() const {
        return verify_report(files, {file}, anchors, std::nullopt).faults;
    }
    bool named(const std::string& what) const {
        std::string all;
        for (const std::string& fault : faults())
            all += fault + "\n";
        BOOST_TEST_INFO(all);
        return all.find(what) != std::string::npos;
    }
    void tamper(const std::string& sql) const {
        sqlite3* handle = nullptr;
        BOOST_REQUIRE(sqlite3_open(file.c_str(), &handle) == SQLITE_OK);
        const std::string all =
            "DROP TRIGGER IF EXISTS rows_stay; DROP TRIGGER IF EXISTS rows_stay_as_they_are; " + sql;
        BOOST_REQUIRE(sqlite3_exec(handle, all.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
        sqlite3_close(handle);
    }
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_untouched_report_holds_and_says_how_far_truncation_is_seen) {
    const Reported reported;
    const auto found =
        verify_report(reported.files, {reported.file}, reported.anchors, reported.key.public_key());
    for (const std::string& fault : found.faults)
        BOOST_ERROR(fault);
    BOOST_TEST(found.month == "2026-09");
    BOOST_TEST(found.watch == "north");
    BOOST_TEST(found.ledgers.at(0).last_anchor == reported.anchors.back().head.number);
    BOOST_TEST(verify_report(reported.files, {}, {}, std::nullopt).faults.empty());
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(every_edit_of_a_report_breaks_its_signature) {
    Reported reported;
    reported.files.html.reset();
    const std::string original = reported.files.json;
    for (std::size_t i = 0; i < original.size(); i += 29) {
        reported.files.json = original;
        reported.files.json[i] = reported.files.json[i] == 'x' ? 'y' : 'x';
        BOOST_TEST(!verify_report(reported.files, {}, {}, std::nullopt).faults.empty(), "octet " << i);
    }
    reported.files.json = original;
    reported.files.signature.back() ^= 1U;
    BOOST_TEST(reported.named("the signature does not hold"));
    reported.files.signature.clear();
    BOOST_TEST(reported.named("the signature does not hold"));
}

// Even with the watch's own key, numbers that do not follow from the ledger are found.
// Covers: G-14
BOOST_AUTO_TEST_CASE(every_number_that_does_not_follow_from_the_ledger_is_found_though_it_is_signed) {
    Reported reported;
    reported.files.html.reset();
    const std::string original = reported.files.json;
    std::size_t edited = 0;
    for (std::size_t i = 0; i < original.size(); ++i) {
        if (std::isdigit(static_cast<unsigned char>(original[i])) == 0 || i % 3 != 0)
            continue;
        std::string changed = original;
        changed[i] = changed[i] == '9' ? '8' : static_cast<char>(changed[i] + 1);
        reported.sign(changed);
        BOOST_TEST(!reported.faults().empty(),
                   "octet " << i << ": " << original.substr(i > 30 ? i - 30 : 0, 50));
        ++edited;
    }
    BOOST_TEST(edited > 300U);
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(left_out_added_and_exchanged_parts_are_named) {
    const auto with = [](const std::function<void(Json&)>& edit) {
        Reported reported;
        reported.files.html.reset();
        edit(reported.report);
        reported.sign(report_octets(reported.report));
        std::string all;
        for (const std::string& fault : reported.faults())
            all += fault + "\n";
        return all;
    };
    const auto holds = [](const std::string& all, const char* what) {
        BOOST_TEST_INFO(all);
        return all.find(what) != std::string::npos;
    };
    const auto get = [](Json& report) -> Json& { return report["issuers"][0]["methods"][0]; };
    BOOST_TEST(holds(with([&](Json& report) { get(report)["outages"].clear(); }),
                     "issuers[0].methods[0].outages: the report has 0, the ledger 1"));
    BOOST_TEST(holds(with([&](Json& report) { get(report)["seconds"]["out"] = 7; }),
                     "issuers[0].methods[0].seconds.out: the report says 7, the ledger 240"));
    BOOST_TEST(
        holds(with([&](Json& report) { get(report)["seconds"]["lost"] = 7; }), "follows from no ledger"));
    BOOST_TEST(holds(with([&](Json& report) { get(report).erase("probes"); }), "probes: is missing"));
    BOOST_TEST(
        holds(with([&](Json& report) { std::swap(get(report)["timeline"][0], get(report)["timeline"][1]); }),
              "timeline[0]"));
    BOOST_TEST(holds(with([&](Json& report) { report["formulae"]["promise"] = "kept, always"; }),
                     "formulae.promise"));
    BOOST_TEST(
        holds(with([&](Json& report) { report["report"] = "another form"; }), "is no report of the form"));
    BOOST_TEST(holds(with([&](Json& report) { report["watches"] = Json::array(); }), "does not speak of"));
    BOOST_TEST(
        holds(with([&](Json& report) { report["watches"][0]["head"] = 3; }), "not in a report's form"));
    BOOST_TEST(!with([&](Json& report) { report["made"] = "2026-09-01T00:00:00Z"; }).empty());
}

BOOST_AUTO_TEST_CASE(another_key_and_a_changed_page_are_found) {
    Reported reported;
    const TemporaryFolder elsewhere;
    const WatchKey other = need(WatchKey::load_or_make(elsewhere / "key.pem"));
    BOOST_TEST(!verify_report(reported.files, {reported.file}, {}, other.public_key()).faults.empty());
    reported.files.html->replace(reported.files.html->find("Availability"), 1, "a");
    BOOST_TEST(reported.named("the page (HTML) is not the one"));
    reported.files.html.reset();
    Json forged = reported.report;
    forged["signed_by"]["key"] = to_hex(other.public_key());
    const std::string octets = report_octets(forged);
    reported.files = {octets, need(other.sign(octets)), std::nullopt};
    BOOST_TEST(reported.named("which is not the key of the ledger of north"));
}

BOOST_AUTO_TEST_CASE(files_that_are_no_report_are_refused_whatever_they_are) {
    Reported reported;
    reported.files.html.reset();
    for (const std::string& text :
         {std::string(), std::string("{}"), std::string("[]"), std::string("null"), std::string(200'000, '['),
          std::string("{\"report\":\"eightbells availability 1\"}"),
          "{\"report\":\"eightbells availability 1\",\"signed_by\":" + std::string(200'000, '[') +
              std::string(200'000, ']') + "}"}) {
        reported.sign(text);
        BOOST_TEST(!reported.faults().empty(), text.substr(0, 60));
    }
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(every_edited_deleted_or_moved_row_of_the_ledger_is_found) {
    const std::uint64_t rows =
        Reported().report.at("watches").at(0).at("head").at("number").get<std::uint64_t>();
    BOOST_REQUIRE(rows > 40U);
    for (std::uint64_t row = 1; row <= rows; row += 7) {
        const std::string number = std::to_string(row);
        const Reported edited;
        edited.tamper("UPDATE rows SET body = replace(body, ':', ': ') WHERE number = " + number);
        BOOST_TEST(edited.named("row " + number + ": its digest does not follow"));
        const Reported deleted;
        deleted.tamper("DELETE FROM rows WHERE number = " + number);
        BOOST_TEST(!deleted.faults().empty(), "deleted row " << row);
        if (row == rows)
            continue;
        const Reported moved;
        moved.tamper("UPDATE rows SET number = -1 WHERE number = " + number +
                     "; UPDATE rows SET number = " + number + " WHERE number = " + number +
                     " + 1; UPDATE rows SET number = " + number + " + 1 WHERE number = -1");
        BOOST_TEST(!moved.faults().empty(), "row " << row << " moved");
    }
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(a_cut_off_end_is_found_by_the_anchors_and_by_the_report_itself) {
    const Reported behind_the_anchors;
    const std::uint64_t last =
        behind_the_anchors.report.at("watches").at(0).at("head").at("number").get<std::uint64_t>();
    behind_the_anchors.tamper("DELETE FROM rows WHERE number = " + std::to_string(last));
    BOOST_TEST(behind_the_anchors.named("the end was cut off"));
    const Reported before_them;
    before_them.tamper("DELETE FROM rows WHERE number > 30");
    BOOST_TEST(before_them.named("there were "));
    const Reported gone;
    gone.tamper("DELETE FROM rows");
    BOOST_TEST(!gone.faults().empty());
    const Reported lost;
    lost.tamper("DELETE FROM evidence");
    BOOST_TEST(lost.named("the answer's bytes are gone"));
}

// Covers: G-01
BOOST_AUTO_TEST_CASE(several_watches_are_merged_or_each_stands_on_its_own) {
    const TemporaryFolder folder;
    const auto keep = [&](const std::string& name, int from, int to) {
        auto ledger = open(folder / name, begin, {}, name);
        const auto get = need(ledger->series({"demo", Method::ocsp_get, "192.0.2.1:80"}, hold, begin));
        for (int i = 0; i < 60; ++i) {
            const UtcTime now = begin + i * 60s;
            need(ledger->observe(get, saw(now, i >= from && i < to ? Cause::connect : Cause::none)));
            need(ledger->end_round(now, now));
        }
    };
    keep("north", 10, 30);
    keep("south", 20, 40);
    const LedgerView north = need(view_ledger(folder / "north" / outage_ledger_name));
    const LedgerView south = need(view_ledger(folder / "south" / outage_ledger_name));
    const WatchKey key = need(WatchKey::load_or_make(folder / "north" / watch_key_name));
    const ReportPlan plan{need(parse_month("2026-09")), begin + 60min, true, "north", key.public_key()};
    const auto out = [](const Json& report) {
        return report.at("issuers").at(0).at("methods").at(0).at("seconds").at("out").get<int>();
    };
    const Json both = need(make_report({&north, &south}, plan));
    ReportPlan alone = plan;
    alone.merged = false;
    BOOST_TEST(out(both) == 600);
    BOOST_TEST(out(need(make_report({&north}, alone))) == 1200);
    BOOST_TEST(both.at("issuers").at(0).at("methods").at(0).at("probes").at("made") == 120);

    const std::string octets = report_octets(both);
    const ReportFiles files{octets, need(key.sign(octets)), std::nullopt};
    const auto file = [&](const char* name) { return folder / name / outage_ledger_name; };
    BOOST_TEST(verify_report(files, {file("south"), file("north")}, {}, std::nullopt).faults.empty());
    BOOST_TEST(!verify_report(files, {file("north")}, {}, std::nullopt).faults.empty());
    BOOST_TEST(!verify_report(files, {file("north"), file("north")}, {}, std::nullopt).faults.empty());
}
