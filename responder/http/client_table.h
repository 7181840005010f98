#ifndef EIGHTBELLS_RESPONDER_HTTP_CLIENT_TABLE_H
#define EIGHTBELLS_RESPONDER_HTTP_CLIENT_TABLE_H

#include <cstddef>
#include <cstdint>
#include <memory>

#include "responder/base/network.h"

namespace eightbells::http {

// Whom the limit of connections per address takes for one client: an IPv4 address, or the /64 that one
// subscriber has for himself (RFC 6177). IPv4 behind a translator with the well-known prefix 64:ff9b::/96
// (RFC 6052) counts as IPv4: half the internet would be one client otherwise.
using ClientKey = std::uint64_t;
ClientKey client_key(const IpAddress& address) noexcept;

// How many connections each client has open. In memory only, and a client is forgotten with its last
// connection: nothing of its address is left behind then. All memory is taken when the table is made, 16
// octets a slot, two slots a connection. Not for several threads.
//
// Open addressing with a fixed hash: whoever has enough networks may choose keys that fall together, and can
// make one look-up walk over as many slots as there are connections, 20 us at 20,000. That is what accepting
// a connection costs anyway.
class ClientTable {
  public:
    // At most `connections` are counted at once, of one client at most `per_client`.
    ClientTable(std::uint32_t connections, std::uint32_t per_client);

    // False: the client has as many as it may, or the table is full.
    bool enter(ClientKey client) noexcept;
    void leave(ClientKey client) noexcept;  // once for each `enter` that was true
    std::size_t clients() const noexcept { return clients_; }

  private:
    struct Slot {
        ClientKey client = 0;
        std::uint32_t connections = 0;  // 0: the slot is free, and `client` is 0 too
    };
    std::size_t home(ClientKey client) const noexcept;
    Slot& find(ClientKey client) noexcept;  // the client's slot, or the free one where it belongs

    std::size_t mask_;
    unsigned shift_;
    std::uint32_t connections_;
    std::uint32_t per_client_;
    std::uint32_t entered_ = 0;
    std::size_t clients_ = 0;
    std::unique_ptr<Slot[]> slots_;
};

}  // namespace eightbells::http

#endif
