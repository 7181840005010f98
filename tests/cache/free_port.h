#ifndef EIGHTBELLS_TESTS_CACHE_FREE_PORT_H
#define EIGHTBELLS_TESTS_CACHE_FREE_PORT_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace eightbells {

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

// A free port of 127.0.0.1, below those that the kernel gives to clients, and this process's until it ends: a
// name in the abstract namespace, held open, keeps tests that run at the same time away from it.
inline std::uint16_t free_port() {
    constexpr int first = 15'001;
    constexpr int last = 32'767;
    static int next = first + static_cast<int>(::getpid()) * 37 % (last - first);
    const auto binds = [](int fd, const auto& address, socklen_t size) {
        return fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0;
    };
    for (int tried = first; tried <= last; ++tried) {
        next = next < last ? next + 1 : first;
        const std::string text = "eightbells-test-port-" + std::to_string(next);
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::ranges::copy(text, name.sun_path + 1);
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
        const int claim = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in place = loopback(static_cast<std::uint16_t>(next));
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int yes = 1;
        ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        const bool free = binds(claim, name, size) && binds(socket, place, sizeof place);
        ::close(socket);
        if (free)
            return static_cast<std::uint16_t>(next);
        ::close(claim);
    }
    throw std::runtime_error("no free port");
}

}  // namespace eightbells

#endif
