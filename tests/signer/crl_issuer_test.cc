#include "responder/crypto/crl_rules.h"
#include "tests/signer/crl_world.h"

using namespace eightbells;
using namespace eightbells::tests;
using ledger::Action;

namespace {

std::string lines_with(const std::string& text, std::string_view begin) {
    std::string found;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto end = std::min(text.find('\n', at), text.size());
        const std::string line = text.substr(at, end - at);
        if (line.starts_with(begin))
            found += line + "\n";
        at = end + 1;
    }
    return found;
}

std::string hex(ByteView number) {
    const std::string text = to_hex(number);
    return text.substr(std::min(text.find_first_not_of('0'), text.size() - 1));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crl_issuing)

// Covers: F-01, F-03, F-06, F-27
BOOST_AUTO_TEST_CASE(f_27_a_new_ca_has_a_crl_at_once_with_nothing_revoked) {
    CrlWorld world;
    world.issue(0, 5);
    world.silent = true;
    BOOST_TEST(!world.look());  // nobody has said yet which certificates there are
    world.silent = false;
    BOOST_TEST(world.look());
    const auto crl = world.read();
    BOOST_TEST(crl->view.revoked_certificates.empty());
    const auto facts = world.facts(crl->der);
    BOOST_TEST(contains(facts, "signature True\n"), facts);
    BOOST_TEST(contains(facts, "issuer True True\n"), facts);
    BOOST_TEST(!contains(facts, "entry"), facts);
    const auto ski = *world.identity->issuer.certificate().subject_key_identifier();
    BOOST_TEST(contains(facts, "extension 2.5.29.35 - " + to_hex(ski) + "\n"), facts);
    BOOST_TEST(!world.look());  // and no second one until something changes or time has passed
    BOOST_TEST(!world.ledger->crl_state(world.id(), "").value()->last);
}

// The same index.txt, number and times: what `openssl ca -gencrl` makes of them, read by a third
// implementation. Covers: F-01, F-03, F-04, F-05, F-07, F-08, F-10
BOOST_AUTO_TEST_CASE(f_07_field_by_field_what_openssl_ca_gencrl_makes_of_the_same_index) {
    CrlWorld world([](config::Issuer& issuer) { issuer.generated_crl.next_publish = false; });
    const std::string index =
        "V\t351122120000Z\t\t4001\tunknown\t/CN=a\n"
        "R\t351122120000Z\t251120101112Z\t4002\tunknown\t/CN=b\n"
        "R\t351122120000Z\t251120101113Z,keyCompromise\t4003\tunknown\t/CN=c\n"
        "R\t351122120000Z\t251120101114Z,superseded\t7AB2C3D4E5F60718293A4B5C6D7E8F9011223344\tunknown\t/"
        "CN=d\n"
        "R\t20510101000000Z\t251120101115Z,keyTime,20240102030405Z\t4005\tunknown\t/CN=e\n"
        "R\t250101000000Z\t241120101116Z,cessationOfOperation\t4006\tunknown\t/CN=expired\n"
        "R\t351122120000Z\t251120101117Z,unspecified\t8008\tunknown\t/CN=h\n";
    world.write("index.txt", as_bytes(index));
    const auto imported = ledger::import_index(*world.ledger, world.identity->issuer,
                                               world.folder.path() / "index.txt", world.clock.now());
    BOOST_REQUIRE_MESSAGE(imported, imported.error().message);
    BOOST_REQUIRE(world.look());
    const auto crl = world.read();
    const auto asn1 = [](UtcTime time) {
        std::string text = to_iso8601(time);
        std::erase_if(text, [](char c) { return c == '-' || c == ':' || c == 'T'; });
        return text;
    };
    std::string number = hex(crl->view.crl_number);
    number.insert(0, number.size() % 2, '0');
    world.write("crlnumber", as_bytes(number + "\n"));
    world.write("ca.cnf",
                as_bytes(std::string_view{
                    "[ca]\ndefault_ca=it\n[it]\ndatabase=./index.txt\ncrlnumber=./crlnumber\n"
                    "default_md=sha256\ncrl_extensions=crl\n[crl]\nauthorityKeyIdentifier=keyid\n"}));
    world.run("openssl ca -gencrl -config ca.cnf -cert issuer.pem -keyfile issuer.key -crl_lastupdate " +
              asn1(crl->view.this_update) + " -crl_nextupdate " + asn1(*crl->view.next_update) +
              " -out theirs.pem && openssl crl -in theirs.pem -outform DER -out theirs.crl");
    const auto judge =
        "/usr/bin/python3 -B '" EIGHTBELLS_SOURCE_DIR "/tests/signer/data/crl_facts.py' issuer.pem ";
    const auto expected = world.run(judge + std::string{"theirs.crl"});
    auto found = world.facts(crl->der);
    // What openssl does not make: F-17's promise that expired entries stay.
    const auto kept = lines_with(found, "extension 2.5.29.60");
    BOOST_TEST(kept.size() > 0U);
    found.erase(found.find(kept), kept.size());
    // openssl writes a reason that is unspecified; RFC 5280, section 5.3.1, wants it left out (F-08).
    std::string wanted = expected;
    const auto unspecified = wanted.find(" unspecified -");
    BOOST_REQUIRE(unspecified != std::string::npos);
    wanted.replace(unspecified, std::string_view{" unspecified -"}.size(), " - -");
    for (std::string_view part : {"signature", "algorithm", "issuer", "this", "next", "entry"})
        BOOST_TEST(lines_with(found, part) == lines_with(wanted, part));
    for (const char* extension : {"extension 2.5.29.20", "extension 2.5.29.35"})
        BOOST_TEST(lines_with(found, extension) == lines_with(expected, extension));
    BOOST_TEST(lines_with(found, "extension").size() == lines_with(expected, "extension").size());
    BOOST_TEST(contains(found, "entry 4003 2025-11-20T10:11:13Z keyCompromise -"), found);
    BOOST_TEST(contains(found, "entry 4005 2025-11-20T10:11:15Z keyCompromise 2024-01-02T03:04:05Z"), found);
}

// Covers: D-12, C-14, F-04, F-08, F-09, F-10
BOOST_AUTO_TEST_CASE(d_12_every_change_of_status_is_on_the_crl_within_the_delay_and_several_go_together) {
    CrlWorld world;
    world.issue(0, 10);
    world.look();
    const auto first = world.read();
    const unsigned before = world.handed_over;
    world.apply(Action::revoke, 1, CrlReason::key_compromise);
    world.apply(Action::hold, 2);
    BOOST_TEST(!world.look());  // they may be followed by more
    world.clock.advance(59s);
    world.apply(Action::revoke, 3, CrlReason::unspecified);
    BOOST_TEST(!world.look());
    world.clock.advance(1s);
    BOOST_TEST(world.look());
    BOOST_TEST(world.handed_over == before + 1);
    BOOST_TEST(world.issuance.changes_shown == 1U);
    BOOST_TEST((world.issuance.shown_after == 60s));
    auto crl = world.read();
    BOOST_TEST(crl->entries.size() == 3U);
    BOOST_TEST((crl->entries.at(World::serial(1).to_hex()).reason == CrlReason::key_compromise));
    BOOST_TEST((crl->entries.at(World::serial(2).to_hex()).reason == CrlReason::certificate_hold));
    BOOST_TEST((crl->entries.at(World::serial(3).to_hex()).reason == std::nullopt));
    BOOST_TEST((crl::compare_crl_numbers(crl->view.crl_number, first->view.crl_number) > 0));
    BOOST_TEST((crl->view.this_update > first->view.this_update));

    world.apply(Action::release, 2);
    world.apply(Action::correct, 1, CrlReason::superseded);
    world.look();
    world.clock.advance(60s);
    BOOST_TEST(world.look());
    crl = world.read();
    BOOST_TEST(crl->entries.size() == 2U);
    BOOST_TEST((crl->entries.at(World::serial(1).to_hex()).reason == CrlReason::superseded));
    world.clock.advance(1h);
    BOOST_TEST(!world.look());
}

// Covers: F-04
BOOST_AUTO_TEST_CASE(f_04_no_number_is_used_twice_after_a_crash_a_restart_and_a_restored_ledger) {
    CrlWorld world;
    world.issue(0, 10);
    world.keep("ledger.db", "early.db");
    world.begin();
    world.look();
    std::set<Bytes> numbers{world.issuance.number};
    const auto next = [&] {
        world.clock.advance(60s);
        BOOST_TEST(world.look());
        BOOST_TEST(numbers.insert(world.issuance.number).second);
        const auto crl = world.read();
        BOOST_TEST(
            (Bytes{crl->view.crl_number.begin(), crl->view.crl_number.end()} == world.issuance.number));
        for (const Bytes& other : numbers)
            BOOST_TEST((crl::compare_crl_numbers(other, world.issuance.number) <= 0));
    };
    // Numbers were taken, and the key was gone before anything was signed.
    world.key->gone = true;
    world.apply(Action::revoke, 1);
    world.look();
    world.clock.advance(60s);
    BOOST_TEST(!world.look());
    BOOST_TEST(contains(world.issuance.fault.value_or(""), "the key is gone"));
    const Bytes taken = world.ledger->crl_state(world.id(), "").value()->number;
    world.restart_all();
    world.key->gone = false;
    next();
    BOOST_TEST((crl::compare_crl_numbers(world.issuance.number, taken) > 0));
    // Handed over, and the end came before the page file had it.
    world.apply(Action::revoke, 2);
    world.crls->round();
    world.clock.advance(60s);
    BOOST_TEST(world.crls->round());
    numbers.insert(world.issuance.number);
    world.restart_all();
    BOOST_TEST(!world.read()->entries.contains(World::serial(2).to_hex()));
    next();
    BOOST_TEST(world.read()->entries.contains(World::serial(2).to_hex()));
    // The ledger from before the first CRL, the page file as it is: what is served counts.
    world.crls.reset();
    world.bring_back({{"ledger.db", "early.db"}});
    world.restart();
    world.begin();
    next();
    // The clock has been put back to where it was, too: still above.
    world.clock.step(-30s);
    world.apply(Action::revoke, 5);
    world.look();
    next();
}

// Covers: F-04
BOOST_AUTO_TEST_CASE(f_04_a_ledger_and_page_file_lost_together_do_not_bring_a_number_back) {
    CrlWorld world;
    world.issue(0, 3);
    world.look();
    const Bytes number = world.issuance.number;
    world.crls.reset();
    world.bring_back({{"ledger.db", ""}, {"pages.db", ""}});
    world.restart();
    world.begin();
    world.issue(0, 3);
    world.clock.advance(10s);
    BOOST_TEST(world.look());
    BOOST_TEST((crl::compare_crl_numbers(world.issuance.number, number) > 0));
}

// Covers: F-18
BOOST_AUTO_TEST_CASE(f_18_the_last_crl_comes_only_when_all_are_expired_or_revoked_and_nothing_after_it) {
    CrlWorld world;
    const UtcTime end = world.clock.now() + 24h;
    world.issue_at(0, 3, std::nullopt, end);
    world.apply(Action::hold, 1);
    world.look();
    auto refused = world.crls->issue_last(world.id());
    BOOST_REQUIRE(!refused);
    BOOST_TEST(contains(refused.error().message, "F-18"), refused.error().message);
    world.apply(Action::revoke, 0);
    world.apply(Action::revoke, 2);
    refused = world.crls->issue_last(world.id());  // what is on hold may come back
    BOOST_REQUIRE(!refused);
    BOOST_TEST(contains(refused.error().message, World::serial(1).to_hex()), refused.error().message);
    world.clock.advance(24h + 1s);
    world.look();
    const auto issued = world.crls->issue_last(world.id());
    BOOST_REQUIRE_MESSAGE(issued, issued.error().message);
    world.settle();
    world.crls->round();
    const auto crl = world.read();
    BOOST_TEST((crl->view.next_update == year_9999));
    BOOST_TEST(crl->entries.size() == 3U);
    const auto facts = world.facts(crl->der);
    BOOST_TEST(contains(facts, "next 9999-12-31T23:59:59Z\n"), facts);
    BOOST_TEST(contains(facts, "signature True\n"), facts);
    BOOST_TEST(world.ledger->crl_state(world.id(), "").value()->last);
    for (int i = 0; i < 2; ++i) {  // not after a day, and not after a restart
        world.clock.advance(24h * 10);
        BOOST_TEST(!world.look());
        BOOST_TEST(world.issuance.last);
        BOOST_TEST(equal(world.stored(), crl->der));
        BOOST_TEST(!world.crls->issue_last(world.id()));
        world.restart_all();
    }
    // Even when the ledger has forgotten: what is served says so.
    world.crls.reset();
    world.bring_back({{"ledger.db", ""}});
    world.restart();
    world.begin();
    BOOST_TEST(!world.look());
    BOOST_TEST(equal(world.stored(), crl->der));
}

// Covers: D-13, F-18, F-27
BOOST_AUTO_TEST_CASE(d_13_where_every_crl_must_end_there_is_no_last_one) {
    CrlWorld world;
    auto identity = std::make_shared<Identity>(*world.identity);
    identity->settings.scheme = crypto::Scheme::smime_br;
    world.identity = identity;
    world.restart_all();
    world.issue_at(0, 1, std::nullopt, world.clock.now() + 24h);
    world.apply(Action::revoke, 0);
    world.look();
    const auto taken = world.ledger->crl_state(world.id(), "").value()->number;
    const auto refused = world.crls->issue_last(world.id());
    BOOST_REQUIRE(!refused);
    BOOST_TEST(contains(refused.error().message, "D-13"), refused.error().message);
    BOOST_TEST((world.ledger->crl_state(world.id(), "").value()->number == taken));
    world.clock.advance(24h * 30);  // all are expired, and they go on
    BOOST_TEST(world.look());
}

// One name, two keys: each has its CRL at its own URL. Covers: F-28
BOOST_AUTO_TEST_CASE(f_28_after_a_re_key_both_keys_have_their_crls) {
    CrlWorld world;
    const tests::Folder later;
    auto settings = tests::make_issuer(later.path(), 60);
    settings.name = "later";
    settings.crl_path = "/later.crl";
    settings.generated_crl.key = later.path() / "issuer.key";
    std::vector<std::string> warnings;
    const auto second = load_identity(0, settings, world.clock.now(), warnings);
    BOOST_REQUIRE_MESSAGE(second, second.error().message);
    const std::string& id = (*second)->issuer.id();
    BOOST_TEST(equal((*second)->issuer.certificate().subject_name(),
                     world.identity->issuer.certificate().subject_name()));
    BOOST_REQUIRE(world.ledger->register_issuer(id, settings.name, true));
    BOOST_REQUIRE(world.publisher->add_issuer(*second));
    BOOST_REQUIRE(world.crls->add_issuer(*second));
    world.issue(0, 3);
    std::filesystem::copy_file(later.path() / "issuer.pem", world.folder.path() / "later.pem");
    const auto signed_by = [&](const std::string& path, const std::string& issuer) {
        const bool first = path == "/tested.crl";
        const auto der = world.publisher->served_crl(first ? world.id() : id, path);
        BOOST_REQUIRE(der != nullptr);
        world.write("keyed.crl", der->bytes());
        return contains(
            world.run("/usr/bin/python3 -B '" EIGHTBELLS_SOURCE_DIR "/tests/signer/data/crl_facts.py' " +
                      issuer + " keyed.crl"),
            "signature True\n");
    };
    for (int day = 0; day < 3; ++day) {
        BOOST_TEST(world.look());
        BOOST_TEST(signed_by("/tested.crl", "issuer.pem"));
        BOOST_TEST(signed_by("/later.crl", "later.pem"));
        BOOST_TEST(!signed_by("/tested.crl", "later.pem"));
        BOOST_TEST(!signed_by("/later.crl", "issuer.pem"));
        BOOST_TEST((world.publisher->served_crl(world.id(), "/later.crl") == nullptr));
        world.clock.advance(24h);
    }
}

// Covers: D-15
BOOST_AUTO_TEST_CASE(
    the_spare_goes_out_by_itself_when_the_key_is_gone_for_long_and_never_takes_anything_back) {
    CrlWorld world;
    world.issue(0, 10);
    world.apply(Action::revoke, 1);
    world.look();
    const auto served = world.read();
    BOOST_TEST((*served->view.next_update - served->view.this_update == 48h));
    BOOST_TEST((world.issuance.spare_next_update == world.clock.now() + 24h * 7));
    world.restart_all();
    world.look();
    BOOST_TEST((world.issuance.spare_next_update == world.clock.now() + 24h * 7));
    world.key->gone = true;
    UtcTime gone = world.clock.now();
    while (!world.issuance.spare_out) {
        BOOST_TEST(!world.look());
        BOOST_TEST((world.clock.now() - gone < 37h));
        BOOST_REQUIRE((world.clock.now() < *served->view.next_update));
        world.clock.advance(30min);
    }
    world.settle();
    const auto spare = world.read();
    BOOST_TEST((*spare->view.next_update == gone + 24h * 7));
    BOOST_TEST((spare->view.this_update == served->view.this_update));  // it speaks for no later moment
    BOOST_TEST((crl::compare_crl_numbers(spare->view.crl_number, served->view.crl_number) > 0));
    BOOST_TEST((spare->entries == served->entries));
    const auto facts = world.facts(spare->der);
    BOOST_TEST(contains(facts, "signature True\n"), facts);
    // So it is after a restart.
    world.restart_all();
    world.look();
    BOOST_TEST(world.issuance.spare_out);
    // The key comes back: a new one, above the spare.
    world.key->gone = false;
    world.clock.advance(60s);
    BOOST_TEST(world.look());
    BOOST_TEST(!world.issuance.spare_out);
    const auto fresh = world.read();
    BOOST_TEST((crl::compare_crl_numbers(fresh->view.crl_number, spare->view.crl_number) > 0));

    // A spare from before the last revocation is below what is served: it never goes out.
    const auto file = [&] {
        for (const auto& entry : std::filesystem::directory_iterator(world.folder.path() / "crl-spares"))
            return entry.path();
        return std::filesystem::path{};
    }();
    std::filesystem::copy_file(file, world.folder.path() / "old.crl");
    world.apply(Action::revoke, 2);
    world.look();
    world.clock.advance(60s);
    BOOST_TEST(world.look());
    std::filesystem::rename(world.folder.path() / "old.crl", file);
    world.key->gone = true;
    world.clock.advance(47h);
    world.look();
    BOOST_TEST(world.read()->entries.contains(World::serial(2).to_hex()));
    BOOST_TEST(!world.issuance.spare_out);
}

BOOST_AUTO_TEST_CASE(nothing_is_made_under_a_clock_that_is_not_believed) {
    CrlWorld world;
    world.issue(0, 3);
    world.look();
    world.trusted_now = [] { return Result<UtcTime>{fail("the clock was stepped")}; };
    world.clock.advance(13h);
    BOOST_TEST(!world.look());
    BOOST_TEST(world.issuance.fault.value_or("") == "the clock was stepped");
    world.trusted_now = nullptr;
    world.clock.advance(60s);
    BOOST_TEST(world.look());
    BOOST_TEST(!world.issuance.fault.has_value());
}

// Covers: F-01
BOOST_AUTO_TEST_CASE(f_01_a_key_that_may_not_sign_the_cas_crls_is_refused_at_the_start) {
    CrlWorld world;
    std::vector<std::string> warnings;
    auto settings = world.settings;
    settings.generated_crl.key = world.folder.path() / "signer.key";
    auto loaded = load_identity(0, settings, world.clock.now(), warnings);
    BOOST_REQUIRE(!loaded);
    BOOST_TEST(contains(loaded.error().message, "generated_crl.key"), loaded.error().message);
    BOOST_TEST(contains(loaded.error().message, "does not belong to the certificate"),
               loaded.error().message);
    world.run(
        "openssl req -new -x509 -key issuer.key -subj '/CN=Publisher CA' -days 30 -addext "
        "keyUsage=critical,keyCertSign -addext basicConstraints=critical,CA:TRUE -out other.pem");
    const auto bytes = world.run("cat other.pem");
    const auto certificate = crypto::Certificate::parse(as_bytes(bytes));
    BOOST_REQUIRE(certificate);
    BOOST_TEST(contains(crypto::why_not_crl_signer(*certificate, crypto::Scheme::eutl), "lacks cRLSign"));
    BOOST_TEST(crypto::why_not_crl_signer(world.identity->issuer.certificate(), crypto::Scheme::tls_br) ==
               "");
}

BOOST_AUTO_TEST_SUITE_END()
