#include "tests/faults/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "tests/cache/free_port.h"

namespace eightbells::faults {

namespace {
int new_socket() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        throw std::runtime_error("socket");
    return fd;
}
}  // namespace

Proxy::Proxy(std::uint16_t to) : to_(to), listening_(new_socket()) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listening_, generic, size) != 0 || ::listen(listening_, 64) != 0 ||
        ::getsockname(listening_, generic, &size) != 0)
        throw std::runtime_error("a proxy cannot listen");
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread{[this] { accept_all(); }};
}

Proxy::~Proxy() {
    ended_ = true;
    ::shutdown(listening_, SHUT_RDWR);
    accepting_.join();
    ::close(listening_);
    for (Link& link : links_) {
        ::shutdown(link.client, SHUT_RDWR);
        ::shutdown(link.server, SHUT_RDWR);
        link.to_server.join();
        link.to_client.join();
        ::close(link.client);
        ::close(link.server);
    }
}

void Proxy::accept_all() {
    while (!ended_) {
        const int client = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0)
            continue;
        const int server = new_socket();
        const sockaddr_in address = loopback(to_);
        if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            ::close(client);
            ::close(server);
            continue;
        }
        Link& link = links_.emplace_back();
        link.client = client;
        link.server = server;
        link.to_server = std::thread{[this, client, server] { forward(client, server); }};
        link.to_client = std::thread{[this, client, server] { forward(server, client); }};
    }
}

void Proxy::forward(int from, int to) {
    std::array<char, 65536> piece;
    while (true) {
        const ssize_t got = ::recv(from, piece.data(), piece.size(), 0);
        if (got <= 0)
            break;
        if (const std::int64_t wait = delay_; wait > 0)
            std::this_thread::sleep_for(std::chrono::milliseconds{wait});  // the network's latency
        if (lose_)
            continue;
        if (::send(to, piece.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got)
            break;
    }
    ::shutdown(to, SHUT_WR);
}

}  // namespace eightbells::faults
