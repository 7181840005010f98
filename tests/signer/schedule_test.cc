#include "responder/signer/schedule.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>

#include "responder/base/limits.h"
#include "responder/signer/due_moments.h"
#include "responder/signer/limits.h"
#include "responder/signer/progress.h"

using namespace eightbells;
using namespace eightbells::signer;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(schedule)

namespace {
constexpr UtcTime start = from_unix(1'795'000'000);
constexpr seconds period = 12h;

config::Issuer rules(seconds validity, crypto::Scheme scheme, bool issues_cas = false) {
    config::Issuer settings;
    settings.validity = validity;
    settings.scheme = scheme;
    settings.issues_cas = issues_cas;
    return settings;
}
}  // namespace

// Covers: D-06
BOOST_AUTO_TEST_CASE(a_page_signed_at_any_moment_falls_due_again_within_one_period) {
    std::mt19937_64 random{20261122};
    for (int i = 0; i < 20'000; ++i) {
        const unsigned bits = static_cast<unsigned>(random() % 25);
        const auto index = static_cast<std::uint32_t>(random() % (std::uint64_t{1} << bits));
        const UtcTime signed_at = start + seconds{static_cast<std::int64_t>(random() % 10'000'000)};
        const DueMoments at_once{signed_at, period, bits};
        const DueMoments later{signed_at + period, period, bits};
        BOOST_REQUIRE(!at_once.is_due(signed_at, index));
        BOOST_REQUIRE(later.is_due(signed_at, index));
    }
}

BOOST_AUTO_TEST_CASE(the_latest_due_moment_is_never_in_the_future_nor_a_period_back) {
    std::mt19937_64 random{7};
    for (int i = 0; i < 20'000; ++i) {
        const unsigned bits = static_cast<unsigned>(random() % 25);
        const auto index = static_cast<std::uint32_t>(random() % (std::uint64_t{1} << bits));
        const UtcTime now = from_unix(static_cast<std::int64_t>(random() % 4'000'000'000));
        const UtcTime due = DueMoments{now, period, bits}.last(index);
        BOOST_REQUIRE(due <= now);
        BOOST_REQUIRE(now - due < period);
    }
}

// Covers: D-19
BOOST_AUTO_TEST_CASE(pages_fall_due_evenly_over_the_period) {
    const unsigned bits = 12;
    std::map<std::int64_t, int> by_tenth;  // tenths of the period
    for (std::uint32_t index = 0; index < (1U << bits); ++index) {
        const UtcTime due = DueMoments{start + period, period, bits}.last(index);
        ++by_tenth[(due - start).count() * 10 / period.count()];
    }
    for (const auto& [tenth, count] : by_tenth) {
        BOOST_TEST_CONTEXT("tenth " << tenth) {
            BOOST_TEST(count >= 400);
            BOOST_TEST(count <= 420);
        }
    }
}

BOOST_AUTO_TEST_CASE(halves_of_a_split_page_stay_at_its_moment_or_half_a_step_behind) {
    for (std::uint32_t index = 0; index < 256; ++index) {
        const UtcTime parent = DueMoments{start, period, 8}.last(index);
        const UtcTime first = DueMoments{start, period, 9}.last(2 * index);
        BOOST_TEST(to_unix(first) == to_unix(parent));
    }
}

// Covers: B-13, D-07
BOOST_AUTO_TEST_CASE(this_update_is_not_later_than_the_source_and_next_update_not_later_than_the_signer) {
    const auto plain =
        answer_times(start, {start + 1h, year_9999}, year_9999, rules(24h, crypto::Scheme::eutl));
    BOOST_TEST(to_unix(plain.this_update) == to_unix(start));
    BOOST_TEST(to_unix(plain.next_update) == to_unix(start + 24h));
    const auto frozen =
        answer_times(start, {start - 1h, year_9999}, year_9999, rules(24h, crypto::Scheme::eutl));
    BOOST_TEST(to_unix(frozen.this_update) == to_unix(start - 1h));
    BOOST_TEST(to_unix(frozen.produced_at) == to_unix(start));
    const auto ending =
        answer_times(start, {start, year_9999}, start + 10h, rules(24h, crypto::Scheme::eutl));
    BOOST_TEST(to_unix(ending.next_update) == to_unix(start + 10h));
}

// Covers: D-05
BOOST_AUTO_TEST_CASE(web_schemes_never_say_seven_days_although_the_feed_stood_still) {
    const auto times =
        answer_times(start, {start - 24h * 5, year_9999}, year_9999, rules(24h * 6, crypto::Scheme::tls_br));
    BOOST_TEST((times.next_update - times.this_update).count() + 1 <= 604'800);
}

// Covers: D-05, D-07
BOOST_AUTO_TEST_CASE(the_alarm_names_the_bound_that_leaves_no_time) {
    const auto old_source =
        answer_times(start, {start - 24h * 7, year_9999}, year_9999, rules(24h * 6, crypto::Scheme::tls_br));
    BOOST_REQUIRE((old_source.next_update <= start));
    const std::string source = why_nothing_can_be_signed(old_source, {start - 24h * 7, year_9999}, year_9999);
    BOOST_TEST(
        source.find("records were last confirmed at " + to_iso8601(start - 24h * 7)) != std::string::npos,
        source);
    BOOST_TEST(source.find("certificate ended") == std::string::npos, source);
    const auto ended =
        answer_times(start, {start, year_9999}, start - 1h, rules(24h, crypto::Scheme::tls_br));
    const std::string certificate = why_nothing_can_be_signed(ended, {start, year_9999}, start - 1h);
    BOOST_TEST(certificate.find("signer certificate ended at " + to_iso8601(start - 1h)) != std::string::npos,
               certificate);
}

// Covers: D-08, D-05
BOOST_AUTO_TEST_CASE(the_status_of_cas_is_renewed_within_twelve_months_where_subscribers_get_seven_days) {
    const UtcTime months_ago = start - 24h * 200;
    const auto root = answer_times(start, {months_ago, start + 24h * 165}, year_9999,
                                   rules(24h * 10, crypto::Scheme::tls_br, true));
    BOOST_TEST(to_unix(root.this_update) == to_unix(months_ago));
    BOOST_TEST(to_unix(root.next_update) == to_unix(start + 24h * 10));
    const auto old_root = answer_times(start, {start - 24h * 364, year_9999}, year_9999,
                                       rules(24h * 10, crypto::Scheme::smime_br, true));
    BOOST_TEST((old_root.next_update - old_root.this_update).count() + 1 == 365 * 86'400);
    const auto subscribers = answer_times(start, {months_ago, start + 24h * 165}, year_9999,
                                          rules(24h * 6, crypto::Scheme::tls_br));
    BOOST_TEST((subscribers.next_update < start));
}

// Covers: B-13
BOOST_AUTO_TEST_CASE(an_answer_ends_with_what_vouches_for_it_and_the_alarm_says_so) {
    const auto rule = rules(24h, crypto::Scheme::eutl);
    const Vouched crl{start - 1h, start + 3h};
    const auto times = answer_times(start, crl, year_9999, rule);
    BOOST_TEST(to_unix(times.this_update) == to_unix(start - 1h));
    BOOST_TEST(to_unix(times.next_update) == to_unix(start + 3h));
    const auto late = answer_times(start + 3h, crl, year_9999, rule);
    BOOST_REQUIRE((late.next_update <= late.produced_at));
    const std::string why = why_nothing_can_be_signed(late, crl, year_9999);
    BOOST_TEST(why.find("comes from ended at " + to_iso8601(start + 3h)) != std::string::npos, why);
}

// Covers: B-13
BOOST_AUTO_TEST_CASE(an_answer_is_not_older_than_the_revocation_it_states_nor_newer_than_its_signature) {
    const AnswerTimes times{start, start - 24h, start + 24h};
    ledger::Certificate certificate{*Serial::from_hex("0A"), year_9999, std::nullopt, std::nullopt, start};
    BOOST_TEST(to_unix(times_of(certificate, times).this_update) == to_unix(start - 24h));
    certificate.status = Revocation{start - 25h, std::nullopt, std::nullopt};
    BOOST_TEST(to_unix(times_of(certificate, times).this_update) == to_unix(start - 24h));
    certificate.status->time = start - 1h;
    BOOST_TEST(to_unix(times_of(certificate, times).this_update) == to_unix(start - 1h));
    certificate.status->time = start + 1h;
    BOOST_TEST(to_unix(times_of(certificate, times).this_update) == to_unix(start));
}

BOOST_AUTO_TEST_CASE(pages_are_planned_near_their_target_size) {
    BOOST_TEST(page_bits_for(0, 88) == 0U);
    BOOST_TEST(page_bits_for(90, 88) == 0U);
    for (const std::uint64_t certificates : {1'000ULL, 1'000'000ULL, 100'000'000ULL}) {
        for (const std::size_t record : {88UL, 290UL, 550UL}) {
            const unsigned bits = page_bits_for(certificates, record);
            const auto octets = (certificates >> bits) * record;
            BOOST_TEST(octets <= limits::page_target_octets);
            BOOST_TEST(octets * 2 + 2 * record > limits::page_target_octets);
        }
    }
    BOOST_TEST(page_bits_for(~0ULL, 88) == limits::page_bits);
}

BOOST_AUTO_TEST_CASE(the_rate_of_signing_is_that_of_the_last_half_minute_and_tells_when_it_ends) {
    Progress progress;
    Progress::Moment now{};
    BOOST_TEST(progress.left().value().count() == 0);  // nothing is known to be due
    progress.note(0, 1000, now);
    BOOST_TEST(progress.rate() == 0);
    BOOST_TEST(!progress.left());
    std::uint64_t done = 0;
    const auto pass = [&](int steps, std::uint64_t a_step, std::uint64_t due_then) {
        for (int i = 0; i < steps; ++i) {
            now += std::chrono::milliseconds{500};
            done += a_step;
            progress.note(done, due_then, now);
        }
    };
    pass(10, 5, 950);
    BOOST_TEST(progress.rate() == 10, boost::test_tools::tolerance(0.01));
    BOOST_TEST(progress.left().value().count() == 95);
    // It stood still: after half a minute that is what counts.
    pass(20, 0, 950);
    BOOST_TEST(progress.rate() > 3);
    pass(60, 0, 950);
    BOOST_TEST(progress.rate() == 0);
    BOOST_TEST(!progress.left());
    pass(120, 50, 1);
    BOOST_TEST(progress.rate() == 100, boost::test_tools::tolerance(0.01));
    BOOST_TEST(progress.left().value().count() == 1);
    pass(1, 1, 0);
    BOOST_TEST(progress.left().value().count() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
