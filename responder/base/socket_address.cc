#include "responder/base/socket_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstring>

namespace eightbells {
namespace {

// Both are as long as their family's member of sockaddr_storage at most, so a copy is what C++ allows.
template <class Family>
Family as(const SocketAddress& address) noexcept {
    Family specific{};
    std::memcpy(&specific, &address.storage, sizeof specific);
    return specific;
}

template <class Family>
SocketAddress from(const Family& specific) noexcept {
    SocketAddress address;
    std::memcpy(&address.storage, &specific, sizeof specific);
    address.size = sizeof specific;
    return address;
}

}  // namespace

Result<SocketAddress> socket_address(const HostPort& place) {
    sockaddr_in v4{};
    if (inet_pton(AF_INET, place.host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(place.port);
        return from(v4);
    }
    sockaddr_in6 v6{};
    if (inet_pton(AF_INET6, place.host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(place.port);
        return from(v6);
    }
    return fail(fmt::format("\"{}\" is not a numeric address", place.host));
}

HostPort host_port(const SocketAddress& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.family() == AF_INET) {
        const auto v4 = as<sockaddr_in>(address);
        return {inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size()), ntohs(v4.sin_port)};
    }
    if (address.family() == AF_INET6) {
        const auto v6 = as<sockaddr_in6>(address);
        return {inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size()), ntohs(v6.sin6_port)};
    }
    return {};
}

std::optional<IpAddress> ip_address(const SocketAddress& address) noexcept {
    if (address.family() == AF_INET) {
        const auto v4 = as<sockaddr_in>(address);
        std::array<std::uint8_t, sizeof v4.sin_addr> octets{};
        std::memcpy(octets.data(), &v4.sin_addr, octets.size());
        return IpAddress::from_v4(octets);
    }
    if (address.family() == AF_INET6) {
        const auto v6 = as<sockaddr_in6>(address);
        IpAddress result;
        std::memcpy(result.octets.data(), &v6.sin6_addr, result.octets.size());
        return result;
    }
    return std::nullopt;
}

HostPort bound_address(int socket) {
    SocketAddress bound;
    if (::getsockname(socket, bound.generic(), &bound.size) != 0)
        return {};
    return host_port(bound);
}

Result<HostPort> parse_host_port(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return fail("has no port");
    const std::string_view digits = text.substr(colon + 1);
    std::string_view host = text.substr(0, colon);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
        return fail(fmt::format("\"{}\" is not a port between 0 and 65535", digits));
    const bool brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (brackets)
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string_view::npos)
        return fail(fmt::format("an IPv6 address stands in brackets: \"[{}]:{}\"", host, port));
    if (host.find('\0') != std::string_view::npos)
        return fail("holds a NUL character");
    if (host == "localhost")
        return fail("\"localhost\" is a name; write \"127.0.0.1\" or \"[::1]\"");
    const auto address = socket_address({std::string(host), port});
    if (!address)
        return tl::unexpected(address.error());
    if (brackets != (address->family() == AF_INET6))
        return fail(fmt::format("\"{}\" is an IPv4 address and stands without brackets", host));
    return host_port(*address);
}

std::string to_string(const HostPort& place) {
    const bool v6 = place.host.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}", v6 ? "[" : "", place.host, v6 ? "]" : "", place.port);
}

}  // namespace eightbells
