#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/load_run.h"

// The load generator against a server of a few lines, which answers what it is told to.
namespace {

using namespace eightbells::bench;

// Answers every request, one a reading, in the order in which they come, until its `answers` are used up;
// then closes.
class TinyServer {
  public:
    TinyServer(std::string answer, std::size_t answers) : answer_(std::move(answer)), answers_(answers) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        BOOST_REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
        BOOST_REQUIRE(::listen(listener_, 16) == 0);
        BOOST_REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size) == 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~TinyServer() {
        thread_.join();
        ::close(listener_);
    }
    TinyServer(const TinyServer&) = delete;
    TinyServer& operator=(const TinyServer&) = delete;
    sockaddr_in address() const { return address_; }

  private:
    // Ends when the answers are used up, or every client has gone.
    void serve() {
        std::vector<pollfd> polled{{listener_, POLLIN, 0}};
        std::size_t clients = 0;
        bool any = false;
        while (answers_ > 0 && !(any && clients == 0) && ::poll(polled.data(), polled.size(), 60'000) > 0) {
            if (polled[0].revents != 0) {
                polled.push_back({::accept(listener_, nullptr, nullptr), POLLIN, 0});
                any = true;
                ++clients;
            }
            for (std::size_t i = 1; i < polled.size() && answers_ > 0; ++i) {
                char input[1024];
                if (polled[i].fd < 0 || polled[i].revents == 0)
                    continue;
                if (::recv(polled[i].fd, input, sizeof input, 0) > 0) {
                    (void)!::send(polled[i].fd, answer_.data(), answer_.size(), MSG_NOSIGNAL);
                    --answers_;
                } else {
                    ::close(polled[i].fd);
                    polled[i].fd = -1;
                    --clients;
                }
            }
        }
        for (std::size_t i = 1; i < polled.size(); ++i)
            if (polled[i].fd >= 0)
                ::close(polled[i].fd);
    }

    std::string answer_;
    std::size_t answers_;
    int listener_ = -1;
    sockaddr_in address_{};
    std::thread thread_;
};

// One request whose answer must have "SERIAL" in it, as a file of bench/run's form.
struct RequestFile {
    std::string name = "/tmp/eightbells-bench-XXXXXX";
    RequestFile() {
        const int fd = ::mkstemp(name.data());
        BOOST_REQUIRE(fd >= 0);
        ::close(fd);
        std::ofstream out(name, std::ios::binary);
        const std::string wire = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
        out << static_cast<char>(wire.size()) << std::string(3, '\0') << '\6' << std::string(3, '\0') << wire
            << "SERIAL";
    }
    ~RequestFile() { std::remove(name.c_str()); }
    RequestFile(const RequestFile&) = delete;
    RequestFile& operator=(const RequestFile&) = delete;
};

LoadReport run(const std::string& answer, std::size_t answers, LoadPlan plan) {
    const RequestFile file;
    const Requests requests(file.name);
    TinyServer server(answer, answers);
    plan.target = server.address();
    plan.connections = 4;
    plan.warm_up = 0;
    plan.seconds = 600;  // never what ends it, on a busy machine either
    plan.server = ::getpid();
    return LoadRun(requests, plan).run();
}

constexpr auto right_answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n..SERIAL..";

BOOST_AUTO_TEST_CASE(a_run_counts_every_answer_and_ends_at_its_bound) {
    LoadPlan plan;
    plan.most = 500;
    for (const bool reconnect : {false, true}) {
        plan.reconnect = reconnect;
        const LoadReport report = run(right_answer, SIZE_MAX, plan);
        BOOST_TEST(report.fault == "");
        BOOST_TEST(report.wrong == 0U);
        BOOST_TEST(report.answers == 500U);
        BOOST_TEST(report.latency.total() == 500U);
        BOOST_TEST(report.answer_octets == std::string{right_answer}.size());
        BOOST_TEST(report.server_cpu_us > 0);
    }
}

BOOST_AUTO_TEST_CASE(a_run_ends_at_wrong_answers_and_says_why) {
    const LoadReport report = run("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n..serial..", SIZE_MAX, {});
    BOOST_TEST(report.fault == "the body does not have the serial that was asked about");
    BOOST_TEST(report.wrong != 0U);
}

BOOST_AUTO_TEST_CASE(a_run_ends_when_the_server_does) {
    BOOST_TEST(run(right_answer, 100, {}).fault != "");
    BOOST_TEST(run("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n..SER", 1, {}).fault != "");
}

}  // namespace
