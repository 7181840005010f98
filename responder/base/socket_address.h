#ifndef EIGHTBELLS_RESPONDER_BASE_SOCKET_ADDRESS_H
#define EIGHTBELLS_RESPONDER_BASE_SOCKET_ADDRESS_H

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "responder/base/network.h"
#include "responder/base/result.h"

namespace eightbells {

// A numeric address and a port: "127.0.0.1:8080", "[::1]:8080". Names are refused: what one resolves to may
// change between two starts, and neither a listener nor who connects should wait for DNS.
struct HostPort {
    std::string host;        // canonical, without brackets
    std::uint16_t port = 0;  // of a listener: 0 takes a free one

    friend bool operator==(const HostPort&, const HostPort&) = default;
};
// The error says what is wrong with the text, not what the text is.
Result<HostPort> parse_host_port(std::string_view text);
std::string to_string(const HostPort& place);

// The same as the kernel's calls take and give it.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;  // room for a call that fills it

    int family() const noexcept { return storage.ss_family; }
    sockaddr* generic() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    const sockaddr* generic() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};
Result<SocketAddress> socket_address(const HostPort& place);
// Empty where it is no IP address.
HostPort host_port(const SocketAddress& address);
std::optional<IpAddress> ip_address(const SocketAddress& address) noexcept;
// Where a socket is bound; empty where that is no IP address.
HostPort bound_address(int socket);

}  // namespace eightbells

#endif
