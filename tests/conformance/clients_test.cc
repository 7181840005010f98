#include <boost/test/unit_test.hpp>
#include <set>
#include <sstream>

#include "tests/conformance/served.h"

// Relying parties' own clients ask the real programs about every certificate of four CAs: what they say is
// compared with the CA's index.txt.
using namespace eightbells::conformance;

namespace {

const std::string source = EIGHTBELLS_SOURCE_DIR "/tests/conformance/";

void check_told(const Told& told, const Meaning& meaning) {
    BOOST_TEST(told.verified, told.all);
    BOOST_TEST(told.status == (meaning.revoked ? "revoked" : "good"));
    BOOST_TEST(told.reason == meaning.reason);
    BOOST_TEST(told.revoked_at == meaning.time);
    BOOST_TEST(!told.next_update.empty());
}

// What is signed for a request and comes too late is replaced by tryLater: it is asked for again.
std::vector<Told> ask_live(const Authority& authority, const std::vector<std::string>& words) {
    std::vector<Told> told;
    comes([&] {
        told = ask_all(served().url(), authority, words);
        return told.front().refusal != "trylater (3)";
    });
    return told;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream{text};
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

std::string names_of_all(const std::string& more) {
    std::string names;
    for (const std::string& name : listed_names())
        names += name + ",";
    return names + more;
}

void check_lines(const std::string& printed, const std::set<std::string>& expected) {
    const auto lines = lines_of(printed);
    for (const std::string& line : lines)
        BOOST_TEST(expected.contains(line), "said, and not so: " << line);
    const std::set<std::string> said{lines.begin(), lines.end()};
    for (const std::string& line : expected)
        BOOST_TEST(said.contains(line), "not said: " << line);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(clients)

// Covers, B-05, B-15, C-11, C-12
BOOST_AUTO_TEST_CASE(openssl_accepts_every_status_for_both_hashes_with_the_time_and_reason_of_the_index) {
    for (const auto& authority : served().authorities()) {
        const auto index = authority->index();
        for (const std::string hash : {"sha1", "sha256"}) {
            for (const std::string& name : listed_names()) {
                BOOST_TEST_CONTEXT(authority->name() << " " << name << " " << hash)
                check_told(ask(served().url(), *authority, name, hash), meaning_of(index.at(name)));
            }
        }
    }
}

//
BOOST_AUTO_TEST_CASE(openssl_accepts_the_stored_answer_to_a_request_with_a_nonce) {
    for (const auto& authority : served().authorities()) {
        const auto told = ask_all(served().url(), *authority, {"-nonce", "-cert", "good.pem"});
        BOOST_TEST(told.front().good(), told.front().all);
        BOOST_TEST(told.front().all.find("no nonce in response") != std::string::npos);
    }
}

// Covers: C-01, C-02, E-04
BOOST_AUTO_TEST_CASE(a_certificate_that_was_never_issued_is_unauthorized_to_openssl) {
    for (const auto& authority : served().authorities()) {
        for (const std::string hash : {"sha1", "sha256"}) {
            const Told told = ask(served().url(), *authority, "unissued", hash);
            BOOST_TEST(told.refusal == "unauthorized (6)", told.all);
            BOOST_TEST(told.status.empty());
        }
    }
}

// Covers: C-04, A-08
BOOST_AUTO_TEST_CASE(a_certificate_of_another_ca_is_unauthorized_to_openssl) {
    const Authority& mine = served().ca("p256");
    const eightbells::TemporaryFolder folder;
    const Authority foreign{folder / "foreign", "p256", KeyKind::p256};  // the same Name under another key
    const auto told = ask_all(served().url(), foreign, {"-no_nonce", "-serial", "0x" + mine.serial("good")});
    BOOST_TEST(told.front().refusal == "unauthorized (6)", told.front().all);
}

//
BOOST_AUTO_TEST_CASE(openssl_asks_for_several_certificates_and_all_are_answered_in_one_signed_answer) {
    for (const auto& authority : served().authorities()) {
        const auto index = authority->index();
        for (const std::string hash : {"-sha1", "-sha256"}) {
            const auto told =
                ask_live(*authority, {hash, "-cert", "good.pem", hash, "-cert", "revoked.pem", hash, "-cert",
                                      "hold.pem", hash, "-cert", "expired.pem", hash, "-serial", "0x123456"});
            BOOST_REQUIRE_EQUAL(told.size(), 5U);
            check_told(told[0], meaning_of(index.at("good")));
            check_told(told[1], meaning_of(index.at("revoked")));
            check_told(told[2], meaning_of(index.at("hold")));
            check_told(told[3], meaning_of(index.at("expired")));
            BOOST_TEST(told[4].status == "unknown");
        }
        const auto mixed =
            ask_live(*authority, {"-sha1", "-cert", "good.pem", "-sha256", "-cert", "good.pem"});
        BOOST_REQUIRE_EQUAL(mixed.size(), 2U);
        BOOST_TEST((mixed[0].good() && mixed[1].good()), mixed[0].all);
    }
}

// Covers: A-01, B-05
BOOST_AUTO_TEST_CASE(gnutls_verifies_every_status_and_is_refused_an_unissued_certificate) {
    for (const auto& authority : served().authorities()) {
        const auto index = authority->index();
        for (const std::string name : {"good", "expired", "revoked", "hold", "no-reason", "unissued"}) {
            BOOST_TEST_CONTEXT(authority->name() << " " << name) {
                const Ended asked = run({"ocsptool", "--ask=" + served().url(), "--load-cert", name + ".pem",
                                         "--load-issuer", "issuer.pem", "--load-trust", "issuer.pem"},
                                        authority->folder());
                const auto says = [&](const std::string& text) {
                    return asked.out.find(text) != std::string::npos;
                };
                if (name == "unissued") {
                    BOOST_TEST(says("Response Status: unauthorized"), asked.all());
                    BOOST_TEST(!asked.ok());
                    continue;
                }
                BOOST_TEST(asked.ok(), asked.all());
                BOOST_TEST(says("Verifying OCSP Response: Success"), asked.all());
                const bool revoked = meaning_of(index.at(name)).revoked;
                BOOST_TEST(says(revoked ? "Certificate Status: revoked" : "Certificate Status: good"));
                BOOST_TEST(says("Revocation time: ") == revoked);
            }
        }
    }
}

// Covers, B-01, B-02, B-03, B-04, B-05, B-08, B-11, B-12, B-13, B-14, B-15, B-16
// Covers: B-17, B-20, B-22, D-07, E-01, E-03
BOOST_AUTO_TEST_CASE(python_verifies_every_field_by_get_and_post_for_both_hashes) {
    std::set<std::string> expected;
    std::vector<std::string> words{"/usr/bin/python3", source + "ask.py", served().url(),
                                   names_of_all("ocsp-signer,unissued")};
    for (const auto& authority : served().authorities()) {
        words.push_back(authority->folder().string());
        const bool tells_invalidity = authority->name() == "p384";  // as configured
        const auto expect = [&](const std::string& name, const std::string& what) {
            for (const char* hash : {" sha1 ", " sha256 "}) {
                for (const char* method : {"GET ", "GET-raw ", "POST ", "POST-nonce "})
                    expected.insert(authority->name() + " " + name + hash + method + what);
            }
        };
        expect("unissued", "unauthorized");
        for (const auto& [name, entry] : authority->index()) {
            const Meaning meaning = meaning_of(entry);
            expect(name, !meaning.revoked ? "good"
                                          : "revoked " + meaning.time + " " +
                                                (meaning.reason.empty() ? "-" : meaning.reason) + " " +
                                                (tells_invalidity ? meaning.invalidity_date : "-"));
        }
    }
    check_lines(must(words), expected);
}

// Covers: A-01, B-05, C-09, C-12, F-20
BOOST_AUTO_TEST_CASE(javas_revocation_checker_and_the_crl_say_the_same_of_every_certificate) {
    std::set<std::string> expected;
    std::vector<std::string> words{"java",
                                   "-XX:TieredStopAtLevel=1",
                                   "-Dcom.sun.security.ocsp.timeout=60",
                                   source + "AskPkix.java",
                                   served().url(),
                                   names_of_all("ocsp-signer,unissued?")};
    for (const auto& authority : served().authorities()) {
        words.push_back(authority->folder().string());
        for (const auto& [name, entry] : authority->index()) {
            const Meaning meaning = meaning_of(entry);
            const std::string status =
                meaning.revoked ? "revoked " + meaning.time + " " + std::to_string(meaning.code) : "good";
            expected.insert(authority->name() + " " + name + " crl " + status);
            if (!name.ends_with("expired"))
                expected.insert(authority->name() + " " + name + " ocsp " + status);
        }
        expected.insert(authority->name() + " unissued ocsp refused OCSP response error: UNAUTHORIZED");
    }
    check_lines(must(words), expected);
}

BOOST_AUTO_TEST_SUITE_END()
