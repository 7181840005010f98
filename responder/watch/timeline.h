#ifndef EIGHTBELLS_RESPONDER_WATCH_TIMELINE_H
#define EIGHTBELLS_RESPONDER_WATCH_TIMELINE_H

#include <optional>
#include <span>
#include <vector>

#include "responder/base/clock.h"
#include "responder/watch/cause.h"

namespace eightbells::watch {

// The arithmetic of availability, free of clocks, files and networks. A span of time from `from` up to, not
// including, `to`.
struct Window {
    UtcTime from{};
    UtcTime to{};
    seconds length() const noexcept { return to - from; }
    friend bool operator==(const Window&, const Window&) = default;
};

// Time in which nobody looked is a third thing, never in reach (G-01).
enum class Reach : std::uint8_t { unobserved, up, out };
std::string_view to_string(Reach reach) noexcept;

struct Segment {
    UtcTime from{};
    UtcTime to{};
    Reach reach = Reach::unobserved;
    Cause cause = Cause::none;  // of `out`
    friend bool operator==(const Segment&, const Segment&) = default;
};

// In order, each beginning where the one before ends, neighbours different, none empty.
using Timeline = std::vector<Segment>;

// Adds at the end, and merges with the last segment when they say the same. Empty segments are left out.
void append(Timeline& timeline, const Segment& segment);
// What lies within the window; where the timeline says nothing, unobserved. Covers the window whole.
Timeline cut(std::span<const Segment> timeline, const Window& window);

// How several looks at the same thing become one: at each moment out of reach only if all that looked saw it
// so (the cause is that of the first of them), in reach if one that looked saw it so, unobserved if none
// looked. For the addresses of a service, and for watches in several places. All cover `window`.
Timeline all_out(std::span<const Timeline> timelines, const Window& window);

// Seconds of each kind. They add up to the window.
struct Sums {
    seconds up{0};
    seconds out{0};
    seconds unobserved{0};
    // Of the time that was observed; 1 when none was.
    double availability() const noexcept;
    friend bool operator==(const Sums&, const Sums&) = default;
};
Sums sum(std::span<const Segment> timeline);

// An outage begins with the first probe that failed and ends with the first that passed again. Time in
// between in which nobody looked belongs to it: it was not seen to be over. So a watch that restarts does not
// begin to count anew.
struct Outage {
    UtcTime begin{};
    UtcTime end{};              // of an open one: the end of the timeline
    bool open = false;          // not seen to be over
    Cause cause = Cause::none;  // the first
    seconds unobserved{0};      // part of the length in which nobody looked
    seconds length() const noexcept { return end - begin; }
    friend bool operator==(const Outage&, const Outage&) = default;
};
std::vector<Outage> outages(std::span<const Segment> timeline);
// Of the part of each outage that lies within the window; zero when there is none.
seconds longest(std::span<const Outage> outages, const Window& window);

// Midnight UTC of that day, and Monday's of that ISO calendar week (G-02).
UtcTime day_of(UtcTime time) noexcept;
UtcTime week_of(UtcTime time) noexcept;
UtcTime hour_of(UtcTime time) noexcept;

}  // namespace eightbells::watch

#endif
