#define BOOST_TEST_MODULE faults_roll_over
#include <fmt/format.h>
#include <signal.h>

#include <boost/test/unit_test.hpp>

#include "tests/faults/ladder.h"

// The signer's key and certificate change under load, by `kill -HUP`: every answer verifies at every moment,
// with the certificate that goes with it, and none outlives that certificate.
using namespace eightbells::faults;
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

const boost::unit_test::label quick{"quick"};

class Rolled : public RunWorld {
  public:
    Rolled()
        : RunWorld({{"ca", KeyKind::p256, false, "validity = \"8h\"\nrefresh = \"4h\""}}),
          control_(*this / "control"),
          all_(control_) {
        ca("ca").issue("later");
        start();
    }
    Authority& authority() const { return ca("ca"); }
    void pass(std::chrono::seconds time) const { control_->passed += std::chrono::nanoseconds{time}.count(); }
    std::string spelled(std::chrono::seconds from_now) const {
        const auto shift = std::chrono::nanoseconds{control_->passed.load()};
        return generalized_time(std::chrono::system_clock::now() + shift + from_now);
    }
    // From one signer certificate to another.
    void roll(const std::string& from, const std::string& to) {
        std::string text = read_text(*this / "eightbells.toml");
        for (const char* end : {".pem\"", ".key\""}) {
            const auto at = text.find(from + end);
            BOOST_REQUIRE(at != std::string::npos);
            text.replace(at, from.size(), to);
        }
        replace_text(*this / "eightbells.toml", text);
        ::kill(supervisor().pid(), SIGHUP);
        ++rolls_;
        BOOST_REQUIRE(comes([&] { return done() == rolls_; }));
        BOOST_REQUIRE(comes([&] { return signer_ready() && front_ready(); }));
    }
    // The answer's octets hold this certificate's.
    bool signed_by(const std::string& certificate, const std::string& name) const {
        const auto file = *this / "sent.der";
        must({"openssl", "ocsp", "-url", url(), "-issuer", "issuer.pem", "-CAfile", "issuer.pem", "-no_nonce",
              "-cert", name + ".pem", "-respout", file.string()},
             authority().folder());
        const std::string der =
            must({"openssl", "x509", "-in", certificate + ".pem", "-outform", "DER"}, authority().folder());
        return read_text(file).find(der) != std::string::npos;
    }
    void all_signed_by(const std::string& certificate) const {
        for (const char* name : {"good", "revoked", "hold", "later"})
            BOOST_TEST(comes([&] { return signed_by(certificate, name); }), name << " by " << certificate);
    }

  private:
    std::size_t done() const {
        const std::string text = log();
        std::size_t count = 0;
        for (auto at = text.find("reload: done"); at != std::string::npos;
             at = text.find("reload: done", at + 1))
            ++count;
        return count;
    }
    ControlFile control_;
    ControlOfAll all_;
    std::size_t rolls_ = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(roll_over)

// Covers: H-07, H-08, D-07
BOOST_AUTO_TEST_CASE(under_load_to_a_new_key_and_to_a_certificate_that_ends_soon, *quick) {
    Rolled world;
    RelyingParties asking{
        world,
        world.authority(),
        {{"good", "good"}, {"revoked", "revoked"}, {"hold", "revoked"}, {"later", "good>revoked"}}};
    world.authority().make_signer("next");
    world.roll("ocsp-signer", "next");
    // What is new is signed with the new key, what was signed goes on until it falls due.
    BOOST_TEST(world.tell("revoke", world.authority(), "later", {"--reason", "superseded"}).ok());
    BOOST_TEST(comes([&] { return world.signed_by("next", "later"); }));
    BOOST_TEST(world.signed_by("ocsp-signer", "good"));
    world.pass(4h);
    world.all_signed_by("next");
    // One that ends in nine hours: from an hour on it bounds what it signs.
    world.authority().make_signer("brief", "signer",
                                  {"-startdate", world.spelled(-1h), "-enddate", world.spelled(9h)});
    world.roll("next", "brief");
    world.pass(4h);
    world.all_signed_by("brief");
    world.authority().make_signer("last", "signer",
                                  {"-startdate", world.spelled(-1h), "-enddate", world.spelled(2400h)});
    world.roll("brief", "last");
    world.pass(4h);
    world.all_signed_by("last");
    const Account account = asking.stop();
    enter("Signer's key and certificate changed three times", account);
    BOOST_TEST(account.flawless(), account);
}

// A signer key is compromised: no answer under it is left within seconds, though none was due.
// Covers: H-13
BOOST_AUTO_TEST_CASE(at_once_with_every_answer_signed_anew) {
    Rolled world;
    RelyingParties asking{world,
                          world.authority(),
                          {{"good", "good"}, {"revoked", "revoked"}, {"hold", "revoked"}, {"later", "good"}}};
    world.authority().make_signer("next");
    world.roll("ocsp-signer", "next");
    BOOST_TEST(world.signed_by("ocsp-signer", "good"));
    const Ended told = world.operate({"resign", "ca"});
    BOOST_TEST(told.ok(), told.all());
    world.all_signed_by("next");
    const Account account = asking.stop();
    enter("Signer's key compromised: replaced, every answer signed anew", account);
    BOOST_TEST(account.flawless(), account);
}

BOOST_AUTO_TEST_SUITE_END()
