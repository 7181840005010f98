#define BOOST_TEST_MODULE conformance_replaced
#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <future>

#include "tests/conformance/relying_parties.h"

// Programs that are replaced, and configurations that are read again, while relying parties go on asking.
using namespace eightbells::conformance;

namespace {

const std::vector<std::pair<std::string, std::string>> known{
    {"good", "good"}, {"revoked", "revoked"}, {"hold", "revoked"}, {"expired", "good"}};

class Replaced : public RunWorld {
  public:
    explicit Replaced(const std::string& more = {}) : RunWorld({{"ca", KeyKind::p256, false, more}}) {
        start();
    }
    void reload() { ::kill(supervisor().pid(), SIGHUP); }
    std::size_t times(const std::string& what) const {
        std::size_t count = 0;
        const std::string text = log();
        for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
            ++count;
        return count;
    }
    // Until the log has said it once more.
    void must_say(const std::string& what, std::size_t times_before) const {
        const bool said = comes([&] { return times(what) > times_before; });
        BOOST_REQUIRE_MESSAGE(said, log());
    }
    void change(const std::string& from, const std::string& to) const {
        std::string text = read_text(*this / "eightbells.toml");
        const auto at = text.find(from);
        BOOST_REQUIRE_MESSAGE(at != std::string::npos, from);
        replace_text(*this / "eightbells.toml", text.replace(at, from.size(), to));
    }
    int max_age() const {
        const auto reply = fetch(port(), "/ca.crl");
        const auto at = reply ? reply->headers.find("max-age=") : std::string::npos;
        return at == std::string::npos ? -1 : std::atoi(reply->headers.c_str() + at + 8);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(replaced)

// Covers: G-24
BOOST_AUTO_TEST_CASE(all_programs_are_replaced_again_and_again_and_no_request_fails) {
    Replaced world;
    RelyingParties asking{world, world.ca("ca"), known};
    for (std::size_t round = 0; round < 3; ++round) {
        const pid_t before = world.child("eightbells-front");
        const pid_t signer = world.child("eightbells-signer");
        // Each is replaced while it is asked.
        BOOST_REQUIRE(
            comes([&] { return sum_of(world.front_metrics(), "eightbells_front_requests_total") > 70; }));
        world.reload();
        world.must_say("reload: done", round);
        BOOST_TEST(gone(before));
        BOOST_TEST(gone(signer));
        BOOST_TEST(world.front_ready());
    }
    BOOST_TEST(world.times("started again") == 0U, world.log());
    const Account account = asking.stop();
    BOOST_TEST_MESSAGE("three replacements: " << account);
    BOOST_TEST(account.flawless(), account);
    BOOST_TEST(account.sent > 200U);
}

BOOST_AUTO_TEST_CASE(what_was_revoked_last_is_known_to_the_front_that_takes_over) {
    Replaced world;
    Authority& ca = world.ca("ca");
    const std::vector<std::string> names{"good", "later", "latest"};
    ca.issue("later");
    ca.issue("latest");
    BOOST_REQUIRE(comes([&] { return ask(world.url(), ca, "latest").good(); }));
    for (const std::string& name : names) {
        const auto done = world.times("reload: done");
        BOOST_TEST(world.tell("revoke", ca, name, {"--reason", "superseded"}).ok());
        BOOST_REQUIRE(comes([&] { return ask(world.url(), ca, name).revoked("superseded"); }));
        RelyingParties asking{world, ca, {{name, "revoked"}}};
        world.reload();
        world.must_say("reload: done", done);
        const Account account = asking.stop();
        BOOST_TEST(account.flawless(), account);
    }
}

BOOST_AUTO_TEST_CASE(a_configuration_with_a_mistake_changes_nothing) {
    Replaced world;
    RelyingParties asking{world, world.ca("ca"), known};
    const pid_t front = world.child("eightbells-front");
    const pid_t signer = world.child("eightbells-signer");
    // A mistake in the file; a key that does not fit; a certificate that cannot be read.
    const std::string sound = read_text(world / "eightbells.toml");
    const auto refused = [&](const std::string& because) {
        const auto before = world.times("nothing is changed");
        world.reload();
        world.must_say("nothing is changed", before);
        BOOST_TEST(world.log().find(because) != std::string::npos, because);
        BOOST_TEST(world.child("eightbells-front") == front);
        BOOST_TEST(world.child("eightbells-signer") == signer);
    };
    world.change("scheme = \"eutl\"", "scheme = \"eutl\"\nvalidity = \"5h\"");
    refused("validity");
    replace_text(world / "eightbells.toml", sound);
    world.ca("ca").make_signer("other");
    world.change("ca/ocsp-signer.key", "ca/other.key");
    refused("--check ended with code 1");
    replace_text(world / "eightbells.toml", sound);
    world.change("ca/issuer.pem", "ca/index.txt");
    refused("--check ended with code 1");
    const Account account = asking.stop();
    BOOST_TEST(account.flawless(), account);
}

// Covers: F-27
BOOST_AUTO_TEST_CASE(a_ca_that_is_lost_from_the_configuration_is_served_on) {
    Replaced world;
    const std::string with = read_text(world / "eightbells.toml");
    const Authority other{world / "other", "other", KeyKind::p256};
    world.change("name = \"ca\"\ncertificate = \"ca/", "name = \"ca\"\ncertificate = \"other/");
    world.change("ca/index.txt", "other/index.txt");
    world.change("ca/ocsp-signer.pem", "other/ocsp-signer.pem");
    world.change("ca/ocsp-signer.key", "other/ocsp-signer.key");
    if (with.find("ca/crl.pem") != std::string::npos)
        world.change("ca/crl.pem", "other/crl.pem");
    const auto before = world.times("nothing is changed");
    world.reload();
    world.must_say("nothing is changed", before);
    BOOST_TEST(world.times("F-27: the issuer \"ca\" is left out") == 1U, world.log());
    BOOST_TEST(ask(world.url(), world.ca("ca"), "good").good());
}

BOOST_AUTO_TEST_CASE(a_new_configuration_holds_from_the_replacement_on_addresses_too) {
    Replaced world;
    const std::uint16_t second = free_port();
    BOOST_TEST(comes([&] { return world.max_age() > 300; }));
    RelyingParties asking{world, world.ca("ca"), known};
    const std::string first = "127.0.0.1:" + std::to_string(world.port());
    world.change("\"" + first + "\"", "\"" + first + "\", \"127.0.0.1:" + std::to_string(second) + "\"");
    world.change("scheme = \"eutl\"", "scheme = \"eutl\"\ncache_for = \"5m\"");
    world.reload();
    world.must_say("reload: done", 0);
    BOOST_TEST(world.max_age() > 0);
    BOOST_TEST(world.max_age() <= 300);
    BOOST_TEST(fetch(second, "/ca.crl").has_value());
    const Account account = asking.stop();
    BOOST_TEST(account.flawless(), account);
}

BOOST_AUTO_TEST_CASE(clients_of_a_front_that_crashed_wait_for_the_next_one) {
    Replaced world;
    const pid_t front = world.child("eightbells-front");
    BOOST_REQUIRE(front > 0);
    ::kill(front, SIGSTOP);  // nobody takes connections: these wait in the socket
    auto waiting = std::async(std::launch::async, [&] { return ask(world.url(), world.ca("ca"), "good"); });
    ::kill(front, SIGKILL);
    BOOST_TEST(waiting.get().good());
}

BOOST_AUTO_TEST_CASE(a_front_that_cannot_take_over_leaves_the_one_before_in_its_place) {
    Replaced world;
    RelyingParties asking{world, world.ca("ca"), known};
    const pid_t front = world.child("eightbells-front");
    world.reload();
    // The new one is killed before it is ready.
    pid_t next = 0;
    BOOST_REQUIRE(front > 0);
    BOOST_REQUIRE(comes([&] {
        for (const pid_t child : world.supervisor().children()) {
            // One that has ended meanwhile has none.
            std::ifstream command{"/proc/" + std::to_string(child) + "/cmdline"};
            const std::string words{std::istreambuf_iterator<char>{command}, {}};
            if (child != front && words.find("eightbells-front") != std::string::npos &&
                words.find("--check") == std::string::npos)
                next = child;
        }
        return next != 0;
    }));
    ::kill(next, SIGKILL);
    BOOST_REQUIRE(
        comes([&] { return world.times("the front stays as it is") + world.times("reload: done") > 0; }));
    // Killed in time it left the first one alone; killed too late it is replaced like any front.
    BOOST_TEST(comes([&] { return world.front_ready(); }));
    if (world.times("the front stays as it is") > 0)
        BOOST_TEST(world.child("eightbells-front") == front);
    const Account account = asking.stop();
    BOOST_TEST(account.wrong + account.expired == 0U, account);
}

// A front of its own, on the page file that `eightbells run` made, with sockets from systemd's own program.
BOOST_AUTO_TEST_CASE(a_front_takes_the_sockets_that_systemd_gives_it) {
    const std::string activate = "/usr/bin/systemd-socket-activate";
    if (!std::filesystem::exists(activate)) {
        BOOST_TEST_MESSAGE("skipped: " << activate << " is not installed");
        return;
    }
    Replaced world;
    const std::uint16_t first = free_port();
    const std::uint16_t second = free_port();
    std::string text = read_text(world / "eightbells.toml");
    const std::string old_data = "data = \"front-0\"";
    text.replace(text.find(old_data), old_data.size(), "data = \"front-1\"");
    const std::string old_metrics = "127.0.0.1:" + std::to_string(world.front_metrics_port());
    text.replace(text.find(old_metrics), old_metrics.size(), "127.0.0.1:" + std::to_string(free_port()));
    replace_text(world / "second.toml", text);
    Program given{{activate, "-l", "127.0.0.1:" + std::to_string(first), "-l",
                   "127.0.0.1:" + std::to_string(second), front_program(), "--config", "second.toml"},
                  world / "",
                  world / "second.log"};
    given.start();
    // The first to come starts the front, and waits for it. Before, systemd's program must have its sockets.
    const auto answered = [&](std::uint16_t port) {
        return comes([&] {
            return given.running() &&
                   ask("http://127.0.0.1:" + std::to_string(port) + "/", world.ca("ca"), "good").good();
        });
    };
    BOOST_TEST(answered(first), given.log());
    BOOST_TEST(answered(second), given.log());
    BOOST_TEST(given.stop() == 0, given.log());
}

BOOST_AUTO_TEST_CASE(a_second_front_on_the_same_folder_without_given_sockets_is_refused) {
    const Replaced world;
    const Ended second = run({front_program(), "--config", (world / "eightbells.toml").string()}, world / "");
    BOOST_TEST(second.code == 1);
    BOOST_TEST(second.err.find("another front runs on this data folder") != std::string::npos, second.err);
}

BOOST_AUTO_TEST_SUITE_END()
