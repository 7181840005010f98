#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <future>

#include "cache/limits.h"
#include "cache/redis_store.h"
#include "tests/cache/fake_redis.h"
#include "tests/cache/redis_server.h"
#include "tests/cache/said.h"
#include "tests/cache/server_certificates.h"

using namespace eightbells;
using namespace eightbells::cache;
using namespace std::chrono_literals;

namespace {

Batch batch_of(std::vector<std::pair<std::string, Bytes>> put, Bytes head = {}) {
    return {"i", std::move(put), {}, std::move(head)};
}

Result<std::optional<Bytes>> one(RedisStore& store, const std::string& name) {
    auto found = store.fetch({&name, 1});
    if (!found)
        return tl::unexpected(found.error());
    return std::move(found->front());
}

// The text of the only finding there is, which is of this kind.
std::string only(StoreFinding::Kind kind, RedisStore& store) {
    const auto found = store.check_settings();
    BOOST_REQUIRE_MESSAGE(found.has_value(), error_of(found));
    BOOST_REQUIRE(found->size() == 1U);
    BOOST_TEST((found->front().kind == kind), found->front().text);
    return found->front().text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(redis_store)

BOOST_AUTO_TEST_CASE(the_same_bytes_come_back_by_tcp_and_by_unix_socket) {
    const RedisServer redis;
    RedisStore by_tcp{redis.address()};
    RedisAddress socket = patient();
    socket.unix_socket = redis.socket();
    RedisStore by_socket{socket};
    const Bytes binary{0, '\r', '\n', 255, 0};
    BOOST_REQUIRE_EQUAL(error_of(by_tcp.publish(batch_of({{"a", binary}, {"b", {}}}, {9, 0, 9}))),
                        "(no error)");
    const std::vector<std::string> names{"b", "none", "a", head_name("i")};
    const auto found = by_socket.fetch(names);
    BOOST_REQUIRE_EQUAL(error_of(found), "(no error)");
    BOOST_TEST((found->at(0) == Bytes{}));
    BOOST_TEST(!found->at(1).has_value());
    BOOST_TEST((found->at(2) == binary));
    BOOST_TEST((found->at(3) == Bytes{9, 0, 9}));
    BOOST_TEST(redis.command("--raw STRLEN eightbells:a") == "5");
    BOOST_TEST(redis.command("--raw TTL eightbells:a") == "-1");  // never expires by itself
    BOOST_TEST(by_tcp.fetch(std::vector<std::string>{}).value().empty());
    BOOST_TEST(!by_tcp.fetch(std::vector<std::string>(limits::fetch_names + 1, "x")));
    Batch erase;
    erase.issuer = "i";
    erase.erase = {"a", "never there"};
    BOOST_REQUIRE(by_tcp.publish(erase));
    BOOST_TEST(!one(by_socket, "a").value().has_value());
    BOOST_TEST(contains(by_tcp.name(), std::to_string(redis.port())));
    BOOST_TEST(contains(by_socket.name(), redis.socket().string()));
}

BOOST_AUTO_TEST_CASE(a_large_publication_goes_through_in_pieces) {
    const RedisServer redis;
    RedisStore store{redis.address()};
    Batch batch = batch_of({}, {9});
    for (int i = 0; i < 3000; ++i)
        batch.put.emplace_back("page" + std::to_string(i), Bytes(8000, static_cast<std::uint8_t>(i)));
    batch.put.emplace_back("piece", Bytes(limits::crl_piece_octets, 7));
    BOOST_REQUIRE_EQUAL(error_of(store.publish(batch)), "(no error)");
    BOOST_TEST(redis.command("--raw DBSIZE") == "3003");  // with the head and the stream
    BOOST_TEST((one(store, "page2999").value() == Bytes(8000, static_cast<std::uint8_t>(2999))));
    BOOST_TEST((one(store, "piece").value() == Bytes(limits::crl_piece_octets, 7)));
    batch.put.clear();
    for (int i = 0; i < 3000; ++i)
        batch.erase.push_back("page" + std::to_string(i));
    BOOST_REQUIRE_EQUAL(error_of(store.publish(batch)), "(no error)");
    BOOST_TEST(redis.command("--raw DBSIZE") == "3");
}

BOOST_AUTO_TEST_CASE(a_notice_comes_with_each_head_and_the_stream_stays_short) {
    const RedisServer redis;
    RedisStore writer{redis.address()};
    RedisStore reader{redis.address()};
    BOOST_TEST(reader.wait_notice(10s).value());  // new here: look
    BOOST_TEST(!reader.wait_notice(20ms).value());
    BOOST_REQUIRE(writer.publish(batch_of({{"a", {1}}})));  // no head, no notice
    BOOST_TEST(!reader.wait_notice(20ms).value());
    BOOST_REQUIRE(writer.publish(batch_of({}, {9})));
    BOOST_TEST(reader.wait_notice(10s).value());
    BOOST_TEST(!reader.wait_notice(0ms).value());
    auto waiting = std::async(std::launch::async, [&] { return reader.wait_notice(30s).value(); });
    BOOST_REQUIRE(writer.publish(batch_of({}, {9})));
    BOOST_TEST(waiting.get());
    for (int i = 0; i < 3000; ++i)
        BOOST_REQUIRE(writer.publish(batch_of({}, {9})));
    BOOST_TEST(std::stoul(redis.command("--raw XLEN eightbells:notices")) < 2 * limits::redis_notices);
    // After a flush the stream begins anew; the next notice comes all the same.
    redis.command("FLUSHALL");
    while (reader.wait_notice(0ms).value()) {
    }
    BOOST_REQUIRE(writer.publish(batch_of({}, {9})));
    BOOST_TEST(reader.wait_notice(10s).value());
}

// Covers: C-05
BOOST_AUTO_TEST_CASE(another_services_keys_are_missing_blobs_and_a_clear_error_on_the_way_in) {
    const RedisServer redis;
    RedisStore store{redis.address()};
    redis.command("HSET eightbells:a field value");
    redis.command("SET eightbells:notices text");
    redis.command("SET a text");
    BOOST_TEST(!one(store, "a").value().has_value());
    const std::string said = error_of(store.publish(batch_of({{"b", {1}}}, {9})));
    BOOST_TEST(contains(said, "WRONGTYPE"), said);
    BOOST_TEST(contains(said, "eightbells:notices"), said);
    BOOST_TEST(
        (RedisStore{redis.address()}.fetch(std::vector<std::string>{head_name("i")})->front() == Bytes{9}));
    BOOST_TEST(redis.command("--raw GET a") == "text");
    RedisStore reader{redis.address()};
    BOOST_TEST(contains(error_of(reader.wait_notice(1s)), "WRONGTYPE"));
}

// Covers: G-23
BOOST_AUTO_TEST_CASE(a_stopped_redis_is_an_error_at_once_and_heals_when_it_is_back) {
    RedisServer redis;
    ManualClock clock{from_unix(0)};
    RedisStore store{redis.address(), &clock};
    BOOST_REQUIRE(store.publish(batch_of({{"a", {1}}}, {9})));
    BOOST_TEST(store.wait_notice(1s).value());
    redis.stop();
    BOOST_TEST(!one(store, "a"));
    for (int i = 0; i < 100; ++i)  // nothing is tried, and nothing waited for
        BOOST_TEST(contains(error_of(one(store, "a")), "next attempt shortly"));
    BOOST_TEST(!store.publish(batch_of({{"a", {1}}}, {9})));
    BOOST_TEST(!store.wait_notice(10s));
    redis.start();
    BOOST_TEST(contains(error_of(one(store, "a")), "next attempt shortly"));  // the pause is not over
    clock.advance(seconds{1});
    BOOST_TEST(!one(store, "a").value().has_value());  // it came back empty
    BOOST_TEST(store.wait_notice(10s).value());        // and whoever waits is told to look
    BOOST_TEST(store.publish(batch_of({{"a", {1}}}, {9})).has_value());
}

BOOST_AUTO_TEST_CASE(a_frozen_redis_costs_the_time_limit_once_and_its_late_reply_is_nobodys_answer) {
    const RedisServer redis;
    ManualClock clock{from_unix(0)};
    RedisAddress address = redis.address();
    address.command_timeout = 200ms;
    RedisStore store{address, &clock};
    BOOST_REQUIRE(soon([&] {  // the limit is short
        clock.advance(seconds{1});
        return store.publish(batch_of({{"a", {1}}, {"b", {2}}}, {9})).has_value();
    }));
    redis.freeze();
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST(!one(store, "a"));
    const auto took = std::chrono::steady_clock::now() - begin;
    BOOST_TEST((took >= 150ms));
    BOOST_TEST((took < 30s));
    BOOST_TEST(contains(error_of(one(store, "a")), "next attempt shortly"));
    BOOST_TEST(contains(error_of(store.publish(batch_of({{"a", {1}}}, {9}))), "next attempt shortly"));
    // A connection to a frozen server comes about in the kernel; the first command tells.
    clock.advance(seconds{1});
    BOOST_TEST(!one(store, "a"));
    redis.thaw();
    Result<std::optional<Bytes>> found = fail("");
    BOOST_REQUIRE(soon([&] {
        clock.advance(seconds{1});
        found = one(store, "b");
        return found.has_value();
    }));
    BOOST_TEST((*found == Bytes{2}));
}

BOOST_AUTO_TEST_CASE(a_frozen_redis_ends_a_wait_for_notices) {
    const RedisServer redis;
    RedisAddress address = redis.address();
    address.command_timeout = 200ms;
    RedisStore store{address};
    BOOST_REQUIRE(soon([&] { return store.wait_notice(1s).value_or(false); }));
    redis.freeze();
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST(!store.wait_notice(100ms));
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 30s));
    redis.thaw();
}

BOOST_AUTO_TEST_CASE(nobody_listening_is_an_error_that_names_the_place) {
    RedisAddress address;
    address.port = free_port();
    RedisStore store{address};
    const std::string said = error_of(one(store, "a"));
    BOOST_TEST(contains(said, "redis 127.0.0.1:" + std::to_string(address.port)), said);
    BOOST_TEST(contains(said, "refused"), said);
    address.unix_socket = "/no/such/socket";
    RedisStore by_socket{address};
    BOOST_TEST(contains(error_of(one(by_socket, "a")), "/no/such/socket: cannot connect"));
}

BOOST_AUTO_TEST_CASE(passwords_and_acl_users_are_given_and_never_shown) {
    const RedisServer redis{{"--requirepass", "secret", "--user", "front", "on", ">open sesame",
                             "~eightbells:*", "+@read", "+@write", "+@stream", "+info", "--user", "reader",
                             "on", ">only looks", "~eightbells:*", "+@read"}};
    RedisAddress address = redis.address();
    const auto attempt = [&] {
        RedisStore store{address};
        return error_of(store.publish(batch_of({{"a", {1}}}, {9})));
    };
    BOOST_TEST(contains(attempt(), "NOAUTH"));
    address.password = "wrong";
    BOOST_TEST(contains(attempt(), "WRONGPASS"));
    BOOST_TEST(!contains(attempt(), "wrong\""));
    address.password = "secret";
    BOOST_TEST(attempt() == "(no error)");
    address.user = "front";
    BOOST_TEST(contains(attempt(), "WRONGPASS"));
    address.password = "open sesame";
    BOOST_TEST(attempt() == "(no error)");
    address.user = "reader";
    address.password = "only looks";
    BOOST_TEST(contains(attempt(), "NOPERM"));
    RedisStore front{address};
    BOOST_TEST((one(front, "a").value() == Bytes{1}));
    BOOST_TEST(front.wait_notice(1s).value());
    BOOST_TEST(contains(only(StoreFinding::Kind::not_told, front), "allow +info"));
    BOOST_TEST((one(front, "a").value() == Bytes{1}));  // and goes on
}

BOOST_AUTO_TEST_CASE(a_full_redis_refuses_and_the_head_stays_as_it_was) {
    const RedisServer redis;
    RedisStore store{redis.address()};
    BOOST_REQUIRE(store.publish(batch_of({{"a", {1}}}, {1})));
    redis.command("CONFIG SET maxmemory 3mb");
    Batch batch = batch_of({}, {2});
    for (int i = 0; i < 600; ++i)
        batch.put.emplace_back("page" + std::to_string(i), Bytes(8000, 1));
    const std::string said = error_of(store.publish(batch));
    BOOST_TEST(contains(said, "OOM"), said);
    BOOST_TEST(contains(said, "give it more"), said);
    RedisStore again{redis.address()};
    BOOST_TEST((one(again, head_name("i")).value() == Bytes{1}));
    // At the head itself: queued in MULTI, refused as a whole.
    redis.command("CONFIG SET maxmemory 1mb");
    RedisStore third{redis.address()};
    BOOST_TEST(contains(error_of(third.publish(batch_of({}, {2}))), "OOM"));
    BOOST_TEST((one(again, head_name("i")).value() == Bytes{1}));
}

BOOST_AUTO_TEST_CASE(a_replica_says_that_it_is_one) {
    const RedisServer redis;
    redis.command("REPLICAOF 127.0.0.1 " + std::to_string(free_port()));
    RedisStore store{redis.address()};
    const std::string said = error_of(store.publish(batch_of({{"a", {1}}}, {9})));
    BOOST_TEST(contains(said, "READONLY"), said);
    BOOST_TEST(contains(said, "primary"), said);
}

// Covers: C-05
BOOST_AUTO_TEST_CASE(a_policy_that_would_evict_pages_is_found_until_it_is_put_right) {
    const RedisServer redis;
    RedisStore store{redis.address()};
    BOOST_TEST(store.check_settings().value().empty());
    redis.command("CONFIG SET maxmemory-policy allkeys-lru");
    const std::string finding = only(StoreFinding::Kind::evicts, store);
    BOOST_TEST(contains(finding, "maxmemory-policy is allkeys-lru"), finding);
    BOOST_TEST(contains(finding, "noeviction"), finding);
    redis.command("CONFIG SET maxmemory-policy noeviction");
    BOOST_TEST(store.check_settings().value().empty());
}

BOOST_AUTO_TEST_CASE(a_redis_that_is_nearly_full_is_found_until_it_gets_more) {
    const RedisServer redis;
    RedisStore store{redis.address()};
    redis.command("SETRANGE large 32000000 x");  // beside which connections that come and go are nothing
    const std::string info = redis.command("--raw INFO memory");
    const std::uint64_t used = std::stoull(info.substr(info.find("\nused_memory:") + 13));
    BOOST_TEST(used > 32'000'000U);
    BOOST_TEST(store.check_settings().value().empty());  // it has no bound
    const std::string bound = std::to_string(used + used / 20);
    redis.command("CONFIG SET maxmemory " + bound);
    const std::string finding = only(StoreFinding::Kind::nearly_full, store);
    BOOST_TEST(contains(finding, "maxmemory of " + bound + " octets"), finding);
    BOOST_TEST(only(StoreFinding::Kind::nearly_full, store) == finding);
    redis.command("CONFIG SET maxmemory " + std::to_string(2 * used));
    BOOST_TEST(store.check_settings().value().empty());
}

BOOST_AUTO_TEST_CASE(what_is_not_said_as_a_redis_says_it_is_not_told) {
    using enum StoreFinding::Kind;
    const auto found = [](const std::string& used, const std::string& bound, const std::string& policy) {
        const std::string info = "# Memory\r\nused_memory:" + used +
                                 "\r\nused_memory_human:1\r\nmaxmemory:" + bound +
                                 "\r\nmaxmemory_policy:" + policy + "\r\n";
        const FakeRedis fake{"$" + std::to_string(info.size()) + "\r\n" + info + "\r\n"};
        RedisStore store{fake.address()};
        const auto findings = store.check_settings().value();
        std::vector<StoreFinding::Kind> kinds;
        for (const StoreFinding& finding : findings)
            kinds.push_back(finding.kind);
        return kinds;
    };
    using Kinds = std::vector<StoreFinding::Kind>;
    const std::string largest = "18446744073709551615";
    BOOST_TEST((found("900", "1000", "noeviction") == Kinds{}));
    BOOST_TEST((found("901", "1000", "noeviction") == Kinds{nearly_full}));
    BOOST_TEST((found("1", "1", "noeviction") == Kinds{nearly_full}));
    BOOST_TEST((found(largest, "0", "noeviction") == Kinds{}));
    BOOST_TEST((found(largest, largest, "volatile-ttl") == Kinds{evicts, nearly_full}));
    for (const std::string wrong : {"", "-1", "+1", " 1", "1 ", "0x1", "1e3", "18446744073709551616"}) {
        BOOST_TEST((found(wrong, "1000", "noeviction") == Kinds{not_told}), wrong);
        BOOST_TEST((found("1", wrong, "volatile-ttl") == Kinds{evicts, not_told}), wrong);
    }
    for (const std::string& wrong : {std::string{}, std::string{"no eviction"}, std::string{"\x1b[2J"},
                                     std::string(limits::redis_policy_octets + 1, 'a')})
        BOOST_TEST((found("901", "1000", wrong) == Kinds{nearly_full, not_told}), wrong);
    const FakeRedis fake{"$0\r\n\r\n"};
    RedisStore silent{fake.address()};
    BOOST_TEST(contains(only(not_told, silent), "look what answers there"));
    const FakeRedis other{":7\r\n"};
    RedisStore no_text{other.address()};
    BOOST_TEST(contains(error_of(no_text.check_settings()), "not a text"));
}

BOOST_AUTO_TEST_CASE(every_kind_of_wrong_answer_is_a_bounded_error) {
    std::string deep;
    for (int i = 0; i < 1'000'000; ++i)
        deep += "*1\r\n";
    std::string many = "*1\r\n*65535\r\n";
    for (int i = 0; i < 65535; ++i)
        many += "*65535\r\n";
    const std::string octets(40 * 1024 * 1024, 'x');
    struct Case {
        std::string answer;
        std::string reason;
        bool close_after = false;
        bool is_waited_for = false;  // until the time limit: more could come
    };
    const std::vector<Case> cases{
        {"-LOADING Redis is loading the dataset in memory\r\n", "reading its own file"},
        {"-MOVED 866 127.0.0.1:7002\r\n", "write it in store.redis.cluster"},
        {"-ERR unknown command\r\n", "unknown command"},
        {"+OK\r\n", "not a list"},
        {"$1\r\na\r\n", "not a list"},
        {"*0\r\n", "not a list"},
        {"*2\r\n$1\r\na\r\n$1\r\nb\r\n", "not a list"},
        {"*1\r\n:7\r\n", "is not a string"},
        {"*1\r\n*1\r\n$1\r\na\r\n", "is not a string"},
        {"*1\r\n-ERR no\r\n", "is not a string"},
        {"HTTP/1.1 400 Bad Request\r\n", "MGET"},
        {"*1\r\n$-7\r\n", "MGET"},
        {"*1\r\n$5\r\nab", "MGET", false, true},
        {"*1\r\n$5\r\nab", "closed", true},
        {"", "closed", true},
        {deep, "MGET"},
        {many, "MGET"},
        {"*2147483647\r\n", "MGET"},
        {"*1\r\n$" + std::to_string(octets.size()) + "\r\n" + octets + "\r\n", "larger than"},
    };
    for (const Case& wrong : cases) {
        const FakeRedis fake{wrong.answer, wrong.close_after};
        const ManualClock clock{from_unix(0)};
        RedisAddress address = fake.address();
        if (wrong.is_waited_for)
            address.command_timeout = 300ms;
        RedisStore store{address, &clock};
        const auto begin = std::chrono::steady_clock::now();
        const std::string said = error_of(one(store, "a"));
        BOOST_TEST(contains(said, wrong.reason), wrong.answer.substr(0, 40) << " -> " << said);
        BOOST_TEST((std::chrono::steady_clock::now() - begin < 30s));
        BOOST_TEST(!store.publish(batch_of({}, {9})));
        // One of them is a good answer here: the stream has no notice yet, and the connection is new.
        const Result<bool> noticed = store.wait_notice(50ms);
        const bool good = wrong.answer == "*0\r\n";
        BOOST_TEST(noticed.has_value() == good, wrong.answer.substr(0, 40) << " -> " << error_of(noticed));
    }
}

BOOST_AUTO_TEST_CASE(a_notice_without_a_stream_id_is_an_error) {
    const auto answer = [](const std::string& id) {
        const FakeRedis fake{"*1\r\n*2\r\n$" + std::to_string(id.size()) + "\r\n" + id + "\r\n*0\r\n"};
        RedisStore store{fake.address()};
        return error_of(store.wait_notice(50ms));
    };
    BOOST_TEST(answer("1795329600000-0") == "(no error)");
    for (const std::string id :
         {"", "-", "1", "1-", "-1", "1-1-1", "1-x", "+1-1", "$", "0 STREAMS", "111111111111111111111-1"})
        BOOST_TEST(contains(answer(id), "not a list of notices"), id);
}

BOOST_AUTO_TEST_CASE(tls_checks_the_chain_and_the_name) {
    const ServerCertificates certificates;
    for (const std::string name : {"address", "elsewhere"}) {
        const std::uint16_t port = free_port();
        std::vector<std::string> options = certificates.options(name);
        options.emplace_back("--tls-port");
        options.push_back(std::to_string(port));
        const RedisServer redis{options};
        RedisAddress address = patient();
        address.port = port;
        address.tls = true;
        const auto attempt = [&](const std::string& ca) {
            address.tls_ca_file = ca.empty() ? std::filesystem::path{} : certificates / ca;
            RedisStore store{address};
            auto published = store.publish(batch_of({{"a", Bytes(100'000, 1)}}, {9}));
            if (published && one(store, "a").value()->size() != 100'000)
                return std::string{"other bytes"};
            return error_of(published);
        };
        if (name == "address") {
            BOOST_TEST(attempt("ours.pem") == "(no error)");
            BOOST_TEST(contains(attempt("other.pem"), "the handshake failed"));
            BOOST_TEST(contains(attempt(""), "the handshake failed"));
            BOOST_TEST(contains(attempt("none.pem"), "tls_ca_file"));
        } else {
            BOOST_TEST(contains(attempt("ours.pem"), "IP address mismatch"));
        }
        // A server that speaks no TLS, and waits for more of what it takes for a command.
        address.port = redis.port();
        address.command_timeout = 300ms;
        BOOST_TEST(contains(attempt("ours.pem"), "the handshake failed"));
    }
}

BOOST_AUTO_TEST_SUITE_END()
