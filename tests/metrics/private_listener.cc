#include "responder/metrics/private_listener.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

#include "responder/metrics/limits.h"
#include "responder/metrics/signer_metrics.h"
#include "tests/metrics/exposition.h"

using namespace eightbells;
using namespace eightbells::metrics;
using namespace eightbells::metrics::testing;

namespace {

class Client {
  public:
    explicit Client(const std::string& address) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
        ::inet_pton(AF_INET, address.substr(0, address.find(':')).c_str(), &to.sin_addr);
        const timeval wait{60, 0};  // a busy machine may stand still for seconds
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    }
    ~Client() { ::close(fd_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Sends and reads until the other side closes.
    std::string ask(const std::string& request) {
        BOOST_TEST_REQUIRE(connected_);
        BOOST_TEST(::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) ==
                   static_cast<ssize_t>(request.size()));
        std::string answer;
        char buffer[4096];
        for (ssize_t n = 0; (n = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;)
            answer.append(buffer, static_cast<std::size_t>(n));
        return answer;
    }

  private:
    int fd_;
    bool connected_ = false;
};

// A listener on a loop of its own thread, as the programs have it.
struct Running {
    Running() {
        evthread_use_pthreads();
        base = event_base_new();
        metrics = std::make_shared<SignerMetrics>(std::vector<std::string>{"one"});
        PrivateListener::Answers answers{
            metrics,
            [this] {
                Readiness readiness{ready, {{"one", ready, ready ? "loaded" : "behind: \"2.17\"\n"}}};
                if (broken)
                    throw std::runtime_error("broken");
                return readiness;
            },
            [this] { return live.load(); }};
        auto opened = PrivateListener::open(base, "127.0.0.1:0", std::move(answers));
        BOOST_TEST_REQUIRE(opened.has_value());
        listener = std::move(*opened);
        loop = std::jthread([this] { event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY); });
    }
    ~Running() {
        // As an event of the loop itself: a loopbreak that comes before the loop begins is forgotten by it.
        event_base_once(
            base, -1, EV_TIMEOUT,
            [](evutil_socket_t, short, void* loop_base) {
                event_base_loopbreak(static_cast<event_base*>(loop_base));
            },
            base, nullptr);
        loop.join();
        listener.reset();
        event_base_free(base);
    }
    std::string ask(const std::string& request) const { return Client(listener->address()).ask(request); }
    std::string get(const std::string& path, const std::string& method = "GET") const {
        return ask(method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    }

    void after_a_turn_of_the_loop() const {
        std::promise<void> turned;
        event_base_once(
            base, -1, EV_TIMEOUT,
            [](evutil_socket_t, short, void* promise) {
                static_cast<std::promise<void>*>(promise)->set_value();
            },
            &turned, nullptr);
        turned.get_future().wait();
    }

    std::atomic<bool> ready{true};
    std::atomic<bool> live{true};
    std::atomic<bool> broken{false};
    std::shared_ptr<SignerMetrics> metrics;
    event_base* base = nullptr;
    std::unique_ptr<PrivateListener> listener;
    std::jthread loop;
};

bool status_is(const std::string& answer, int status) {
    return answer.starts_with("HTTP/1.1 " + std::to_string(status) + " ") ||
           answer.starts_with("HTTP/1.0 " + std::to_string(status) + " ");
}
bool holds(const std::string& answer, std::string_view text) {
    return answer.find(text) != std::string::npos;
}
std::string body_of(const std::string& answer) {
    const auto end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "" : answer.substr(end + 4);
}

}  // namespace

BOOST_AUTO_TEST_CASE(port_zero_takes_a_free_one_that_can_be_read) {
    const Running running;
    BOOST_TEST(running.listener->address().starts_with("127.0.0.1:"));
    BOOST_TEST(!running.listener->address().ends_with(":0"));
}

BOOST_AUTO_TEST_CASE(metrics_come_in_the_text_format_and_are_never_cached) {
    const Running running;
    running.metrics->ready().set(true);
    const std::string answer = running.get("/metrics");
    BOOST_TEST(status_is(answer, 200), answer);
    BOOST_TEST(holds(answer, "Content-Type: text/plain; version=0.0.4"));
    BOOST_TEST(holds(answer, "Cache-Control: no-store"));
    BOOST_TEST(Scrape(body_of(answer)).value("eightbells_signer_ready") == 1);
}

BOOST_AUTO_TEST_CASE(head_has_the_length_of_get_and_no_body) {
    const Running running;
    const std::string get = running.get("/live");
    const std::string head = running.get("/live", "HEAD");
    BOOST_TEST(status_is(head, 200), head);
    BOOST_TEST(body_of(get) == "live\n");
    BOOST_TEST(body_of(head).empty(), head);
    BOOST_TEST(holds(get, "Content-Length: 5\r\n"));
    BOOST_TEST(holds(head, "Content-Length: 5\r\n"));
}

// Covers: G-24
BOOST_AUTO_TEST_CASE(live_and_ready_are_two_answers) {
    Running running;
    BOOST_TEST(status_is(running.get("/live"), 200));
    BOOST_TEST(status_is(running.get("/ready"), 200));
    running.ready = false;
    const std::string behind = running.get("/ready");
    BOOST_TEST(status_is(behind, 503), behind);
    BOOST_TEST(holds(behind, "Content-Type: application/json"));
    BOOST_TEST(holds(behind, R"("reason": "behind: \"2.17\"\n")"), behind);
    BOOST_TEST(status_is(running.get("/live"), 200));
    running.live = false;
    BOOST_TEST(status_is(running.get("/live"), 503));
}

BOOST_AUTO_TEST_CASE(everything_else_is_refused_and_never_cached) {
    const Running running;
    const std::pair<std::string, int> requests[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404},
        {"GET /metrics/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404},
        {"GET /ocsp HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404},
        {"GET /%6detrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404},
        {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", 405},
        {"DELETE /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405},
        {"BREW /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 501},
        {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n", 413},
        {"GET /metrics HTTP/1.1\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n", 400},
    };
    for (const auto& [request, status] : requests) {
        const std::string answer = running.ask(request);
        BOOST_TEST(status_is(answer, status), request.substr(0, 40) << "... got " << answer.substr(0, 40));
        BOOST_TEST(
            (status == 501 || status == 413 || status == 400 || holds(answer, "Cache-Control: no-store")),
            answer);
    }
    BOOST_TEST(holds(running.get("/metrics", "DELETE"), "Allow: GET, HEAD"));
    BOOST_TEST(status_is(running.get("/live"), 200));
}

BOOST_AUTO_TEST_CASE(a_failure_inside_is_an_error_to_one_reader_and_the_next_is_answered) {
    Running running;
    running.broken = true;
    BOOST_TEST(status_is(running.get("/ready"), 500));
    running.broken = false;
    BOOST_TEST(status_is(running.get("/ready"), 200));
}

// Covers: G-24
BOOST_AUTO_TEST_CASE(connections_are_bounded_and_the_listener_comes_back) {
    const Running running;
    {
        std::vector<std::unique_ptr<Client>> idle;
        for (std::size_t i = 0; i < 3 * limits::private_connections; ++i)
            idle.push_back(std::make_unique<Client>(running.listener->address()));
        // Those beyond the bound and the backlog wait in the kernel and cost no descriptor here.
        running.after_a_turn_of_the_loop();
        running.after_a_turn_of_the_loop();
        const double fds = Scrape(*running.metrics).value("process_open_fds");
        BOOST_TEST(
            fds < static_cast<double>(3 * limits::private_connections + 2 * limits::private_connections + 20),
            fds);
    }
    BOOST_TEST(status_is(running.get("/live"), 200));
}

BOOST_AUTO_TEST_CASE(an_address_that_is_none_or_taken_is_an_error_with_the_address) {
    const Running running;
    event_base* base = event_base_new();
    for (const std::string& address :
         {std::string("nowhere"), std::string("127.0.0.1"), std::string("localhost:80"),
          std::string("300.0.0.1:80"), running.listener->address()}) {
        const auto opened =
            PrivateListener::open(base, address, {running.metrics, [] { return Readiness{}; }, {}});
        BOOST_TEST_REQUIRE(!opened.has_value(), address);
        BOOST_TEST(holds(opened.error().message, address), opened.error().message);
    }
    event_base_free(base);
}
