#include <boost/test/unit_test.hpp>

#include "tests/watch/world.h"

// A front that answers wrongly: every way is seen in the very next round, by its own name.
using namespace eightbells;
using namespace eightbells::watch;
using namespace eightbells::watch::test;
using namespace std::chrono_literals;

namespace {

using Turn = std::function<void(World&)>;

// Replaces every OCSP reply (or every one for the CRL) by what `make` says.
Turn instead_of(bool crl, std::function<Server::Reply(World&, const Server::Asked&)> make) {
    return [crl, make](World& world) {
        world.instead = [crl, make, &world](const Server::Asked& asked) -> std::optional<Server::Reply> {
            if ((asked.path == "/demo.crl") != crl)
                return std::nullopt;
            return make(world, asked);
        };
    };
}
Turn ocsp_octets(std::function<std::string(World&, const Server::Asked&)> make) {
    return instead_of(false, [make](World& world, const Server::Asked& asked) {
        return Server::Reply{make(world, asked)};
    });
}
Turn crl_octets(std::function<std::string(World&)> make) {
    return instead_of(true,
                      [make](World& world, const Server::Asked&) { return Server::Reply{make(world)}; });
}
std::string right_answer(World& world, const Server::Asked& asked, const std::string& headers) {
    return http_reply(world.now, 200, "application/ocsp-response", world.answer_for(asked), headers);
}
Bytes bytes(std::string_view text) {
    const ByteView view = as_bytes(text);
    return Bytes(view.begin(), view.end());
}

struct Fault {
    const char* name;
    Cause cause;
    Turn turn;
};

void check(const Fault& fault, std::initializer_list<Method> hit, std::initializer_list<Method> spared) {
    BOOST_TEST_CONTEXT(fault.name) {
        World world;
        Prober prober = world.prober();
        const Seen right = round(prober);
        for (std::size_t i = 0; i < method_count; ++i)
            BOOST_REQUIRE((right.cause(static_cast<Method>(i)) == Cause::none));
        world.clock.advance(60s);
        fault.turn(world);
        const Seen seen = round(prober);
        for (const Method method : hit) {
            BOOST_TEST(to_string(seen.cause(method)) == to_string(fault.cause),
                       to_string(method) << ": " << seen.text(method));
            const Observation* const observation = seen.find(method);
            BOOST_TEST((observation != nullptr && !observation->text.empty()));
        }
        for (const Method method : spared)
            BOOST_TEST((seen.cause(method) == Cause::none), to_string(method) << ": " << seen.text(method));
    }
}

std::vector<Fault> wrong_statements() {
    return {
        {"expired", Cause::expired,
         [](World& w) {
             w.answer.this_update = w.now - 30h;
             w.answer.next_update = w.now - 6h;
         }},
        {"from the future", Cause::not_yet_valid,
         [](World& w) {
             w.answer.this_update = w.now + 2h;
             w.answer.next_update = w.now + 26h;
         }},
        {"without nextUpdate", Cause::no_next_update, [](World& w) { w.answer.next_update.reset(); }},
        {"a signature that was changed", Cause::signature,
         [](World& w) { w.answer.broken_signature = true; }},
        {"a signer without the EKU", Cause::signer,
         [](World& w) { w.answer.signer = &Cast::all().without_eku; }},
        {"another CA's signer", Cause::signer,
         [](World& w) { w.answer.signer = &Cast::all().other_delegate; }},
        {"a signer whose certificate ran out", Cause::signer,
         [](World& w) { w.answer.signer = &Cast::all().lapsed_delegate; }},
        {"another certificate's answer", Cause::wrong_serial, [](World& w) { w.answer.named_serial = 4711; }},
        {"mixed up with another CA", Cause::wrong_issuer,
         [](World& w) {
             w.answer.named_issuer = &Cast::all().other_ca;
             w.answer.signer = &Cast::all().other_delegate;
         }},
        {"good is revoked", Cause::status_wrong,
         [](World& w) {
             w.said[good_serial] = {V_OCSP_CERTSTATUS_REVOKED, -1, w.now};
         }},
        {"on hold is revoked for good", Cause::status_wrong,
         [](World& w) { w.said[hold_serial].reason = OCSP_REVOKED_STATUS_SUPERSEDED; }},
        {"revoked is good", Cause::status_wrong, [](World& w) { w.said[revoked_serial] = {}; }},
        {"unissued is good", Cause::status_wrong, [](World& w) { w.said[unissued_serial] = {}; }},
        {"expired is not known", Cause::ocsp_error_status, [](World& w) { w.said.erase(expired_serial); }},
    };
}

std::vector<Fault> wrong_octets() {
    return {
        {"tryLater", Cause::ocsp_error_status, ocsp_octets([](World& w, const auto&) {
             return http_reply(w.now, 200, "application/ocsp-response",
                               make_error(OCSP_RESPONSE_STATUS_TRYLATER));
         })},
        {"200 with HTML", Cause::content_type, ocsp_octets([](World& w, const auto&) {
             return http_reply(w.now, 200, "text/html", bytes("<html>welcome</html>"));
         })},
        {"HTML that calls itself OCSP", Cause::not_der, ocsp_octets([](World& w, const auto&) {
             return http_reply(w.now, 200, "application/ocsp-response", bytes("<html>welcome</html>"));
         })},
        {"octets behind the answer", Cause::not_der, ocsp_octets([](World& w, const Server::Asked& asked) {
             Bytes body = w.answer_for(asked);
             body.push_back(0);
             return http_reply(w.now, 200, "application/ocsp-response", body);
         })},
        {"503", Cause::http_status,
         ocsp_octets([](World& w, const auto&) { return http_reply(w.now, 503, "text/plain", {}); })},
        {"a redirect", Cause::redirect, ocsp_octets([](World& w, const auto&) {
             return http_reply(w.now, 302, "text/plain", {}, "Location: http://localhost/elsewhere\r\n");
         })},
    };
}

std::vector<Fault> wrong_deliveries() {
    return {
        {"cut off by the connection's end", Cause::truncated,
         ocsp_octets([](World& w, const Server::Asked& asked) {
             const std::string whole = right_answer(w, asked, "");
             return whole.substr(0, whole.size() - 40);
         })},
        {"cut off in front of HTTP", Cause::truncated, ocsp_octets([](World& w, const Server::Asked& asked) {
             Bytes body = w.answer_for(asked);
             body.resize(body.size() / 2);
             return http_reply(w.now, 200, "application/ocsp-response", body);
         })},
        {"larger than any answer", Cause::too_large, ocsp_octets([](World& w, const auto&) {
             return http_reply(w.now, 200, "application/ocsp-response", Bytes(300 * 1024, 0x30));
         })},
        {"no HTTP at all", Cause::http_protocol,
         ocsp_octets([](World&, const auto&) { return "SSH-2.0-x\r\n"; })},
        {"nothing but an end", Cause::connect, ocsp_octets([](World&, const auto&) { return ""; })},
        {"no Date", Cause::http_headers, ocsp_octets([](World& w, const Server::Asked& asked) {
             const Bytes body = w.answer_for(asked);
             return "HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + std::string(as_text(body));
         })},
        {"kept too long by a cache", Cause::cache_stale,
         ocsp_octets([](World& w, const Server::Asked& asked) {
             return right_answer(w, asked, "Cache-Control: max-age=600\r\nAge: 4000\r\n");
         })},
        {"to be kept beyond nextUpdate", Cause::cache_stale,
         ocsp_octets([](World& w, const Server::Asked& asked) {
             return right_answer(w, asked, "Cache-Control: public, max-age=172800\r\n");
         })},
        {"yesterday's answer, still valid", Cause::went_back,
         [](World& w) { w.answer.this_update = w.now - 12h; }},
        {"a critical extension that nobody knows", Cause::libraries_disagree,
         [](World& w) { w.answer.critical_extension = true; }},
    };
}

std::vector<Fault> wrong_crls() {
    return {
        {"expired", Cause::expired,
         [](World& w) {
             w.crl.this_update = w.now - 50h;
             w.crl.next_update = w.now - 2h;
         }},
        {"from the future", Cause::not_yet_valid, [](World& w) { w.crl.this_update = w.now + 2h; }},
        {"a signature that was changed", Cause::signature, [](World& w) { w.crl.broken_signature = true; }},
        {"signed by another CA", Cause::signature,
         [](World& w) {
             w.crl.signer = &Cast::all().other_ca;
             w.crl.named_issuer = &Cast::all().ca;
         }},
        {"another CA's", Cause::wrong_issuer, [](World& w) { w.crl.signer = &Cast::all().other_ca; }},
        {"revoked by OCSP, not on the CRL", Cause::disagreement,
         [](World& w) { w.crl.entries.erase(revoked_serial); }},
        {"another revocation time than by OCSP", Cause::disagreement,
         [](World& w) { w.crl.entries[revoked_serial].revoked_at -= 60s; }},
        {"another reason than by OCSP", Cause::disagreement,
         [](World& w) { w.crl.entries[revoked_serial].reason = OCSP_REVOKED_STATUS_SUPERSEDED; }},
        {"the good one is listed", Cause::disagreement,
         [](World& w) {
             w.crl.entries[good_serial] = {V_OCSP_CERTSTATUS_REVOKED, -1, w.now};
         }},
        {"the one on hold is revoked for good", Cause::status_wrong,
         [](World& w) { w.crl.entries[hold_serial].reason = OCSP_REVOKED_STATUS_SUPERSEDED; }},
        {"the revoked one is on hold", Cause::status_wrong,
         [](World& w) { w.crl.entries[revoked_serial].reason = OCSP_REVOKED_STATUS_CERTIFICATEHOLD; }},
        {"yesterday's CRL, still valid", Cause::went_back, [](World& w) { w.crl.this_update = w.now - 12h; }},
        {"404", Cause::http_status,
         crl_octets([](World& w) { return http_reply(w.now, 404, "text/plain", {}); })},
        {"200 with HTML", Cause::content_type,
         crl_octets([](World& w) { return http_reply(w.now, 200, "text/html", bytes("<html>")); })},
        {"cut off", Cause::truncated, crl_octets([](World& w) {
             const std::string whole = http_reply(w.now, 200, "application/pkix-crl", w.current_crl());
             return whole.substr(0, whole.size() - 10);
         })},
    };
}

}  // namespace

// Covers: G-01, G-25
BOOST_AUTO_TEST_CASE(a_right_service_is_in_reach_by_every_method) {
    World world;
    Prober prober = world.prober();
    const Seen seen = round(prober);
    for (std::size_t i = 0; i < method_count; ++i)
        BOOST_TEST((seen.cause(static_cast<Method>(i)) == Cause::none), seen.text(static_cast<Method>(i)));
    BOOST_REQUIRE(seen.ocsp.size() == 1U);
    BOOST_TEST((seen.ocsp[0].next_update == world.now + 23h));
    BOOST_TEST((seen.ocsp[0].signer_not_after > world.now));
    BOOST_REQUIRE(seen.crls.size() == 1U);
    BOOST_TEST(seen.crls[0].number == "1");
    BOOST_TEST(seen.crls[0].entries == 2U);
}

// Covers: G-01, G-04, G-05
BOOST_AUTO_TEST_CASE(every_wrong_ocsp_answer_is_seen_in_the_next_round_and_named) {
    for (const auto& faults : {wrong_statements(), wrong_octets(), wrong_deliveries()}) {
        for (const Fault& fault : faults)
            check(fault, {Method::ocsp_get, Method::ocsp_post}, {});
    }
}

// Covers: G-01
BOOST_AUTO_TEST_CASE(every_wrong_crl_is_seen_in_the_next_round_and_named) {
    for (const Fault& fault : wrong_crls())
        check(fault, {Method::crl, Method::crl_conditional}, {Method::ocsp_get, Method::ocsp_post});
}

BOOST_AUTO_TEST_CASE(clocks_that_differ_by_seconds_are_no_fault) {
    World world;
    world.answer.this_update = world.now + 5s;
    world.crl.this_update = world.now + 5s;
    Prober prober = world.prober();
    const Seen seen = round(prober);
    for (std::size_t i = 0; i < method_count; ++i)
        BOOST_TEST((seen.cause(static_cast<Method>(i)) == Cause::none), seen.text(static_cast<Method>(i)));
}

// Covers: D-05, D-06
BOOST_AUTO_TEST_CASE(public_trust_has_rules_for_validity_and_refresh) {
    struct Rule {
        seconds age;
        seconds validity;
        Cause cause;
    };
    const Rule rules[] = {{1h, 24h, Cause::none},
                          {1h, 8h - 1s, Cause::validity_period},
                          {1h, 8h, Cause::none},
                          {1h, 168h - 1s, Cause::none},
                          {1h, 168h, Cause::validity_period},
                          {17h, 24h, Cause::stale},
                          {15h, 24h, Cause::none},
                          {5h, 10h, Cause::none},
                          {5h + 60s, 10h, Cause::stale},
                          {97h, 167h, Cause::stale}};
    for (const Rule& rule : rules) {
        World world;
        world.public_trust = true;
        world.answer.this_update = world.now - rule.age;
        world.answer.next_update = world.answer.this_update + rule.validity;
        Prober prober = world.prober();
        const Seen seen = round(prober);
        BOOST_TEST(
            to_string(seen.cause(Method::ocsp_get)) == to_string(rule.cause),
            rule.age.count() << " s old of " << rule.validity.count() << ": " << seen.text(Method::ocsp_get));
    }
}
