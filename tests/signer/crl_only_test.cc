
#include "responder/ledger/import.h"
#include "responder/signer/crl_word.h"
#include "responder/signer/limits.h"
#include "tests/signer/made_crl.h"
#include "tests/signer/world.h"

// An issuer whose status comes from its CRL alone: CRLs that openssl made, through the import, the real
// ledger and the real publication, time in the test's hand.
using namespace eightbells;
using namespace eightbells::signer;
using namespace std::chrono_literals;
using tests::World;

namespace {

struct CrlWorld : World {
    CrlWorld() {
        settings.status_from = config::StatusFrom::crl;
        settings.crl = folder.path() / "crl.pem";
        load_again();
        word = std::make_unique<CrlWord>(*ledger, clock);
        start();
    }
    void start() {
        publisher.reset();
        publisher = std::make_unique<Publisher>(
            *ledger, *pages, store_key, press, folder.path(), [this](const cache::Batch*) { ++handed_on; },
            [this](const std::string&) { return said(); },
            [this] { return trusted_now ? trusted_now() : Result<UtcTime>{clock.now()}; }, *this, clock,
            catch_up);
        BOOST_REQUIRE(publisher->add_issuer(identity));
    }
    // Entries as index.txt has them: serial number and reason.
    void make_crl(const std::vector<std::pair<unsigned, std::string>>& revoked, UtcTime this_update,
                  UtcTime next_update) {
        std::vector<tests::MadeEntry> entries;
        for (const auto& [n, reason] : revoked)
            entries.push_back({serial(n), revoked_at, reason});
        tests::make_crl(folder.path(), entries, this_update, next_update);
    }
    // As the feeds do it: durable in the ledger first.
    Result<ledger::CrlImport> take() {
        ledger::CrlToImport offer;
        offer.octets = *crl::copy_crl(settings.crl, folder.path());
        offer.place = settings.crl.string();
        offer.scratch = folder.path();
        offer.policy.scheme = settings.scheme;
        offer.previous = newest;
        auto imported = ledger::import_crl(*ledger, identity->issuer, std::move(offer), clock.now());
        if (imported) {
            newest = imported->version;
            word->accepted(id(), settings.crl_path, imported->der->bytes());
            publisher->submit_crl(id(), settings.crl_path, imported->der);
        }
        return imported;
    }
    void take_crl(const std::vector<std::pair<unsigned, std::string>>& revoked, UtcTime this_update,
                  UtcTime next_update) {
        make_crl(revoked, this_update, next_update);
        const auto taken = take();
        BOOST_REQUIRE_MESSAGE(taken, taken.error().message);
    }
    std::optional<Vouched> said() { return word->of(id(), std::vector{settings.crl_path}); }
    bool serves_crl() { return !head().crls.empty(); }
    const UtcTime revoked_at = clock.now() - 24h * 3;
    std::optional<crl::CrlVersion> newest;
    std::unique_ptr<CrlWord> word;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(crl_only)

// Covers: B-13, C-01, C-02, C-17
BOOST_AUTO_TEST_CASE(answers_lie_within_the_crls_times_and_good_is_only_what_is_on_the_list) {
    CrlWorld world;
    world.settle();
    BOOST_TEST(!world.state.published);  // nobody has spoken yet
    const UtcTime said = from_unix(to_unix(world.clock.now()) - 7200);
    const UtcTime ends = said + 30h;
    world.take_crl({{1, "keyCompromise"}, {2, ""}}, said, ends);
    world.settle();
    BOOST_TEST(world.serves_crl());
    BOOST_TEST(!world.find(10));  // neither on the CRL nor on a list: "this page is empty", never good
    BOOST_TEST((world.find(1)->record.status->reason == CrlReason::key_compromise));
    world.issue(10, 5);
    world.settle();
    for (const unsigned n : {1U, 2U, 10U, 14U}) {
        const auto found = world.find(n);
        BOOST_REQUIRE(found);
        BOOST_TEST(found->record.status.has_value() == (n < 10));
        BOOST_TEST(to_unix(found->record.times.this_update) == to_unix(said));
        BOOST_TEST((found->record.times.next_update <= ends));
    }
    BOOST_TEST(!world.find(20));
    // Refreshed in its last hours: as current as the CRL, and ending with it.
    world.clock.advance(20h);
    world.settle();
    BOOST_TEST(to_unix(world.find(10)->record.times.this_update) == to_unix(said));
    BOOST_TEST(to_unix(world.find(10)->record.times.next_update) == to_unix(ends));
    world.clock.advance(5h);
    world.settle();
    BOOST_TEST(*world.state.shortest_runway < limits::runway);  // the alarm, hours ahead
    // It has run out: nothing is signed any more, and the reason is said.
    world.clock.advance(5h);
    const auto before = world.signatures();
    world.settle();
    BOOST_TEST(world.signatures() == before);
    BOOST_REQUIRE(world.state.fault);
    BOOST_TEST(world.state.fault->find("comes from ended at") != std::string::npos, *world.state.fault);
    // The next one heals it at once, without waiting for the pages' own moments.
    const UtcTime again = from_unix(to_unix(world.clock.now()) - 60);
    world.take_crl({{1, "keyCompromise"}, {2, ""}, {11, "superseded"}}, again, again + 240h);
    world.clock.advance(limits::signing_retry);
    world.settle();
    BOOST_TEST(!world.state.fault);
    BOOST_TEST(to_unix(world.find(10)->record.times.this_update) == to_unix(again));
    BOOST_TEST((world.find(11)->record.status->reason == CrlReason::superseded));
    BOOST_TEST(to_unix(world.find(10)->record.times.next_update) == to_unix(world.clock.now() + 24h));
}

// Covers: D-18, B-13
BOOST_AUTO_TEST_CASE(with_crls_of_two_hours_renewed_every_hour_no_answer_ever_ends_unrenewed) {
    CrlWorld world;
    UtcTime said = from_unix(to_unix(world.clock.now()));
    world.take_crl({{1, ""}}, said, said + 2h);
    world.issue(10, 200);
    world.settle();
    for (int hour = 0; hour < 30; ++hour) {
        world.clock.advance(59min);
        world.settle();
        BOOST_REQUIRE((world.state.earliest_next_update.value() > world.clock.now()));
        world.clock.advance(60s);
        said = from_unix(to_unix(world.clock.now()) - 1);
        world.take_crl({{1, ""}}, said, said + 2h);
        world.settle();
        BOOST_REQUIRE((world.find(10)->record.times.next_update >= world.clock.now() + 59min));
    }
    // Each renewed once an hour at most, not at every look.
    BOOST_TEST(world.signatures() <= 201U * 2 * 35);
}

// Covers: B-13, C-12
BOOST_AUTO_TEST_CASE(a_last_crl_speaks_for_every_later_moment_once_nothing_is_open) {
    CrlWorld world;
    const UtcTime said = from_unix(to_unix(world.clock.now()) - 60);
    world.take_crl({{1, "keyCompromise"}, {2, ""}}, said, year_9999);
    world.issue(10, 3);  // found out later; not expired for a year
    world.settle();
    world.clock.advance(24h * 300);
    world.settings.signer_certificate = world.folder.path() / "signer.pem";
    BOOST_TEST(to_unix(world.said()->as_of) == to_unix(said));  // 10 to 12 may yet be revoked
    world.clock.advance(24h * 66);
    const auto word = world.said();
    BOOST_TEST(to_unix(word->as_of) == to_unix(world.clock.now()));
    BOOST_TEST(to_unix(word->until) == to_unix(year_9999));
    world.clock.advance(24h * 365 * 7);
    BOOST_TEST(to_unix(world.said()->as_of) == to_unix(world.clock.now()));
}

// Covers: C-09, D-02
BOOST_AUTO_TEST_CASE(a_crl_stands_under_no_head_whose_answers_say_good_for_one_of_its_entries) {
    CrlWorld world;
    const UtcTime said = from_unix(to_unix(world.clock.now()) - 600);
    world.issue(10, 3000);
    world.take_crl({{1, ""}}, said, said + 240h);
    world.settle();
    BOOST_REQUIRE(world.serves_crl());
    const auto first = world.head().crls.front().digest;
    std::vector<std::pair<unsigned, std::string>> revoked{{1, ""}};
    for (unsigned n = 10; n < 2510; ++n)  // more than one patch
        revoked.emplace_back(n, "superseded");
    world.take_crl(revoked, said + 60s, said + 240h);
    while (world.publisher->round()) {
        if (world.head().crls.front().digest == first)
            continue;
        for (unsigned n = 10; n < 2510; n += 17) {
            BOOST_REQUIRE(world.find(n)->record.status.has_value());
            BOOST_REQUIRE(world.find(n, ocsp::HashAlgorithm::sha1)->record.status.has_value());
        }
    }
    BOOST_TEST((world.head().crls.front().digest != first));
}

// Covers: C-09, C-13, C-08
BOOST_AUTO_TEST_CASE(an_entry_that_a_newer_crl_lacks_stays_revoked_for_ever) {
    CrlWorld world;
    const UtcTime said = from_unix(to_unix(world.clock.now()) - 600);
    world.issue(10, 5);
    world.take_crl({{1, ""}, {10, "keyCompromise"}, {11, "certificateHold"}, {2, "certificateHold"}}, said,
                   said + 240h);
    world.settle();
    BOOST_TEST(on_hold(world.find(11)->record.status));
    world.take_crl({}, said + 60s, said + 240h);
    world.settle();
    BOOST_TEST(world.find(1)->record.status.has_value());
    BOOST_TEST((world.find(10)->record.status->reason == CrlReason::key_compromise));
    BOOST_TEST(
        !world.find(11)->record.status.has_value());    // on the list, not expired, held by a CRL: released
    BOOST_TEST(on_hold(world.find(2)->record.status));  // on no list: it may as well have expired
    // Each through years of refreshes and past the certificate's end.
    world.take_crl({{12, ""}}, said + 120s, said + 24h * 60);
    for (int year = 0; year < 2; ++year) {
        world.settle();
        BOOST_TEST(world.find(1)->record.status.has_value());
        BOOST_TEST(world.find(10)->record.status.has_value());
        BOOST_TEST(world.find(12)->record.status.has_value());
        world.clock.advance(24h * 20);
    }
}

// Covers: C-09, D-11
BOOST_AUTO_TEST_CASE(a_crl_is_not_held_back_for_ever_by_a_key_that_does_not_sign) {
    CrlWorld world;
    const UtcTime said = from_unix(to_unix(world.clock.now()) - 600);
    world.issue(10, 3);
    world.take_crl({{1, ""}}, said, said + 240h);
    world.settle();
    const auto first = world.head().crls.front().digest;
    // The signer's certificate has ended: no answer can be signed any more.
    world.clock.advance(24h * 61);
    const UtcTime again = from_unix(to_unix(world.clock.now()) - 60);
    world.take_crl({{1, ""}, {10, ""}}, again, again + 240h);
    world.settle();
    BOOST_REQUIRE(world.state.fault);
    BOOST_TEST((world.head().crls.front().digest == first));
    world.clock.advance(limits::crl_waits);
    world.settle();
    BOOST_TEST((world.head().crls.front().digest != first));
}

BOOST_AUTO_TEST_SUITE_END()
