#include "responder/base/network.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace eightbells {
namespace {

constexpr std::array<std::uint8_t, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned v4_prefix_bits = 96;

// The octet at `at` of a mask of that many bits.
std::uint8_t mask(unsigned bits, std::size_t at) noexcept {
    const unsigned before = static_cast<unsigned>(at) * 8;
    const unsigned own = bits <= before ? 0 : std::min(bits - before, 8U);
    return static_cast<std::uint8_t>(0xff00U >> own);
}

}  // namespace

IpAddress IpAddress::from_v4(std::span<const std::uint8_t, 4> octets) noexcept {
    IpAddress address;
    std::ranges::copy(v4_prefix, address.octets.begin());
    std::ranges::copy(octets, address.octets.begin() + v4_prefix.size());
    return address;
}

bool IpAddress::is_v4() const noexcept {
    return std::memcmp(octets.data(), v4_prefix.data(), v4_prefix.size()) == 0;
}

bool Network::contains(const IpAddress& address) const noexcept {
    for (std::size_t at = 0; at < first.octets.size() && at * 8 < bits; ++at)
        if (((first.octets[at] ^ address.octets[at]) & mask(bits, at)) != 0)
            return false;
    return true;
}

Result<Network> parse_network(std::string_view text) {
    const auto wrong = [&](std::string_view why) {
        return fail(fmt::format(
            "\"{}\" {}; write for example \"192.0.2.7\", \"10.0.0.0/8\" or \"2001:db8::/32\"", text, why));
    };
    const std::size_t slash = text.find('/');
    const std::string host(text.substr(0, slash));
    Network network;
    std::array<std::uint8_t, 4> v4{};
    const bool is_v4 = inet_pton(AF_INET, host.c_str(), v4.data()) == 1;
    if (is_v4)
        network.first = IpAddress::from_v4(v4);
    else if (inet_pton(AF_INET6, host.c_str(), network.first.octets.data()) != 1)
        return wrong("is not a numeric address");
    if (host.find('\0') != std::string::npos)
        return wrong("holds a NUL character");
    if (slash == std::string_view::npos)
        return network;
    const std::string_view digits = text.substr(slash + 1);
    const unsigned most = is_v4 ? 32 : 128;
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || bits > most)
        return wrong(fmt::format("has no prefix length of 0 to {}", most));
    network.bits = is_v4 ? v4_prefix_bits + bits : bits;
    Network meant = network;
    for (std::size_t at = 0; at < meant.first.octets.size(); ++at)
        meant.first.octets[at] &= mask(network.bits, at);
    if (meant != network)
        return fail(fmt::format("\"{}\" has bits behind its prefix; write \"{}\" or \"{}\"", text,
                                to_string(meant), host));
    return network;
}

std::string to_string(const Network& network) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool is_v4 = network.first.is_v4() && network.bits >= v4_prefix_bits;
    inet_ntop(is_v4 ? AF_INET : AF_INET6, network.first.octets.data() + (is_v4 ? v4_prefix.size() : 0),
              text.data(), static_cast<socklen_t>(text.size()));
    if (network.bits == 128)
        return text.data();
    return fmt::format("{}/{}", text.data(), is_v4 ? network.bits - v4_prefix_bits : network.bits);
}

}  // namespace eightbells
