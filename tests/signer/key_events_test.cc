#include "responder/signer/key_events.h"

#include <sqlite3.h>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/cache/temporary_folder.h"

// What becomes of keys stands in the audit log for good.
using namespace eightbells;
using namespace eightbells::signer;
using namespace std::chrono_literals;

namespace {

constexpr UtcTime noon{1'795'348'800s};

struct Keys {
    Keys() {
        auto opened = ledger::Ledger::open(folder.path() / "ledger.db", true, clock);
        BOOST_REQUIRE(opened);
        ledger = std::move(*opened);
    }
    void start(const std::vector<KeyInUse>& keys, bool made = false, const std::string& signer = {}) {
        const auto noted =
            note_key_events(folder.path() / "keys.json", keys, made, signer, *ledger, clock.now());
        BOOST_REQUIRE_MESSAGE(noted, noted.error().message);
    }
    // The texts of all lines, read as an auditor would.
    std::vector<nlohmann::json> lines() const {
        std::vector<nlohmann::json> found;
        sqlite3* database = nullptr;
        BOOST_REQUIRE(sqlite3_open((folder.path() / "ledger.db").c_str(), &database) == SQLITE_OK);
        sqlite3_stmt* query = nullptr;
        BOOST_REQUIRE(sqlite3_prepare_v2(database, "SELECT text FROM audit WHERE kind = 'key' ORDER BY line",
                                         -1, &query, nullptr) == SQLITE_OK);
        while (sqlite3_step(query) == SQLITE_ROW)
            found.push_back(
                nlohmann::json::parse(reinterpret_cast<const char*>(sqlite3_column_text(query, 0))));
        sqlite3_finalize(query);
        sqlite3_close(database);
        return found;
    }

    TemporaryFolder folder;
    ManualClock clock{noon};
    std::unique_ptr<ledger::Ledger> ledger;
};

const KeyInUse store{"store", "", "aa", "", ""};
const KeyInUse first{"status", "ca", "01", "c1", "2027-01-01T00:00:00Z"};
const KeyInUse second{"status", "ca", "02", "c2", "2027-02-01T00:00:00Z"};

}  // namespace

BOOST_AUTO_TEST_SUITE(key_events)

// Covers: H-14
BOOST_AUTO_TEST_CASE(from_making_to_retirement_stand_in_the_audit_log_with_the_window_of_use) {
    Keys keys;
    keys.start({store, first}, true);
    keys.clock.advance(24h);
    keys.start({store, first});  // a restart says nothing new
    BOOST_TEST(keys.lines().size() == 3U);
    keys.clock.advance(24h);
    keys.start({store, second});
    const auto lines = keys.lines();
    BOOST_REQUIRE(lines.size() == 5U);
    BOOST_TEST(lines[0]["event"] == "made");
    BOOST_TEST(lines[0]["use"] == "store");
    BOOST_TEST(lines[1]["event"] == "activated");
    BOOST_TEST(lines[2]["event"] == "activated");
    BOOST_TEST(lines[2]["certificate"] == "c1");
    BOOST_TEST(lines[3]["event"] == "retired");
    BOOST_TEST(lines[3]["key"] == "01");
    BOOST_TEST(lines[3]["from"] == to_iso8601(noon));
    BOOST_TEST(lines[3]["until"] == to_iso8601(noon + 48h));
    BOOST_TEST(lines[4]["event"] == "activated");
    BOOST_TEST(lines[4]["key"] == "02");
    BOOST_TEST(keys.ledger->check_integrity().has_value());
}

// Two signers have one audit log.
BOOST_AUTO_TEST_CASE(name_the_signer_of_a_pair) {
    Keys keys;
    keys.start({store, first}, false, "amsterdam");
    keys.start({store, second}, false, "amsterdam");
    const auto lines = keys.lines();
    BOOST_REQUIRE(lines.size() == 4U);
    for (const auto& line : lines)
        BOOST_TEST(line["signer"] == "amsterdam");
    keys.start({store, first});
    BOOST_TEST(!keys.lines().back().contains("signer"));
}

BOOST_AUTO_TEST_CASE(are_written_again_when_it_is_not_known_what_was) {
    Keys keys;
    keys.start({store});
    std::filesystem::remove(keys.folder.path() / "keys.json");
    keys.start({store});
    BOOST_TEST(keys.lines().size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
