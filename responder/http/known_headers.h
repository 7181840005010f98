#ifndef EIGHTBELLS_RESPONDER_HTTP_KNOWN_HEADERS_H
#define EIGHTBELLS_RESPONDER_HTTP_KNOWN_HEADERS_H

#include <array>
#include <cstddef>
#include <cstdint>

#include "responder/http/limits.h"
#include "responder/http/request_head.h"

namespace eightbells::http {

// The last few different sets of header lines that were read and found good, with what was found. A client
// sends the same lines with every request of a connection, and most clients of one kind send the same: equal
// bytes need not be judged again. Nothing is ever refused from here, and equality is of all octets, so this
// changes what a request costs and never what is answered. One a worker; not for several threads.
class KnownHeaders {
  public:
    // Headers and the empty line at the beginning of data[0..size), or null.
    const HeaderFacts* find(const std::uint8_t* data, std::size_t size, bool http_1_0,
                            std::size_t& octets) noexcept;
    // Remembers data[0..octets), in the place of the oldest, unless it is too long.
    void keep(const std::uint8_t* data, std::size_t octets, bool http_1_0, const HeaderFacts& facts) noexcept;

  private:
    struct Entry {
        HeaderFacts facts;
        std::uint16_t octets = 0;  // 0: free
        bool http_1_0 = false;
        std::array<std::uint8_t, limits::http_known_header_octets> bytes;
    };
    std::array<Entry, limits::http_known_headers> entries_;
    std::size_t last_ = 0;  // hit last: tried first
    std::size_t next_ = 0;  // replaced next
};

}  // namespace eightbells::http

#endif
