// Several connections that are readable at once: they are received from before the first is answered.
#define BOOST_TEST_MODULE http_batch
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <stdexcept>

#include "responder/http/limits.h"
#include "tests/http/server.h"

namespace eightbells::http::test {
namespace {

// Notes the order of things; answers as TestHandler does.
class Noting final : public Handler {
  public:
    void foresee(const Request& request, std::size_t number) noexcept override {
        foreseen_.at(number) = std::string{request.path} + std::string{as_text(request.body)};
        notes.push_back("foresee " + std::to_string(number) + " " + foreseen_.at(number));
    }
    void answer(Exchange& exchange) noexcept override {
        const Request& request = exchange.request();
        const std::string what = std::string{request.path} + std::string{as_text(request.body)};
        notes.push_back("answer " + what);
        if (on_answer)
            on_answer();
        if (exchange.foreseen() && foreseen_.at(*exchange.foreseen()) != what)
            notes.push_back("foreseen as " + foreseen_.at(*exchange.foreseen()));
        unforeseen += exchange.foreseen() ? 0 : 1;
        answers.answer(exchange);
    }
    TestHandler answers;
    std::vector<std::string> notes;
    int unforeseen = 0;
    std::function<void()> on_answer;

  private:
    std::array<std::string, limits::http_ahead> foreseen_;
};

// A listener, its loop in this very thread, and the clients' ends of connections to it.
struct Batch {
    Batch() {
        event_config* config = event_config_new();
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        base = event_base_new_with_config(config);
        event_config_free(config);
        listener = *Listener::open(base, HostPort{"127.0.0.1", 0}, {}, handler, clock);
        between_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        between_event_ = event_new(
            base, between_fd_, EV_READ,
            [](evutil_socket_t, short, void* self) { static_cast<Batch*>(self)->between_(); }, this);
        event_add(between_event_, nullptr);
    }
    ~Batch() {
        listener.reset();
        for (const int client : clients)
            ::close(client);
        event_free(between_event_);
        ::close(between_fd_);
        event_base_free(base);
    }
    void connect(int how_many) {
        for (int i = 0; i < how_many; ++i) {
            int ends[2];
            if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
                throw std::runtime_error("socketpair");
            listener->serve(ends[1]);
            clients.push_back(ends[0]);
        }
    }
    void send(std::size_t client, std::string_view request) {
        if (::send(clients.at(client), request.data(), request.size(), MSG_NOSIGNAL) < 0)
            throw std::runtime_error("send");
    }
    // Done in the loop's next batch of events, when it has received from all that were sent before.
    void then(std::function<void()> what) {
        between_ = std::move(what);
        const std::uint64_t one = 1;
        if (::write(between_fd_, &one, sizeof one) != sizeof one)
            throw std::runtime_error("eventfd");
    }
    void turn() { event_base_loop(base, EVLOOP_ONCE); }
    std::string received(std::size_t client) {
        std::string all;
        char some[65536];
        for (ssize_t n = 0; (n = ::recv(clients.at(client), some, sizeof some, MSG_DONTWAIT)) > 0;)
            all.append(some, static_cast<std::size_t>(n));
        return all;
    }
    // The end has come, and nothing before it.
    bool ended(std::size_t client) {
        char octet = 0;
        return ::recv(clients.at(client), &octet, 1, MSG_DONTWAIT) == 0;
    }
    std::string body(std::size_t client) {
        const auto responses = parse_responses(received(client));
        return responses.size() == 1 ? responses[0].body : std::to_string(responses.size()) + " answers";
    }

    Noting handler;
    ManualClock clock{start_of_tests};
    event_base* base = nullptr;
    std::unique_ptr<Listener> listener;
    std::vector<int> clients;

  private:
    std::function<void()> between_;
    int between_fd_ = -1;
    event* between_event_ = nullptr;
};

std::string path(std::size_t number) {
    return "/n" + std::to_string(number);
}

}  // namespace

BOOST_AUTO_TEST_CASE(all_that_are_readable_at_once_are_received_from_before_the_first_is_answered) {
    Batch batch;
    constexpr std::size_t more = 4;
    constexpr std::size_t many = limits::http_ahead + more;
    batch.connect(many);
    const WireCounters& counters = batch.listener->counters();
    // libevent takes more events at once when there once were more than it had room for.
    for (std::size_t i = 0; i < many; ++i)
        batch.send(i, get("/first"));
    for (int i = 0; i < 3; ++i)
        event_base_loop(batch.base, EVLOOP_NONBLOCK);
    for (std::size_t i = 0; i < many; ++i)
        BOOST_REQUIRE(batch.body(i) == "GET /first\n");
    batch.handler.notes.clear();
    for (std::size_t i = 0; i < many; ++i)
        batch.send(i, get(path(i)));
    batch.turn();
    std::vector<std::string> expected;
    for (const auto& [from, to] :
         {std::pair{std::size_t{0}, limits::http_ahead}, {limits::http_ahead, many}}) {
        for (std::size_t i = from; i < to; ++i)
            expected.push_back("foresee " + std::to_string(i - from) + " " + path(i));
        for (std::size_t i = from; i < to; ++i)
            expected.push_back("answer " + path(i));
    }
    BOOST_TEST(batch.handler.notes == expected, boost::test_tools::per_element());
    BOOST_TEST(batch.handler.unforeseen == 0);
    for (std::size_t i = 0; i < many; ++i)
        BOOST_TEST(batch.body(i) == "GET " + path(i) + "\n");
    // One read and one write each, as ever.
    BOOST_TEST(counters.reads.value() == 2 * many);
    BOOST_TEST(counters.writes.value() == 2 * many);
}

// Covers: E-19
BOOST_AUTO_TEST_CASE(each_connection_of_a_batch_is_answered_as_if_it_were_alone) {
    Batch batch;
    batch.connect(8);
    const std::string post = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    const std::string chunked = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    batch.send(0, get("/one"));
    batch.send(1, post + get("/second") + post);  // pipelined
    batch.send(2, get("/slow").substr(0, 10));    // the rest comes later
    batch.send(3, "NONSENSE\r\n\r\n");            // refused
    batch.send(4, chunked + "1\r\nx\r\n");        // unfinished, its framing dropped already
    ::shutdown(batch.clients[5], SHUT_WR);        // goes without a word
    batch.send(6, get("/gone"));                  // goes before it is answered
    ::close(std::exchange(batch.clients[6], ::dup(0)));
    batch.send(7, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + get("/last"));
    batch.turn();
    BOOST_TEST(batch.body(0) == "GET /one\n");
    const auto pipelined = parse_responses(batch.received(1));
    BOOST_REQUIRE(pipelined.size() == 3U);
    BOOST_TEST(pipelined[0].body == "POST /p\nabc");
    BOOST_TEST(pipelined[1].body == "GET /second\n");
    BOOST_TEST(pipelined[2].body == "POST /p\nabc");
    BOOST_TEST(batch.received(2).empty());
    BOOST_TEST(parse_responses(batch.received(3)).at(0).status == 400);
    BOOST_TEST(batch.received(4).empty());
    BOOST_TEST(batch.ended(5));
    const auto options = parse_responses(batch.received(7));
    BOOST_REQUIRE(options.size() == 2U);
    BOOST_TEST(options[1].body == "GET /last\n");
    for (const std::string& note : batch.handler.notes)
        BOOST_TEST(note.rfind("foreseen as", 0) != 0U, note);

    batch.send(2, get("/slow").substr(10));
    batch.send(4, "2\r\nyz\r\n0\r\n\r\n");
    batch.send(0, get("/again"));
    batch.turn();
    BOOST_TEST(batch.body(2) == "GET /slow\n");
    BOOST_TEST(batch.body(4) == "POST /c\nxyz");
    BOOST_TEST(batch.body(0) == "GET /again\n");
}

BOOST_AUTO_TEST_CASE(large_pieces_are_answered_before_there_is_no_room_for_the_next) {
    Batch batch;
    batch.connect(6);
    const std::string body(15'000, 'b');
    const std::string one = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 15000\r\n\r\n" + body;
    for (std::size_t i = 0; i < 6; ++i)
        batch.send(i, one + one);
    batch.turn();
    for (std::size_t i = 0; i < 6; ++i) {
        const auto responses = parse_responses(batch.received(i));
        BOOST_REQUIRE(responses.size() == 2U);
        BOOST_TEST((responses[0].body == "POST /p\n" + body && responses[1].body == responses[0].body));
    }
}

// A client that does not read keeps nobody waiting.
BOOST_AUTO_TEST_CASE(a_full_socket_in_a_batch_holds_up_that_connection_alone) {
    Batch batch;
    batch.connect(3);
    std::string many;
    for (int i = 0; i < 60; ++i)
        many += get("/large/30000");
    batch.send(0, get("/before"));
    batch.send(1, many);
    batch.send(2, get("/after"));
    batch.turn();
    BOOST_TEST(batch.body(0) == "GET /before\n");
    BOOST_TEST(batch.body(2) == "GET /after\n");
    std::string all;
    for (int i = 0; i < 1000 && all.size() < std::size_t{60} * 30'000; ++i) {
        all += batch.received(1);
        event_base_loop(batch.base, EVLOOP_NONBLOCK);
    }
    all += batch.received(1);
    BOOST_TEST(parse_responses(all).size() == 60U);
}

BOOST_AUTO_TEST_CASE(a_request_that_came_in_time_is_answered_even_where_the_clock_strikes_meanwhile) {
    Batch batch;
    batch.connect(3);
    batch.turn();
    batch.send(0, get("/a"));
    batch.send(1, get("/b"));
    batch.then([&] {
        BOOST_TEST(batch.listener->counters().reads.value() == 2U);
        BOOST_TEST(batch.handler.notes.empty());  // received, and not answered yet
        batch.clock.advance(seconds(61));
        batch.listener->tick();
    });
    batch.turn();
    BOOST_TEST(batch.body(0) == "GET /a\n");
    BOOST_TEST(batch.body(1) == "GET /b\n");
    BOOST_TEST(batch.ended(2));  // idle for too long
}

BOOST_AUTO_TEST_CASE(a_listener_that_stops_answers_what_it_has_received) {
    Batch batch;
    batch.connect(3);
    batch.send(0, get("/a"));
    batch.send(1, get("/b"));
    batch.then([&] { batch.listener->stop_accepting(); });
    batch.turn();
    for (const std::size_t client : {std::size_t{0}, std::size_t{1}}) {
        const auto responses = parse_responses(batch.received(client));
        BOOST_REQUIRE(responses.size() == 1U);
        BOOST_TEST(responses[0].field("connection") == "close");
    }
}

BOOST_AUTO_TEST_CASE(a_listener_that_goes_while_requests_wait_leaves_nothing_behind) {
    Batch batch;
    batch.connect(3);
    batch.send(0, get("/a"));
    batch.send(1, get("/b"));
    batch.then([&] { batch.listener.reset(); });
    batch.turn();
    event_base_loop(batch.base, EVLOOP_NONBLOCK);
    BOOST_TEST(batch.handler.notes.empty());
    for (const std::size_t client : {std::size_t{0}, std::size_t{1}, std::size_t{2}})
        BOOST_TEST(batch.ended(client));
}

// However many download, who asks for little waits for no more than one turn's share of it.
BOOST_AUTO_TEST_CASE(all_files_together_have_a_bound_in_each_turn_of_the_loop_and_take_turns) {
    Batch batch;
    constexpr std::size_t files = 12;
    constexpr std::size_t octets = 1'000'000;
    const std::string bytes(octets, 'c');
    batch.handler.answers.use_file(bytes);
    batch.connect(files + 1);
    for (std::size_t i = 0; i < files; ++i) {
        const int room = 4 * 1024 * 1024;  // each could take far more at once than its share
        ::setsockopt(batch.clients[i], SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        batch.send(i, get("/file"));
    }
    const WireCounters& counters = batch.listener->counters();
    std::vector<std::string> got(files);
    const auto done = [&] {
        return std::ranges::all_of(got, [](const auto& one) { return one.size() > octets; });
    };
    std::uint64_t most = 0;
    for (int turns = 0; turns < 10'000 && !done(); ++turns) {
        const std::uint64_t before = counters.octets_out.value();
        batch.send(files, get("/small"));
        batch.turn();
        BOOST_REQUIRE(batch.body(files) == "GET /small\n");
        most = std::max(most, counters.octets_out.value() - before);
        std::size_t begun = 0;
        for (std::size_t i = 0; i < files; ++i) {
            got[i] += batch.received(i);
            begun += got[i].size() > 1000 ? 1 : 0;
        }
        if (std::ranges::any_of(got, [](const auto& one) { return one.size() >= octets; }))
            BOOST_REQUIRE(begun == files);  // nobody is through before all have begun
    }
    BOOST_TEST(most <= limits::http_file_octets_per_turn + (files + 1) * 500);
    for (std::size_t i = 0; i < files; ++i)
        BOOST_TEST((parse_responses(got[i]).at(0).body == bytes));
}

BOOST_AUTO_TEST_CASE(what_came_in_a_turn_is_answered_before_a_file_goes_on) {
    Batch batch;
    batch.handler.answers.use_file(std::string(3'000'000, 'c'));
    batch.connect(2);
    batch.send(0, get("/file"));
    const WireCounters& counters = batch.listener->counters();
    std::uint64_t sent_before_answer = 0;
    int in_such_a_turn = 0;
    for (int i = 0; i < 8; ++i) {
        batch.received(0);
        batch.send(1, get("/small"));
        const std::uint64_t before = counters.octets_out.value();
        batch.handler.on_answer = [&] { sent_before_answer += counters.octets_out.value() - before; };
        batch.turn();
        in_such_a_turn += counters.octets_out.value() - before > 10'000 ? 1 : 0;
        BOOST_TEST(batch.body(1) == "GET /small\n");
    }
    BOOST_TEST(in_such_a_turn > 0);
    BOOST_TEST(sent_before_answer == 0U);
}

}  // namespace eightbells::http::test
