#include "bench/connect.h"

#include <sys/socket.h>

#include <cstdint>

namespace eightbells::bench {
namespace {

constexpr std::uint32_t loopback = 127U << 24;
constexpr std::uint32_t first_own = loopback | 1U << 16;
constexpr std::size_t connections_an_address = 8;

}  // namespace

bool connect_from(int fd, std::size_t position, const sockaddr_in& target) noexcept {
    if ((ntohl(target.sin_addr.s_addr) & 0xff00'0000U) == loopback) {
        const int on = 1;
        ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_addr.s_addr =
            htonl(first_own + 1 + static_cast<std::uint32_t>(position / connections_an_address));
        if (::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
            return false;
    }
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&target), sizeof target) == 0;
}

}  // namespace eightbells::bench
