#include "tests/watch/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>
#include <stdexcept>

namespace eightbells::watch::test {
namespace {

class Wire {
  public:
    Wire(int connection, SSL_CTX* context) : connection_(connection) {
        if (context == nullptr)
            return;
        ssl_.reset(SSL_new(context));
        SSL_set_fd(ssl_.get(), connection);
        good_ = SSL_accept(ssl_.get()) == 1;
    }
    bool good() const { return good_; }
    int read(char* at, int size) {
        return ssl_ ? SSL_read(ssl_.get(), at, size)
                    : static_cast<int>(::recv(connection_, at, static_cast<std::size_t>(size), 0));
    }
    void write(const std::string& octets) {
        if (ssl_) {
            SSL_write(ssl_.get(), octets.data(), static_cast<int>(octets.size()));
            SSL_shutdown(ssl_.get());
            return;
        }
        std::size_t sent = 0;
        while (sent < octets.size()) {
            const auto n = ::send(connection_, octets.data() + sent, octets.size() - sent, MSG_NOSIGNAL);
            if (n <= 0)
                return;
            sent += static_cast<std::size_t>(n);
        }
    }

  private:
    int connection_;
    std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, &SSL_free};
    bool good_ = true;
};

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

// Empty method: nothing whole came.
Server::Asked read_asked(Wire& wire) {
    std::string text;
    std::array<char, 4096> chunk{};
    std::size_t head = std::string::npos;
    std::size_t wanted = 0;
    while (head == std::string::npos || text.size() < head + 4 + wanted) {
        const int n = wire.read(chunk.data(), static_cast<int>(chunk.size()));
        if (n <= 0)
            return {};
        text.append(chunk.data(), static_cast<std::size_t>(n));
        if (text.front() == '\x16') {  // a TLS handshake where none is spoken
            wire.write("HTTP/1.1 400 Bad Request\r\n\r\n");
            return {};
        }
        if (head == std::string::npos) {
            head = text.find("\r\n\r\n");
            const auto length = lower(text).find("content-length: ");
            if (head != std::string::npos && length != std::string::npos && length < head)
                wanted = std::stoul(text.substr(length + 16));
        }
    }
    Server::Asked asked;
    asked.method = text.substr(0, text.find(' '));
    const auto path = text.find(' ') + 1;
    asked.path = text.substr(path, text.find(' ', path) - path);
    for (auto at = text.find("\r\n") + 2; at < head;) {
        const auto end = text.find("\r\n", at);
        const auto colon = text.find(": ", at);
        if (colon < end)
            asked.headers[lower(text.substr(at, colon - at))] = text.substr(colon + 2, end - colon - 2);
        at = end + 2;
    }
    asked.body = text.substr(head + 4, wanted);
    return asked;
}

}  // namespace

Server::Server(Handler handler, const Identity* tls)
    : handler_(std::move(handler)), tls_(nullptr, &SSL_CTX_free) {
    if (tls != nullptr) {
        tls_.reset(SSL_CTX_new(TLS_server_method()));
        SSL_CTX_use_certificate(tls_.get(), tls->certificate.get());
        SSL_CTX_use_PrivateKey(tls_.get(), tls->key.get());
    }
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to connections that clients have closed
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 128) != 0 ||
        ::getsockname(listener_, generic, &size) != 0)
        throw std::runtime_error("cannot listen");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

Server::~Server() {
    ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    for (std::thread& one : connections_)
        one.join();
}

void Server::accept_all() {
    while (!ending_) {
        const int connection = ::accept(listener_, nullptr, nullptr);
        if (connection < 0)
            continue;
        const std::scoped_lock lock(mutex_);
        connections_.emplace_back([this, connection] { serve(connection); });
    }
}

void Server::serve(int connection) {
    Wire wire(connection, tls_.get());
    if (wire.good()) {
        if (const Asked asked = read_asked(wire); !asked.method.empty()) {
            const Reply reply = handler_(asked);
            wire.write(reply.octets);
            char byte = 0;
            while (reply.hold && wire.read(&byte, 1) > 0) {
            }
        }
    }
    ::shutdown(connection, SHUT_WR);
    ::close(connection);
}

std::string http_date(UtcTime time) {
    const time_t seconds_since = static_cast<time_t>(to_unix(time));
    std::tm parts{};
    ::gmtime_r(&seconds_since, &parts);
    std::array<char, 64> text{};
    std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text.data();
}

std::string http_reply(UtcTime now, int status, const std::string& type, ByteView body,
                       const std::string& more_headers) {
    return fmt::format("HTTP/1.1 {} Whatever\r\nDate: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}\r\n",
                       status, http_date(now), type, body.size(), more_headers) +
           std::string(as_text(body));
}

}  // namespace eightbells::watch::test
