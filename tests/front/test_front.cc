// The program as one object: threads, sockets, a store folder.
#define BOOST_TEST_MODULE front_program
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <future>
#include <thread>

#include "responder/base/durable_file.h"
#include "responder/front/front.h"
#include "tests/front/world.h"

namespace eightbells::front::test {
namespace {

using http::test::Client;

struct Running {
    Running() {
        config.front.data = folder / "front";
        config.front.listen = {"127.0.0.1:0", "[::1]:0"};
        config.front.metrics = "127.0.0.1:0";
        config.front.workers = 2;
        config.front.store_key_files = {folder / "store-key.pub"};
        config.store.directory = folder / "store";
        config.issuers.resize(1);
        config.issuers[0].certificate = authority.folder / "ca.pem";
        config.issuers[0].crl_path = "/ca.crl";
        config.issuers[0].signer_key = "/nonexistent/key";  // never looked at
        for (const HashAlgorithm hash : {HashAlgorithm::sha1, HashAlgorithm::sha256})
            set.profiles[static_cast<std::size_t>(hash)] = authority.profile(hash);
        set.now = clock.now();
        set.sign = [this](const auto& profile, const auto& single) {
            std::array<std::uint8_t, 4096> out;
            return authority.sign(ocsp::encode_response_data(profile, single, out));
        };
    }
    void start() { front = need(Front::start(config, clock)); }
    void publish() {
        std::filesystem::create_directories(config.store.directory);
        if (pages == nullptr)
            pages = need(cache::PageFile::open(config.store.directory / cache::page_file_name,
                                               cache::PageFile::Access::write));
        need(pages->publish(set.publish_all()).map([] { return 0; }));
        need(write_file_durably(folder / "store-key.pub", as_bytes(to_hex(set.key()) + "\n")).map([] {
            return 0;
        }));
    }
    Response ask(const Bytes& request, std::size_t listener = 0) {
        Client client(front->addresses().at(listener));
        client.send("GET /ocsp/" + escaped(base64(request)) + " HTTP/1.1\r\nHost: x\r\n\r\n");
        return client.response();
    }
    Response ask_private(const std::string& path) {
        Client client(need(parse_host_port(front->metrics_address())));
        client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        return client.response();
    }
    // The store is looked at every second; nothing else tells when that was.
    template <class Condition>
    bool comes_true(Condition condition) {
        for (int i = 0; i < 3000; ++i) {
            if (condition())
                return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        return false;
    }

    TemporaryFolder folder;
    const Authority& authority = Authority::number(0);
    const SystemClock clock;
    config::Config config;
    cache::built::BuiltSet set{4, authority.identity->id(), 1};
    std::unique_ptr<cache::PageFile> pages;
    std::unique_ptr<Front> front;
};

}  // namespace

// Covers: G-24, B-24, G-23
BOOST_FIXTURE_TEST_CASE(a_front_serves_from_the_moment_it_starts_and_follows_a_store_that_comes_later,
                        Running) {
    const Bytes serial = set.issue();
    const AskedId id = id_of(authority, serial);
    const Bytes request = request_der({id});
    start();
    BOOST_TEST(front->addresses().size() == 2U);
    BOOST_TEST(verdict(ask(request)) == "tryLater");
    BOOST_TEST(ask_private("/live").status == 200);
    BOOST_TEST(ask_private("/ready").status == 503);
    publish();
    BOOST_REQUIRE(comes_true([&] { return ask_private("/ready").status == 200; }));
    std::string first;
    for (int i = 0; i < 40; ++i) {
        const Response response = ask(request, static_cast<std::size_t>(i % 2));
        BOOST_TEST(verdict(response, authority, {id}) == "good");
        BOOST_TEST((first.empty() || response.body == first));
        first = response.body;
    }
    set.revoke(serial);
    publish();
    BOOST_TEST(comes_true([&] { return verdict(ask(request), authority, {id}) == "revoked"; }));
    const std::string text = ask_private("/metrics").body;
    const std::string good =
        R"(eightbells_front_requests_total{issuer="ca",method="get",hash="sha256",outcome="good"} )";
    const auto at = text.find(good);
    BOOST_REQUIRE(at != std::string::npos);
    BOOST_TEST(std::stoul(text.substr(at + good.size())) >= 40U);  // and those before it was seen revoked
    BOOST_TEST(text.find("eightbells_front_connections_accepted_total") != std::string::npos);
    // The store goes, and the front starts again.
    front.reset();
    pages.reset();
    std::filesystem::remove_all(config.store.directory);
    start();
    BOOST_TEST(comes_true([&] { return verdict(ask(request), authority, {id}) == "revoked"; }));
    BOOST_TEST(comes_true([&] { return ask_private("/ready").status == 200; }));
}

BOOST_FIXTURE_TEST_CASE(draining_ends_when_the_last_request_is_answered, Running) {
    publish();
    start();
    Client slow(front->addresses().at(0));
    Client idle(front->addresses().at(0));
    slow.send("GET /ocsp/");
    idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    BOOST_TEST(idle.response().status == 200);
    auto drained = std::async(std::launch::async, [this] { front->drain(); });
    BOOST_TEST(comes_true([&] { return ask_private("/ready").status == 503; }));
    BOOST_TEST(idle.closed());
    BOOST_TEST((drained.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout));
    slow.send("MFEw HTTP/1.1\r\nHost: x\r\n\r\n");
    const Response last = slow.response();
    BOOST_TEST(last.status == 200);
    BOOST_TEST(last.field("connection") == "close");
    BOOST_TEST((drained.wait_for(http::test::patience) == std::future_status::ready));
}

BOOST_FIXTURE_TEST_CASE(a_front_that_cannot_start_says_why, Running) {
    start();
    Running second;
    second.config.front.listen = {"127.0.0.1:1x"};
    const auto refused = Front::start(second.config, second.clock);
    BOOST_REQUIRE(!refused);
    BOOST_TEST(refused.error().message.find("front.listen") != std::string::npos, refused.error().message);
    second.config.front.listen = {"127.0.0.1:0"};
    second.config.issuers[0].certificate = second.folder / "none.pem";
    const auto no_issuer = Front::start(second.config, second.clock);
    BOOST_REQUIRE(!no_issuer);
    BOOST_TEST(no_issuer.error().message.find("none.pem") != std::string::npos, no_issuer.error().message);
}

}  // namespace eightbells::front::test
