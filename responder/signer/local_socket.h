#ifndef EIGHTBELLS_RESPONDER_SIGNER_LOCAL_SOCKET_H
#define EIGHTBELLS_RESPONDER_SIGNER_LOCAL_SOCKET_H

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "responder/base/bytes.h"

struct event_base;

namespace eightbells::signer {

// The signer's private doors: stream sockets on the local machine whose peers are known by the kernel's word
// (SO_PEERCRED). One event loop, one thread.
class LocalConnection {
  public:
    virtual ~LocalConnection() = default;
    virtual void send(ByteView bytes) noexcept = 0;
    virtual uid_t peer() const noexcept = 0;
    virtual std::uint64_t id() const noexcept = 0;  // never used again
};

class LocalServer {
  public:
    struct Settings {
        std::filesystem::path path;
        std::size_t connections = 64;
        std::size_t input_octets = 64 * 1024;     // unread input above this closes the connection
        std::size_t output_octets = 1024 * 1024;  // a peer that does not read is closed above this
        std::chrono::seconds idle{0};             // 0: none
        std::function<bool(uid_t)> may_connect;
    };
    // Called with everything unread; returns how much it has used. A peer that sends what cannot be used is
    // closed: nullopt.
    using OnInput = std::function<std::optional<std::size_t>(LocalConnection&, ByteView)>;

    // A stale socket file (nobody listens) is replaced; one that somebody answers on is an error. Mode 0660.
    static Result<std::unique_ptr<LocalServer>> open(event_base* base, Settings settings, OnInput on_input);
    virtual ~LocalServer() = default;
    // The connection if it is still there; the loop's thread only.
    virtual LocalConnection* find(std::uint64_t id) noexcept = 0;
};

}  // namespace eightbells::signer

#endif
