#include <sqlite3.h>

#include <fstream>

#include "responder/watch/examine.h"
#include "tests/watch/made_ledger.h"

// A ledger in which anything was changed is refused and the change named; nothing is repaired.
using namespace eightbells;
using namespace eightbells::watch;
using namespace eightbells::watch::test;
using Kind = LedgerFault::Kind;

namespace {

// Two days of a watch with an outage, anchored daily here and with the signer.
struct Kept {
    TemporaryFolder folder;
    std::filesystem::path watch = folder / "watch";
    std::filesystem::path signer = folder / "signer";
    std::filesystem::path file = watch / outage_ledger_name;

    Kept() {
        std::filesystem::create_directories(signer);
        auto ledger = open(watch, begin, {signer});
        const auto get = need(ledger->series({"demo", Method::ocsp_get, "127.0.0.1:80"}, hold, begin));
        for (int i = 0; i < 40; ++i) {
            const UtcTime now = begin + i * 60s;
            need(ledger->observe(get, saw(now, i >= 5 && i < 9 ? Cause::timeout : Cause::none)));
            need(ledger->end_round(now, now));
            if (i == 20)
                BOOST_REQUIRE(need(ledger->anchor(now)).made);
        }
        BOOST_REQUIRE(need(ledger->anchor(begin + 24h)).made);
        need(ledger->note_stop(begin + 24h));
    }

    // As someone with the file in hand would, past our own triggers.
    void tamper(const std::string& sql) const {
        sqlite3* handle = nullptr;
        BOOST_REQUIRE(sqlite3_open(file.c_str(), &handle) == SQLITE_OK);
        char* error = nullptr;
        const std::string all =
            "DROP TRIGGER IF EXISTS rows_stay; DROP TRIGGER IF EXISTS rows_stay_as_they_are; BEGIN; " + sql +
            "; COMMIT;";
        const int done = sqlite3_exec(handle, all.c_str(), nullptr, nullptr, &error);
        BOOST_REQUIRE_MESSAGE(done == SQLITE_OK, (error == nullptr ? "" : error));
        sqlite3_close(handle);
    }
    std::vector<LedgerFault> faults() const {
        Against against;
        against.anchors = need(read_anchors(signer / "north.anchors.jsonl"));
        return need(examine(file, against)).faults;
    }
    bool found(Kind kind, std::uint64_t row) const {
        bool any = false;
        std::string listing;
        for (const LedgerFault& fault : faults()) {
            any = any || (fault.kind == kind && fault.row == row);
            listing += fault.to_string() + "\n";
        }
        BOOST_TEST_INFO(listing);
        return any;
    }
    bool refused() const {
        const auto opened = OutageLedger::open({watch, "north", {signer}}, ManualClock(begin + 48h));
        return !opened && opened.error().message.find("is refused") != std::string::npos;
    }
};

// The whole chain made anew from row `from` on, as someone without the key can.
std::string rechain(const std::filesystem::path& file, std::uint64_t from, const std::string& body_sql) {
    sqlite3* handle = nullptr;
    sqlite3_open(file.c_str(), &handle);
    sqlite3_exec(handle, ("DROP TRIGGER rows_stay; DROP TRIGGER rows_stay_as_they_are; " + body_sql).c_str(),
                 nullptr, nullptr, nullptr);
    sqlite3_stmt* read = nullptr;
    sqlite3_prepare_v2(handle, "SELECT number, kind, body, digest FROM rows ORDER BY number", -1, &read,
                       nullptr);
    Digest previous{};
    std::string updates;
    while (sqlite3_step(read) == SQLITE_ROW) {
        const auto number = static_cast<std::uint64_t>(sqlite3_column_int64(read, 0));
        if (number >= from) {
            previous =
                row_digest(previous, number, reinterpret_cast<const char*>(sqlite3_column_text(read, 1)),
                           reinterpret_cast<const char*>(sqlite3_column_text(read, 2)));
            updates += "UPDATE rows SET digest = x'" + to_hex(previous) +
                       "' WHERE number = " + std::to_string(number) + ";";
        } else {
            std::copy_n(static_cast<const std::uint8_t*>(sqlite3_column_blob(read, 3)), 32, previous.begin());
        }
    }
    sqlite3_finalize(read);
    sqlite3_close(handle);
    return updates;
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_untouched_ledger_has_no_fault_and_its_anchors_hold) {
    const Kept kept;
    BOOST_TEST(kept.faults().empty());
    const Examined examined = need(examine(kept.file, {}));
    BOOST_TEST(examined.anchors_met == 2U);  // those that stand in the chain itself
    BOOST_TEST(!kept.refused());
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(every_edited_row_is_found) {
    const std::uint64_t rows = [] {
        const Kept kept;
        return need(examine(kept.file, {})).head.number;
    }();
    BOOST_REQUIRE(rows > 40U);
    for (std::uint64_t row = 1; row <= rows; row += 6) {
        const Kept kept;
        kept.tamper("UPDATE rows SET body = replace(body, '2026', '2025') WHERE number = " +
                    std::to_string(row));
        BOOST_TEST(kept.found(Kind::digest, row), "row " << row);
        BOOST_TEST(kept.refused());
    }
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(a_deleted_row_is_found_also_when_the_rest_is_renumbered) {
    const Kept kept;
    kept.tamper("DELETE FROM rows WHERE number = 12");
    BOOST_TEST(kept.found(Kind::missing, 13));
    BOOST_TEST(kept.refused());
    const Kept renumbered;
    renumbered.tamper(
        "DELETE FROM rows WHERE number = 12; UPDATE rows SET number = -(number - 1) WHERE number > 12; "
        "UPDATE rows SET number = -number WHERE number < 0");
    BOOST_TEST(renumbered.found(Kind::digest, 12));
    BOOST_TEST(renumbered.refused());
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(rows_that_changed_places_are_found) {
    const Kept kept;
    kept.tamper(
        "UPDATE rows SET number = -12 WHERE number = 12; UPDATE rows SET number = 12 WHERE number = 13; "
        "UPDATE rows SET number = 13 WHERE number = -12");
    BOOST_TEST(kept.found(Kind::digest, 12));
    BOOST_TEST(kept.refused());
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(a_cut_off_end_is_found_back_to_the_last_anchor) {
    const Kept kept;
    const auto anchors = need(read_anchors(kept.signer / "north.anchors.jsonl"));
    BOOST_REQUIRE(anchors.size() == 2U);
    const std::uint64_t last = anchors[1].head.number;
    kept.tamper("DELETE FROM rows WHERE number >= " + std::to_string(last));
    BOOST_TEST(kept.found(Kind::truncated, last - 1));
    BOOST_TEST(kept.refused());
}

// Covers: G-14
BOOST_AUTO_TEST_CASE(a_chain_made_anew_without_the_key_does_not_meet_its_anchors) {
    const Kept kept;
    const std::string erased =
        "UPDATE rows SET body = replace(body, 'timeout', 'none') WHERE kind = 'change' AND number > 3;";
    kept.tamper(rechain(kept.file, 4, erased));
    const auto anchors = need(read_anchors(kept.signer / "north.anchors.jsonl"));
    BOOST_TEST(kept.found(Kind::anchor, anchors[0].head.number));
    BOOST_TEST(kept.found(Kind::anchor, anchors[1].head.number));
    BOOST_TEST(!kept.found(Kind::digest, 10));  // the chain alone holds
    BOOST_TEST(kept.refused());
}

BOOST_AUTO_TEST_CASE(changed_or_lost_evidence_is_found) {
    const Kept kept;
    kept.tamper("UPDATE evidence SET octets = x'00'");
    const auto changed = kept.faults();
    BOOST_REQUIRE(changed.size() == 1U);
    BOOST_TEST((changed[0].kind == Kind::evidence));
    BOOST_TEST(kept.refused());
    kept.tamper("DELETE FROM evidence");
    BOOST_TEST((kept.faults().at(0).kind == Kind::evidence));
}

BOOST_AUTO_TEST_CASE(a_forged_anchor_and_another_key_are_found) {
    const Kept kept;
    Against against;
    against.anchors = need(read_anchors(kept.signer / "north.anchors.jsonl"));
    against.anchors[0].time += 1s;
    BOOST_TEST((need(examine(kept.file, against)).faults.at(0).kind == Kind::signature));
    against.anchors.clear();
    const TemporaryFolder other;
    against.key = need(WatchKey::load_or_make(other / "key.pem")).public_key();
    BOOST_TEST((need(examine(kept.file, against)).faults.at(0).kind == Kind::other_ledger));
}

BOOST_AUTO_TEST_CASE(a_removed_ledger_is_not_begun_anew_in_silence) {
    const Kept kept;
    std::filesystem::remove(kept.file);
    const auto opened = OutageLedger::open({kept.watch, "north", {kept.signer}}, ManualClock(begin + 48h));
    BOOST_REQUIRE(!opened);
    BOOST_TEST(opened.error().message.find("is gone, but signed heads speak of it") != std::string::npos);
    // Nor when the watch's folder is empty and only the signer still knows.
    std::filesystem::remove_all(kept.watch);
    BOOST_TEST(!OutageLedger::open({kept.watch, "north", {kept.signer}}, ManualClock(begin + 48h)));
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_refused_and_left_as_it_is) {
    const Kept kept;
    std::string before;
    {
        std::fstream file(kept.file, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(0);
        file.write("no database any more", 20);
    }
    const auto read = [&] {
        std::ifstream file(kept.file, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    before = read();
    BOOST_TEST(!OutageLedger::open({kept.watch, "north", {kept.signer}}, ManualClock(begin + 48h)));
    BOOST_TEST((read() == before));
}

BOOST_AUTO_TEST_CASE(a_place_that_could_not_be_reached_gets_its_anchor_later) {
    const TemporaryFolder folder;
    const auto away = folder / "away";
    auto ledger = open(folder / "watch", begin, {away});
    auto first = need(ledger->anchor(begin));
    BOOST_TEST(first.made);
    BOOST_TEST(first.unreached.size() == 1U);
    std::filesystem::create_directories(away);
    auto second = need(ledger->anchor(begin + 60s));
    BOOST_TEST(!second.made);
    BOOST_TEST(second.unreached.empty());
    BOOST_TEST(need(read_anchors(away / "north.anchors.jsonl")).size() == 1U);
}

BOOST_AUTO_TEST_CASE(another_watchs_anchors_are_kept_for_it) {
    const TemporaryFolder folder;
    auto south = open(folder / "south", begin, {}, "south");
    BOOST_REQUIRE(need(south->anchor(begin)).made);
    auto north = open(folder / "north");
    const auto rows = north->head().number;
    const auto theirs = need(read_anchors(folder / "south" / anchor_file_name));
    need(north->note_witness(theirs.at(0), begin));
    need(north->note_witness(theirs.at(0), begin));
    BOOST_TEST(north->head().number == rows + 1);
}
