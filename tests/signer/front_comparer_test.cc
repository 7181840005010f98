#include "responder/signer/front_comparer.h"

#include <array>
#include <nlohmann/json.hpp>

#include "responder/ocsp/answer.h"
#include "responder/ocsp/limits.h"
#include "responder/ocsp/request.h"
#include "responder/signer/limits.h"
#include "tests/signer/world.h"

// Fronts as the signer asks them: each is a page file, of today or of yesterday.
using namespace eightbells;
using namespace eightbells::signer;
using namespace std::chrono_literals;
using tests::World;

namespace {

constexpr seconds delay{900};

struct Fronts : World {
    Fronts() {
        issue(0, 40);
        settle();
        comparer.emplace(
            FrontComparer::Settings{{"new:80", "old:80"}, 20, delay}, std::vector{identity}, *ledger,
            differences,
            [this](const std::string& front, const Bytes& request, const std::function<bool()>&) {
                return answer(front, request);
            },
            metrics, clock);
    }
    Result<Bytes> answer(const std::string& front, ByteView der) {
        asked.push_back(front);
        if (away)
            return fail("away");
        if (busy) {
            const auto later = ocsp::encode_error(ocsp::ResponseStatus::try_later);
            return Bytes(later.begin(), later.end());
        }
        ocsp::RequestView request;
        BOOST_REQUIRE(!ocsp::parse_request(der, request));
        BOOST_REQUIRE(request.cert_ids().size() == 1);
        const auto& cert_id = request.cert_ids().front();
        BOOST_TEST(equal(cert_id.issuer_key_hash, identity->issuer.key_hash(*cert_id.hash)));
        BOOST_TEST(equal(cert_id.issuer_name_hash, identity->issuer.name_hash(*cert_id.hash)));
        serials.push_back(*Serial::from_der_content(cert_id.serial));
        const std::string file = front == "old:80" && stale ? "old.db" : "pages.db";
        auto store = *cache::PageFile::open(folder.path() / file, cache::PageFile::Access::read);
        cache::Walk walk{*store, id(), {store_key.public_key()}};
        const auto found = *walk.find(*walk.head(), *cert_id.hash, serials.back().magnitude());
        if (!found) {
            const auto no = ocsp::encode_error(ocsp::ResponseStatus::unauthorized);
            return Bytes(no.begin(), no.end());
        }
        std::array<std::uint8_t, limits::answer_octets> buffer;
        const auto response = ocsp::encode_response(found->profile,
                                                    {.serial = found->record.serial,
                                                     .status = found->record.status,
                                                     .produced_at = found->record.times.produced_at,
                                                     .this_update = found->record.times.this_update,
                                                     .next_update = found->record.times.next_update,
                                                     .extensions = found->record.extensions},
                                                    found->record.signature, buffer);
        return Bytes(response.begin(), response.end());
    }
    // Every certificate once, and what differed.
    void walk(int certificates = 40) {
        for (int i = 0; i < certificates; ++i)
            BOOST_REQUIRE(comparer->next());
        differences.measure();
    }
    double count() { return metrics.differences(0, metrics::Compared::front).value(); }
    nlohmann::json named() { return nlohmann::json::parse(differences.named_json(id(), 100)); }

    Differences differences{folder.path() / "differences.json", {{id(), "tested"}}, metrics, clock};
    std::optional<FrontComparer> comparer;
    std::vector<std::string> asked;
    std::vector<Serial> serials;
    bool stale = false, away = false, busy = false;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(front_comparer)

// Covers: C-09
BOOST_AUTO_TEST_CASE(every_certificate_is_asked_about_at_every_front_with_both_hashes) {
    Fronts world;
    world.walk();
    BOOST_TEST(world.asked.size() == 40U * 2 * 2);
    BOOST_TEST(std::set(world.serials.begin(), world.serials.end()).size() == 40U);
    BOOST_TEST(world.differences.of(world.id(), metrics::Compared::front).empty());
    BOOST_TEST(world.metrics.compared(0, metrics::Compared::front).value() == 160);
}

// Covers: C-09, C-08
BOOST_AUTO_TEST_CASE(
    a_front_that_serves_an_old_page_file_is_named_with_what_it_says_until_it_has_the_new_one) {
    Fronts world;
    world.keep("pages.db", "old.db");
    world.settle();
    world.comparer.emplace(
        FrontComparer::Settings{{"new:80", "old:80"}, 20, delay}, std::vector{world.identity}, *world.ledger,
        world.differences,
        [&](const std::string& front, const Bytes& request, const std::function<bool()>&) {
            return world.answer(front, request);
        },
        world.metrics, world.clock);
    world.stale = true;
    world.apply(ledger::Action::revoke, 5, CrlReason::key_compromise);
    world.settle();
    world.comparer->changed(world.id(), {World::serial(5)});
    BOOST_REQUIRE(world.comparer->next());
    BOOST_TEST((world.serials.back() == World::serial(5)));  // what has just changed comes first
    world.differences.measure();
    BOOST_TEST(world.count() == 0);  // the front may be a moment behind
    world.clock.advance(delay);
    world.walk(2);
    BOOST_TEST(world.count() == 1);
    const auto named = world.named();
    BOOST_REQUIRE(named.size() == 2);
    BOOST_TEST(named[0]["where"] == "old:80 sha1");
    BOOST_TEST(named[1]["where"] == "old:80 sha256");
    BOOST_TEST(named[0]["serial"] == World::serial(5).to_hex());
    BOOST_TEST(named[0]["other"] == "good");
    // Nothing heard is nothing learned, one way or the other.
    world.away = true;
    world.clock.advance(limits::front_again);
    world.walk(2);
    BOOST_TEST(world.count() == 1);
    world.away = false;
    world.busy = true;
    world.clock.advance(limits::front_again);
    world.walk(2);
    BOOST_TEST(world.count() == 1);
    world.busy = false;
    world.stale = false;
    world.clock.advance(limits::front_again);
    world.walk(2);
    BOOST_TEST(world.count() == 0);
    BOOST_TEST(world.named().empty());
}

// Covers: C-09, C-01
BOOST_AUTO_TEST_CASE(a_certificate_that_a_front_calls_not_issued_is_a_difference) {
    Fronts world;
    world.issue(40, 1);  // in the ledger, but not published
    world.comparer->changed(world.id(), {World::serial(40)});
    BOOST_REQUIRE(world.comparer->next());
    BOOST_TEST(world.differences.of(world.id(), metrics::Compared::front).size() == 4U);
    world.settle();
    world.comparer->changed(world.id(), {World::serial(40)});
    BOOST_REQUIRE(world.comparer->next());
    BOOST_TEST(world.differences.of(world.id(), metrics::Compared::front).empty());
}

BOOST_AUTO_TEST_SUITE_END()
