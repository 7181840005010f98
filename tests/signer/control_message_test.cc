#include "responder/signer/control_message.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace eightbells;
using nlohmann::json;

BOOST_AUTO_TEST_SUITE(control_message)

BOOST_AUTO_TEST_CASE(an_event_is_read_with_everything_it_says) {
    const auto event = signer::event_from_json(json{{"do", "event"},
                                                    {"action", "revoke"},
                                                    {"serial", "00:0a:1b"},
                                                    {"reason", "KEYCOMPROMISE"},
                                                    {"time", "2026-11-22T06:40:00Z"},
                                                    {"invalidity_date", "2026-11-20T00:00:00Z"},
                                                    {"source", "ca-1"},
                                                    {"sequence", 17U}});
    BOOST_REQUIRE(event);
    BOOST_TEST(event->serial->to_hex() == "0A1B");
    BOOST_TEST((event->reason == CrlReason::key_compromise));
    BOOST_TEST(to_iso8601(*event->time) == "2026-11-22T06:40:00Z");
    BOOST_TEST(to_iso8601(*event->invalidity_date) == "2026-11-20T00:00:00Z");
    BOOST_TEST(event->source == "ca-1");
    BOOST_TEST(*event->sequence == 17U);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_an_event_is_named_by_its_field) {
    const json good{{"do", "event"}, {"action", "revoke"}, {"serial", "0A"}};
    BOOST_REQUIRE(signer::event_from_json(good));
    const std::pair<json, std::string> cases[] = {
        {{{"action", "revok"}}, "action"},
        {{{"action", nullptr}}, "action"},
        {{{"serial", "xyz"}}, "serial"},
        {{{"serial", 10}}, "serial"},
        {{{"serial", "00"}}, "serial"},
        {{{"serial", std::string(42, 'f')}}, "serial"},
        {{{"reason", "because"}}, "reason"},
        {{{"reason", "removeFromCRL"}}, "reason"},
        {{{"reason", 1}}, "reason"},
        {{{"time", "yesterday"}}, "time"},
        {{{"time", "2026-02-30T00:00:00Z"}}, "time"},
        {{{"invalidity_date", 5}}, "invalidity_date"},
        {{{"not_after", ""}}, "not_after"},
        {{{"hash", "00ff"}}, "hash"},
        {{{"source", 7}}, "source"},
        {{{"sequence", 0U}}, "sequence"},
        {{{"sequence", -1}}, "sequence"},
        {{{"sequence", "1"}}, "sequence"},
        {{{"sequence", 1.5}}, "sequence"},
        {{{"reson", "superseded"}}, "reson"},
    };
    BOOST_TEST(std::size(cases) == 20U);
    for (const auto& [change, field] : cases) {
        json line = good;
        line.update(change);
        const auto event = signer::event_from_json(line);
        BOOST_TEST_CONTEXT(line.dump()) {
            BOOST_REQUIRE(!event);
            BOOST_TEST(event.error().message.starts_with(field + ":"));
        }
    }
    json missing = good;
    missing.erase("serial");
    BOOST_TEST(signer::event_from_json(missing).error().message == "serial: missing");
    missing["action"] = "heartbeat";
    BOOST_TEST(signer::event_from_json(missing).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
