// Answers that come later, and the end of a listener.
#define BOOST_TEST_MODULE http_promise
#include <boost/test/unit_test.hpp>
#include <memory>

#include "responder/http/limits.h"
#include "tests/http/server.h"

namespace eightbells::http::test {

BOOST_AUTO_TEST_CASE(a_promise_is_kept_later_and_those_behind_it_wait) {
    Server server;
    Client client(server.address());
    client.send(get("/one") + get("/late") + get("/two") + get("/late", "If-None-Match: *\r\n") +
                get("/three"));
    BOOST_TEST(client.response().body == "GET /one\n");
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    BOOST_TEST(client.nothing_arrives());
    server.on_loop([&] { server.handler.answer_late("made for you"); });
    BOOST_TEST(client.response().body == "made for you");
    BOOST_TEST(client.response().body == "GET /two\n");
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    server.on_loop([&] { server.handler.answer_late(cached_body); });
    BOOST_TEST(client.response().status == 304);  // its precondition still counts
    BOOST_TEST(client.response().body == "GET /three\n");
    // HEAD, and the end of a connection, travel with the promise too.
    client.send("HEAD /late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    server.on_loop([&] { server.handler.answer_late("12345"); });
    const Response last = client.response(true);
    BOOST_TEST(last.field("content-length") == "5");
    BOOST_TEST(last.field("connection") == "close");
    BOOST_TEST(client.closed());
}

BOOST_AUTO_TEST_CASE(a_promise_that_is_forgotten_or_too_late_is_answered_all_the_same) {
    Server server;
    Client client(server.address());
    client.send(get("/dropped") + get("/late") + get("/x"));
    BOOST_TEST(client.response().status == 500);
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    server.on_loop([&] { server.handler.forget_late(); });
    BOOST_TEST(client.response().status == 500);
    BOOST_TEST(client.response().status == 200);

    client.send(get("/late"));
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    server.advance(seconds{31});
    const Response response = client.response();
    BOOST_TEST(response.status == 503);
    BOOST_TEST(response.has("retry-after"));
    BOOST_TEST(client.closed());
    client.half_close();
    BOOST_TEST(timeouts(server, Wait::answer) == 1U);
    server.on_loop([&] { server.handler.answer_late("nobody hears this"); });

    Client gone(server.address());
    gone.send(get("/late"));
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    gone.reset();
    server.on_loop([&] { server.handler.answer_late("nor this"); });
    BOOST_TEST(server.reaches([&] { return open(server); }, 0));
}

BOOST_AUTO_TEST_CASE(promises_may_outlive_the_listener) {
    auto server = std::make_unique<Server>();
    Client client(server->address());
    client.send(get("/late"));
    BOOST_REQUIRE(server->reaches([&] { return server->handler.late(); }, 1));
    server->on_loop([&] { server->listener.reset(); });
    BOOST_CHECK_NO_THROW(server->handler.answer_late("too late"));
    server.reset();
}

BOOST_AUTO_TEST_CASE(a_client_that_only_half_closes_gets_its_answers) {
    Server server;
    Client client(server.address());
    client.send(get("/late") + get("/x"));
    client.half_close();
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    server.on_loop([&] { server.handler.answer_late("late"); });
    BOOST_TEST(client.response().body == "late");
    BOOST_TEST(client.response().body == "GET /x\n");
    BOOST_TEST(client.closed());
}

BOOST_AUTO_TEST_CASE(stopping_finishes_what_was_begun_and_says_so) {
    Server server;
    Client idle(server.address());
    idle.send(get("/x"));
    idle.response();
    Client silent(server.address());
    silent.send(get("/x"));
    silent.response();
    Client half(server.address());
    half.send("GET /half HTTP/1.1\r\n");
    Client fresh(server.address());  // has connected and not yet asked
    Client late(server.address());
    late.send(get("/late"));
    BOOST_REQUIRE(server.reaches([&] { return server.handler.late(); }, 1));
    BOOST_REQUIRE(server.reaches([&] { return open(server); }, 5));
    Client sent(server.address());
    server.on_loop([&] {
        sent.send(get("/sent"));  // in the socket, not read
        server.listener->stop_accepting();
    });
    Response response = sent.response();
    BOOST_TEST(response.body == "GET /sent\n");
    BOOST_TEST(response.field("connection") == "close");
    // A request that was on its way is answered, and only then may the client know that it was the last.
    idle.send(get("/y"));
    response = idle.response();
    BOOST_TEST(response.body == "GET /y\n");
    BOOST_TEST(response.field("connection") == "close");
    BOOST_TEST(idle.closed());
    half.send("Host: a\r\n\r\n");
    response = half.response();
    BOOST_TEST(response.body == "GET /half\n");
    BOOST_TEST(response.field("connection") == "close");
    BOOST_TEST(half.closed());
    fresh.send(get("/fresh"));
    BOOST_TEST(fresh.response().field("connection") == "close");
    server.on_loop([&] { server.handler.answer_late("in time"); });
    response = late.response();
    BOOST_TEST(response.body == "in time");
    BOOST_TEST(response.field("connection") == "close");
    BOOST_CHECK_THROW(Client{server.address()}, std::runtime_error);
    // One that asks for nothing more is waited for, not for ever.
    const auto whole = std::chrono::ceil<seconds>(eightbells::limits::http_last_request);
    server.advance(whole / 2);
    BOOST_TEST(timeouts(server, Wait::last) == 0U);
    server.advance(whole);
    BOOST_TEST(silent.closed());
    BOOST_TEST(timeouts(server, Wait::last) == 1U);
}

}  // namespace eightbells::http::test
