#define BOOST_TEST_MODULE conformance_starts
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <memory>

#include "tests/conformance/world.h"

// Starts that must not succeed: each ends at once, with its exit code and a line that names what is wrong and
// where.
using namespace eightbells::conformance;

namespace {

namespace fs = std::filesystem;

// A CA, a sibling of the same Name, and a configuration for the signer that is right but for one thing.
struct Bench {
    Bench()
        : ca(folder / "ca", "Conformance CA", KeyKind::p256),
          sibling(folder / "sibling", "Conformance CA", KeyKind::p256),
          other(folder / "other", "Another CA", KeyKind::p256) {
        ca.issue("good");
    }

    // `issuer`: lines of the issuer's table; `top`: of the file's beginning; `signer`: of the table [signer].
    fs::path write(const std::string& issuer, const std::string& signer = "",
                   const std::string& top = "") const {
        const auto file = folder / "eightbells.toml";
        replace_text(file, top + "data = \"data\"\n[signer]\nmetrics = \"127.0.0.1:" + std::to_string(port) +
                               "\"\n" + signer +
                               "\n[front]\nlisten = [\"127.0.0.1:" + std::to_string(front_port) +
                               "\"]\nmetrics = \"127.0.0.1:" + std::to_string(front_metrics_port) +
                               "\"\n[[issuer]]\n" + issuer);
        return file;
    }
    static std::string issuer_with(const std::string& certificate, const std::string& key) {
        return "certificate = \"ca/issuer.pem\"\nindex = \"ca/index.txt\"\nsigner_certificate = \"" +
               certificate + "\"\nsigner_key = \"" + key + "\"\n";
    }
    // Certificates in the CA's database: several are of one name.
    std::size_t listed() const {
        const std::string lines = read_text(ca / "index.txt");
        return static_cast<std::size_t>(std::ranges::count(lines, '\n'));
    }
    static std::string right_issuer() { return issuer_with("ca/ocsp-signer.pem", "ca/ocsp-signer.key"); }

    Ended signer(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> words{signer_program(), "--config", (folder / "eightbells.toml").string()};
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    }
    // The signer does not start and says all of this; nothing was signed or promised.
    void expect_refused(int code, const std::vector<std::string>& says) const {
        const Ended ended = signer();
        BOOST_TEST(ended.code == code, ended.all());
        for (const std::string& text : says)
            BOOST_TEST(ended.err.find(text) != std::string::npos,
                       "\"" << text << "\" is not in: " << ended.all());
    }
    // With a certificate that the CA issued for itself in another shape.
    void expect_signer_refused(const std::string& section, const std::vector<std::string>& says,
                               const std::vector<std::string>& times = {"-days", "90"}) {
        ca.make_signer(section, section, times);
        write(issuer_with("ca/" + section + ".pem", "ca/" + section + ".key"));
        expect_refused(1, says);
    }

    eightbells::TemporaryFolder folder;
    Authority ca;
    Authority sibling;
    Authority other;
    std::uint16_t port = free_port();
    std::uint16_t front_port = free_port();
    std::uint16_t front_metrics_port = free_port();
};

std::unique_ptr<Bench> bench;
struct Starts {
    void setup() { bench = std::make_unique<Bench>(); }
    void teardown() { bench.reset(); }
};
BOOST_TEST_GLOBAL_FIXTURE(Starts);

}  // namespace

BOOST_AUTO_TEST_SUITE(starts)

// Covers: H-01
BOOST_AUTO_TEST_CASE(a_signer_certificate_of_a_sibling_or_another_ca_is_refused) {
    bench->write(bench->issuer_with("sibling/ocsp-signer.pem", "sibling/ocsp-signer.key"));
    bench->expect_refused(1, {"issuer \"ca\"", "sibling/ocsp-signer.pem", "H-01"});
    bench->write(bench->issuer_with("other/ocsp-signer.pem", "other/ocsp-signer.key"));
    bench->expect_refused(1, {"issuer \"ca\"", "other/ocsp-signer.pem", "H-01", "Another CA"});
}

// Covers: H-10
BOOST_AUTO_TEST_CASE(a_key_that_does_not_belong_to_the_certificate_is_refused) {
    bench->write(bench->issuer_with("ca/ocsp-signer.pem", "other/ocsp-signer.key"));
    bench->expect_refused(1, {"other/ocsp-signer.key", "does not belong to the certificate"});
}

// Covers: H-02
BOOST_AUTO_TEST_CASE(a_signer_certificate_for_another_use_is_refused) {
    bench->expect_signer_refused("signer-for-tls", {"H-02", "OCSPSigning"});
    bench->expect_signer_refused("signer-for-tls-too", {"H-02", "alone"});
    bench->write(bench->issuer_with("ca/good.pem", "ca/leaf.key"));  // a subscriber's
    bench->expect_refused(1, {"H-02", "extended key usage is absent"});
}

// Covers: H-03
BOOST_AUTO_TEST_CASE(a_signer_certificate_without_nocheck_is_refused) {
    bench->expect_signer_refused("signer-without-nocheck", {"H-03", "id-pkix-ocsp-nocheck is absent"});
}

// Covers: H-05
BOOST_AUTO_TEST_CASE(a_signer_certificate_that_is_a_ca_is_refused) {
    bench->expect_signer_refused("signer-that-is-a-ca", {"H-05", "it is a CA certificate"});
}

// Covers: H-06, H-07
BOOST_AUTO_TEST_CASE(a_signer_certificate_that_has_ended_or_not_begun_is_refused) {
    bench->expect_signer_refused("signer", {"expired at 2021-01-01T00:00:00Z"},
                                 {"-startdate", "20200101000000Z", "-enddate", "20210101000000Z"});
    bench->expect_signer_refused("signer", {"not valid before 2048-01-01T00:00:00Z"},
                                 {"-startdate", "20480101000000Z", "-enddate", "20490101000000Z"});
}

// Covers: H-09
BOOST_AUTO_TEST_CASE(a_ca_that_signs_itself_needs_the_digital_signature_bit) {
    must({"openssl", "req", "-x509", "-new", "-key", "issuer.key", "-subj", "/CN=Bare CA", "-days", "300",
          "-config", "settings", "-extensions", "root-without-signing", "-out", "bare.pem"},
         bench->ca.folder());
    bench->write(
        "certificate = \"ca/bare.pem\"\nindex = \"ca/index.txt\"\nsigner_certificate = \"\"\n"
        "signer_key = \"ca/issuer.key\"\n");
    bench->expect_refused(1, {"H-09", "digitalSignature"});
}

BOOST_AUTO_TEST_CASE(a_key_that_cannot_be_opened_is_refused_with_what_to_do) {
    const fs::path ca = bench->ca.folder();
    must({"openssl", "pkcs8", "-topk8", "-in", "ocsp-signer.key", "-passout", "pass:right", "-out",
          "encrypted.key"},
         ca);
    must({"openssl", "ec", "-in", "ocsp-signer.key", "-out", "old-form.key"}, ca);
    for (const char* file : {"encrypted.key", "old-form.key"})
        fs::permissions(ca / file, fs::perms::owner_read | fs::perms::owner_write);
    replace_text(ca / "wrong.passphrase", "wrong\n");
    replace_text(ca / "right.passphrase", "right\n");
    for (const char* file : {"wrong.passphrase", "right.passphrase"})
        fs::permissions(ca / file, fs::perms::owner_read | fs::perms::owner_write);
    const std::string encrypted = bench->issuer_with("ca/ocsp-signer.pem", "ca/encrypted.key");
    bench->write(encrypted + "signer_key_passphrase = \"ca/wrong.passphrase\"\n");
    bench->expect_refused(1, {"ca/encrypted.key", "the passphrase does not open the key"});
    bench->write(encrypted);
    bench->expect_refused(1, {"ca/encrypted.key", "encrypted and no passphrase is configured"});
    bench->write(bench->issuer_with("ca/ocsp-signer.pem", "ca/old-form.key"));
    bench->expect_refused(1, {"ca/old-form.key", "openssl pkcs8 -topk8"});
}

BOOST_AUTO_TEST_CASE(a_configuration_with_mistakes_is_refused_by_every_program_with_file_and_line) {
    const std::string file = (bench->folder / "eightbells.toml").string();
    const auto expect = [&](const std::string& says) {
        for (const std::string& program : {signer_program(), front_program()}) {
            const Ended ended = run({program, "--config", file});
            BOOST_TEST(ended.code == 78, ended.all());
            BOOST_TEST(ended.err.find(says) != std::string::npos,
                       "\"" << says << "\" is not in: " << ended.all());
        }
        const Ended checked = run({eightbells_program(), "--config", file, "check-config"});
        BOOST_TEST(checked.code == 78, checked.all());
        BOOST_TEST(checked.err.find(says) != std::string::npos,
                   "\"" << says << "\" is not in: " << checked.all());
    };
    bench->write("index = \"ca/index.txt\"\nsigner_certificate = 7\n");
    expect(file + ":10: issuer[0].signer_certificate");
    bench->write(bench->right_issuer() + "refresh = \"23h\"\n");
    expect("less than the four hours promised");
    bench->write(bench->right_issuer() + "refersh = \"12h\"\n");
    expect("refersh");
    bench->write("certificate = \"ca/issuer.pem\n");
    expect(file + ":");
    replace_text(bench->folder / "eightbells.toml", "data = \"data\"\n");
    expect("issuer");
    fs::remove(bench->folder / "eightbells.toml");
    expect(file);
    bench->write(bench->right_issuer());
    BOOST_TEST(run({eightbells_program(), "--config", file, "check-config"}).code == 0);
    BOOST_TEST(run({eightbells_program(), "--config", file, "check-confi"}).code != 0);
}

// 200,000 certificates every ten seconds are 40,000 signatures a second, with their check: no two cores do
// it.
BOOST_AUTO_TEST_CASE(what_this_machine_cannot_refresh_is_refused_with_the_arithmetic) {
    fs::remove_all(bench->folder / "data");
    const fs::path index = bench->folder / "large.txt";
    std::string lines;
    for (int i = 0; i < 400'000; ++i)
        lines += "V\t351231235959Z\t\t40" + std::to_string(1'000'000 + i) + "\tunknown\t/CN=made\n";
    replace_text(index, "# a comment is no certificate\n" + lines);
    const std::string quick = "scheme = \"private\"\nvalidity = \"8h\"\nrefresh = \"10s\"\ncache_for = 0\n";
    bench->write(
        "certificate = \"ca/issuer.pem\"\nindex = \"large.txt\"\nsigner_certificate = "
        "\"ca/ocsp-signer.pem\"\nsigner_key = \"ca/ocsp-signer.key\"\n" +
        quick);
    const std::string file = (bench->folder / "eightbells.toml").string();
    const auto check = [&] { return run({eightbells_program(), "--config", file, "check-config"}); };
    const Ended refused = check();
    BOOST_TEST(refused.code == 78, refused.all());
    for (const char* says :
         {":15: issuer[0].refresh", "of the measured signing rate, more than 60 %",
          "400000 certificates x 2 CertID hashes / 10 s = 80000.0 signatures a second of "})
        BOOST_TEST(refused.err.find(says) != std::string::npos, refused.all());
    BOOST_TEST(!fs::exists(bench->folder / "data"));  // nothing was made
    bench->expect_refused(1, {"more than 60 %", "400000 certificates x 2 CertID hashes"});

    // The ledger that the refused start filled is what counts, whatever becomes of the index.
    fs::remove(index);
    bench->write(bench->right_issuer() + quick);
    const Ended counted = check();
    BOOST_TEST(counted.code == 78, counted.all());
    BOOST_TEST(counted.err.find("400000 certificates x 2") != std::string::npos, counted.all());
    fs::remove_all(bench->folder / "data");
    const Ended sound = check();
    BOOST_TEST(sound.code == 0, sound.all());
    BOOST_TEST(sound.out.find(std::to_string(bench->listed()) + " certificates x 2 CertID hashes / 10 s") !=
                   std::string::npos,
               sound.all());
}

// It has the ledger open; and an import that leads above the bound is taken, with an alarm.
BOOST_AUTO_TEST_CASE(a_running_signer_takes_what_a_start_would_refuse_and_says_so) {
    bench->write(bench->right_issuer() +
                 "scheme = \"private\"\nvalidity = \"8h\"\nrefresh = \"10s\"\ncache_for = 0\n");
    const std::string file = (bench->folder / "eightbells.toml").string();
    Program signer{{signer_program(), "--config", file}, bench->folder.path(), bench->folder / "signer.log"};
    signer.start();
    BOOST_REQUIRE(comes([] { return fetch(bench->port, "/ready").value_or(Reply{}).status == 200; }));
    BOOST_TEST(run({eightbells_program(), "--config", file, "check-config"}).code == 0);
    const fs::path list = bench->folder / "large.csv";
    std::string lines = "serial,not_after\n";
    for (int i = 0; i < 400'000; ++i)
        lines += "40" + std::to_string(1'000'000 + i) + ",2035-12-31T23:59:59Z\n";
    replace_text(list, lines);
    const Ended taken = run({eightbells_program(), "--config", file, "import", "csv", list.string()});
    BOOST_TEST(taken.ok(), taken.all());
    const std::string log = "of the signing rate measured at the start, more than 60 %";
    BOOST_TEST(comes([&] { return signer.log().find(log) != std::string::npos; }), signer.log());
    BOOST_TEST(comes([] {
        const auto metrics = fetch(bench->port, "/metrics").value_or(Reply{}).body;
        return sum_of(metrics, "eightbells_signer_signing_demand_per_second") >
               0.6 * sum_of(metrics, "eightbells_signer_signing_capacity_per_second");
    }));
    const Ended refused = run({eightbells_program(), "--config", file, "check-config"});
    BOOST_TEST(refused.code == 78, refused.all());
    BOOST_TEST(refused.err.find(std::to_string(400'000 + bench->listed()) + " certificates x 2") !=
                   std::string::npos,
               refused.all());
    signer.kill();
    fs::remove_all(bench->folder / "data");
}

BOOST_AUTO_TEST_CASE(missing_files_are_named) {
    bench->write(bench->issuer_with("ca/nothing.pem", "ca/ocsp-signer.key"));
    bench->expect_refused(1, {"ca/nothing.pem"});
    bench->write("certificate = \"ca/nobody.pem\"\nindex = \"ca/index.txt\"\n");
    bench->expect_refused(1, {"ca/nobody.pem"});
    const Ended front = run({front_program(), "--config", (bench->folder / "eightbells.toml").string()});
    BOOST_TEST(front.code == 1, front.all());
    BOOST_TEST(front.err.find("ca/nobody.pem") != std::string::npos, front.all());
}

BOOST_AUTO_TEST_CASE(a_folder_that_has_signed_before_does_not_begin_with_an_empty_ledger) {
    bench->write(bench->right_issuer());
    const auto ready = [] { return fetch(bench->port, "/ready").value_or(Reply{}).status == 200; };
    const auto data = bench->folder / "data/signer";
    // H-11: a key that others may read is used, with a warning.
    fs::permissions(bench->ca / "ocsp-signer.key", fs::perms::others_read, fs::perm_options::add);
    Program signer{
        {signer_program(), "--config", "eightbells.toml"}, bench->folder / "", bench->folder / "signer.log"};
    signer.start();
    BOOST_REQUIRE(comes(ready));
    // Two on one folder would sign past one another.
    bench->expect_refused(1, {"another signer runs on this data folder"});
    BOOST_TEST(signer.stop() == 0);
    BOOST_TEST(signer.log().find("chmod 600") != std::string::npos, signer.log());
    for (const auto& entry : fs::directory_iterator{data}) {
        if (entry.path().filename().string().starts_with("ledger.db"))
            fs::rename(entry.path(), bench->folder / entry.path().filename());
    }
    bench->expect_refused(1, {(data / "ledger.db").string(), "signed before", "--create-ledger"});
    BOOST_TEST(!fs::exists(data / "ledger.db"));
    Program anew{{signer_program(), "--config", "eightbells.toml", "--create-ledger"},
                 bench->folder / "",
                 bench->folder / "signer.log"};
    anew.start();
    BOOST_TEST(comes(ready), anew.log());
    BOOST_TEST(anew.stop() == 0);
}

// Covers: D-10
BOOST_AUTO_TEST_CASE(a_signer_whose_clock_went_back_serves_on_and_signs_once_the_operator_accepts_it) {
    bench->write(bench->right_issuer());
    const std::string file = (bench->folder / "eightbells.toml").string();
    const auto ready = [] { return fetch(bench->port, "/ready").value_or(Reply{}).status == 200; };
    const auto metric = [](const std::string& series) {
        return value_of(fetch(bench->port, "/metrics").value_or(Reply{}).body, series);
    };
    const auto operate = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {eightbells_program(), "--config", file});
        return run(words);
    };
    Program signer{{signer_program(), "--config", file}, bench->folder / "", bench->folder / "signer.log"};
    signer.start();
    BOOST_REQUIRE(comes(ready));
    BOOST_TEST(operate({"clock"}).code == 0);
    BOOST_TEST(comes([&] { return metric("eightbells_signer_clock_state{state=\"trusted\"}") == 1; }));
    BOOST_TEST(signer.stop() == 0);
    replace_text(bench->folder / "data/signer/clock.json",
                 "{\"allowed\":\"2099-01-01T00:00:00Z\",\"synchronised\":\"2099-01-01T00:00:00Z\"}\n");
    signer.start();
    BOOST_REQUIRE(comes(ready));  // what is signed is served
    BOOST_TEST(comes([&] { return metric("eightbells_signer_clock_state{state=\"stepped\"}") == 1; }));
    const Ended told = operate({"clock"});
    BOOST_TEST(told.code == 1);
    BOOST_TEST(told.out.find("2099-01-01T00:00:00Z") != std::string::npos, told.all());
    BOOST_TEST(operate({"revoke", bench->ca.serial("good"), "--reason", "superseded"}).code == 0);
    const auto status = [&] { return operate({"status"}).all(); };
    BOOST_TEST(comes([&] { return status().find("eightbells clock accept") != std::string::npos; }),
               status());
    BOOST_TEST(comes([&] { return metric("eightbells_signer_unpublished_changes{issuer=\"ca\"}") == 1; }));
    BOOST_TEST(operate({"clock", "accept"}).code == 0);
    BOOST_TEST(comes([&] { return metric("eightbells_signer_unpublished_changes{issuer=\"ca\"}") == 0; }),
               status());
    BOOST_TEST(comes([&] { return metric("eightbells_signer_clock_state{state=\"trusted\"}") == 1; }));
    BOOST_TEST(comes([&] { return status().find("clock accept") == std::string::npos; }), status());
    BOOST_TEST(signer.stop() == 0);
}

// Covers: F-03
BOOST_AUTO_TEST_CASE(verify_judges_a_crl_by_the_scheme_of_its_issuer) {
    must({"openssl", "ca", "-config", "settings", "-gencrl", "-crlhours", "48", "-out", "bare.pem"},
         bench->ca.folder());  // without authorityKeyIdentifier
    const std::string issuer = bench->right_issuer() + "crl = \"ca/bare.pem\"\n";
    bench->write(issuer);
    const std::string file = (bench->folder / "eightbells.toml").string();
    Program signer{{signer_program(), "--config", file}, bench->folder / "", bench->folder / "signer.log"};
    signer.start();
    const auto verify = [&] { return run({eightbells_program(), "--config", file, "verify"}); };
    BOOST_TEST(comes([&] { return verify().out.find("1 CRLs, 0 faults") != std::string::npos; }),
               verify().all());
    BOOST_TEST(verify().code == 0);
    BOOST_TEST(signer.stop() == 0);
    bench->write(issuer + "scheme = \"tls-br\"\n");
    const Ended refused = verify();
    BOOST_TEST(refused.code == 1, refused.all());
    BOOST_TEST(refused.err.find("F-03: authorityKeyIdentifier is absent") != std::string::npos,
               refused.all());
}

BOOST_AUTO_TEST_CASE(an_address_in_use_is_named) {
    bench->write(bench->right_issuer());
    const fs::path file = bench->folder / "eightbells.toml";
    Program signer{
        {signer_program(), "--config", file.string()}, bench->folder / "", bench->folder / "signer.log"};
    signer.start();
    BOOST_REQUIRE(comes([] { return fetch(bench->port, "/ready").value_or(Reply{}).status == 200; }));
    Program front{
        {front_program(), "--config", file.string()}, bench->folder / "", bench->folder / "front.log"};
    front.start();
    BOOST_REQUIRE(
        comes([] { return fetch(bench->front_metrics_port, "/ready").value_or(Reply{}).status == 200; }));
    // The private address; public ones may be shared by several on one machine.
    const fs::path other = bench->folder / "other.toml";
    std::string elsewhere = read_text(file);
    const std::string front_table = "[front]\n";
    elsewhere.insert(elsewhere.find(front_table) + front_table.size(), "data = \"data/second\"\n");
    replace_text(other, elsewhere);
    const Ended second = run({front_program(), "--config", other.string()});
    BOOST_TEST(second.code == 1, second.all());
    BOOST_TEST(second.err.find("127.0.0.1:") != std::string::npos, second.all());
    BOOST_TEST(front.stop() == 0);
    BOOST_TEST(signer.stop() == 0);
    // The operator's command says so when nobody is there to hear it.
    const Ended told = run({eightbells_program(), "--config", file.string(), "status"});
    BOOST_TEST(told.code == 1);
    BOOST_TEST(told.err.find("is the signer running?") != std::string::npos, told.all());
}

BOOST_AUTO_TEST_SUITE_END()
