#include "responder/watch/status.h"

#include <nlohmann/json.hpp>
#include <numeric>

#include "tests/watch/made_ledger.h"

// Ninety days, a probe a minute, with outages and an absence that are known to the second; what the status
// says of them is held against a count of single seconds.
using namespace eightbells;
using namespace eightbells::watch;
using namespace eightbells::watch::test;

namespace {

const UtcTime first = *from_iso8601("2026-08-25T00:00:00Z");  // midnight
const UtcTime last = *from_iso8601("2026-11-22T18:30:00Z");   // a Sunday; day 90 of them
constexpr seconds step{60};

struct Span {
    const char* from;
    const char* to;
};
// Whole minutes: a probe a minute sees them begin and end on the second.
const std::vector<Span> get_out{
    {"2026-09-01T10:00:00Z", "2026-09-01T10:07:00Z"},
    {"2026-10-03T22:00:00Z", "2026-10-04T02:30:00Z"},  // over midnight, above four hours
    {"2026-11-17T06:00:00Z", "2026-11-17T06:50:00Z"},
    {"2026-11-20T03:00:00Z", "2026-11-20T03:30:00Z"},
    {"2026-11-22T18:00:00Z", "2026-12-31T00:00:00Z"}};  // goes on
const std::vector<Span> crl_out{{"2026-10-04T01:00:00Z", "2026-10-04T05:00:00Z"},
                                {"2026-11-17T06:20:00Z", "2026-11-17T09:00:00Z"},
                                {"2026-11-22T18:10:00Z", "2026-12-31T00:00:00Z"}};
const Span away{"2026-09-15T04:00:00Z", "2026-09-16T09:00:00Z"};

bool within(UtcTime time, const Span& span) {
    return *from_iso8601(span.from) <= time && time < *from_iso8601(span.to);
}
bool within(UtcTime time, const std::vector<Span>& spans) {
    return std::ranges::any_of(spans, [&](const Span& span) { return within(time, span); });
}

History simulated() {
    History history;
    std::uint64_t row = 0;
    const auto add = [&](const char* kind, const nlohmann::json& body) {
        need(history.apply(++row, kind, body));
    };
    add("genesis",
        {{"format", 1}, {"watch", "north"}, {"key", std::string(64, '0')}, {"time", to_iso8601(first)}});
    const char* const methods[] = {"ocsp_get", "crl"};
    for (int i = 0; i < 2; ++i)
        add("series", {{"series", i},
                       {"issuer", "demo"},
                       {"method", methods[i]},
                       {"address", "192.0.2.1:80"},
                       {"hold", 130},
                       {"time", to_iso8601(first)}});
    std::array<int, 2> state{-1, -1};
    for (UtcTime now = first; now <= last; now += step) {
        if (within(now, away)) {
            state = {-1, -1};  // seen anew afterwards
            continue;
        }
        nlohmann::json seen = nlohmann::json::array();
        for (int i = 0; i < 2; ++i) {
            const int out = within(now, i == 0 ? get_out : crl_out) ? 1 : 0;
            if (out != std::exchange(state[static_cast<std::size_t>(i)], out))
                add("change", {{"series", i},
                               {"time", to_iso8601(now)},
                               {"cause", out == 1 ? "expired" : "none"},
                               {"text", ""},
                               {"evidence", ""}});
            else
                seen.push_back({i, 0});
        }
        add("round", {{"began", to_iso8601(now)}, {"ended", to_iso8601(now)}, {"seen", seen}});
    }
    return history;
}

// What a second was: from the probes alone, without the programs' arithmetic.
Reach truth(UtcTime time, const std::vector<Span>& out) {
    const UtcTime probe = first + (time - first) / step * step;
    if (within(probe, away) || within(probe + step, away))
        return Reach::unobserved;  // the last probe in front of the absence speaks for nothing behind it
    return within(probe, out) ? Reach::out : Reach::up;
}

Sums counted(UtcTime from, UtcTime to, const std::vector<Span>& out) {
    Sums sums;
    for (UtcTime time = from; time < to; time += 1s) {
        const Reach reach = truth(time, out);
        (reach == Reach::up ? sums.up : reach == Reach::out ? sums.out : sums.unobserved) += 1s;
    }
    return sums;
}

}  // namespace

// Covers: G-01, G-02
BOOST_AUTO_TEST_CASE(ninety_days_add_up_to_the_second) {
    const History history = simulated();
    const std::vector<const History*> watches{&history};
    const ServiceStatus status = compute_status(watches, last);
    BOOST_REQUIRE(status.issuers.size() == 1U);
    const IssuerStatus& demo = status.issuers[0];
    const std::pair<Method, const std::vector<Span>*> methods[] = {{Method::ocsp_get, &get_out},
                                                                   {Method::crl, &crl_out}};
    for (const auto& [name, out] : methods) {
        const MethodStatus& method = demo.methods[static_cast<std::size_t>(name)];
        BOOST_TEST((method.last_90_days == counted(first, last, *out)));
        BOOST_TEST((method.last_day == counted(last - 24h, last, *out)));
        BOOST_REQUIRE(method.days.size() == 90U);
        for (const MethodStatus::Day& day : method.days)
            BOOST_REQUIRE((day.sums == counted(day.begin, std::min(day.begin + 24h, last), *out)));
    }
    const MethodStatus& get = demo.methods[static_cast<std::size_t>(Method::ocsp_get)];
    BOOST_TEST((get.now == Reach::out));
    BOOST_TEST((get.current_outage == 30min));
    BOOST_TEST((get.left_of_promise == 3h + 30min));
    BOOST_TEST((get.longest_90_days == 4h + 30min));
    BOOST_TEST((get.longest_day == 30min));
    BOOST_TEST((get.longest_month == 50min));
    BOOST_TEST((get.out_this_week == 50min + 30min + 30min));
    BOOST_TEST(!demo.methods[static_cast<std::size_t>(Method::ocsp_post)].watched);
    // All methods together: 05:00-... see the spans' overlaps.
    BOOST_TEST((demo.wholly_out == 20min));
    BOOST_TEST(!demo.nis2_wholly_out);  // 20 minutes are not more than 20
    BOOST_TEST((demo.wholly_out_this_week == 30min + 20min));
    BOOST_TEST(!demo.nis2_week);
    std::vector<std::int64_t> lengths;
    for (const OutageEntry& entry : status.outages) {
        if (entry.method == Method::ocsp_get)
            lengths.push_back(entry.outage.length().count());
    }
    BOOST_TEST((lengths == std::vector<std::int64_t>{1800, 1800, 3000, 16200, 420}));
    const ServiceStatus later = compute_status(watches, last + 60s);
    BOOST_TEST(later.issuers[0].nis2_wholly_out);
}

// Covers: G-02
BOOST_AUTO_TEST_CASE(the_share_of_failed_probes_is_counted_over_this_hour_and_the_last) {
    const History history = simulated();
    const ServiceStatus status = compute_status({&history}, last);
    // 17:30 to 18:30: whole hours 17 and 18. 60 + 31 probes each; 31 of GET and 21 of the CRL failed.
    BOOST_TEST(status.issuers[0].failed_share_last_hour == 52.0 / 182.0, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(status.issuers[0].nis2_limited);
}

// Covers: D-18
BOOST_AUTO_TEST_CASE(the_runway_falls_until_the_answers_are_refreshed) {
    const TemporaryFolder folder;
    auto ledger = open(folder / "watch");
    const auto get = need(ledger->series({"demo", Method::ocsp_get, "192.0.2.1:80"}, hold, begin));
    need(ledger->observe(get, saw(begin)));
    need(ledger->note_facts("demo", OcspFacts{begin, begin, begin + 24h, begin + 1000h}));
    need(ledger->note_facts("demo", CrlFacts{begin, "1", begin, begin + 20h, 900, 3}));
    const std::vector<const History*> watches{&ledger->history()};
    const ServiceStatus early = compute_status(watches, begin + 5h);
    BOOST_TEST((*early.issuers[0].ocsp_runway == 19h));
    BOOST_TEST((*early.issuers[0].crl_runway == 15h));
    BOOST_TEST((*early.issuers[0].runway == 15h));
    BOOST_TEST(!early.issuers[0].crl_past_half_life);
    const ServiceStatus dark = compute_status(watches, begin + 21h);
    BOOST_TEST((*dark.issuers[0].runway == -1h));
    BOOST_TEST(dark.issuers[0].crl_past_half_life);
    const auto& line = dark.issuers[0].runway_line;
    BOOST_REQUIRE(line.size() > 100U);
    for (std::size_t i = 1; i < line.size(); ++i)
        BOOST_REQUIRE((line[i - 1].runway - line[i].runway == 10min));
    need(ledger->note_facts("demo", CrlFacts{begin + 21h, "2", begin + 21h, begin + 69h, 900, 3}));
    const ServiceStatus fresh = compute_status(watches, begin + 22h);
    BOOST_TEST((*fresh.issuers[0].runway == 2h));  // the OCSP answers' now
    BOOST_TEST(fresh.issuers[0].crl->number == "2");
}

// Covers: G-19
BOOST_AUTO_TEST_CASE(relying_parties_are_told_no_address_and_no_probes_words) {
    const TemporaryFolder folder;
    auto ledger = open(folder / "watch");
    const auto get = need(ledger->series({"demo", Method::ocsp_get, "192.0.2.77:80"}, hold, begin));
    need(ledger->observe(get, saw(begin, Cause::timeout)));
    const ServiceStatus status = compute_status({&ledger->history()}, begin + 30s);
    const std::string open_to_all = to_json(status, Audience::relying_parties);
    const std::string inside = to_json(status, Audience::operators);
    for (const char* secret : {"192.0.2.77", "what it was", "digest", "evidence"}) {
        BOOST_TEST(open_to_all.find(secret) == std::string::npos, secret);
        BOOST_TEST(inside.find(secret) != std::string::npos, secret);
    }
    BOOST_TEST(nlohmann::json::parse(open_to_all)["issuers"][0]["methods"][0]["cause"] == "timeout");
}
