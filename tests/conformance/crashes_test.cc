#define BOOST_TEST_MODULE conformance_crashes
#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <memory>

#include "tests/conformance/later.h"
#include "tests/conformance/world.h"

// `eightbells run` whose parts are killed and whose files are looked into: what is served stays right.
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

constexpr auto visible = patience;

std::unique_ptr<RunWorld> world;
struct Crashes {
    void setup() {
        world = std::make_unique<RunWorld>(
            std::vector<World::Issuer>{{"p256", KeyKind::p256}, {"rsa", KeyKind::rsa2048}});
        world->ca("p256").issue("later");
        world->start();
    }
    void teardown() {
        world->stop();
        world.reset();
    }
};
BOOST_TEST_GLOBAL_FIXTURE(Crashes);

// The DER answer that the front sends to OpenSSL.
std::string sent_answer(const Authority& authority, const std::string& name, const std::string& hash) {
    const auto file = *world / "sent.der";
    must({"openssl", "ocsp", "-url", world->url(), "-issuer", "issuer.pem", "-CAfile", "issuer.pem",
          "-no_nonce", "-" + hash, "-cert", name + ".pem", "-respout", file.string()},
         authority.folder());
    return read_text(file);
}

// Runs Python over a page file: SQLite's own library, not ours.
std::string python_on(const std::filesystem::path& page_file, const std::string& code) {
    return must({"/usr/bin/python3", "-c", "import sqlite3,sys\nd=sqlite3.connect(sys.argv[1])\n" + code,
                 page_file.string()});
}

// A configuration like the world's, on a store of its own.
std::filesystem::path configuration_on(const std::string& store) {
    std::string text = read_text(*world / "eightbells.toml");
    const std::string was = "directory = \"store\"";
    text.replace(text.find(was), was.size(), "directory = \"" + store + "\"");
    const auto file = *world / (store + ".toml");
    replace_text(file, text);
    return file;
}

Ended verify(const std::filesystem::path& configuration) {
    return run({eightbells_program(), "--config", configuration.string(), "verify"});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crashes)

// Covers: B-24
BOOST_AUTO_TEST_CASE(show_prints_the_very_bytes_that_the_front_sends) {
    for (const auto& authority : world->authorities()) {
        for (const std::string name : {"good", "revoked", "hold", "expired"}) {
            for (const std::string hash : {"sha1", "sha256"}) {
                const Ended shown = world->operate({"show", authority->serial(name), "--issuer",
                                                    authority->name(), "--hash", hash, "--der"});
                BOOST_TEST(shown.ok(), shown.err);
                BOOST_TEST((shown.out == sent_answer(*authority, name, hash)), authority->name()
                                                                                   << name << hash);
            }
        }
        const Ended text =
            world->operate({"show", authority->serial("revoked"), "--issuer", authority->name()});
        BOOST_TEST(text.out.find("keyCompromise") != std::string::npos, text.all());
    }
    const Ended unissued = world->operate({"show", "0123456789ABCDEF", "--issuer", "p256", "--der"});
    BOOST_TEST((unissued.out == std::string("\x30\x03\x0a\x01\x06")));
}

// Covers: B-23
BOOST_AUTO_TEST_CASE(verify_is_content_with_the_store_and_finds_one_changed_octet) {
    const Ended sound = verify(*world / "eightbells.toml");
    BOOST_TEST(sound.code == 0, sound.all());
    BOOST_TEST(sound.out.find(" 0 faults") != std::string::npos, sound.all());
    const std::string serial = world->ca("p256").serial("good");
    for (const std::string kind : {"page", "head", "profile", "table"}) {
        const auto store = "copy-" + kind;
        std::filesystem::create_directories(*world / store);
        python_on(world->store(),
                  "c=sqlite3.connect('" + (*world / (store + "/pages.db")).string() +
                      "')\nd.backup(c)\n"
                      "n,b=c.execute(\"SELECT name,bytes FROM blob WHERE name LIKE '%:" +
                      kind +
                      "%' ORDER BY length(bytes) DESC\").fetchone()\n"
                      "b=bytearray(b)\nb[len(b)//2]^=1\n"
                      "c.execute('UPDATE blob SET bytes=? WHERE name=?',(bytes(b),n))\nc.commit()\n");
        const Ended found = verify(configuration_on(store));
        BOOST_TEST(found.code == 1, kind << ": " << found.all());
        BOOST_TEST(found.err.find("issuer ") != std::string::npos, kind << ": " << found.all());
    }
}

BOOST_AUTO_TEST_CASE(front_and_verify_trust_the_same_file_of_store_keys) {
    const std::string key = read_text(*world / "signer/store-key.pub");
    replace_text(*world / "keys", "# of the signer in the cellar\n\n  " + key.substr(0, 64) + " \r\n");
    std::string text = read_text(configuration_on("store"));
    text.replace(text.find("[front]\n"), 8, "[front]\nstore_key_files = [\"keys\"]\n");
    replace_text(*world / "keys.toml", text);
    BOOST_TEST(verify(*world / "keys.toml").code == 0);
    replace_text(*world / "keys", std::string(64, '0') + "\n");
    BOOST_TEST(verify(*world / "keys.toml").code == 1);
}

BOOST_AUTO_TEST_CASE(the_front_goes_on_while_the_signer_is_killed_and_the_signer_comes_back) {
    const Authority& authority = world->ca("p256");
    const std::string before = sent_answer(authority, "good", "sha256");
    const pid_t signer = world->child("eightbells-signer");
    BOOST_REQUIRE(signer > 0);
    const auto epoch =
        value_of(world->signer_metrics(), "eightbells_signer_published_epoch{issuer=\"p256\"}");
    ::kill(signer, SIGKILL);
    for (int i = 0; i < 5; ++i)
        BOOST_TEST((sent_answer(authority, "good", "sha256") == before));
    BOOST_TEST(comes(
                   [&] {
                       const pid_t now = world->child("eightbells-signer");
                       return now > 0 && now != signer && world->signer_ready();
                   },
                   visible),
               world->log());
    // What was signed is taken up, not signed again; a new life is a new epoch.
    BOOST_TEST((sent_answer(authority, "good", "sha256") == before));
    BOOST_TEST(sum_of(world->signer_metrics(), "eightbells_signer_signatures_total") == 0);
    BOOST_TEST(world->tell("revoke", authority, "later", {"--reason", "superseded"}).ok());
    BOOST_TEST(comes([&] { return ask(world->url(), authority, "later").revoked("superseded"); }, visible),
               Later{[&] { return world->log(); }});
    BOOST_TEST(comes([&] {
        return value_of(world->signer_metrics(), "eightbells_signer_published_epoch{issuer=\"p256\"}") >
               epoch;
    }));
}

BOOST_AUTO_TEST_CASE(the_front_is_started_again_when_it_is_killed) {
    const pid_t front = world->child("eightbells-front");
    BOOST_REQUIRE(front > 0);
    ::kill(front, SIGKILL);
    BOOST_TEST(comes(
                   [&] {
                       const pid_t now = world->child("eightbells-front");
                       return now > 0 && now != front && world->front_ready();
                   },
                   visible),
               world->log());
    BOOST_TEST(ask(world->url(), world->ca("p256"), "good").good());
}

// Covers: D-18
BOOST_AUTO_TEST_CASE(a_front_starts_from_its_own_page_file_with_store_and_signer_gone) {
    const Authority& authority = world->ca("p256");
    // Wholly held: a look at the store has copied everything.
    BOOST_TEST(comes([&] { return world->front_ready(); }, visible));
    const std::string before = sent_answer(authority, "good", "sha256");
    const std::string crl = fetch(world->port(), "/p256.crl").value_or(Reply{}).body;
    world->stop();
    std::filesystem::rename(*world / "store", *world / "store-elsewhere");
    {
        Program front{
            {front_program(), "--config", "eightbells.toml"}, *world / "", *world / "front-alone.log"};
        front.start();
        BOOST_TEST(comes([&] { return world->front_ready(); }, visible), front.log());
        BOOST_TEST((sent_answer(authority, "good", "sha256") == before));
        BOOST_TEST(ask(world->url(), authority, "revoked", "sha1").revoked("keyCompromise"));
        BOOST_TEST(ask(world->url(), authority, "later").revoked("superseded"));
        BOOST_TEST(ask(world->url(), authority, "unissued").refusal == "unauthorized (6)");
        BOOST_TEST((fetch(world->port(), "/p256.crl").value_or(Reply{}).body == crl));
        BOOST_TEST(
            comes([] { return value_of(world->front_metrics(), "eightbells_front_store_reachable") == 0; }));
        // Several certificates in one request need the signer: the front says to come back.
        const auto several = ask_all(world->url(), authority, {"-cert", "good.pem", "-cert", "revoked.pem"});
        BOOST_TEST(several.front().refusal == "trylater (3)", several.front().all);
        BOOST_TEST(front.stop() == 0);
    }
    std::filesystem::rename(*world / "store-elsewhere", *world / "store");
    world->start();
    BOOST_TEST((sent_answer(authority, "good", "sha256") == before));
}

// Cut short or edited, a page file is no reason to answer wrongly or not to start: the front takes the
// store's.
BOOST_AUTO_TEST_CASE(a_front_replaces_its_page_file_when_it_is_damaged) {
    const Authority& authority = world->ca("p256");
    world->stop();
    const auto own = *world / "front-0/pages.db";
    BOOST_REQUIRE(std::filesystem::exists(own));
    const std::string whole = read_text(own);
    replace_text(own, whole.substr(0, whole.size() / 2));
    world->start();
    BOOST_TEST(ask(world->url(), authority, "good").good());
    world->stop();
    replace_text(own, std::string(whole.size(), 'x'));
    world->start();
    BOOST_TEST(ask(world->url(), authority, "good").good());
    BOOST_TEST(ask(world->url(), authority, "revoked").revoked("keyCompromise"));
}

BOOST_AUTO_TEST_SUITE_END()
