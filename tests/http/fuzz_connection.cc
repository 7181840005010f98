// A connection fed with anything, over a real socket, in several ways of splitting the same octets. Oracles:
//   1. however the octets are split, and whoever else is answered in the same turn of the loop, the answers
//   are
//      the same, octet for octet;
//   2. what the handler saw, and whether the connection went on, is what a second reading of RFC 9112
//      (strict_http.h) says;
//   3. the verdict on a PROXY protocol header falls once, and is what the header's own length says;
//   4. every answer is a well-formed one, and the connection ends when the client does.
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "responder/http/limits.h"
#include "responder/http/proxy_header.h"
#include "tests/http/server.h"
#include "tests/http/strict_http.h"

namespace eightbells::http::test {
namespace {

constexpr std::size_t longest_input = 1000;  // below the bounds that the second reading does not know
// More than are received from before the first is answered, so that a batch ends among them.
constexpr std::size_t connections_together = limits::http_ahead + 3;

[[noreturn]] void violated(const char* what, std::string_view a, std::string_view b) {
    std::fprintf(stderr, "%s\n--- one\n%.*s\n--- other\n%.*s\n", what, static_cast<int>(a.size()), a.data(),
                 static_cast<int>(b.size()), b.data());
    std::abort();
}

struct Outcome {
    std::string answers;
    std::vector<std::string> seen;
};

// Notes what it is asked and answers with its echo; a few paths reach the other ways of answering.
class Noting final : public Handler {
  public:
    void foresee(const Request& request, std::size_t number) noexcept override {
        foreseen_.at(number) = told(request);
    }
    void answer(Exchange& exchange) noexcept override {
        const Request& request = exchange.request();
        seen.push_back(told(request));
        if (exchange.foreseen() && foreseen_.at(*exchange.foreseen()) != seen.back())
            violated("another request was foreseen", foreseen_.at(*exchange.foreseen()), seen.back());
        ResponseHead head;
        head.content_type = "text/plain";
        head.caching = caching_of_tests();
        if (request.path == "/f")
            exchange.respond_file(head, file_, 10);
        else if (request.path == "/d")
            exchange.defer().respond(head, as_bytes("at once"));
        else
            exchange.respond(head, as_bytes(seen.back()));
    }
    std::vector<std::string> seen;

  private:
    static std::string told(const Request& request) {
        const std::string_view method = request.method == Method::get    ? "GET"
                                        : request.method == Method::head ? "HEAD"
                                                                         : "POST";
        return std::string{method} + " " + std::string{request.path} + "\n" +
               std::string{as_text(request.body)};
    }
    std::array<std::string, limits::http_ahead> foreseen_;
    static std::shared_ptr<const BodyFile> ten_octets() {
        char name[] = "/tmp/eightbells-fuzz-XXXXXX";
        const int fd = ::mkstemp(name);
        ::unlink(name);
        if (fd < 0 || ::write(fd, "0123456789", 10) != 10)
            std::abort();
        return std::make_shared<const BodyFile>(fd);
    }
    std::shared_ptr<const BodyFile> file_ = ten_octets();
};

class Bench {
  public:
    Bench() : base_(event_base_new()) {
        limits_.target_octets = 64;
        limits_.header_octets = 512;
        limits_.body_octets = 128;
        listener_ = *Listener::open(base_, HostPort{"127.0.0.1", 0}, limits_, handler_, clock_);
    }
    ~Bench() {
        listener_.reset();
        event_base_free(base_);
    }
    StrictLimits limits() const {
        return {limits_.target_octets, limits_.header_octets, limits_.body_octets};
    }

    // `next(at)` says how many octets follow octet `at` in one piece.
    template <class Next>
    Outcome run(std::string_view stream, Next next) {
        Outcome outcome;
        outcome.answers = run_together(stream, 1, next).front();
        outcome.seen = handler_.seen;
        return outcome;
    }
    // The same octets on so many connections, which the loop finds readable at once. Each one's answers.
    template <class Next>
    std::vector<std::string> run_together(std::string_view stream, std::size_t connections, Next next) {
        handler_.seen.clear();
        std::vector<Client> clients(connections);
        for (Client& client : clients) {
            int ends[2];
            if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
                std::abort();
            client.fd = ends[0];
            listener_->serve(ends[1]);
        }
        for (bool sending = true; sending;) {
            sending = false;
            for (Client& client : clients)
                sending = send_piece(client, stream, next) || sending;
            turn(clients);
        }
        for (const Client& client : clients)
            ::shutdown(client.fd, SHUT_WR);
        for (int turns = 0; turn(clients); ++turns)
            if (turns > 1000)
                violated("a connection does not end", stream, clients.front().answers);
        std::vector<std::string> answers;
        for (Client& client : clients) {
            ::close(client.fd);
            answers.push_back(std::move(client.answers));
        }
        if (listener_->connections() != 0)
            violated("a connection is left", stream, {});
        return answers;
    }

  private:
    struct Client {
        int fd = -1;
        std::size_t sent = 0;
        bool ended = false;
        std::string answers;
    };
    // `false`: there is nothing left to send, or nobody to send it to.
    template <class Next>
    static bool send_piece(Client& client, std::string_view stream, Next& next) {
        if (client.sent == stream.size())
            return false;
        const std::size_t n =
            std::min(stream.size() - client.sent, std::max<std::size_t>(1, next(client.sent)));
        if (::send(client.fd, stream.data() + client.sent, n, MSG_NOSIGNAL) != static_cast<ssize_t>(n)) {
            client.sent = stream.size();  // closed already
            return false;
        }
        client.sent += n;
        return true;
    }

    // Lets the loop do what there is to do; false when all streams from it have ended.
    bool turn(std::vector<Client>& clients) {
        event_base_loop(base_, EVLOOP_NONBLOCK);
        bool more = false;
        for (Client& client : clients) {
            take_answers(client);
            more = more || !client.ended;
        }
        return more;
    }
    static void take_answers(Client& client) {
        char octets[16384];
        while (!client.ended) {
            const ssize_t n = ::recv(client.fd, octets, sizeof octets, MSG_DONTWAIT);
            if (n < 0 && errno != EAGAIN)
                violated("a reset", client.answers, {});
            if (n < 0)
                return;
            client.ended = n == 0;
            client.answers.append(octets, static_cast<std::size_t>(n));
        }
    }

    event_base* base_;
    ManualClock clock_{start_of_tests};
    Noting handler_;
    ConnectionLimits limits_;
    std::unique_ptr<Listener> listener_;
};

// The connection may refuse a line as soon as it is whole, where the second reading looks at whole heads:
// that is right when no end of the head could have made it good, with a Host or without.
bool refused_if_the_head_ended_here(std::string_view stream, const StrictLimits& limits) {
    const std::string lines(stream.substr(0, stream.rfind('\n') + 1));
    return judge(lines + "\r\n", limits).end == Judgement::End::refused &&
           judge(lines + "Host: a\r\n\r\n", limits).end == Judgement::End::refused;
}

void compare_with_second_reading(std::string_view stream, const Outcome& outcome,
                                 const StrictLimits& limits) {
    const Judgement expected = judge(stream, limits);
    std::string ours;
    std::string theirs;
    for (const std::string& request : outcome.seen)
        ours += request + "|";
    for (const std::string& request : expected.accepted)
        theirs += request + "|";
    if (ours != theirs)
        violated("the second reading accepts other requests", ours, theirs);
    std::vector<bool> heads;
    // 405, 417 and OPTIONS stand between the handler's answers, in places that only the answers show: a HEAD
    // is found by its place among the handler's.
    std::string_view rest = outcome.answers;
    std::size_t aside = 0;
    std::size_t handled = 0;
    bool refused = false;
    while (!rest.empty()) {
        const std::size_t end = rest.find("\r\n\r\n");
        if (end == std::string_view::npos)
            violated("half an answer", outcome.answers, {});
        const std::string_view head = rest.substr(0, end + 4);
        if (head.substr(0, 21) == "HTTP/1.1 100 Continue") {
            rest.remove_prefix(end + 4);
            continue;
        }
        const bool options = head.find("\r\nAllow: ") != std::string_view::npos;
        const bool expectation = head.substr(9, 3) == "417";
        const bool last = head.find("\r\nConnection: close\r\n") != std::string_view::npos;
        const bool error = head.find("\r\nContent-Type: ") == std::string_view::npos &&
                           head.substr(9, 3) != "304" && head.substr(9, 3) != "416";
        const bool to_head =
            !error && handled < outcome.seen.size() && outcome.seen[handled].substr(0, 5) == "HEAD ";
        const auto response = parse_responses(
            rest.substr(0,
                        [&] {
                            const std::size_t at = head.find("\r\nContent-Length: ");
                            const std::size_t octets = at == std::string_view::npos || to_head
                                                           ? 0
                                                           : std::stoul(std::string{head.substr(at + 18)});
                            return std::min(rest.size(), end + 4 + octets);
                        }()),
            {to_head});
        rest.remove_prefix(end + 4 + response.at(0).body.size());
        if (!error)
            ++handled;
        else if ((options || expectation) &&
                 !(last && expected.end == Judgement::End::refused && rest.empty()))
            ++aside;
        else
            refused = true;
        if (last && !rest.empty())
            violated("an answer after the last one", outcome.answers, {});
    }
    if (handled != outcome.seen.size())
        violated("not one answer a request", outcome.answers, ours);
    if (refused != (expected.end == Judgement::End::refused) &&
        !(refused && refused_if_the_head_ended_here(stream, limits)))
        violated(refused ? "the second reading does not refuse this" : "the second reading refuses this",
                 stream, outcome.answers);
    if (aside != expected.answered_aside)
        violated("answers aside differ", stream, outcome.answers);
}

void check_proxy_header(ByteView bytes) {
    ProxyHeader last;
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const ProxyHeader now = read_proxy_header(bytes.first(size));
        const bool same = now.step == last.step && now.octets == last.octets && now.source == last.source;
        if (last.step != ProxyHeader::Step::more && !same)
            violated("a verdict on a PROXY header changed", as_text(bytes), {});
        if (now.step == ProxyHeader::Step::complete && last.step == ProxyHeader::Step::more &&
            (now.octets != size || size != 16U + 256U * bytes[14] + bytes[15] ||
             as_text(bytes.first(12)) != std::string_view("\r\n\r\n\0\r\nQUIT\n", 12)))
            violated("not a PROXY header", as_text(bytes), {});
        last = now;
    }
}

}  // namespace
}  // namespace eightbells::http::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace eightbells::http::test;
    if (size > longest_input)
        return -1;
    static Bench bench;
    check_proxy_header({bytes, size});
    const std::string_view stream(reinterpret_cast<const char*>(bytes), size);
    const Outcome whole = bench.run(stream, [&](std::size_t) { return size; });
    std::uint32_t random = 2166136261U;  // from the input itself, so that a finding repeats
    for (std::size_t i = 0; i < size; ++i)
        random = (random ^ bytes[i]) * 16777619U;
    const Outcome pieces = bench.run(stream, [&](std::size_t) {
        random = random * 1664525U + 1013904223U;
        return (random >> 16) % ((random >> 28) == 0 ? 200 : 12) + 1;
    });
    if (pieces.answers != whole.answers || pieces.seen != whole.seen)
        violated("split differently, answered differently", whole.answers, pieces.answers);
    if (size <= 200 || random % 16 == 0) {
        const Outcome octets = bench.run(stream, [](std::size_t) { return std::size_t{1}; });
        if (octets.answers != whole.answers || octets.seen != whole.seen)
            violated("octet by octet, answered differently", whole.answers, octets.answers);
    }
    if (random % 4 == 0)
        for (const std::string& answers : bench.run_together(stream, connections_together, [&](std::size_t) {
                 random = random * 1664525U + 1013904223U;
                 return (random >> 16) % ((random >> 30) == 0 ? 12 : 1000) + 1;
             }))
            if (answers != whole.answers)
                violated("answered differently beside others", whole.answers, answers);
    compare_with_second_reading(stream, whole, bench.limits());
    return 0;
}
