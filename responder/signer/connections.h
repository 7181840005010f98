#ifndef EIGHTBELLS_RESPONDER_SIGNER_CONNECTIONS_H
#define EIGHTBELLS_RESPONDER_SIGNER_CONNECTIONS_H

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "responder/base/bytes.h"

struct bufferevent;
struct evbuffer;

namespace eightbells::signer {

class Connections;

// Somebody at one of the signer's private doors, who has shown who he is. One event loop, one thread.
class Connection {
  public:
    Connection(Connections& home, bufferevent* events, uid_t user, std::uint64_t id) noexcept;
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void send(ByteView bytes) noexcept;
    // By the kernel's word (SO_PEERCRED); nobody() of a peer on another machine.
    uid_t user() const noexcept { return user_; }
    static constexpr uid_t nobody() noexcept { return static_cast<uid_t>(-1); }
    std::uint64_t id() const noexcept { return id_; }  // never used again in this process

  private:
    friend class Connections;
    Connections& home_;
    bufferevent* const events_;
    evbuffer* const input_;  // unread: what came through `events_`, and what lay behind it
    bool paused_ = false;
    const uid_t user_;
    const std::uint64_t id_;
};

// Those of one door, within bounds.
class Connections {
  public:
    struct Limits {
        std::size_t connections = 64;
        std::size_t input_octets = 64 * 1024;  // unread input above this closes the connection
        // Above this a peer that does not take its answers is not read from, and closed after
        // limits::peer_stalls. What is held of it at most is this and the answers to one input.
        std::size_t output_octets = 1024 * 1024;
        std::chrono::seconds idle{0};  // 0: none
    };
    // Called with everything unread, which is all that a local peer has sent by now, up to input_octets;
    // returns how much it has used, and is called again with the rest until it uses nothing more. A peer that
    // sends what cannot be used is closed: nullopt.
    using OnInput = std::function<std::optional<std::size_t>(Connection&, ByteView)>;

    Connections(const Limits& limits, OnInput on_input) : limits_(limits), on_input_(std::move(on_input)) {}
    bool full() const noexcept { return connections_.size() >= limits_.connections; }
    // Takes it over. REQUIRES: not full().
    void add(bufferevent* events, uid_t user);
    Connection* find(std::uint64_t id) noexcept;
    void close_all() noexcept { connections_.clear(); }

  private:
    void read(Connection& connection) noexcept;
    void resume(Connection& connection) noexcept;
    void close(std::uint64_t id) noexcept { connections_.erase(id); }

    const Limits limits_;
    const OnInput on_input_;
    std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
};

}  // namespace eightbells::signer

#endif
