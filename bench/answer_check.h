#ifndef EIGHTBELLS_BENCH_ANSWER_CHECK_H
#define EIGHTBELLS_BENCH_ANSWER_CHECK_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/requests.h"

namespace eightbells::bench {

// Judges answers: status 200, a Content-Length that is kept, the expected octets in the body, and, unless a
// server makes each answer anew, the same body each time. Remembers where things stood in the last answer,
// so that looking at one more costs little.
class AnswerCheck {
  public:
    AnswerCheck(const std::vector<Request>& requests, bool same_body)
        : requests_(requests), same_body_(same_body), digests_(same_body ? requests.size() : 0) {}

    enum class Verdict : std::uint8_t { more, right, wrong };
    // `answer`: all that has come so far. On `wrong` see fault().
    Verdict judge(std::string_view answer, std::size_t request) noexcept;
    std::string_view fault() const noexcept { return fault_; }
    std::size_t octets() const noexcept { return head_octets_ + body_octets_; }  // of the last right answer

  private:
    // The digits of Content-Length, and where the head ends.
    struct Head {
        std::size_t length_at = 0;
        std::size_t length_digits = 0;
        std::size_t octets = 0;
    };
    bool find_head(std::string_view answer) noexcept;
    bool is_as_before(std::string_view answer) const noexcept;
    Verdict refuse(std::string_view why) noexcept {
        fault_ = why;
        return Verdict::wrong;
    }
    bool contains(std::string_view body, std::string_view expected) noexcept;

    const std::vector<Request>& requests_;
    bool same_body_;
    std::vector<std::uint64_t> digests_;  // [request]; 0: not seen yet
    Head head_;
    std::size_t expected_at_ = 0;
    std::size_t head_octets_ = 0;
    std::size_t body_octets_ = 0;
    std::string_view fault_;
};

// A digest against accidents: four sums of products over eight octets at a time. Never 0.
std::uint64_t digest_of(std::string_view octets) noexcept;

}  // namespace eightbells::bench

#endif
