// The floor: the least that a server on sockets can do. A bare epoll loop on one thread: wait, read what
// came, write a constant answer. Nothing is parsed, no time is looked at; whatever one read brings is one
// request.
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/arguments.h"
#include "bench/limits.h"

namespace {

using namespace eightbells;

constexpr std::string_view usage =
    "bench_floor --listen ADDRESS:PORT --octets N [--edge 1]\n"
    "  answers everything with N octets, head and body; --edge 1: edge-triggered\n";

std::string answer_of(std::size_t octets) {
    std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: ";
    constexpr std::size_t digits = 5;
    const std::size_t head_octets = head.size() + digits + 4;
    const std::size_t body = octets > head_octets ? octets - head_octets : 0;
    const std::string number = std::to_string(body);
    head += std::string(digits - number.size(), '0') + number + "\r\n\r\n";
    return head + std::string(body, 'x');
}

void add(int epoll, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        std::perror("bench_floor: epoll_ctl");
        std::exit(1);
    }
}

[[noreturn]] void serve(int listener, const std::string& answer, std::uint32_t interest) {
    const int epoll = ::epoll_create1(0);
    add(epoll, listener, EPOLLIN);
    std::array<epoll_event, 256> events{};
    std::vector<char> input(limits::bench_answer_octets);
    for (;;) {
        const int ready = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < ready; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd == listener) {
                const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
                const int on = 1;
                ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                if (accepted >= 0)
                    add(epoll, accepted, interest);
                continue;
            }
            const ssize_t got = ::recv(fd, input.data(), input.size(), 0);
            if (got > 0)
                (void)!::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
            else if (got == 0 || errno != EAGAIN)
                ::close(fd);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const bench::Arguments arguments(argc, argv, "listen octets edge", usage);
        const sockaddr_in address = arguments.address("listen");
        const std::string answer = answer_of(arguments.count("octets", 1000, 100, 60000));
        const bool edge = arguments.count("edge", 0, 0, 1) != 0;
        const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        const int on = 1;
        ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener, 4096) != 0) {
            std::perror("bench_floor: listen");
            return 1;
        }
        serve(listener, answer, edge ? EPOLLIN | EPOLLET : EPOLLIN);
    } catch (const std::exception& wrong) {
        std::fprintf(stderr, "bench_floor: %s\n", wrong.what());
        return 2;
    }
}
