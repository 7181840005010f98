#include "responder/watch/status.h"

#include <algorithm>

#include "responder/watch/limits.h"

namespace eightbells::watch {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t parts_shown = 20;

UtcTime month_of(UtcTime time) {
    const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(time)};
    return std::chrono::sys_days{date.year() / date.month() / 1};
}

class Computation {
  public:
    Computation(const std::vector<const History*>& watches, UtcTime now)
        : watches_(watches),
          now_(now),
          span_{day_of(now) - std::chrono::days{limits::status_days - 1}, now} {}

    ServiceStatus run() {
        ServiceStatus status;
        status.now = now_;
        for (const History* watch : watches_) {
            status.watches.push_back(watch->watch());
            if (status.begun == UtcTime{} || watch->begun() < status.begun)
                status.begun = watch->begun();
            if (watch->last_round() && (!status.last_round || *status.last_round < *watch->last_round()))
                status.last_round = watch->last_round();
            for (const std::string& name : watch->issuers()) {
                if (std::ranges::find(status.issuers, name, &IssuerStatus::name) == status.issuers.end())
                    status.issuers.push_back(issuer(name, status.outages));
            }
        }
        std::ranges::stable_sort(status.outages, std::ranges::greater{},
                                 [](const OutageEntry& entry) { return entry.outage.begin; });
        if (status.outages.size() > limits::status_outages)
            status.outages.resize(limits::status_outages);
        return status;
    }

  private:
    IssuerStatus issuer(const std::string& name, std::vector<OutageEntry>& outages_out) {
        IssuerStatus result;
        result.name = name;
        std::vector<Timeline> watched;
        for (std::size_t i = 0; i < method_count; ++i) {
            const auto method = static_cast<Method>(i);
            const Timeline timeline = merged(watches_, name, method, span_);
            result.methods[i] = method_status(name, method, timeline, outages_out);
            if (result.methods[i].watched)
                watched.push_back(timeline);
        }
        addresses(name, result);
        thresholds(name, watched, result);
        runway(name, result);
        return result;
    }

    bool is_watched(const std::string& name, Method method) const {
        for (const History* watch : watches_) {
            for (const SeriesHistory& series : watch->series()) {
                if (series.key().issuer == name && series.key().method == method)
                    return true;
            }
        }
        return false;
    }

    Count count(const std::string& name, Method method, const Window& window) const {
        Count total;
        for (const History* watch : watches_) {
            const Count one = watch->count(name, method, window);
            total.probes += one.probes;
            total.failed += one.failed;
        }
        return total;
    }

    MethodStatus method_status(const std::string& name, Method method, const Timeline& timeline,
                               std::vector<OutageEntry>& outages_out) {
        MethodStatus result;
        result.method = method;
        result.left_of_promise = limits::outage_promise;
        result.watched = is_watched(name, method);
        if (!result.watched || timeline.empty())
            return result;
        result.now = timeline.back().reach;
        result.cause = timeline.back().cause;
        result.since = timeline.back().from;
        const std::vector<Outage> found = outages(timeline);
        if (!found.empty() && found.back().open) {
            result.current_outage = found.back().length();
            result.left_of_promise = limits::outage_promise - result.current_outage;
            if (result.now == Reach::out)  // with another cause before: since the outage's begin
                result.since = found.back().begin;
        }
        const Window day{now_ - 24h, now_};
        result.timeline_day = cut(timeline, day);
        result.last_day = sum(result.timeline_day);
        result.last_90_days = sum(timeline);
        result.longest_day = longest(found, day);
        result.longest_month = longest(found, {month_of(now_), now_});
        result.longest_90_days = longest(found, span_);
        result.out_this_week = sum(cut(timeline, {week_of(now_), now_})).out;
        result.probes_last_hour = count(name, method, {now_ - 1h, now_});
        result.probes_last_day = count(name, method, day);
        for (UtcTime begin = span_.from; begin < now_; begin += 24h) {
            const Window one{begin, std::min(begin + 24h, now_)};
            result.days.push_back({begin, sum(cut(timeline, one)), longest(found, one)});
        }
        for (const Outage& outage : found)
            outages_out.push_back({name, method, outage, parts(name, method, outage)});
        delays(name, method, result);
        if (result.now == Reach::out)
            result.text = newest_words(name, method);
        return result;
    }

    void delays(const std::string& name, Method method, MethodStatus& result) const {
        UtcTime newest{};
        for (const History* watch : watches_) {
            for (const RevocationSeen& seen : watch->issuer(name).revocations) {
                if (seen.method != method || seen.seen_at > now_ || seen.seen_at < span_.from)
                    continue;
                result.longest_revocation_delay =
                    std::max(result.longest_revocation_delay.value_or(seconds{0}), seen.delay());
                if (seen.revoked_at >= newest) {
                    newest = seen.revoked_at;
                    result.last_revocation_delay = seen.delay();
                }
            }
        }
    }

    std::vector<Change> parts(const std::string& name, Method method, const Outage& outage) const {
        std::vector<Change> result;
        for (const History* watch : watches_) {
            for (const SeriesHistory& series : watch->series()) {
                if (series.key().issuer != name || series.key().method != method)
                    continue;
                auto change = std::ranges::lower_bound(series.changes(), outage.begin, {}, &Change::time);
                for (; change != series.changes().end() && change->time < outage.end; ++change) {
                    if (change->cause != Cause::none)
                        result.push_back(*change);
                }
            }
        }
        std::ranges::stable_sort(result, {}, &Change::time);
        if (result.size() > parts_shown)
            result.resize(parts_shown);
        return result;
    }

    std::string newest_words(const std::string& name, Method method) const {
        const Change* newest = nullptr;
        for (const History* watch : watches_) {
            for (const SeriesHistory& series : watch->series()) {
                if (series.key().issuer != name || series.key().method != method || series.changes().empty())
                    continue;
                const Change& last = series.changes().back();
                if (last.cause != Cause::none && (newest == nullptr || newest->time <= last.time))
                    newest = &last;
            }
        }
        return newest == nullptr ? std::string() : newest->text;
    }

    void addresses(const std::string& name, IssuerStatus& result) const {
        for (const History* watch : watches_) {
            for (const SeriesHistory& series : watch->series()) {
                if (series.key().issuer != name || !series.last())
                    continue;
                const Timeline last = series.timeline({now_ - 1s, now_});
                if (last.back().reach == Reach::unobserved)
                    continue;  // an address that is no longer in use
                const bool out = last.back().reach == Reach::out;
                result.addresses.push_back(
                    {series.key(), last.back().reach, last.back().cause,
                     out && !series.changes().empty() ? series.changes().back().text : "", *series.last()});
            }
        }
    }

    void thresholds(const std::string& name, const std::vector<Timeline>& watched, IssuerStatus& result) {
        if (watched.empty())
            return;
        const Timeline together = all_out(watched, span_);
        const std::vector<Outage> found = outages(together);
        if (!found.empty() && found.back().open)
            result.wholly_out = found.back().length();
        result.nis2_wholly_out = result.wholly_out > limits::nis2_wholly_out;
        result.wholly_out_this_week = sum(cut(together, {week_of(now_), now_})).out;
        result.nis2_week = result.wholly_out_this_week > limits::nis2_out_in_week;
        Count total;
        for (std::size_t i = 0; i < method_count; ++i) {
            const Count one = count(name, static_cast<Method>(i), {now_ - 1h, now_});
            total.probes += one.probes;
            total.failed += one.failed;
        }
        result.failed_share_last_hour = total.share();
        result.nis2_limited = result.failed_share_last_hour > limits::nis2_failed_share;
    }

    // The newest word of all watches up to `time`.
    template <class Facts>
    std::optional<Facts> facts_at(const std::string& name, std::vector<Facts> IssuerHistory::*list,
                                  UtcTime time) const {
        std::optional<Facts> newest;
        for (const History* watch : watches_) {
            const auto& facts = watch->issuer(name).*list;
            const auto after = std::ranges::upper_bound(facts, time, {}, &Facts::time);
            if (after != facts.begin() && (!newest || newest->time <= (after - 1)->time))
                newest = *(after - 1);
        }
        return newest;
    }

    static std::optional<seconds> runway_of(const std::optional<OcspFacts>& ocsp,
                                            const std::optional<CrlFacts>& crl, UtcTime time) {
        std::optional<seconds> runway;
        if (ocsp)
            runway = ocsp->next_update - time;
        if (crl)
            runway = std::min(runway.value_or(crl->next_update - time), seconds{crl->next_update - time});
        return runway;
    }

    void runway(const std::string& name, IssuerStatus& result) const {
        result.ocsp = facts_at(name, &IssuerHistory::ocsp, now_);
        result.crl = facts_at(name, &IssuerHistory::crl, now_);
        if (result.ocsp)
            result.ocsp_runway = result.ocsp->next_update - now_;
        if (result.crl) {
            result.crl_runway = result.crl->next_update - now_;
            result.crl_past_half_life =
                now_ > result.crl->this_update + (result.crl->next_update - result.crl->this_update) / 2;
        }
        result.runway = runway_of(result.ocsp, result.crl, now_);
        const seconds step = seconds{24h} / static_cast<int>(limits::runway_points);
        for (UtcTime time = now_ - 24h; time <= now_; time += step) {
            const auto then = runway_of(facts_at(name, &IssuerHistory::ocsp, time),
                                        facts_at(name, &IssuerHistory::crl, time), time);
            if (then)
                result.runway_line.push_back({time, *then});
        }
    }

    const std::vector<const History*>& watches_;
    UtcTime now_;
    Window span_;
};

}  // namespace

ServiceStatus compute_status(const std::vector<const History*>& watches, UtcTime now) {
    return Computation(watches, now).run();
}

}  // namespace eightbells::watch
