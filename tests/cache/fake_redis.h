#ifndef EIGHTBELLS_TESTS_CACHE_FAKE_REDIS_H
#define EIGHTBELLS_TESTS_CACHE_FAKE_REDIS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "tests/cache/free_port.h"
#include "tests/cache/redis_server.h"

namespace eightbells {

// Answers every connection with the same octets, whatever it is asked, then waits for the other side to go.
// Keeps what it has heard.
class FakeRedis {
  public:
    explicit FakeRedis(std::string answer, bool close_after = false)
        : answer_(std::move(answer)), close_after_(close_after) {
        listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address = loopback(0);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listening_, generic, size) != 0 || ::listen(listening_, 8) != 0 ||
            ::getsockname(listening_, generic, &size) != 0)
            throw std::runtime_error("fake redis");
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeRedis() {
        ::shutdown(listening_, SHUT_RDWR);
        thread_.join();
        ::close(listening_);
    }
    FakeRedis(const FakeRedis&) = delete;
    FakeRedis& operator=(const FakeRedis&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    cache::RedisAddress address() const {
        cache::RedisAddress address = patient();
        address.port = port_;
        return address;
    }
    // All that anybody has sent so far.
    std::string heard() const {
        const std::lock_guard lock{mutex_};
        return heard_;
    }

  private:
    void serve() const {
        for (;;) {
            const int peer = ::accept(listening_, nullptr, nullptr);
            if (peer < 0)
                return;
            if (hear(peer)) {
                std::string_view left = answer_;
                while (!left.empty()) {
                    const ssize_t sent = ::send(peer, left.data(), left.size(), MSG_NOSIGNAL);
                    if (sent <= 0)
                        break;
                    left.remove_prefix(static_cast<std::size_t>(sent));
                }
                while (!close_after_ && hear(peer)) {
                }
            }
            ::close(peer);
        }
    }
    // False when the other side has gone.
    bool hear(int peer) const {
        char buffer[4096];
        const ssize_t got = ::recv(peer, buffer, sizeof buffer, 0);
        if (got <= 0)
            return false;
        const std::lock_guard lock{mutex_};
        heard_.append(buffer, static_cast<std::size_t>(got));
        return true;
    }

    std::string answer_;
    bool close_after_;
    int listening_ = -1;
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;
    mutable std::string heard_;
    std::thread thread_;
};

}  // namespace eightbells

#endif
