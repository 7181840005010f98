#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "responder/watch/limits.h"
#include "responder/watch/rounds.h"
#include "tests/cache/free_port.h"
#include "tests/cache/temporary_folder.h"
#include "tests/watch/world.h"

// How the prober looks: over TLS, at several addresses, conditionally, and after revocations.
using namespace eightbells;
using namespace eightbells::watch;
using namespace eightbells::watch::test;
using namespace std::chrono_literals;

namespace {

std::vector<WatchedIssuer> only(WatchedIssuer issuer) {
    std::vector<WatchedIssuer> issuers;
    issuers.push_back(std::move(issuer));
    return issuers;
}

}  // namespace

// Covers: G-01
BOOST_AUTO_TEST_CASE(a_name_that_does_not_resolve_is_told_apart_from_a_front_that_fails) {
    World world;
    WatchedIssuer nameless = world.issuer();
    nameless.ocsp_url = "http://status.invalid/ocsp";
    nameless.crl_url = "http://status.invalid/demo.crl";
    nameless.fronts.clear();
    Prober prober = world.prober(only(std::move(nameless)));
    const Seen seen = round(prober);
    for (std::size_t i = 0; i < method_count; ++i)
        BOOST_TEST((seen.cause(static_cast<Method>(i)) == Cause::dns));

    WatchedIssuer away = world.issuer();
    away.fronts = {"127.0.0.1:" + std::to_string(free_port())};
    Prober other = world.prober(only(std::move(away)));
    const Seen refused = round(other);
    for (std::size_t i = 0; i < method_count; ++i)
        BOOST_TEST((refused.cause(static_cast<Method>(i)) == Cause::connect));
}

BOOST_AUTO_TEST_CASE(a_name_is_asked_at_each_of_its_addresses) {
    World world;
    WatchedIssuer named = world.issuer();
    named.fronts.clear();
    named.crl_url.clear();
    named.ocsp_url = "http://localhost:" + std::to_string(world.server.port()) + "/ocsp";
    Prober prober = world.prober(only(std::move(named)));
    const Seen seen = round(prober);
    const SeriesKey v4{"demo", Method::ocsp_get, world.server.address()};
    BOOST_REQUIRE(seen.observations.contains(v4));
    BOOST_TEST((seen.observations.at(v4).cause == Cause::none));
}

// Covers: G-01
BOOST_AUTO_TEST_CASE(a_slow_answer_is_no_answer) {
    World world;
    world.instead = [&](const Server::Asked&) {
        return Server::Reply{"HTTP/1.1 200 OK\r\nContent-Le", true};
    };
    Prober prober = world.prober(only(world.issuer()), {300ms, {}, "test"});
    const Seen seen = round(prober);
    for (std::size_t i = 0; i < method_count; ++i)
        BOOST_TEST((seen.cause(static_cast<Method>(i)) == Cause::timeout), seen.text(static_cast<Method>(i)));
}

BOOST_AUTO_TEST_CASE(certificates_of_https_are_checked) {
    const TemporaryFolder folder;
    std::ofstream(folder / "ca.pem") << Cast::all().ca.pem();
    std::ofstream(folder / "other.pem") << Cast::all().other_ca.pem();
    World world(true);
    const auto ask = [&](const std::string& host, const char* trusted) {
        WatchedIssuer issuer = world.issuer();
        issuer.ocsp_url = "https://" + host + "/ocsp";
        issuer.crl_url = "https://" + host + "/demo.crl";
        Prober prober = world.prober(only(std::move(issuer)), {60s, folder / trusted, "test"});
        const Seen seen = round(prober);
        BOOST_TEST((seen.cause(Method::crl) == seen.cause(Method::ocsp_get)));
        return seen.cause(Method::ocsp_get);
    };
    BOOST_TEST((ask("localhost", "ca.pem") == Cause::none));
    BOOST_TEST((ask("localhost", "other.pem") == Cause::tls));
    BOOST_TEST((ask("elsewhere.example", "ca.pem") == Cause::tls));
}

BOOST_AUTO_TEST_CASE(a_front_that_speaks_no_tls_fails_by_tls) {
    World world;
    WatchedIssuer issuer = world.issuer();
    issuer.ocsp_url = "https://localhost/ocsp";
    Prober prober = world.prober(only(std::move(issuer)));
    BOOST_TEST((round(prober).cause(Method::ocsp_get) == Cause::tls));
}

// Covers: G-01
BOOST_AUTO_TEST_CASE(one_front_of_two_that_fails_is_seen_and_is_no_outage) {
    World well;
    World ill;
    ill.answer.broken_signature = true;
    WatchedIssuer issuer = well.issuer();
    issuer.fronts = {well.server.address(), ill.server.address()};
    Prober prober = well.prober(only(std::move(issuer)));
    const Seen seen = round(prober);
    BOOST_TEST(
        (seen.observations.at({"demo", Method::ocsp_get, well.server.address()}).cause == Cause::none));
    BOOST_TEST(
        (seen.observations.at({"demo", Method::ocsp_get, ill.server.address()}).cause == Cause::signature));
}

BOOST_AUTO_TEST_CASE(a_crl_is_asked_for_conditionally_in_every_round_and_whole_when_due) {
    World world;
    int whole = 0;
    int conditional = 0;
    world.instead = [&](const Server::Asked& asked) -> std::optional<Server::Reply> {
        if (asked.path == "/demo.crl")
            ++(asked.headers.contains("if-none-match") ? conditional : whole);
        return std::nullopt;
    };
    Prober prober = world.prober();
    static_cast<void>(round(prober, true));
    static_cast<void>(round(prober, false));
    static_cast<void>(round(prober, false));
    BOOST_TEST(whole == 1);
    BOOST_TEST(conditional == 3);
    // A new CRL shows by the conditional request and is fetched whole at the next round.
    world.crl.number = 2;
    world.etag = "\"2\"";
    const Seen changed = round(prober, false);
    BOOST_TEST((changed.cause(Method::crl_conditional) == Cause::none));
    const Seen next = round(prober, false);
    BOOST_TEST(whole == 2);
    BOOST_REQUIRE(next.crls.size() == 1U);
    BOOST_TEST(next.crls[0].number == "2");
}

BOOST_AUTO_TEST_CASE(not_modified_for_a_crl_that_was_replaced_is_named) {
    World world;
    Prober prober = world.prober();
    static_cast<void>(round(prober));
    world.crl.number = 2;  // new bytes behind the old ETag
    const Seen seen = round(prober);
    BOOST_TEST((seen.cause(Method::crl) == Cause::none));
    BOOST_TEST((seen.cause(Method::crl_conditional) == Cause::stale_not_modified));
}

BOOST_AUTO_TEST_CASE(a_crl_without_a_validator_is_named) {
    World world;
    world.etag.clear();
    Prober prober = world.prober();
    const Seen seen = round(prober);
    BOOST_TEST((seen.cause(Method::crl) == Cause::none));
    BOOST_TEST((seen.cause(Method::crl_conditional) == Cause::no_validator));
}

// Covers: D-02, D-03
BOOST_AUTO_TEST_CASE(a_revocation_is_timed_until_its_first_right_answer_outside) {
    World world;
    constexpr std::int64_t serial = 77;
    world.said[serial] = {};
    Prober prober = world.prober();
    const std::uint8_t octet = serial;
    const Serial named = *Serial::from_magnitude(ByteView(&octet, 1));
    BOOST_REQUIRE(prober.await({0, named, world.now, "reference", {}}).has_value());
    BOOST_TEST(round(prober).revocations.empty());
    world.clock.advance(40s);
    world.said[serial] = {V_OCSP_CERTSTATUS_REVOKED, OCSP_REVOKED_STATUS_KEYCOMPROMISE, world.now};
    const Seen by_ocsp = round(prober);
    BOOST_REQUIRE(by_ocsp.revocations.size() == 2U);
    for (const RevocationSeen& seen : by_ocsp.revocations)
        BOOST_TEST((seen.delay() == 40s));
    BOOST_TEST(prober.awaited() == 1U);
    world.clock.advance(60s);
    world.crl.number = 2;
    world.etag = "\"2\"";
    world.crl.entries[serial] = world.said[serial];
    const Seen by_crl = round(prober);
    BOOST_REQUIRE(by_crl.revocations.size() == 1U);
    BOOST_TEST((by_crl.revocations[0].method == Method::crl));
    BOOST_TEST((by_crl.revocations[0].delay() == 100s));
    BOOST_TEST(prober.awaited() == 0U);
}

// As with wrong serials in what announces them.
BOOST_AUTO_TEST_CASE(revocations_that_never_arrive_keep_no_other_waiting_and_are_given_up) {
    World world;
    Prober prober = world.prober();
    const auto await = [&](std::uint8_t serial) {
        const Serial named = *Serial::from_magnitude(ByteView(&serial, 1));
        BOOST_REQUIRE(prober.await({0, named, world.now, "reference", {}}));
    };
    for (std::uint8_t other = 0; other < limits::awaited_in_a_round; ++other)
        await(other + 100U);
    constexpr std::uint8_t arrived = 77;
    world.said[arrived] = {V_OCSP_CERTSTATUS_REVOKED, OCSP_REVOKED_STATUS_KEYCOMPROMISE, world.now};
    await(arrived);
    BOOST_TEST(round(prober).revocations.empty());
    BOOST_TEST(round(prober).revocations.size() == 2U);
    world.clock.advance(limits::awaited_for + 1s);
    Seen seen;
    BOOST_REQUIRE(prober.round(seen, true, [] { return false; }));
    BOOST_TEST(prober.awaited() == 0U);
    // It is told, and no serial stands in the log.
    BOOST_REQUIRE(seen.troubles.size() == limits::awaited_in_a_round + 1);  // one by OCSP only
    BOOST_TEST(seen.troubles.front().starts_with("demo: a certificate was said to be revoked at "),
               seen.troubles.front());
    BOOST_TEST(seen.troubles.front().ends_with(" (reference reference)"), seen.troubles.front());
}

// Covers: G-01, G-03, G-19
BOOST_AUTO_TEST_CASE(what_was_wrong_is_in_ledger_status_and_metrics_with_the_answers_bytes) {
    World world;
    const TemporaryFolder folder;
    std::string evidence;
    metrics::WatchMetrics metrics({"demo"});
    {
        auto ledger = OutageLedger::open({folder / "watch", "north", {}}, world.clock);
        BOOST_REQUIRE(ledger.has_value());
        Rounds rounds(world.prober(), std::move(*ledger), {}, world.clock, metrics);
        rounds.run([] { return false; });
        world.clock.advance(60s);
        world.answer.broken_signature = true;
        rounds.run([] { return false; });
        world.clock.advance(1s);
        rounds.update_gauges();
        const ServiceStatus status = rounds.status();
        const MethodStatus& get = status.issuers.at(0).methods[static_cast<std::size_t>(Method::ocsp_get)];
        BOOST_TEST((get.now == Reach::out));
        BOOST_TEST((get.cause == Cause::signature));
        BOOST_REQUIRE(!status.outages.empty());
        evidence = status.outages[0].parts.at(0).evidence;
        const std::string text = metrics::to_text(metrics);
        for (const char* line :
             {R"(eightbells_watch_in_reach{issuer="demo",method="ocsp_get"} 0)",
              R"(eightbells_watch_in_reach{issuer="demo",method="crl"} 1)",
              R"(eightbells_watch_probes_total{issuer="demo",method="ocsp_get",outcome="signature"} 1)",
              R"(eightbells_watch_probes_total{issuer="demo",method="ocsp_post",outcome="ok"} 1)"})
            BOOST_TEST(text.find(line) != std::string::npos, line);
        BOOST_TEST(text.find("127.0.0.1") == std::string::npos);
        const std::string public_json = to_json(status, Audience::relying_parties);
        BOOST_TEST(public_json.find("127.0.0.1") == std::string::npos);
        BOOST_TEST(public_json.find("canary by") == std::string::npos);
        BOOST_TEST(to_json(status, Audience::operators).find("canary by") != std::string::npos);
    }
    auto file = LedgerFile::open(folder / "watch" / outage_ledger_name, LedgerFile::Access::read);
    BOOST_REQUIRE(file.has_value());
    const auto digest = from_hex(evidence);
    BOOST_REQUIRE(digest.has_value());
    const auto kept = file->evidence(*digest);
    BOOST_REQUIRE(kept.has_value());
    const std::string text(as_text(*kept));
    BOOST_TEST(text.starts_with("HTTP 200\r\n"));
    const auto body = text.find("\r\n\r\n");
    BOOST_REQUIRE(body != std::string::npos);
    BOOST_TEST((der_extent(as_bytes(text).subspan(body + 4)) == DerExtent::whole));
}
