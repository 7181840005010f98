// Files, folders and URLs as CAs and their web servers really treat them.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "responder/signer/crl_poller.h"
#include "tests/signer/crl_bench.h"

using namespace eightbells;
using namespace eightbells::tests;

namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// Looks at `at` as the file or folder of one CRL.
struct Sources {
    Sources(CrlBench& bench, const std::string& at) : bench_(bench) {
        config::ImportedCrl crl;
        crl.path = "/tested.crl";
        crl.file = bench.folder.path() / at;
        bench.issuer.settings.imported_crls = {crl};
        issuers = {bench.issuer};
        sources = std::make_unique<CrlSources>(
            issuers, *bench.gate, [](const FedIssuer&, const ledger::ImportReport&) {}, bench.clock);
    }
    bool look_after(seconds wait) {
        bench_.clock.advance(wait);
        return sources->look_once();
    }
    CrlBench& bench_;
    std::vector<FedIssuer> issuers;
    std::unique_ptr<CrlSources> sources;
};

// A server that gives each connection the octets that the test has laid ready, and keeps it open if told so.
class OctetServer {
  public:
    OctetServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        BOOST_REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
        BOOST_REQUIRE(::listen(listener_, 8) == 0);
        BOOST_REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread{[this] { serve(); }};
    }
    ~OctetServer() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    void lay(std::string reply, bool hold = false) {
        const std::scoped_lock lock{mutex_};
        reply_ = std::move(reply);
        hold_ = hold;
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/x.crl"; }
    std::string asked() {
        const std::scoped_lock lock{mutex_};
        return asked_;
    }

  private:
    void serve() {
        for (int connection; (connection = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(connection)) {
            std::string request;
            char buffer[4096];
            while (request.find("\r\n\r\n") == std::string::npos) {
                const auto got = ::recv(connection, buffer, sizeof buffer, 0);
                if (got <= 0)
                    break;
                request.append(buffer, static_cast<std::size_t>(got));
            }
            std::string reply;
            bool hold = false;
            {
                const std::scoped_lock lock{mutex_};
                asked_ = request;
                reply = reply_;
                hold = hold_;
            }
            (void)::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
            while (hold && ::recv(connection, buffer, sizeof buffer, 0) > 0) {
            }
        }
    }

    int listener_;
    int port_ = 0;
    std::mutex mutex_;
    std::string reply_;
    bool hold_ = false;
    std::string asked_;
    std::thread thread_;
};

std::string http(const std::string& status, ByteView body, const std::string& headers = "") {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
           "\r\n" + std::string(as_text(body));
}

// The poller with the gate behind it, on one thread.
struct Polled {
    explicit Polled(CrlBench& bench, seconds stalls = limits::crl_fetch_stalls) : bench_(bench) {
        crl.path = "/tested.crl";
        crl.url = server.url();
        CrlPoller::Hooks hooks;
        hooks.offer = [this](CrlGate::Offer offer) {
            return bench_.gate->take(bench_.issuer, crl, std::move(offer)).has_value();
        };
        hooks.refuse = [this](CrlGate::Offer offer, const Error& why) {
            bench_.gate->refuse(bench_.issuer, crl, offer, why);
        };
        poller = std::make_unique<CrlPoller>(crl, bench.folder.path(), std::move(hooks), stalls);
    }
    // What the bench was told last, "" for nothing new.
    std::string poll(const std::string& reply, bool hold = false) {
        const auto before = bench_.refusals.size();
        server.lay(reply, hold);
        poller->poll_once();
        return bench_.refusals.size() == before ? "" : bench_.refusals.back();
    }
    CrlBench& bench_;
    OctetServer server;
    config::ImportedCrl crl;
    std::unique_ptr<CrlPoller> poller;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_file_is_taken_once_it_is_whole_and_half_of_one_is_waited_for) {
    CrlBench bench;
    bench.make(R"({"file": "5", "number": 5, "entries": [["1001", null], ["1002", null]]}
{"file": "6", "number": 6}
)");
    Sources look(bench, "x.crl");
    BOOST_TEST(!look.look_after(0s));
    BOOST_TEST(bench.refusals.size() == 1U);  // there is none, which is told once
    BOOST_TEST(!look.look_after(10s));
    BOOST_TEST(bench.refusals.size() == 1U);
    const Bytes whole = bench.read("5");
    for (std::size_t size = 0; size < whole.size(); size += whole.size() / 4) {
        bench.write("x.crl", ByteView{whole}.first(size));
        BOOST_TEST(!look.look_after(2s));
        BOOST_TEST(bench.refusals.size() == 1U);
    }
    bench.write("x.crl", whole);
    BOOST_TEST(look.look_after(2s));
    BOOST_TEST(equal(bench.served["/tested.crl"]->bytes(), whole));
    BOOST_TEST(!look.look_after(60s));  // unchanged
    // Half of one that stays half is refused, and taken when the rest comes after all.
    const Bytes next = bench.read("6");
    bench.write("x.crl", ByteView{next}.first(next.size() / 2));
    BOOST_TEST(!look.look_after(1s));
    BOOST_TEST(!look.look_after(4s));
    BOOST_TEST(bench.refusals.size() == 1U);
    BOOST_TEST(!look.look_after(2s));
    BOOST_REQUIRE(bench.refusals.size() == 2U);
    BOOST_TEST(contains(bench.refusals.back(), "x.crl: CRL: cut off: "), bench.refusals.back());
    bench.write("x.crl", next);
    BOOST_TEST(look.look_after(1s));
    BOOST_TEST(equal(bench.served["/tested.crl"]->bytes(), next));
}

BOOST_AUTO_TEST_CASE(a_refusal_that_passes_is_no_refusal_for_ever) {
    CrlBench bench;
    bench.make(R"({"file": "x.crl", "number": 5, "this": 600})");
    Sources look(bench, "x.crl");
    BOOST_TEST(!look.look_after(0s));
    BOOST_TEST(!look.look_after(60s));
    BOOST_REQUIRE(bench.refusals.size() == 1U);  // told once
    BOOST_TEST(contains(bench.refusals.back(), "F-23: thisUpdate"));
    BOOST_TEST(look.look_after(600s));
}

BOOST_AUTO_TEST_CASE(of_a_folder_the_newest_that_is_right_is_taken) {
    CrlBench bench;
    std::filesystem::create_directory(bench.folder.path() / "crls");
    bench.make(R"({"file": "crls/a.crl", "number": 255, "this": -90}
{"file": "crls/b.crl", "number": 256, "this": -80}
{"file": "crls/c.der", "number": 9, "this": -100}
{"file": "crls/d.tmp", "number": 300, "this": -50}
{"file": "crls/.hidden.crl", "number": 301, "this": -50}
{"file": "258", "number": 258, "this": -40}
{"file": "259", "number": 259, "this": -30}
)");
    Sources look(bench, "crls");
    BOOST_TEST(look.look_after(0s));
    BOOST_TEST(equal(bench.served["/tested.crl"]->bytes(), bench.read("crls/b.crl")));
    BOOST_TEST(bench.refusals.empty());  // the older ones lie there rightly
    BOOST_TEST(!look.look_after(10s));
    // Of two new ones the newest is wrong: the other is taken, and the fault told.
    Bytes wrong = bench.read("259");
    wrong.back() ^= 1;
    bench.write("crls/f.crl", wrong);
    bench.write("crls/e.crl", bench.read("258"));
    BOOST_TEST(look.look_after(1s));
    BOOST_TEST(equal(bench.served["/tested.crl"]->bytes(), bench.read("258")));
    BOOST_REQUIRE(bench.refusals.size() == 1U);
    BOOST_TEST(contains(bench.refusals[0], "crls/f.crl: CRL: F-23: the signature"));
    // Put right, it is taken.
    bench.write("crls/f.crl", bench.read("259"));
    BOOST_TEST(look.look_after(limits::feed_retry));  // the file system's clock may not have told of it
    BOOST_TEST(equal(bench.served["/tested.crl"]->bytes(), bench.read("259")));
    bench.restart();
    Sources again(bench, "crls");
    BOOST_TEST(again.look_after(0s));
    BOOST_TEST(equal(bench.served["/tested.crl"]->bytes(), bench.read("259")));
    BOOST_TEST(bench.taken == 4U);
}

BOOST_AUTO_TEST_CASE(a_folder_in_which_nothing_is_wrong_any_more_ends_the_alarm) {
    CrlBench bench;
    const auto folder = bench.folder.path() / "crls";
    std::filesystem::create_directory(folder);
    bench.make(R"({"file": "crls/a.crl", "number": 5}
{"file": "crls/old.crl", "number": 4}
)");
    Sources look(bench, "crls");
    BOOST_REQUIRE(look.look_after(0s));
    BOOST_REQUIRE(bench.taken == 1U);
    bench.write("crls/b.crl", as_bytes("no CRL\n"));
    BOOST_TEST(!look.look_after(1s));
    BOOST_TEST(!look.look_after(10s));
    BOOST_TEST(bench.refusals.size() == 1U);
    std::filesystem::remove(folder / "b.crl");
    BOOST_TEST(look.look_after(1s));
    BOOST_TEST(bench.taken == 2U);  // what is served passes once more
    std::filesystem::rename(folder, bench.folder.path() / "away");
    BOOST_TEST(!look.look_after(1s));
    BOOST_TEST(bench.refusals.size() == 2U);
    std::filesystem::rename(bench.folder.path() / "away", folder);
    BOOST_TEST(look.look_after(1s));
    BOOST_TEST(bench.taken == 3U);
    BOOST_TEST(!look.look_after(10s));
    BOOST_TEST(bench.taken == 3U);
}

BOOST_AUTO_TEST_CASE(a_url_is_asked_conditionally_once_its_crl_was_taken) {
    CrlBench bench;
    bench.make(R"({"file": "5", "number": 5}
{"file": "6", "number": 6}
)");
    Polled polled(bench);
    BOOST_TEST(polled.poll(http("200 OK", bench.read("5"),
                                "ETag: \"five\"\r\nLast-Modified: Sun, 22 Nov 2026 "
                                "06:00:00 GMT\r\n")) == "");
    BOOST_TEST(!contains(polled.server.asked(), "If-None-Match"));
    BOOST_TEST(equal(bench.served["/tested.crl"]->bytes(), bench.read("5")));
    BOOST_TEST(polled.poll("HTTP/1.1 304 Not Modified\r\n\r\n") == "");
    BOOST_TEST(contains(polled.server.asked(), "If-None-Match: \"five\"\r\n"));
    BOOST_TEST(contains(polled.server.asked(), "If-Modified-Since: Sun, 22 Nov 2026 06:00:00 GMT\r\n"));
    BOOST_TEST(polled.poll(http("200 OK", bench.read("6"), "ETag: \"six\"\r\n")) == "");
    BOOST_TEST(equal(bench.served["/tested.crl"]->bytes(), bench.read("6")));
    BOOST_TEST(bench.taken == 2U);
    // After a refusal it must come whole: what was wrong may be put right under the same tag, and that what
    // is served is served there again ends the alarm.
    for (const std::string& refused :
         {http("200 OK", bench.read("5"), "ETag: \"old\"\r\n"), http("503 Service Unavailable", {})}) {
        const auto taken = bench.taken;
        BOOST_TEST(polled.poll(refused) != "");
        BOOST_TEST(contains(polled.server.asked(), "If-None-Match: \"six\"\r\n"));
        BOOST_TEST(polled.poll(http("200 OK", bench.read("6"), "ETag: \"six\"\r\n")) == "");
        BOOST_TEST(!contains(polled.server.asked(), "If-"));
        BOOST_TEST(bench.taken == taken + 1);
    }
}

BOOST_AUTO_TEST_CASE(a_url_that_redirects_serves_html_breaks_off_or_is_away_leaves_what_is_served) {
    CrlBench bench;
    bench.make(R"({"file": "5", "number": 5}
{"file": "6", "number": 6}
)");
    Polled polled(bench);
    BOOST_REQUIRE(polled.poll(http("200 OK", bench.read("5"))) == "");
    const Bytes six = bench.read("6");
    BOOST_TEST(contains(polled.poll(http("302 Found", six, "Location: http://elsewhere.example/x.crl\r\n")),
                        "HTTP 302: redirects to http://elsewhere.example/x.crl; redirects are not followed"));
    BOOST_TEST(contains(polled.poll(http("200 OK", as_bytes("<html>Sign in</html>"),
                                         "Content-Type: text/html; charset=utf-8\r\n")),
                        "HTML was served, not a CRL"));
    BOOST_TEST(contains(polled.poll(http("200 OK", as_bytes("\n<!doctype html>"))), "this is HTML or XML"));
    BOOST_TEST(contains(polled.poll(http("404 Not Found", {})), "HTTP 404 where 200 was expected"));
    BOOST_TEST(contains(polled.poll("HTTP/1.1 304 Not Modified\r\n\r\n"), "HTTP 304 where 200 was expected"));
    std::string cut = http("200 OK", six);
    cut.resize(cut.size() - 10);
    BOOST_TEST(contains(polled.poll(cut), "/x.crl: "));
    BOOST_TEST(contains(polled.poll("HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n"), "/x.crl: "));
    BOOST_TEST(contains(polled.poll("no HTTP at all\r\n\r\n"), "/x.crl: "));
    BOOST_TEST(equal(bench.served["/tested.crl"]->bytes(), bench.read("5")));
    BOOST_TEST(bench.taken == 1U);
    BOOST_TEST(polled.poll(http("200 OK", six)) == "");
    BOOST_TEST(bench.taken == 2U);
}

BOOST_AUTO_TEST_CASE(a_poller_whose_server_stalls_ends_at_once_when_it_is_told_to) {
    CrlBench bench;
    Polled polled(bench, 600s);
    polled.server.lay("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n12345", true);
    polled.poller->start();
    while (polled.server.asked().empty())
        std::this_thread::yield();
    const auto began = std::chrono::steady_clock::now();
    polled.poller->stop();
    BOOST_TEST((std::chrono::steady_clock::now() - began < 60s));
    BOOST_TEST(bench.refusals.empty());
}

// The poller gives it half a minute (limits::crl_fetch_stalls), here a second.
BOOST_AUTO_TEST_CASE(a_server_that_stalls_in_the_middle_of_a_crl_is_given_up_and_what_is_served_stays) {
    CrlBench bench;
    bench.make(R"({"file": "5", "number": 5}
{"file": "6", "number": 6}
)");
    Polled patient(bench);
    BOOST_REQUIRE(patient.poll(http("200 OK", bench.read("5"))) == "");
    Polled polled(bench, 1s);
    const Bytes six = bench.read("6");
    const std::string whole = http("200 OK", six);
    const auto began = std::chrono::steady_clock::now();
    for (const std::size_t sent : {std::size_t{0}, whole.size() - 10}) {
        const std::string told = polled.poll(whole.substr(0, sent), true);  // each refusal is told once
        BOOST_TEST(told.starts_with("/tested.crl: " + polled.server.url() + ": "), told);
    }
    BOOST_TEST((std::chrono::steady_clock::now() - began < 60s));
    BOOST_TEST(equal(bench.served["/tested.crl"]->bytes(), bench.read("5")));
    BOOST_TEST(bench.taken == 1U);
    for (int i = 0; i < 60 && bench.taken < 2; ++i)  // a second may be short for this machine, too
        polled.poll(whole);
    BOOST_TEST(bench.taken == 2U);
    BOOST_TEST(equal(bench.served["/tested.crl"]->bytes(), six));
}
