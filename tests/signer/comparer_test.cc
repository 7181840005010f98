#include "responder/signer/comparer.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "responder/base/durable_file.h"
#include "responder/ledger/import.h"
#include "responder/signer/limits.h"
#include "tests/signer/made_crl.h"
#include "tests/signer/world.h"

// Each pair that must agree is made to disagree, one at a time, and named: a real ledger, real pages, CRLs
// that openssl made, time in the test's hand.
using namespace eightbells;
using namespace eightbells::signer;
using namespace std::chrono_literals;
using tests::World;

namespace {

constexpr seconds delay{900};

struct ComparedWorld : World {
    ComparedWorld() {
        begin = from_unix(to_unix(clock.now()));
        look_anew();
    }
    void look_anew() {
        comparer.reset();
        differences.emplace(folder.path() / "differences.json",
                            std::vector<std::pair<std::string, std::string>>{{id(), "tested"}}, metrics,
                            clock);
        comparer.emplace(Comparer::Settings{page_file, folder.path(), delay}, std::vector{identity},
                         store_key.public_key(), *ledger, *differences, metrics, clock);
    }
    void pass() {
        const auto passed = comparer->pass(*identity);
        BOOST_REQUIRE_MESSAGE(passed, passed.error().message);
        differences->measure();
    }
    // Seen, and seen again when it is old enough.
    void age(seconds time = delay) {
        pass();
        clock.advance(time);
        pass();
    }
    nlohmann::json named() { return nlohmann::json::parse(differences->named_json(id(), 100)); }
    std::size_t pending() {
        return differences->of(id(), metrics::Compared::crl).size() +
               differences->of(id(), metrics::Compared::answers).size();
    }
    double count(metrics::Compared with) { return metrics.differences(0, with).value(); }
    // A CRL that lists what the ledger has as revoked, but for what the test changes.
    void serve(const std::vector<tests::MadeEntry>& entries, UtcTime this_update,
               const std::string& extensions = {}, const std::string& path = "/tested.crl") {
        submit_crl(path,
                   tests::make_crl(folder.path(), entries, this_update, this_update + 240h, extensions));
        settle();
    }
    tests::MadeEntry entry(unsigned n, const std::string& reason = "superseded") {
        return {serial(n), ledger->find(id(), serial(n)).value()->status->time, reason};
    }
    // Issued certificates with the URI of their CRL; empty: the list does not say.
    void write_list(const std::vector<std::pair<unsigned, std::string>>& issued) {
        std::ofstream list(folder.path() / "issued.csv");
        list << "serial,not_after,distribution_point\n";
        for (const auto& [n, uri] : issued)
            list << serial(n).to_hex() << "," << to_iso8601(clock.now() + 24h * 365) << "," << uri << "\n";
        list.close();
        const auto taken =
            ledger::import_csv(*ledger, identity->issuer, folder.path() / "issued.csv", clock.now());
        BOOST_REQUIRE_MESSAGE(taken, taken.error().message);
    }
    // 300 certificates, 3 of them revoked and one on hold, and a CRL that says so.
    void fill() {
        issue(0, 300);
        for (const unsigned n : {1U, 2U, 3U})
            apply(ledger::Action::revoke, n, CrlReason::superseded);
        apply(ledger::Action::hold, 4);
        settle();
        clock.advance(10s);
        begin = from_unix(to_unix(clock.now()));
        serve(all(), begin);
    }
    std::vector<tests::MadeEntry> all() {
        return {entry(1), entry(2), entry(3), entry(4, "certificateHold")};
    }

    UtcTime begin;
    std::filesystem::path page_file = folder.path() / "pages.db";
    std::optional<Differences> differences;
    std::optional<Comparer> comparer;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(comparer)

// Covers: C-09
BOOST_AUTO_TEST_CASE(where_all_say_the_same_nothing_is_named) {
    ComparedWorld world;
    world.pass();  // nothing is published
    world.fill();
    for (int i = 0; i < 5; ++i) {
        world.age(6h);
        world.settle();
    }
    BOOST_TEST(world.pending() == 0U, world.named().dump());
    BOOST_TEST(world.metrics.compared(0, metrics::Compared::crl).value() >= 3000);
    BOOST_TEST(world.metrics.last_comparison(0).value() == static_cast<double>(to_unix(world.clock.now())));
}

// Covers: C-09
BOOST_AUTO_TEST_CASE(answers_that_are_being_signed_for_the_first_time_are_no_difference) {
    ComparedWorld world;
    world.settings.sha1 = false;
    world.load_again();
    world.restart();
    world.look_anew();
    world.issue(0, 2'000);
    world.settle();
    world.settings.sha1 = true;
    world.load_again();
    world.restart();
    world.look_anew();
    BOOST_REQUIRE(world.publisher->round());
    BOOST_REQUIRE(!world.state.complete);
    world.age();
    BOOST_TEST(world.pending() == 0U, world.named().dump());
    world.settle();
    world.age();
    BOOST_TEST(world.pending() == 0U, world.named().dump());
}

// Covers: C-09, D-02
BOOST_AUTO_TEST_CASE(
    a_revocation_that_never_reached_the_answers_is_named_once_it_is_older_than_publication_takes) {
    ComparedWorld world;
    world.fill();
    world.apply(ledger::Action::revoke, 7, CrlReason::key_compromise);
    // Marked as published, though no answer was signed: what a fault in the publisher would look like.
    std::vector<std::uint64_t> ids;
    const auto changes = world.ledger->unpublished(world.id(), 10);
    BOOST_REQUIRE(changes);
    for (const auto& change : *changes)
        ids.push_back(change.id);
    BOOST_REQUIRE(world.ledger->mark_published(world.id(), ids));
    world.age(delay - 1s);
    BOOST_TEST(world.named().empty());
    const UtcTime since = world.clock.now() - (delay - 1s);
    BOOST_TEST(world.metrics.oldest_difference(0, metrics::Compared::answers).value() ==
               static_cast<double>(to_unix(since)));
    world.clock.advance(1s);
    world.pass();
    const auto named = world.named();
    BOOST_REQUIRE(named.size() == 2);  // both hashes
    BOOST_TEST(named[0]["serial"] == World::serial(7).to_hex());
    BOOST_TEST(named[0]["with"] == "answers");
    BOOST_TEST(named[0]["where"] == "sha1");
    BOOST_TEST(named[1]["where"] == "sha256");
    BOOST_TEST(named[0]["other"] == "good");
    BOOST_TEST(named[0]["ledger"].get<std::string>().find("(keyCompromise)") != std::string::npos);
    BOOST_TEST(named[0]["since"] == to_iso8601(since));
    BOOST_TEST(world.differences->named(world.id()) == 1U);
    BOOST_TEST(world.count(metrics::Compared::answers) == 1);
    BOOST_TEST(world.count(metrics::Compared::crl) == 0);  // the CRL is older than the revocation
    // Its page is signed again when it is due: then they say the same.
    world.clock.advance(13h);
    world.settle();
    world.pass();
    BOOST_TEST(world.count(metrics::Compared::answers) == 0);
}

// Covers: C-09, C-08
BOOST_AUTO_TEST_CASE(
    an_old_page_file_in_place_of_the_published_one_is_named_by_every_certificate_that_it_has_wrong) {
    ComparedWorld world;
    world.fill();
    world.keep("pages.db", "old.db");
    world.settle();
    world.apply(ledger::Action::revoke, 10);
    world.apply(ledger::Action::release, 4);
    world.issue(300, 2);
    world.settle();
    world.page_file = world.folder.path() / "old.db";
    world.look_anew();
    world.age();
    BOOST_TEST(world.count(metrics::Compared::answers) == 4, world.named().dump(1));
    std::map<std::string, std::string> said;
    for (const auto& one : world.named())
        said[one["serial"]] = one["other"];
    BOOST_TEST(said[World::serial(10).to_hex()] == "good");
    BOOST_TEST(said[World::serial(4).to_hex()].starts_with("on hold since"));
    BOOST_TEST(said[World::serial(300).to_hex()] == "not issued");
    // And what is published that the ledger does not know.
    world.publisher.reset();
    world.ledger.reset();
    std::filesystem::rename(world.folder.path() / "ledger.db", world.folder.path() / "aside.db");
    for (const char* tail : {"-wal", "-shm"})
        std::filesystem::remove(world.folder.path() / (std::string{"ledger.db"} + tail));
    world.open_ledger(true);
    world.look_anew();
    world.age();
    BOOST_TEST(world.count(metrics::Compared::answers) == 300);
}

// Covers: C-09, C-13
BOOST_AUTO_TEST_CASE(a_crl_made_without_one_entry_is_named_and_so_is_each_entry_that_says_something_else) {
    ComparedWorld world;
    world.fill();
    const UtcTime later = world.begin + 60s;
    world.clock.advance(60s);
    auto other_time = world.entry(2);
    other_time.time -= 100s;
    world.serve({other_time,
                 world.entry(3, "keyCompromise"),
                 world.entry(4, "superseded"),
                 {World::serial(20), world.begin - 50s, ""},
                 {World::serial(999), world.begin - 50s, ""}},
                later);
    world.age();
    std::map<std::string, std::string> said;
    for (const auto& one : world.named()) {
        BOOST_TEST(one["with"] == "crl");
        BOOST_TEST(one["where"] == "/tested.crl");
        said[one["serial"]] = one["other"];
    }
    BOOST_TEST(said[World::serial(1).to_hex()] == "nothing: it is not listed", world.named().dump(1));
    BOOST_TEST(said[World::serial(20).to_hex()].starts_with("revoked at"));   // good in the ledger
    BOOST_TEST(said[World::serial(999).to_hex()].starts_with("revoked at"));  // unknown to it
    // Time, reason and hold may still be the ledger's later word, which the CA's next CRL says too.
    BOOST_TEST(said.size() == 3U);
    BOOST_TEST(world.pending() == 6U);
    world.clock.advance(60s);
    const UtcTime next = from_unix(to_unix(world.clock.now()));
    world.serve({world.entry(1), other_time, world.entry(3, "keyCompromise"), world.entry(4, "superseded")},
                next);
    world.age(1s);
    said.clear();
    for (const auto& one : world.named())
        said[one["serial"]] = one["other"];
    BOOST_TEST(said.size() == 3U, world.named().dump(1));
    BOOST_TEST(said.contains(World::serial(2).to_hex()));
    BOOST_TEST(said[World::serial(3).to_hex()].find("keyCompromise") != std::string::npos);
    BOOST_TEST(said[World::serial(4).to_hex()].find("superseded") != std::string::npos);
    world.clock.advance(60s);
    world.serve(world.all(), from_unix(to_unix(world.clock.now())));
    world.pass();
    BOOST_TEST(world.pending() == 0U, world.named().dump(1));
}

// Covers: C-09, D-11
BOOST_AUTO_TEST_CASE(what_only_the_cas_next_crl_can_say_is_given_a_day_and_no_longer) {
    ComparedWorld world;
    world.fill();
    world.clock.advance(60s);
    world.apply(ledger::Action::revoke, 30);
    world.settle();
    world.age(23h);
    world.settle();
    BOOST_TEST(world.count(metrics::Compared::crl) == 0);
    world.clock.advance(1h + delay);
    world.pass();
    BOOST_TEST(world.count(metrics::Compared::crl) == 1);
    // A newer CRL without it: at once.
    world.apply(ledger::Action::revoke, 31);
    world.settle();
    world.clock.advance(60s);
    auto entries = world.all();
    entries.push_back(world.entry(30, ""));
    world.serve(entries, from_unix(to_unix(world.clock.now())));
    world.age();
    BOOST_REQUIRE(world.named().size() == 1);
    BOOST_TEST(world.named()[0]["serial"] == World::serial(31).to_hex());
}

// Covers: C-09
BOOST_AUTO_TEST_CASE(a_revocation_dated_back_before_the_crl_is_not_missed_on_a_crl_that_could_not_know_it) {
    ComparedWorld world;
    world.fill();
    world.clock.advance(1h);
    const UtcTime told = world.clock.now();
    ledger::Event event{world.id(), "test", {}, ledger::Action::revoke, World::serial(30), {}, {},
                        {},         {},     {}};
    event.time = world.begin - 5s;  // the CRL was made at `begin`
    BOOST_REQUIRE(world.ledger->apply(event)->verdict == ledger::Verdict::applied);
    world.settle();
    world.differences->changed(world.id(), World::serial(30), told);
    world.age();
    BOOST_TEST(world.pending() == 1U);
    BOOST_TEST(world.named().empty(), world.named().dump(1));
    // Across a restart too, which forgets when it was told.
    BOOST_REQUIRE(world.differences->save());
    world.look_anew();
    world.age(60s);
    BOOST_TEST(world.named().empty(), world.named().dump(1));
    // The next one knows it or is named.
    world.serve(world.all(), world.clock.now());
    world.pass();
    BOOST_TEST(world.count(metrics::Compared::crl) == 1);
}

// Covers: C-13, F-16
BOOST_AUTO_TEST_CASE(an_expired_certificate_may_leave_the_crl_unless_the_crl_says_that_it_keeps_them) {
    ComparedWorld world;
    world.fill();
    world.clock.advance(24h * 366);
    const UtcTime now = from_unix(to_unix(world.clock.now()));
    // Expired a day ago, all of them: an empty CRL is right.
    world.submit_crl("/tested.crl", tests::make_crl(world.folder.path(), {}, now, now + 240h));
    world.clock.advance(limits::crl_waits);
    world.settle();
    world.age();
    BOOST_TEST(world.count(metrics::Compared::crl) == 0, world.named().dump(1));
    // expiredCertsOnCRL, since 2020-01-01: they have to stay.
    world.submit_crl("/tested.crl", tests::make_crl(world.folder.path(), {}, now + 60s, now + 240h,
                                                    "2.5.29.60=DER:180F32303230303130313030303030305A\n"));
    world.clock.advance(limits::crl_waits);
    world.settle();
    world.age();
    BOOST_TEST(world.count(metrics::Compared::crl) == 4, world.named().dump(1));
}

// Covers: C-09
BOOST_AUTO_TEST_CASE(a_delta_speaks_over_its_base_and_partitions_together) {
    ComparedWorld world;
    world.fill();
    world.clock.advance(60s);
    const UtcTime later = from_unix(to_unix(world.clock.now()));
    // deltaCRLIndicator: over the CRL with number 1, which fill() made.
    const std::string delta = "2.5.29.27=critical,DER:020101\n";
    world.apply(ledger::Action::revoke, 40, CrlReason::superseded);
    world.apply(ledger::Action::revoke, 4, CrlReason::superseded);  // was on hold
    world.settle();
    world.clock.advance(60s);
    world.serve({world.entry(40), world.entry(4)}, later + 60s, delta, "/tested-delta.crl");
    world.age();
    BOOST_TEST(world.pending() == 0U, world.named().dump(1));
    world.clock.advance(60s);
    const UtcTime last = from_unix(to_unix(world.clock.now()));
    world.serve({world.entry(40)}, last, delta, "/tested-delta.crl");  // the hold's end is missing
    world.pass();
    world.clock.advance(delay);
    world.serve({world.entry(40)}, world.clock.now(), delta, "/tested-delta.crl");
    world.pass();
    BOOST_REQUIRE(world.named().size() == 1);
    BOOST_TEST(world.named()[0]["serial"] == World::serial(4).to_hex());

    ComparedWorld parts;
    parts.issue(0, 50);
    for (const unsigned n : {1U, 2U, 3U})
        parts.apply(ledger::Action::revoke, n, CrlReason::superseded);
    parts.settle();
    parts.clock.advance(10s);
    const UtcTime now = from_unix(to_unix(parts.clock.now()));
    const auto part = [](const std::string& n) {
        return "issuingDistributionPoint=critical,@idp\n[idp]\nfullname=URI:http://crl.example/" + n +
               ".crl\n";
    };
    parts.serve({parts.entry(1)}, now, part("1"), "/1.crl");
    parts.serve({parts.entry(2)}, now, part("2"), "/2.crl");
    parts.age();
    BOOST_REQUIRE(parts.named().size() == 1);
    BOOST_TEST(parts.named()[0]["serial"] == World::serial(3).to_hex());
    BOOST_TEST(parts.named()[0]["where"] == "any partition");
}

// Covers: C-09, F-12
BOOST_AUTO_TEST_CASE(a_revoked_certificate_stands_on_the_part_that_its_own_uri_names) {
    ComparedWorld world;
    const auto uri = [](const std::string& n) { return "http://crl.example/" + n + ".crl"; };
    world.write_list({{0, uri("1")}, {1, uri("1")}, {2, uri("2")}, {3, uri("2")}, {4, uri("3")}, {5, ""}});
    for (const unsigned n : {1U, 2U, 3U, 4U, 5U})
        world.apply(ledger::Action::revoke, n, CrlReason::superseded);
    world.settle();
    world.clock.advance(10s);
    const UtcTime now = from_unix(to_unix(world.clock.now()));
    const auto part = [&](const std::string& n) {
        return "issuingDistributionPoint=critical,@idp\n[idp]\nfullname=URI:" + uri(n) + "\n";
    };
    // 3 stands on the wrong part, 4 on one that its certificate does not name, 5 anywhere is enough.
    world.serve({world.entry(1), world.entry(3), world.entry(4)}, now, part("1"), "/1.crl");
    world.serve({world.entry(2), world.entry(5)}, now, part("2"), "/2.crl");
    world.age();
    std::map<std::string, std::pair<std::string, std::string>> said;
    for (const auto& one : world.named())
        said[one["serial"]] = {one["where"], one["other"]};
    BOOST_TEST(said.size() == 2U, world.named().dump(1));
    BOOST_TEST(said[World::serial(3).to_hex()].first == "/2.crl");
    BOOST_TEST(said[World::serial(4).to_hex()].second == "nothing: no CRL is for http://crl.example/3.crl");
    // A list of all has them all: only what a part should have and has not is left.
    world.clock.advance(60s);
    std::vector<tests::MadeEntry> all;
    for (const unsigned n : {1U, 2U, 3U, 4U, 5U})
        all.push_back(world.entry(n));
    world.serve(all, now + 60s);
    world.pass();
    BOOST_REQUIRE(world.named().size() == 1);
    BOOST_TEST(world.named()[0]["serial"] == World::serial(3).to_hex());
}

// Covers: C-09, D-12
BOOST_AUTO_TEST_CASE(a_crl_that_is_made_here_is_given_its_own_delay_and_not_a_day) {
    ComparedWorld world;
    world.settings.generated_crl.key = world.folder.path() / "issuer.key";
    world.load_again();
    world.restart();
    world.look_anew();
    world.fill();
    world.clock.advance(60s);
    world.apply(ledger::Action::revoke, 30);
    world.settle();
    world.age(delay + world.settings.generated_crl.delay - 1s);
    BOOST_TEST(world.named().empty());
    world.clock.advance(1s);
    world.pass();
    BOOST_TEST(world.count(metrics::Compared::crl) == 1);
}

// Covers: C-09
BOOST_AUTO_TEST_CASE(a_restart_makes_no_difference_young_again_and_a_spoiled_file_none_old) {
    ComparedWorld world;
    world.fill();
    world.clock.advance(60s);
    world.serve({world.entry(1), world.entry(2), world.entry(4, "certificateHold")}, world.begin + 60s);
    world.pass();
    const UtcTime since = world.clock.now();
    BOOST_REQUIRE(world.differences->save());
    world.clock.advance(delay);
    world.look_anew();
    world.pass();
    BOOST_REQUIRE(world.named().size() == 1);
    BOOST_TEST(world.named()[0]["since"] == to_iso8601(since));
    for (const std::string_view text :
         {"", "[", "{}", "[1,{},{\"issuer\":7}]",
          R"([{"issuer":"x","with":"crl","where":"","serial":"01","since":"2026-01-01T00:00:00Z"}])"}) {
        BOOST_REQUIRE(write_file_durably(world.folder.path() / "differences.json", as_bytes(text), 0600));
        world.look_anew();
        BOOST_TEST(world.pending() == 0U);
        world.pass();
        BOOST_TEST(world.named().empty());
        BOOST_TEST(world.pending() == 1U);
    }
}

BOOST_AUTO_TEST_CASE(more_differences_than_are_kept_neither_grow_nor_hide_that_there_are_many_nor_others) {
    ComparedWorld world;
    metrics::SignerMetrics metrics{{"tested"}};
    Differences many{world.folder.path() / "many.json", {{world.id(), "tested"}}, metrics, world.clock};
    for (unsigned n = 0; n < limits::differences + 50; ++n)
        many.see({world.id(), metrics::Compared::crl, "/tested.crl", World::serial(n)}, "good", "revoked",
                 {});
    const DifferenceKey other{world.id(), metrics::Compared::answers, "sha256", World::serial(1)};
    many.see(other, "revoked", "good", {});
    many.measure();
    BOOST_TEST(metrics.differences(0, metrics::Compared::crl).value() ==
               static_cast<double>(limits::differences));
    BOOST_TEST(metrics.differences(0, metrics::Compared::answers).value() == 1);
    const auto shown = nlohmann::json::parse(many.named_json(world.id(), limits::differences_shown));
    BOOST_TEST(shown.size() == limits::differences_shown + 1);
    BOOST_TEST(std::ranges::any_of(shown, [](const auto& one) { return one["with"] == "answers"; }));
    many.clear(other);
    BOOST_TEST(nlohmann::json::parse(many.named_json(world.id(), 1)).size() == 1U);
    BOOST_REQUIRE(many.save());
    BOOST_TEST(std::filesystem::file_size(world.folder.path() / "many.json") <
               limits::differences_file_octets);
}

BOOST_AUTO_TEST_SUITE_END()
