#ifndef EIGHTBELLS_RESPONDER_TLS_REFUSALS_H
#define EIGHTBELLS_RESPONDER_TLS_REFUSALS_H

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace eightbells::tls {

// Why a connection that came in was refused.
enum class Refusal : std::uint8_t {
    not_tls,   // it never said hello in TLS
    secret,    // it did, and did not prove that it has the secret
    slow,      // it took too long
    too_many,  // there is no room for it
    address    // it came from elsewhere than was to be
};

// Of a handshake that has failed.
Refusal why_unproved(const SSL* connection) noexcept;

// What one listening address refuses: every connection is counted, and the log is told once in
// limits::refusals_told, which strangers shall not fill. One thread.
class Refusals {
  public:
    using Count = std::function<void(Refusal)>;  // must not throw; may be empty
    Refusals(std::string address, Count count) : address_(std::move(address)), count_(std::move(count)) {}
    void add(Refusal why) noexcept;

  private:
    const std::string address_;
    const Count count_;
    std::uint64_t untold_ = 0;
    std::optional<std::chrono::steady_clock::time_point> told_at_;
};

}  // namespace eightbells::tls

#endif
