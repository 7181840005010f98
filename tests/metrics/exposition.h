#ifndef EIGHTBELLS_TESTS_METRICS_EXPOSITION_H
#define EIGHTBELLS_TESTS_METRICS_EXPOSITION_H

#include <prometheus/collectable.h>

#include <boost/test/unit_test.hpp>
#include <map>
#include <regex>
#include <sstream>
#include <string>

#include "responder/metrics/family.h"

namespace eightbells::metrics::testing {

// What a scraper reads: each sample line by its name and labels as written, each family by its name. Stops
// the test at a line that the text format 0.0.4 does not know.
struct Scrape {
    std::map<std::string, double> samples;
    std::map<std::string, std::string> types;
    std::map<std::string, std::string> helps;

    explicit Scrape(const prometheus::Collectable& metrics) : Scrape(to_text(metrics)) {}
    explicit Scrape(const std::string& text) {
        static const std::regex comment(R"(# (HELP|TYPE) ([a-z_]+) (.+))");
        static const std::regex sample(R"(([a-z_]+(\{([a-z_]+="[^"\\]*",?)+\})?) ([-+0-9.eE]+|\+Inf|NaN))");
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            std::smatch match;
            if (std::regex_match(line, match, comment)) {
                auto& table = match[1] == "HELP" ? helps : types;
                BOOST_TEST(table.emplace(match[2], match[3]).second, line << " stands there twice");
            } else {
                BOOST_TEST_REQUIRE(std::regex_match(line, match, sample), "not a sample: " << line);
                BOOST_TEST(samples.emplace(match[1], std::stod(match[4])).second,
                           line << " stands there twice");
            }
        }
        BOOST_TEST(text.ends_with('\n'));
    }

    bool has(const std::string& series) const { return samples.contains(series); }
    double value(const std::string& series) const {
        BOOST_TEST_REQUIRE(has(series), series << " is not exported");
        return samples.at(series);
    }
    std::size_t count(const std::string& begin) const {
        std::size_t n = 0;
        for (const auto& [name, value] : samples)
            n += name.starts_with(begin) ? 1 : 0;
        return n;
    }
};

}  // namespace eightbells::metrics::testing

#endif
