#define BOOST_TEST_MODULE conformance_comparison
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <thread>

#include "tests/conformance/later.h"
#include "tests/conformance/world.h"

// What the running signer finds when it compares ledger, CRLs, published answers and two fronts, of which one
// is left behind with an old page file.
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

constexpr int often = 10;
int made_revoked = 0;
constexpr auto visible = patience;  // the comparison comes round every ten seconds; for a busy machine

std::unique_ptr<RunWorld> world;
std::unique_ptr<Program> left_behind;
std::uint16_t old_port = 0;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    if (at == std::string::npos)
        throw std::runtime_error(from + " is not in the configuration");
    return text.replace(at, from.size(), to);
}

struct Compared {
    void setup() {
        const std::string made = R"([issuer.generated_crl]
key = "made/issuer.key"
delay = "1s"
delta = "http://127.0.0.1/made-delta.crl"
partitions = ["http://127.0.0.1/made-1.crl", "http://127.0.0.1/made-2.crl"]
)";
        world = std::make_unique<RunWorld>(std::vector<World::Issuer>{
            {"ca", KeyKind::p256}, {"made", KeyKind::p256, false, made, false, false}});
        for (const char* name : {"good", "event", "changed", "planted"})
            world->ca("ca").issue(name);
        for (int n = 0; n < often; ++n)
            for (const char* name : {"ca", "made"})
                world->ca(name).issue(fmt::format("often-{}", n));
        old_port = free_port();
        const auto file = *world / "eightbells.toml";
        const std::string text = read_text(file);
        replace_text(file, replaced(text, "[signer]\n",
                                    fmt::format("[signer]\ncompare_delay = \"5s\"\ncompare_rate = 200\n"
                                                "compare_fronts = [\"127.0.0.1:{}\", \"127.0.0.1:{}\"]\n",
                                                world->port(), old_port)));
        world->start();
        // A front of its own, whose store is a copy that nobody writes to any more.
        std::string old = read_text(file);
        old = replaced(old, "directory = \"store\"", "directory = \"old-store\"");
        old = replaced(old, "data = \"front-0\"", "data = \"front-old\"");
        old = replaced(old, fmt::format("listen = [\"127.0.0.1:{}\"]", world->port()),
                       fmt::format("listen = [\"127.0.0.1:{}\"]", old_port));
        old = replaced(old, fmt::format("metrics = \"127.0.0.1:{}\"", world->front_metrics_port()),
                       fmt::format("metrics = \"127.0.0.1:{}\"", free_port()));
        replace_text(*world / "old.toml", old);
        if (!comes([] { return told("good").good(); }, visible))
            throw std::runtime_error("nothing is answered:\n" + world->log());
        std::filesystem::create_directory(*world / "old-store");
        must({"sqlite3", (*world / "store/pages.db").string(),
              ".backup '" + (*world / "old-store/pages.db").string() + "'"});
        left_behind =
            std::make_unique<Program>(std::vector<std::string>{front_program(), "--config", "old.toml"},
                                      *world / "", *world / "old.log");  // started by its test
    }
    void teardown() {
        left_behind->stop();
        left_behind.reset();
        world->stop();
        world.reset();
    }
    static Told told(const std::string& name) { return ask(world->url(), world->ca("ca"), name); }
};
BOOST_TEST_GLOBAL_FIXTURE(Compared);

double metric(const std::string& name, const std::string& with, const std::string& issuer) {
    return value_of(world->signer_metrics(),
                    fmt::format("eightbells_signer_{}{{issuer=\"{}\",with=\"{}\"}}", name, issuer, with));
}
double differences(const std::string& with, const std::string& issuer = "ca") {
    return metric("differences", with, issuer);
}
double compared(const std::string& with, const std::string& issuer = "ca") {
    return metric("compared_total", with, issuer);
}
// Of the CRL that is served there.
int entries(const std::string& path) {
    const std::string text = must({"sh", "-c",
                                   fmt::format("curl --silent --fail {}{} | openssl crl -inform DER -noout "
                                               "-text | grep -c 'Serial Number:' || true",
                                               world->url(), path)});
    return std::atoi(text.c_str());
}
double last_comparison(const std::string& issuer) {
    return value_of(
        world->signer_metrics(),
        fmt::format("eightbells_signer_last_comparison_timestamp_seconds{{issuer=\"{}\"}}", issuer));
}
std::string status() {
    return world->operate({"status"}).out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(comparison)

// Covers: C-09
BOOST_AUTO_TEST_CASE(what_agrees_is_compared_all_the_time_and_nothing_is_named) {
    for (const char* with : {"crl", "answers", "front"})
        BOOST_TEST(comes([&] { return compared(with) >= 40; }, visible),
                   with << "\n"
                        << Later{[&] { return world->signer_metrics(); }});
    for (const char* with : {"crl", "answers", "front"})
        BOOST_TEST(differences(with) == 0, with << "\n" << status());
}

// Covers: C-09
BOOST_AUTO_TEST_CASE(revocations_and_new_crls_one_after_the_other_are_no_difference) {
    Authority& ca = world->ca("ca");
    // `ca` makes its CRLs itself; for the other the signer does: complete, delta, two parts.
    const auto named = [] {
        double all = 0;
        for (const char* issuer : {"ca", "made"}) {
            for (const char* with : {"crl", "answers", "front"})
                all += differences(with, issuer);
        }
        return all;
    };
    for (int n = 0; n < often; ++n) {
        const std::string name = fmt::format("often-{}", n);
        world->ca("made").revoke(name, {"-crl_reason", "keyCompromise"});
        ++made_revoked;
        ca.revoke(name, {"-crl_reason", "superseded"});
        ca.make_crl();
        BOOST_TEST(comes([&] { return Compared::told(name).revoked("superseded"); }, visible));
        BOOST_TEST(named() == 0, status());
    }
    // Three times round after the last of them.
    for (int rounds = 0; rounds < 3; ++rounds) {
        const double before = last_comparison("made");
        BOOST_TEST(comes([&] { return last_comparison("made") > before; }, visible));
        BOOST_TEST(named() == 0, status());
    }
    BOOST_TEST(world->log().find("the ledger says ") == std::string::npos);
}

// Covers: C-09, D-02
BOOST_AUTO_TEST_CASE(no_entry_of_a_crl_that_is_made_here_is_good_from_the_moment_that_it_is_served) {
    Authority& made = world->ca("made");
    for (const char* path : {"made.crl", "made-delta.crl", "made-1.crl"}) {
        const std::string name = fmt::format("shown-{}", made_revoked++);
        made.issue(name);
        BOOST_TEST(comes([&] { return ask(world->url(), made, name).good(); }, visible));
        // The delta's base may be the first CRL, on which there was nothing, or a later one.
        const int listed = entries(path);
        Ended held;
        std::thread watcher{[&] {
            held = run({"/usr/bin/python3", EIGHTBELLS_SOURCE_DIR "/tests/conformance/crl_against_ocsp.py",
                        fmt::format("{}{}", world->url(), path), world->url(), (made / "issuer.pem").string(),
                        "120", fmt::format("{}", listed + 1)},
                       {}, {}, 180s);
        }};
        made.revoke(name, {"-crl_reason", "keyCompromise"});
        watcher.join();
        BOOST_TEST(held.ok(), path << ": " << held.all());
    }
}

// Covers: C-09, D-02
BOOST_AUTO_TEST_CASE(a_crl_made_without_a_revocation_that_was_known_before_it_is_named_until_it_has_it) {
    Authority& ca = world->ca("ca");
    BOOST_TEST(world->tell("revoke", ca, "event", {"--reason", "superseded"}).ok());
    // The CA's own index knows nothing of it, and so its CRL does not list it. A CRL's time is in whole
    // seconds: only in the next one is it certain that it came later.
    const auto told = std::chrono::system_clock::now();
    comes([&] { return std::chrono::system_clock::now() - told > 1s; });
    ca.make_crl();
    BOOST_TEST(comes([] { return differences("crl") == 1; }, visible), Later{[&] { return status(); }});
    const std::string said = status();
    BOOST_TEST(said.find(ca.serial("event")) != std::string::npos, said);
    BOOST_TEST(said.find("nothing: it is not listed") != std::string::npos, said);
    BOOST_TEST(comes(  // the log comes after the metric
        [] { return world->log().find("it says nothing: it is not listed") != std::string::npos; }, visible));
    BOOST_TEST(differences("answers") == 0, said);
    // A CRL with another time than the ledger's is another difference.
    ca.revoke("event", {"-crl_reason", "superseded"});
    ca.make_crl();
    BOOST_TEST(
        comes([] { return status().find("nothing: it is not listed") == std::string::npos; }, visible));
    BOOST_TEST(comes([] { return differences("crl") == 1; }, visible), Later{[&] { return status(); }});
    std::string at = said.substr(said.find("revoked at ") + 13, 18);  // without the century
    std::erase_if(at, [](char c) { return c == '-' || c == ':' || c == 'T'; });
    replace_text(ca / "index.txt", replaced(read_text(ca / "index.txt"), ca.entry("event").revoked_at, at));
    ca.make_crl();
    BOOST_TEST(comes([] { return differences("crl") == 0; }, visible), Later{[&] { return status(); }});
}

// Covers: G-26
BOOST_AUTO_TEST_CASE(the_cas_database_is_held_against_the_ledger_whole_though_not_a_byte_of_it_has_changed) {
    Authority& ca = world->ca("ca");
    const auto feed = [](const std::string& what) {
        return value_of(
            world->signer_metrics(),
            fmt::format("eightbells_signer_feed_{}_certificates{{issuer=\"ca\",source=\"index\"}}", what));
    };
    const auto restart = [] {
        world->stop();
        world->start();
    };
    ca.issue("reconciled");
    BOOST_REQUIRE(comes([] { return Compared::told("reconciled").good(); }, visible));
    restart();
    // All of it was read, and the ledger knows every line.
    const std::string all = fmt::format("issuer ca: index: read {}, issued 0, ", ca.index().size());
    BOOST_REQUIRE_MESSAGE(comes([&] { return world->log().find(all) != std::string::npos; }, visible),
                          Later{[&] { return world->log(); }});
    BOOST_TEST(comes([&] { return feed("missing") == 0; }, visible));
    const double before = feed("contradicted");
    // The ledger is told what the database does not say.
    BOOST_REQUIRE(world->tell("revoke", ca, "reconciled", {"--reason", "superseded"}).ok());
    BOOST_REQUIRE(comes([] { return Compared::told("reconciled").revoked("superseded"); }, visible));
    restart();
    BOOST_TEST(comes([&] { return feed("contradicted") == before + 1; }, visible),
               Later{[&] { return world->log(); }});
    BOOST_TEST(Compared::told("reconciled").revoked("superseded"));
    ca.revoke("reconciled", {"-crl_reason", "superseded"});
    replace_text(ca / "index.txt", replaced(read_text(ca / "index.txt"), ca.entry("reconciled").revoked_at,
                                            Compared::told("reconciled").revoked_at));
    BOOST_TEST(comes([&] { return feed("contradicted") == before; }, visible),
               Later{[&] { return world->log(); }});
    // A line of the database is lost: the certificate is kept, and answered as before.
    const std::string whole = read_text(ca / "index.txt");
    const auto at = whole.rfind('\n', whole.find("/CN=reconciled\n")) + 1;
    replace_text(ca / "index.txt", std::string{whole}.erase(at, whole.find('\n', at) + 1 - at));
    BOOST_TEST(comes([&] { return feed("missing") == 1; }, visible), Later{[&] { return world->log(); }});
    BOOST_TEST(Compared::told("reconciled").revoked("superseded"));
    replace_text(ca / "index.txt", whole);
    BOOST_TEST(comes([&] { return feed("missing") == 0; }, visible), Later{[&] { return world->log(); }});
}

// Covers: C-09, C-08
BOOST_AUTO_TEST_CASE(a_front_that_goes_on_serving_an_old_page_file_is_named) {
    Authority& ca = world->ca("ca");
    ca.revoke("changed", {"-crl_reason", "keyCompromise"});
    ca.make_crl();
    left_behind->start();
    const std::string old_url = fmt::format("http://127.0.0.1:{}/", old_port);
    BOOST_TEST(comes([&] { return Compared::told("changed").revoked("keyCompromise"); }, visible));
    BOOST_TEST(comes([&] { return ask(old_url, ca, "changed").good(); }, visible),
               Later{[&] { return read_text(*world / "old.log"); }});
    // All that was revoked since the copy: "event", "often" and "reconciled" as well.
    BOOST_TEST(comes([] { return differences("front") == often + 3; }, 3 * visible),
               Later{[&] { return status(); }});
    const std::string said = status();
    BOOST_TEST(said.find(ca.serial("changed")) != std::string::npos, said);
    BOOST_TEST(said.find(fmt::format("127.0.0.1:{} sha256", old_port)) != std::string::npos, said);
    BOOST_TEST(said.find(fmt::format("127.0.0.1:{} sha256", world->port())) == std::string::npos, said);
    // No serial in metrics and log.
    BOOST_TEST(world->signer_metrics().find(ca.serial("changed")) == std::string::npos);
    BOOST_TEST(world->log().find(ca.serial("changed")) == std::string::npos);
}

// Last: revoked is final, and so this cannot be undone.
// Covers: C-09
BOOST_AUTO_TEST_CASE(a_ledger_changed_behind_the_signers_back_differs_from_everything_else) {
    const Authority& ca = world->ca("ca");
    const std::string serial = ca.serial("planted");
    const double fronts = differences("front");
    must(
        {"sqlite3", "-cmd", ".timeout 20000", (*world / "signer/ledger.db").string(),
         "UPDATE certificates SET state = 2, reason = 1, revoked_at = unixepoch() - 86400 WHERE serial = x'" +
             serial + "'"});
    BOOST_TEST(comes([] { return differences("answers") == 1 && differences("crl") == 1; }, visible),
               Later{[&] { return status(); }});
    BOOST_TEST(comes([&] { return differences("front") == fronts + 1; }, 3 * visible),
               Later{[&] { return status(); }});
    const std::string said = status();
    BOOST_TEST(said.find(serial) != std::string::npos, said);
    BOOST_TEST(said.find(fmt::format("127.0.0.1:{} sha1", world->port())) != std::string::npos, said);
    BOOST_TEST(Compared::told("good").good());
}

BOOST_AUTO_TEST_SUITE_END()
