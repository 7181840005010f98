// Requests that are understood and looked up before they are answered.
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <functional>

#include "tests/front/small.h"

namespace eightbells::front::test {
namespace {

using metrics::Outcome;

// Asks on several connections at once, of the listeners in turn; `between` is done when all have been
// received from and none is answered.
std::vector<std::string> ask_at_once(World& world, const std::vector<std::string>& requests,
                                     std::function<void()> between,
                                     std::vector<http::Listener*> listeners = {}) {
    if (listeners.empty())
        listeners = {world.listener.get()};
    std::vector<int> clients;
    for (const std::string& request : requests) {
        int ends[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        listeners[clients.size() % listeners.size()]->serve(ends[1]);
        clients.push_back(ends[0]);
        BOOST_REQUIRE(::send(ends[0], request.data(), request.size(), 0) > 0);
    }
    const int fd = ::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    event* const due = event_new(
        world.base, fd, EV_READ,
        [](evutil_socket_t, short, void* what) { (*static_cast<std::function<void()>*>(what))(); }, &between);
    event_add(due, nullptr);
    world.wait_turn();
    event_free(due);
    ::close(fd);
    std::vector<std::string> answers;
    char answer[65536];
    for (const int client : clients) {
        const ssize_t n = ::recv(client, answer, sizeof answer, MSG_DONTWAIT);
        answers.emplace_back(answer, n < 0 ? 0 : static_cast<std::size_t>(n));
        ::close(client);
    }
    return answers;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ahead)

// A revocation that is published while requests wait to be answered is in their answers.
BOOST_FIXTURE_TEST_CASE(the_state_that_counts_is_the_one_at_the_answer, Small) {
    std::vector<AskedId> ids;
    std::vector<std::string> requests;
    for (int i = 0; i < 10; ++i) {
        ids.push_back(id_of(authority(), good, i % 2 == 0 ? HashAlgorithm::sha256 : HashAlgorithm::sha1));
        requests.push_back("GET " + path_of(request_der({ids.back()})) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    const auto before = ask_at_once(*this, requests, [] {});
    const auto after = ask_at_once(*this, requests, [&] {
        set().revoke(good);
        publish();
    });
    for (std::size_t i = 0; i < ids.size(); ++i) {
        BOOST_TEST(verdict(http::test::parse_responses(before[i]).at(0), authority(), {ids[i]}) == "good");
        BOOST_TEST(verdict(http::test::parse_responses(after[i]).at(0), authority(), {ids[i]}) == "revoked");
    }
}

// A worker has a listener for each address that is configured, and all of them ask the same handler.
BOOST_FIXTURE_TEST_CASE(requests_to_several_addresses_at_once_are_not_taken_for_one_another, Small) {
    const auto second = need(http::Listener::open(base, HostPort{"127.0.0.1", 0}, {}, *answering, clock));
    const std::array<AskedId, 3> ids{id_of(authority(), good), id_of(authority(), revoked),
                                     id_of(authority(), good, HashAlgorithm::sha1)};
    std::vector<std::string> requests;
    for (std::size_t i = 0; i < 12; ++i)
        requests.push_back("GET " + path_of(request_der({ids[i % ids.size()]})) +
                           " HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto answers = ask_at_once(*this, requests, [] {}, {listener.get(), second.get()});
    for (std::size_t i = 0; i < answers.size(); ++i)
        BOOST_TEST(verdict(http::test::parse_responses(answers[i]).at(0), authority(),
                           {ids[i % ids.size()]}) == (i % ids.size() == 1 ? "revoked" : "good"));
}

BOOST_FIXTURE_TEST_CASE(requests_of_every_kind_get_together_what_they_get_alone, Small) {
    const AskedId id = id_of(authority(), good);
    const auto get_of = [&](const Bytes& der) {
        return "GET " + path_of(der) + " HTTP/1.1\r\nHost: x\r\n\r\n";
    };
    const auto post_of = [&](const Bytes& der, std::string_view path, std::string_view type) {
        return "POST " + std::string{path} + " HTTP/1.1\r\nHost: x\r\nContent-Type: " + std::string{type} +
               "\r\nContent-Length: " + std::to_string(der.size()) + "\r\n\r\n" + std::string{as_text(der)};
    };
    constexpr std::string_view ocsp = "application/ocsp-request";
    const Bytes der = request_der({id});
    const std::vector<std::string> requests{
        get_of(der),
        get_of(request_der({id}, Bytes(128, 7))),
        get_of(request_der({id_of(authority(), revoked)})),
        get_of(request_der({id_of(authority(), unissued)})),
        get_of(request_der({id_of(authority(), Bytes{0x00})})),      // no serial at all
        get_of(request_der({id_of(Authority::number(1), good)})),    // not ours
        get_of(request_der({id_with(authority(), good, md5_oid)})),  // not signed for
        get_of(request_der({id, id_of(authority(), revoked)})),      // several
        get_of(Bytes{1, 2, 3}),                                      // none
        "GET /ocsp/%%% HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /none.crl HTTP/1.1\r\nHost: x\r\n\r\n",
        post_of(der, "/ocsp", ocsp),
        post_of(der, "/elsewhere", ocsp),
        post_of(der, "/ocsp", "text/plain"),
        post_of({}, "/ocsp", ocsp),
    };
    BOOST_REQUIRE(requests.size() <= limits::http_ahead);  // one batch
    std::vector<std::string> alone;
    for (const std::string& request : requests)
        alone.push_back(ask_at_once(*this, {request}, [] {}).at(0));
    const std::uint64_t counted = counted_in_all();
    BOOST_TEST(ask_at_once(*this, requests, [] {}) == alone, boost::test_tools::per_element());
    BOOST_TEST(counted_in_all() == counted + requests.size());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::front::test
