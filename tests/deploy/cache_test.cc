// A shared cache before a front: what it keeps, and what it must not.
#include <boost/test/unit_test.hpp>

#include "tests/deploy/proxies.h"
#include "tests/front/corpus.h"

namespace eightbells::deploy {
namespace {

using front::test::base64;
using front::test::id_of;
using front::test::request_der;
using front::test::verdict;

struct Cached : Chain {
    explicit Cached(const Options& options) : Chain(options) {}
    Response ask(const std::string& target) {
        Wire wire(proxies().at(0)->http, false);
        return wire.ask("GET " + target + " HTTP/1.1\r\nHost: status.example\r\nConnection: close\r\n\r\n");
    }
    Response past_it(const std::string& target) {
        return direct("GET " + target + " HTTP/1.1\r\nHost: status.example\r\n\r\n");
    }
    std::vector<front::test::AskedId> ids{id_of(authority, good)};
    std::string path = "/ocsp/" + base64(request_der(ids));
};

}  // namespace

// Covers: E-09
BOOST_AUTO_TEST_CASE(no_error_is_served_from_a_cache_after_recovery) {
    Cached chain(Chain::Options{seconds{600}, false, true});
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST(verdict(chain.ask(chain.path)) == "tryLater");
        BOOST_TEST(chain.ask(chain.path).field("x-cache") == "MISS");
        BOOST_TEST(chain.ask("/ca.crl").status == 503);
        BOOST_TEST(chain.ask("/other.crl").status == 404);
        BOOST_TEST(verdict(chain.ask("/ocsp/MFEw")) == "malformed");
    }
    chain.publish();
    BOOST_REQUIRE(conformance::comes([&] {
        return verdict(chain.past_it(chain.path)) == "successful" && chain.past_it("/ca.crl").status == 200;
    }));
    const Response first = chain.ask(chain.path);
    BOOST_TEST(verdict(first, chain.authority, chain.ids) == "good");
    BOOST_TEST(first.field("x-cache") == "MISS");
    BOOST_TEST(chain.ask("/ca.crl").body == as_text(chain.crl));
    // And what may be kept is: else the rest of this would prove nothing.
    BOOST_TEST(chain.ask(chain.path).field("x-cache") == "HIT");
    BOOST_TEST(chain.ask("/ca.crl").field("x-cache") == "HIT");
    BOOST_TEST(chain.ask("/other.crl").field("x-cache") == "MISS");
}

// Covers: D-16, E-09, E-10
BOOST_AUTO_TEST_CASE(a_cached_good_is_gone_when_cache_for_is_over) {
    constexpr seconds cache_for{3};
    Cached chain(Chain::Options{cache_for, true, true});
    BOOST_TEST(verdict(chain.ask(chain.path), chain.authority, chain.ids) == "good");
    BOOST_TEST(conformance::comes([&] { return chain.ask(chain.path).field("x-cache") == "HIT"; }));
    chain.revoke_good();
    BOOST_REQUIRE(conformance::comes([&] {
        const std::string said = verdict(chain.past_it(chain.path), chain.authority, chain.ids);
        chain.ask(chain.path);  // keeps the cache warm to the end
        return said == "revoked";
    }));
    // Whatever it holds it had by now; a second is for its clock, and one for the look. However long a look
    // takes, only one that begins too late may not say good.
    const auto gone_by = std::chrono::steady_clock::now() + cache_for + seconds{2};
    BOOST_TEST(conformance::comes([&] {
        const bool late = std::chrono::steady_clock::now() > gone_by;
        const std::string said = verdict(chain.ask(chain.path), chain.authority, chain.ids);
        BOOST_TEST((said == "revoked" || !late), said);
        return said == "revoked" || late;
    }));
}

}  // namespace eightbells::deploy
