#define BOOST_TEST_MODULE conformance_progress
#include <fmt/format.h>
#include <regex.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/conformance/world.h"

// What a person sees of the first signing of many certificates: on a terminal, in metrics and in `status`.
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t certificates = 30'000;  // on 512 pages

struct Large : RunWorld {
    Large() : RunWorld({{"ca", KeyKind::p256}}) {
        std::ofstream index(ca("ca") / "index.txt", std::ios::app);
        for (std::size_t i = 0; i < certificates; ++i)
            index << fmt::format("V\t351231235959Z\t\t4{:07X}{:08X}\tunknown\t/CN=made {}\n", i,
                                 static_cast<std::uint32_t>(i * 2654435761U), i);
    }
};

// What stands in the parentheses of an expression that the whole text has to fit; empty: it does not.
std::vector<std::string> parts_of(const std::string& expression, const std::string& text) {
    regex_t pattern;
    BOOST_REQUIRE(regcomp(&pattern, ("^(" + expression + ")$").c_str(), REG_EXTENDED) == 0);
    regmatch_t found[8];
    std::vector<std::string> parts;
    if (regexec(&pattern, text.c_str(), std::size(found), found, 0) == 0) {
        for (const regmatch_t& one : found) {
            if (one.rm_so >= 0)
                parts.push_back(text.substr(static_cast<std::size_t>(one.rm_so),
                                            static_cast<std::size_t>(one.rm_eo - one.rm_so)));
        }
    }
    regfree(&pattern);
    return parts;
}

bool is_log_line(const std::string& line) {
    return !parts_of(
                "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z [a-z]+ "
                "(info|warning|error): .*",
                line)
                .empty();
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_terminal_shows_how_far_the_first_signing_is_below_whole_log_lines, Large) {
    Program terminal({"/usr/bin/python3", EIGHTBELLS_SOURCE_DIR "/tests/conformance/terminal.py", "--columns",
                      "100", "--until", "all pages are signed", "--folder", (*this / "").string(),
                      eightbells_program(), "--config", "eightbells.toml", "run"},
                     *this / "", *this / "terminal.log");
    terminal.start();
    BOOST_REQUIRE(comes([&] { return !terminal.running(); }, 5min));
    const auto seen = nlohmann::json::parse(terminal.log());
    BOOST_TEST(seen.at("code").get<int>() == 0);
    BOOST_TEST(seen.at("raw").get<std::string>().empty(), seen.at("raw").dump());
    for (const std::string line : seen.at("lines"))
        BOOST_TEST((is_log_line(line) || line.ends_with("(warning)")), line);
    int shares = 0;
    int before = -1;
    for (const std::string line : seen.at("shown")) {
        // What is read at once may end within a log line, which may be longer.
        BOOST_TEST((line.size() < 100U || !line.starts_with("signing")), line);
        const auto parts = parts_of(
            "signing \\[#*\\.*\\] +([0-9]+) %, ([0-9]+) of 512 pages, [0-9]+ a second, [0-9]+:[0-9]{2} left",
            line);
        if (parts.empty())
            continue;
        const int share = std::stoi(parts[2]);
        BOOST_TEST(share >= before);
        BOOST_TEST(share == std::stoi(parts[3]) * 100 / 512);
        shares += share > before ? 1 : 0;
        before = share;
    }
    BOOST_TEST(shares >= 2, seen.at("shown").dump());
    BOOST_TEST(seen.at("last").get<std::string>().empty());
}

// Covers: G-19
BOOST_FIXTURE_TEST_CASE(elsewhere_metrics_and_status_tell_done_due_rate_and_time_left, Large) {
    double least_left = std::numeric_limits<double>::infinity();
    std::string status;
    supervisor().start();
    BOOST_TEST(comes(
        [&] {
            const std::string metrics = signer_metrics();
            const auto says = [&](const std::string& name) {
                return value_of(metrics, "eightbells_signer_" + name + "{issuer=\"ca\"}");
            };
            const double due = says("pages_due");
            const double rate = says("pages_signed_per_second");
            if (!(due > 0) || !(rate > 0) || says("pages") != 512)
                return false;
            BOOST_TEST(says("pages_refreshed_total") + due == 512);
            BOOST_TEST(std::abs(says("signing_left_seconds") - due / rate) <= 1);
            least_left = std::min(least_left, says("signing_left_seconds"));
            status = operate({"status"}).out;
            return true;
        },
        3min));
    BOOST_TEST(least_left > 0);
    BOOST_TEST(least_left < 600);
    const auto told = nlohmann::json::parse(status).at(0);
    BOOST_TEST(told.at("pages").get<int>() == 512);
    BOOST_TEST(told.at("pages_due").get<int>() <= 512);
    BOOST_TEST(told.at("pages_per_second").get<double>() > 0);
    BOOST_TEST(told.contains("seconds_left"));
    BOOST_TEST(comes([&] { return signer_ready(); }, 3min));
    BOOST_TEST(comes([&] {
        return value_of(signer_metrics(), "eightbells_signer_signing_left_seconds{issuer=\"ca\"}") == 0;
    }));
    BOOST_TEST(log().find('\033') == std::string::npos);
    BOOST_TEST(log().find("signing [") == std::string::npos);
}
