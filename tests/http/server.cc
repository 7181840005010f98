#include "tests/http/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "responder/http/limits.h"

namespace eightbells::http::test {
namespace {

[[noreturn]] void fail_with(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

std::string_view name_of(Method method) {
    return method == Method::get ? "GET" : method == Method::head ? "HEAD" : "POST";
}

}  // namespace

Caching caching_of_tests() {
    Caching caching;
    for (std::uint8_t i = 0; i < caching.etag.size(); ++i)
        caching.etag[i] = i;
    caching.last_modified = start_of_tests - seconds{3600};
    caching.expires = start_of_tests + seconds{12 * 3600};
    caching.max_age = seconds{600};
    return caching;
}

TestHandler::TestHandler(std::string file_bytes) {
    use_file(file_bytes);
}

void TestHandler::use_file(std::string_view bytes) {
    const int fd = ::memfd_create("served", MFD_CLOEXEC);
    if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
        fail_with("memfd");
    file_ = std::make_shared<const BodyFile>(fd);
    file_size_ = bytes.size();
}

void TestHandler::answer_late(std::string_view body) {
    Deferred oldest = std::move(late_.front());
    late_.pop_front();
    ResponseHead head;
    head.content_type = "text/plain";
    if (body == cached_body)
        head.caching = caching_of_tests();
    oldest.respond(head, as_bytes(body));
}

void TestHandler::echo(Exchange& exchange) noexcept {
    const Request& request = exchange.request();
    std::string body(name_of(request.method));
    body.append(" ").append(request.path).append("\n").append(as_text(request.body));
    body.resize(std::min(body.size(), limits::http_answer_octets));
    ResponseHead head;
    head.content_type = "text/plain";
    exchange.respond(head, as_bytes(body));
}

void TestHandler::answer(Exchange& exchange) noexcept {
    const Request& request = exchange.request();
    if (keep_seen) {
        std::string line(name_of(request.method));
        line.append(" ").append(request.path).append("|").append(request.content_type).append("|");
        seen.push_back(line.append(as_text(request.body)));
    }
    ResponseHead head;
    head.content_type = "application/ocsp-response";
    head.caching = caching_of_tests();
    if (request.path == "/cached") {
        exchange.respond(head, as_bytes(cached_body));
    } else if (request.path == "/file") {
        exchange.respond_file(head, file_, file_size_);
    } else if (request.path == "/late") {
        late_.push_back(exchange.defer());
    } else if (request.path == "/dropped") {
        exchange.defer();
    } else if (request.path == "/silent") {
        return;
    } else if (request.path == "/twice") {
        exchange.respond(head, as_bytes(cached_body));
        exchange.respond(head, as_bytes("never sent"));
    } else if (request.path == "/bad-text") {
        const std::string text(5000, 'x');
        head.content_type = text;
        exchange.respond(head, {});
    } else if (request.path.substr(0, 8) == "/status/") {
        head.status = static_cast<std::uint16_t>(std::stoi(std::string{request.path.substr(8)}));
        exchange.respond(head, as_bytes("see above\n"));
    } else if (request.path.substr(0, 7) == "/large/") {
        const std::string body(static_cast<std::size_t>(std::stoi(std::string{request.path.substr(7)})), 'x');
        exchange.respond(head, as_bytes(body));
    } else {
        echo(exchange);
    }
}

Server::Server(const ConnectionLimits& limits, std::string_view host) {
    event_config* config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    base_ = event_base_new_with_config(config);
    event_config_free(config);
    auto opened = Listener::open(base_, HostPort{std::string{host}, 0}, limits, handler, clock);
    if (!opened)
        throw std::runtime_error(opened.error().message);
    listener = std::move(*opened);
    address_ = listener->address();
    if (::pipe2(wake_, O_CLOEXEC | O_NONBLOCK) != 0)
        fail_with("pipe");
    wake_event_ = event_new(
        base_, wake_[0], EV_READ | EV_PERSIST,
        [](evutil_socket_t fd, short, void* self) {
            char octets[64];
            while (::read(fd, octets, sizeof octets) > 0)
                continue;
            auto& server = *static_cast<Server*>(self);
            std::unique_lock lock(server.mutex_);
            while (!server.tasks_.empty()) {
                auto task = std::move(server.tasks_.front());
                server.tasks_.pop_front();
                lock.unlock();
                task();
                lock.lock();
            }
            if (server.stopping_)
                event_base_loopbreak(server.base_);
        },
        this);
    event_add(wake_event_, nullptr);
    thread_ = std::thread([this] { event_base_dispatch(base_); });
}

Server::~Server() {
    on_loop([this] { stopping_ = true; });
    thread_.join();
    listener.reset();
    event_free(wake_event_);
    event_base_free(base_);
    ::close(wake_[0]);
    ::close(wake_[1]);
}

void Server::on_loop(const std::function<void()>& what) {
    std::packaged_task<void()> task(what);
    auto done = task.get_future();
    {
        const std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    if (::write(wake_[1], "x", 1) != 1)
        fail_with("wake");
    done.get();
}

void Server::advance(seconds by) {
    on_loop([&] {
        clock.advance(by);
        listener->tick();
    });
}

bool Server::reaches(const std::function<std::uint64_t()>& value, std::uint64_t wanted) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
        std::uint64_t seen = 0;
        on_loop([&] { seen = value(); });  // after whatever the loop was doing
        if (seen == wanted)
            return true;
        std::this_thread::yield();
    }
    return false;
}

namespace {

// Takes one response off the front; nullopt when it is not whole yet.
std::optional<Response> take_response(std::string& buffer, bool to_head) {
    const std::size_t end = buffer.find("\r\n\r\n");
    if (end == std::string::npos)
        return std::nullopt;
    Response response;
    response.head = buffer.substr(0, end + 4);
    std::string_view lines(response.head);
    lines.remove_suffix(2);
    const std::size_t first = lines.find("\r\n");
    if (lines.substr(0, 9) != "HTTP/1.1 " || lines.size() < 13)
        throw std::runtime_error("not a status line: " + response.head);
    response.status = std::stoi(std::string{lines.substr(9, 3)});
    lines.remove_prefix(first + 2);
    while (!lines.empty()) {
        const std::size_t line_end = lines.find("\r\n");
        const std::string_view line = lines.substr(0, line_end);
        const std::size_t colon = line.find(": ");
        if (colon == std::string_view::npos)
            throw std::runtime_error("not a header line: " + std::string{line});
        std::string name(line.substr(0, colon));
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
        if (!response.fields.emplace(name, line.substr(colon + 2)).second)
            throw std::runtime_error("a header twice: " + name);
        lines.remove_prefix(line_end + 2);
    }
    std::size_t octets = 0;
    if (!to_head && response.status != 304 && response.status >= 200)
        octets = std::stoul(response.field("content-length"));
    if (buffer.size() < end + 4 + octets)
        return std::nullopt;
    response.body = buffer.substr(end + 4, octets);
    buffer.erase(0, end + 4 + octets);
    return response;
}

}  // namespace

std::vector<Response> parse_responses(std::string_view stream, const std::vector<bool>& heads) {
    std::vector<Response> all;
    std::string buffer(stream);
    std::size_t final_ones = 0;
    while (!buffer.empty()) {
        const bool to_head = final_ones < heads.size() && heads[final_ones];
        auto response = take_response(buffer, to_head);
        if (!response)
            throw std::runtime_error("a response that is not whole: " + buffer);
        if (response->status >= 200)
            ++final_ones;
        all.push_back(std::move(*response));
    }
    return all;
}

Client::Client(const HostPort& address, int receive_buffer) : Client(address, nullptr, receive_buffer) {}
Client::Client(const HostPort& address, const char* from) : Client(address, from, 0) {}

Client::Client(const HostPort& address, const char* from, int receive_buffer) {
    const bool v6 = address.host.find(':') != std::string::npos;
    fd_ = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_buffer != 0)
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const timeval most{patience.count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    if (from != nullptr && (::inet_pton(AF_INET, from, &v4.sin_addr) != 1 ||
                            ::bind(fd_, reinterpret_cast<const sockaddr*>(&v4), sizeof v4) != 0))
        fail_with("bind");
    v4.sin_port = htons(address.port);
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(address.port);
    ::inet_pton(v6 ? AF_INET6 : AF_INET, address.host.c_str(),
                v6 ? static_cast<void*>(&six.sin6_addr) : static_cast<void*>(&v4.sin_addr));
    const auto* any = v6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&v4);
    if (::connect(fd_, any, v6 ? sizeof six : sizeof v4) != 0)
        fail_with("connect");
}

Client::~Client() {
    if (fd_ >= 0)
        ::close(fd_);
}

void Client::reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(std::exchange(fd_, -1));
}

bool Client::try_send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0)
            return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

void Client::send(std::string_view bytes) {
    if (!try_send(bytes))
        fail_with("send");
}

void Client::half_close() {
    ::shutdown(fd_, SHUT_WR);
}

bool Client::fill() {
    char octets[65536];
    const ssize_t n = ::recv(fd_, octets, sizeof octets, 0);
    if (n < 0)
        fail_with("recv");
    buffer_.append(octets, static_cast<std::size_t>(n));
    return n != 0;
}

Response Client::response(bool to_head) {
    for (;;) {
        if (auto response = take_response(buffer_, to_head))
            return *response;
        if (!fill())
            throw std::runtime_error("the stream ended in a response: " + buffer_);
    }
}

std::string Client::rest() {
    while (fill())
        continue;
    return std::exchange(buffer_, {});
}

bool Client::closed() {
    return rest().empty();
}

bool Client::nothing_arrives() {
    pollfd wait{fd_, POLLIN, 0};
    return buffer_.empty() && ::poll(&wait, 1, 0) == 0;
}

std::string get(std::string_view path, std::string_view lines) {
    return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n" + std::string{lines} + "\r\n";
}
std::uint64_t timeouts(const Server& server, Wait kind) {
    return server.counters().timeouts[static_cast<std::size_t>(kind)].value();
}
std::uint64_t open(const Server& server) {
    return server.counters().open.value();
}

std::string exchange_bytes(const Server& server, std::string_view request) {
    Client client(server.address());
    client.try_send(request);
    client.half_close();
    return client.rest();
}

}  // namespace eightbells::http::test
