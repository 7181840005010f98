#define BOOST_TEST_MODULE conformance_clients
#include "tests/conformance/served.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <stdexcept>

namespace eightbells::conformance {

namespace {
std::unique_ptr<RunWorld> world;
Scrapes scrapes;

struct Served {
    void setup() {
        world = std::make_unique<RunWorld>(
            std::vector<World::Issuer>{{"p256", KeyKind::p256},
                                       {"p384", KeyKind::p384, false, "invalidity_date = true"},
                                       {"rsa", KeyKind::rsa2048},
                                       {"pss", KeyKind::rsa2048, true}});
        world->start();
        scrapes = {world->front_metrics(), world->signer_metrics()};
    }
    // What it throws fails the run: nothing may be left behind.
    void teardown() {
        world->stop();
        world.reset();
    }
};
BOOST_TEST_GLOBAL_FIXTURE(Served);
}  // namespace

RunWorld& served() {
    return *world;
}

const Scrapes& scraped_at_start() {
    return scrapes;
}

Meaning meaning_of(const Authority::Entry& entry) {
    static const std::map<std::string, std::pair<std::string, int>> reasons{
        {"", {"", 0}},
        {"unspecified", {"", 0}},
        {"keyCompromise", {"keyCompromise", 1}},
        {"CACompromise", {"cACompromise", 2}},
        {"affiliationChanged", {"affiliationChanged", 3}},
        {"superseded", {"superseded", 4}},
        {"cessationOfOperation", {"cessationOfOperation", 5}},
        {"certificateHold", {"certificateHold", 6}},
        {"holdInstruction", {"certificateHold", 6}},
        {"keyTime", {"keyCompromise", 1}},
        {"CAkeyTime", {"cACompromise", 2}}};
    Meaning meaning;
    meaning.revoked = entry.kind == "R";
    if (!meaning.revoked)
        return meaning;
    meaning.time = entry.revoked_at;
    const auto comma = entry.reason.find(',');
    const std::string word = entry.reason.substr(0, comma);
    std::tie(meaning.reason, meaning.code) = reasons.at(word);
    if (word == "keyTime" || word == "CAkeyTime")
        meaning.invalidity_date = entry.reason.substr(comma + 3);  // without the century
    return meaning;
}

}  // namespace eightbells::conformance
