#ifndef EIGHTBELLS_RESPONDER_METRICS_PRIVATE_LISTENER_H
#define EIGHTBELLS_RESPONDER_METRICS_PRIVATE_LISTENER_H

#include <prometheus/collectable.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "responder/base/result.h"

struct event_base;
struct evconnlistener;

namespace eightbells::metrics {

// What GET /ready says: 200 when all are ready, else 503, with a short JSON body either way.
struct Readiness {
    struct Issuer {
        std::string name;
        bool ready = false;
        std::string reason;  // "loaded", "behind: head 2.17, store 2.18"; one line, no serials
    };
    bool ready = false;
    std::vector<Issuer> issuers;
};

struct Page {
    std::string type;  // Content-Type
    std::string body;
};

// A program's private ear: GET and HEAD of
//   /metrics  what `metrics` collects, in Prometheus' text format
//   /live     200 while the loop turns and `live`, where given, says so; else 503
//   /ready    see Readiness
//   and whatever `page` has for the path
// and 404 for everything else; nothing may be cached. Requests carry no body; connections, header octets and
// waits are bounded (limits.h). Built on libevent's evhttp, which is slow but never in a client's way: it
// runs on a loop of its own thread.
class PrivateListener {
  public:
    struct Answers {
        std::shared_ptr<const prometheus::Collectable> metrics;
        std::function<Readiness()> ready;
        std::function<bool()> live;  // may be empty
        // A program's own pages, by the path of the URL; nullopt: none there. May be empty.
        std::function<std::optional<Page>(std::string_view path)> page{};
    };
    // `address` is "127.0.0.1:9641", "[::1]:0" (port 0 takes a free one). `base` is not owned and must
    // outlive the listener. The functions are called on the loop's thread and must not wait.
    static Result<std::unique_ptr<PrivateListener>> open(event_base* base, std::string_view address,
                                                         Answers answers);
    // The same on a listening socket that somebody else has opened (socket activation). Takes ownership.
    static Result<std::unique_ptr<PrivateListener>> adopt(event_base* base, int listening_fd,
                                                          Answers answers);
    ~PrivateListener();

    // Takes no more connections, so that whoever shares the socket gets them. On the loop's thread.
    void stop_accepting() noexcept;

    const std::string& address() const noexcept;  // with the real port

  private:
    struct State;
    static Result<std::unique_ptr<PrivateListener>> serve(std::unique_ptr<State> state,
                                                          evconnlistener* listener);
    explicit PrivateListener(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::metrics

#endif
