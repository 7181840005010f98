#ifndef EIGHTBELLS_RESPONDER_SIGNER_REMOTE_SOCKET_H
#define EIGHTBELLS_RESPONDER_SIGNER_REMOTE_SOCKET_H

#include <list>

#include "responder/base/result.h"
#include "responder/signer/connections.h"
#include "responder/signer/live_budget.h"
#include "responder/tls/context.h"
#include "responder/tls/refusals.h"
#include "responder/tls/socket.h"

struct event;
struct event_base;
struct evconnlistener;

namespace eightbells::signer {

// A private door for other machines: TLS by a shared secret. Who has not proved itself has nothing of it but
// limits::remote_handshake and one of limits::remote_unproved places, of which the newest comer takes the
// oldest's; and no more than limits::remote_accepted are looked at in a second. Whoever has proved itself is
// not disturbed by them. One event loop, one thread.
class RemoteServer {
  public:
    struct Settings {
        HostPort address;
        std::vector<tls::Key> keys;
        Connections::Limits limits;
        std::function<bool()> may_connect;  // asked before a word is exchanged
        tls::Refusals::Count refused;       // told of every connection that had not proved itself
    };
    static Result<std::unique_ptr<RemoteServer>> open(event_base* base, Settings settings,
                                                      Connections::OnInput on_input);
    ~RemoteServer();
    RemoteServer(const RemoteServer&) = delete;
    RemoteServer& operator=(const RemoteServer&) = delete;
    Connections& connections() noexcept { return connections_; }  // the loop's thread only

  private:
    struct Unproved {
        RemoteServer& home;
        bufferevent* events;
        std::list<Unproved>::iterator self{};
        std::chrono::steady_clock::time_point until{};
    };

    RemoteServer(Settings settings, tls::Context context, Connections::OnInput on_input);
    Status listen(event_base* base);
    void accept(int fd) noexcept;
    void greet(int fd) noexcept;
    void on_handshake(Unproved& one, short what) noexcept;
    void drop(Unproved& one) noexcept;
    void on_tick() noexcept;
    void tick_soon() noexcept;

    const Settings settings_;
    const tls::Context context_;
    Connections connections_;
    event_base* base_ = nullptr;
    evconnlistener* listener_ = nullptr;
    event* tick_ = nullptr;
    LiveBudget looks_;
    std::list<Unproved> unproved_;  // the oldest first
    tls::Refusals refusals_;
};

}  // namespace eightbells::signer

#endif
