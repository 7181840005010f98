#ifndef EIGHTBELLS_RESPONDER_TLS_CONTEXT_H
#define EIGHTBELLS_RESPONDER_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "responder/base/result.h"

namespace eightbells::tls {

// Connections between programs of ours on different machines: TLS 1.3 with a pre-shared key (RFC 8446,
// section 2.2), with an ephemeral key exchange, so that who takes the secret later reads nothing of the past.
// No certificates to make, renew and let expire, and each end proves itself to the other.
using Secret = std::array<std::uint8_t, 32>;  // 256 bits that nobody guesses

struct Key {
    std::string name;  // goes over the wire in clear; 1 to limits::tls_key_name_octets of ASCII
    Secret secret{};
};

// One end's keys. Any thread.
class Context {
  public:
    enum class Side : std::uint8_t { client, server };
    // A client proves itself by the first key; a server believes any of them. Ignores SIGPIPE for the
    // process: OpenSSL writes without MSG_NOSIGNAL.
    static Result<Context> make(Side side, std::vector<Key> keys);
    ~Context();
    Context(Context&&) noexcept;
    Context& operator=(Context&&) noexcept;

    // A connection that has not begun, for the caller to free, before this object.
    SSL* connection() const noexcept;  // null: out of memory

  private:
    struct State;
    explicit Context(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// REQUIRES: the handshake is over. Whether it was by the secret: a server that chose a certificate instead is
// nobody.
bool proved(const SSL* connection) noexcept;
// What OpenSSL last complained of on this thread; `otherwise` when of nothing.
std::string trouble(const std::string& otherwise);

}  // namespace eightbells::tls

#endif
