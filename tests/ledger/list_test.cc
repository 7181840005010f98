#include "responder/ledger/list_entry.h"
#include "tests/ledger/fixture.h"

using namespace eightbells;
using namespace eightbells::ledger;
using namespace eightbells::ledger::testing;
using namespace std::chrono_literals;

namespace {

struct ListBench : Bench {
    ListBench() : Bench(true, test_ca().identity.id()) {}
    Result<ImportReport> csv(std::string_view text) {
        write(folder / "issued.csv", text);
        return import_csv(*ledger, test_ca().identity, folder / "issued.csv", clock.now());
    }
    Result<ImportReport> json(std::string_view text) {
        write(folder / "issued.jsonl", text);
        return import_json_lines(*ledger, test_ca().identity, folder / "issued.jsonl", clock.now());
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(lists)

// Covers: A-09, F-07
BOOST_AUTO_TEST_CASE(csv_in_rfc_4180_form_with_any_columns_around_ours) {
    ListBench bench;
    const auto report = bench.csv(
        "Subject,SERIAL,not_after\r\n"
        "\"CN=\"\"a\"\", O=b\r\nsecond line\",0a:bc,2028-01-01T00:00:00Z\r\n"
        "CN=c,\"0D\",20280101000000Z\r\n");
    REQUIRE_OK(report);
    BOOST_TEST(report->issued == 2u);
    BOOST_TEST((bench.find("0ABC")->not_after == from_iso8601("2028-01-01T00:00:00Z").value()));
    BOOST_TEST(bench.find("0D").has_value());
    BOOST_TEST(bench.sources().at(0).name == "list:issued.csv");
    BOOST_TEST(!bench.sources().at(0).carries_status);
    const auto decimal = bench.csv("serial_decimal,not_after\n14,2028-01-01T00:00:00Z\n");
    REQUIRE_OK(decimal);
    BOOST_TEST(bench.find("0E").has_value());
    BOOST_TEST(decimal->missing == 0u);  // these lists add, nothing is missing from them
}

// Covers: B-13, B-15
BOOST_AUTO_TEST_CASE(a_status_column_speaks_of_status) {
    ListBench bench;
    const auto report = bench.csv(
        "serial,not_after,status,revocation_time,reason,invalidity_date,sha256\n"
        "0A,2028-01-01T00:00:00Z,good,,,,\n"
        "0B,2028-01-01T00:00:00Z,Revoked,2026-01-02T03:04:05Z,keycompromise,2026-01-01T00:00:00Z,\n"
        "0C,2028-01-01T00:00:00Z,hold,20260102030405Z,,," +
        std::string(64, 'a') + "\n0D,2028-01-01T00:00:00Z,revoked,2026-01-02T03:04:05Z,unspecified,,\n");
    REQUIRE_OK(report);
    BOOST_TEST(report->revoked == 3u);
    const UtcTime time = from_iso8601("2026-01-02T03:04:05Z").value();
    BOOST_TEST((bench.status("0B") ==
                Revocation{time, CrlReason::key_compromise, from_iso8601("2026-01-01T00:00:00Z").value()}));
    BOOST_TEST((bench.status("0C") == Revocation{time, CrlReason::certificate_hold, std::nullopt}));
    BOOST_TEST((bench.status("0D") == Revocation{time, std::nullopt, std::nullopt}));
    BOOST_TEST(to_hex(bench.find("0C")->hash.value()) == std::string(64, 'a'));
    BOOST_TEST((bench.ledger->as_of(bench.id).value() == noon));
}

// Covers: C-08
BOOST_AUTO_TEST_CASE(a_list_without_status_leaves_every_status_alone) {
    ListBench bench;
    REQUIRE_OK(bench.csv(
        "serial,not_after,status,revocation_time\n0A,2028-01-01T00:00:00Z,hold,2026-01-02T03:04:05Z\n"));
    const auto report = bench.csv("serial,not_after\n0A,2028-01-01T00:00:00Z\n");
    REQUIRE_OK(report);
    BOOST_TEST(report->unchanged == 1u);
    BOOST_TEST(on_hold(bench.status("0A")));
}

BOOST_AUTO_TEST_CASE(what_csv_refuses_names_file_line_and_field) {
    ListBench bench;
    const std::string head = "serial,not_after,status,revocation_time,reason\n";
    const std::string end = "2028-01-01T00:00:00Z";
    CHECK_FAILS(bench.csv(""), "issued.csv: empty");
    CHECK_FAILS(bench.csv("not_after\n"), "issued.csv:1: header: a column serial");
    CHECK_FAILS(bench.csv("serial\n"), "header: a column not_after");
    CHECK_FAILS(bench.csv("serial,not_after,Serial\n"), "header: Serial stands twice");
    CHECK_FAILS(bench.csv("serial,not_after,reason\n"), "need a column status");
    CHECK_FAILS(bench.csv(head + "0A," + end + "\n"), "issued.csv:2: 2 fields, 5 are expected");
    CHECK_FAILS(bench.csv(head + "," + end + ",good,,\n"), "issued.csv:2: serial: missing");
    CHECK_FAILS(bench.csv(head + "0A,,good,,\n"), "not_after: missing");
    CHECK_FAILS(bench.csv(head + "0A,tomorrow,good,,\n"), "not_after: \"tomorrow\"");
    CHECK_FAILS(bench.csv(head + "0A," + end + ",fine,,\n"), "status: \"fine\"");
    CHECK_FAILS(bench.csv(head + "0A," + end + ",revoked,,\n"), "revocation_time: missing");
    CHECK_FAILS(bench.csv(head + "0A," + end + ",good," + end + ",\n"), "status: good, with");
    CHECK_FAILS(bench.csv(head + "0A," + end + ",hold,2026-01-02T03:04:05Z,superseded\n"), "reason: a hold");
    CHECK_FAILS(bench.csv(head + "0A," + end + ",revoked,2026-01-02T03:04:05Z,removeFromCRL\n"),
                "reason: \"removeFromCRL\"");
    CHECK_FAILS(bench.csv("serial,not_after,sha256\n0A," + end + ",00\n"), "sha256: 64");
    CHECK_FAILS(bench.csv(head + "0A," + end + ",g\"ood,,\n"), "a quote within a field");
    CHECK_FAILS(bench.csv(head + "\"0A," + end + ",good,,\n\n"), "issued.csv:2: a quoted field does not end");
    CHECK_FAILS(bench.csv(head + "0A," + end + ",good,,"), "still being written");
    CHECK_FAILS(bench.csv("serial,not_after"), "still being written");
    CHECK_FAILS(bench.csv(head + "0A," + end + ",good,,\n0B," + end + ",good,,\n0a," + end + ",good,,\n"),
                "issued.csv:4: serial 0A stands already at ", "issued.csv:2");
    BOOST_TEST(*bench.ledger->count(bench.id) == 0u);
}

BOOST_AUTO_TEST_CASE(json_lines_with_the_same_names) {
    ListBench bench;
    const auto report = bench.json(
        R"({"serial":"0a","not_after":"2028-01-01T00:00:00Z","status":"good","subject":{"cn":"x"}})"
        "\n"
        R"({"serial_decimal":"11","not_after":"20280101000000Z","status":"revoked","revocation_time":"2026-01-02T03:04:05Z"})"
        "\n");
    REQUIRE_OK(report);
    BOOST_TEST(report->issued == 2u);
    BOOST_TEST(bench.status("0B").has_value());
    BOOST_TEST(bench.sources().at(0).name == "list:issued.jsonl");
    CHECK_FAILS(bench.json("[]\n"), "issued.jsonl:1: not a JSON object");
    CHECK_FAILS(bench.json("{\"serial\":10,\"not_after\":\"2028-01-01T00:00:00Z\"}\n"),
                "serial: a text in quotes");
    CHECK_FAILS(bench.json("{\"serial\":\"0C\",\"not_after\":\"2028-01-01T00:00:00Z\"}\n{\n"),
                "issued.jsonl:2: not a JSON");
    CHECK_FAILS(
        bench.json("{\"serial\":\"0C\",\"not_after\":\"2028-01-01T00:00:00Z\"}\n"
                   "{\"serial\":\"0D\",\"not_after\":\"2028-01-01T00:00:00Z\",\"status\":\"good\"}\n"),
        "issued.jsonl:2: status: missing in the first line");
    CHECK_FAILS(bench.json("{\"serial\":\"0C\",\"not_after\":\"2028-01-01T00:00:00Z\"}"),
                "still being written");
    BOOST_TEST(!bench.find("0C").has_value());
}

BOOST_AUTO_TEST_CASE(a_folder_of_certificates_each_signed_by_the_issuer) {
    ListBench bench;
    const auto folder = bench.folder / "issued";
    std::filesystem::create_directory(folder);
    std::filesystem::create_directory(folder / "sub.pem");
    const std::string ca = test_ca().folder.string();
    const auto make = [&](const std::string& name, const std::string& number,
                          const std::string& issuer_name) {
        run(folder,
            "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c.csr -subj "
            "/CN=" +
                name + " && openssl x509 -req -in c.csr -CA " + issuer_name + ".pem -CAkey " + issuer_name +
                ".key -set_serial " + number + " -days 30 -out " + name + ".pem && rm k c.csr");
    };
    make("a", "0x0A", ca + "/issuer");
    make("b", "0x1234567890ABCDEF1234567890ABCDEF", ca + "/issuer");
    run(folder, "openssl x509 -in a.pem -outform DER -out a.der");  // the same again
    write(folder / "readme.txt", "passed over");
    const auto read_folder = [&] { return import_folder(*bench.ledger, test_ca().identity, folder, noon); };
    const auto report = read_folder();
    REQUIRE_OK(report);
    BOOST_TEST(report->issued == 2u);
    BOOST_TEST(report->read == 3u);
    const auto found = bench.find("1234567890abcdef1234567890abcdef");
    BOOST_TEST_REQUIRE(found.has_value());
    run(folder, "openssl x509 -in b.pem -outform DER | sha256sum | cut -c1-64 >sum");
    BOOST_TEST(to_hex(found->hash.value()) + "\n" == read(folder / "sum"));
    const auto certificate = crypto::Certificate::parse(as_bytes(read(folder / "b.pem")));
    BOOST_TEST((found->not_after == certificate->not_after()));
    BOOST_TEST(bench.sources().at(0).name == "list:issued");

    write(folder / "z.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    CHECK_FAILS(read_folder(), "z.pem");
    // A sibling CA of the same Name: its certificates are another issuer's (A-08).
    run(folder,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ../x.key -out ../x.pem "
        "-subj '/C=NL/O=Ledger/CN=Ledger CA' -days 30");
    make("z", "0x0B", "../x");
    CHECK_FAILS(read_folder(), "z.pem");
    BOOST_TEST(!bench.find("0B").has_value());
    CHECK_FAILS(import_folder(*bench.ledger, test_ca().identity, bench.folder / "none", noon),
                "cannot read the folder");
}

BOOST_AUTO_TEST_SUITE_END()
