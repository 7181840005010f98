#include <boost/test/unit_test.hpp>

#include "responder/config/config.h"
#include "responder/config/limits.h"

using eightbells::seconds;
using eightbells::config::duration_text;
using eightbells::config::parse_duration;

BOOST_AUTO_TEST_CASE(durations_are_numbers_with_units_in_falling_order) {
    const std::pair<const char*, std::int64_t> good[] = {{"0s", 0},
                                                         {"90s", 90},
                                                         {"10m", 600},
                                                         {"24h", 86400},
                                                         {"2d", 172800},
                                                         {"1d12h", 129600},
                                                         {"6d23h59m59s", 604799},
                                                         {"1d1s", 86401},
                                                         {"3660d", 316224000}};
    for (const auto& [text, expected] : good) {
        const auto parsed = parse_duration(text);
        BOOST_TEST_REQUIRE(parsed.has_value(), text);
        BOOST_TEST(parsed->count() == expected, text);
    }
}

BOOST_AUTO_TEST_CASE(everything_else_is_refused) {
    const char* bad[] = {"",
                         "24",
                         "h",
                         "24 h",
                         "-1h",
                         "1h1d",
                         "1h2h",
                         "1.5h",
                         "1w",
                         "24H",
                         "+1h",
                         "1h ",
                         " 1h",
                         "0x10s",
                         "1h30",
                         "--",
                         "3661d",
                         "99999999999999999999s",
                         "9223372036854775807d",
                         "316224001s"};
    for (const char* text : bad) {
        const auto parsed = parse_duration(text);
        BOOST_TEST(!parsed.has_value(), text);
    }
}

BOOST_AUTO_TEST_CASE(the_sum_of_several_units_is_bounded_by_the_sum_of_their_bounds) {
    const auto parsed = parse_duration("3660d87840h");
    BOOST_TEST((!parsed.has_value() || *parsed <= 4 * eightbells::limits::duration_max));
}

BOOST_AUTO_TEST_CASE(a_printed_duration_reads_back) {
    for (const std::int64_t count :
         {0L, 1L, 59L, 60L, 61L, 3599L, 3600L, 86399L, 86400L, 604799L, 316224000L}) {
        const std::string text = duration_text(seconds{count});
        const auto parsed = parse_duration(text);
        BOOST_TEST_REQUIRE(parsed.has_value(), text);
        BOOST_TEST(parsed->count() == count, text);
    }
    BOOST_TEST(duration_text(seconds{-7200}) == "-2h");
}
