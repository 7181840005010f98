#ifndef EIGHTBELLS_RESPONDER_CONFIG_ADDRESS_H
#define EIGHTBELLS_RESPONDER_CONFIG_ADDRESS_H

#include <cstdint>
#include <string>
#include <string_view>

#include "responder/base/result.h"

namespace eightbells::config {

// A numeric address to listen on: "127.0.0.1:8080", "[::1]:8080". Names are refused: what they resolve to may
// change between two starts, and a listener must not wait for DNS.
struct ListenAddress {
    std::string host;  // canonical, without brackets
    std::uint16_t port = 0;
    bool reachable_from_outside =
        false;  // a wildcard or an address that is not loopback, private or link-local

    friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace eightbells::config

#endif
