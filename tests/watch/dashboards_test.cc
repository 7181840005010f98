#define BOOST_TEST_MODULE watch_dashboards
#include <regex.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>

#include "responder/metrics/inventory.h"
#include "responder/metrics/outcome.h"
#include "responder/metrics/watch_labels.h"
#include "tests/watch/queries.h"

// What the alerts and the dashboard ask for is what the programs export.
using namespace eightbells::metrics;
using eightbells::test::Query;
using eightbells::test::Selector;

namespace {

std::optional<Definition> exported(const std::string& name) {
    for (std::size_t i = 0; i < metric_count; ++i) {
        const Definition& one = definition(static_cast<Metric>(i));
        if (one.type != Type::histogram && name == one.name)
            return one;
        for (const char* part : {"_bucket", "_count", "_sum"}) {
            if (one.type == Type::histogram && name == std::string(one.name) + part)
                return one;
        }
    }
    return std::nullopt;
}

std::vector<Query> all_queries() {
    std::vector<Query> queries = eightbells::test::rule_queries();
    for (Query& query : eightbells::test::dashboard_queries("5m"))
        queries.push_back(std::move(query));
    return queries;
}

template <class Names>
bool some_match(const Names& names, const std::string& expression) {
    regex_t pattern;  // Prometheus' expressions are anchored; these are simple enough for POSIX
    BOOST_REQUIRE(regcomp(&pattern, ("^(" + expression + ")$").c_str(), REG_EXTENDED | REG_NOSUB) == 0);
    const bool found = std::ranges::any_of(names, [&](std::string_view name) {
        return regexec(&pattern, std::string(name).c_str(), 0, nullptr, 0) == 0;
    });
    regfree(&pattern);
    return found;
}

// Whether a label can take a value that this text stands for.
bool can_be(const std::string& metric, const std::string& label, const std::string& text) {
    if (label == "outcome" && metric.starts_with("eightbells_watch_"))
        return some_match(probe_outcome_names, text);
    if (label == "outcome" && metric.starts_with("eightbells_signer_"))
        return some_match(signature_outcome_names, text);
    if (label == "outcome")
        return some_match(outcome_names, text);
    if (metric == "eightbells_signer_refused_connections_total" && label == "kind")
        return some_match(door_names, text);
    if (metric == "eightbells_signer_refused_connections_total" && label == "fault")
        return some_match(refused_names, text);
    if (label == "kind")
        return some_match(status_kind_names, text);
    if (label == "state")
        return some_match(clock_state_names, text);
    if (label == "finding")
        return some_match(store_finding_names, text);
    if (label == "result" && metric.find("imports") != std::string::npos)
        return some_match(import_result_names, text);
    if (label == "result")
        return some_match(publish_result_names, text);
    if (label == "job")
        return some_match(
            std::vector<std::string_view>{"eightbells-front", "eightbells-signer", "eightbells-watch"}, text);
    if (label == "le")
        return text == "+Inf" || std::ranges::find(visible_bounds, std::stod(text)) != visible_bounds.end();
    return label == "issuer";
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_metric_of_rules_and_dashboard_is_exported_with_the_labels_asked_for) {
    std::size_t seen = 0;
    for (const Query& query : all_queries()) {
        const auto selectors = eightbells::test::selectors_of(query.text);
        BOOST_TEST(!selectors.empty(), query.where << " asks for nothing: " << query.text);
        for (const Selector& selector : selectors) {
            ++seen;
            const auto metric = exported(selector.metric);
            BOOST_TEST((metric || selector.metric == "up"), query.where << ": " << selector.metric);
            for (const auto& [label, text] : selector.labels) {
                const bool scraped = label == "job" || label == "instance";
                const bool bucket = label == "le" && selector.metric.ends_with("_bucket");
                const bool its = metric && std::ranges::find(metric->labels, label) != metric->labels.end();
                BOOST_TEST((scraped || bucket || its),
                           query.where << ": " << selector.metric << " has no " << label);
                BOOST_TEST(can_be(selector.metric, label, text),
                           query.where << ": " << label << " of " << selector.metric << " is never " << text);
            }
        }
    }
    BOOST_TEST(seen > 90U);
}

BOOST_AUTO_TEST_CASE(a_misspelt_metric_label_or_value_would_be_found) {
    const auto one =
        eightbells::test::selectors_of(R"(rate(eightbells_front_request_total{isuer="x",hash="y"}[5m]))");
    BOOST_REQUIRE(one.size() == 1U);
    BOOST_TEST(one[0].metric == "eightbells_front_request_total");
    BOOST_TEST(!exported(one[0].metric));
    BOOST_REQUIRE(one[0].labels.size() == 2U);
    BOOST_TEST(one[0].labels[1].second == "y");
    BOOST_TEST(!can_be("eightbells_watch_probes_total", "outcome", "okay"));
    BOOST_TEST(!exported("eightbells_front_request_duration_seconds"));  // a histogram is read by its parts
}

// Every gauge and counter of the watch is looked at by somebody.
BOOST_AUTO_TEST_CASE(nothing_that_the_watch_exports_is_left_unseen) {
    std::set<std::string> asked;
    for (const Query& query : all_queries()) {
        for (const Selector& selector : eightbells::test::selectors_of(query.text)) {
            if (const auto metric = exported(selector.metric))
                asked.insert(std::string(metric->name));
        }
    }
    const std::set<std::string> aside{"eightbells_watch_round_duration_seconds",
                                      "eightbells_watch_ledger_rows"};
    for (std::size_t i = 0; i < metric_count; ++i) {
        const Definition& one = definition(static_cast<Metric>(i));
        if (one.program == Program::watch && !aside.contains(std::string(one.name)))
            BOOST_TEST(asked.contains(std::string(one.name)), one.name);
    }
}

BOOST_AUTO_TEST_CASE(the_dashboard_shows_what_an_operator_asks_first) {
    std::set<std::string> titles;
    for (const Query& query : eightbells::test::dashboard_queries("5m"))
        titles.insert(query.where);
    for (const char* title :
         {"In reach", "Availability, 90 days", "Runway",
          "From a revocation to its first correct answer outside", "OCSP and CRL requests by outcome",
          "Time of an answer, p99", "Signatures", "Age of the CRL and of the oldest OCSP answer"})
        BOOST_TEST(titles.contains(title), title);
}
