#include "responder/pair/claim.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "responder/pair/limits.h"

namespace eightbells::pair {

namespace {

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= limits::pair_name_octets && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

bool is_term(std::string_view text) {
    return text.size() == 16 &&
           std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9'); });
}

bool is_number(std::string_view text, std::uint64_t& number) {
    const char* const end = text.data() + text.size();
    const auto [stopped, fault] = std::from_chars(text.data(), end, number);
    return fault == std::errc{} && stopped == end;
}

}  // namespace

std::string to_text(const Claim& claim) {
    return fmt::format("{} {} {} {} {} {}", claim.holder, claim.term, claim.epoch, claim.beat,
                       claim.alone ? "alone" : "both", claim.over ? "over" : "held");
}

std::optional<Claim> claim_from_text(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::string_view rest = text; words.size() < 7;) {
        const std::size_t space = rest.find(' ');
        words.push_back(rest.substr(0, space));
        if (space == std::string_view::npos)
            break;
        rest = rest.substr(space + 1);
    }
    if (words.size() != 6 || !is_name(words[0]) || !is_term(words[1]))
        return std::nullopt;
    Claim claim{std::string{words[0]}, std::string{words[1]}};
    if (!is_number(words[2], claim.epoch) || !is_number(words[3], claim.beat))
        return std::nullopt;
    claim.alone = words[4] == "alone";
    claim.over = words[5] == "over";
    // What is written differently is not ours: "+1", "007", another word.
    return to_text(claim) == text ? std::optional{std::move(claim)} : std::nullopt;
}

}  // namespace eightbells::pair
