#include "responder/watch/timeline.h"

#include <algorithm>

namespace eightbells::watch {

std::string_view to_string(Reach reach) noexcept {
    switch (reach) {
        case Reach::up:
            return "up";
        case Reach::out:
            return "out";
        case Reach::unobserved:
            break;
    }
    return "unobserved";
}

void append(Timeline& timeline, const Segment& segment) {
    if (segment.from >= segment.to)
        return;
    if (!timeline.empty() && timeline.back().to == segment.from && timeline.back().reach == segment.reach &&
        timeline.back().cause == segment.cause) {
        timeline.back().to = segment.to;
        return;
    }
    timeline.push_back(segment);
}

Timeline cut(std::span<const Segment> timeline, const Window& window) {
    Timeline result;
    UtcTime at = window.from;
    const auto first = std::ranges::upper_bound(timeline, window.from, {}, &Segment::to);
    for (auto segment = first; segment != timeline.end() && segment->from < window.to; ++segment) {
        const UtcTime from = std::max(segment->from, at);
        append(result, {at, from, Reach::unobserved, Cause::none});
        at = std::max(from, std::min(segment->to, window.to));
        append(result, {from, at, segment->reach, segment->cause});
    }
    append(result, {at, window.to, Reach::unobserved, Cause::none});
    return result;
}

Timeline all_out(std::span<const Timeline> timelines, const Window& window) {
    std::vector<Timeline> parts;
    parts.reserve(timelines.size());
    for (const Timeline& timeline : timelines)
        parts.push_back(cut(timeline, window));
    std::vector<std::size_t> positions(parts.size(), 0);
    Timeline result;
    UtcTime at = window.from;
    while (at < window.to) {
        Segment here{at, window.to, Reach::unobserved, Cause::none};
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const Segment& segment = parts[i][positions[i]];
            here.to = std::min(here.to, segment.to);
            if (segment.reach == Reach::up) {
                here.reach = Reach::up;
                here.cause = Cause::none;
            } else if (segment.reach == Reach::out && here.reach == Reach::unobserved) {
                here.reach = Reach::out;
                here.cause = segment.cause;
            }
        }
        append(result, here);
        at = here.to;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            if (parts[i][positions[i]].to == at)
                ++positions[i];
        }
    }
    return result;
}

double Sums::availability() const noexcept {
    const auto observed = (up + out).count();
    return observed == 0 ? 1.0 : static_cast<double>(up.count()) / static_cast<double>(observed);
}

Sums sum(std::span<const Segment> timeline) {
    Sums sums;
    for (const Segment& segment : timeline) {
        const seconds length = segment.to - segment.from;
        switch (segment.reach) {
            case Reach::up:
                sums.up += length;
                break;
            case Reach::out:
                sums.out += length;
                break;
            case Reach::unobserved:
                sums.unobserved += length;
                break;
        }
    }
    return sums;
}

std::vector<Outage> outages(std::span<const Segment> timeline) {
    std::vector<Outage> result;
    std::optional<Outage> current;
    for (const Segment& segment : timeline) {
        if (segment.reach == Reach::up) {
            if (current) {
                current->end = segment.from;
                result.push_back(*current);
                current.reset();
            }
            continue;
        }
        if (segment.reach == Reach::out && !current) {
            current.emplace();
            current->begin = segment.from;
            current->cause = segment.cause;
        } else if (segment.reach == Reach::unobserved && current) {
            current->unobserved += segment.to - segment.from;
        }
    }
    if (current) {
        current->end = timeline.back().to;
        current->open = true;
        result.push_back(*current);
    }
    return result;
}

seconds longest(std::span<const Outage> outages, const Window& window) {
    seconds result{0};
    for (const Outage& outage : outages)
        result =
            std::max(result, seconds{std::min(outage.end, window.to) - std::max(outage.begin, window.from)});
    return result;
}

UtcTime hour_of(UtcTime time) noexcept {
    return std::chrono::floor<std::chrono::hours>(time);
}
UtcTime day_of(UtcTime time) noexcept {
    return std::chrono::floor<std::chrono::days>(time);
}
UtcTime week_of(UtcTime time) noexcept {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    // ISO's week begins on Monday: iso_encoding() is 1 for it.
    return day - std::chrono::days{std::chrono::weekday{day}.iso_encoding() - 1};
}

}  // namespace eightbells::watch
