#ifndef EIGHTBELLS_RESPONDER_FRONT_LIVE_CLIENT_H
#define EIGHTBELLS_RESPONDER_FRONT_LIVE_CLIENT_H

#include <event2/event.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/live/message.h"

namespace eightbells::front {

// The front's end of the private call: one connection a worker, on the worker's loop, never waiting for
// anything. Calls under way are bounded in number (limits::live_outstanding) and in time
// (limits::live_call_deadline, from call() on); above either, and while the signer is away, the caller hears
// so and serves what it has. Connects again by itself after limits::live_reconnect_pause. Everything happens
// on the loop's thread. `call` allocates: it is not the path that is held to none.
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

    // Connects at once, without waiting. `base` and `clock` are not owned and outlive the client.
    LiveClient(event_base* base, std::filesystem::path socket, const Clock& clock);
    ~LiveClient();  // calls under way are forgotten, their Waiting destroyed
    LiveClient(const LiveClient&) = delete;
    LiveClient& operator=(const LiveClient&) = delete;

    // Whether a call can be taken now: connected, and below the bounds. Ask before call(), which is then sure
    // to take it.
    bool ready() const noexcept;
    // Sends the call under an id of its own (call.id is set here). REQUIRES: ready(). False when the call is
    // no call (see live::encode): nothing was sent, `waiting` is gone.
    bool call(live::Call call, std::unique_ptr<Waiting> waiting);

    bool connected() const noexcept { return fd_ >= 0; }
    std::size_t outstanding() const noexcept { return calls_.size(); }

  private:
    struct Pending {
        live::Call call;
        std::unique_ptr<Waiting> waiting;
        std::chrono::steady_clock::time_point deadline;
    };

    void connect() noexcept;
    void disconnect() noexcept;
    void watch_writing() noexcept;
    void on_socket(short what) noexcept;
    void on_timer() noexcept;
    void set_timer() noexcept;
    bool write_some() noexcept;
    bool read_some() noexcept;
    bool take_replies();

    event_base* base_;
    std::filesystem::path socket_;
    const Clock& clock_;
    int fd_ = -1;
    event* readable_ = nullptr;
    event* writable_ = nullptr;
    event* timer_ = nullptr;  // the oldest deadline, or the next attempt to connect
    std::uint64_t next_id_ = 1;
    std::map<std::uint64_t, Pending> calls_;  // by id, and so by deadline
    Bytes out_;
    std::size_t sent_ = 0;  // of out_
    Bytes in_;
    bool heard_ = false;  // anything since the last deadline that passed
};

}  // namespace eightbells::front

#endif
