#ifndef EIGHTBELLS_RESPONDER_WATCH_STATUS_H
#define EIGHTBELLS_RESPONDER_WATCH_STATUS_H

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "responder/watch/chain.h"
#include "responder/watch/history.h"
#include "responder/watch/timeline.h"

namespace eightbells::watch {

// What the status page, the JSON, the metrics and the alerts say: computed from ledgers alone, so that anyone
// with the ledger gets the same numbers. No serial number, and no address outside `addresses`.

// Of one issuer by one method, all addresses together.
struct MethodStatus {
    Method method = Method::ocsp_get;
    bool watched = false;  // false: never probed; all else is empty
    Reach now = Reach::unobserved;
    Cause cause = Cause::none;  // why it is out of reach
    std::string text;           // the newest probe's own words; not for the public variant
    UtcTime since{};            // since when it is so; window's begin when longer than 90 days

    seconds current_outage{0};   // zero: none
    seconds left_of_promise{0};  // of the four hours; negative once broken; four hours while in reach
    seconds longest_day{0};      // longest outage within the last 24 hours, this month (UTC), 90 days
    seconds longest_month{0};
    seconds longest_90_days{0};

    Sums last_day;  // last 24 hours
    Sums last_90_days;
    seconds out_this_week{0};  // ISO calendar week, UTC (G-02)
    Count probes_last_hour;    // in whole hours: the present one and the one before
    Count probes_last_day;

    Timeline timeline_day;  // the last 24 hours, whole
    struct Day {
        UtcTime begin{};  // midnight UTC
        Sums sums;
        seconds longest_outage{0};
    };
    std::vector<Day> days;  // the last 90, the oldest first; the last one is today, up to now

    std::optional<seconds> last_revocation_delay;     // of the newest revocation that was followed
    std::optional<seconds> longest_revocation_delay;  // within 90 days
};

// One outage, by issuer and method; `parts` tells how its cause changed.
struct OutageEntry {
    std::string issuer;
    Method method = Method::ocsp_get;
    Outage outage;
    std::vector<Change> parts;  // what single probes saw within it, in order; at most 20
};

// One address of a service; for the operator, not for the public variant.
struct AddressStatus {
    SeriesKey key;
    Reach now = Reach::unobserved;
    Cause cause = Cause::none;
    std::string text;
    UtcTime last{};  // its newest probe
};

struct RunwayPoint {
    UtcTime time{};
    seconds runway{0};  // negative: dark since then
};

struct IssuerStatus {
    std::string name;
    std::array<MethodStatus, method_count> methods;
    std::vector<AddressStatus> addresses;

    // NIS2 (G-02): all watched methods out together; a partial outage is "limited".
    seconds wholly_out{0};  // on end, until now
    bool nis2_wholly_out = false;
    seconds wholly_out_this_week{0};
    bool nis2_week = false;
    double failed_share_last_hour = 0;
    bool nis2_limited = false;

    // Time to dark: how long status stays valid if nothing is refreshed any more, from the answers' own
    // nextUpdate. The runway is the shorter of those two that are watched.
    std::optional<OcspFacts> ocsp;
    std::optional<CrlFacts> crl;
    std::optional<seconds> ocsp_runway;
    std::optional<seconds> crl_runway;
    std::optional<seconds> runway;
    std::vector<RunwayPoint> runway_line;  // the last 24 hours, limits::runway_points steps
    bool crl_past_half_life = false;
};

struct ServiceStatus {
    UtcTime now{};
    std::vector<std::string> watches;  // whose ledgers were merged
    UtcTime begun{};                   // since when any of them looks
    std::optional<UtcTime> last_round;
    std::vector<IssuerStatus> issuers;
    std::vector<OutageEntry> outages;  // of 90 days, the newest first, at most limits::status_outages
    // Of the ledger of the first watch.
    Head head;
    std::optional<Anchor> last_anchor;
};

// `watches` not empty and not null; several: out of reach is what all that looked saw as such. For a past
// `now`, what was seen later is not looked at.
ServiceStatus compute_status(const std::vector<const History*>& watches, UtcTime now);

enum class Audience : std::uint8_t { operators, relying_parties };
// Durations in seconds, times as in RFC 3339. Relying parties are not told addresses, probes' own words and
// the ledger's state.
std::string to_json(const ServiceStatus& status, Audience audience);

}  // namespace eightbells::watch

#endif
