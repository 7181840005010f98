#include <boost/test/unit_test.hpp>

#include "responder/base/durable_file.h"
#include "tests/front/world.h"

namespace eightbells::front::test {
namespace {

using metrics::Hash;
using metrics::Method;
using metrics::Outcome;

// "20261122064000Z"
std::string generalized(UtcTime time) {
    const std::string iso = to_iso8601(time);
    return iso.substr(0, 4) + iso.substr(5, 2) + iso.substr(8, 2) + iso.substr(11, 2) + iso.substr(14, 2) +
           iso.substr(17, 2) + "Z";
}

struct WithCrl : World {
    WithCrl() {
        set().issue();
        publish();
    }
    Bytes put_crl(UtcTime next_update, const std::string& path = "/ca.crl") {
        const Bytes der = authority().crl(generalized(clock.now()), generalized(next_update));
        set().set_crl(path, der);
        need(store->publish(set().publish()).map([] { return 0; }));
        sync();
        return der;
    }
    std::int64_t max_age_of(const Response& response) {
        const std::string field = response.field("cache-control");
        return std::stoll(field.substr(field.find("max-age=") + 8));
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(crls)

// Covers: F-20, F-22, F-24
BOOST_FIXTURE_TEST_CASE(a_crl_is_served_whole_with_headers_from_its_own_bytes, WithCrl) {
    const Bytes der = put_crl(clock.now() + std::chrono::hours(24));
    const Response response = get("/ca.crl");
    BOOST_TEST(response.status == 200);
    BOOST_TEST(response.field("content-type") == "application/pkix-crl");
    BOOST_TEST(response.body == as_text(der));
    BOOST_TEST(response.field("last-modified") == response.field("date"));
    BOOST_TEST(response.field("etag") == "\"" + to_hex(ByteView(crypto::sha256(der)).first(16)) + "\"");
    BOOST_TEST(max_age_of(response) <= 600);
    BOOST_TEST(max_age_of(response) > 540 - 1);
    BOOST_TEST(get("/ca.crl?x=1").body == response.body);
    const Response head = this->head("/ca.crl");
    BOOST_TEST(head.field("content-length") == std::to_string(der.size()));
    BOOST_TEST(head.body.empty());
    // A newer one takes its place, headers and all.
    advance(seconds(60));
    const Bytes newer = put_crl(clock.now() + std::chrono::hours(24));
    BOOST_TEST(get("/ca.crl").body == as_text(newer));
    BOOST_TEST(get("/ca.crl").field("etag") != response.field("etag"));
    BOOST_TEST(counted(Outcome::crl, Method::get, Hash::none) == 4U);
}

// Covers: F-24
BOOST_FIXTURE_TEST_CASE(a_crl_near_its_end_is_cached_no_longer_than_that_and_then_not_served, WithCrl) {
    put_crl(clock.now() + seconds(100));
    BOOST_TEST(max_age_of(get("/ca.crl")) <= 100);
    advance(seconds(97));
    BOOST_TEST(max_age_of(get("/ca.crl")) == 3);
    advance(seconds(1));
    const Response past = get("/ca.crl");
    BOOST_TEST(past.status == 503);
    BOOST_TEST(is_uncacheable(past));
    BOOST_TEST(past.has("retry-after"));
    BOOST_TEST(counted(Outcome::crl_unavailable, Method::get, Hash::none) == 1U);
}

// Covers: F-18, F-19
BOOST_FIXTURE_TEST_CASE(the_last_crl_is_cached_for_a_day_at_most, WithCrl) {
    config::Issuer issuer;
    issuer.cache_for = std::chrono::hours(24 * 365);
    World::Options options;
    options.issuers = {issuer};
    World world(options);
    world.set().set_crl("/ca.crl", world.authority().crl(generalized(world.clock.now()), "99991231235959Z"));
    world.set().issue();
    world.publish();
    const Response response = world.get("/ca.crl");
    BOOST_TEST(response.status == 200);
    BOOST_TEST(max_age_of(response) <= 86400);
    BOOST_TEST(max_age_of(response) > 77760);
    BOOST_TEST(response.field("expires") == "Fri, 31 Dec 9999 23:59:59 GMT");
}

BOOST_AUTO_TEST_CASE(a_crl_path_without_a_crl_is_503_until_it_is_known_that_there_is_none) {
    World world;
    BOOST_TEST(world.get("/ca.crl").status == 503);
    world.set().issue();
    world.publish();
    const Response none = world.get("/ca.crl");
    BOOST_TEST(none.status == 404);
    BOOST_TEST(is_uncacheable(none));
    BOOST_TEST(world.get("/other.crl").status == 404);
}

// As for a front that starts for the first time while the store has lost a piece of the CRL.
BOOST_AUTO_TEST_CASE(a_crl_that_is_published_and_cannot_be_had_is_503) {
    World world;
    world.set().issue();
    for (const std::string path : {"/ca.crl", "/part.crl"})  // the second is not configured
        world.set().set_crl(path, world.authority().crl("20260101000000Z", "20990101000000Z"));
    need(world.store->publish(world.set().publish_all()).map([] { return 0; }));
    const auto whole = world.store->blobs;
    std::erase_if(world.store->blobs,
                  [](const auto& blob) { return cache::kind_of(blob.first) == cache::BlobKind::crl; });
    world.sync();
    for (const std::string path : {"/ca.crl", "/part.crl"}) {
        const Response missing = world.get(path);
        BOOST_TEST(missing.status == 503, path);
        BOOST_TEST(missing.has("retry-after"), path);
    }
    world.store->blobs = whole;
    world.sync();
    for (const std::string path : {"/ca.crl", "/part.crl"})
        BOOST_TEST(world.get(path).status == 200, path);
}

// Covers: E-16
BOOST_FIXTURE_TEST_CASE(a_crl_resumed_across_a_generation_is_the_new_one_and_never_a_mix, WithCrl) {
    const Bytes old = put_crl(clock.now() + std::chrono::hours(24));
    const std::string tag = get("/ca.crl").field("etag");
    const auto resume = [&](const std::string& of) {
        return ask("GET /ca.crl HTTP/1.1\r\nHost: x\r\nRange: bytes=100-\r\nIf-Range: " + of + "\r\n\r\n");
    };
    BOOST_TEST(resume(tag).status == 206);
    BOOST_TEST(resume(tag).body == as_text(old).substr(100));
    advance(seconds(60));
    const Bytes newer = put_crl(clock.now() + std::chrono::hours(24));
    const Response other = resume(tag);
    BOOST_TEST(other.status == 200);
    BOOST_TEST(other.body == as_text(newer));
    BOOST_TEST(other.field("etag") != tag);
    BOOST_TEST(resume(other.field("etag")).body == as_text(newer).substr(100));
}

BOOST_FIXTURE_TEST_CASE(several_crls_are_served_each_at_its_exact_path, WithCrl) {
    const Bytes full = put_crl(clock.now() + std::chrono::hours(24));
    advance(seconds(1));
    const Bytes shard = put_crl(clock.now() + std::chrono::hours(24), "/shards/1.crl");
    advance(seconds(1));
    const Bytes delta = put_crl(clock.now() + std::chrono::hours(24), "/delta.crl");
    BOOST_TEST(get("/ca.crl").body == as_text(full));
    BOOST_TEST(get("/shards/1.crl").body == as_text(shard));
    BOOST_TEST(get("/delta.crl").body == as_text(delta));
    for (const std::string path : {"/1.crl", "/shards/1.CRL", "/shards//1.crl", "/Delta.crl", "/delta.crl/"})
        BOOST_TEST(get(path).status != 200, path);
}

// Covers: F-29, E-15
BOOST_AUTO_TEST_CASE(the_issuers_certificate_is_served_as_one_der_file) {
    World world;
    const Response response = world.get("/ca.cer");  // before anything else is known
    BOOST_TEST(response.status == 200);
    BOOST_TEST(response.field("content-type") == "application/pkix-cert");
    const ByteView der = world.authority().identity->certificate().der();
    BOOST_TEST(response.body == as_text(der));
    BOOST_TEST(response.field("etag") == "\"" + to_hex(ByteView(crypto::sha256(der)).first(16)) + "\"");
    BOOST_TEST(response.has("last-modified"));
    BOOST_TEST(response.has("expires"));
    BOOST_TEST(response.field("cache-control").find("max-age=86400") != std::string::npos);
    const Response again =
        world.ask("GET /ca.cer HTTP/1.1\r\nHost: x\r\nIf-None-Match: " + response.field("etag") + "\r\n\r\n");
    BOOST_TEST(again.status == 304);
    BOOST_TEST(world.head("/ca.cer").field("content-length") == std::to_string(der.size()));
    BOOST_TEST(world.post(Bytes{1}, "application/ocsp-request", "/ca.cer").status == 405);
    BOOST_TEST(world.get("/CA.cer").status == 404);
    BOOST_TEST(world.counted(Outcome::certificate, Method::get, Hash::none,
                             metrics::RequestCounters::no_issuer) == 2U);
}

// Covers: E-15
BOOST_FIXTURE_TEST_CASE(a_crl_cannot_be_posted_to, WithCrl) {
    put_crl(clock.now() + std::chrono::hours(24));
    const Response response = post(Bytes{1}, "application/ocsp-request", "/ca.crl");
    BOOST_TEST(response.status == 405);
    BOOST_TEST(response.field("allow") == "GET, HEAD");
    BOOST_TEST(is_uncacheable(response));
}

// Covers: F-22
BOOST_FIXTURE_TEST_CASE(a_crl_that_does_not_verify_leaves_the_one_before, WithCrl) {
    const Bytes der = put_crl(clock.now() + std::chrono::hours(24));
    advance(seconds(5));
    set().set_crl("/ca.crl", authority().crl(generalized(clock.now()),
                                             generalized(clock.now() + std::chrono::hours(24))));
    need(store->publish(set().publish()).map([] { return 0; }));
    for (auto& [name, bytes] : store->blobs)
        if (cache::kind_of(name) == cache::BlobKind::crl)
            bytes[bytes.size() / 2] ^= 1;
    sync();
    BOOST_TEST(get("/ca.crl").body == as_text(der));
    BOOST_TEST(metrics->rejected_blobs(0, metrics::BlobKind::crl).value() > 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::front::test
