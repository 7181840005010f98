#define BOOST_TEST_MODULE watch_report
#include "responder/watch/report.h"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include "tests/watch/simulated_watch.h"

// Ninety simulated days, their reports, and the same numbers found by counting seconds.
using namespace eightbells;
using namespace eightbells::watch;
using namespace eightbells::watch::test;

namespace {

using Json = nlohmann::ordered_json;
using Seconds = SimulatedWatch::Seconds;

struct Ninety {
    TemporaryFolder folder;
    SimulatedWatch watch{folder / ""};
    std::filesystem::path file = folder / outage_ledger_name;
    LedgerView view = need(view_ledger(file));
    WatchKey key = need(WatchKey::load_or_make(folder / watch_key_name));

    Json report(const char* month, UtcTime made = simulation_end) const {
        return need(make_report({&view}, {need(parse_month(month)), made, true, "north", key.public_key()}));
    }
};
const Ninety& ninety() {
    static const Ninety one;
    return one;
}

UtcTime at(std::size_t second) {
    return simulation_begin + seconds{static_cast<std::int64_t>(second)};
}

struct CountedOutage {
    UtcTime begin{};
    UtcTime end{};
    bool open = false;
    std::int64_t unobserved = 0;
};
std::vector<CountedOutage> count_outages(const Seconds& truth) {
    std::vector<CountedOutage> found;
    bool within = false;
    for (std::size_t s = 0; s < truth.size(); ++s) {
        if (truth[s] == SimulatedWatch::out && !within) {
            found.push_back({at(s), {}, true, 0});
            within = true;
        } else if (truth[s] == SimulatedWatch::unseen && within) {
            ++found.back().unobserved;
        } else if (truth[s] == SimulatedWatch::up && within) {
            found.back().end = at(s);
            found.back().open = false;
            within = false;
        }
    }
    if (within)
        found.back().end = simulation_end;
    return found;
}

std::int64_t count(const Seconds& truth, UtcTime from, UtcTime to, SimulatedWatch::State state) {
    std::int64_t total = 0;
    for (std::size_t s = 0; s < truth.size(); ++s)
        total += from <= at(s) && at(s) < to && truth[s] == state ? 1 : 0;
    return total;
}

UtcTime time_in(const Json& json, const char* field) {
    return need(from_iso8601(json.at(field).get<std::string>()));
}

void check_method(const Json& method, UtcTime from, UtcTime to) {
    const auto name = method.at("method").get<std::string>();
    const Seconds truth = ninety().watch.truth(name);
    BOOST_TEST_CONTEXT(name << " from " << to_iso8601(from)) {
        const Json& sums = method.at("seconds");
        BOOST_TEST(sums.at("in_reach") == count(truth, from, to, SimulatedWatch::up));
        BOOST_TEST(sums.at("out") == count(truth, from, to, SimulatedWatch::out));
        BOOST_TEST(sums.at("unobserved") == count(truth, from, to, SimulatedWatch::unseen));
        BOOST_TEST(sums.at("observed") == sums.at("in_reach").get<int>() + sums.at("out").get<int>());

        std::uint64_t made = 0;
        std::uint64_t failed = 0;
        for (const std::size_t series :
             name == "crl" ? std::vector<std::size_t>{2} : std::vector<std::size_t>{0, 1}) {
            made += ninety().watch.probes_in(series, from, to, false);
            failed += ninety().watch.probes_in(series, from, to, true);
        }
        BOOST_TEST(method.at("probes").at("made") == made);
        BOOST_TEST(method.at("probes").at("failed") == failed);

        std::int64_t longest = 0;
        std::size_t number = 0;
        for (const CountedOutage& due : count_outages(truth)) {
            if (due.begin >= to || due.end <= from)
                continue;
            BOOST_REQUIRE(number < method.at("outages").size());
            const Json& told = method.at("outages")[number++];
            const std::int64_t length = (due.end - due.begin).count();
            BOOST_TEST((time_in(told, "begin") == due.begin));
            BOOST_TEST((time_in(told, "end") == due.end));
            BOOST_TEST(told.at("seconds") == length);
            BOOST_TEST(told.at("open") == due.open);
            BOOST_TEST(told.at("unobserved_seconds") == due.unobserved);
            BOOST_TEST(told.at("seconds_in_window") ==
                       (std::min(due.end, to) - std::max(due.begin, from)).count());
            BOOST_TEST(told.at("over_promise") == (length > 14400));
            longest = std::max(longest, length);
        }
        BOOST_TEST(number == method.at("outages").size());
        BOOST_TEST(method.at("longest_outage_seconds") == longest);

        std::int64_t spans = 0;
        UtcTime end = from;
        for (const Json& span : method.at("timeline")) {
            BOOST_TEST((time_in(span, "from") == end));
            end = time_in(span, "to");
            spans += span.at("seconds").get<std::int64_t>();
        }
        BOOST_TEST((end == to));
        BOOST_TEST(spans == (to - from).count());
        std::int64_t by_day = 0;
        for (const Json& day : method.at("days"))
            by_day += day.at("out").get<std::int64_t>();
        BOOST_TEST(by_day == sums.at("out"));
    }
}

const Json& method_of(const Json& report, const char* name) {
    for (const Json& method : report.at("issuers").at(0).at("methods")) {
        if (method.at("method") == name)
            return method;
    }
    throw std::runtime_error(std::string("no method ") + name);
}

}  // namespace

// Covers: G-01, G-03
BOOST_AUTO_TEST_CASE(ninety_days_with_known_outages_are_reported_to_the_second) {
    const struct {
        const char* month;
        const char* from;
        const char* to;
        bool partial;
    } months[] = {{"2026-09", "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z", false},
                  {"2026-10", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", false},
                  {"2026-11", "2026-11-01T00:00:00Z", "2026-11-30T00:00:00Z", true}};
    for (const auto& month : months) {
        const Json report = ninety().report(month.month);
        BOOST_TEST(report.at("partial") == month.partial);
        BOOST_TEST(report.at("window").at("from") == month.from);
        BOOST_TEST(report.at("window").at("to") == month.to);
        BOOST_REQUIRE(report.at("issuers").size() == 1U);
        BOOST_REQUIRE(report.at("issuers").at(0).at("methods").size() == 2U);
        for (const Json& method : report.at("issuers").at(0).at("methods"))
            check_method(method, time_at(month.from), time_at(month.to));
    }
}

// Covers: G-01
BOOST_AUTO_TEST_CASE(the_four_hours_are_kept_broken_or_not_shown) {
    const auto verdict = [](const char* month, const char* method) {
        return method_of(ninety().report(month), method).at("promise").at("verdict").get<std::string>();
    };
    BOOST_TEST(verdict("2026-09", "ocsp_get") == "kept");
    BOOST_TEST(verdict("2026-09", "crl") == "broken");  // five hours across midnight count in both months
    BOOST_TEST(verdict("2026-10", "crl") == "broken");
    BOOST_TEST(verdict("2026-10", "ocsp_get") == "kept");  // one address alone is no outage; two hours unseen
    BOOST_TEST(verdict("2026-11", "ocsp_get") == "not shown");  // the watch did not run for more than four
    const Json september = ninety().report("2026-09");
    const Json& across = method_of(september, "crl").at("outages").back();
    BOOST_TEST(across.at("begin").get<std::string>().substr(0, 16) == "2026-09-30T22:10");
    BOOST_TEST(across.at("end").get<std::string>().substr(0, 16) == "2026-10-01T03:20");
    const Json november = ninety().report("2026-11");
    BOOST_TEST(method_of(november, "crl").at("outages").back().at("open") == true);
}

// Covers: G-02
BOOST_AUTO_TEST_CASE(the_thresholds_of_nis2_are_counted_over_all_methods_together) {
    const Seconds get = ninety().watch.truth("ocsp_get");
    const Seconds crl = ninety().watch.truth("crl");
    Seconds together(get.size(), SimulatedWatch::unseen);
    for (std::size_t s = 0; s < together.size(); ++s)
        together[s] = get[s] == SimulatedWatch::up || crl[s] == SimulatedWatch::up ? SimulatedWatch::up
                      : get[s] == SimulatedWatch::out || crl[s] == SimulatedWatch::out
                          ? SimulatedWatch::out
                          : SimulatedWatch::unseen;
    const Json september = ninety().report("2026-09").at("issuers").at(0).at("nis2");
    BOOST_TEST(september.at("wholly_out").at("over_threshold") == true);  // 40 minutes on 20 September
    BOOST_TEST(september.at("wholly_out").at("outages").size() == 1U);
    const Json november = ninety().report("2026-11").at("issuers").at(0).at("nis2");
    std::vector<std::string> over;
    for (const Json& week : november.at("weeks").at("list")) {
        BOOST_TEST(week.at("wholly_out_seconds") ==
                   count(together, time_in(week, "from"), time_in(week, "to"), SimulatedWatch::out));
        if (week.at("over_threshold") == true)
            over.push_back(week.at("from").get<std::string>());
    }
    BOOST_TEST(over == std::vector<std::string>{"2026-11-16T00:00:00Z"});  // 30 and 45 minutes in one week
    BOOST_TEST(november.at("weeks").at("list").size() == 5U);
    BOOST_TEST(november.at("weeks").at("list").at(0).at("from") == "2026-10-26T00:00:00Z");
    std::vector<std::string> hours;
    for (const Json& hour : november.at("failed_probes").at("hours_over_threshold"))
        hours.push_back(hour.at("hour").get<std::string>());
    const std::vector<std::string> due{"2026-11-16T06:00:00Z", "2026-11-18T06:00:00Z",
                                       "2026-11-29T23:00:00Z"};
    BOOST_TEST(hours == due);
}

// Covers: G-03
BOOST_AUTO_TEST_CASE(every_outage_names_its_rows_of_the_ledger_and_the_evidence) {
    std::map<std::uint64_t, Json> rows;
    std::set<std::string> evidence;
    auto file = need(LedgerFile::open(ninety().file, LedgerFile::Access::read));
    need(file.each_row([&](const LedgerFile::Row& row) {
        if (row.kind == "change")
            rows[static_cast<std::uint64_t>(row.number)] = Json::parse(row.body);
    }));
    need(file.each_evidence([&](ByteView digest, ByteView) { evidence.insert(to_hex(digest)); }));
    std::size_t seen = 0;
    for (const char* month : {"2026-09", "2026-10", "2026-11"}) {
        const Json report = ninety().report(month);
        for (const Json& method : report.at("issuers").at(0).at("methods")) {
            for (const Json& outage : method.at("outages")) {
                const Json& named = outage.at("rows");
                // Each address's fall, and the first return unless it is still out.
                BOOST_REQUIRE(named.size() >= (method.at("method") == "crl" ? 1U : 2U));
                for (const Json& row : named) {
                    const Json& body = rows.at(row.at("row").get<std::uint64_t>());
                    for (const char* field : {"time", "cause", "text", "evidence"})
                        BOOST_TEST(row.at(field) == body.at(field));
                    if (row.at("cause") != "none")
                        BOOST_TEST(evidence.contains(row.at("evidence").get<std::string>()));
                    ++seen;
                }
                BOOST_TEST((named.back().at("cause") == "none") == !outage.at("open").get<bool>());
                BOOST_TEST(outage.at("cause") == named.at(0).at("cause"));
            }
        }
    }
    BOOST_TEST(seen > 20U);
}

BOOST_AUTO_TEST_CASE(a_report_is_the_same_octets_when_it_is_made_again_from_a_longer_ledger) {
    const UtcTime then = time_at("2026-10-12T12:00:00Z");
    std::uint64_t last = 0;
    auto file = need(LedgerFile::open(ninety().file, LedgerFile::Access::read));
    need(file.each_row([&](const LedgerFile::Row& row) {
        if (row.kind == "round" &&
            need(from_iso8601(Json::parse(row.body).at("ended").get<std::string>())) <= then)
            last = static_cast<std::uint64_t>(row.number);
    }));
    const LedgerView early = need(view_ledger(ninety().file, last));
    const ReportPlan plan{need(parse_month("2026-10")), then, true, "north", ninety().key.public_key()};
    const std::string octets = report_octets(need(make_report({&early}, plan)));
    ReportFiles files{octets, need(ninety().key.sign(octets)), std::nullopt};
    const auto found = verify_report(files, {ninety().file}, {}, std::nullopt);
    for (const std::string& fault : found.faults)
        BOOST_ERROR(fault);
    BOOST_TEST(Json::parse(octets).at("partial") == true);
    BOOST_TEST(found.ledgers.at(0).anchors_met > 85U);
}

BOOST_AUTO_TEST_CASE(months_are_calendar_months_in_utc) {
    for (const char* wrong :
         {"", "2026", "2026-13", "2026-1", "2026-00", "November", "2026-11-01", "9999-01"})
        BOOST_TEST(!parse_month(wrong), wrong);
    BOOST_TEST(to_iso8601(window_of(need(parse_month("2026-12"))).to) == "2027-01-01T00:00:00Z");
    BOOST_TEST((window_of(need(parse_month("2028-02"))).length() == std::chrono::days{29}));
    const ReportPlan plan{need(parse_month("2027-01")), simulation_end, true, "north",
                          ninety().key.public_key()};
    BOOST_TEST(!make_report({&ninety().view}, plan));
}

// The peers are OpenSSL, which checks the signature, and a strict parser of XML, which reads the page.
BOOST_AUTO_TEST_CASE(openssl_verifies_the_signature_and_the_page_is_well_formed_and_asks_nobody) {
    const TemporaryFolder folder;
    const auto write = [&](const char* name, ByteView bytes) {
        std::ofstream(folder / name, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    };
    const Json report = ninety().report("2026-11");
    const std::string octets = report_octets(report);
    const std::string html = report_html(report, sha256(as_bytes(octets)));
    write("r.json", as_bytes(octets));
    write("r.json.sig", need(ninety().key.sign(octets)));
    write("key.der",
          need(from_hex("302a300506032b6570032100" + report.at("signed_by").at("key").get<std::string>())));
    write("r.html", as_bytes(html));
    const auto in_folder = [&](const std::string& command) {
        return std::system(("cd '" + (folder / "").string() + "' && " + command + " > log 2>&1").c_str());
    };
    BOOST_TEST(
        in_folder("openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey key.der -sigfile r.json.sig -in "
                  "r.json") == 0);
    BOOST_TEST(
        in_folder("sed -i s/north/south/ r.json && openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey "
                  "key.der -sigfile r.json.sig -in r.json") != 0);
    BOOST_TEST(in_folder("/usr/bin/python3 -c 'import xml.etree.ElementTree as t; t.parse(\"r.html\")'") ==
               0);
    for (const char* fetched : {"<script", "<link", "src=", "href=", "url(", "@import"})
        BOOST_TEST(html.find(fetched) == std::string::npos, fetched);
    BOOST_TEST(html.find(to_hex(sha256(as_bytes(octets)))) != std::string::npos);
    BOOST_TEST(html.find("good: &lt;what&gt; &amp; &quot;how&quot;") != std::string::npos);
    BOOST_TEST(html.find("prefers-color-scheme: dark") != std::string::npos);
    BOOST_TEST(html.find("@media print") != std::string::npos);
    if (const char* kept = std::getenv("EIGHTBELLS_KEEP_REPORT"))  // for a person's eyes
        std::ofstream(kept) << html;
}
