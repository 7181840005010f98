#ifndef EIGHTBELLS_RESPONDER_FRONT_LIVE_CLIENT_H
#define EIGHTBELLS_RESPONDER_FRONT_LIVE_CLIENT_H

#include <event2/event.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "responder/base/clock.h"
#include "responder/base/result.h"
#include "responder/config/config.h"
#include "responder/live/message.h"
#include "responder/tls/context.h"
#include "responder/tls/socket.h"

struct bufferevent;

namespace eightbells::front {

// Where signers take calls: a socket on this machine, or addresses of others, where both ends prove
// themselves by a secret. Of two signers whichever takes calls is the one that leads: the other one refuses
// the connection.
struct SignerPlaces {
    std::filesystem::path socket;  // when there are no addresses
    std::vector<HostPort> addresses;
    std::shared_ptr<const tls::Context> tls;  // with addresses

    // Reads the secret's file where there are addresses.
    static Result<SignerPlaces> of(const config::Front& settings);
    bool any() const noexcept { return !socket.empty() || !addresses.empty(); }
    std::size_t count() const noexcept { return addresses.empty() ? 1 : addresses.size(); }
};

// The front's end of the private call: one connection a worker, on the worker's loop, never waiting for
// anything. Calls under way are bounded in number (limits::live_outstanding) and in time
// (limits::live_call_deadline, from call() on); above either, and while no signer takes calls, the caller
// hears so and serves what it has. Connects again by itself: at once to the next place, and after each has
// been tried with a pause (limits::live_reconnect_pause). Everything happens on the loop's thread. `call`
// allocates: it is not the path that is held to none.
class LiveClient {
  public:
    // What became of a call. Exactly one of these is called once, from the loop and never from within call(),
    // unless the client is destroyed first.
    class Waiting {
      public:
        virtual ~Waiting() = default;
        virtual void replied(const live::Call& call, const live::Reply& reply) noexcept = 0;
        // The deadline passed (`late`) or the connection is lost.
        virtual void unanswered(const live::Call& call, bool late) noexcept = 0;
    };

    // Connects at once, without waiting. `base` and `clock` are not owned and outlive the client. REQUIRES:
    // places.any().
    LiveClient(event_base* base, SignerPlaces places, const Clock& clock);
    ~LiveClient();  // calls under way are forgotten, their Waiting destroyed
    LiveClient(const LiveClient&) = delete;
    LiveClient& operator=(const LiveClient&) = delete;

    // Whether a call can be taken now: connected, and below the bounds. Ask before call(), which is then sure
    // to take it.
    bool ready() const noexcept;
    // Sends the call under an id of its own (call.id is set here). REQUIRES: ready(). False when the call is
    // no call (see live::encode): nothing was sent, `waiting` is gone.
    bool call(live::Call call, std::unique_ptr<Waiting> waiting);

    bool connected() const noexcept { return proved_; }
    std::size_t outstanding() const noexcept { return calls_.size(); }

  private:
    struct Pending {
        live::Call call;
        std::unique_ptr<Waiting> waiting;
        std::chrono::steady_clock::time_point deadline;
    };

    void connect() noexcept;
    bool connect_here() noexcept;
    bool connect_there(const HostPort& address) noexcept;
    void on_event(short what) noexcept;
    void on_proved() noexcept;
    void on_readable() noexcept;
    bool take_replies();
    void on_connect_timer() noexcept;
    void on_deadline() noexcept;
    void wait_for_deadline() noexcept;
    void give_up(const std::string& why) noexcept;
    void disconnect() noexcept;
    std::string place() const;

    event_base* base_;
    const SignerPlaces places_;
    const Clock& clock_;
    std::size_t at_ = 0;     // of the places
    std::size_t tried_ = 0;  // of them since the last pause
    std::chrono::milliseconds pause_;
    bufferevent* events_ = nullptr;    // null: there is no connection
    bool proved_ = false;              // and it takes calls
    event* connect_timer_ = nullptr;   // the next attempt, or the end of this one
    event* deadline_timer_ = nullptr;  // of the oldest call
    std::vector<std::string> told_;    // of each place: the last trouble, so that it is told once
    std::uint64_t next_id_ = 1;
    std::map<std::uint64_t, Pending> calls_;  // by id, and so by deadline
    bool heard_ = false;                      // anything since the last deadline that passed
};

}  // namespace eightbells::front

#endif
