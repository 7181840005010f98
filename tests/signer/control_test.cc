#include "responder/signer/control.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <future>
#include <nlohmann/json.hpp>

#include "responder/ledger/journal.h"
#include "responder/signer/limits.h"
#include "tests/signer/crl_bench.h"

using namespace eightbells;
using namespace eightbells::tests;
using nlohmann::json;

namespace {

struct Connector {
    explicit Connector(const std::filesystem::path& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        BOOST_REQUIRE(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    ~Connector() { ::close(socket); }
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;

    void send(const std::string& text) {
        BOOST_REQUIRE(::send(socket, text.data(), text.size(), MSG_NOSIGNAL) ==
                      static_cast<ssize_t>(text.size()));
    }
    // Whether the socket takes it without waiting longer than this.
    bool takes(const std::string& text, int milliseconds) {
        pollfd waits{socket, POLLOUT, 0};
        if (::poll(&waits, 1, milliseconds) != 1 || (waits.revents & (POLLERR | POLLHUP)) != 0)
            return false;
        return ::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
               static_cast<ssize_t>(text.size());
    }
    json answer() {
        while (received.find('\n') == std::string::npos) {
            std::array<char, 4096> some{};
            const ssize_t got = ::recv(socket, some.data(), some.size(), 0);
            BOOST_REQUIRE(got > 0);
            received.append(some.data(), static_cast<std::size_t>(got));
        }
        const auto end = received.find('\n');
        json line = json::parse(received.substr(0, end));
        received.erase(0, end + 1);
        return line;
    }

    int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::string received;
};

struct Controlled : CrlBench, FeedListener {
    Controlled() {
        BOOST_REQUIRE(ledger->journal().keep());
        ledger->journal().listen({[this] { ++commits; }, {}});
        feeds = std::make_unique<Feeds>(std::vector<FedIssuer>{issuer}, *ledger, *gate, *this, clock);
        Control::Hooks hooks;
        hooks.on_change = [this] {
            if (held.exchange(false)) {
                reached.set_value();
                released.get_future().wait();
            }
        };
        hooks.on_event = [](ledger::Action, const ledger::EventAnswer*) {};
        auto opened = Control::open(path(), {}, {issuer}, *ledger, *feeds, *gate, std::move(hooks), clock);
        BOOST_REQUIRE_MESSAGE(opened, opened.error().message);
        control = std::move(*opened);
    }
    std::filesystem::path path() const { return folder.path() / "control.sock"; }
    void on_imported(const std::string&, const std::string&, const ledger::ImportReport&) override {}
    void on_refused(const std::string&, const std::string&, const Error&) override {}

    std::atomic<int> commits = 0;
    std::atomic<bool> held = false;  // the next commit waits, durable and unanswered, until `released`
    std::promise<void> reached;
    std::promise<void> released;
    std::unique_ptr<Feeds> feeds;
    std::unique_ptr<Control> control;
};

std::string issue(unsigned connector, unsigned number) {
    return json{{"do", "event"},
                {"id", number},
                {"action", "issue"},
                {"serial", fmt::format("4{:02x}{:04x}", connector, number)},
                {"not_after", "2049-01-01T00:00:00Z"}}
               .dump() +
           "\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(control)

// Covers: C-08
BOOST_AUTO_TEST_CASE(what_several_connectors_have_sent_is_made_durable_together_and_answered_in_order) {
    Controlled world;
    std::vector<std::unique_ptr<Connector>> connectors;
    for (int i = 0; i < 4; ++i)
        connectors.push_back(std::make_unique<Connector>(world.path()));
    world.held = true;
    connectors[0]->send(issue(0, 0));
    world.reached.get_future().wait();
    BOOST_TEST(world.commits == 1);
    // The socket's thread stands still meanwhile: all of it is there when it looks again.
    for (unsigned i = 0; i < connectors.size(); ++i) {
        std::string lines;
        for (unsigned number = 1; number <= 200; ++number)
            lines +=
                number == 100 ? "{\"do\":\"event\",\"id\":100,\"reson\":\"superseded\"}\n" : issue(i, number);
        connectors[i]->send(lines);
    }
    world.released.set_value();
    for (unsigned i = 0; i < connectors.size(); ++i) {
        for (unsigned number = i == 0 ? 0 : 1; number <= 200; ++number) {
            const json answer = connectors[i]->answer();
            BOOST_REQUIRE(answer["id"] == number);
            BOOST_REQUIRE(answer["ok"] == (number != 100));
        }
    }
    BOOST_TEST(world.commits == 2);
    BOOST_TEST(*world.ledger->count(world.id()) == 1U + 4 * 199);
}

BOOST_AUTO_TEST_CASE(a_command_between_events_is_answered_in_its_place) {
    Controlled world;
    Connector connector{world.path()};
    connector.send(issue(0, 1) + "{\"do\":\"nothing\",\"id\":2}\n[]\n" + issue(0, 3));
    BOOST_TEST(connector.answer()["verdict"] == "applied");
    BOOST_TEST(connector.answer()["id"] == 2);
    BOOST_TEST(connector.answer()["error"] == "a JSON object on one line is expected");
    BOOST_TEST(connector.answer()["id"] == 3);
}

BOOST_AUTO_TEST_CASE(a_connector_that_is_slow_to_read_is_waited_for) {
    Controlled world;
    Connector connector{world.path()};
    const std::string line = "{\"do\":\"event\",\"action\":\"no\"}\n";
    const std::size_t more_than_any_buffer = 64 * 1024 * 1024 / line.size();
    std::size_t sent = 0;
    while (connector.takes(line, 1000))
        BOOST_REQUIRE(++sent < more_than_any_buffer);
    // It has stopped reading, and has closed nothing: every answer comes, and it goes on.
    for (std::size_t i = 0; i < sent; ++i)
        BOOST_REQUIRE(connector.answer()["ok"] == false);
    connector.send(issue(0, 1));
    BOOST_TEST(connector.answer()["verdict"] == "applied");
}

BOOST_AUTO_TEST_SUITE_END()
