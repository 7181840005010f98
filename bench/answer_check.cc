#include "bench/answer_check.h"

#include <array>
#include <cstring>

namespace eightbells::bench {
namespace {

constexpr std::string_view length_name = "\r\ncontent-length:";
constexpr std::string_view head_end = "\r\n\r\n";

bool starts_well(std::string_view answer) noexcept {
    return answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.0 200");
}

bool equal_ignoring_case(std::string_view text, std::string_view lower) noexcept {
    for (std::size_t i = 0; i < lower.size(); ++i) {
        const char c = text[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != lower[i])
            return false;
    }
    return true;
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

}  // namespace

std::uint64_t digest_of(std::string_view octets) noexcept {
    constexpr std::array<std::uint64_t, 4> odd{0x9e3779b97f4a7c15U, 0xc2b2ae3d27d4eb4fU, 0x165667b19e3779f9U,
                                               0xd6e8feb86659fd93U};
    std::array<std::uint64_t, 4> sums{octets.size(), 1, 2, 3};
    const auto take = [&](const char* from, std::size_t size) {
        std::array<std::uint64_t, 4> block{};
        std::memcpy(block.data(), from, size);
        for (std::size_t i = 0; i < 4; ++i)
            sums[i] = (sums[i] ^ block[i]) * odd[i] + (sums[i] >> 29);
    };
    while (octets.size() >= 32) {
        take(octets.data(), 32);
        octets.remove_prefix(32);
    }
    take(octets.data(), octets.size());
    std::uint64_t digest = 0;
    for (const std::uint64_t sum : sums)
        digest = (digest ^ sum) * odd[0] + (digest >> 31);
    return digest == 0 ? 1 : digest;
}

bool AnswerCheck::is_as_before(std::string_view answer) const noexcept {
    if (head_.octets == 0 || answer.size() < head_.octets)
        return false;
    const std::size_t length_end = head_.length_at + head_.length_digits;
    return answer.substr(head_.octets - head_end.size(), head_end.size()) == head_end &&
           answer[head_.length_at - 2] == ':' && answer[head_.length_at - 3] == 'h' &&
           answer[length_end] == '\r';
}

bool AnswerCheck::find_head(std::string_view answer) noexcept {
    const std::size_t end = answer.find(head_end);
    head_ = {};
    if (end == std::string_view::npos)
        return false;
    for (std::size_t at = answer.find("\r\n"); at < end; at = answer.find("\r\n", at + 2)) {
        if (end - at < length_name.size() || !equal_ignoring_case(answer.substr(at), length_name))
            continue;
        head_.length_at = at + length_name.size();
        while (answer[head_.length_at] == ' ')
            ++head_.length_at;
        while (is_digit(answer[head_.length_at + head_.length_digits]))
            ++head_.length_digits;
    }
    if (head_.length_digits == 0 || head_.length_digits > 9)
        head_ = {};
    else
        head_.octets = end + head_end.size();
    return true;
}

bool AnswerCheck::contains(std::string_view body, std::string_view expected) noexcept {
    if (expected.empty())
        return true;
    if (body.size() >= expected.size() && expected_at_ <= body.size() - expected.size() &&
        std::memcmp(body.data() + expected_at_, expected.data(), expected.size()) == 0)
        return true;
    const std::size_t at = body.find(expected);
    if (at == std::string_view::npos)
        return false;
    expected_at_ = at;
    return true;
}

AnswerCheck::Verdict AnswerCheck::judge(std::string_view answer, std::size_t request) noexcept {
    if (answer.size() < 12)
        return Verdict::more;
    if (!starts_well(answer))
        return refuse("the status is not 200");
    if (!is_as_before(answer)) {
        if (!find_head(answer))
            return Verdict::more;
        if (head_.octets == 0)
            return refuse("there is no Content-Length");
    }
    std::size_t length = 0;
    for (std::size_t i = 0; i < head_.length_digits; ++i) {
        const char digit = answer[head_.length_at + i];
        if (!is_digit(digit))
            return refuse("Content-Length is no number");
        length = length * 10 + static_cast<std::size_t>(digit - '0');
    }
    const std::string_view body = answer.substr(head_.octets);
    if (body.size() < length)
        return Verdict::more;
    if (body.size() > length)
        return refuse("there is more than Content-Length says");
    if (!contains(body, requests_[request].expected))
        return refuse("the body does not have the serial that was asked about");
    if (same_body_) {
        const std::uint64_t digest = digest_of(body);
        if (digests_[request] != 0 && digests_[request] != digest)
            return refuse("the body is another one than before");
        digests_[request] = digest;
    }
    head_octets_ = head_.octets;
    body_octets_ = length;
    return Verdict::right;
}

}  // namespace eightbells::bench
