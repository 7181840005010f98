#include "responder/metrics/inventory.h"

#include <algorithm>
#include <set>

#include "responder/metrics/front_metrics.h"
#include "responder/metrics/signer_metrics.h"
#include "responder/metrics/watch_metrics.h"
#include "tests/metrics/exposition.h"

using namespace eightbells::metrics;
using namespace eightbells::metrics::testing;

namespace {

std::vector<Metric> rows_of(Program program) {
    std::vector<Metric> rows;
    for (std::size_t i = 0; i < metric_count; ++i) {
        const auto metric = static_cast<Metric>(i);
        if (definition(metric).program == program || definition(metric).program == Program::both)
            rows.push_back(metric);
    }
    return rows;
}

std::set<std::string> names_of(const std::vector<Metric>& metrics) {
    std::set<std::string> names;
    for (const Metric metric : metrics)
        names.emplace(definition(metric).name);
    return names;
}

const std::vector<std::string> issuers{"one", "two"};
const std::vector<std::string> faults{"not_der", "version"};

}  // namespace

BOOST_AUTO_TEST_CASE(names_follow_one_form_with_base_units) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < metric_count; ++i) {
        const Definition& row = definition(static_cast<Metric>(i));
        const std::string_view name = row.name;
        BOOST_TEST(names.insert(name).second, name << " stands there twice");
        BOOST_TEST((name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos), name);
        BOOST_TEST((name.starts_with("eightbells_") || name.starts_with("process_")), name);
        if (row.program == Program::front)
            BOOST_TEST(name.starts_with("eightbells_front_"), name);
        if (row.program == Program::signer)
            BOOST_TEST(name.starts_with("eightbells_signer_"), name);
        if (row.program == Program::watch)
            BOOST_TEST(name.starts_with("eightbells_watch_"), name);
        BOOST_TEST((row.type == Type::counter) == name.ends_with("_total"), name);
        for (const std::string_view bad :
             {"millisecond", "_ms", "_age", "_kb", "minutes", "hours", "percent"})
            BOOST_TEST((name.find(bad) == std::string_view::npos), name << " is not in a base unit");
        if (row.type == Type::histogram)
            BOOST_TEST(name.ends_with("_seconds"), name);
        BOOST_TEST((row.type == Type::histogram) == !row.bounds.empty(), name);
        BOOST_TEST(row.bounds.size() <= Histogram::max_bounds, name);
        BOOST_TEST(std::ranges::is_sorted(row.bounds, std::ranges::less_equal()) ==
                       (row.bounds.size() > 1 || row.bounds.empty()),
                   name);
    }
}

BOOST_AUTO_TEST_CASE(every_help_is_one_sentence_on_one_line) {
    for (std::size_t i = 0; i < metric_count; ++i) {
        const Definition& row = definition(static_cast<Metric>(i));
        BOOST_TEST(row.help.size() > 10, row.name);
        BOOST_TEST(row.help.ends_with('.'), row.name);
        BOOST_TEST((row.help.find_first_of("\n\r\\") == std::string_view::npos), row.name);
    }
}

// Covers: G-19
BOOST_AUTO_TEST_CASE(labels_come_from_a_short_list_without_serials_and_addresses) {
    const std::set<std::string_view> allowed{"issuer",  "method", "hash",    "outcome", "answer", "fault",
                                             "verdict", "kind",   "result",  "wait",    "status", "action",
                                             "source",  "state",  "program", "version", "with",   "finding"};
    for (std::size_t i = 0; i < metric_count; ++i) {
        const Definition& row = definition(static_cast<Metric>(i));
        for (std::size_t label = 0; label < row.label_count(); ++label)
            BOOST_TEST(allowed.contains(row.labels[label]),
                       row.name << " has the label " << row.labels[label]);
    }
}

BOOST_AUTO_TEST_CASE(each_program_exports_exactly_its_rows) {
    const FrontMetrics front(issuers, faults);
    const SignerMetrics signer(issuers);
    const WatchMetrics watch(issuers);
    const std::pair<const MetricSet*, Program> sets[] = {
        {&front, Program::front}, {&signer, Program::signer}, {&watch, Program::watch}};
    for (const auto& [set, program] : sets) {
        std::vector<Metric> exported = set->metrics();
        std::ranges::sort(exported);
        BOOST_TEST((exported == rows_of(program)), "a metric is missing or entered twice");
        std::set<std::string> names;
        for (const auto& [name, type] : Scrape(*set).types)
            names.insert(name);
        BOOST_TEST((names == names_of(rows_of(program))));
    }
}

BOOST_AUTO_TEST_CASE(every_series_is_there_from_the_start_and_zero) {
    const FrontMetrics front(issuers, faults);
    const SignerMetrics signer(issuers);
    const WatchMetrics watch(issuers);
    const MetricSet* sets[] = {&front, &signer, &watch};
    for (const MetricSet* set : sets) {
        const Scrape scrape(*set);
        for (const auto& [series, value] : scrape.samples) {
            if (!series.starts_with("process_") && !series.starts_with("eightbells_build_info"))
                BOOST_TEST(value == 0, series);
        }
        for (const Metric metric : set->metrics()) {
            const Definition& row = definition(metric);
            // Series that listeners bring along have no values before they are attached.
            if (row.labels[0] != "wait" && row.labels[0] != "status" &&
                row.name != "eightbells_front_http_faults_total")
                BOOST_TEST(scrape.count(std::string(row.name)) > 0U, row.name << " has no series");
        }
    }
}

BOOST_AUTO_TEST_CASE(a_front_exports_what_alarms_are_built_on) {
    const Scrape scrape{FrontMetrics(issuers, faults)};
    for (const char* series :
         {R"(eightbells_front_requests_total{issuer="one",method="get",hash="sha1",outcome="good"})",
          R"(eightbells_front_requests_total{issuer="none",method="post",hash="none",outcome="malformed"})",
          R"(eightbells_front_requests_total{issuer="two",method="get",hash="none",outcome="crl"})",
          R"(eightbells_front_malformed_requests_total{fault="version"})",
          R"(eightbells_front_earliest_next_update_timestamp_seconds{issuer="two"})",
          R"(eightbells_front_rejected_blobs_total{issuer="one",kind="head"})", "eightbells_front_ready",
          "eightbells_front_store_reachable", "eightbells_front_connections_open"})
        BOOST_TEST(scrape.has(series), series);
}

BOOST_AUTO_TEST_CASE(what_the_program_uses_is_read_from_the_system) {
    const Scrape scrape{SignerMetrics(issuers)};
    BOOST_TEST(scrape.count("eightbells_build_info{program=\"eightbells-signer\",version=") == 1U);
    BOOST_TEST(scrape.value("process_resident_memory_bytes") > 1e6);
    BOOST_TEST(scrape.value("process_open_fds") >= 3);
    const double now = static_cast<double>(eightbells::to_unix(eightbells::SystemClock().now()));
    BOOST_TEST(scrape.value("process_start_time_seconds") > now - 3600);
    BOOST_TEST(scrape.value("process_start_time_seconds") < now + 5);
}
