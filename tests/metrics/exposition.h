#ifndef EIGHTBELLS_TESTS_METRICS_EXPOSITION_H
#define EIGHTBELLS_TESTS_METRICS_EXPOSITION_H

#include <prometheus/collectable.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

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
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with("# "))
                take_comment(line);
            else
                take_sample(line);
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

  private:
    static std::size_t span_of(std::string_view text, std::string_view allowed) {
        return std::min(text.find_first_not_of(allowed), text.size());
    }
    static constexpr std::string_view name_letters = "abcdefghijklmnopqrstuvwxyz_";

    // "# HELP name text" or "# TYPE name type"
    void take_comment(const std::string& line) {
        std::istringstream words(line);
        std::string mark;
        std::string kind;
        std::string name;
        std::string rest;
        words >> mark >> kind >> name >> std::ws;
        std::getline(words, rest);
        BOOST_TEST_REQUIRE((kind == "HELP" || kind == "TYPE"), line);
        BOOST_TEST_REQUIRE((span_of(name, name_letters) == name.size() && !name.empty() && !rest.empty()),
                           line);
        BOOST_TEST((kind == "HELP" ? helps : types).emplace(name, rest).second,
                   line << " stands there twice");
    }

    // name{label="value",...} number
    void take_sample(const std::string& line) {
        const std::size_t blank = line.rfind(' ');
        BOOST_TEST_REQUIRE(blank != std::string::npos, line);
        const std::string series = line.substr(0, blank);
        std::string_view rest = series;
        const std::size_t name_end = span_of(rest, name_letters);
        BOOST_TEST_REQUIRE(name_end > 0U, "not a sample: " << line);
        rest.remove_prefix(name_end);
        if (!rest.empty()) {
            BOOST_TEST_REQUIRE((rest.starts_with('{') && rest.ends_with('}')), "not a sample: " << line);
            rest = rest.substr(1, rest.size() - 2);
            while (!rest.empty()) {
                rest.remove_prefix(span_of(rest, name_letters));
                BOOST_TEST_REQUIRE(rest.starts_with("=\""), "not a label: " << line);
                rest.remove_prefix(2);
                const std::size_t end = rest.find('"');
                BOOST_TEST_REQUIRE(end != std::string_view::npos, "not a value: " << line);
                const bool plain = rest.substr(0, end).find('\\') == std::string_view::npos;
                BOOST_TEST(plain, "a value that needs an escape: " << line);
                rest.remove_prefix(end + 1);
                if (rest.starts_with(','))
                    rest.remove_prefix(1);
            }
        }
        std::size_t used = 0;
        const double value = std::stod(line.substr(blank + 1), &used);
        BOOST_TEST(used == line.size() - blank - 1, "not a number: " << line);
        BOOST_TEST(samples.emplace(series, value).second, line << " stands there twice");
    }
};

}  // namespace eightbells::metrics::testing

#endif
