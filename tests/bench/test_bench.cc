#define BOOST_TEST_MODULE bench
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "bench/answer_check.h"
#include "bench/histogram.h"

// What measures must not believe what it measures.
namespace {

using namespace eightbells::bench;
using Verdict = AnswerCheck::Verdict;

const std::vector<Request> requests{{"GET /1", "ONE"}, {"GET /2", "TWO"}};

std::string answer(const std::string& body, const std::string& more_headers = "") {
    return "HTTP/1.1 200 OK\r\n" + more_headers + "Content-Length: " + std::to_string(body.size()) +
           "\r\nETag: x\r\n\r\n" + body;
}

BOOST_AUTO_TEST_CASE(an_answer_is_right_only_when_it_is_whole) {
    AnswerCheck check(requests, true);
    const std::string whole = answer("....ONE....");
    for (int time = 0; time < 2; ++time) {  // the second time the shortcut is taken
        for (std::size_t size = 0; size < whole.size(); ++size)
            BOOST_TEST(static_cast<int>(check.judge(whole.substr(0, size), 0)) ==
                       static_cast<int>(Verdict::more));
        BOOST_TEST(static_cast<int>(check.judge(whole, 0)) == static_cast<int>(Verdict::right));
        BOOST_TEST(check.octets() == whole.size());
    }
}

void expect_wrong(AnswerCheck& check, const std::string& text, std::size_t request, const std::string& why) {
    BOOST_TEST(static_cast<int>(check.judge(text, request)) == static_cast<int>(Verdict::wrong));
    BOOST_TEST(check.fault() == why);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_an_answer_is_seen_with_and_without_the_shortcut) {
    for (const bool seen_before : {false, true}) {
        AnswerCheck check(requests, true);
        if (seen_before)
            BOOST_REQUIRE(check.judge(answer("....ONE...."), 0) == Verdict::right);
        expect_wrong(check, answer("....TWO...."), 0,
                     "the body does not have the serial that was asked about");
        expect_wrong(check, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 0,
                     "the status is not 200");
        expect_wrong(check, answer("....ONE....") + "x", 0, "there is more than Content-Length says");
        expect_wrong(check, "HTTP/1.1 200 OK\r\nServer: x\r\n\r\nONE", 0, "there is no Content-Length");
    }
}

BOOST_AUTO_TEST_CASE(another_body_for_the_same_request_is_wrong_unless_answers_are_made_anew) {
    AnswerCheck same(requests, true);
    BOOST_TEST((same.judge(answer("....ONE...."), 0) == Verdict::right));
    BOOST_TEST((same.judge(answer("....TWO...."), 1) == Verdict::right));
    expect_wrong(same, answer("...!ONE...."), 0, "the body is another one than before");
    AnswerCheck anew(requests, false);
    BOOST_TEST((anew.judge(answer("....ONE...."), 0) == Verdict::right));
    BOOST_TEST((anew.judge(answer("...!ONE...."), 0) == Verdict::right));
}

BOOST_AUTO_TEST_CASE(heads_and_bodies_may_change_their_size) {
    AnswerCheck check(requests, false);
    for (const std::size_t octets : {5U, 150U, 151U, 7U, 2000U}) {
        const std::string body = "ONE" + std::string(octets, '.');
        BOOST_TEST((check.judge(answer(body), 0) == Verdict::right));
        BOOST_TEST((check.judge(answer(body, "Age: 12345678\r\n"), 0) == Verdict::right));
        BOOST_TEST((check.judge(answer("." + body), 0) == Verdict::right));
    }
}

BOOST_AUTO_TEST_CASE(each_octet_counts_in_the_digest) {
    const std::string text(100, 'a');
    for (std::size_t at = 0; at < text.size(); ++at) {
        std::string changed = text;
        changed[at] = 'b';
        BOOST_TEST(digest_of(changed) != digest_of(text));
    }
    BOOST_TEST(digest_of(text + '\0') != digest_of(text));
}

BOOST_AUTO_TEST_CASE(quantiles_are_right_to_one_part_in_sixty_four) {
    Histogram times;
    BOOST_TEST(times.quantile(0.5) == 0U);
    for (std::uint64_t time = 1; time <= 100'000; ++time)
        times.add(time * 100);
    for (const double share : {0.01, 0.5, 0.99, 0.999}) {
        const double exact = share * 1e7;
        const auto told = static_cast<double>(times.quantile(share));
        BOOST_TEST(told >= exact);
        BOOST_TEST(told <= exact * (1 + 1.0 / 64) + 100);
    }
    BOOST_TEST(times.quantile(1) >= 10'000'000U);
    times.add(UINT64_MAX);
    BOOST_TEST(times.total() == 100'001U);
}

}  // namespace
