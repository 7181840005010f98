#ifndef EIGHTBELLS_RESPONDER_PAIR_CHANNEL_H
#define EIGHTBELLS_RESPONDER_PAIR_CHANNEL_H

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "responder/base/descriptor.h"
#include "responder/keys/signing_key.h"
#include "responder/pair/message.h"
#include "responder/tls/context.h"
#include "responder/tls/refusals.h"
#include "responder/tls/socket.h"

namespace eightbells::pair {

// What makes two signers a pair: both hold the store key, and nobody else does. The secret is derived from
// it.
using tls::Secret;
// SHA-256 of the store key's signature over words that no head begins with; Ed25519 signs them always alike.
Result<Secret> pair_secret(const keys::StoreKey& key);

// A connection between the two. One thread; nothing waits longer than it says. Ignores SIGPIPE for the
// process.
class Channel {
  public:
    // Both wait up to limits::pair_handshake, for each of connecting and proving.
    static Result<std::unique_ptr<Channel>> connect(const HostPort& to, const Secret& secret);
    static Result<std::unique_ptr<Channel>> accept(Descriptor socket, const Secret& secret,
                                                   tls::Refusals& refusals);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    // What waits gives up within limits::pair_turn once this is set. It must outlive the channel.
    void end_when(const std::atomic<bool>& stopping) noexcept;
    // Within limits::pair_silence.
    Status send(const Message& message);
    // The next message; nullopt: none is whole by then.
    Result<std::optional<Message>> receive(std::chrono::milliseconds at_most);
    int fd() const noexcept;

  private:
    struct State;
    explicit Channel(std::unique_ptr<State> state);
    static Result<std::unique_ptr<Channel>> begin(Descriptor socket, tls::Context::Side side,
                                                  const Secret& secret, const std::string& name,
                                                  tls::Refusals* refusals);
    std::unique_ptr<State> state_;
};

// Where the one that leads is connected to.
class Listener {
  public:
    static Result<Listener> open(const HostPort& address);
    // A connection from `host`; an invalid descriptor: there is none now. Others are refused.
    Descriptor accept(const std::string& host, tls::Refusals& refusals);
    int fd() const noexcept { return socket_.get(); }

  private:
    explicit Listener(Descriptor socket) : socket_(std::move(socket)) {}
    Descriptor socket_;
};

}  // namespace eightbells::pair

#endif
