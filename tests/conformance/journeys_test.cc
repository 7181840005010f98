#define BOOST_TEST_MODULE conformance_journeys
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <utility>

#include "tests/conformance/later.h"
#include "tests/conformance/world.h"

// What happens on the way from a CA's word to a relying party's answer, and what an operator sees of it:
// `eightbells run` on two CAs, of which one signs with P-256 and one with RSA.
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

constexpr auto visible = patience;  // for a busy machine; what it took is printed
constexpr const char* subjects[] = {"event",    "held",   "corrected", "twice",
                                    "taken-up", "broken", "crash",     "crl-entry"};

std::unique_ptr<RunWorld> world;
struct Journeys {
    void setup() {
        world = std::make_unique<RunWorld>(
            std::vector<World::Issuer>{{"p256", KeyKind::p256}, {"rsa", KeyKind::rsa2048}});
        for (const auto& authority : world->authorities()) {
            for (const char* subject : subjects)
                authority->issue(subject);
        }
        world->start();
    }
    void teardown() {
        world->stop();
        world.reset();
    }
};
BOOST_TEST_GLOBAL_FIXTURE(Journeys);

// Both hashes are answered so within the bound.
template <class So>
void expect_told(const Authority& authority, const std::string& name, const So& so, const char* what) {
    const auto began = std::chrono::steady_clock::now();
    Told last;
    const bool seen = comes(
        [&] {
            for (const char* hash : {"sha1", "sha256"}) {
                last = ask(world->url(), authority, name, hash);
                if (!so(last))
                    return false;
            }
            return true;
        },
        visible);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    BOOST_TEST(seen, authority.name() << ": " << name << ": " << what << ", but: " << last.all);
    BOOST_TEST_MESSAGE(authority.name() << ": " << name << ": " << what << " after " << took.count() << " s");
}
void expect_revoked(const Authority& authority, const std::string& name, const std::string& reason) {
    expect_told(
        authority, name, [&](const Told& told) { return told.revoked(reason); }, "revoked for both hashes");
}
void expect_good(const Authority& authority, const std::string& name) {
    expect_told(
        authority, name, [](const Told& told) { return told.good(); }, "good for both hashes");
}

bool log_says(const std::string& text) {
    return world->log().find(text) != std::string::npos;
}
void expect_logged(const std::string& text) {
    BOOST_TEST(comes([&] { return log_says(text); }, visible), text << " is not in the log:\n"
                                                                    << world->log());
}

double refused_imports(const Authority& authority, const std::string& source) {
    return value_of(world->signer_metrics(), "eightbells_signer_imports_total{issuer=\"" + authority.name() +
                                                 "\",source=\"" + source + "\",result=\"refused\"}");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(journeys)

// Covers: C-18, D-02, D-17, B-15
BOOST_AUTO_TEST_CASE(a_revoked_certificate_is_revoked_at_the_front_for_both_hashes_with_its_reason) {
    for (const auto& authority : world->authorities()) {
        expect_good(*authority, "event");
        const Ended told = world->tell("revoke", *authority, "event", {"--reason", "keyCompromise"});
        BOOST_TEST(told.ok(), told.all());
        expect_revoked(*authority, "event", "keyCompromise");
        // Once is for good: a second reason is refused, and so is a release.
        BOOST_TEST(!world->tell("revoke", *authority, "event", {"--reason", "superseded"}).ok());
        const Ended released = world->tell("release", *authority, "event");
        BOOST_TEST(!released.ok());
        BOOST_TEST(released.err.find("revoked is final") != std::string::npos, released.all());
    }
}

// Covers: C-01
BOOST_AUTO_TEST_CASE(an_event_that_makes_no_sense_is_refused_with_the_reason) {
    const Authority& authority = world->ca("p256");
    const Ended unknown = world->operate({"revoke", "1234", "--issuer", "p256", "--reason", "keyCompromise"});
    BOOST_TEST(unknown.code == 1);
    BOOST_TEST(unknown.err.find("not known as issued by this issuer") != std::string::npos, unknown.all());
    const Ended reason = world->tell("revoke", authority, "good", {"--reason", "boredom"});
    BOOST_TEST(reason.code == 1);
    BOOST_TEST(reason.err.find("\"boredom\" is none of unspecified, keyCompromise") != std::string::npos,
               reason.all());
    const Ended issuer = world->operate({"revoke", authority.serial("good")});
    BOOST_TEST(issuer.code == 1);
    BOOST_TEST(issuer.err.find("issuer") != std::string::npos, issuer.all());
    const Ended hold = world->tell("revoke", authority, "good", {"--reason", "certificateHold"});
    BOOST_TEST(hold.err.find("use hold") != std::string::npos, hold.all());
    expect_good(authority, "good");
}

// Covers: C-11
BOOST_AUTO_TEST_CASE(a_hold_shows_as_one_and_only_it_can_be_released) {
    const Authority& authority = world->ca("p256");
    BOOST_TEST(world->tell("hold", authority, "held").ok());
    expect_revoked(authority, "held", "certificateHold");
    BOOST_TEST(world->tell("release", authority, "held").ok());
    expect_good(authority, "held");
    BOOST_TEST(world->tell("hold", authority, "held", {"--time", "2026-02-03T04:05:06Z"}).ok());
    expect_revoked(authority, "held", "certificateHold");
    BOOST_TEST(world->tell("revoke", authority, "held", {"--reason", "superseded"}).ok());
    expect_told(
        authority, "held",
        [](const Told& told) { return told.revoked("superseded") && told.revoked_at == "260203040506Z"; },
        "revoked since the hold");
}

// Covers: C-14
BOOST_AUTO_TEST_CASE(reason_and_time_of_a_revocation_can_be_corrected) {
    const Authority& authority = world->ca("rsa");
    BOOST_TEST(world->tell("revoke", authority, "corrected", {"--reason", "superseded"}).ok());
    expect_revoked(authority, "corrected", "superseded");
    const Ended told = world->tell("correct", authority, "corrected",
                                   {"--reason", "keyCompromise", "--time", "2026-03-04T05:06:07Z"});
    BOOST_TEST(told.ok(), told.all());
    expect_told(
        authority, "corrected",
        [](const Told& one) { return one.revoked("keyCompromise") && one.revoked_at == "260304050607Z"; },
        "revoked with the corrected reason and time");
}

BOOST_AUTO_TEST_CASE(the_same_event_twice_gets_the_same_answer_and_a_gap_alarms) {
    const Authority& authority = world->ca("p256");
    const auto tell = [&](const std::string& sequence) {
        return world->tell("revoke", authority, "twice",
                           {"--reason", "superseded", "--source", "ra-7", "--sequence", sequence});
    };
    const Ended first = tell("1");
    BOOST_TEST(first.ok(), first.all());
    const Ended second = tell("1");
    BOOST_TEST(second.ok(), second.all());
    const std::string mark = " (sequence 1";
    const auto words = [&](const Ended& ended) { return ended.out.substr(0, ended.out.find(mark)); };
    BOOST_TEST(words(first) == words(second));
    BOOST_TEST(second.out.find("seen before") != std::string::npos, second.all());
    const std::string gap = "eightbells_signer_feed_gap{issuer=\"p256\"}";
    BOOST_TEST(value_of(world->signer_metrics(), gap) == 0);
    const Ended third = tell("3");
    BOOST_TEST(third.out.find("numbers before it are missing") != std::string::npos, third.all());
    BOOST_TEST(comes([&] { return value_of(world->signer_metrics(), gap) == 1; }, visible));
    BOOST_TEST(value_of(world->signer_metrics(), "eightbells_signer_events_repeated_total") == 1);
}

// Covers: C-09, D-02
BOOST_AUTO_TEST_CASE(a_new_index_is_taken_up_within_seconds) {
    for (const auto& authority : world->authorities()) {
        expect_good(*authority, "taken-up");
        authority->revoke("taken-up", {"-crl_reason", "cessationOfOperation"});
        const std::string time = authority->entry("taken-up").revoked_at;
        const auto began = std::chrono::steady_clock::now();
        expect_told(
            *authority, "taken-up",
            [&](const Told& told) { return told.revoked("cessationOfOperation") && told.revoked_at == time; },
            "revoked as in the index");
        // At the next look, of which there are four a second, not at some round of minutes.
        const bool soon = std::chrono::steady_clock::now() - began < 45s;
        BOOST_TEST(soon);
    }
}

BOOST_AUTO_TEST_CASE(an_index_with_a_mistake_is_named_with_its_line_and_nothing_of_it_is_believed) {
    Authority& authority = world->ca("p256");
    const auto file = authority / "index.txt";
    authority.revoke("broken", {"-crl_reason", "superseded"});
    expect_revoked(authority, "broken", "superseded");
    const std::string right = read_text(file);
    const auto lines = std::count(right.begin(), right.end(), '\n');
    const auto serial = authority.serial("good");
    const std::string good_line_end = "\t\t" + serial + "\tunknown\t/CN=good\n";
    const auto at = right.find(good_line_end);
    BOOST_REQUIRE(at != std::string::npos);
    const auto line_begin = right.rfind('\n', at) + 1;
    std::string revoked_good = right;
    revoked_good.replace(
        line_begin, at - line_begin + 1,
        "R" + right.substr(line_begin + 1, at - line_begin - 1) + "\t261101000000Z,keyCompromise");
    const std::string place = file.string() + ":" + std::to_string(lines + 1) + ": ";
    double refused = refused_imports(authority, "index");
    for (const auto& [line, why] :
         {std::pair<std::string, std::string>{"X\tbroken\n", "2 fields, 6 are expected"},
          {"Q\t301122074624Z\t\t77\tunknown\t/CN=x\n", "status: \"Q\" is none of V, R, E"},
          {"R\t301122074624Z\t261101000000Z,boredom\t77\tunknown\t/CN=x\n", "reason: \"boredom\""},
          {"R\t301122074624Z\t261101000000Z,removeFromCRL\t77\tunknown\t/CN=x\n", "removeFromCRL"},
          {"V\t301122074624Z\t\t" + serial + "\tunknown\t/CN=x\n", "serial"}}) {
        replace_text(file, revoked_good + line);
        expect_logged(place);
        expect_logged(why);
        BOOST_TEST(comes([&] { return refused_imports(authority, "index") > refused; }, visible));
        refused = refused_imports(authority, "index");
    }
    // Whole lines count only: a file that is still being written is left alone.
    replace_text(file, revoked_good + "V\t3011220746");
    BOOST_TEST(comes([&] { return refused_imports(authority, "index") > refused; }, visible));
    expect_good(authority, "good");
    // CRLF line ends are no mistake; the right file is believed again.
    std::string crlf;
    for (const char c : right)
        crlf += c == '\n' ? std::string{"\r\n"} : std::string(1, c);
    const std::string imports =
        "eightbells_signer_imports_total{issuer=\"p256\",source=\"index\",result=\"unchanged\"}";
    const double before = value_of(world->signer_metrics(), imports);
    replace_text(file, crlf);
    BOOST_TEST(comes([&] { return value_of(world->signer_metrics(), imports) > before; }, visible));
    replace_text(file, right);
    expect_good(authority, "good");
}

// Covers: F-01, F-04, F-22, F-23
BOOST_AUTO_TEST_CASE(an_expired_a_foreign_and_an_older_crl_are_refused_and_the_one_before_is_served) {
    Authority& authority = world->ca("p256");
    const auto file = authority / "crl.pem";
    const std::string right = read_text(file);
    const auto served = [&] { return fetch(world->port(), "/p256.crl").value_or(Reply{}).body; };
    std::string der = must({"openssl", "crl", "-in", file.string(), "-outform", "DER"});
    BOOST_TEST(comes([&] { return served() == der; }, visible));
    double refused = refused_imports(authority, "crl");
    const auto expect_refused = [&](const std::string& text) {
        replace_text(file, text);
        BOOST_TEST(comes([&] { return refused_imports(authority, "crl") > refused; }, visible),
                   Later{[&] { return world->log(); }});
        refused = refused_imports(authority, "crl");
        BOOST_TEST((served() == der));
    };
    authority.make_crl("expired.crl",
                       {"-crl_lastupdate", "20260101000000Z", "-crl_nextupdate", "20260102000000Z"});
    expect_refused(read_text(authority / "expired.crl"));
    expect_logged("nextUpdate");
    expect_refused(read_text(world->ca("rsa") / "crl.pem"));
    expect_logged("CRL /p256.crl refused, the one that is served stays: " + file.string());
    expect_refused("no CRL at all\n");
    authority.revoke("crl-entry", {"-crl_reason", "affiliationChanged"});
    authority.make_crl();
    const std::string newer = read_text(file);
    const std::string older =
        std::exchange(der, must({"openssl", "crl", "-in", file.string(), "-outform", "DER"}));
    BOOST_TEST((older != der));
    BOOST_TEST(comes([&] { return served() == der; }, visible), Later{[&] { return world->log(); }});
    expect_refused(right);  // rolled back
    replace_text(file, newer);
}

BOOST_AUTO_TEST_SUITE_END()
