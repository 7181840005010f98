#include <fmt/format.h>

#include <algorithm>

#include "responder/watch/limits.h"
#include "responder/watch/prober.h"

// The prober's CRL half: whole, and conditionally with the validators of the CRL held before.
namespace eightbells::watch {

Status Prober::ask_crls(RoundSink& sink, bool whole_crl, const std::function<bool()>& stop) {
    std::vector<CrlTarget> targets;
    for (std::size_t i = 0; i < issuers_.size(); ++i) {
        if (issuers_[i].crl_url.empty())
            continue;
        for (const std::string& address :
             addresses(sink, i, issuers_[i].crl_url, {Method::crl, Method::crl_conditional})) {
            const auto held = held_.find({i, address});
            targets.push_back({i, address, false, held == held_.end() ? Held{} : held->second, std::nullopt});
        }
    }
    std::vector<Fetch> fetches;
    std::vector<std::size_t> asked;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const CrlTarget& target = targets[i];
        if (!whole_crl && held_.contains({target.issuer, target.address}))
            continue;
        fetches.push_back(
            {issuers_[target.issuer].crl_url, target.address, {}, {}, limits::watched_crl_octets, {}});
        asked.push_back(i);
    }
    auto fetched = fetcher_.fetch(
        fetches,
        [&](std::size_t i, const Fetched& answer) { whole_answered(sink, targets[asked[i]], answer); }, stop);
    if (!fetched || stop())
        return fetched;
    finish_waiting(sink, true);
    return ask_conditionally(sink, targets, stop);
}

void Prober::whole_answered(RoundSink& sink, CrlTarget& target, const Fetched& fetched) {
    const WatchedIssuer& issuer = issuers_[target.issuer];
    const UtcTime now = clock_.now();
    std::vector<Serial> serials;
    for (const Waiting& waiting : waiting_) {
        if (waiting.awaited.issuer == target.issuer)
            serials.push_back(waiting.awaited.serial);
    }
    CrlJudged judged = judge_crl(issuer, words_[target.issuer], serials, fetched, now);
    if (judged.verdict.right() && judged.facts.this_update + limits::watched_lag < target.before.this_update)
        judged.verdict = wrong(Cause::went_back, fmt::format("thisUpdate is {}, and was {} before",
                                                             to_iso8601(judged.facts.this_update),
                                                             to_iso8601(target.before.this_update)));
    target.whole = judged.verdict;
    for (Waiting& waiting : waiting_) {
        if (waiting.awaited.issuer != target.issuer)
            continue;
        constexpr auto crl = static_cast<std::size_t>(Method::crl);
        ++waiting.asked[crl];
        for (const auto& [serial, seen] : judged.awaited)
            waiting.said[crl] += judged.verdict.right() && serial == waiting.awaited.serial ? 1U : 0U;
    }
    const auto at = std::pair(target.issuer, target.address);
    if (judged.verdict.right()) {
        const Held held{sha256(fetched.body), std::string(fetched.header("etag")),
                        std::string(fetched.header("last-modified")), judged.facts.this_update,
                        judged.facts.next_update};
        target.changed = held_.contains(at) && target.before.digest != held.digest;
        if (!target.changed)
            target.before = held;
        held_[at] = held;
        sink.noted(issuer.name, judged.facts);
    } else {
        held_.erase(at);  // asked for whole again at the next round, whatever its period
    }
    observe(sink, {issuer.name, Method::crl, target.address}, judged.verdict, fetched.evidence());
}

Status Prober::ask_conditionally(RoundSink& sink, std::vector<CrlTarget>& targets,
                                 const std::function<bool()>& stop) {
    std::vector<Fetch> fetches;
    std::vector<const CrlTarget*> asked;
    for (const CrlTarget& target : targets) {
        const SeriesKey key{issuers_[target.issuer].name, Method::crl_conditional, target.address};
        if (target.whole && !target.whole->right()) {
            observe(sink, key, *target.whole, {});  // its evidence stands with the whole fetch
            continue;
        }
        Fetch fetch{issuers_[target.issuer].crl_url, target.address, {}, {}, limits::watched_crl_octets, {}};
        if (!target.before.etag.empty())
            fetch.headers.push_back("If-None-Match: " + target.before.etag);
        else if (!target.before.last_modified.empty())
            fetch.headers.push_back("If-Modified-Since: " + target.before.last_modified);
        if (fetch.headers.empty()) {
            observe(sink, key, wrong(Cause::no_validator, "neither ETag nor Last-Modified"), {});
            continue;
        }
        fetches.push_back(std::move(fetch));
        asked.push_back(&target);
    }
    return fetcher_.fetch(
        fetches,
        [&](std::size_t i, const Fetched& fetched) {
            const CrlTarget& target = *asked[i];
            observe(sink, {issuers_[target.issuer].name, Method::crl_conditional, target.address},
                    judge_conditional(target, fetched, clock_.now()), fetched.evidence());
        },
        stop);
}

Verdict Prober::judge_conditional(const CrlTarget& target, const Fetched& fetched, UtcTime now) {
    if (auto way = judge_way(fetched); !way.right())
        return way;
    if (fetched.status != 304) {
        const Verdict verdict =
            judge_crl(issuers_[target.issuer], words_[target.issuer], {}, fetched, now).verdict;
        // Another CRL than the one held: fetched whole at the next round, whatever its period.
        if (verdict.right() && !target.changed && sha256(fetched.body) != target.before.digest)
            held_.erase({target.issuer, target.address});
        return verdict;
    }
    if (target.changed)
        return wrong(Cause::stale_not_modified, "304 for the validators of a CRL that has been replaced");
    if (target.before.next_update < now)
        return wrong(Cause::expired,
                     "304 for a CRL whose nextUpdate was " + to_iso8601(target.before.next_update));
    return {};
}

}  // namespace eightbells::watch
