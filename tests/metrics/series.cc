#include <thread>

#include "responder/metrics/signer_metrics.h"
#include "tests/metrics/exposition.h"

using namespace eightbells;
using namespace eightbells::metrics;
using namespace eightbells::metrics::testing;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(each_cell_shows_under_its_own_labels) {
    SignerMetrics metrics({"one", "two"});
    metrics.signatures(1, SignatureOutcome::self_check_failed).add(3);
    metrics.feed_as_of(0, Feed::crl).set(from_unix(1'790'000'000));
    metrics.ready().set(true);
    metrics.imports(1, Feed::list, ImportResult::refused).add();
    metrics.certificates(0).set(std::uint64_t{5'000'000'000});
    const Scrape scrape(metrics);
    BOOST_TEST(
        scrape.value(R"(eightbells_signer_signatures_total{issuer="two",outcome="self_check_failed"})") == 3);
    BOOST_TEST(
        scrape.value(R"(eightbells_signer_signatures_total{issuer="one",outcome="self_check_failed"})") == 0);
    BOOST_TEST(scrape.value(R"(eightbells_signer_feed_as_of_timestamp_seconds{issuer="one",source="crl"})") ==
               1'790'000'000);
    BOOST_TEST(scrape.value("eightbells_signer_ready") == 1);
    BOOST_TEST(
        scrape.value(R"(eightbells_signer_imports_total{issuer="two",source="list",result="refused"})") == 1);
    BOOST_TEST(scrape.value(R"(eightbells_signer_certificates{issuer="one"})") == 5e9);
}

BOOST_AUTO_TEST_CASE(timestamps_keep_their_seconds_up_to_the_year_9999) {
    SignerMetrics metrics({"one"});
    for (const std::int64_t time : {1'790'000'001LL, 253'402'300'799LL}) {
        metrics.last_publication(0).set(from_unix(time));
        const std::string text = to_text(metrics);
        BOOST_TEST((text.find("last_publication_timestamp_seconds{issuer=\"one\"} " + std::to_string(time) +
                              "\n") != std::string::npos),
                   "not written out to the second");
    }
}

BOOST_AUTO_TEST_CASE(an_index_beyond_the_list_is_counted_nowhere) {
    SignerMetrics metrics({"one"});
    metrics.pages_refreshed(1).add(7);
    metrics.pages_refreshed(static_cast<std::size_t>(-1)).add(7);
    BOOST_TEST(Scrape(metrics).value(R"(eightbells_signer_pages_refreshed_total{issuer="one"})") == 0);
}

BOOST_AUTO_TEST_CASE(buckets_are_cumulative_and_their_bounds_inclusive) {
    SignerMetrics metrics({"one"});
    for (const auto took : {0ns, -5ns, 10'000ns, 10'001ns, 1'000'000'000ns, 1'000'000'001ns})
        metrics.signing_duration(0).observe(took);
    const Scrape scrape(metrics);
    const std::string name = "eightbells_signer_signing_duration_seconds";
    BOOST_TEST(scrape.value(name + R"(_bucket{issuer="one",le="1e-05"})") == 3);
    BOOST_TEST(scrape.value(name + R"(_bucket{issuer="one",le="2.5e-05"})") == 4);
    BOOST_TEST(scrape.value(name + R"(_bucket{issuer="one",le="1"})") == 5);
    BOOST_TEST(scrape.value(name + R"(_bucket{issuer="one",le="+Inf"})") == 6);
    BOOST_TEST(scrape.value(name + R"(_count{issuer="one"})") == 6);
    BOOST_TEST(scrape.value(name + R"(_sum{issuer="one"})") == 2.000020002,
               boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(attached_getters_are_read_at_each_scrape_and_added_up) {
    SignerMetrics metrics({"one"});
    double first = 2;
    metrics.attach(Metric::signer_live_queue, {}, [&] { return first; });
    metrics.attach(Metric::signer_live_queue, {}, [] { return 5.0; });
    metrics.attach(Metric::signer_signatures, {"one", "made"}, [] { return 11.0; });
    metrics.signatures(0, SignatureOutcome::made).add(1);
    BOOST_TEST(Scrape(metrics).value("eightbells_signer_live_queue") == 7);
    first = 3;
    BOOST_TEST(Scrape(metrics).value("eightbells_signer_live_queue") == 8);
    BOOST_TEST(Scrape(metrics).value(R"(eightbells_signer_signatures_total{issuer="one",outcome="made"})") ==
               12);
    metrics.detach_all();
    BOOST_TEST(Scrape(metrics).value("eightbells_signer_live_queue") == 0);
}

BOOST_AUTO_TEST_CASE(counts_of_several_threads_are_not_lost) {
    SignerMetrics metrics({"one"});
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                for (int n = 0; n < 10'000; ++n) {
                    metrics.pages_refreshed(0).add();
                    metrics.event_to_published(0).observe(1ms);
                }
            });
    }
    const Scrape scrape(metrics);
    BOOST_TEST(scrape.value(R"(eightbells_signer_pages_refreshed_total{issuer="one"})") == 40'000);
    BOOST_TEST(scrape.value(R"(eightbells_signer_event_to_published_seconds_count{issuer="one"})") == 40'000);
}
