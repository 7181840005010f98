#ifndef EIGHTBELLS_TESTS_WATCH_SERVER_H
#define EIGHTBELLS_TESTS_WATCH_SERVER_H

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "tests/watch/authority.h"

struct ssl_ctx_st;

namespace eightbells::watch::test {

// A server on 127.0.0.1 that answers each connection once, with whatever octets the test wants.
class Server {
  public:
    struct Asked {
        std::string method;
        std::string path;
        std::map<std::string, std::string> headers;  // names in lower case
        std::string body;
    };
    struct Reply {
        std::string octets;
        bool hold = false;  // keeps the connection open and says no more, until the other side goes
    };
    // Called on threads of the server, several at a time.
    using Handler = std::function<Reply(const Asked&)>;
    explicit Server(Handler handler, const Identity* tls = nullptr);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    int port() const noexcept { return port_; }

  private:
    void accept_all();
    void serve(int connection);

    Handler handler_;
    std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> tls_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<bool> ending_{false};
    std::mutex mutex_;
    std::list<std::thread> connections_;
    std::thread acceptor_;
};

// "HTTP/1.1 200 OK", a Date of `now`, the length and these headers.
std::string http_reply(UtcTime now, int status, const std::string& type, ByteView body,
                       const std::string& more_headers = {});
std::string http_date(UtcTime time);

}  // namespace eightbells::watch::test

#endif
