#include <sqlite3.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/cache/temporary_folder.h"
#include "tests/conformance/command.h"
#include "tests/watch/world.h"

// eightbells-watch as a process: what it says, what it survives, and what it refuses.
using namespace eightbells;
using namespace eightbells::watch;
using namespace eightbells::watch::test;
using conformance::comes;
using conformance::Program;

namespace {

// A service, a configuration that watches it, and the program.
struct Outpost {
    World world;
    TemporaryFolder folder;
    Program program{{EIGHTBELLS_BINARY_DIR "/bin/eightbells-watch", "--config", folder / "eightbells.toml"},
                    folder.path(),
                    folder / "log"};

    explicit Outpost(const std::string& more = {}) {
        const Cast& cast = Cast::all();
        std::ofstream(folder / "issuer.pem") << cast.ca.pem();
        for (const auto& [serial, leaf] : cast.leaves)
            std::ofstream(folder / (std::to_string(serial) + ".pem")) << leaf.pem();
        const std::string url = "http://localhost:" + std::to_string(world.server.port());
        std::ofstream(folder / "eightbells.toml")
            << "[watch]\nname = \"north\"\nmetrics = \"127.0.0.1:0\"\nperiod = \"5s\"\n[[issuer]]\nname = "
               "\"demo\"\n"
            << "[issuer.watch]\nocsp = \"" << url << "/ocsp\"\ncrl = \"" << url << "/demo.crl\"\nfronts = [\""
            << world.server.address() << "\"]\ngood = \"11.pem\"\nrevoked = \"12.pem\"\nhold = \"13.pem\"\n"
            << "expired = \"14.pem\"\nunissued = \"serial:0F\"\n"
            << more;
    }
    std::filesystem::path ledger() const { return folder / "data" / "watch" / outage_ledger_name; }
    // The address of the private listener as the newest log lines say it; empty until they do.
    std::string address() const {
        const std::string log = program.log();
        const auto at = log.rfind("status on ");
        const auto end = log.find('\n', at);
        return at == std::string::npos || end == std::string::npos ? "" : log.substr(at + 10, end - at - 10);
    }
    nlohmann::json status() const {
        const auto asked =
            conformance::run({"curl", "-s", "-m", "30", "http://" + address() + "/status.json"});
        return nlohmann::json::parse(asked.out, nullptr, false);
    }
    std::size_t starts() const {
        std::size_t count = 0;
        const std::string log = program.log();
        for (auto at = log.find("status on "); at != std::string::npos; at = log.find("status on ", at + 1))
            ++count;
        return count;
    }
    bool in_reach() const {
        const auto json = status();
        if (!json.is_object() || json["issuers"].empty())
            return false;
        const auto& methods = json["issuers"][0]["methods"];
        return methods.size() == method_count &&
               std::ranges::all_of(methods, [](const auto& method) { return method["now"] == "up"; });
    }
};

}  // namespace

// Covers: G-01
BOOST_AUTO_TEST_CASE(a_killed_watch_goes_on_where_it_was_and_an_edited_ledger_is_refused) {
    Outpost outpost;
    outpost.program.start();
    BOOST_REQUIRE(comes([&] { return outpost.starts() == 1 && outpost.in_reach(); }));
    outpost.program.kill();
    const Examined before = *examine(outpost.ledger(), {});
    BOOST_TEST(before.faults.empty());

    outpost.program.start();
    BOOST_REQUIRE(comes([&] { return outpost.starts() == 2 && outpost.in_reach(); }));
    BOOST_TEST(outpost.status()["ledger"]["rows"].get<std::uint64_t>() > before.head.number);
    BOOST_TEST(outpost.program.stop() == 0);
    const Examined after = *examine(outpost.ledger(), {});
    BOOST_TEST(after.faults.empty());
    // The orderly end is signed: nothing behind the last anchor but its own row.
    BOOST_REQUIRE(after.last_anchor.has_value());
    BOOST_TEST(after.last_anchor->head.number + 1 == after.head.number);

    sqlite3* handle = nullptr;
    BOOST_REQUIRE(sqlite3_open(outpost.ledger().c_str(), &handle) == SQLITE_OK);
    BOOST_REQUIRE(
        sqlite3_exec(handle,
                     "DROP TRIGGER rows_stay_as_they_are; UPDATE rows SET body = replace(body, 'none', "
                     "'dns') WHERE kind = 'change'",
                     nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(handle);
    const auto refused = conformance::run(
        {EIGHTBELLS_BINARY_DIR "/bin/eightbells-watch", "--config", outpost.folder / "eightbells.toml"});
    BOOST_TEST(refused.code == 1);
    BOOST_TEST(refused.err.find("is not as it was written and is refused: row ") != std::string::npos,
               refused.err);
}

BOOST_AUTO_TEST_CASE(mistakes_in_the_configuration_end_it_with_78_and_unfit_canaries_with_1) {
    const Outpost outpost("[watch.nothing]\n");
    const auto wrong = conformance::run(
        {EIGHTBELLS_BINARY_DIR "/bin/eightbells-watch", "--config", outpost.folder / "eightbells.toml"});
    BOOST_TEST(wrong.code == 78);
    const Outpost other;
    std::ofstream(other.folder / "11.pem") << Cast::all().other_delegate.pem();
    const auto unfit = conformance::run(
        {EIGHTBELLS_BINARY_DIR "/bin/eightbells-watch", "--config", other.folder / "eightbells.toml"});
    BOOST_TEST(unfit.code == 1);
    BOOST_TEST(unfit.err.find("issuer[0].watch.good") != std::string::npos, unfit.err);
    BOOST_TEST(unfit.err.find("was not issued by this issuer") != std::string::npos, unfit.err);
}
