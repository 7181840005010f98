#include "responder/watch/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/watch/limits.h"
#include "responder/watch/report_words.h"

namespace eightbells::watch {

using namespace std::chrono_literals;

namespace {

using Json = nlohmann::ordered_json;

bool touches(UtcTime from, UtcTime to, const Window& window) {
    return from < window.to && to > window.from;
}
std::int64_t part_within(UtcTime from, UtcTime to, const Window& window) {
    return std::max<std::int64_t>(0, (std::min(to, window.to) - std::max(from, window.from)).count());
}

// The longest stretch on end, touching `window`, in which status was not seen in reach: out or unobserved.
seconds longest_not_in_reach(const Timeline& timeline, const Window& window) {
    seconds longest{0};
    std::optional<UtcTime> begin;
    for (const Segment& segment : timeline) {
        if (segment.reach == Reach::up) {
            begin.reset();
            continue;
        }
        begin = begin.value_or(segment.from);
        if (touches(*begin, segment.to, window))
            longest = std::max(longest, seconds{segment.to - *begin});
    }
    return longest;
}

class Writing {
  public:
    Writing(const std::vector<const LedgerView*>& views, const ReportPlan& plan)
        : views_(views), plan_(plan), month_(window_of(plan.month)), window_(month_) {
        window_.to = std::min(window_.to, plan.made);
        whole_ = {week_of(window_.from), plan.made};
        for (const LedgerView* view : views_) {
            histories_.push_back(&view->history);
            whole_.from = std::min(whole_.from, view->history.begun());
        }
    }

    Json run() const {
        Json report;
        report["report"] = report_format;
        report["month"] = fmt::format("{:04}-{:02}", int{plan_.month.year()}, unsigned{plan_.month.month()});
        report["partial"] = window_.to < month_.to;
        report["window"] = {{"from", to_iso8601(window_.from)},
                            {"to", to_iso8601(window_.to)},
                            {"seconds", window_.length().count()}};
        report["made"] = to_iso8601(plan_.made);
        report["view"] = plan_.merged ? "merged" : "vantage";
        report["signed_by"] = {{"watch", plan_.signer}, {"algorithm", "Ed25519"}, {"key", to_hex(plan_.key)}};
        report["watches"] = Json::array();
        for (const LedgerView* view : views_)
            report["watches"].push_back(watch(*view));
        report["issuers"] = Json::array();
        std::vector<std::string> names;
        for (const History* history : histories_) {
            for (const std::string& name : history->issuers()) {
                if (std::ranges::find(names, name) != names.end())
                    continue;
                names.push_back(name);
                report["issuers"].push_back(issuer(name));
            }
        }
        report["formulae"] = report_formulae();
        return report;
    }

  private:
    Json watch(const LedgerView& view) const {
        const History& history = view.history;
        Json json{{"watch", history.watch()},
                  {"key", history.key()},
                  {"ledger", view.ledger},
                  {"begun", to_iso8601(history.begun())},
                  {"last_round", nullptr},
                  {"head", {{"number", view.head.number}, {"digest", to_hex(view.head.digest)}}},
                  {"anchors", Json::array()},
                  {"last_anchor", nullptr},
                  {"runs", Json::array()}};
        if (history.last_round())
            json["last_round"] = to_iso8601(*history.last_round());
        for (const auto& [row, anchor] : view.signed_heads) {
            const Json one{{"row", row},
                           {"number", anchor.head.number},
                           {"digest", to_hex(anchor.head.digest)},
                           {"time", to_iso8601(anchor.time)},
                           {"signature", to_hex(anchor.signature)}};
            json["last_anchor"] = one;
            if (window_.from <= anchor.time && anchor.time < window_.to)
                json["anchors"].push_back(one);
        }
        for (const LedgerView::Run& run : view.runs) {
            if (window_.from <= run.time && run.time < window_.to)
                json["runs"].push_back({{"row", run.row},
                                        {"event", run.started ? "start" : "stop"},
                                        {"time", to_iso8601(run.time)}});
        }
        return json;
    }

    Count count(const std::string& name, Method method, const Window& window) const {
        Count total;
        for (const History* history : histories_) {
            const Count one = history->count(name, method, window);
            total.probes += one.probes;
            total.failed += one.failed;
        }
        return total;
    }

    std::vector<std::string> addresses(const std::string& name, Method method) const {
        std::vector<std::string> result;
        for (const History* history : histories_) {
            for (const SeriesHistory& series : history->series()) {
                if (series.key().issuer == name && series.key().method == method &&
                    std::ranges::find(result, series.key().address) == result.end())
                    result.push_back(series.key().address);
            }
        }
        return result;
    }

    Json issuer(const std::string& name) const {
        Json json{{"issuer", name}, {"methods", Json::array()}};
        std::vector<Method> methods;
        std::vector<Timeline> timelines;
        for (std::size_t i = 0; i < method_count; ++i) {
            const auto method = static_cast<Method>(i);
            if (addresses(name, method).empty())
                continue;
            methods.push_back(method);
            timelines.push_back(merged(histories_, name, method, whole_));
            json["methods"].push_back(method_part(name, method, timelines.back()));
        }
        json["nis2"] = nis2(name, methods, timelines);
        json["revocations"] = Json::array();
        for (const LedgerView* view : views_) {
            for (const RevocationSeen& seen : view->history.issuer(name).revocations) {
                if (window_.from <= seen.seen_at && seen.seen_at < window_.to)
                    json["revocations"].push_back({{"watch", view->history.watch()},
                                                   {"method", to_string(seen.method)},
                                                   {"revoked_at", to_iso8601(seen.revoked_at)},
                                                   {"seen_at", to_iso8601(seen.seen_at)},
                                                   {"seconds", seen.delay().count()}});
            }
        }
        return json;
    }

    Json method_part(const std::string& name, Method method, const Timeline& whole) const {
        const Timeline timeline = cut(whole, window_);
        const Sums sums = sum(timeline);
        const Count probes = count(name, method, window_);
        Json json{{"method", to_string(method)}, {"addresses", addresses(name, method)}};
        json["seconds"] = {{"in_reach", sums.up.count()},
                           {"out", sums.out.count()},
                           {"unobserved", sums.unobserved.count()},
                           {"observed", (sums.up + sums.out).count()}};
        json["availability_percent"] = percent_cut(sums.up.count(), (sums.up + sums.out).count());
        json["probes"] = {{"made", probes.probes}, {"failed", probes.failed}};
        seconds longest{0};
        Json list = Json::array();
        for (const Outage& outage : outages(whole)) {
            if (!touches(outage.begin, outage.end, window_))
                continue;
            longest = std::max(longest, outage.length());
            list.push_back(outage_part(outage));
            list.back()["rows"] = rows(name, method, outage);
        }
        const seconds dark = longest_not_in_reach(whole, window_);
        json["longest_outage_seconds"] = longest.count();
        json["longest_not_seen_in_reach_seconds"] = dark.count();
        json["promise"] = {{"seconds", limits::outage_promise.count()},
                           {"verdict", longest > limits::outage_promise ? "broken"
                                       : dark > limits::outage_promise  ? "not shown"
                                                                        : "kept"}};
        json["outages"] = std::move(list);
        json["days"] = days(timeline);
        json["timeline"] = Json::array();
        for (const Segment& segment : timeline) {
            Json one{{"from", to_iso8601(segment.from)},
                     {"to", to_iso8601(segment.to)},
                     {"seconds", (segment.to - segment.from).count()},
                     {"state", reach_name(segment.reach)}};
            if (segment.reach == Reach::out)
                one["cause"] = to_string(segment.cause);
            json["timeline"].push_back(std::move(one));
        }
        return json;
    }

    Json outage_part(const Outage& outage) const {
        return {{"begin", to_iso8601(outage.begin)},
                {"end", to_iso8601(outage.end)},
                {"seconds", outage.length().count()},
                {"open", outage.open},
                {"unobserved_seconds", outage.unobserved.count()},
                {"seconds_in_window", part_within(outage.begin, outage.end, window_)},
                {"over_promise", outage.length() > limits::outage_promise},
                {"cause", to_string(outage.cause)}};
    }

    // What each address said when the outage began, and all that changed until and with its end: where it
    // stands in which ledger, and the evidence.
    Json rows(const std::string& name, Method method, const Outage& outage) const {
        struct Found {
            const History* history;
            const SeriesHistory* series;
            const Change* change;
        };
        std::vector<Found> found;
        for (const History* history : histories_) {
            for (const SeriesHistory& series : history->series()) {
                if (series.key().issuer != name || series.key().method != method)
                    continue;
                auto at = std::ranges::upper_bound(series.changes(), outage.begin, {}, &Change::time);
                const Timeline then = series.timeline({outage.begin, outage.begin + 1s});
                if (at != series.changes().begin() && then.back().reach == Reach::out)
                    --at;
                for (; at != series.changes().end() && at->time <= outage.end; ++at)
                    found.push_back({history, &series, &*at});
            }
        }
        std::ranges::stable_sort(found, {}, [](const Found& one) { return one.change->time; });
        Json list = Json::array();
        for (const auto& [history, series, change] : found)
            list.push_back({{"watch", history->watch()},
                            {"row", change->row},
                            {"time", to_iso8601(change->time)},
                            {"address", series->key().address},
                            {"cause", to_string(change->cause)},
                            {"text", change->text},
                            {"evidence", change->evidence}});
        return list;
    }

    Json days(const Timeline& timeline) const {
        Json list = Json::array();
        for (UtcTime begin = window_.from; begin < window_.to; begin += 24h) {
            const Sums sums = sum(cut(timeline, {begin, std::min(begin + 24h, window_.to)}));
            list.push_back({{"day", to_iso8601(begin).substr(0, 10)},
                            {"in_reach", sums.up.count()},
                            {"out", sums.out.count()},
                            {"unobserved", sums.unobserved.count()}});
        }
        return list;
    }

    Json nis2(const std::string& name, const std::vector<Method>& methods,
              const std::vector<Timeline>& timelines) const {
        const Timeline together = all_out(timelines, whole_);
        seconds longest{0};
        Json wholly = Json::array();
        for (const Outage& outage : outages(together)) {
            if (!touches(outage.begin, outage.end, window_))
                continue;
            longest = std::max(longest, outage.length());
            wholly.push_back(outage_part(outage));
            wholly.back()["over_threshold"] = outage.length() > limits::nis2_wholly_out;
        }
        Json weeks = Json::array();
        for (UtcTime begin = week_of(window_.from); begin < window_.to; begin += std::chrono::days{7}) {
            const Window week{begin, std::min<UtcTime>(begin + std::chrono::days{7}, plan_.made)};
            const seconds out = sum(cut(together, week)).out;
            Json one{{"from", to_iso8601(week.from)},
                     {"to", to_iso8601(week.to)},
                     {"wholly_out_seconds", out.count()},
                     {"over_threshold", out > limits::nis2_out_in_week},
                     {"out_seconds", Json::object()}};
            for (std::size_t i = 0; i < methods.size(); ++i)
                one["out_seconds"][std::string(to_string(methods[i]))] =
                    sum(cut(timelines[i], week)).out.count();
            weeks.push_back(std::move(one));
        }
        return {
            {"wholly_out",
             {{"threshold_seconds", limits::nis2_wholly_out.count()},
              {"longest_seconds", longest.count()},
              {"over_threshold", longest > limits::nis2_wholly_out},
              {"outages", std::move(wholly)}}},
            {"weeks", {{"threshold_seconds", limits::nis2_out_in_week.count()}, {"list", std::move(weeks)}}},
            {"failed_probes", failed_probes(name, methods)}};
    }

    Json failed_probes(const std::string& name, const std::vector<Method>& methods) const {
        const auto all = [&](const Window& window) {
            Count total;
            for (const Method method : methods) {
                const Count one = count(name, method, window);
                total.probes += one.probes;
                total.failed += one.failed;
            }
            return total;
        };
        Json hours = Json::array();
        for (UtcTime begin = window_.from; begin < window_.to; begin += 1h) {
            const Count hour = all({begin, std::min(begin + 1h, window_.to)});
            if (hour.share() > limits::nis2_failed_share)
                hours.push_back(
                    {{"hour", to_iso8601(begin)}, {"made", hour.probes}, {"failed", hour.failed}});
        }
        const Count month = all(window_);
        return {{"threshold_percent",
                 percent_cut(static_cast<std::int64_t>(limits::nis2_failed_share * 1000), 1000)},
                {"made", month.probes},
                {"failed", month.failed},
                {"percent", percent_up(static_cast<std::int64_t>(month.failed),
                                       static_cast<std::int64_t>(month.probes))},
                {"over_threshold", month.share() > limits::nis2_failed_share},
                {"hours_over_threshold", std::move(hours)}};
    }

    const std::vector<const LedgerView*>& views_;
    const ReportPlan& plan_;
    Window month_;
    Window window_;  // the part of the month that is reported
    Window whole_;   // all that was ever watched, and the month's weeks
    std::vector<const History*> histories_;
};

}  // namespace

Result<std::chrono::year_month> parse_month(std::string_view text) {
    // The day makes it a date, which is checked already.
    const auto first = from_iso8601(fmt::format("{}-01T00:00:00Z", text));
    if (text.size() != 7 || !first || to_unix(*first) < 0 || text >= "9999")
        return fail(fmt::format("\"{}\" is no month: 2026-11 is meant as November 2026", text));
    const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(*first)};
    return date.year() / date.month();
}

Window window_of(std::chrono::year_month month) {
    return {std::chrono::sys_days{month / 1}, std::chrono::sys_days{(month + std::chrono::months{1}) / 1}};
}

Result<Json> make_report(const std::vector<const LedgerView*>& views, const ReportPlan& plan) {
    if (plan.made <= window_of(plan.month).from)
        return fail("this month has not begun");
    return Writing(views, plan).run();
}

std::string report_octets(const Json& report) {
    return report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace eightbells::watch
