#ifndef EIGHTBELLS_TESTS_HTTP_SERVER_H
#define EIGHTBELLS_TESTS_HTTP_SERVER_H

#include <event2/event.h>

#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "responder/base/clock.h"
#include "responder/http/counters.h"
#include "responder/http/listener.h"

namespace eightbells::http::test {

inline constexpr UtcTime start_of_tests = from_unix(1795332000);  // Sun, 22 Nov 2026 07:20:00 GMT
inline constexpr std::string_view date_of_tests = "Sun, 22 Nov 2026 07:20:00 GMT";

// What the handler below gives under /cached and /file.
Caching caching_of_tests();
inline constexpr std::string_view tag_of_tests = "\"000102030405060708090a0b0c0d0e0f\"";
inline constexpr std::string_view cached_body = "the same bytes for everyone\n";

// Answers by path:
//   /cached      200, cacheable          /file  an open file, cacheable, with ranges
//   /late        deferred until answer_late()          /dropped  deferred and forgotten
//   /silent      returns without an answer             /twice    answers twice
//   /status/NNN  that status             /large/N  N octets      /bad-text  a header text that is too long
//   anything else: 200, not cacheable, "METHOD path\nbody" back
class TestHandler final : public Handler {
  public:
    explicit TestHandler(std::string file_bytes = {});
    void answer(Exchange& exchange) noexcept override;
    void answer_late(std::string_view body);  // the oldest of /late; on the loop's thread
    std::size_t late() const { return late_.size(); }
    void forget_late() { late_.clear(); }
    void use_file(std::string_view bytes);
    void pretend_file_size(std::uint64_t size) { file_size_ = size; }

    std::vector<std::string> seen;  // "METHOD path|content-type|body", when `keep_seen`
    bool keep_seen = false;

  private:
    void echo(Exchange& exchange) noexcept;
    std::deque<Deferred> late_;
    std::shared_ptr<const BodyFile> file_;
    std::uint64_t file_size_ = 0;
};

// Before something that does not come counts as a fault; a busy machine may stand still for seconds.
inline constexpr seconds patience{60};

// A listener on a free port of 127.0.0.1, its loop in a thread of its own, its clock in the test's hand.
class Server {
  public:
    explicit Server(const ConnectionLimits& limits = {}, std::string_view host = "127.0.0.1");
    ~Server();
    void on_loop(const std::function<void()>& what);  // runs it on the loop's thread and waits
    void advance(seconds by);                         // the clock, and lets the listener see it
    HostPort address() const { return address_; }
    const WireCounters& counters() const { return listener->counters(); }
    // Waits until the counter-like value is as wanted, by the loop's own progress; false after `patience`.
    bool reaches(const std::function<std::uint64_t()>& value, std::uint64_t wanted);

    ManualClock clock{start_of_tests};
    TestHandler handler;
    std::unique_ptr<Listener> listener;

  private:
    event_base* base_;
    int wake_[2];
    event* wake_event_;
    std::mutex mutex_;
    std::deque<std::packaged_task<void()>> tasks_;
    bool stopping_ = false;
    HostPort address_;
    std::thread thread_;
};

struct Response {
    int status = 0;
    std::string head;                           // with the empty line
    std::map<std::string, std::string> fields;  // names in lower case
    std::string body;
    bool has(const std::string& name) const { return fields.count(name) != 0; }
    std::string field(const std::string& name) const {
        const auto found = fields.find(name);
        return found == fields.end() ? "(absent)" : found->second;
    }
};

// Splits a stream into responses; `heads` says which of them answer HEAD. Throws on anything malformed.
std::vector<Response> parse_responses(std::string_view stream, const std::vector<bool>& heads = {});

// A blocking client; every wait ends with an exception after `patience`.
class Client {
  public:
    explicit Client(const HostPort& address, int receive_buffer = 0);
    Client(const HostPort& address, const char* from);  // its own IPv4 address: one of 127.0.0.0/8
    ~Client();
    Client(const Client&) = delete;
    void send(std::string_view bytes);
    bool try_send(std::string_view bytes);  // false when the other side is gone
    void half_close();
    Response response(bool to_head = false);
    std::string rest();      // until the end of the stream; throws when it is a reset
    bool closed();           // the stream has ended, nothing more came
    bool nothing_arrives();  // right now
    void reset();            // closes with RST
    int fd() const { return fd_; }

  private:
    Client(const HostPort& address, const char* from, int receive_buffer);
    bool fill();
    int fd_;
    std::string buffer_;
};

// A GET request, further header lines each with CRLF.
std::string get(std::string_view path, std::string_view lines = "");
std::uint64_t timeouts(const Server& server, Wait kind);
std::uint64_t open(const Server& server);  // connections

// One request on a connection of its own, everything until the end.
std::string exchange_bytes(const Server& server, std::string_view request);

}  // namespace eightbells::http::test

#endif
