#ifndef EIGHTBELLS_RESPONDER_FETCH_FETCH_H
#define EIGHTBELLS_RESPONDER_FETCH_FETCH_H

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "responder/base/bytes.h"
#include "responder/base/result.h"

namespace eightbells::fetch {

// What is asked for, and at which address; the URL's host name goes into Host and the TLS handshake all the
// same.
struct Fetch {
    std::string url;                   // http or https
    std::string address;               // "192.0.2.1:80", "[2001:db8::1]:443"; never resolved again. Empty:
                                       // the URL's name is looked up
    Bytes post;                        // not empty: POST application/ocsp-request
    std::vector<std::string> headers;  // "If-None-Match: ..."
    std::uint64_t at_most = 0;         // octets of body
    // Takes the body as it comes, instead of Fetched::body; false ends the fetch. Must not throw.
    std::function<bool(ByteView)> take;
};

// What went wrong on the way there: connection, TLS, time, size, HTTP; a status is an answer.
enum class Failure : std::uint8_t {
    none,
    dns,
    connect,
    tls,
    timeout,
    truncated,
    too_large,
    http_protocol,
    internal
};

struct Fetched {
    Failure failure = Failure::none;
    std::string why;  // in words; empty: nothing went wrong
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in their order
    Bytes body;
    std::chrono::milliseconds took{0};
    // The first header of this name; empty: none.
    std::string_view header(std::string_view name) const noexcept;
    // Status line, headers and body as evidence.
    Bytes evidence() const;
};

// Asks over HTTP and HTTPS as relying parties do: every request on a connection of its own, no redirect
// followed, no proxy, no cookie, certificates checked. Not for several threads at a time.
class Fetcher {
  public:
    struct Settings {
        std::chrono::milliseconds timeout{10'000};  // from the start of a fetch to its last octet
        std::filesystem::path tls_ca_file;          // empty: the system's
        std::string user_agent;
        // To connect, and between two octets; 0: as long as the timeout.
        std::chrono::seconds stalls{0};
    };
    static Result<Fetcher> make(Settings settings);
    Fetcher(Fetcher&&) noexcept;
    Fetcher& operator=(Fetcher&&) noexcept;
    ~Fetcher();

    // All at once, at most limits::fetch_connections at a time. `done` is called for each as it ends, on
    // this thread; before returning, for all. `stop`, looked at ten times a second, ends it early: what is
    // in flight then is not reported.
    Status fetch(std::span<const Fetch> wanted, const std::function<void(std::size_t, Fetched)>& done,
                 const std::function<bool()>& stop);

  private:
    struct State;
    explicit Fetcher(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// Host and port of a URL, the port by default of its scheme. An error: not http(s)://host[:port]/...
struct UrlParts {
    bool tls = false;
    std::string host;  // without brackets
    std::uint16_t port = 0;
    std::string path;  // "/" at least
};
Result<UrlParts> parse_url(const std::string& url);

// Every A and AAAA record of a name, as "address:port"; a numeric host is its own. An error is a failing DNS,
// in words. Bounded by the resolver's own timeout (resolv.conf).
Result<std::vector<std::string>> resolve(const std::string& host, std::uint16_t port);

}  // namespace eightbells::fetch

#endif
