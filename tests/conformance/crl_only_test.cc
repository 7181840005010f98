#define BOOST_TEST_MODULE conformance_crl_only
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <memory>
#include <stdexcept>
#include <thread>

#include "tests/conformance/later.h"
#include "tests/conformance/world.h"

// `eightbells run` on CAs of which only the CRL is known, and the certificates they issued: what relying
// parties get, within the CRL's times, and never a "good" for what the served CRL lists.
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

constexpr auto visible = patience;  // for a busy machine
constexpr int more_revoked = 24;

std::string numbered(int n) {
    return fmt::format("later-{}", n);
}

std::unique_ptr<RunWorld> world;
Told under_short;  // what was told first under the CRL of "short", which ends soon

Told told(const Authority& authority, const std::string& name) {
    return ask(world->url(), authority, name);
}

struct Worlds {
    // False: the CRL that `lasts` so long had ended before this machine could show an answer of it.
    static bool begins(std::chrono::seconds lasts) {
        world = std::make_unique<RunWorld>(std::vector<World::Issuer>{
            {"root", KeyKind::p256, false, "", true}, {"short", KeyKind::p256, false, "", true}});
        for (int n = 0; n < more_revoked; ++n)
            world->ca("root").issue(numbered(n));
        world->ca("root").issue("ahead");
        world->ca("root").make_crl("crl.pem", {"-crldays", "180"});
        world->ca("short").make_crl("crl.pem", {"-crlsec", std::to_string(lasts.count())});
        try {
            world->start();
        } catch (const std::runtime_error& error) {
            BOOST_TEST_MESSAGE(error.what());
            return false;
        }
        under_short = told(world->ca("short"), "good");
        return under_short.good();
    }
    void setup() {
        for (auto lasts = 25s; !begins(lasts); lasts *= 3) {
            if (lasts > 200s)
                throw std::runtime_error("not good:\n" + under_short.all + world->log());
            world->stop();
        }
    }
    void teardown() {
        world->stop();
        world.reset();
    }
};
BOOST_TEST_GLOBAL_FIXTURE(Worlds);

std::string crl_field(const Authority& authority, const std::string& field) {
    const std::string text =
        must({"openssl", "crl", "-in", (authority / "crl.pem").string(), "-noout", "-" + field});
    return text.substr(text.find('=') + 1);
}
// As `date` reads what openssl prints, in the form of index.txt.
std::string spelled(const std::string& time) {
    std::string text = must({"date", "-u", "-d", time, "+%y%m%d%H%M%SZ"});
    text.pop_back();
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crl_only)

// First, while that CRL is young.
// Covers: B-13, C-17, C-05
BOOST_AUTO_TEST_CASE(with_a_crl_that_runs_out_the_answers_end_and_the_next_crl_brings_them_back) {
    Authority& authority = world->ca("short");
    const std::string end = spelled(crl_field(authority, "nextupdate"));
    BOOST_TEST(under_short.good(), under_short.all);
    BOOST_TEST(under_short.next_update == end, under_short.all);
    BOOST_TEST(comes([&] { return told(authority, "good").refusal.starts_with("trylater"); }, 5min));
    BOOST_TEST(told(authority, "revoked").refusal.starts_with("trylater"));
    BOOST_TEST(
        comes([&] { return world->log().find("status comes from ended at") != std::string::npos; }, visible),
        Later{[&] { return world->log(); }});
    BOOST_TEST(told(world->ca("root"), "good").good());  // the other is untouched
    authority.make_crl();
    BOOST_TEST(comes([&] { return told(authority, "good").good(); }, visible),
               Later{[&] { return told(authority, "good").all; }});
    BOOST_TEST(told(authority, "revoked").revoked("keyCompromise"), told(authority, "revoked").all);
}

// Covers: B-13, C-01, C-02
BOOST_AUTO_TEST_CASE(
    an_offline_roots_answers_are_as_current_as_its_crl_of_months_and_good_only_from_the_list) {
    const Authority& root = world->ca("root");
    const std::string said = spelled(crl_field(root, "lastupdate"));
    for (const char* name : {"good", "expired", "revoked", "no-reason"}) {
        const Told one = told(root, name);
        BOOST_TEST(one.verified, one.all);
        BOOST_TEST(
            one.status ==
                (std::string{name} == "revoked" || std::string{name} == "no-reason" ? "revoked" : "good"),
            one.all);
        BOOST_TEST(one.this_update == said, one.all);
        BOOST_TEST(one.next_update < spelled(crl_field(root, "nextupdate")), one.all);
    }
    BOOST_TEST(told(root, "hold").revoked("certificateHold"));
    // Signed by the CA, but neither listed nor on the CRL.
    BOOST_TEST(told(root, "unissued").refusal.starts_with("unauthorized"), told(root, "unissued").all);
}

// Covers: C-09, D-02
BOOST_AUTO_TEST_CASE(no_entry_of_a_crl_is_good_from_the_moment_that_the_crl_is_served) {
    Authority& root = world->ca("root");
    const std::size_t before = [&] {
        std::size_t revoked = 0;
        for (const auto& [name, entry] : root.index())
            revoked += entry.kind == "R" ? 1 : 0;
        return revoked;
    }();
    Ended held;
    std::thread watcher{[&] {
        // It looks for longer than `patience` on a busy machine, and ends by itself.
        held = run({"/usr/bin/python3", EIGHTBELLS_SOURCE_DIR "/tests/conformance/crl_against_ocsp.py",
                    fmt::format("{}root.crl", world->url()), world->url(), (root / "issuer.pem").string(),
                    "240", fmt::format("{}", before + more_revoked)},
                   {}, {}, 300s);
    }};
    for (int n = 0; n < more_revoked; n += 2) {
        root.revoke(numbered(n), {"-crl_reason", "superseded"});
        root.revoke(numbered(n + 1));
        root.make_crl("crl.pem", {"-crldays", "180"});
        // The next one comes when this one is served, or it would never be seen.
        const std::string serial = root.serial(numbered(n + 1));
        BOOST_TEST(comes([&] { return told(root, numbered(n + 1)).status == "revoked"; }, visible));
    }
    watcher.join();
    BOOST_TEST(held.ok(), held.all());
    BOOST_TEST_MESSAGE(held.out);
}

// Covers: C-09, C-13
BOOST_AUTO_TEST_CASE(a_revocation_that_a_newer_crl_lacks_stays_one) {
    Authority& root = world->ca("root");
    const std::string index = read_text(root / "index.txt");
    std::string without;
    for (std::size_t at = 0; at < index.size();) {
        const auto end = index.find('\n', at) + 1;
        const std::string line = index.substr(at, end - at);
        if (line.find("/CN=revoked\n") == std::string::npos &&
            line.find("/CN=later-0\n") == std::string::npos)
            without += line;
        at = end;
    }
    replace_text(root / "index.txt", without);
    root.make_crl("crl.pem", {"-crldays", "181"});
    replace_text(root / "index.txt", index);
    const std::string number = spelled(crl_field(root, "nextupdate"));
    const auto is_served = [&] {
        const auto reply = fetch(world->port(), "/root.crl");
        if (!reply || reply->status != 200)
            return false;
        const auto served = root / "served.crl";
        replace_text(served, reply->body);
        const std::string text =
            must({"openssl", "crl", "-inform", "DER", "-in", served.string(), "-noout", "-nextupdate"});
        return spelled(text.substr(text.find('=') + 1)) == number;
    };
    BOOST_TEST(comes(is_served, visible));
    BOOST_TEST(told(root, "revoked").revoked("keyCompromise"));
    BOOST_TEST(told(root, "later-0").revoked("superseded"));
}

// Covers: C-09
BOOST_AUTO_TEST_CASE(a_revocation_known_ahead_of_the_crl_is_answered_and_nothing_else_is_taken_from_events) {
    const Authority& root = world->ca("root");
    BOOST_TEST(told(root, "ahead").good());
    const Ended hold = world->tell("hold", root, "ahead");
    BOOST_TEST(!hold.ok());
    BOOST_TEST(hold.err.find("status comes from its CRL alone") != std::string::npos, hold.all());
    BOOST_TEST(!world->tell("release", root, "hold").ok());
    BOOST_TEST(told(root, "hold").revoked("certificateHold"));
    const Ended index =
        world->operate({"import", "--issuer", "root", "index", (root / "index.txt").string()});
    BOOST_TEST(!index.ok(), index.all());
    const Ended revoked = world->tell("revoke", root, "ahead", {"--reason", "cACompromise"});
    BOOST_TEST(revoked.ok(), revoked.all());
    BOOST_TEST(comes([&] { return told(root, "ahead").revoked("cACompromise"); }, visible),
               Later{[&] { return told(root, "ahead").all; }});
    const Told one = told(root, "ahead");
    BOOST_TEST(one.this_update >= one.revoked_at, one.all);
}

BOOST_AUTO_TEST_SUITE_END()
