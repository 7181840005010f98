#include <nlohmann/json.hpp>

#include "responder/watch/limits.h"
#include "responder/watch/status.h"

namespace eightbells::watch {
namespace {

using Json = nlohmann::ordered_json;

template <class Value>
Json or_null(const std::optional<Value>& value) {
    return value ? Json(value->count()) : Json(nullptr);
}

Json sums_json(const Sums& sums) {
    return {{"up", sums.up.count()},
            {"out", sums.out.count()},
            {"unobserved", sums.unobserved.count()},
            {"availability", sums.availability()}};
}

Json timeline_json(const Timeline& timeline) {
    Json result = Json::array();
    for (const Segment& segment : timeline) {
        Json one{{"from", to_iso8601(segment.from)},
                 {"to", to_iso8601(segment.to)},
                 {"reach", to_string(segment.reach)}};
        if (segment.reach == Reach::out)
            one["cause"] = to_string(segment.cause);
        result.push_back(std::move(one));
    }
    return result;
}

Json method_json(const MethodStatus& method, Audience audience) {
    Json json{{"method", to_string(method.method)},
              {"now", to_string(method.now)},
              {"since", to_iso8601(method.since)},
              {"current_outage", method.current_outage.count()},
              {"left_of_four_hours", method.left_of_promise.count()},
              {"longest_outage",
               {{"last_24_hours", method.longest_day.count()},
                {"this_month", method.longest_month.count()},
                {"last_90_days", method.longest_90_days.count()}}},
              {"last_24_hours", sums_json(method.last_day)},
              {"last_90_days", sums_json(method.last_90_days)},
              {"out_this_week", method.out_this_week.count()},
              {"revocation_delay",
               {{"last", or_null(method.last_revocation_delay)},
                {"longest_90_days", or_null(method.longest_revocation_delay)}}}};
    if (method.now == Reach::out) {
        json["cause"] = to_string(method.cause);
        json["explanation"] = explain(method.cause);
        if (audience == Audience::operators)
            json["text"] = method.text;
    }
    if (audience == Audience::operators) {
        json["probes_last_24_hours"] = {{"made", method.probes_last_day.probes},
                                        {"failed", method.probes_last_day.failed}};
    }
    json["timeline"] = timeline_json(method.timeline_day);
    Json days = Json::array();
    for (const MethodStatus::Day& day : method.days) {
        Json one = sums_json(day.sums);
        one["day"] = to_iso8601(day.begin).substr(0, 10);
        one["longest_outage"] = day.longest_outage.count();
        days.push_back(std::move(one));
    }
    json["days"] = std::move(days);
    return json;
}

Json issuer_json(const IssuerStatus& issuer, Audience audience) {
    Json json{{"issuer", issuer.name}};
    Json methods = Json::array();
    for (const MethodStatus& method : issuer.methods) {
        if (method.watched)
            methods.push_back(method_json(method, audience));
    }
    json["methods"] = std::move(methods);
    json["runway"] = {{"seconds", or_null(issuer.runway)},
                      {"ocsp", or_null(issuer.ocsp_runway)},
                      {"crl", or_null(issuer.crl_runway)}};
    Json line = Json::array();
    for (const RunwayPoint& point : issuer.runway_line)
        line.push_back({to_unix(point.time), point.runway.count()});
    json["runway"]["line"] = std::move(line);
    if (issuer.crl) {
        json["crl"] = {{"number", issuer.crl->number},
                       {"this_update", to_iso8601(issuer.crl->this_update)},
                       {"next_update", to_iso8601(issuer.crl->next_update)},
                       {"size", issuer.crl->size},
                       {"entries", issuer.crl->entries},
                       {"past_half_life", issuer.crl_past_half_life}};
    }
    if (issuer.ocsp) {
        json["ocsp"] = {{"this_update", to_iso8601(issuer.ocsp->this_update)},
                        {"next_update", to_iso8601(issuer.ocsp->next_update)},
                        {"signer_not_after", to_iso8601(issuer.ocsp->signer_not_after)}};
    }
    if (audience == Audience::operators) {
        json["nis2"] = {{"wholly_out", issuer.wholly_out.count()},
                        {"wholly_out_above_20_minutes", issuer.nis2_wholly_out},
                        {"wholly_out_this_week", issuer.wholly_out_this_week.count()},
                        {"above_one_hour_this_week", issuer.nis2_week},
                        {"failed_share_last_hour", issuer.failed_share_last_hour},
                        {"limited_above_one_percent", issuer.nis2_limited}};
        Json addresses = Json::array();
        for (const AddressStatus& one : issuer.addresses) {
            addresses.push_back({{"method", to_string(one.key.method)},
                                 {"address", one.key.address},
                                 {"now", to_string(one.now)},
                                 {"cause", to_string(one.cause)},
                                 {"text", one.text},
                                 {"last_probe", to_iso8601(one.last)}});
        }
        json["addresses"] = std::move(addresses);
    }
    return json;
}

Json outage_json(const OutageEntry& entry, Audience audience) {
    Json json{{"issuer", entry.issuer},
              {"method", to_string(entry.method)},
              {"begin", to_iso8601(entry.outage.begin)},
              {"end", entry.outage.open ? Json(nullptr) : Json(to_iso8601(entry.outage.end))},
              {"length", entry.outage.length().count()},
              {"unobserved", entry.outage.unobserved.count()},
              {"cause", to_string(entry.outage.cause)},
              {"explanation", explain(entry.outage.cause)}};
    if (audience == Audience::operators) {
        Json parts = Json::array();
        for (const Change& part : entry.parts) {
            parts.push_back({{"time", to_iso8601(part.time)},
                             {"cause", to_string(part.cause)},
                             {"text", part.text},
                             {"row", part.row},
                             {"evidence", part.evidence}});
        }
        json["parts"] = std::move(parts);
    }
    return json;
}

}  // namespace

std::string to_json(const ServiceStatus& status, Audience audience) {
    Json json{{"now", to_iso8601(status.now)},
              {"promise", limits::outage_promise.count()},
              {"watches", status.watches},
              {"begun", to_iso8601(status.begun)},
              {"last_round", status.last_round ? Json(to_iso8601(*status.last_round)) : Json(nullptr)}};
    Json issuers = Json::array();
    for (const IssuerStatus& issuer : status.issuers)
        issuers.push_back(issuer_json(issuer, audience));
    json["issuers"] = std::move(issuers);
    Json outages = Json::array();
    for (const OutageEntry& entry : status.outages)
        outages.push_back(outage_json(entry, audience));
    json["outages"] = std::move(outages);
    if (audience == Audience::operators) {
        json["ledger"] = {{"rows", status.head.number}, {"digest", to_hex(status.head.digest)}};
        if (status.last_anchor)
            json["ledger"]["anchored"] = {{"rows", status.last_anchor->head.number},
                                          {"time", to_iso8601(status.last_anchor->time)}};
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace eightbells::watch
