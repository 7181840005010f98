#include <boost/test/unit_test.hpp>
#include <ctime>
#include <random>

#include "responder/base/durable_file.h"
#include "responder/front/limits.h"
#include "responder/ocsp/response.h"
#include "tests/front/small.h"

namespace eightbells::front::test {
namespace {

using metrics::Method;
using metrics::Outcome;

std::int64_t max_age_of(const Response& response) {
    const std::string field = response.field("cache-control");
    return std::stoll(field.substr(field.find("max-age=") + 8));
}

std::string http_date(UtcTime time) {
    const std::time_t t = to_unix(time);
    std::tm parts{};
    ::gmtime_r(&t, &parts);
    std::array<char, 64> text{};
    std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text.data();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stored_answers)

//
BOOST_FIXTURE_TEST_CASE(a_flood_of_invented_serials_reaches_neither_store_nor_signer, Small) {
    const std::uint64_t fetches = store->fetches;
    std::mt19937_64 random(1);
    for (int i = 0; i < 2000; ++i) {
        Bytes serial(16);
        for (auto& octet : serial)
            octet = static_cast<std::uint8_t>(random());
        serial[0] = static_cast<std::uint8_t>((serial[0] & 0x3f) | 1);
        BOOST_TEST(verdict(post(request_der({id_of(authority(), serial)}))) == "unauthorized");
    }
    BOOST_TEST(store->fetches == fetches);
    BOOST_TEST(counted(Outcome::unauthorized_not_issued) == 2000U);
}

// Covers: B-24
BOOST_FIXTURE_TEST_CASE(two_fronts_serve_the_same_octets_and_headers, Small) {
    TemporaryFolder other_folder;
    auto other_store = std::make_unique<cache::MemoryStore>();
    other_store->blobs = store->blobs;
    std::shared_ptr<const FrontState> other_state;
    Claim other_claim(other_folder.path());
    Loader other({other_folder.path(), {to_hex(set().key())}, {}},
                 {.store = std::move(other_store),
                  .issuers = issuers,
                  .publish = [&](auto given) { other_state = given; },
                  .claim = other_claim,
                  .health = *health,
                  .metrics = *metrics,
                  .clock = clock});
    BOOST_REQUIRE(other.open());
    other.pass(std::chrono::milliseconds(0));
    for (const Bytes& serial : {good, revoked}) {
        const std::string path = path_of(request_der({id_of(authority(), serial)}));
        const Response first = get(path);
        answering->use(other_state);
        const Response second = get(path);
        answering->use(state);
        BOOST_TEST(first.body == second.body);
        BOOST_TEST(first.head == second.head);
    }
}

// Covers: C-05, E-09
BOOST_AUTO_TEST_CASE(what_is_not_loaded_is_try_later_and_never_unauthorized) {
    World world;
    const Bytes serial = world.set().issue();
    const AskedId id = id_of(world.authority(), serial);
    const Response nothing_yet = world.post(request_der({id}));
    BOOST_TEST(verdict(nothing_yet) == "tryLater");
    BOOST_TEST(is_uncacheable(nothing_yet));
    // A page that the store has lost, and one that is garbage.
    const auto lost = world.set().page_of(serial);
    BOOST_REQUIRE(world.store->publish(world.set().publish_all()));
    for (const bool garbage : {false, true}) {
        for (const HashAlgorithm hash : {HashAlgorithm::sha1, HashAlgorithm::sha256}) {
            const std::string name = cache::page_name(world.set().issuer(), {hash, cache::Life::live},
                                                      world.set().page_bits(), lost);
            BOOST_REQUIRE(world.store->blobs.count(name) == (garbage ? 0U : 1U));
            if (garbage)
                world.store->blobs[name] = Bytes(100, 0x55);
            else
                world.store->blobs.erase(name);
        }
        world.sync();
        BOOST_TEST(verdict(world.post(request_der({id}))) == "tryLater");
        BOOST_TEST(world.metrics->rejected_blobs(0, metrics::BlobKind::page).value() > 0U);
    }
    BOOST_TEST(world.counted(Outcome::try_later_not_loaded) == 3U);
}

// Covers: C-05
BOOST_FIXTURE_TEST_CASE(what_is_held_goes_on_being_answered_when_the_store_is_gone, Small) {
    store->offline = true;
    sync();
    BOOST_TEST(ask_for(id_of(authority(), good)) == "good");
    BOOST_TEST(ask_for(id_of(authority(), unissued)) == "unauthorized");
    BOOST_TEST(metrics->store_reachable().value() == 0.0);
    store->offline = false;
    set().revoke(good);
    publish_patch();
    BOOST_TEST(ask_for(id_of(authority(), good)) == "revoked");
    BOOST_TEST(metrics->store_reachable().value() == 1.0);
}

// Covers: C-17, E-09, E-10
BOOST_FIXTURE_TEST_CASE(an_answer_past_its_next_update_is_never_served, Small) {
    const AskedId id = id_of(authority(), good);
    const std::string path = path_of(request_der({id}));
    advance(set().validity - seconds(3));
    const Response last = get(path);
    BOOST_TEST(verdict(last, authority(), {id}) == "good");
    BOOST_TEST(max_age_of(last) == 3);
    for (int i = 0; i < 3; ++i) {
        advance(seconds(1));
        const Response past = get(path);
        BOOST_TEST(verdict(past) == "tryLater");
        BOOST_TEST(is_uncacheable(past));
    }
    BOOST_TEST(counted(Outcome::try_later_expired, Method::get) == 3U);
    BOOST_TEST(verdict(post(request_der({id_of(authority(), unissued)}))) == "unauthorized");
}

// Covers: D-09
BOOST_FIXTURE_TEST_CASE(an_answer_from_the_future_waits, Small) {
    const AskedId id = id_of(authority(), good);
    clock.step(-limits::clock_difference);
    listener->tick();
    const Response within = get(path_of(request_der({id})));
    BOOST_TEST(verdict(within, authority(), {id}) == "good");
    BOOST_TEST(within.field("last-modified") == within.field("date"));  // E-07: never later than Date
    clock.step(seconds(-1));
    listener->tick();
    const Response beyond = get(path_of(request_der({id})));
    BOOST_TEST(verdict(beyond) == "tryLater");
    BOOST_TEST(is_uncacheable(beyond));
    BOOST_TEST(counted(Outcome::try_later_not_yet_valid, Method::get) == 1U);
}

// Covers: E-06, E-07, E-08, E-09
BOOST_FIXTURE_TEST_CASE(headers_derive_from_the_answer, Small) {
    advance(seconds(1000));
    for (const Bytes& serial : {good, revoked}) {
        const Response response = get(path_of(request_der({id_of(authority(), serial)})));
        const auto parsed = ocsp::parse_response(as_bytes(response.body));
        BOOST_REQUIRE(parsed);
        BOOST_TEST(response.field("last-modified") == http_date(parsed->singles.at(0).this_update));
        BOOST_TEST(response.field("expires") == http_date(parsed->singles.at(0).next_update));
        BOOST_TEST(response.field("date") == http_date(clock.now()));
        // The tag: the end of s, which the DER form of the signature ends with, too.
        cache::IssuerSnapshot::Found found;
        BOOST_REQUIRE((state->snapshots[0]->find(HashAlgorithm::sha256, serial, set().hash_of(serial),
                                                 found) == cache::IssuerSnapshot::Lookup::found));
        BOOST_TEST(response.field("etag") == "\"" + to_hex(found.signature.last(16)) + "\"");
        BOOST_TEST(response.field("etag") == "\"" + to_hex(parsed->signature.last(16)) + "\"");
        const std::string control = response.field("cache-control");
        BOOST_TEST(control == "max-age=" + std::to_string(max_age_of(response)) +
                                  ", public, no-transform, must-revalidate");
        BOOST_TEST(!response.has("pragma"));
        const std::string again = "GET " + path_of(request_der({id_of(authority(), serial)})) +
                                  " HTTP/1.1\r\nHost: x\r\nIf-None-Match: " + response.field("etag") +
                                  "\r\n\r\n";
        BOOST_TEST(ask(again, true).status == 304);
    }
}

// A cache that has an older answer, or another one, is never told that it still stands.
// Covers: E-08, E-11
BOOST_FIXTURE_TEST_CASE(the_tag_is_another_one_with_every_other_answer, Small) {
    std::vector<std::string> tags;
    const auto look = [&](const AskedId& id, std::string_view said) {
        const std::string path = path_of(request_der({id}));
        const auto with = [&](const std::string& tag) {
            return ask("GET " + path + " HTTP/1.1\r\nHost: x\r\nIf-None-Match: " + tag + "\r\n\r\n");
        };
        const Response response = get(path);
        BOOST_TEST(verdict(response, authority(), {id}) == said);
        const std::string tag = response.field("etag");
        BOOST_TEST((tag.size() == 34 && tag.front() == '"' && tag.back() == '"'), tag);
        for (const std::string& other : tags) {
            BOOST_TEST(tag != other);
            BOOST_TEST(with(other).body == response.body);
        }
        tags.push_back(tag);
    };
    look(id_of(authority(), good), "good");
    look(id_of(authority(), good, HashAlgorithm::sha1), "good");
    look(id_of(authority(), revoked), "revoked");
    advance(seconds(100));
    publish();  // signed anew
    look(id_of(authority(), good), "good");
    set().revoke(good);
    publish();
    look(id_of(authority(), good), "revoked");
}

// Covers: D-16, E-10
BOOST_FIXTURE_TEST_CASE(caches_keep_nothing_longer_than_cache_for, Small) {
    const std::string path = path_of(request_der({id_of(authority(), good)}));
    for (seconds age{0}; age < set().validity; age += seconds(1234)) {
        const Response response = get(path);
        BOOST_TEST(max_age_of(response) <= 600);
        BOOST_TEST(max_age_of(response) >= 1);
        BOOST_TEST(max_age_of(response) <= (set().validity - age).count());
        advance(seconds(1234));
    }
}

BOOST_FIXTURE_TEST_CASE(every_request_is_counted_exactly_once, Small) {
    std::uint64_t sent = 0;
    const Bytes request = request_der({id_of(authority(), good)});
    for (const std::string& path :
         {path_of(request), std::string("/"), std::string("/ca.crl"), std::string("/x.html")}) {
        get(path);
        head(path);
        sent += 2;
    }
    for (const char* path : {"/ocsp", "/ca.crl", "/x", "/"}) {
        post(request, "application/ocsp-request", path);
        post(request, "text/plain", path);
        sent += 2;
    }
    BOOST_TEST(counted_in_all() == sent);
}

// The answer as another implementation reads it.
// Covers: E-01
BOOST_FIXTURE_TEST_CASE(openssl_verifies_what_is_served, Small) {
    for (const auto& [serial, said] : {std::pair{good, "good"}, std::pair{revoked, "revoked"}}) {
        const std::string hex = to_hex(serial);
        const std::string in = "cd " + folder.path().string() + " && ";
        const std::string ca = authority().folder.string() + "/ca.pem";
        shell(in + "openssl ocsp -no_nonce -sha256 -issuer " + ca + " -serial 0x" + hex +
              " -reqout request.der");
        const Response response = post(need(read_file(folder / "request.der", 10000)));
        BOOST_REQUIRE(write_file_durably(folder / "response.der", as_bytes(response.body)));
        const std::string out = shell(in + "openssl ocsp -sha256 -respin response.der -CAfile " + ca +
                                      " -issuer " + ca + " -no_nonce -serial 0x" + hex);
        BOOST_TEST(out.find("Response verify OK") != std::string::npos, out);
        BOOST_TEST(out.find(": " + std::string(said)) != std::string::npos, out);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::front::test
