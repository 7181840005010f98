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
    BOOST_TEST(chain.ask(chain.path).field("x-cache") == "HIT");
    chain.revoke_good();
    std::chrono::steady_clock::time_point last_good;  // that the front itself gave
    BOOST_REQUIRE(conformance::comes([&] {
        const auto now = std::chrono::steady_clock::now();
        const std::string said = verdict(chain.past_it(chain.path), chain.authority, chain.ids);
        last_good = said == "good" ? now : last_good;
        chain.ask(chain.path);  // keeps the cache warm to the end
        return said == "revoked";
    }));
    BOOST_TEST(conformance::comes(
        [&] { return verdict(chain.ask(chain.path), chain.authority, chain.ids) == "revoked"; }));
    // A second for the cache's clock, one for the look.
    BOOST_TEST((std::chrono::steady_clock::now() - last_good <= cache_for + seconds{3}));
}

}  // namespace eightbells::deploy
