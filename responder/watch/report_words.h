#ifndef EIGHTBELLS_RESPONDER_WATCH_REPORT_WORDS_H
#define EIGHTBELLS_RESPONDER_WATCH_REPORT_WORDS_H

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "responder/watch/timeline.h"

namespace eightbells::watch {

// First member of every report. A report in another form is another number, and refused by this one.
inline constexpr std::string_view report_format = "eightbells availability 1";

// Of a state of a timeline, as reports spell it.
std::string_view reach_name(Reach reach) noexcept;

// "99.98712", five places: never rounded up to look better (cut), or worse counts as worse (up). "" when
// there is nothing to divide by.
std::string percent_cut(std::int64_t part, std::int64_t whole);
std::string percent_up(std::int64_t part, std::int64_t whole);

// How every number is found, in words.
nlohmann::ordered_json report_formulae();

// "3 d 04 h 05 min 06 s", without leading units that are zero.
std::string length_in_words(std::int64_t seconds);

}  // namespace eightbells::watch

#endif
