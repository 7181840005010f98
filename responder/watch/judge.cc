#include "responder/watch/judge.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "responder/watch/limits.h"

namespace eightbells::watch {

using namespace std::chrono_literals;

namespace {

std::string_view name_of(SeenStatus status) {
    switch (status) {
        case SeenStatus::good:
            return "good";
        case SeenStatus::revoked:
            return "revoked";
        case SeenStatus::unknown:
            break;
    }
    return "unknown";
}

std::optional<UtcTime> http_date(std::string_view text) {
    const time_t time = curl_getdate(std::string(text).c_str(), nullptr);
    if (text.empty() || time < 0)
        return std::nullopt;
    return from_unix(time);
}

std::optional<std::int64_t> number_of(std::string_view text) {
    std::int64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{} || value < 0)
        return std::nullopt;
    return value;
}

// max-age, where Cache-Control has one.
std::optional<seconds> max_age(std::string_view cache_control) {
    for (std::string_view name : {"s-maxage=", "max-age="}) {
        const auto at = cache_control.find(name);
        if (at == std::string_view::npos)
            continue;
        if (const auto value = number_of(cache_control.substr(at + name.size())))
            return seconds{*value};
    }
    return std::nullopt;
}

// D-05 and D-06: validity with both end points, and how old an answer may be.
Verdict judge_public_trust(UtcTime this_update, UtcTime next_update, UtcTime now) {
    const seconds validity = next_update - this_update;
    if (validity < limits::public_validity_min || validity + 1s > limits::public_validity_max)
        return wrong(Cause::validity_period, fmt::format("valid for {} s", validity.count()));
    const UtcTime refresh_by = validity < limits::public_short_validity
                                   ? this_update + validity / 2
                                   : next_update - limits::public_refresh_before;
    if (now > std::min(refresh_by, this_update + limits::public_refresh_age))
        return wrong(Cause::stale, "not refreshed since " + to_iso8601(this_update));
    return {};
}

Verdict judge_status(const Canary& canary, const OcspSeen& seen) {
    const bool hold = seen.revocation && seen.revocation->reason == CrlReason::certificate_hold;
    bool fits = false;
    switch (canary.kind) {
        case CanaryKind::good:
            fits = seen.status == SeenStatus::good;
            break;
        case CanaryKind::revoked:
            fits = seen.status == SeenStatus::revoked && !hold;
            break;
        case CanaryKind::hold:
            fits = seen.status == SeenStatus::revoked && hold;
            break;
        case CanaryKind::expired:  // its last status is still told (G-05)
            fits = seen.status != SeenStatus::unknown;
            break;
        case CanaryKind::unissued:
            fits = seen.status != SeenStatus::good;
            break;
        case CanaryKind::count_:
            break;
    }
    if (fits)
        return {};
    return wrong(Cause::status_wrong, fmt::format("the {} canary is said to be {}{}", to_string(canary.kind),
                                                  name_of(seen.status), hold ? ", on hold" : ""));
}

// What Botan says of the same octets; where it differs, that is a finding of its own.
Verdict compare(const Verdict& first, SeenStatus status, const SecondOpinion& second) {
    // A missing nextUpdate is allowed by the RFC and refused by us alone.
    if (first.cause == Cause::no_next_update || first.cause == Cause::internal)
        return first;
    if (first.right() != second.accepted)
        return wrong(Cause::libraries_disagree, first.right()
                                                    ? "OpenSSL accepts it, Botan does not: " + second.why
                                                    : fmt::format("Botan accepts it, OpenSSL says {}: {}",
                                                                  to_string(first.cause), first.text));
    if (first.right() && second.status && *second.status != status)
        return wrong(Cause::libraries_disagree,
                     fmt::format("OpenSSL reads {}, Botan {}", name_of(status), name_of(*second.status)));
    return first;
}

}  // namespace

Verdict judge_way(const Fetched& fetched) {
    static constexpr std::array causes{Cause::none,      Cause::dns,           Cause::connect,
                                       Cause::tls,       Cause::timeout,       Cause::truncated,
                                       Cause::too_large, Cause::http_protocol, Cause::internal};
    return {causes[static_cast<std::size_t>(fetched.failure)], fetched.why};
}

Verdict judge_http(const Fetched& fetched, std::string_view media_type, UtcTime now) {
    if (auto way = judge_way(fetched); !way.right())
        return way;
    if (fetched.status >= 300 && fetched.status < 400)
        return wrong(Cause::redirect,
                     fmt::format("HTTP {} to {}", fetched.status, fetched.header("location")));
    if (fetched.status != 200)
        return wrong(Cause::http_status, fmt::format("HTTP {}", fetched.status));
    std::string_view type = fetched.header("content-type");
    type = type.substr(0, type.find(';'));
    if (type != media_type)
        return wrong(Cause::content_type, fmt::format("\"{}\" instead of \"{}\"", type, media_type));
    const auto date = http_date(fetched.header("date"));
    if (!date)
        return wrong(Cause::http_headers, "no Date");
    if (*date > now + limits::watched_date_skew)
        return wrong(Cause::http_headers, "Date is " + to_iso8601(*date) + ", in the future");
    return {};
}

Verdict judge_caching(const Fetched& fetched, UtcTime next_update, UtcTime now) {
    const auto age_field = number_of(fetched.header("age"));
    const auto date = http_date(fetched.header("date"));
    const auto life = max_age(fetched.header("cache-control"));
    const auto expires = http_date(fetched.header("expires"));
    // RFC 9111, section 4.2.3: how old it is at least.
    seconds age{age_field.value_or(0)};
    if (date)
        age = std::max(age, seconds{now - *date});
    if (life && age > *life + limits::watched_date_skew)
        return wrong(Cause::cache_stale,
                     fmt::format("{} s old, to be kept for {} s", age.count(), life->count()));
    if (life && now + (*life - std::min(age, *life)) > next_update + limits::watched_clock_skew)
        return wrong(Cause::cache_stale,
                     fmt::format("to be kept for {} s more, beyond nextUpdate", (*life - age).count()));
    if (!life && expires && *expires > next_update + limits::watched_clock_skew)
        return wrong(Cause::cache_stale, "Expires lies behind nextUpdate");
    return {};
}

OcspJudged judge_ocsp(const WatchedIssuer& issuer, const Canary& canary, RequestHash hash,
                      const Fetched& fetched, UtcTime now) {
    OcspJudged judged;
    judged.verdict = judge_http(fetched, "application/ocsp-response", now);
    if (!judged.verdict.right())
        return judged;
    judged.seen = issuer.openssl.read_ocsp(fetched.body, canary.serial, hash, now);
    // Botan knows no skew: what lies within ours is judged at its own time.
    const UtcTime then = judged.seen.verdict.right() ? std::max(now, judged.seen.this_update) : now;
    const SecondOpinion second = issuer.botan.judge_ocsp(fetched.body, canary.certificate, then);
    constexpr int unauthorized = 6;
    if (canary.kind == CanaryKind::unissued && judged.seen.response_status == unauthorized) {
        if (second.accepted)
            judged.verdict = wrong(Cause::libraries_disagree, "OpenSSL reads unauthorized, Botan a status");
        return judged;  // as it should be: never issued, and so no statement (RFC 9919)
    }
    judged.verdict = compare(judged.seen.verdict, judged.seen.status, second);
    if (!judged.verdict.right())
        return judged;
    judged.verdict = judge_status(canary, judged.seen);
    if (judged.verdict.right() && issuer.public_trust)
        judged.verdict = judge_public_trust(judged.seen.this_update, *judged.seen.next_update, now);
    if (judged.verdict.right())
        judged.verdict = judge_caching(fetched, *judged.seen.next_update, now);
    return judged;
}

namespace {

// One canary in the CRL against what is due, and against what OCSP says.
Verdict judge_entry(const Canary& canary, const std::optional<SeenRevocation>& listed, const OcspSeen* word) {
    // Expired certificates leave CRLs (RFC 5280, section 3.3), and OCSP alone tells of unissued ones.
    if (canary.kind == CanaryKind::expired)
        return {};
    const bool revoked = canary.kind == CanaryKind::revoked || canary.kind == CanaryKind::hold;
    const bool said = word != nullptr && word->status == SeenStatus::revoked;
    if (listed.has_value() != revoked) {
        const std::string text =
            fmt::format("the {} canary is {}on the CRL", to_string(canary.kind), listed ? "" : "not ");
        return word != nullptr && said != listed.has_value()
                   ? wrong(Cause::disagreement, text + fmt::format(", and {} by OCSP", name_of(word->status)))
                   : wrong(Cause::status_wrong, text);
    }
    if (!listed)
        return {};
    const bool hold = listed->reason == CrlReason::certificate_hold;
    if (hold != (canary.kind == CanaryKind::hold))
        return wrong(Cause::status_wrong, fmt::format("the {} canary is {}on hold by the CRL",
                                                      to_string(canary.kind), hold ? "" : "not "));
    if (said && word->revocation && word->revocation->time != listed->time)
        return wrong(Cause::disagreement,
                     fmt::format("the {} canary was revoked at {} by OCSP and at {} by the CRL",
                                 to_string(canary.kind), to_iso8601(word->revocation->time),
                                 to_iso8601(listed->time)));
    if (said && word->revocation && word->revocation->reason != listed->reason)
        return wrong(
            Cause::disagreement,
            fmt::format("the {} canary has another reason by OCSP than by the CRL", to_string(canary.kind)));
    return {};
}

}  // namespace

CrlJudged judge_crl(const WatchedIssuer& issuer, const OcspWords& words, std::span<const Serial> awaited,
                    const Fetched& fetched, UtcTime now) {
    CrlJudged judged;
    judged.verdict = judge_http(fetched, "application/pkix-crl", now);
    if (!judged.verdict.right())
        return judged;
    auto crl = issuer.openssl.read_crl(fetched.body, now);
    const UtcTime then = crl.verdict().right() ? std::max(now, crl.this_update()) : now;
    const auto second = issuer.botan.judge_crl(fetched.body, then);
    judged.verdict = compare(crl.verdict(), SeenStatus::unknown, second.opinion());
    if (!judged.verdict.right())
        return judged;
    judged.facts = {now,          crl.number(), crl.this_update(), *crl.next_update(), fetched.body.size(),
                    crl.entries()};
    for (const Canary& canary : issuer.canaries) {
        const auto listed = crl.find(canary.serial);
        const auto also = second.status_of(canary.certificate);
        if (!also || (*also == SeenStatus::revoked) != listed.has_value()) {
            judged.verdict = wrong(Cause::libraries_disagree,
                                   fmt::format("about the {} canary on the CRL", to_string(canary.kind)));
            return judged;
        }
        const auto word = words.find(canary.kind);
        judged.verdict = judge_entry(canary, listed, word == words.end() ? nullptr : &word->second);
        if (!judged.verdict.right())
            return judged;
    }
    for (const Serial& serial : awaited) {
        if (const auto listed = crl.find(serial))
            judged.awaited.emplace_back(serial, *listed);
    }
    if (issuer.public_trust &&
        judged.facts.next_update - judged.facts.this_update + 1s > limits::public_crl_validity_max)
        judged.verdict = wrong(Cause::validity_period, "the CRL is valid for longer than ten days");
    if (judged.verdict.right())
        judged.verdict = judge_caching(fetched, judged.facts.next_update, now);
    return judged;
}

}  // namespace eightbells::watch
