#include "responder/ledger/transition.h"

#include <fmt/format.h>

#include <algorithm>

#include "responder/ledger/limits.h"

namespace eightbells::ledger {

std::optional<CrlReason> canonical(std::optional<CrlReason> reason) noexcept {
    return reason == CrlReason::unspecified ? std::nullopt : reason;
}

std::string describe(const CertStatus& status) {
    if (!status)
        return "good";
    std::string text =
        fmt::format("{} {}", on_hold(status) ? "on hold since" : "revoked at", to_iso8601(status->time));
    if (status->reason && !on_hold(status))
        text += fmt::format(" ({})", to_string(*status->reason));
    if (status->invalidity_date)
        text += ", invalid since " + to_iso8601(*status->invalidity_date);
    return text;
}

namespace {

// The certificate has this kind of status already (on hold, or revoked for good): which facts prevail?
EntryOutcome reconcile(const Standing& before, const Revocation& stated, SourceId source) {
    const Revocation& known = *before.status;
    const bool same_source = before.by == source;
    Revocation facts = known;
    // Its own source may change its mind; from another one only an earlier time counts (the CRL must not say
    // revoked where the answer still says good), and what nobody stated before.
    if (same_source && !before.first_time_kept)
        facts.time = stated.time;
    else
        facts.time = std::min(known.time, stated.time);
    if (same_source || !known.reason)
        facts.reason = stated.reason;
    if (same_source || !known.invalidity_date)
        facts.invalidity_date = stated.invalidity_date;
    if (facts != known)
        return {EntryEffect::corrected, {facts, before.first_time_kept, before.by}};
    const bool said_differently = facts.reason != stated.reason ||
                                  facts.invalidity_date != stated.invalidity_date ||
                                  (facts.time != stated.time && !before.first_time_kept);
    return {said_differently ? EntryEffect::differing : EntryEffect::unchanged, before};
}

}  // namespace

EntryOutcome judge_entry(const Standing& before, const CertStatus& stated, SourceId source) {
    if (!stated) {
        if (!before.status)
            return {EntryEffect::unchanged, before};
        if (on_hold(before.status) && before.by == source)
            return {EntryEffect::released, {std::nullopt, false, source}};
        return {EntryEffect::contradicted, before};
    }
    Revocation facts = *stated;
    facts.reason = canonical(facts.reason);
    if (!before.status)
        return {EntryEffect::revoked, {facts, false, source}};
    if (on_hold(before.status) == on_hold(facts))
        return reconcile(before, facts, source);
    if (on_hold(facts))
        return {EntryEffect::contradicted, before};  // revoked is final (C-08)
    facts.time = std::min(facts.time, before.status->time);
    return {EntryEffect::revoked, {facts, true, source}};
}

namespace {

EventOutcome refused(std::string why) {
    return {Verdict::refused, std::move(why), {}};
}
EventOutcome unchanged(const Standing& standing, std::string why) {
    return {Verdict::unchanged, std::move(why), standing};
}
EventOutcome applied(const Standing& before, Standing after) {
    std::string message = fmt::format("{} (was {})", describe(after.status), describe(before.status));
    return {Verdict::applied, std::move(message), std::move(after)};
}

bool restates(const Revocation& known, const Event& event, std::optional<UtcTime> time) {
    return (!event.reason || canonical(event.reason) == known.reason) && (!time || *time == known.time) &&
           (!event.invalidity_date || event.invalidity_date == known.invalidity_date);
}

EventOutcome revoke(const Standing& before, const Event& event, SourceId source, std::optional<UtcTime> time,
                    UtcTime now) {
    if (event.reason == CrlReason::certificate_hold)
        return refused("reason: certificateHold is a hold, not a revocation; use hold");
    if (event.reason == CrlReason::remove_from_crl)
        return refused("reason: removeFromCRL is no reason for a revocation; use release");
    Revocation facts{time.value_or(now), canonical(event.reason), event.invalidity_date};
    if (!before.status)
        return applied(before, {facts, false, source});
    if (on_hold(before.status)) {
        facts.time = std::min(facts.time, before.status->time);  // C-11
        if (!facts.invalidity_date)
            facts.invalidity_date = before.status->invalidity_date;
        return applied(before, {facts, true, source});
    }
    if (restates(*before.status, event, time))
        return unchanged(before, "already " + describe(before.status));
    return refused(fmt::format("already {}; use correct to change reason or dates", describe(before.status)));
}

EventOutcome hold(const Standing& before, const Event& event, SourceId source, bool suspension,
                  std::optional<UtcTime> time, UtcTime now) {
    if (!suspension)
        return refused("holds are not allowed for this issuer; set `suspension = true` to allow them");
    if (event.reason && event.reason != CrlReason::certificate_hold)
        return refused("reason: a hold has no other reason than certificateHold");
    if (!before.status) {
        const Revocation facts{time.value_or(now), CrlReason::certificate_hold, event.invalidity_date};
        return applied(before, {facts, false, source});
    }
    if (!on_hold(before.status))
        return refused(fmt::format("already {}; revoked is final", describe(before.status)));
    if (restates(*before.status, event, time))
        return unchanged(before, "already " + describe(before.status));
    return refused(fmt::format("already {}; use correct to change dates", describe(before.status)));
}

EventOutcome correct(const Standing& before, const Event& event, SourceId source,
                     std::optional<UtcTime> time) {
    if (!before.status)
        return refused("not revoked: there is nothing to correct");
    if (!event.reason && !time && !event.invalidity_date)
        return refused("nothing to correct: give reason, time or invalidity date");
    Standing after{before.status, before.first_time_kept, source};
    if (event.reason) {
        if (event.reason == CrlReason::remove_from_crl)
            return refused("reason: removeFromCRL is no reason for a revocation; use release");
        if ((event.reason == CrlReason::certificate_hold) != on_hold(before.status)) {
            return refused(on_hold(before.status)
                               ? "on hold: its reason is certificateHold; use revoke to make it a revocation"
                               : "revoked is final: it cannot become a hold");
        }
        after.status->reason = canonical(event.reason);
    }
    if (time)
        after.status->time = *time;
    if (event.invalidity_date)
        after.status->invalidity_date = event.invalidity_date;
    if (after.status == before.status)
        return unchanged(before, "already " + describe(before.status));
    // A date set by hand on record prevails over what the hold's first time would say.
    return applied(before, std::move(after));
}

}  // namespace

EventOutcome judge_event(const std::optional<Standing>& standing, const Event& event, SourceId source,
                         bool suspension, UtcTime now) {
    if (!standing)
        return refused("not known as issued by this issuer");
    std::optional<UtcTime> time = event.time;
    if (time && *time > now) {
        if (*time > now + limits::clock_allowance) {
            return refused(
                fmt::format("time: {} is in the future; it is {} now. Send the event when the time has come",
                            to_iso8601(*time), to_iso8601(now)));
        }
        time = now;
    }
    switch (event.action) {
        case Action::revoke:
            return revoke(*standing, event, source, time, now);
        case Action::hold:
            return hold(*standing, event, source, suspension, time, now);
        case Action::release:
            if (event.reason || event.time || event.invalidity_date)
                return refused("a release has no reason, time or invalidity date");
            if (!standing->status)
                return unchanged(*standing, "not on hold");
            if (!on_hold(standing->status))
                return refused(fmt::format("{}; revoked is final, only a hold can be released",
                                           describe(standing->status)));
            return applied(*standing, {std::nullopt, false, source});
        case Action::correct:
            return correct(*standing, event, source, time);
        case Action::issue:
        case Action::heartbeat:
            break;
    }
    return refused("not an action on a certificate's status");
}

}  // namespace eightbells::ledger
