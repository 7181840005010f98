#include "responder/watch/prober.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>

#include "responder/watch/limits.h"

namespace eightbells::watch {
namespace {

std::string_view name_of(RequestHash hash) {
    return hash == RequestHash::sha1 ? "SHA-1" : "SHA-256";
}

}  // namespace

std::string get_url(const std::string& base, ByteView request) {
    std::string text(4 * ((request.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), request.data(),
                                     static_cast<int>(request.size()));
    text.resize(static_cast<std::size_t>(size));
    std::string url = base;
    if (url.empty() || url.back() != '/')
        url += '/';
    for (const char c : text) {
        if (c == '+')
            url += "%2B";
        else if (c == '/')
            url += "%2F";
        else if (c == '=')
            url += "%3D";
        else
            url += c;
    }
    return url;
}

Prober::Prober(std::vector<WatchedIssuer> issuers, Fetcher fetcher, const Clock& clock)
    : issuers_(std::move(issuers)), fetcher_(std::move(fetcher)), clock_(clock), words_(issuers_.size()) {}

Status Prober::await(const Awaited& awaited) {
    if (waiting_.size() >= limits::awaited_revocations)
        return fail(fmt::format("{} revocations are waited for already", waiting_.size()));
    Waiting waiting{awaited, awaited.seen, {}, {}};
    const WatchedIssuer& issuer = issuers_.at(awaited.issuer);
    for (const Method method : {Method::ocsp_get, Method::ocsp_post}) {
        bool& seen = waiting.seen[static_cast<std::size_t>(method)];
        seen = seen || issuer.ocsp_url.empty();
    }
    bool& listed = waiting.seen[static_cast<std::size_t>(Method::crl)];
    listed = listed || issuer.crl_url.empty();
    waiting.seen[static_cast<std::size_t>(Method::crl_conditional)] = true;
    waiting_.push_back(waiting);
    return {};
}

void Prober::observe(RoundSink& sink, const SeriesKey& key, const Verdict& verdict, Bytes evidence) {
    if (verdict.cause == Cause::internal)
        return sink.trouble(fmt::format("{} {}: {}", key.issuer, to_string(key.method), verdict.text));
    sink.observed(
        key, {clock_.now(), verdict.cause, verdict.text, verdict.right() ? Bytes{} : std::move(evidence)});
}

// The addresses to ask. None: the name does not resolve, and every address known before is out of reach by
// that name, for that reason.
std::vector<std::string> Prober::addresses(RoundSink& sink, std::size_t issuer, const std::string& url,
                                           std::initializer_list<Method> methods) {
    const WatchedIssuer& watched = issuers_[issuer];
    if (!watched.fronts.empty())
        return watched.fronts;
    const auto parts = fetch::parse_url(url);
    auto found = parts ? fetch::resolve(parts->host, parts->port)
                       : Result<std::vector<std::string>>(tl::unexpected(parts.error()));
    std::vector<std::string>& known = known_[{issuer, url}];
    if (found) {
        known = std::move(*found);
        return known;
    }
    const std::vector<std::string> unnamed{""};
    for (const Method method : methods) {
        for (const std::string& address : known.empty() ? unnamed : known)
            observe(sink, {watched.name, method, address}, wrong(Cause::dns, found.error().message), {});
    }
    return {};
}

Status Prober::round(RoundSink& sink, bool whole_crl, const std::function<bool()>& stop) {
    give_up_waiting(sink);
    for (Waiting& waiting : waiting_) {
        waiting.said = {};
        waiting.asked = {};
    }
    if (auto asked = ask_ocsp(sink, stop); !asked || stop())
        return asked;
    return ask_crls(sink, whole_crl, stop);
}

// --- OCSP

void Prober::ask(OcspRound& round, Question question) {
    const WatchedIssuer& issuer = issuers_[question.issuer];
    auto request = issuer.openssl.request(question.canary.serial, question.hash);
    Fetch fetch;
    fetch.address = question.address;
    fetch.at_most = limits::watched_answer_octets;
    if (!request) {
        if (question.probe)
            round.probes[*question.probe].looked = false;
        return;
    }
    if (question.method == Method::ocsp_get) {
        fetch.url = get_url(issuer.ocsp_url, *request);
    } else {
        fetch.url = issuer.ocsp_url;
        fetch.post = std::move(*request);
    }
    if (question.probe)
        ++round.probes[*question.probe].left;
    round.fetches.push_back(std::move(fetch));
    round.questions.push_back(std::move(question));
}

void Prober::plan_waiting(OcspRound& round, std::size_t issuer, const std::string& address) {
    std::size_t asked = 0;
    for (std::size_t i = 0; i < waiting_.size() && asked < limits::awaited_in_a_round; ++i) {
        Waiting& waiting = waiting_[i];
        if (waiting.awaited.issuer != issuer)
            continue;
        ++asked;
        // As `expired`: any signed status but unknown will do, and which one is looked at afterwards.
        auto canary = issuers_[issuer].openssl.canary(CanaryKind::expired, waiting.awaited.serial);
        if (!canary)
            continue;
        for (const Method method : {Method::ocsp_get, Method::ocsp_post}) {
            if (waiting.seen[static_cast<std::size_t>(method)])
                continue;
            ++waiting.asked[static_cast<std::size_t>(method)];
            ask(round, {std::nullopt, issuer, *canary, issuers_[issuer].hashes.front(), method, address, i});
        }
    }
}

void Prober::plan_ocsp(RoundSink& sink, OcspRound& round) {
    for (std::size_t i = 0; i < issuers_.size(); ++i) {
        const WatchedIssuer& issuer = issuers_[i];
        if (issuer.ocsp_url.empty())
            continue;
        for (const std::string& address :
             addresses(sink, i, issuer.ocsp_url, {Method::ocsp_get, Method::ocsp_post})) {
            for (const Method method : {Method::ocsp_get, Method::ocsp_post}) {
                round.probes.push_back({{issuer.name, method, address}, i, 0, {}, {}, true});
                for (const Canary& canary : issuer.canaries) {
                    for (const RequestHash hash : issuer.hashes)
                        ask(round, {round.probes.size() - 1, i, canary, hash, method, address, 0});
                }
            }
            plan_waiting(round, i, address);
        }
    }
}

// The same address must not fall back behind what it said before (a replayed answer). Fronts behind one
// address may differ for a moment.
Verdict Prober::check_order(const Question& question, const OcspSeen& seen) {
    UtcTime& newest = newest_[{question.issuer, question.address, question.canary.kind, question.hash}];
    if (seen.this_update + limits::watched_lag < newest)
        return wrong(Cause::went_back, fmt::format("thisUpdate is {}, and was {} before",
                                                   to_iso8601(seen.this_update), to_iso8601(newest)));
    newest = std::max(newest, seen.this_update);
    return {};
}

void Prober::take_words(OcspRound& round, const Question& question, const OcspSeen& seen) {
    if (!seen.next_update)
        return;  // "never issued", unsigned
    words_[question.issuer][question.canary.kind] = seen;
    const auto [facts, first] = round.facts.try_emplace(
        question.issuer, OcspFacts{clock_.now(), seen.this_update, *seen.next_update, seen.signer_not_after});
    if (first)
        return;
    facts->second.this_update = std::min(facts->second.this_update, seen.this_update);
    facts->second.next_update = std::min(facts->second.next_update, *seen.next_update);
    facts->second.signer_not_after = std::min(facts->second.signer_not_after, seen.signer_not_after);
}

void Prober::answered(RoundSink& sink, OcspRound& round, const Question& question, const Fetched& fetched) {
    OcspJudged judged =
        judge_ocsp(issuers_[question.issuer], question.canary, question.hash, fetched, clock_.now());
    if (!question.probe) {
        if (judged.verdict.right() && judged.seen.status == SeenStatus::revoked)
            ++waiting_[question.waiting].said[static_cast<std::size_t>(question.method)];
        return;
    }
    if (judged.verdict.right())
        judged.verdict = check_order(question, judged.seen);
    Probe& probe = round.probes[*question.probe];
    if (judged.verdict.right()) {
        take_words(round, question, judged.seen);
    } else if (judged.verdict.cause == Cause::internal) {
        probe.looked = false;
        sink.trouble(judged.verdict.text);
    } else if (probe.verdict.right() || judged.verdict.cause < probe.verdict.cause) {
        // Of several faults the one that a relying party meets first, whichever answer came first.
        probe.verdict =
            wrong(judged.verdict.cause, fmt::format("{} canary by {}: {}", to_string(question.canary.kind),
                                                    name_of(question.hash), judged.verdict.text));
        probe.evidence = fetched.evidence();
    }
    if (--probe.left == 0 && (probe.looked || !probe.verdict.right()))
        observe(sink, probe.key, probe.verdict, std::move(probe.evidence));
}

void Prober::give_up_waiting(RoundSink& sink) {
    std::erase_if(waiting_, [&](const Waiting& waiting) {
        const Awaited& awaited = waiting.awaited;
        const bool too_old = awaited.revoked_at + limits::awaited_for < clock_.now();
        if (too_old)
            sink.trouble(fmt::format(
                "{}: a certificate was said to be revoked at {} and is not seen so by every "
                "method (reference {})",
                issuers_[awaited.issuer].name, to_iso8601(awaited.revoked_at), awaited.reference));
        return too_old;
    });
}

// A revocation has arrived by a method when all addresses that were asked have it in the same round.
void Prober::finish_waiting(RoundSink& sink, bool crl) {
    for (Waiting& waiting : waiting_) {
        for (std::size_t i = 0; i < method_count; ++i) {
            const auto method = static_cast<Method>(i);
            if (waiting.seen[i] || (method == Method::crl) != crl || waiting.asked[i] == 0 ||
                waiting.said[i] != waiting.asked[i])
                continue;
            waiting.seen[i] = true;
            sink.revocation(issuers_[waiting.awaited.issuer].name,
                            {method, waiting.awaited.revoked_at, clock_.now(), waiting.awaited.reference});
        }
    }
    std::erase_if(waiting_, [](const Waiting& waiting) {
        return std::ranges::all_of(waiting.seen, [](bool seen) { return seen; });
    });
    // Who has been asked for comes last the next time: what never arrives keeps nobody else waiting.
    std::ranges::stable_partition(waiting_, [](const Waiting& waiting) {
        return waiting.asked[static_cast<std::size_t>(Method::ocsp_get)] == 0 &&
               waiting.asked[static_cast<std::size_t>(Method::ocsp_post)] == 0;
    });
}

Status Prober::ask_ocsp(RoundSink& sink, const std::function<bool()>& stop) {
    OcspRound round;
    plan_ocsp(sink, round);
    auto asked = fetcher_.fetch(
        round.fetches,
        [&](std::size_t i, const Fetched& fetched) { answered(sink, round, round.questions[i], fetched); },
        stop);
    if (!asked || stop())
        return asked;
    for (const auto& [issuer, facts] : round.facts)
        sink.noted(issuers_[issuer].name, facts);
    finish_waiting(sink, false);
    return {};
}

}  // namespace eightbells::watch
