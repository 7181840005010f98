#ifndef EIGHTBELLS_RESPONDER_HTTP_PROXY_HEADER_H
#define EIGHTBELLS_RESPONDER_HTTP_PROXY_HEADER_H

#include <cstddef>
#include <cstdint>
#include <optional>

#include "responder/base/bytes.h"
#include "responder/base/network.h"

namespace eightbells::http {

// What stands at the start of a connection that a proxy makes for a client: the header of the PROXY protocol,
// version 2 (proxy-protocol.txt, section 2.2). Version 1, the text line, is not read.
struct ProxyHeader {
    enum class Step : std::uint8_t {
        more,      // nothing wrong so far, and not whole
        complete,  // `octets` of it; what follows is the client's
        fault      // not such a header, or longer than limits::http_proxy_header_octets
    };
    Step step = Step::more;
    std::size_t octets = 0;
    // Of the client. Absent when the proxy speaks for itself (LOCAL: a health check), and when it names no IP
    // address (AF_UNSPEC, AF_UNIX).
    std::optional<IpAddress> source;
};

// `bytes` are all octets since the connection's start. The verdict falls at a fixed octet, however they came.
// Vectors behind the addresses (TLVs) are skipped unread: nothing here depends on what they say. No
// allocation.
ProxyHeader read_proxy_header(ByteView bytes) noexcept;

}  // namespace eightbells::http

#endif
