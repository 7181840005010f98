#include "responder/watch/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/watch/limits.h"

namespace eightbells::watch {
namespace {

using Json = nlohmann::json;

// Like a JSON reader's own exceptions, it never leaves this file.
struct Wrong {
    std::string message;
};

UtcTime time_of(const Json& body, const char* field) {
    const auto time = from_iso8601(body.at(field).get_ref<const std::string&>());
    if (!time)
        throw Wrong{std::string(field) + ": " + time.error().message};
    return *time;
}

Method method_of(const Json& body) {
    const auto method = method_from(body.at("method").get_ref<const std::string&>());
    if (!method)
        throw Wrong{"method: not known"};
    return *method;
}

}  // namespace

void SeriesHistory::observe(UtcTime time, Cause cause) {
    if (last_ && time <= *last_)
        return;
    if (last_ && time - *last_ > hold_) {
        append(segments_, {*last_, time, Reach::unobserved, Cause::none});
    } else if (last_) {
        append(segments_, {*last_, time, state_ == Cause::none ? Reach::up : Reach::out, state_});
    }
    last_ = time;
    state_ = cause;
    const UtcTime hour = hour_of(time);
    if (hours_.empty() || hours_.back().begin != hour)
        hours_.push_back({hour, {}});
    ++hours_.back().count.probes;
    hours_.back().count.failed += cause == Cause::none ? 0U : 1U;
}

Timeline SeriesHistory::timeline(const Window& window) const {
    Timeline result = cut(segments_, window);
    if (!last_ || *last_ >= window.to || window.to - *last_ > hold_)
        return result;
    // The newest probe holds up to now.
    const UtcTime from = std::max(*last_, window.from);
    result = cut(result, {window.from, from});
    append(result, {from, window.to, state_ == Cause::none ? Reach::up : Reach::out, state_});
    return result;
}

Count SeriesHistory::count(const Window& window) const {
    Count total;
    auto hour = std::ranges::lower_bound(hours_, hour_of(window.from), {}, &Hour::begin);
    for (; hour != hours_.end() && hour->begin < window.to; ++hour) {
        total.probes += hour->count.probes;
        total.failed += hour->count.failed;
    }
    return total;
}

Status History::apply(std::uint64_t number, std::string_view kind, const Json& body) {
    try {
        return apply_checked(number, kind, body);
    } catch (const Json::exception& error) {
        return fail(fmt::format("a row of kind \"{}\": {}", kind, error.what()));
    } catch (const Wrong& error) {
        return fail(fmt::format("a row of kind \"{}\": {}", kind, error.message));
    }
}

Status History::apply_checked(std::uint64_t number, std::string_view kind, const Json& body) {
    if ((number == 1) != (kind == "genesis"))
        return fail("row 1, and no other, is of kind \"genesis\"");
    if (kind == "genesis") {
        if (body.at("format").get<int>() != 1)
            return fail("a format that this version does not know");
        watch_ = body.at("watch").get<std::string>();
        key_ = body.at("key").get<std::string>();
        begun_ = time_of(body, "time");
        return {};
    }
    if (kind == "series")
        return apply_series(body);
    if (kind == "change")
        return apply_change(number, body);
    if (kind == "round")
        return apply_round(body);
    if (kind == "facts")
        return apply_facts(body);
    if (kind == "revocation") {
        issuer_for_writing(body.at("issuer").get<std::string>())
            .revocations.push_back({method_of(body), time_of(body, "revoked_at"), time_of(body, "seen_at"),
                                    body.at("reference").get<std::string>()});
        return {};
    }
    // What is on record but not counted: program starts and orderly ends, and anchors, our own and others'.
    if (kind == "start" || kind == "stop" || kind == "anchor" || kind == "witness")
        return {};
    return fail(fmt::format("a row of unknown kind \"{}\"", kind));
}

Status History::apply_series(const Json& body) {
    SeriesKey key{body.at("issuer").get<std::string>(), method_of(body),
                  body.at("address").get<std::string>()};
    const auto number = body.at("series").get<std::size_t>();
    const seconds hold{body.at("hold").get<std::int64_t>()};
    if (number > series_.size() || number >= limits::watched_series)
        return fail("series: a number out of order");
    if (number < series_.size()) {  // its hold has changed with the configuration
        if (series_[number].key() != key)
            return fail("series: a number that is taken");
        series_[number].set_hold(hold);
        return {};
    }
    issuer_for_writing(key.issuer);
    numbers_.emplace(key, number);
    series_.emplace_back(std::move(key), hold);
    return {};
}

Status History::apply_change(std::uint64_t number, const Json& body) {
    const auto series = body.at("series").get<std::size_t>();
    const auto cause = cause_from(body.at("cause").get_ref<const std::string&>());
    if (series >= series_.size() || !cause)
        return fail("change: of no known series or cause");
    const UtcTime time = time_of(body, "time");
    series_[series].observe(time, *cause);
    series_[series].note(
        {time, *cause, body.at("text").get<std::string>(), body.at("evidence").get<std::string>(), number});
    return {};
}

Status History::apply_round(const Json& body) {
    const UtcTime began = time_of(body, "began");
    last_round_ = time_of(body, "ended");
    for (const Json& seen : body.at("seen")) {
        const auto series = seen.at(0).get<std::size_t>();
        if (series >= series_.size())
            return fail("round: of no known series");
        series_[series].observe(began + seconds{seen.at(1).get<std::int64_t>()}, series_[series].state());
    }
    return {};
}

Status History::apply_facts(const Json& body) {
    IssuerHistory& issuer = issuer_for_writing(body.at("issuer").get<std::string>());
    const UtcTime time = time_of(body, "time");
    if (body.contains("ocsp")) {
        const Json& ocsp = body.at("ocsp");
        issuer.ocsp.push_back({time, time_of(ocsp, "this_update"), time_of(ocsp, "next_update"),
                               time_of(ocsp, "signer_not_after")});
    }
    if (body.contains("crl")) {
        const Json& crl = body.at("crl");
        issuer.crl.push_back({time, crl.at("number").get<std::string>(), time_of(crl, "this_update"),
                              time_of(crl, "next_update"), crl.at("size").get<std::uint64_t>(),
                              crl.at("entries").get<std::uint64_t>()});
    }
    return {};
}

std::optional<std::size_t> History::find(const SeriesKey& key) const {
    const auto found = numbers_.find(key);
    if (found == numbers_.end())
        return std::nullopt;
    return found->second;
}

const IssuerHistory& History::issuer(const std::string& name) const {
    static const IssuerHistory none;
    const auto found = issuers_.find(name);
    return found == issuers_.end() ? none : found->second;
}

IssuerHistory& History::issuer_for_writing(const std::string& name) {
    const auto [found, made] = issuers_.try_emplace(name);
    if (made)
        names_.push_back(name);
    return found->second;
}

Timeline History::timeline(const std::string& issuer, Method method, const Window& window) const {
    std::vector<Timeline> parts;
    for (const SeriesHistory& series : series_) {
        if (series.key().issuer == issuer && series.key().method == method)
            parts.push_back(series.timeline(window));
    }
    return all_out(parts, window);
}

Count History::count(const std::string& issuer, Method method, const Window& window) const {
    Count total;
    for (const SeriesHistory& series : series_) {
        if (series.key().issuer != issuer || series.key().method != method)
            continue;
        const Count one = series.count(window);
        total.probes += one.probes;
        total.failed += one.failed;
    }
    return total;
}

Timeline merged(const std::vector<const History*>& watches, const std::string& issuer, Method method,
                const Window& window) {
    std::vector<Timeline> parts;
    for (const History* watch : watches)
        parts.push_back(watch->timeline(issuer, method, window));
    return all_out(parts, window);
}

}  // namespace eightbells::watch
