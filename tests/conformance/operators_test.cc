#define BOOST_TEST_MODULE conformance_operators
#include <fmt/chrono.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cctype>
#include <chrono>
#include <nlohmann/json.hpp>

#include "tests/conformance/world.h"
#include "tests/watch/queries.h"

// A real Prometheus scrapes the real programs: what the dashboard and the alerts ask is answered. And the
// report of a real watch, as an operator makes it and an auditor looks at it.
using namespace eightbells::conformance;
using eightbells::test::Query;
using nlohmann::json;

namespace {

const std::string prometheus = "/usr/bin/prometheus";

std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        result += std::isalnum(octet) != 0 ? std::string(1, c) : fmt::format("%{:02X}", octet);
    }
    return result;
}

// `eightbells run` with a CA that is watched, and a Prometheus that looks at the three programs.
class WatchedWorld : public RunWorld {
  public:
    WatchedWorld() : RunWorld({{"demo", KeyKind::p256}}) {
        std::string watched = fmt::format("[issuer.watch]\nocsp = \"{0}\"\ncrl = \"{0}demo.crl\"\n", url());
        for (const char* canary : {"good", "revoked", "hold", "expired"})
            watched += fmt::format("{0} = \"demo/{0}.pem\"\n", canary);
        watched += fmt::format(
            "[watch]\nname = \"north\"\ndata = \"watch\"\nmetrics = \"127.0.0.1:{}\"\nperiod = \"5s\"\n"
            "crl_period = \"5s\"\n",
            watch_port_);
        const auto file = *this / "eightbells.toml";
        replace_text(file, read_text(file) + watched);
        std::string jobs;
        for (const auto& [job, port] : {std::pair{"signer", signer_metrics_port()},
                                        {"front", front_metrics_port()},
                                        {"watch", watch_port_}})
            jobs += fmt::format(
                "  - {{job_name: eightbells-{}, static_configs: [{{targets: [\"127.0.0.1:{}\"]}}]}}\n", job,
                port);
        replace_text(
            *this / "prometheus.yml",
            fmt::format("global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [\"{}\"]\n"
                        "scrape_configs:\n{}",
                        eightbells::test::rules_file.string(), jobs));
    }
    std::uint16_t watch_port() const noexcept { return watch_port_; }

    // Answers of Prometheus' HTTP interface; null when there is none.
    json api(const std::string& path) const {
        const auto reply = fetch(prometheus_port_, "/api/v1/" + path);
        return reply ? json::parse(reply->body, nullptr, false) : json();
    }
    json ask_prometheus(const std::string& query) const { return api("query?query=" + escaped(query)); }
    std::uint16_t prometheus_port() const noexcept { return prometheus_port_; }

  private:
    std::uint16_t watch_port_ = free_port();
    std::uint16_t prometheus_port_ = free_port();
};

bool has_result(const json& answer) {
    return answer.is_object() && answer.value("status", "") == "success" && !answer["data"]["result"].empty();
}

// The year and month now, as `--month` takes it.
std::string this_month() {
    return fmt::format("{:%Y-%m}",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

bool there_is_prometheus() {
    if (std::filesystem::exists(prometheus))
        return true;
    BOOST_TEST_MESSAGE("skipped: there is no " << prometheus << " (deploy/install-dependencies --tests)");
    return false;
}

}  // namespace

// Covers: G-19
BOOST_AUTO_TEST_CASE(a_real_prometheus_answers_every_query_of_dashboard_and_alerts) {
    if (!there_is_prometheus())
        return;
    WatchedWorld world;
    Program scraper(
        {prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", "--log.level=warn",
         fmt::format("--web.listen-address=127.0.0.1:{}", world.prometheus_port())},
        world / "", world / "prometheus.log");
    world.start();
    scraper.start();
    for (const char* hash : {"sha1", "sha256"})
        ask(world.url(), world.ca("demo"), "good", hash);
    const std::string all_up =
        R"(sum(up{job=~"eightbells-.*"}) == 3 and on() max(eightbells_watch_in_reach) == 1)";
    BOOST_REQUIRE_MESSAGE(comes([&] { return has_result(world.ask_prometheus(all_up)); }),
                          world.ask_prometheus("up").dump() << "\n"
                                                            << scraper.log() << world.log());
    for (const Query& query : eightbells::test::dashboard_queries("10s")) {
        BOOST_TEST_CONTEXT(query.where << ": " << query.text) {
            json answer;
            const bool there = comes([&] { return has_result(answer = world.ask_prometheus(query.text)); });
            BOOST_TEST(there, answer.dump());
        }
    }
    for (const Query& query : eightbells::test::rule_queries())
        BOOST_TEST(world.ask_prometheus(query.text).value("status", "") == "success",
                   query.where << query.text);

    const auto evaluated = [&](const json& rules) {
        return rules.is_object() && std::ranges::all_of(rules["data"]["groups"], [](const json& group) {
                   return std::ranges::all_of(group["rules"],
                                              [](const json& rule) { return rule["health"] == "ok"; });
               });
    };
    json rules;
    const bool all_well = comes([&] { return evaluated(rules = world.api("rules")); });
    BOOST_TEST(all_well, rules.dump());
    BOOST_TEST(rules["data"]["groups"].size() == 5U);
    // All is well here: no outage, no disagreement, nobody missing.
    // A scrape or a probe that a busy machine has missed makes one pending, until the next.
    json alerts;
    const bool nothing_bad = comes([&] {
        alerts = world.api("alerts");
        return alerts.is_object() &&
               std::ranges::none_of(alerts.at("data").at("alerts"), [](const json& alert) {
                   const auto name = alert["labels"]["alertname"].get<std::string>();
                   return std::ranges::any_of(std::array{"StatusOutOfReach", "IssuerWhollyOut", "WatchGone",
                                                         "OcspAndCrlDisagree", "SignerOrFront"},
                                              [&](const char* bad) { return name.starts_with(bad); });
               });
    });
    BOOST_TEST(nothing_bad, alerts.dump());
    // No series carries anything but labels that are known beforehand.
    const json labels = world.api("labels");
    BOOST_TEST(labels["data"].size() > 10U);
    for (const auto& name : labels["data"])
        BOOST_TEST((name != "serial" && name != "address" && name != "client"), name.dump());
    BOOST_TEST(scraper.stop() == 0);
    world.stop();
}

// Covers: G-01, G-03
BOOST_AUTO_TEST_CASE(an_operator_makes_the_report_of_a_running_watch_and_an_auditor_redoes_it) {
    WatchedWorld world;
    world.start();
    const auto probed = [&] {
        const auto reply = fetch(world.watch_port(), "/metrics");
        const auto in_reach = [&](const std::string& method) {
            return value_of(reply->body,
                            "eightbells_watch_in_reach{issuer=\"demo\",method=\"" + method + "\"}") == 1;
        };
        return reply && in_reach("ocsp_get") && in_reach("ocsp_post") && in_reach("crl");
    };
    BOOST_REQUIRE_MESSAGE(comes(probed), world.log());
    const std::string out = (world / "reports").string();
    const std::string ledger = (world / "watch").string();
    const std::string stem = out + "/availability-" + this_month();
    const Ended made =
        run({eightbells_program(), "report", "--month", this_month(), "--ledger", ledger, "--out", out});
    BOOST_REQUIRE_MESSAGE(made.ok(), made.all());
    BOOST_TEST(made.err.find("is not over") != std::string::npos);
    const json report = json::parse(read_text(stem + ".json"));
    BOOST_TEST(report["partial"] == true);
    BOOST_TEST(report["issuers"][0]["issuer"] == "demo");
    BOOST_TEST(report["issuers"][0]["methods"].size() >= 3U);

    const Ended held = run({eightbells_program(), "report", "verify", stem + ".json", "--ledger", ledger,
                            "--key", ledger + "/watch-key.pub", "--anchors", ledger + "/anchors.jsonl"});
    BOOST_TEST(held.ok(), held.all());
    BOOST_TEST(held.out.find("every number follows from the ledger") != std::string::npos);
    BOOST_TEST(
        world.operate({"report", "--month", this_month(), "--out", out}).ok());  // by the configuration
    BOOST_TEST(run({eightbells_program(), "report", "verify", "--ledger", ledger, stem + ".html"}).ok());

    replace_text(stem + ".html", read_text(stem + ".html") + " ");
    const Ended page = run({eightbells_program(), "report", "verify", stem + ".json"});
    BOOST_TEST(page.code == 1);
    BOOST_TEST(page.err.find("the page (HTML) is not the one") != std::string::npos);
    replace_text(stem + ".json", read_text(stem + ".json") + "\n");
    const Ended edited = run({eightbells_program(), "report", "verify", stem + ".json", "--ledger", ledger});
    BOOST_TEST(edited.code == 1);
    BOOST_TEST(edited.err.find("the signature does not hold") != std::string::npos);
    for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
             {"--month", "2026-13", "--ledger", ledger},
             {"--ledger", ledger},
             {"--month", "9000-01", "--ledger", ledger},
             {"--month", this_month(), "--ledger", out},
             {"--month", this_month(), "--ledger", ledger, "--vantage", "x"}}) {
        std::vector<std::string> words{eightbells_program(), "report", "--out", out};
        words.insert(words.end(), wrong.begin(), wrong.end());
        const Ended ended = run(words);
        BOOST_TEST((ended.code != 0 && !ended.err.empty()), ended.all());
    }
    world.stop();
}

// Covers: D-02
BOOST_AUTO_TEST_CASE(a_revocation_by_the_operator_is_timed_by_the_watch_until_relying_parties_see_it) {
    WatchedWorld world;
    world.start();
    const auto timed = [&](const std::string& method) {
        const auto reply = fetch(world.watch_port(), "/metrics");
        return reply ? value_of(reply->body,
                                "eightbells_watch_revocation_delay_seconds_count{issuer=\"demo\",method=\"" +
                                    method + "\"}")
                     : -1;
    };
    BOOST_REQUIRE_MESSAGE(comes([&] { return timed("ocsp_get") == 0; }), world.log());
    const Ended told =
        world.operate({"revoke", world.ca("demo").serial("hold-instruction"), "--reason", "keyCompromise"});
    BOOST_REQUIRE_MESSAGE(told.ok(), told.all());
    BOOST_TEST(told.err.empty(), told.err);
    for (const char* method : {"ocsp_get", "ocsp_post"})
        BOOST_TEST(comes([&] { return timed(method) == 1; }), method << "\n" << world.log());
    world.stop();
}
