#include <thread>

#include "tests/signer/crl_world.h"

// Delta CRLs and CRLs for a part of the certificates.
using namespace eightbells;
using namespace eightbells::tests;
using ledger::Action;

namespace {

const auto with_delta = [](config::Issuer& issuer) { issuer.generated_crl.delta = delta_uri; };
const auto with_parts = [](config::Issuer& issuer) { issuer.generated_crl.partitions = {part_1, part_2}; };

// Base and delta put together (RFC 5280, section 5.2.4).
std::map<std::string, Revocation> put_together(const CrlWorld::Read& base, const CrlWorld::Read& delta) {
    auto entries = base.entries;
    for (const auto& [serial, revocation] : delta.entries) {
        if (revocation.reason == CrlReason::remove_from_crl)
            entries.erase(serial);
        else
            entries[serial] = revocation;
    }
    return entries;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crl_scopes_made)

// Covers: F-09, F-15
BOOST_AUTO_TEST_CASE(f_15_base_and_delta_together_are_the_complete_crl_of_that_number) {
    CrlWorld world(with_delta);
    world.issue(0, 60);
    for (unsigned n = 0; n < 20; ++n)
        world.apply(n % 2 == 0 ? Action::hold : Action::revoke, n);
    world.look();
    const auto base = world.read();
    for (unsigned round = 0; round < 6; ++round) {
        world.apply(Action::release, 2 * round);
        world.apply(Action::revoke, 2 * round + 12, CrlReason::superseded);  // from hold, or anew
        world.apply(Action::correct, 2 * round + 1, CrlReason::key_compromise);
        world.apply(Action::revoke, 30 + round);
        world.look();
        world.clock.advance(60s);
        BOOST_REQUIRE(world.look());
        const auto complete = world.read();
        const auto delta = world.read("/delta.crl");
        BOOST_TEST(delta->view.is_delta);
        BOOST_TEST(equal(delta->view.base_crl_number, base->view.crl_number));
        BOOST_TEST(equal(delta->view.crl_number, complete->view.crl_number));
        BOOST_TEST((delta->view.this_update == complete->view.this_update));
        BOOST_TEST((put_together(*base, *delta) == complete->entries));
        const bool removed = std::ranges::any_of(delta->entries, [](const auto& entry) {
            return entry.second.reason == CrlReason::remove_from_crl;
        });
        BOOST_TEST(removed);
        for (const auto& [serial, revocation] : complete->entries)
            BOOST_TEST((revocation.reason != CrlReason::remove_from_crl));
    }
    const auto complete = world.facts(world.stored());
    const auto delta = world.facts(world.stored("/delta.crl"));
    BOOST_TEST(contains(complete, std::string{"extension 2.5.29.46 - "} + delta_uri + "\n"), complete);
    BOOST_TEST(!contains(complete, "extension 2.5.29.27 "), complete);
    BOOST_TEST(contains(delta, "extension 2.5.29.27 critical "), delta);
    BOOST_TEST(!contains(delta, "extension 2.5.29.46 "), delta);
    BOOST_TEST(contains(delta, "signature True\n"), delta);
    BOOST_TEST(contains(delta, "removeFromCRL"), delta);

    // The base moves on with a regular round; its own delta is to the one before, for whoever still has that.
    world.clock.advance(12h);
    BOOST_REQUIRE(world.look());
    const auto next = world.read();
    BOOST_TEST(equal(world.read("/delta.crl")->view.base_crl_number, base->view.crl_number));
    world.apply(Action::revoke, 50);
    world.look();
    world.clock.advance(60s);
    BOOST_REQUIRE(world.look());
    const auto after = world.read("/delta.crl");
    BOOST_TEST(equal(after->view.base_crl_number, next->view.crl_number));
    BOOST_TEST(after->entries.size() == 1U);
    BOOST_TEST((put_together(*next, *after) == world.read()->entries));
}

// Covers: F-15
BOOST_AUTO_TEST_CASE(f_15_after_a_restart_the_delta_goes_with_the_crl_that_is_served) {
    CrlWorld world(with_delta);
    world.issue(0, 10);
    world.apply(Action::revoke, 1);
    world.look();
    world.apply(Action::revoke, 2);
    world.look();
    world.clock.advance(60s);
    world.look();
    const auto served = world.read();
    world.restart_all();
    world.apply(Action::revoke, 3);
    world.look();
    world.clock.advance(60s);
    BOOST_REQUIRE(world.look());
    const auto delta = world.read("/delta.crl");
    BOOST_TEST(equal(delta->view.base_crl_number, served->view.crl_number));
    BOOST_TEST((put_together(*served, *delta) == world.read()->entries));
}

// Covers: F-12, F-14
BOOST_AUTO_TEST_CASE(f_14_the_parts_together_hold_every_certificate_and_each_has_its_own) {
    CrlWorld world(with_parts);
    const UtcTime end = world.clock.now() + 24h * 300;
    world.issue_at(0, 40, part_1, end);
    world.issue_at(40, 40, part_2, end);
    world.issue_at(80, 20, std::nullopt, end);                          // nobody told
    world.issue_at(100, 10, "http://CRL.example.org/part-1.crl", end);  // not byte for byte
    world.issue_at(110, 10, "http://crl.example.org/tested.crl", end);  // the complete one's own
    for (unsigned n = 0; n < 120; ++n)
        world.apply(Action::revoke, n);
    world.look();
    const auto complete = world.read();
    const auto first = world.read("/part-1.crl");
    const auto second = world.read("/part-2.crl");
    BOOST_TEST(complete->entries.size() == 120U);
    for (unsigned n = 0; n < 120; ++n) {
        const auto serial = World::serial(n).to_hex();
        const bool unplaced = n >= 80 && n < 110;
        BOOST_TEST(first->entries.contains(serial) == (n < 40 || unplaced), n);
        BOOST_TEST(second->entries.contains(serial) == ((n >= 40 && n < 80) || unplaced), n);
    }
    BOOST_TEST(complete->view.issuing_distribution_point.empty());
    for (const auto& [crl, uri] : {std::pair{&first, part_1}, {&second, part_2}}) {
        const auto facts = world.facts((*crl)->der);
        BOOST_TEST(contains(facts, std::string{"extension 2.5.29.28 critical "} + uri + "\n"), facts);
        BOOST_TEST(contains(facts, "signature True\n"), facts);
    }
    // Learned later: a certificate moves to its part with the next CRL, and is on both until then.
    world.issue_at(80, 20, part_2, end);
    world.clock.advance(12h);
    BOOST_REQUIRE(world.look());
    BOOST_TEST(!world.read("/part-1.crl")->entries.contains(World::serial(80).to_hex()));
    BOOST_TEST(world.read("/part-2.crl")->entries.contains(World::serial(80).to_hex()));
}

// Certificates with a distribution point in a folder, as a CA leaves them; openssl checks one against its
// part. Covers: F-12, F-14
BOOST_AUTO_TEST_CASE(f_12_the_uri_is_byte_for_byte_that_of_the_certificates) {
    CrlWorld world(with_parts);
    std::filesystem::create_directory(world.folder.path() / "issued");
    for (const auto& [name, serial, uri] :
         {std::tuple{"a", "0x5001", part_1}, {"b", "0x5002", part_2}, {"c", "0x5003", part_1}}) {
        world.write("cdp.cnf", as_bytes(fmt::format("crlDistributionPoints=URI:{}\n", uri)));
        world.run(
            fmt::format("openssl req -new -key signer.key -subj '/CN={0}' -config x.cnf -out l.csr && "
                        "openssl x509 -req -in l.csr -CA issuer.pem -CAkey issuer.key -set_serial {1} -days "
                        "50 -extfile cdp.cnf -out issued/{0}.pem",
                        name, serial));
    }
    const auto imported = ledger::import_folder(*world.ledger, world.identity->issuer,
                                                world.folder.path() / "issued", world.clock.now());
    BOOST_REQUIRE_MESSAGE(imported, imported.error().message);
    ledger::Event event;
    event.issuer = world.id();
    event.source = "test";
    event.serial = *Serial::from_hex("5001");
    BOOST_REQUIRE(world.ledger->apply(event));
    world.look();
    world.write("part-1.crl", world.stored("/part-1.crl"));
    world.write("part-2.crl", world.stored("/part-2.crl"));
    world.run("for i in 1 2; do openssl crl -inform DER -in part-$i.crl -out part-$i.pem; done");
    const std::string at = " -attime " + std::to_string(to_unix(world.clock.now()) + 1) + " ";
    const std::string verify = "openssl verify -CAfile issuer.pem -crl_check" + at;
    BOOST_TEST(contains(world.run(verify + "-CRLfile part-1.pem issued/a.pem; true"), "certificate revoked"));
    BOOST_TEST(contains(world.run(verify + "-CRLfile part-2.pem issued/b.pem"), "OK"));
    BOOST_TEST(contains(world.run(verify + "-CRLfile part-1.pem issued/c.pem"), "OK"));
    // The other part's CRL says nothing of it.
    BOOST_TEST(contains(world.run(verify + "-CRLfile part-2.pem issued/a.pem; true"), "scope"));
}

// Covers: F-01, F-12, F-15
BOOST_AUTO_TEST_CASE(openssl_gnutls_and_java_accept_complete_delta_and_part) {
    CrlWorld world([](config::Issuer& issuer) {
        with_delta(issuer);
        with_parts(issuer);
        issuer.generated_crl.delay = 1s;
    });
    world.clock.step(-59s);  // GnuTLS asks the machine's clock
    world.issue(0, 10);
    world.apply(Action::revoke, 1, CrlReason::key_compromise);
    world.look();
    world.apply(Action::revoke, 2);
    world.look();
    world.clock.advance(1s);
    BOOST_REQUIRE(world.look());
    std::this_thread::sleep_until(world.clock.now());
    world.write("full.crl", world.stored());
    world.write("delta.crl", world.stored("/delta.crl"));
    world.write("part.crl", world.stored("/part-1.crl"));
    for (const char* file : {"full.crl", "delta.crl", "part.crl"}) {
        BOOST_TEST(contains(
            world.run(fmt::format("openssl crl -inform DER -in {} -CAfile issuer.pem -out p.pem", file)),
            "verify OK"));
        const auto gnutls =
            world.run("certtool --verify-crl --infile p.pem --load-ca-certificate issuer.pem; true");
        BOOST_TEST(contains(gnutls, "Verified"), gnutls);
        BOOST_TEST(!contains(gnutls, "Not verified"), gnutls);
    }
    const auto java = world.run("java '" EIGHTBELLS_SOURCE_DIR
                                "/tests/signer/data/VerifyCrl.java' issuer.pem full.crl delta.crl part.crl");
    BOOST_TEST(contains(java, "full.crl 2 []"), java);
    BOOST_TEST(contains(java, "delta.crl 1 [2.5.29.27]"), java);
    BOOST_TEST(contains(java, "part.crl 2 [2.5.29.28]"), java);
}

BOOST_AUTO_TEST_SUITE_END()
