// A CA run by the openssl command: what it writes, and what it says of its own database.
#include <fstream>
#include <sstream>

#include "tests/ledger/fixture.h"

using namespace eightbells;
using namespace eightbells::ledger;
using namespace eightbells::ledger::testing;
using namespace std::chrono_literals;

namespace {

constexpr const char* configuration = R"(
[ca]
default_ca = test
[test]
dir = .
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = certs
certificate = issuer.pem
private_key = issuer.key
default_md = sha256
default_days = 300
default_crl_days = 2
policy = any
crl_extensions = crl_extensions
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
[crl_extensions]
authorityKeyIdentifier = keyid
)";

Result<CrlImport> take_crl(Bench& bench, const std::filesystem::path& file, UtcTime now,
                           std::optional<crl::CrlVersion> previous = std::nullopt) {
    auto octets = crl::copy_crl(file, bench.folder.path());
    REQUIRE_OK(octets);
    CrlToImport offer;
    offer.octets = std::move(*octets);
    offer.place = file.string();
    offer.scratch = bench.folder.path();
    offer.previous = std::move(previous);
    return import_crl(*bench.ledger, test_ca().identity, std::move(offer), now);
}

// Each certificate, what is done to it, and what must be known of it.
struct Case {
    const char* name;
    const char* serial;
    const char* revoke;  // options of `openssl ca -revoke`; nullptr: not revoked
    std::optional<CrlReason> reason;
    const char* invalidity_date = nullptr;
};
using enum CrlReason;
const std::vector<Case> cases{
    {"good", "1000", nullptr, std::nullopt},
    {"none", "1001", "", std::nullopt},
    {"unspecified", "1002", "-crl_reason unspecified", std::nullopt},
    {"keyCompromise", "1003", "-crl_reason keyCompromise", key_compromise},
    {"CACompromise", "1004", "-crl_reason CACompromise", ca_compromise},
    {"affiliationChanged", "1005", "-crl_reason affiliationChanged", affiliation_changed},
    {"superseded", "1006", "-crl_reason superseded", superseded},
    {"cessationOfOperation", "1007", "-crl_reason cessationOfOperation", cessation_of_operation},
    {"certificateHold", "1008", "-crl_reason certificateHold", certificate_hold},
    {"holdInstruction", "1009", "-crl_hold holdInstructionReject", certificate_hold},
    {"keyTime", "100A", "-crl_compromise 20260101000000Z", key_compromise, "2026-01-01T00:00:00Z"},
    {"CAkeyTime", "100B", "-crl_CA_compromise 20260101000000Z", ca_compromise, "2026-01-01T00:00:00Z"},
    {"long", "7FFFEEDDCCBBAA99887766554433221100FFEEDD", "-crl_reason superseded", superseded},
    {"high", "00F0000000000000000000000000000001", nullptr, std::nullopt},
};

// Made once; the folder holds index.txt, crl.pem, issuer.pem.
const std::filesystem::path& openssl_ca() {
    static const TempFolder folder;
    static const bool made = [] {
        write(folder / "ca.cnf", configuration);
        std::filesystem::create_directory(folder / "certs");
        write(folder / "index.txt", "");
        write(folder / "crlnumber", "0A\n");
        std::filesystem::copy_file(test_ca().folder / "issuer.pem", folder / "issuer.pem");
        std::filesystem::copy_file(test_ca().folder / "issuer.key", folder / "issuer.key");
        std::string script =
            "openssl ecparam -name prime256v1 -genkey -noout -out k && "
            "openssl ca -config ca.cnf -gencrl -out empty.pem";
        for (const Case& one : cases) {
            const std::string name = one.name;
            script += " && printf '" + std::string(one.serial) +
                      "\\n' >serial && openssl req -new -key k -subj /CN=" + name +
                      " -out r && openssl ca -batch -notext -config ca.cnf -in r -out " + name + ".pem";
            if (one.revoke != nullptr)
                script += " && openssl ca -config ca.cnf -revoke " + name + ".pem " + one.revoke;
        }
        script +=
            " && openssl ca -config ca.cnf -gencrl -out crl.pem && openssl crl -in crl.pem -outform DER -out "
            "crl.der";
        run(folder.path(), script);
        return true;
    }();
    BOOST_TEST_REQUIRE(made);
    return folder.path();
}

struct CaBench : Bench {
    CaBench() : Bench(true, test_ca().identity.id()) {
        clock.step(SystemClock().now() - noon);  // openssl dates by the real clock
        openssl_ca();
        clock.step(SystemClock().now() - clock.now());
    }
};

void check_cases(Bench& bench, bool issued_known) {
    for (const Case& one : cases) {
        const auto found = bench.find(one.serial);
        if (one.revoke == nullptr && !issued_known) {
            BOOST_TEST(!found.has_value(), one.name);
            continue;
        }
        BOOST_TEST_REQUIRE(found.has_value(), one.name);
        BOOST_TEST(found->status.has_value() == (one.revoke != nullptr), one.name);
        if (!found->status)
            continue;
        BOOST_TEST((found->status->reason == one.reason), one.name);
        std::optional<UtcTime> date;
        if (one.invalidity_date != nullptr)
            date = from_iso8601(one.invalidity_date).value();
        BOOST_TEST((found->status->invalidity_date == date), one.name);
        BOOST_TEST(
            (found->status->time > bench.clock.now() - 10min && found->status->time <= bench.clock.now()));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(openssl)

// Covers: B-15, F-07, A-09
BOOST_AUTO_TEST_CASE(its_index_is_read_with_every_reason) {
    CaBench bench;
    const auto report =
        import_index(*bench.ledger, test_ca().identity, openssl_ca() / "index.txt", bench.clock.now());
    REQUIRE_OK(report);
    BOOST_TEST(report->issued == cases.size());
    check_cases(bench, true);
    for (const Case& one : cases) {
        // The end in index.txt is the certificate's own.
        const auto certificate =
            crypto::Certificate::parse(as_bytes(read(openssl_ca() / (std::string(one.name) + ".pem"))));
        REQUIRE_OK(certificate);
        BOOST_TEST((bench.find(one.serial)->not_after == certificate->not_after()));
        BOOST_TEST((certificate->serial() == serial(one.serial)));
    }
}

BOOST_AUTO_TEST_CASE(openssl_itself_gives_every_serial_the_same_status) {
    CaBench bench;
    REQUIRE_OK(
        import_index(*bench.ledger, test_ca().identity, openssl_ca() / "index.txt", bench.clock.now()));
    std::string script = "true";
    for (const Case& one : cases) {
        const std::string hex = serial(one.serial).to_hex();
        script += "; openssl ca -config ca.cnf -status " + hex + " >status." + hex + " 2>&1";
    }
    run(openssl_ca(), script + "; true");
    for (const Case& one : cases) {
        const std::string hex = serial(one.serial).to_hex();
        const std::string said = read(openssl_ca() / ("status." + hex));
        const bool is_revoked = bench.status(one.serial).has_value();
        BOOST_TEST(contains(said, is_revoked ? hex + "=Revoked (R)" : hex + "=Valid (V)"), said);
    }
}

// Covers: C-09, F-07, B-15
BOOST_AUTO_TEST_CASE(its_crl_gives_the_same_facts_as_its_index) {
    CaBench from_index;
    REQUIRE_OK(import_index(*from_index.ledger, test_ca().identity, openssl_ca() / "index.txt",
                            from_index.clock.now()));
    for (const char* form : {"crl.pem", "crl.der"}) {
        CaBench from_crl;
        const auto imported = take_crl(from_crl, openssl_ca() / form, from_crl.clock.now());
        REQUIRE_OK(imported);
        BOOST_TEST((equal(imported->der->bytes(), as_bytes(read(openssl_ca() / "crl.der")))));
        check_cases(from_crl, false);
        for (const Case& one : cases) {
            if (one.revoke != nullptr)
                BOOST_TEST((from_crl.status(one.serial) == from_index.status(one.serial)), one.name);
        }
        // The index after the CRL, and the CRL after the index: one and the same.
        const auto index = import_index(*from_crl.ledger, test_ca().identity, openssl_ca() / "index.txt",
                                        from_crl.clock.now());
        REQUIRE_OK(index);
        BOOST_TEST(index->issued == 2u);
        BOOST_TEST(index->corrected == cases.size() - 2);  // their ends
        BOOST_TEST(index->differing + index->contradicted + index->revoked + index->released == 0u);
        check_cases(from_crl, true);
    }
    const auto crl = take_crl(from_index, openssl_ca() / "crl.pem", from_index.clock.now());
    REQUIRE_OK(crl);
    BOOST_TEST(crl->report.unchanged == cases.size() - 2);
    check_cases(from_index, true);
}

// Covers: B-13, F-23, F-04
BOOST_AUTO_TEST_CASE(a_crl_speaks_as_of_its_this_update_and_never_goes_back) {
    CaBench bench;
    const auto imported = take_crl(bench, openssl_ca() / "crl.pem", bench.clock.now());
    REQUIRE_OK(imported);
    const auto view = crl::parse_crl(imported->der->bytes());
    REQUIRE_OK(view);
    BOOST_TEST((bench.ledger->as_of(bench.id).value() == view->this_update));
    BOOST_TEST(bench.sources().at(0).name == "crl");
    CHECK_FAILS(take_crl(bench, openssl_ca() / "empty.pem", bench.clock.now(), imported->version),
                "empty.pem", "F-23");
    BOOST_TEST(on_hold(bench.status("1008")));
    // Without that knowledge the older, empty CRL would release the holds, and nothing else.
    const auto older = take_crl(bench, openssl_ca() / "empty.pem", bench.clock.now());
    REQUIRE_OK(older);
    check_cases(bench, false);  // their end is not known, so even the holds stay
}

BOOST_AUTO_TEST_CASE(a_foreign_expired_or_altered_crl_is_not_believed) {
    CaBench bench;
    run(openssl_ca(),
        "mkdir -p other && cd other && cp ../ca.cnf . && touch index.txt && echo 01 >crlnumber && "
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout issuer.key -out "
        "issuer.pem -subj '/C=NL/O=Ledger/CN=Ledger CA' -days 30 && "
        "openssl ca -config ca.cnf -gencrl -out crl.pem");
    const auto import_file = [&](const char* name, UtcTime now) {
        return take_crl(bench, openssl_ca() / name, now);
    };
    CHECK_FAILS(import_file("other/crl.pem", bench.clock.now()), "other/crl.pem");
    CHECK_FAILS(import_file("crl.pem", bench.clock.now() + 24h * 3), "crl.pem", "nextUpdate");
    std::string bytes = read(openssl_ca() / "crl.der");
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write(openssl_ca() / "altered.der", bytes);
    CHECK_FAILS(import_file("altered.der", bench.clock.now()), "altered.der");
    CHECK_FAILS(import_file("index.txt", bench.clock.now()), "index.txt");
    BOOST_TEST(*bench.ledger->count(bench.id) == 0u);
    BOOST_TEST(bench.sources().empty());
}

// Covers: C-11
BOOST_AUTO_TEST_CASE(its_holds_are_refused_without_suspension_from_index_and_crl) {
    CaBench bench;
    REQUIRE_OK(bench.ledger->register_issuer(bench.id, "test", false));
    CHECK_FAILS(
        import_index(*bench.ledger, test_ca().identity, openssl_ca() / "index.txt", bench.clock.now()),
        "index.txt:9: serial 1008", "`suspension = true`");
    CHECK_FAILS(take_crl(bench, openssl_ca() / "crl.pem", bench.clock.now()), "crl.pem: entry ",
                "`suspension = true`");
    BOOST_TEST(*bench.ledger->count(bench.id) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
