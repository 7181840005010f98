#ifndef EIGHTBELLS_RESPONDER_HTTP_EXCHANGE_H
#define EIGHTBELLS_RESPONDER_HTTP_EXCHANGE_H

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
// exchange is answered, or, when it is deferred, until the handler returns.
struct Request {
    Method method = Method::get;
    std::string_view
        path;  // the target's bytes as sent (absolute-form reduced to its path), never decoded or merged
    ByteView body;
    std::string_view content_type;   // empty: absent
    std::string_view if_none_match;  // several header lines are joined with ", "
    std::string_view if_modified_since;
    std::string_view range;
    std::string_view if_range;
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

// The head of a response. Absent caching means: no-store (every error, and answers that were made live).
struct ResponseHead {
    std::uint16_t status = 200;
    std::string_view content_type;  // empty: no body
    std::optional<Caching> caching;
    std::optional<seconds> retry_after;
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
// does nothing. Belongs to the worker's thread. Dropped unanswered it sends 500.
class Deferred {
  public:
    Deferred() = default;
    explicit Deferred(std::weak_ptr<Connection*> connection) : connection_(std::move(connection)) {}
    Deferred(Deferred&&) noexcept = default;
    Deferred& operator=(Deferred&&) noexcept;
    ~Deferred();
    void respond(const ResponseHead& head, ByteView body) noexcept;

  private:
    std::weak_ptr<Connection*> connection_;
};

// One request and its one answer. The handler calls exactly one of the respond functions, or defer, before it
// returns.
class Exchange {
  public:
    const Request& request() const noexcept { return request_; }

    // HEAD, preconditions on GET and HEAD (E-11, E-12) and the fixed headers (Date, Content-Length, ...) are
    // applied here: the caller always gives the full 200 answer. `body` is copied into the connection's
    // output.
    void respond(const ResponseHead& head, ByteView body) noexcept;
    // The same for a file of `size` octets, with single byte ranges and If-Range (E-16); sent with sendfile.
    void respond_file(const ResponseHead& head, std::shared_ptr<const BodyFile> file,
                      std::uint64_t size) noexcept;
    // Pipelined requests behind it wait.
    Deferred defer() noexcept;

  private:
    friend class Connection;
    explicit Exchange(Connection& connection) noexcept : connection_(connection) {}
    Connection& connection_;
    Request request_;
};

// What answers requests: one object a worker, called on the worker's thread only.
class Handler {
  public:
    virtual ~Handler() = default;
    virtual void answer(Exchange& exchange) noexcept = 0;
};

}  // namespace eightbells::http

#endif
