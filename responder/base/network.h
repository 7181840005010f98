#ifndef EIGHTBELLS_RESPONDER_BASE_NETWORK_H
#define EIGHTBELLS_RESPONDER_BASE_NETWORK_H

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "responder/base/result.h"

namespace eightbells {

// An IPv4 or IPv6 address. IPv4 stands as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2), so that an address
// means the same on whichever socket it came in. Personal data: never written into a log, metric or store.
struct IpAddress {
    std::array<std::uint8_t, 16> octets{};

    static IpAddress from_v4(std::span<const std::uint8_t, 4> octets) noexcept;
    bool is_v4() const noexcept;
    friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// All addresses that begin with the same bits.
struct Network {
    IpAddress first;
    unsigned bits = 128;  // of the 16 octets, so 96 more than an IPv4 network is written with

    bool contains(const IpAddress& address) const noexcept;
    friend bool operator==(const Network&, const Network&) = default;
};

// "192.0.2.7", "10.0.0.0/8", "2001:db8::/32". Refused: names, and networks with bits behind their prefix,
// where somebody means one of two things.
Result<Network> parse_network(std::string_view text);
std::string to_string(const Network& network);

}  // namespace eightbells

#endif
