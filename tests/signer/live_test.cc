#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <deque>
#include <future>

#include "tests/signer/served_live.h"

// The signer's end of the private call, over its real socket.
using namespace eightbells;
using namespace eightbells::signer;
using namespace std::chrono_literals;
using tests::Served;

namespace {

// A front's end of the call.
class Caller {
  public:
    explicit Caller(const std::filesystem::path& path)
        : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.string().copy(address.sun_path, sizeof address.sun_path - 1);
        BOOST_REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        const timeval limit{60, 0};
        BOOST_REQUIRE(::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    }
    ~Caller() { ::close(fd_); }
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    void send(ByteView bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            BOOST_REQUIRE(sent > 0);
            bytes = bytes.subspan(static_cast<std::size_t>(sent));
        }
    }
    // More bytes: false when the peer has closed.
    bool receive() {
        std::uint8_t buffer[65536];
        const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
        if (got <= 0)
            return false;
        for (ssize_t i = 0; i < got; ++i)
            input_.push_back(buffer[i]);
        return true;
    }
    // Whole replies that have come so far and were not taken.
    std::deque<live::Reply>& replies() {
        ByteView rest = input_;
        while (auto reply = *live::take_reply(rest))
            replies_.push_back(std::move(*reply));
        input_ = Bytes(rest.begin(), rest.end());
        return replies_;
    }
    live::Reply next() {
        while (replies().empty())
            BOOST_REQUIRE(receive());
        live::Reply first = std::move(replies_.front());
        replies_.pop_front();
        return first;
    }

  private:
    int fd_;
    Bytes input_;
    std::deque<live::Reply> replies_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(live_service)

BOOST_AUTO_TEST_CASE(while_many_calls_wait_the_sockets_are_still_looked_at) {
    Served served;
    static constexpr std::uint64_t calls = 100;
    // The second is not signed before there is something to look at, nor the 25th before it has been.
    std::promise<void> sent;
    std::promise<void> closed;
    std::uint64_t signing = 0;
    bool looked = false;
    served.world.trusted_now = [&] {
        if (++signing == 2)
            sent.get_future().wait_for(60s);
        if (signing == calls / 4)
            looked = closed.get_future().wait_for(60s) == std::future_status::ready;
        return Result<UtcTime>{served.world.clock.now()};
    };
    Caller busy{served.path()};
    Caller broken{served.path()};
    Bytes all;
    for (std::uint64_t number = 1; number <= calls; ++number) {
        for (const std::uint8_t octet : served.call(number))
            all.push_back(octet);
    }
    busy.send(all);
    BOOST_TEST((busy.next().verdict == live::Verdict::signed_answer));
    broken.send(Bytes(8, 0xff));
    sent.set_value();
    BOOST_TEST(!broken.receive());  // closed, while the other's calls are being signed
    closed.set_value();
    for (std::uint64_t answered = 1; answered < calls; ++answered)
        BOOST_REQUIRE((busy.next().verdict == live::Verdict::signed_answer));
    BOOST_TEST(looked);
}

//
BOOST_AUTO_TEST_CASE(an_issuers_budget_is_all_that_a_flood_costs) {
    Served served{5};
    Caller caller{served.path()};
    std::uint64_t number = 0;
    const auto flood = [&] {
        Bytes all;
        for (int calls = 0; calls < 50; ++calls) {
            for (const std::uint8_t octet : served.call(++number))
                all.push_back(octet);
        }
        caller.send(all);
        int made = 0;
        for (int calls = 0; calls < 50; ++calls) {
            const auto verdict = caller.next().verdict;
            BOOST_REQUIRE((verdict == live::Verdict::signed_answer || verdict == live::Verdict::busy));
            made += verdict == live::Verdict::signed_answer;
        }
        return made;
    };
    BOOST_TEST(flood() == 5);
    BOOST_TEST(flood() == 0);
    served.world.clock.advance(1s);
    BOOST_TEST(flood() == 5);
    served.world.clock.advance(1h);
    BOOST_TEST(flood() == 5);  // nothing is saved up
}

// Covers: D-10
BOOST_AUTO_TEST_CASE(under_a_clock_that_is_not_trusted_no_live_answer_is_signed) {
    Served served;
    Caller caller{served.path()};
    caller.send(served.call(1));
    BOOST_TEST((caller.next().verdict == live::Verdict::signed_answer));
    served.world.trusted_now = [] { return Result<UtcTime>{fail("clock: stepped")}; };
    caller.send(served.call(2));
    const auto refused = caller.next();
    BOOST_TEST((refused.verdict == live::Verdict::failed));
    BOOST_TEST(refused.id == 2U);
    BOOST_TEST(refused.response.empty());
}

BOOST_AUTO_TEST_SUITE_END()
