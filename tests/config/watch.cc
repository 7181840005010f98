#include <boost/test/unit_test.hpp>

#include "tests/config/fixture.h"

using namespace eightbells;
using namespace eightbells::config;
using namespace eightbells::config::testing;

namespace {

const BadFile bad_files[] = {
    {"a name with blanks", "[watch]\nname = \"north pole\"\n[[issuer]]\n", 2, "watch.name",
     "is not of the form"},
    {"a period of a second", "[watch]\nperiod = \"1s\"\n[[issuer]]\n", 2, "watch.period", "\"5s\" to \"1h\""},
    {"whole CRLs more often than rounds", "[watch]\nperiod = \"60s\"\ncrl_period = \"30s\"\n[[issuer]]\n", 3,
     "watch.crl_period", "\"1m\" (the period)"},
    {"a time-out of two minutes", "[watch]\ntimeout = \"120s\"\n[[issuer]]\n", 2, "watch.timeout",
     "\"100ms\" to \"60s\""},
    {"the front's folder", "[watch]\ndata = \"data/front\"\n[[issuer]]\n", 2, "watch.data", "front.data too"},
    {"the front's port", "[watch]\nmetrics = \"127.0.0.1:9642\"\n[[issuer]]\n", 2, "watch.metrics",
     "port 9642 is taken"},
    {"a URL without a scheme", "[[issuer]]\n[issuer.watch]\ncrl = \"status.example/ca.crl\"\n", 3,
     "issuer[0].watch.crl", "does not begin with http"},
    {"a URL without a host", "[[issuer]]\n[issuer.watch]\ncrl = \"http:///ca.crl\"\n", 3,
     "issuer[0].watch.crl", "names no host"},
    {"a URL with a query", "[[issuer]]\n[issuer.watch]\ncrl = \"http://status.example/ca.crl?x\"\n", 3,
     "issuer[0].watch.crl", "holds '?'"},
    {"a front that is a name",
     "[[issuer]]\n[issuer.watch]\ncrl = \"http://status.example/ca.crl\"\nfronts = [\"front-1:80\"]\n", 4,
     "issuer[0].watch.fronts[0]", "front-1:80"},
    {"a front without a port",
     "[[issuer]]\n[issuer.watch]\ncrl = \"http://status.example/ca.crl\"\nfronts = [\"192.0.2.1:0\"]\n", 4,
     "issuer[0].watch.fronts[0]", "has no port to ask"},
    {"OCSP without a canary", "[[issuer]]\n[issuer.watch]\nocsp = \"http://status.example/ocsp\"\n", 2,
     "issuer[0].watch.good", "no certificate is named whose status is known"},
    {"a serial that is none",
     "[[issuer]]\n[issuer.watch]\nocsp = \"http://status.example/ocsp\"\ngood = \"serial:XY\"\n", 4,
     "issuer[0].watch.good", "in hexadecimal"},
    {"a canary and nothing to ask", "[[issuer]]\n[issuer.watch]\ngood = \"good.pem\"\n", 2,
     "issuer[0].watch.ocsp", "nothing would be watched"},
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_mistake_about_the_watch_is_explained_where_it_stands) {
    for (const BadFile& bad : bad_files) {
        const Loaded loaded = load_example_text(bad.text);
        BOOST_TEST_CONTEXT(bad.claim) {
            BOOST_TEST_REQUIRE(loaded.mistakes.size() == 1U, listing(loaded.mistakes));
            const Mistake& mistake = loaded.mistakes.front();
            BOOST_TEST(mistake.line == bad.line, listing(loaded.mistakes));
            BOOST_TEST(mistake.field == bad.field);
            BOOST_TEST((mistake.message.find(bad.message) != std::string::npos), mistake.message);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_the_watch_is_told_is_taken) {
    const Loaded loaded = load_example_text(R"(
[watch]
name = "north"
period = "30s"
timeout = "1500ms"
anchors = ["elsewhere"]
[[issuer]]
[issuer.watch]
ocsp = "https://status.example/ocsp"
crl = "http://status.example/ca.crl"
fronts = ["192.0.2.1:80", "[2001:db8::1]:80"]
good = "good.pem"
revoked = "serial:0A1B2C"
)");
    BOOST_TEST(loaded.mistakes.empty(), listing(loaded.mistakes));
    const Watch& watch = loaded.config.watch;
    BOOST_TEST(watch.name == "north");
    BOOST_TEST(watch.period.count() == 30);
    BOOST_TEST(watch.crl_period.count() == 150);
    BOOST_TEST(watch.timeout.count() == 1500);
    BOOST_TEST((watch.anchors == std::vector<std::filesystem::path>{"/etc/eightbells/elsewhere"}));
    BOOST_TEST(watch.revocations == "/etc/eightbells/data/watch/revocations.jsonl");
    const IssuerWatch& issuer = loaded.config.issuers.at(0).watch;
    BOOST_TEST(issuer.fronts.size() == 2U);
    BOOST_TEST(issuer.good == "/etc/eightbells/good.pem");
    BOOST_TEST(issuer.revoked == "serial:0A1B2C");
    BOOST_TEST(loaded.config.watches());
    BOOST_TEST(!load_example_text("[[issuer]]\n").config.watches());
}
