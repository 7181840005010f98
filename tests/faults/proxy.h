#ifndef EIGHTBELLS_TESTS_FAULTS_PROXY_H
#define EIGHTBELLS_TESTS_FAULTS_PROXY_H

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <thread>

namespace eightbells::faults {

// A network between programs and a server on 127.0.0.1: it may be slow, and it may lose everything without a
// word, as a partition does. Threads of its own.
class Proxy {
  public:
    explicit Proxy(std::uint16_t to);
    ~Proxy();
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    void delay(std::chrono::milliseconds each_piece) noexcept { delay_ = each_piece.count(); }
    void lose(bool everything) noexcept { lose_ = everything; }

  private:
    struct Link {
        int client = -1;
        int server = -1;
        std::thread to_server;
        std::thread to_client;
    };
    void accept_all();
    void forward(int from, int to);

    std::uint16_t to_;
    std::uint16_t port_ = 0;
    int listening_ = -1;
    std::atomic<std::int64_t> delay_{0};  // milliseconds
    std::atomic<bool> lose_{false};
    std::atomic<bool> ended_{false};
    std::list<Link> links_;  // to the end: a test makes tens of them
    std::thread accepting_;
};

}  // namespace eightbells::faults

#endif
