#ifndef EIGHTBELLS_RESPONDER_SIGNER_LOCAL_SOCKET_H
#define EIGHTBELLS_RESPONDER_SIGNER_LOCAL_SOCKET_H

#include <filesystem>

#include "responder/base/result.h"
#include "responder/signer/connections.h"

struct event_base;
struct evconnlistener;

namespace eightbells::signer {

// A stream socket on the local machine whose peers are known by the kernel's word. One event loop, one
// thread.
class LocalServer {
  public:
    struct Settings {
        std::filesystem::path path;
        Connections::Limits limits;
        std::function<bool(uid_t)> may_connect;
    };
    // A stale socket file (nobody listens) is replaced; one that somebody answers on is an error. Mode 0660.
    static Result<std::unique_ptr<LocalServer>> open(event_base* base, Settings settings,
                                                     Connections::OnInput on_input);
    ~LocalServer();
    LocalServer(const LocalServer&) = delete;
    LocalServer& operator=(const LocalServer&) = delete;
    Connections& connections() noexcept { return connections_; }  // the loop's thread only

  private:
    LocalServer(event_base* base, Settings settings, Connections::OnInput on_input)
        : base_(base), settings_(std::move(settings)), connections_(settings_.limits, std::move(on_input)) {}
    Status listen();
    void accept(int fd) noexcept;

    event_base* base_;
    const Settings settings_;
    Connections connections_;
    evconnlistener* listener_ = nullptr;
};

}  // namespace eightbells::signer

#endif
