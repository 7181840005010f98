#ifndef EIGHTBELLS_RESPONDER_HTTP_EXCHANGE_H
#define EIGHTBELLS_RESPONDER_HTTP_EXCHANGE_H

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"

namespace eightbells::http {

enum class Method : std::uint8_t {
    get,
    head,
    post
};  // everything else is answered by the connection itself (E-15)

// A request that has passed all of HTTP's own rules. Views into the connection's buffers: valid until the
// handler returns, deferred or not. Preconditions and ranges are not here: the connection applies them.
struct Request {
    Method method = Method::get;
    // The target's bytes as sent, query included (absolute-form reduced to its path), never decoded or
    // merged; begins with '/'.
    std::string_view path;
    ByteView body;  // chunked framing taken away; of a GET or HEAD too, where it means nothing
    std::string_view content_type;  // empty: absent; of several lines the first
};

// A 16-octet strong entity tag, sent as 32 hex digits in quotes.
using EntityTag = std::array<std::uint8_t, 16>;

// What a cache may do with an answer (E-09, E-10).
struct Caching {
    EntityTag etag{};
    UtcTime last_modified{};  // thisUpdate
    UtcTime expires{};        // nextUpdate
    seconds max_age{0};
};

// The head of a response. Absent caching means: no-store (every error, and answers that were made live);
// with a status other than 200 it is always no-store (E-09). The texts are at most
// limits::http_answer_text_octets each; they are copied.
struct ResponseHead {
    std::uint16_t status = 200;
    std::string_view content_type;  // empty: no body
    std::optional<Caching> caching;
    std::optional<seconds> retry_after;
    std::string_view allow;  // for 405: the methods of this resource; empty: all that the listener knows
};

// An open file served from an offset, kept open as long as a connection sends from it.
class BodyFile {
  public:
    explicit BodyFile(int fd) noexcept : fd_(fd) {}  // takes ownership
    ~BodyFile();
    BodyFile(const BodyFile&) = delete;
    BodyFile& operator=(const BodyFile&) = delete;
    int fd() const noexcept { return fd_; }

  private:
    int fd_;
};

class Connection;

// A promise to answer later, for answers that the signer makes. May outlive the connection: answering then
// does nothing, as does answering twice. Belongs to the worker's thread. Dropped unanswered it sends 500;
// kept unanswered for limits::http_answer_wait, the connection answers 503 itself.
class Deferred {
  public:
    Deferred() = default;
    explicit Deferred(std::weak_ptr<Connection*> connection) : connection_(std::move(connection)) {}
    Deferred(Deferred&&) noexcept = default;
    Deferred& operator=(Deferred&&) noexcept;
    ~Deferred();
    // As Exchange::respond: preconditions of the request still apply. `body` is copied.
    void respond(const ResponseHead& head, ByteView body) noexcept;
    bool waiting() const noexcept { return !connection_.expired(); }  // somebody still waits for it

  private:
    std::weak_ptr<Connection*> connection_;
};

// One request and its one answer. The handler calls exactly one of the respond functions, or defer, before it
// returns.
class Exchange {
  public:
    const Request& request() const noexcept { return request_; }
    // The clock as it was last read: for requests that came together when they are answered, else at the
    // loop's last tick (limits::http_tick ago at most). The answer's Date.
    UtcTime now() const noexcept;
    // The number that Handler::foresee had for this very request; nullopt: it was not foreseen.
    std::optional<std::size_t> foreseen() const noexcept { return foreseen_; }

    // HEAD, preconditions on GET and HEAD (E-11, E-12) and the fixed headers (Date, Content-Length, ...) are
    // applied here: the caller always gives the full 200 answer. `body` is copied; at most
    // limits::http_answer_octets, above it 500 is sent.
    void respond(const ResponseHead& head, ByteView body) noexcept;
    // The same for the first `size` octets of a file, with single byte ranges and If-Range (E-16); sent with
    // sendfile. Should the file turn out shorter, the connection is reset: a cut body must not look whole.
    void respond_file(const ResponseHead& head, std::shared_ptr<const BodyFile> file,
                      std::uint64_t size) noexcept;
    // Pipelined requests behind it wait. The one thing here that allocates.
    Deferred defer() noexcept;

  private:
    friend class Connection;
    Exchange(Connection& connection, const Request& request, std::optional<std::size_t> foreseen) noexcept
        : connection_(connection), request_(request), foreseen_(foreseen) {}
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    Connection& connection_;
    Request request_;
    std::optional<std::size_t> foreseen_;
};

// What answers requests: one object a worker, called on the worker's thread only. A handler that returns
// without having answered or deferred is answered for with 500.
class Handler {
  public:
    virtual ~Handler() = default;
    virtual void answer(Exchange& exchange) noexcept = 0;
    // A request that `answer` will be called with shortly, unless its connection ends before; up to
    // limits::http_ahead of them are foreseen before the first is answered, so that what takes long to reach
    // can be begun with for all of them. They are answered in the order of their numbers: 0, 1, ...; 0 begins
    // anew. The views in `request` stay valid until it is answered or the next 0 comes. A hint: nothing has
    // to be done here, and requests are answered that were not foreseen.
    virtual void foresee(const Request& request, std::size_t number) noexcept {
        static_cast<void>(request);
        static_cast<void>(number);
    }
};

}  // namespace eightbells::http

#endif
