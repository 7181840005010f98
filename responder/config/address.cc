#include "responder/config/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <span>

namespace eightbells::config {
namespace {

struct Range {
    std::array<std::uint8_t, 4> prefix;
    unsigned bits;
};
// Loopback, private use (RFC 1918), shared (RFC 6598) and link-local.
constexpr std::array<Range, 6> private_v4{{{{127, 0, 0, 0}, 8},
                                           {{10, 0, 0, 0}, 8},
                                           {{172, 16, 0, 0}, 12},
                                           {{192, 168, 0, 0}, 16},
                                           {{100, 64, 0, 0}, 10},
                                           {{169, 254, 0, 0}, 16}}};

bool begins_with(std::span<const std::uint8_t> address, std::span<const std::uint8_t> prefix, unsigned bits) {
    for (unsigned bit = 0; bit < bits; ++bit) {
        const unsigned difference = static_cast<unsigned>(address[bit / 8] ^ prefix[bit / 8]);
        if (((difference >> (7 - bit % 8)) & 1U) != 0)
            return false;
    }
    return true;
}

bool is_private_v4(std::span<const std::uint8_t, 4> address) {
    for (const Range& range : private_v4) {
        if (begins_with(address, range.prefix, range.bits))
            return true;
    }
    return false;
}

bool is_private_v6(std::span<const std::uint8_t, 16> address) {
    constexpr std::array<std::uint8_t, 16> loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    constexpr std::array<std::uint8_t, 12> mapped_v4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    constexpr std::array<std::uint8_t, 1> unique_local{0xfc};
    constexpr std::array<std::uint8_t, 2> link_local{0xfe, 0x80};
    if (begins_with(address, mapped_v4, 96))
        return is_private_v4(address.subspan<12, 4>());
    return begins_with(address, loopback, 128) || begins_with(address, unique_local, 7) ||
           begins_with(address, link_local, 10);
}

template <std::size_t size>
Result<ListenAddress> from_text(int family, std::string_view host) {
    std::array<std::uint8_t, size> octets{};
    const std::string text(host);
    if (inet_pton(family, text.c_str(), octets.data()) != 1)
        return fail(host == "localhost"
                        ? std::string(R"("localhost" is a name; write "127.0.0.1" or "[::1]")")
                        : fmt::format("\"{}\" is not a numeric address", host));
    std::array<char, INET6_ADDRSTRLEN> canonical{};
    inet_ntop(family, octets.data(), canonical.data(), static_cast<socklen_t>(canonical.size()));
    ListenAddress address{.host = canonical.data()};
    if constexpr (size == 4)
        address.reachable_from_outside = !is_private_v4(octets);
    else
        address.reachable_from_outside = !is_private_v6(octets);
    return address;
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return fail("has no port");
    const std::string_view port_text = text.substr(colon + 1);
    std::string_view host = text.substr(0, colon);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
    if (port_text.empty() || error != std::errc{} || end != port_text.data() + port_text.size())
        return fail(fmt::format("\"{}\" is not a port between 0 and 65535", port_text));
    const bool brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (brackets)
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string_view::npos)
        return fail(fmt::format("an IPv6 address stands in brackets: \"[{}]:{}\"", host, port));
    if (host.find('\0') != std::string_view::npos)
        return fail("holds a NUL character");
    Result<ListenAddress> address = brackets ? from_text<16>(AF_INET6, host) : from_text<4>(AF_INET, host);
    if (address)
        address->port = port;
    return address;
}

}  // namespace eightbells::config
