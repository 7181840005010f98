#define BOOST_TEST_MODULE conformance_generated_crl
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>

#include "tests/conformance/later.h"
#include "tests/conformance/world.h"

// `eightbells run` with CAs that gave their keys for CRLs: what is served is judged by openssl, GnuTLS, Java
// and Python's `cryptography`, in the order of a CA's life: the tests of a CA follow one another.
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

constexpr const char* module_path = "/usr/lib/softhsm/libsofthsm2.so";
constexpr auto visible = patience;  // a delay of a second, on a busy machine

std::string uri(const std::string& ca, const std::string& part) {
    return fmt::format("http://CRL.example.org/{}-{}.crl", ca, part);
}
std::string generated(const std::string& ca, const std::string& more = {}) {
    return fmt::format("[issuer.generated_crl]\nkey = \"{0}/issuer.key\"\ndelay = \"1s\"\n{1}", ca, more);
}

// The same for a CA whose key is in a token.
std::string in_token(const std::string& ca) {
    return fmt::format(
        "[issuer.generated_crl]\nkey = \"pkcs11:token={0};object=crl?module-path={1}\"\nkey_passphrase = "
        "\"{0}/pin\"\ndelay = \"1s\"\n",
        ca, module_path);
}

std::unique_ptr<RunWorld> world;
struct Worlds {
    // SoftHSM: a token in files behind the interface of hardware. The file with the key is gone from where a
    // signer looks.
    static void move_key_into_token(const Authority& ca) {
        std::filesystem::create_directory(*world / "tokens");
        const std::string settings = (*world / "softhsm.conf").string();
        replace_text(settings, fmt::format("directories.tokendir = {}\nlog.level = ERROR\n",
                                           (*world / "tokens").string()));
        ::setenv("SOFTHSM2_CONF", settings.c_str(), 1);
        must({"softhsm2-util", "--init-token", "--free", "--label", ca.name(), "--pin", "1234", "--so-pin",
              "567890"});
        must({"softhsm2-util", "--import", "issuer.key", "--token", ca.name(), "--label", "crl", "--id", "01",
              "--pin", "1234"},
             ca.folder());
        replace_text(ca / "pin", "1234\n");
        std::filesystem::permissions(ca / "pin", std::filesystem::perms::owner_read);
        std::filesystem::rename(ca / "issuer.key", ca / "in-the-token.key");
    }
    void setup() {
        const std::string parts = fmt::format("delta = \"{}\"\npartitions = [\"{}\", \"{}\"]\n",
                                              uri("p256", "delta"), uri("p256", "1"), uri("p256", "2"));
        world = std::make_unique<RunWorld>(std::vector<World::Issuer>{
            {"p256", KeyKind::p256, false, "issued = \"p256/certs\"\n" + generated("p256", parts), false,
             false},
            {"g4", KeyKind::rsa4096, true, generated("g4", "rsa_pss = true\n"), false, false},
            {"old", KeyKind::p384, false, in_token("old"), false, false}});
        move_key_into_token(world->ca("old"));
        // With distribution points, as a CA writes them.
        const Authority& ca = world->ca("p256");
        std::string settings = read_text(ca / "settings");
        for (const char* part : {"1", "2"})
            settings +=
                fmt::format("[leaf-{0}]\nauthorityKeyIdentifier = keyid\ncrlDistributionPoints = URI:{1}\n",
                            part, uri("p256", part));
        replace_text(ca / "settings", settings);
        for (const auto& [name, part] : {std::pair{"one-a", "1"}, {"one-b", "1"}, {"two-a", "2"}})
            must({"openssl", "ca", "-batch", "-config", "settings", "-notext", "-extensions",
                  fmt::format("leaf-{}", part), "-in", "leaf.csr", "-subj", fmt::format("/CN={}", name),
                  "-out", fmt::format("{}.pem", name)},
                 ca.folder());
        world->start();
    }
    void teardown() {
        world->stop();
        world.reset();
    }
};
BOOST_TEST_GLOBAL_FIXTURE(Worlds);

// What `cryptography` reads in a served CRL; empty while there is none.
std::string facts(const Authority& ca, const std::string& file) {
    const Ended got = run({"curl", "--silent", "--fail", world->url() + file});
    if (!got.ok())
        return {};
    replace_text(ca / file, got.out);
    return must({"/usr/bin/python3", "-B", EIGHTBELLS_SOURCE_DIR "/tests/signer/data/crl_facts.py",
                 "issuer.pem", file},
                ca.folder());
}
bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}
// What stands behind `begin` on its line; empty: no such line.
std::string fact(const std::string& text, const std::string& begin) {
    const auto at = ("\n" + text).find("\n" + begin + " ");
    if (at == std::string::npos)
        return {};
    const auto from = at + begin.size() + 1;
    return text.substr(from, text.find('\n', from) - from);
}
unsigned long long number(const std::string& text) {
    const std::string hex = fact(text, "extension 2.5.29.20 -");
    BOOST_REQUIRE_MESSAGE(!hex.empty(), text);
    return std::stoull(hex, nullptr, 16);
}
bool lists(const std::string& text, const Authority& ca, const std::string& name) {
    return contains(text, "\nentry " + ca.serial(name) + " ");
}
// The CRL, as the certificate's relying party fetches it, says so.
bool comes_to_list(const Authority& ca, const std::string& file, const std::string& name) {
    return comes([&] { return lists(facts(ca, file), ca, name); }, visible);
}

// As openssl's options take it: 2026-11-22T06:40:00Z is 20261122064000Z.
std::string compact(std::string iso) {
    std::erase_if(iso, [](char c) { return c == '-' || c == ':' || c == 'T'; });
    return iso;
}
// The lines of `text` that `other` has not.
std::multiset<std::string> lines_beyond(const std::string& text, const std::string& other) {
    const auto lines = [](const std::string& of) {
        std::multiset<std::string> found;
        std::istringstream stream{of};
        for (std::string line; std::getline(stream, line);)
            found.insert(line);
        return found;
    };
    const auto all = lines(text);
    const auto known = lines(other);
    std::multiset<std::string> beyond;
    std::ranges::set_difference(all, known, std::inserter(beyond, beyond.end()));
    return beyond;
}

std::string pem(const Authority& ca, const std::string& file) {
    return must({"openssl", "crl", "-inform", "DER", "-in", file, "-CAfile", "issuer.pem"}, ca.folder());
}
std::string verify(const Authority& ca, const std::string& crls, const std::string& name,
                   const std::vector<std::string>& how = {}) {
    replace_text(ca / "crls.pem", crls);
    std::vector<std::string> words{"openssl",    "verify",   "-crl_check", "-CAfile",
                                   "issuer.pem", "-CRLfile", "crls.pem"};
    words.insert(words.end(), how.begin(), how.end());
    words.push_back(name + ".pem");
    return run(words, ca.folder()).all();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(generated_crl)

// Covers: F-01, F-03, F-20, F-21, F-27
BOOST_AUTO_TEST_CASE(openssl_gnutls_and_java_check_certificates_by_a_crl_that_was_made_here) {
    for (const char* name : {"p256", "g4", "old"}) {
        const Authority& ca = world->ca(name);
        const std::string file = ca.name() + ".crl";
        // Every reason that the CA gave, and no other; an import is on the CRL in more than one step.
        const auto is_complete = [&] {
            const std::string text = facts(ca, file);
            const auto agrees = [&](const auto& known) {
                return lists(text, ca, known.first) == (known.second.kind == "R");
            };
            return std::ranges::all_of(ca.index(), agrees);
        };
        BOOST_REQUIRE_MESSAGE(comes(is_complete, visible), Later{[&] { return world->log(); }});
        const std::string read = facts(ca, file);
        BOOST_TEST(contains(read, "signature True\n"), read);
        BOOST_TEST(contains(read, "issuer True True\n"), read);
        const std::string crl = pem(ca, file);
        BOOST_TEST(contains(verify(ca, crl, "good"), "good.pem: OK"), verify(ca, crl, "good"));
        BOOST_TEST(contains(verify(ca, crl, "revoked"), "certificate revoked"));
        const Ended java =
            run({"java", "-XX:TieredStopAtLevel=1", EIGHTBELLS_SOURCE_DIR "/tests/conformance/CheckCrl.java",
                 "issuer.pem", file, "good.pem", "revoked.pem"},
                ca.folder());
        BOOST_TEST(java.out == "good\nrevoked\n", java.all());
        replace_text(ca / "served.pem", crl);
        const Ended gnutls =
            run({"certtool", "--verify-crl", "--load-ca-certificate", "issuer.pem", "--infile", "served.pem"},
                ca.folder());
        BOOST_TEST(contains(gnutls.all(), "Verified. The certificate is trusted."), gnutls.all());
        const std::string head = must({"curl", "--silent", "--head", world->url() + file});
        BOOST_TEST(contains(head, "application/pkix-crl"), head);
        BOOST_TEST(contains(read, ca.serial("superseded") + " "), read);
    }
}

// Covers: F-01, F-02, F-03, F-04, F-05, F-07, F-08, F-10
BOOST_AUTO_TEST_CASE(every_field_has_the_octets_that_openssl_ca_gencrl_gives_it_for_the_same_ledger) {
    for (const auto& [name, md] : {std::pair{"p256", "sha256"}, {"g4", "sha512"}, {"old", "sha384"}}) {
        BOOST_TEST_CONTEXT(name) {
            const Authority& ca = world->ca(name);
            const std::string read = facts(ca, fmt::format("{}.crl", name));
            const auto fields = [&](const std::string& file) {
                return must({"/usr/bin/python3", "-B",
                             EIGHTBELLS_SOURCE_DIR "/tests/signer/data/crl_fields.py", file},
                            ca.folder());
            };
            const std::string ours = fields(fmt::format("{}.crl", name));
            std::string hex = fact(read, "extension 2.5.29.20 -");
            hex.insert(0, hex.size() % 2, '0');
            replace_text(ca / "crlnumber", hex + "\n");
            std::vector<std::string> words{
                "openssl",
                "ca",
                "-batch",
                "-config",
                "settings",
                "-gencrl",
                "-crlexts",
                "crl",
                "-md",
                md,
                "-crl_lastupdate",
                compact(fact(read, "this")),
                "-crl_nextupdate",
                compact(fact(read, "next")),
                "-out",
                "theirs.pem",
                "-keyfile",
                std::filesystem::exists(ca / "issuer.key") ? "issuer.key" : "in-the-token.key"};
            if (ca.pss())
                words.insert(words.end(),
                             {"-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:64"});
            must(words, ca.folder());
            must({"openssl", "crl", "-in", "theirs.pem", "-outform", "DER", "-out", "theirs.crl"},
                 ca.folder());
            const std::string theirs = fields("theirs.crl");

            // What differs is meant:
            const auto entry = [&](const char* of) { return "entry " + ca.serial(of) + " "; };
            std::multiset<std::string> less{
                // A reason that is unspecified is left out (RFC 5280, section 5.3.1; F-08).
                entry("unspecified") + "extensions 1",
                entry("unspecified") + "extension 2.5.29.21 300a0603551d1504030a0100",
                // RFC 5280 has no hold instructions any more.
                entry("hold-instruction") + "extensions 2",
                entry("hold-instruction") + "extension 2.5.29.23 30100603551d17040906072a8648ce380202"};
            std::multiset<std::string> more{entry("unspecified") + "extensions absent",
                                            entry("hold-instruction") + "extensions 1"};
            // Since when expired certificates stay (F-17), when the next one comes (F-25), where the delta is
            // (F-15).
            std::vector<std::string> added{"2.5.29.60", "1.3.6.1.4.1.311.21.4"};
            if (ca.name() == "p256")
                added.emplace_back("2.5.29.46");
            less.insert("extensions 2");
            more.insert(fmt::format("extensions {}", 2 + added.size()));
            auto surplus = lines_beyond(ours, theirs);
            for (const std::string& oid : added)
                BOOST_TEST(std::erase_if(surplus,
                                         [&](const std::string& line) {
                                             return line.starts_with("extension " + oid + " ");
                                         }) == 1U,
                           oid);
            BOOST_TEST(fmt::format("{}", fmt::join(surplus, "\n")) ==
                       fmt::format("{}", fmt::join(more, "\n")));
            BOOST_TEST(fmt::format("{}", fmt::join(lines_beyond(theirs, ours), "\n")) ==
                       fmt::format("{}", fmt::join(less, "\n")));
            // Entries may stand in any order; all of them are there.
            BOOST_TEST(std::ranges::count(ours, '\n') > 60);
        }
    }
}

// Covers: D-12, F-04, F-15
BOOST_AUTO_TEST_CASE(a_revocation_is_on_the_next_crl_and_its_delta_within_the_delay) {
    Authority& ca = world->ca("p256");
    const std::string before = facts(ca, "p256.crl");
    const std::string base = pem(ca, "p256.crl");
    BOOST_TEST(fact(before, "extension 2.5.29.46 -") == uri("p256", "delta"), before);
    BOOST_TEST(contains(verify(ca, base, "good"), "OK"));
    const Ended told = world->tell("revoke", ca, "good", {"--reason", "superseded"});
    BOOST_REQUIRE_MESSAGE(told.ok(), told.all());
    BOOST_REQUIRE_MESSAGE(comes_to_list(ca, "p256.crl", "good"), Later{[&] { return world->log(); }});
    const std::string after = facts(ca, "p256.crl");
    BOOST_TEST(number(after) > number(before));
    BOOST_TEST(contains(fact(after, "entry " + ca.serial("good")), "superseded"), after);
    // The delta goes with the CRL from before, and the two together say what the new one says.
    const auto delta_is_there = [&] {
        const std::string read = facts(ca, "p256-delta.crl");
        return !read.empty() && number(read) == number(after);
    };
    BOOST_REQUIRE(comes(delta_is_there, visible));
    const std::string delta = facts(ca, "p256-delta.crl");
    BOOST_TEST(contains(delta, "signature True\n"), delta);
    BOOST_TEST(fact(delta, "extension 2.5.29.27 critical") == fact(before, "extension 2.5.29.20 -"), delta);
    BOOST_TEST(fact(delta, "extension 2.5.29.46 -").empty(), delta);
    BOOST_TEST(lists(delta, ca, "good"), delta);
    BOOST_TEST(!lists(delta, ca, "revoked"), delta);
    const std::string both = base + pem(ca, "p256-delta.crl");
    BOOST_TEST(contains(verify(ca, both, "good", {"-use_deltas"}), "certificate revoked"));
    BOOST_TEST(contains(verify(ca, both, "one-b", {"-use_deltas"}), "OK"),
               verify(ca, both, "one-b", {"-use_deltas"}));
    // By the CA's own records too, not by an event alone.
    ca.revoke("expired", {"-crl_reason", "cessationOfOperation"});
    BOOST_TEST(comes_to_list(ca, "p256.crl", "expired"), Later{[&] { return world->log(); }});
}

// Covers: F-12, F-14
BOOST_AUTO_TEST_CASE(each_part_has_the_uri_of_its_certificates_byte_for_byte_and_lists_them) {
    const Authority& ca = world->ca("p256");
    for (const char* name : {"one-a", "two-a"})
        BOOST_REQUIRE(world->tell("revoke", ca, name).ok());
    for (const auto& [file, own, other] :
         {std::tuple{"p256-1.crl", "one-a", "two-a"}, {"p256-2.crl", "two-a", "one-a"}}) {
        BOOST_REQUIRE_MESSAGE(comes_to_list(ca, file, own), Later{[&] { return world->log(); }});
        const std::string read = facts(ca, file);
        BOOST_TEST(contains(read, "signature True\n"), read);
        BOOST_TEST(!lists(read, ca, other), read);
        // What `cryptography` reads in the certificate.
        const std::string point =
            must({"/usr/bin/python3", "-c",
                  "import sys; from cryptography import x509\n"
                  "c = x509.load_pem_x509_certificate(open(sys.argv[1], 'rb').read())\n"
                  "p = c.extensions.get_extension_for_class(x509.CRLDistributionPoints).value\n"
                  "print(p[0].full_name[0].value, end='')",
                  (ca / (std::string{own} + ".pem")).string()});
        BOOST_TEST(fact(read, "extension 2.5.29.28 critical") == point, read);
        BOOST_TEST(contains(verify(ca, pem(ca, file), own), "certificate revoked"));
        BOOST_TEST(contains(verify(ca, pem(ca, file), other), "scope"), verify(ca, pem(ca, file), other));
    }
    BOOST_TEST(contains(verify(ca, pem(ca, "p256-1.crl"), "one-b"), "OK"));
    // Both of them are on the complete one, which covers all and so names no part (F-13).
    for (const char* name : {"one-a", "two-a"})
        BOOST_TEST(comes_to_list(ca, "p256.crl", name), name);
    const std::string complete = facts(ca, "p256.crl");
    BOOST_TEST(fact(complete, "extension 2.5.29.28 critical").empty(), complete);
}

// Covers: D-15
BOOST_AUTO_TEST_CASE(the_spare_lies_ready_verifies_and_lasts_longer) {
    const Authority& ca = world->ca("g4");
    const std::string served = facts(ca, "g4.crl");
    BOOST_REQUIRE(!served.empty());
    // It may be made after the one that is served, and replaced while it is looked for.
    std::string spare;
    const auto is_there = [&] {
        for (const auto& entry : std::filesystem::directory_iterator(*world / "signer/crl-spares")) {
            std::error_code gone;
            std::filesystem::copy_file(entry.path(), ca / "spare.crl",
                                       std::filesystem::copy_options::overwrite_existing, gone);
            const Ended read =
                run({"/usr/bin/python3", "-B", EIGHTBELLS_SOURCE_DIR "/tests/signer/data/crl_facts.py",
                     "issuer.pem", "spare.crl"},
                    ca.folder());
            if (gone || !read.ok() || !contains(read.out, "signature True\n"))
                continue;  // another CA's
            spare = read.out;
            return number(spare) == number(served) + 1;
        }
        return false;
    };
    BOOST_REQUIRE_MESSAGE(comes(is_there, visible), Later{[&] { return spare; }});
    BOOST_TEST(fact(spare, "next") > fact(served, "next"));
    BOOST_TEST(fact(spare, "this") == fact(served, "this"));
}

// Covers: F-04
BOOST_AUTO_TEST_CASE(the_number_rises_over_a_restart_and_a_crash) {
    const Authority& ca = world->ca("g4");
    unsigned long long last = number(facts(ca, "g4.crl"));
    world->stop();
    world->start();
    BOOST_REQUIRE(world->tell("revoke", ca, "good").ok());
    BOOST_REQUIRE_MESSAGE(comes_to_list(ca, "g4.crl", "good"), Later{[&] { return world->log(); }});
    BOOST_TEST(number(facts(ca, "g4.crl")) > last);
    last = number(facts(ca, "g4.crl"));
    // Acknowledged, and the signer dies at once.
    BOOST_REQUIRE(world->tell("revoke", ca, "lapsed").ok());
    BOOST_REQUIRE(world->child("eightbells-signer") != 0);
    must({"kill", "-9", std::to_string(world->child("eightbells-signer"))});
    BOOST_REQUIRE_MESSAGE(comes_to_list(ca, "g4.crl", "lapsed"), Later{[&] { return world->log(); }});
    BOOST_TEST(number(facts(ca, "g4.crl")) > last);
    BOOST_TEST(contains(facts(ca, "g4.crl"), "signature True\n"));
}

// Covers: F-18
BOOST_AUTO_TEST_CASE(the_last_crl_is_refused_while_a_certificate_lives_and_stays_when_it_is_out) {
    const Authority& ca = world->ca("old");
    BOOST_REQUIRE(comes_to_list(ca, "old.crl", "revoked"));
    const Ended refused = world->operate({"last-crl", "old"});
    BOOST_TEST(!refused.ok());
    BOOST_TEST(contains(refused.err, "F-18"), refused.all());
    for (const auto& [name, entry] : ca.index()) {
        const bool hold = entry.reason == "certificateHold" || entry.reason.starts_with("holdInstruction");
        if (name == "expired" || name == "lapsed" || (entry.kind == "R" && !hold))
            continue;
        BOOST_TEST(!world->operate({"last-crl", "old"}).ok(), name);
        const Ended told = world->tell("revoke", ca, name, {"--reason", "cessationOfOperation"});
        BOOST_TEST(told.ok(), told.all());
    }
    Ended made;
    const auto is_made = [&] {
        made = world->operate({"last-crl", "old"});
        return made.ok();
    };
    const bool came = comes(is_made, visible);
    BOOST_TEST(came, made.all());
    const auto is_last = [&] { return fact(facts(ca, "old.crl"), "next") == "9999-12-31T23:59:59Z"; };
    BOOST_REQUIRE_MESSAGE(comes(is_last, visible), Later{[&] { return world->log(); }});
    const std::string last = facts(ca, "old.crl");
    BOOST_TEST(contains(last, "signature True\n"));
    BOOST_TEST(contains(verify(ca, pem(ca, "old.crl"), "good"), "certificate revoked"));
    BOOST_TEST(!world->operate({"last-crl", "old"}).ok());
    // There is no other, whatever comes.
    world->stop();
    world->start();
    BOOST_REQUIRE(world->tell("revoke", world->ca("g4"), "expired").ok());
    BOOST_REQUIRE(comes_to_list(world->ca("g4"), "g4.crl", "expired"));
    BOOST_TEST(facts(ca, "old.crl") == last);
    // HTTP's ages stay small, so that a correction could still reach readers (F-19).
    const std::string head = must({"curl", "--silent", "--head", world->url() + "old.crl"});
    BOOST_TEST(contains(head, "max-age="), head);
}

BOOST_AUTO_TEST_SUITE_END()
