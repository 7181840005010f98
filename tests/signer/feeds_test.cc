#include "responder/signer/feeds.h"

#include "responder/signer/report.h"
#include "tests/signer/crl_bench.h"

using namespace eightbells;
using namespace eightbells::tests;

namespace {

// The bench's CA with an index.txt that is watched.
struct Watched : CrlBench, FeedListener {
    Watched() {
        issuer.settings.index = folder.path() / "index.txt";
        std::vector<std::string> warnings;
        identity = *load_identity(0, issuer.settings, clock.now(), warnings);
        config.issuers = {issuer.settings};
        report.emplace(config, std::vector{identity}, *ledger, metrics, clock);
        begin();
    }
    void begin() {
        feeds = std::make_unique<Feeds>(std::vector<FedIssuer>{issuer}, *ledger, *gate, *this, clock);
    }
    void write_index(const std::string& lines) { write("index.txt", as_bytes(lines)); }
    void on_imported(const std::string& id, const std::string& source,
                     const ledger::ImportReport& imported) override {
        BOOST_TEST(source == "index");
        reports.push_back(imported);
        report->imported(id, source, imported);
    }
    void on_refused(const std::string&, const std::string&, const Error& error) override {
        BOOST_ERROR(error.message);
    }
    // What the alarms are about.
    double lacking() { return metrics.feed_missing(0, metrics::Feed::index).value(); }
    double contradicted() { return metrics.feed_contradicted(0, metrics::Feed::index).value(); }

    std::shared_ptr<const Identity> identity;
    config::Config config;
    metrics::SignerMetrics metrics{{"tested"}};
    std::optional<Report> report;
    std::unique_ptr<Feeds> feeds;
    std::vector<ledger::ImportReport> reports;
};

constexpr const char* two_good =
    "V\t20491231235959Z\t\t1001\tunknown\t/CN=a\n"
    "V\t20491231235959Z\t\t1002\tunknown\t/CN=b\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(feeds)

// Covers: G-26
BOOST_AUTO_TEST_CASE(an_index_that_does_not_change_is_held_against_the_ledger_once_a_day_and_at_each_start) {
    Watched world;
    world.write_index(two_good);
    BOOST_TEST(world.feeds->look_once());
    BOOST_REQUIRE(world.reports.size() == 1U);
    BOOST_TEST(world.reports[0].issued == *world.ledger->count(world.id()));
    BOOST_TEST(world.contradicted() + world.lacking() == 0);
    // A CA's other system tells what its database does not.
    ledger::Event event;
    event.issuer = world.id();
    event.source = "test";
    event.action = ledger::Action::revoke;
    event.serial = *Serial::from_hex("1001");
    BOOST_REQUIRE(world.ledger->apply(event)->verdict == ledger::Verdict::applied);
    world.issue("1003", world.clock.now() + 24h);
    for (int minutes = 0; minutes < 24 * 60 - 1; ++minutes) {
        world.clock.advance(60s);
        BOOST_REQUIRE(!world.feeds->look_once());
    }
    world.clock.advance(60s);
    BOOST_TEST(world.feeds->look_once());
    // 1001 is good there and revoked here; 1003 was never there.
    const auto differs = [&] {
        return world.reports.back().read == 2U && world.contradicted() == 1 && world.lacking() == 1;
    };
    BOOST_REQUIRE(world.reports.size() == 2U);
    BOOST_TEST(differs());
    world.clock.advance(60s);
    BOOST_TEST(!world.feeds->look_once());
    world.begin();
    BOOST_TEST(world.feeds->look_once());
    BOOST_TEST(differs());
    // The database is put right: the two say the same.
    world.write_index(
        std::string{"R\t20491231235959Z\t261122000000Z\t1001\tunknown\t/CN=a\n"} +
        "V\t20491231235959Z\t\t1002\tunknown\t/CN=b\nV\t20491231235959Z\t\t1003\tunknown\t/CN=c\n");
    BOOST_TEST(world.feeds->look_once());
    BOOST_TEST(world.contradicted() + world.lacking() == 0);
    BOOST_TEST(world.reports.back().read == *world.ledger->count(world.id()));
}

BOOST_AUTO_TEST_SUITE_END()
