#define BOOST_TEST_MODULE conformance_progress
#include <fmt/format.h>
#include <regex.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "tests/conformance/world.h"

// What a person sees of the first signing of many certificates: on a terminal, in metrics and in `status`.
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t certificates = 30'000;  // on 512 pages

struct Large : RunWorld {
    Large() : RunWorld({{"ca", KeyKind::p256}}) { list(); }
    void list() const {
        std::ofstream index(ca("ca") / "index.txt", std::ios::app);
        for (std::size_t i = 0; i < certificates; ++i)
            index << fmt::format("V\t351231235959Z\t\t4{:07X}{:08X}\tunknown\t/CN=made {}\n", i,
                                 static_cast<std::uint32_t>(i * 2654435761U), i);
    }
    double says(const std::string& metrics, const std::string& name) const {
        return value_of(metrics, "eightbells_signer_" + name + "{issuer=\"ca\"}");
    }
    // Metrics and status of one moment of the first signing, or nothing when it was over before.
    struct Seen {
        std::string metrics;
        nlohmann::json status;
    };
    std::optional<Seen> look_at_signing() const {
        Seen seen;
        bool caught = false;
        comes(
            [&] {
                seen.metrics = signer_metrics();
                const double due = says(seen.metrics, "pages_due");
                // A look may fall between two values that are set one after the other.
                if (due > 0 && says(seen.metrics, "pages_signed_per_second") > 0 &&
                    says(seen.metrics, "pages") == 512 &&
                    says(seen.metrics, "pages_refreshed_total") + due == 512 &&
                    std::abs(says(seen.metrics, "signing_left_seconds") -
                             due / says(seen.metrics, "pages_signed_per_second")) <= 1) {
                    seen.status = nlohmann::json::parse(operate({"status"}).out).at(0);
                    caught = seen.status.at("pages_due").get<int>() > 0 &&
                             seen.status.at("pages_per_second").get<double>() > 0;
                }
                return caught || signer_ready();
            },
            3min);
        return caught ? std::optional{seen} : std::nullopt;
    }
    void begin_anew() {
        stop();
        for (const char* made : {"data", "signer", "store", "front-0"})
            std::filesystem::remove_all(*this / made);
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
    // It takes seconds: where this process stood still meanwhile, all is signed once more.
    std::optional<Seen> seen;
    for (int times = 0; times < 5 && !seen; ++times) {
        if (times > 0)
            begin_anew();
        supervisor().start();
        seen = look_at_signing();
    }
    BOOST_REQUIRE_MESSAGE(seen, log());
    const double left = says(seen->metrics, "signing_left_seconds");
    BOOST_TEST(left > 0);
    BOOST_TEST(std::isfinite(left));
    const auto& told = seen->status;
    BOOST_TEST(told.at("pages").get<int>() == 512);
    BOOST_TEST(told.at("pages_due").get<int>() <= 512);
    BOOST_TEST(told.contains("seconds_left"));
    BOOST_TEST(comes([&] { return signer_ready(); }, 3min));
    BOOST_TEST(comes([&] {
        return value_of(signer_metrics(), "eightbells_signer_signing_left_seconds{issuer=\"ca\"}") == 0;
    }));
    BOOST_TEST(log().find('\033') == std::string::npos);
    BOOST_TEST(log().find("signing [") == std::string::npos);
}
