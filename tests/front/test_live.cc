#include <boost/test/unit_test.hpp>

#include "responder/front/limits.h"
#include "responder/ocsp/limits.h"
#include "tests/front/fake_signer.h"
#include "tests/front/world.h"

namespace eightbells::front::test {
namespace {

using metrics::Hash;
using metrics::LiveVerdict;
using metrics::Method;
using metrics::Outcome;

const TemporaryFolder& sockets() {
    static TemporaryFolder folder;
    return folder;
}
std::filesystem::path new_socket() {
    static int n = 0;
    return sockets() / ("live" + std::to_string(n++));
}

struct Live : World {
    explicit Live(config::Issuer issuer = {}) : Live(issuer, new_socket()) {}
    Live(const config::Issuer& issuer, const std::filesystem::path& path)
        : World(options(issuer, path)), signer(base, path, authority(), clock) {
        set().revoke(revoked);
        publish();
        meet();
    }
    static World::Options options(const config::Issuer& issuer, const std::filesystem::path& path) {
        World::Options options;
        options.issuers = {issuer};
        options.live_socket = path;
        return options;
    }
    // Until both ends are connected.
    void meet() {
        for (int i = 0; i < 100 && !(signer.connected() && live->connected()); ++i)
            wait_turn();
        BOOST_REQUIRE(live->connected());
    }
    // The connection was ended, which shows by another: the pause before it is of real time.
    bool meets_again() {
        for (int i = 0; i < 100 && signer.connections < 2; ++i)
            wait_turn();
        return signer.connections == 2;
    }
    std::string ask_for(const std::vector<AskedId>& ids, const Bytes& nonce = {}) {
        return verdict(post(request_der(ids, nonce)), authority(), ids);
    }
    std::vector<AskedId> both() { return {id_of(authority(), good), id_of(authority(), revoked)}; }

    FakeSigner signer;
    Bytes good = set().issue();
    Bytes revoked = set().issue();
};

config::Issuer echoing() {
    config::Issuer issuer;
    issuer.nonce = config::Nonce::echo;
    return issuer;
}
config::Issuer always_live() {
    config::Issuer issuer;
    issuer.answers = config::Answers::live;
    return issuer;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(live_answers)

//
BOOST_FIXTURE_TEST_CASE(several_certificates_are_answered_all_in_one_signed_answer, Live) {
    const auto ids = both();
    const Response response = post(request_der(ids));
    BOOST_TEST(verdict(response, authority(), ids) == "good,good");  // the fake calls everything good
    BOOST_TEST(is_uncacheable(response));
    BOOST_REQUIRE(signer.calls.size() == 1U);
    BOOST_TEST(signer.calls[0].issuer == set().issuer());
    BOOST_TEST((signer.calls[0].cert_ids == std::vector<Bytes>{cert_id_der(ids[0]), cert_id_der(ids[1])}));
    BOOST_TEST(!signer.calls[0].nonce);
    BOOST_TEST(counted(Outcome::live) == 1U);
    BOOST_TEST(metrics->live_calls(LiveVerdict::signed_answer).value() == 1U);
    // As many as there may be.
    const std::vector<AskedId> at_cap(limits::cert_ids_per_request, ids[0]);
    BOOST_TEST(verdict(post(request_der(at_cap)), authority(), at_cap).starts_with("good,good,good"));
}

//
BOOST_FIXTURE_TEST_CASE(only_requests_with_an_issued_certificate_reach_the_signer, Live) {
    const AskedId unissued = id_of(authority(), {0x11, 0x22});
    const AskedId foreign = id_of(Authority::number(5), good);
    BOOST_TEST(ask_for({unissued, id_of(authority(), {0x33})}) == "unauthorized");
    BOOST_TEST(ask_for({id_of(authority(), good), foreign}) == "unauthorized");
    BOOST_TEST(ask_for({id_with(authority(), {0x11, 0x22}, sha384_oid)}) == "unauthorized");
    BOOST_TEST(signer.calls.empty());
    BOOST_TEST(ask_for({id_of(authority(), good), unissued}) == "good,good");
    BOOST_TEST(signer.calls.size() == 1U);
    BOOST_TEST(ask_for({id_of(authority(), good)}) == "good");  // from the pages
    BOOST_TEST(signer.calls.size() == 1U);
}

//
BOOST_FIXTURE_TEST_CASE(a_hash_that_nothing_is_signed_ahead_for_is_answered_live, Live) {
    for (const Bytes& oid : {sha384_oid, sha512_oid})
        BOOST_TEST(ask_for({id_with(authority(), good, oid)}) == "good");
    BOOST_TEST(ask_for({id_with(authority(), good, md5_oid)}) == "unauthorized");
    BOOST_TEST(signer.calls.size() == 2U);
    signer.on_call = [](const live::Call& call) { return live::Reply{call.id, live::Verdict::busy, {}}; };
    BOOST_TEST(ask_for({id_with(authority(), good, sha384_oid)}) == "tryLater");
}

//
BOOST_FIXTURE_TEST_CASE(surplus_zeros_of_a_serial_do_not_disturb_a_live_answer, Live) {
    auto ids = both();
    ids[0].serial.insert(ids[0].serial.begin(), 3, 0);
    BOOST_TEST(ask_for(ids) == "good,good");
}

//
BOOST_AUTO_TEST_CASE(a_nonce_is_echoed_where_the_issuer_says_so_and_never_cached) {
    Live world(echoing());
    const AskedId id = id_of(world.authority(), world.good);
    for (const Bytes& nonce : {Bytes(16, 7), Bytes(128, 9)}) {
        const Response response = world.get(world.path_of(request_der({id}, nonce)));
        BOOST_TEST(verdict(response, world.authority(), {id}) == "good");
        BOOST_TEST(response.body.find(std::string(as_text(nonce))) != std::string::npos);
        BOOST_TEST(is_uncacheable(response));
    }
    BOOST_TEST(world.signer.calls.size() == 2U);
    BOOST_TEST(world.ask_for({id}) == "good");
    BOOST_TEST(world.signer.calls.size() == 2U);  // without a nonce: stored
    // The signer away: the stored answer, without a nonce, not cacheable.
    world.signer.on_call = [](const live::Call& call) {
        return live::Reply{call.id, live::Verdict::failed, {}};
    };
    const Response stored = world.get(world.path_of(request_der({id}, Bytes(16, 7))));
    BOOST_TEST(verdict(stored, world.authority(), {id}) == "good");
    BOOST_TEST(is_uncacheable(stored));
    BOOST_TEST(stored.body == world.post(request_der({id})).body);
    BOOST_TEST(world.metrics->live_fallbacks(0).value() == 1U);
}

BOOST_AUTO_TEST_CASE(an_issuer_with_live_answers_falls_back_to_the_stored_one) {
    Live world(always_live());
    const AskedId id = id_of(world.authority(), world.revoked);
    BOOST_TEST(world.ask_for({id}) == "good");  // the fake's word
    for (const live::Verdict refusal :
         {live::Verdict::busy, live::Verdict::failed, live::Verdict::unauthorized}) {
        world.signer.on_call = [refusal](const live::Call& call) {
            return live::Reply{call.id, refusal, {}};
        };
        BOOST_TEST(world.ask_for({id}) == "revoked");
    }
    world.signer.on_call = [&world](const live::Call&) {
        world.signer.hang_up();
        return std::optional<live::Reply>();
    };
    BOOST_TEST(world.ask_for({id}) == "revoked");
    BOOST_TEST(world.ask_for({id}) == "revoked");  // not connected
    BOOST_TEST(world.metrics->live_fallbacks(0).value() == 5U);
    BOOST_TEST(world.metrics->live_calls(LiveVerdict::unreachable).value() == 2U);
    // And comes back by itself.
    world.signer.on_call = [&world](const live::Call& call) {
        return std::optional(world.signer.signed_reply(call));
    };
    world.meet();
    BOOST_TEST(world.ask_for({id}) == "good");
}

//
BOOST_AUTO_TEST_CASE(an_answer_older_than_the_issuer_allows_is_signed_anew_and_caches_know_it) {
    config::Issuer issuer;
    issuer.max_age = std::chrono::minutes(15);
    issuer.cache_for = std::chrono::minutes(10);
    Live world(issuer);
    const AskedId id = id_of(world.authority(), world.revoked);
    const std::string path = world.path_of(request_der({id}));
    BOOST_TEST(verdict(world.get(path), world.authority(), {id}) == "revoked");
    BOOST_TEST(world.signer.calls.empty());
    // No cache keeps it until it is too old.
    world.advance(std::chrono::minutes(14));
    BOOST_TEST(world.get(path).field("cache-control").find("max-age=60,") != std::string::npos);
    world.advance(std::chrono::minutes(1));
    BOOST_TEST(verdict(world.get(path), world.authority(), {id}) == "revoked");
    BOOST_TEST(world.signer.calls.empty());
    world.advance(seconds(1));
    const Response fresh = world.get(path);
    BOOST_TEST(verdict(fresh, world.authority(), {id}) == "good");  // the fake's word
    BOOST_TEST(is_uncacheable(fresh));
    BOOST_TEST(world.ask_for({id_of(world.authority(), {0x11, 0x22})}) == "unauthorized");
    BOOST_TEST(world.signer.calls.size() == 1U);
    // Where the budget is used up, the old one, for this once.
    world.signer.on_call = [](const live::Call& call) {
        return live::Reply{call.id, live::Verdict::busy, {}};
    };
    const Response old = world.get(path);
    BOOST_TEST(verdict(old, world.authority(), {id}) == "revoked");
    BOOST_TEST(old.field("cache-control").find("max-age=0") != std::string::npos);
}

//
BOOST_FIXTURE_TEST_CASE(what_the_signer_sends_is_not_believed, Live) {
    const auto ids = both();
    const auto reply_with = [&](auto make) {
        signer.on_call = [make](const live::Call& call) { return std::optional<live::Reply>(make(call)); };
        return ask_for(ids);
    };
    using Singles = std::vector<ocsp::LiveSingle>;
    const auto changed = [&](const FakeSigner::Change& change) {
        return reply_with([&](const live::Call& call) { return signer.signed_reply(call, {}, change); });
    };
    BOOST_TEST(reply_with([&](const live::Call& call) { return signer.signed_reply(call); }) == "good,good");
    BOOST_TEST(changed([](Singles& singles) { singles.pop_back(); }) == "tryLater");
    BOOST_TEST(changed([](Singles& singles) { std::swap(singles[0], singles[1]); }) == "tryLater");
    BOOST_TEST(changed([](Singles& singles) { singles[1].cert_id = singles[0].cert_id; }) == "tryLater");
    BOOST_TEST(changed([&](Singles& singles) { singles[0].next_update = clock.now(); }) == "tryLater");
    BOOST_TEST(changed([&](Singles& singles) {
                   singles[0].this_update = clock.now() + limits::clock_difference + seconds(1);
               }) == "tryLater");
    BOOST_TEST(reply_with([&](const live::Call& call) { return signer.signed_reply(call, Bytes(16, 1)); }) ==
               "tryLater");
    BOOST_TEST(reply_with([&](const live::Call& call) {
                   return signer.signed_reply(call, {}, {}, &Authority::number(5));
               }) == "tryLater");
    // Well formed, of the right signer, and a second off what was signed: only the signature tells.
    BOOST_TEST(reply_with([&](const live::Call& call) {
                   live::Reply reply = signer.signed_reply(call);
                   const auto end = std::find(reply.response.begin(), reply.response.end(), 'Z');
                   *(end - 1) = *(end - 1) == '0' ? '1' : '0';
                   return reply;
               }) == "tryLater");
    BOOST_TEST(reply_with([&](const live::Call& call) {
                   live::Reply reply = signer.signed_reply(call);
                   reply.response[reply.response.size() / 3] ^= 1;
                   return reply;
               }) == "tryLater");
    BOOST_TEST(reply_with([](const live::Call& call) {
                   return live::Reply{call.id, live::Verdict::signed_answer, {0x30, 0x03, 0x0a, 0x01, 0x06}};
               }) == "tryLater");
    BOOST_TEST(metrics->live_calls(LiveVerdict::wrong).value() == 10U);
    BOOST_TEST(counted(Outcome::try_later_signer) == 10U);
}

BOOST_FIXTURE_TEST_CASE(a_reply_that_is_none_ends_the_connection_and_nothing_else, Live) {
    signer.on_call = [this](const live::Call&) {
        signer.send(Bytes(64, 0xff));
        return std::optional<live::Reply>();
    };
    BOOST_TEST(ask_for(both()) == "tryLater");
    BOOST_TEST(ask_for({id_of(authority(), good)}) == "good");
    BOOST_TEST(meets_again());
}

BOOST_FIXTURE_TEST_CASE(a_silent_signer_is_waited_for_until_the_deadline_only, Live) {
    signer.on_call = [](const live::Call&) { return std::optional<live::Reply>(); };
    const std::string request(as_text(request_der(both())));
    send("POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(request.size()) + "\r\n\r\n" +
         request);
    while (signer.calls.empty())
        wait_turn();
    turn();
    BOOST_TEST(!answer());
    BOOST_TEST(live->outstanding() == 1U);
    clock.advance(std::chrono::ceil<seconds>(limits::live_call_deadline));
    std::optional<Response> late;
    while (!(late = answer()))
        wait_turn();
    BOOST_TEST(verdict(*late) == "tryLater");
    BOOST_TEST(live->outstanding() == 0U);
    BOOST_TEST(metrics->live_calls(LiveVerdict::late).value() == 1U);
    BOOST_TEST(meets_again());  // frozen: not an octet came meanwhile
}

//
BOOST_AUTO_TEST_CASE(calls_under_way_are_bounded) {
    const auto path = new_socket();
    event_base* base = event_base_new();
    const SystemClock clock;
    {
        FakeSigner signer(base, path, Authority::number(0), clock);
        signer.on_call = [](const live::Call&) { return std::optional<live::Reply>(); };
        LiveClient client(base, SignerPlaces{path, {}, {}}, clock);
        struct Ignore final : LiveClient::Waiting {
            void replied(const live::Call&, const live::Reply&) noexcept override {}
            void unanswered(const live::Call&, bool) noexcept override {}
        };
        const AskedId id = id_of(Authority::number(0), {1});
        std::size_t taken = 0;
        for (; client.ready() && taken < 10 * limits::live_outstanding; ++taken)
            BOOST_REQUIRE(client.call({0, Authority::number(0).identity->id(), {cert_id_der(id)}, {}},
                                      std::make_unique<Ignore>()));
        BOOST_TEST(taken == limits::live_outstanding);
        BOOST_TEST(client.outstanding() == limits::live_outstanding);
    }
    event_base_free(base);
}

BOOST_FIXTURE_TEST_CASE(a_client_that_has_gone_does_not_disturb_its_answer, Live) {
    std::optional<live::Call> held;
    signer.on_call = [&held](const live::Call& call) {
        held = call;
        return std::optional<live::Reply>();
    };
    {
        int ends[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        listener->serve(ends[1]);
        const std::string body(as_text(request_der(both())));
        const std::string request =
            "POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
            body;
        BOOST_REQUIRE(::send(ends[0], request.data(), request.size(), 0) > 0);
        while (!held)
            wait_turn();
        ::close(ends[0]);
        turn(5);
    }
    signer.send(signer.signed_reply(*held));
    while (live->outstanding() > 0)
        wait_turn();
    signer.on_call = [this](const live::Call& call) { return std::optional(signer.signed_reply(call)); };
    BOOST_TEST(ask_for(both()) == "good,good");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::front::test
