// How long caches are told to keep what they get, and what that makes of the load.
#define BOOST_TEST_MODULE front_caching
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numeric>
#include <random>

#include "responder/front/caching.h"

namespace eightbells::front::test {
namespace {

constexpr UtcTime now = from_unix(1'800'000'000);
constexpr CachePolicy ten_minutes{.cache_for = seconds{600}, .runway = seconds{12 * 3600}};
constexpr seconds validity{24 * 3600};
constexpr http::EntityTag first_tag{};           // none taken off
constexpr http::EntityTag last_tag{0xff, 0xff};  // a tenth

std::int64_t age(seconds left, const CachePolicy& policy, const http::EntityTag& tag = first_tag) {
    return max_age(now, now + left, policy, tag).count();
}

// Clients that always hold an answer each and ask again when they may no longer keep it.
struct Crowd {
    std::vector<UtcTime> returns;
    std::vector<http::EntityTag> tags;
    std::vector<seconds> phases;  // of the page that the answer stands in
    std::mt19937 random{3};

    Crowd(std::size_t clients, std::size_t pages, seconds refresh) {
        for (std::size_t i = 0; i < clients; ++i) {
            tags.push_back({static_cast<std::uint8_t>(random()), static_cast<std::uint8_t>(random())});
            phases.push_back(refresh * static_cast<std::int64_t>(i % pages) /
                             static_cast<std::int64_t>(pages));
            returns.push_back(now + seconds{static_cast<std::int64_t>(random() % 600)});
        }
    }

    // Requests in each minute. `next_update(phase, at)`: of what is served at that moment.
    template <class NextUpdate>
    std::vector<std::size_t> minutes(std::size_t count, NextUpdate next_update) {
        std::vector<std::size_t> asked(count);
        for (std::size_t i = 0; i < returns.size(); ++i)
            while (returns[i] < now + seconds{60} * static_cast<std::int64_t>(count)) {
                ++asked[static_cast<std::size_t>((returns[i] - now).count() / 60)];
                const seconds keep =
                    max_age(returns[i], next_update(phases[i], returns[i]), ten_minutes, tags[i]);
                BOOST_REQUIRE(keep.count() >= 1);
                returns[i] += keep;
            }
        return asked;
    }
};

std::size_t sum(const std::vector<std::size_t>& minutes, std::size_t from, std::size_t to) {
    return std::accumulate(minutes.begin() + static_cast<std::ptrdiff_t>(from),
                           minutes.begin() + static_cast<std::ptrdiff_t>(to), std::size_t{0});
}

}  // namespace

// Covers: D-16, E-10, F-19
BOOST_AUTO_TEST_CASE(max_age_is_the_least_of_policy_time_to_refresh_and_what_is_left) {
    BOOST_TEST(age(validity, ten_minutes) == 600);
    // The planned refresh: twelve hours before the end.
    for (const int before : {601, 600, 599, 300, 2, 1})
        BOOST_TEST(age(seconds{12 * 3600 + before}, ten_minutes) == std::min(before, 600));
    // The end.
    CachePolicy long_one = ten_minutes;
    long_one.cache_for = seconds{4 * 3600};
    BOOST_TEST(age(seconds{3600}, long_one) == 3600);
    BOOST_TEST(age(seconds{10}, ten_minutes) == 10);
    BOOST_TEST(age(seconds{1}, ten_minutes) == 1);
    BOOST_TEST(age(seconds{1}, ten_minutes, last_tag) == 1);
    BOOST_TEST(age(seconds{0}, ten_minutes) == 0);
    BOOST_TEST(age(seconds{-5}, ten_minutes) == 0);
    BOOST_TEST(age(validity, {.cache_for = seconds{0}, .runway = seconds{4}}) == 0);
    // No overflow, and never longer than a day.
    const CachePolicy endless{.cache_for = seconds{1'000'000'000}, .runway = seconds{0}};
    BOOST_TEST(max_age(now, year_9999, endless, first_tag).count() == 86400);
    BOOST_TEST(max_age(from_unix(0), year_9999, ten_minutes, first_tag).count() == 600);
    // A CRL, whose next issue nobody announces.
    BOOST_TEST(age(seconds{300}, {.cache_for = seconds{600}, .runway = seconds{0}}) == 300);
}

// Covers: E-10
BOOST_AUTO_TEST_CASE(at_no_second_of_its_validity_does_an_answer_promise_too_much) {
    for (const http::EntityTag& tag : {first_tag, http::EntityTag{0x80}, last_tag})
        for (std::int64_t left = validity.count(); left > -3; --left) {
            const std::int64_t keep = age(seconds{left}, ten_minutes, tag);
            const std::int64_t to_refresh = left - ten_minutes.runway.count();
            BOOST_REQUIRE(keep >= (left > 0 ? 1 : 0));
            BOOST_REQUIRE(keep <= std::max<std::int64_t>(left, 0));
            BOOST_REQUIRE(keep <= 600);
            BOOST_REQUIRE((to_refresh <= 0 || keep <= to_refresh));
            BOOST_REQUIRE((to_refresh > 0 || left <= 60 || keep >= 54));  // overdue: not all the time
        }
}

// Covers: D-19, E-10
BOOST_AUTO_TEST_CASE(max_age_is_spread_evenly_by_the_tag) {
    std::array<int, 10> tenths{};
    const CachePolicy policy{.cache_for = seconds{1000}, .runway = seconds{0}};
    for (int i = 0; i < 65536; ++i) {
        const http::EntityTag tag{static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
        const auto keep = age(validity, policy, tag);
        BOOST_REQUIRE((keep > 900 && keep <= 1000));
        BOOST_REQUIRE_EQUAL(keep, age(validity, policy, tag));  // the same on every node
        ++tenths[static_cast<std::size_t>((1000 - keep) / 10)];
    }
    for (const int tenth : tenths)
        BOOST_TEST(std::abs(tenth - 6554) < 10);
}

// Covers: D-19, E-10
BOOST_AUTO_TEST_CASE(a_refresh_that_is_an_hour_overdue_costs_hardly_more_requests_than_any_other_hour) {
    constexpr std::size_t clients = 2000;
    Crowd crowd(clients, 1, seconds{0});
    // Due after an hour, and it does not come.
    const UtcTime next_update = now + seconds{3600} + ten_minutes.runway;
    const auto minutes = crowd.minutes(240, [&](seconds, UtcTime) { return next_update; });
    const std::size_t usual = sum(minutes, 0, 50);  // the last ten minutes before are not usual
    for (const std::size_t hour : {60U, 120U, 180U})
        BOOST_TEST(sum(minutes, hour + 10, hour + 60) <= usual * 11 / 10);
    // When it falls due everybody comes, a few times; after ten minutes they are apart again.
    BOOST_TEST(sum(minutes, 50, 70) <= 8 * clients);
    for (std::size_t minute = 70; minute < minutes.size(); ++minute)
        BOOST_TEST(minutes[minute] <= clients / 2);
}

// Covers: D-19
BOOST_AUTO_TEST_CASE(over_all_pages_refreshes_are_not_seen_in_the_load) {
    constexpr seconds refresh{12 * 3600};
    Crowd crowd(6400, 64, refresh);
    const auto minutes = crowd.minutes(12 * 60, [&](seconds phase, UtcTime at) {
        const seconds since = (at - now - phase + refresh * 2) % refresh;
        return at - since + validity;  // signed when it last fell due
    });
    const double mean =
        static_cast<double>(sum(minutes, 20, minutes.size())) / static_cast<double>(minutes.size() - 20);
    double squares = 0;
    for (std::size_t i = 20; i < minutes.size(); ++i)
        squares += (static_cast<double>(minutes[i]) - mean) * (static_cast<double>(minutes[i]) - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(minutes.size() - 20));
    BOOST_TEST(mean < 6400.0 * 60 / 570 * 1.1);
    BOOST_TEST(deviation / mean < 0.15);  // coefficient of variation
    BOOST_TEST_MESSAGE("requests a minute: mean " << mean << ", deviation " << deviation);
}

}  // namespace eightbells::front::test
