#include "responder/watch/timeline.h"

#include <boost/test/unit_test.hpp>
#include <random>

using namespace eightbells;
using namespace eightbells::watch;
using namespace std::chrono_literals;

namespace {

UtcTime at(std::int64_t s) {
    return from_unix(1'000'000 + s);
}
Segment up(std::int64_t from, std::int64_t to) {
    return {at(from), at(to), Reach::up, Cause::none};
}
Segment out(std::int64_t from, std::int64_t to, Cause cause = Cause::timeout) {
    return {at(from), at(to), Reach::out, cause};
}
Segment unseen(std::int64_t from, std::int64_t to) {
    return {at(from), at(to), Reach::unobserved, Cause::none};
}
Window window(std::int64_t from, std::int64_t to) {
    return {at(from), at(to)};
}

Timeline random_timeline(std::mt19937& random, std::int64_t end) {
    Timeline timeline;
    std::int64_t from = static_cast<std::int64_t>(random() % 20);
    while (from < end) {
        const std::int64_t to = from + 1 + static_cast<std::int64_t>(random() % 30);
        const auto kind = random() % 3;
        append(timeline, kind == 0 ? up(from, to) : kind == 1 ? out(from, to) : unseen(from, to));
        from = to;
    }
    return timeline;
}

Reach reach_at(const Timeline& timeline, UtcTime time) {
    for (const Segment& segment : timeline) {
        if (segment.from <= time && time < segment.to)
            return segment.reach;
    }
    return Reach::unobserved;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_cut_covers_its_window_whole_and_what_nobody_saw_is_unobserved) {
    const Timeline timeline{up(10, 20), out(20, 30)};
    BOOST_TEST(
        (cut(timeline, window(0, 40)) == Timeline{unseen(0, 10), up(10, 20), out(20, 30), unseen(30, 40)}));
    BOOST_TEST((cut(timeline, window(15, 25)) == Timeline{up(15, 20), out(20, 25)}));
    BOOST_TEST((cut(timeline, window(30, 40)) == Timeline{unseen(30, 40)}));
    BOOST_TEST((cut({}, window(0, 5)) == Timeline{unseen(0, 5)}));
    BOOST_TEST(cut(timeline, window(12, 12)).empty());
}

// Covers: G-01
BOOST_AUTO_TEST_CASE(out_of_reach_is_what_all_that_looked_saw_so) {
    const Timeline north{up(0, 10), out(10, 40, Cause::dns), unseen(40, 60)};
    const Timeline south{up(0, 20), out(20, 30), up(30, 45), out(45, 60)};
    const std::vector<Timeline> both{north, south};
    BOOST_TEST((all_out(both, window(0, 60)) ==
                Timeline{up(0, 20), out(20, 30, Cause::dns), up(30, 45), out(45, 60)}));
    const std::vector<Timeline> alone{north};
    BOOST_TEST((all_out(alone, window(0, 60)) == north));
    BOOST_TEST((all_out({}, window(0, 60)) == Timeline{unseen(0, 60)}));
}

BOOST_AUTO_TEST_CASE(merging_says_for_every_second_what_its_rule_says) {
    std::mt19937 random(7);  // fixed: the same timelines in every run
    for (int round = 0; round < 300; ++round) {
        std::vector<Timeline> timelines;
        for (unsigned i = 0; i < 1 + random() % 4; ++i)
            timelines.push_back(random_timeline(random, 200));
        const Timeline all = all_out(timelines, window(0, 200));
        BOOST_REQUIRE(sum(all).up + sum(all).out + sum(all).unobserved == 200s);
        for (std::int64_t s = 0; s < 200; ++s) {
            bool any_up = false;
            bool any_out = false;
            for (const Timeline& one : timelines) {
                any_up = any_up || reach_at(one, at(s)) == Reach::up;
                any_out = any_out || reach_at(one, at(s)) == Reach::out;
            }
            const Reach due = any_up ? Reach::up : any_out ? Reach::out : Reach::unobserved;
            BOOST_REQUIRE((reach_at(all, at(s)) == due));
        }
    }
}

// Covers: G-01
BOOST_AUTO_TEST_CASE(an_outage_goes_on_until_status_is_seen_in_reach_again) {
    const Timeline timeline{up(0, 10),  out(10, 20),    unseen(20, 50), out(50, 60, Cause::expired),
                            up(60, 70), unseen(70, 80), up(80, 90),     out(90, 100, Cause::tls)};
    const auto found = outages(timeline);
    BOOST_REQUIRE(found.size() == 2U);
    BOOST_TEST((found[0] == Outage{at(10), at(60), false, Cause::timeout, 30s}));
    BOOST_TEST((found[1] == Outage{at(90), at(100), true, Cause::tls, 0s}));
    BOOST_TEST((longest(found, window(0, 100)) == 50s));
    BOOST_TEST((longest(found, window(55, 100)) == 10s));
    BOOST_TEST((longest(found, window(70, 80)) == 0s));
    const Sums sums = sum(timeline);
    BOOST_TEST((sums == Sums{30s, 30s, 40s}));
    BOOST_TEST(sums.availability() == 0.5);
}

BOOST_AUTO_TEST_CASE(time_without_a_look_is_no_outage_and_not_available) {
    const Timeline timeline{unseen(0, 100)};
    BOOST_TEST(outages(timeline).empty());
    BOOST_TEST((sum(timeline) == Sums{0s, 0s, 100s}));
}

// Covers: G-02
BOOST_AUTO_TEST_CASE(a_calendar_week_begins_on_monday_at_midnight_utc) {
    const auto time = [](const char* text) { return *from_iso8601(text); };
    BOOST_TEST((week_of(time("2026-11-22T23:59:59Z")) == time("2026-11-16T00:00:00Z")));  // a Sunday
    BOOST_TEST((week_of(time("2026-11-23T00:00:00Z")) == time("2026-11-23T00:00:00Z")));
    BOOST_TEST((week_of(time("2027-01-01T12:00:00Z")) == time("2026-12-28T00:00:00Z")));
    BOOST_TEST((day_of(time("2026-11-22T23:59:59Z")) == time("2026-11-22T00:00:00Z")));
    BOOST_TEST((hour_of(time("2026-11-22T23:59:59Z")) == time("2026-11-22T23:00:00Z")));
}
