#include <random>
#include <thread>

#include "responder/metrics/front_metrics.h"
#include "tests/metrics/exposition.h"

using namespace eightbells::metrics;
using namespace eightbells::metrics::testing;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> issuers{"one", "two"};
const std::vector<std::string> faults{"not_der", "version"};

std::string series(const std::string& issuer, const std::string& method, const std::string& hash,
                   const std::string& outcome) {
    return "eightbells_front_requests_total{issuer=\"" + issuer + "\",method=\"" + method + "\",hash=\"" +
           hash + "\",outcome=\"" + outcome + "\"}";
}

}  // namespace

// Covers: A-05
BOOST_AUTO_TEST_CASE(requests_of_all_workers_are_added_up_by_issuer_method_hash_and_outcome) {
    FrontMetrics metrics(issuers, faults);
    RequestCounters first(issuers.size(), faults.size());
    RequestCounters second(issuers.size(), faults.size());
    metrics.attach(first);
    metrics.attach(second);
    first.add(0, Method::get, Hash::sha1, Outcome::good, 10us);
    second.add(0, Method::get, Hash::sha1, Outcome::good, 20us);
    second.add(0, Method::get, Hash::sha256, Outcome::good, 20us);
    second.add(1, Method::post, Hash::sha256, Outcome::revoked, 20us);
    second.add(RequestCounters::no_issuer, Method::post, Hash::none, Outcome::malformed, 1us);
    second.add_fault(1);
    const Scrape scrape(metrics);
    BOOST_TEST(scrape.value(series("one", "get", "sha1", "good")) == 2);
    BOOST_TEST(scrape.value(series("one", "get", "sha256", "good")) == 1);
    BOOST_TEST(scrape.value(series("two", "post", "sha256", "revoked")) == 1);
    BOOST_TEST(scrape.value(series("none", "post", "none", "malformed")) == 1);
    BOOST_TEST(scrape.value(R"(eightbells_front_malformed_requests_total{fault="version"})") == 1);
    BOOST_TEST(scrape.value(R"(eightbells_front_malformed_requests_total{fault="not_der"})") == 0);
    double sum = 0;
    for (const auto& [name, value] : scrape.samples)
        sum += name.starts_with("eightbells_front_requests_total") ? value : 0;
    BOOST_TEST(sum == 5);
}

// Covers: E-28
BOOST_AUTO_TEST_CASE(durations_are_kept_apart_by_what_took_the_time) {
    FrontMetrics metrics(issuers, faults);
    RequestCounters counters(issuers.size(), faults.size());
    metrics.attach(counters);
    counters.add(0, Method::get, Hash::sha1, Outcome::good, 50us);
    counters.add(0, Method::get, Hash::sha1, Outcome::revoked, 51us);
    counters.add(0, Method::get, Hash::sha1, Outcome::live, 40ms);
    counters.add(0, Method::get, Hash::none, Outcome::crl, 11s);
    counters.add(0, Method::get, Hash::sha1, Outcome::try_later_signer, 1s);
    const Scrape scrape(metrics);
    const std::string name = "eightbells_front_request_duration_seconds";
    BOOST_TEST(scrape.value(name + R"(_bucket{answer="stored",le="5e-05"})") == 1);
    BOOST_TEST(scrape.value(name + R"(_bucket{answer="stored",le="0.0001"})") == 2);
    BOOST_TEST(scrape.value(name + R"(_count{answer="stored"})") == 2);
    BOOST_TEST(scrape.value(name + R"(_bucket{answer="live",le="0.025"})") == 0);
    BOOST_TEST(scrape.value(name + R"(_bucket{answer="live",le="0.05"})") == 1);
    BOOST_TEST(scrape.value(name + R"(_bucket{answer="crl",le="10"})") == 0);
    BOOST_TEST(scrape.value(name + R"(_bucket{answer="crl",le="+Inf"})") == 1);
    BOOST_TEST(scrape.value(name + R"(_count{answer="error"})") == 1);
    BOOST_TEST(scrape.value(name + R"(_sum{answer="crl"})") == 11, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(series_that_cannot_occur_are_shown_only_when_they_did) {
    FrontMetrics metrics(issuers, faults);
    RequestCounters counters(issuers.size(), faults.size());
    metrics.attach(counters);
    const std::string odd = series("none", "get", "sha1", "good");
    BOOST_TEST(!Scrape(metrics).has(odd));
    counters.add(RequestCounters::no_issuer, Method::get, Hash::sha1, Outcome::good, 1us);
    BOOST_TEST(Scrape(metrics).value(odd) == 1);
}

// Covers: G-19
BOOST_AUTO_TEST_CASE(whatever_comes_in_the_number_of_series_stays_bounded) {
    FrontMetrics metrics(issuers, faults);
    RequestCounters counters(issuers.size(), faults.size());
    metrics.attach(counters);
    BOOST_TEST(Scrape(metrics).count("eightbells_front_requests_total") < 100 * issuers.size() + 40);
    const auto seed = std::random_device()();
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 100'000; ++i) {
        counters.add(random(), static_cast<Method>(random() % methods), static_cast<Hash>(random() % hashes),
                     static_cast<Outcome>(random() % outcomes),
                     std::chrono::nanoseconds(static_cast<std::int64_t>(random())));
        counters.add_fault(random());
    }
    const Scrape scrape(metrics);
    BOOST_TEST(scrape.count("eightbells_front_requests_total") <=
               (issuers.size() + 1) * methods * hashes * outcomes);
    BOOST_TEST(scrape.count("eightbells_front_malformed_requests_total") == faults.size());
    // Names of ours alone are label values.
    for (const auto& [name, count] : scrape.samples) {
        for (auto at = name.find('"'); at != std::string::npos;
             at = name.find('"', name.find('"', at + 1) + 1)) {
            const std::string value = name.substr(at + 1, name.find('"', at + 1) - at - 1);
            BOOST_TEST(
                (value.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.+-I") == std::string::npos),
                name);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_scrape_beside_a_busy_worker_never_sees_a_count_go_back) {
    FrontMetrics metrics(issuers, faults);
    RequestCounters counters(issuers.size(), faults.size());
    metrics.attach(counters);
    constexpr int requests = 200'000;
    std::jthread worker([&] {
        for (int i = 0; i < requests; ++i)
            counters.add(0, Method::get, Hash::sha1, Outcome::good, 60us);
    });
    double last = 0;
    while (last < requests) {
        double now = 0;
        for (const auto& family : metrics.Collect()) {
            for (const auto& metric : family.metric)
                now += family.name == "eightbells_front_requests_total" ? metric.counter.value : 0;
        }
        BOOST_TEST_REQUIRE(now >= last);
        last = now;
    }
    BOOST_TEST(last == requests);
}
