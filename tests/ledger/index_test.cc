#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "responder/ledger/index_line.h"
#include "responder/ledger/limits.h"
#include "responder/ledger/line_reader.h"
#include "tests/ledger/fixture.h"

using namespace eightbells;
using namespace eightbells::ledger;
using namespace eightbells::ledger::testing;
using namespace std::chrono_literals;

namespace {

UtcTime time_of(std::string_view text) {
    return from_iso8601(text).value();
}

Result<ImportReport> import_text(Bench& bench, std::string_view text) {
    write(bench.folder / "index.txt", text);
    return import_index(*bench.ledger, test_ca().identity, bench.folder / "index.txt", bench.clock.now());
}

struct IndexBench : Bench {
    explicit IndexBench(bool suspension = true) : Bench(suspension, test_ca().identity.id()) {}
};

}  // namespace

BOOST_AUTO_TEST_SUITE(index_txt)

BOOST_AUTO_TEST_CASE(a_valid_line_in_either_time_form) {
    for (const char* end : {"280101000000Z", "20280101000000Z"}) {
        const auto line = parse_index_line("V\t" + std::string(end) + "\t\t0A\tunknown\t/CN=a");
        REQUIRE_OK(line);
        BOOST_TEST((line->serial == serial("0A")));
        BOOST_TEST((line->not_after == time_of("2028-01-01T00:00:00Z")));
        BOOST_TEST(!line->status.has_value());
    }
    // The two-digit year turns at 50, the four-digit one reaches the end of time.
    BOOST_TEST((parse_index_time("491231235959Z") == time_of("2049-12-31T23:59:59Z")));
    BOOST_TEST((parse_index_time("500101000000Z") == time_of("1950-01-01T00:00:00Z")));
    BOOST_TEST((parse_index_time("99991231235959Z") == year_9999));
    for (const char* wrong : {"", "Z", "2801010000Z", "280101000000", "280101000000z", "281301000000Z",
                              "280230000000Z", "280101240000Z", "280101006000Z", "280101000060Z",
                              "28010100000aZ", "20280101000000.0Z", "280101000000+0000", "-80101000000Z"})
        BOOST_TEST(!parse_index_time(wrong).has_value(), wrong);
    BOOST_TEST(!parse_index_line("E\t200101000000Z\t\t0A\tunknown\t/CN=a")->status.has_value());
}

// Covers: B-15
BOOST_AUTO_TEST_CASE(every_reason_that_openssl_writes_in_any_case) {
    using enum CrlReason;
    const UtcTime time = time_of("2025-03-01T12:00:00Z");
    const auto status_of = [](std::string_view revocation) {
        return parse_index_line("R\t280101000000Z\t" + std::string(revocation) + "\t0A\tunknown\t/CN=a");
    };
    const std::vector<std::pair<std::string, std::optional<CrlReason>>> reasons{
        {"", std::nullopt},
        {",unspecified", std::nullopt},
        {",keyCompromise", key_compromise},
        {",CACompromise", ca_compromise},
        {",cacompromise", ca_compromise},
        {",affiliationChanged", affiliation_changed},
        {",SUPERSEDED", superseded},
        {",cessationOfOperation", cessation_of_operation},
        {",certificateHold", certificate_hold},
        {",holdInstruction,holdInstructionReject", certificate_hold},
        {",holdInstruction,1.2.840.10040.2.3", certificate_hold},
        {",privilegeWithdrawn", privilege_withdrawn},
        {",AACompromise", aa_compromise},
    };
    for (const auto& [text, reason] : reasons) {
        const auto line = status_of("250301120000Z" + text);
        BOOST_TEST_REQUIRE(line.has_value(), text);
        BOOST_TEST((line->status == Revocation{time, reason, std::nullopt}), text);
    }
    const UtcTime since = time_of("2025-02-01T00:00:00Z");
    BOOST_TEST((status_of("250301120000Z,keyTime,20250201000000Z")->status ==
                Revocation{time, key_compromise, since}));
    BOOST_TEST((status_of("250301120000Z,CAkeyTime,20250201000000Z")->status ==
                Revocation{time, ca_compromise, since}));
    CHECK_FAILS(status_of(""), "revocation date: missing");
    CHECK_FAILS(status_of(",superseded"), "revocation date: ");
    CHECK_FAILS(status_of("250301120000Z,"), "revocation reason: ");
    CHECK_FAILS(status_of("250301120000Z,bored"), "revocation reason: \"bored\"");
    CHECK_FAILS(status_of("250301120000Z,removeFromCRL"), "revocation reason: removeFromCRL");
    CHECK_FAILS(status_of("250301120000Z,holdInstruction"), "holdInstruction without");
    CHECK_FAILS(status_of("250301120000Z,keyTime"), "invalidity date");
    CHECK_FAILS(status_of("250301120000Z,keyTime,yesterday"), "invalidity date: \"yesterday\"");
    CHECK_FAILS(status_of("250301120000Z,superseded,x"), "takes nothing after it");
}

// Covers: A-09, F-07
BOOST_AUTO_TEST_CASE(every_spelling_of_a_serial_and_none_that_is_not_one) {
    const auto serial_of = [](std::string_view text) {
        return parse_index_line("V\t280101000000Z\t\t" + std::string(text) + "\tunknown\t/CN=a");
    };
    for (const char* spelling :
         {"0ABC", "0abc", "ABC", "0000000ABC", "00000000000000000000000000000000000000000000ABC"})
        BOOST_TEST((serial_of(spelling)->serial == serial("ABC")), spelling);
    const std::string longest(40, 'F');
    BOOST_TEST(serial_of(longest)->serial.to_hex() == longest);
    for (const char* wrong : {"", "0", "00", "-01", "1G", "1 ", "0x"})
        CHECK_FAILS(serial_of(wrong), "serial: ");
    CHECK_FAILS(serial_of("1" + longest), "longer than 20 octets");
}

BOOST_AUTO_TEST_CASE(fields_are_split_as_openssl_does) {
    BOOST_TEST(parse_index_line("V\t280101000000Z\t\t0A\tunknown\t/CN=a\\\tb").has_value());
    CHECK_FAILS(parse_index_line("V\t280101000000Z\t\t0A\tunknown"), "5 fields, 6 are expected");
    CHECK_FAILS(parse_index_line("V\t280101000000Z\t\t0A\tunknown\t/CN=a\t"), "7 fields");
    CHECK_FAILS(parse_index_line("V 280101000000Z 0A unknown /CN=a"), "1 fields");
    CHECK_FAILS(parse_index_line(""), "empty line");
    CHECK_FAILS(parse_index_line("X\t280101000000Z\t\t0A\tunknown\t/CN=a"), "status: \"X\"");
    CHECK_FAILS(parse_index_line("V\tsoon\t\t0A\tunknown\t/CN=a"), "end date: \"soon\"");
    CHECK_FAILS(parse_index_line("V\t280101000000Z\t250301120000Z\t0A\tunknown\t/CN=a"),
                "V with a revocation date");
    CHECK_FAILS(parse_index_line(std::string("V\t280101000000Z\t\t0A\tunknown\t/CN=\0a", 33)), "zero octet");
}

BOOST_AUTO_TEST_CASE(a_file_is_read_whole_with_either_line_end) {
    IndexBench bench;
    for (const std::string end : {"\n", "\r\n"}) {
        const auto report =
            import_text(bench, "# a comment" + end + "V\t280101000000Z\t\t0A\tunknown\t/CN=a" + end +
                                   "R\t280101000000Z\t250301120000Z\t0B\tunknown\t/CN=b" + end +
                                   "E\t200101000000Z\t\t0C\tunknown\t/CN=c" + end);
        REQUIRE_OK(report);
        BOOST_TEST(report->read == 3u);
    }
    BOOST_TEST(!bench.status("0A").has_value());
    BOOST_TEST(
        (bench.status("0B") == Revocation{time_of("2025-03-01T12:00:00Z"), std::nullopt, std::nullopt}));
    BOOST_TEST((bench.find("0C")->not_after == time_of("2020-01-01T00:00:00Z")));
    BOOST_TEST(bench.sources().at(0).name == "index");
}

// Covers: C-13
BOOST_AUTO_TEST_CASE(an_empty_file_is_a_new_ca_and_says_that_the_rest_is_missing) {
    IndexBench bench;
    REQUIRE_OK(import_text(bench, ""));
    REQUIRE_OK(import_text(bench, "V\t280101000000Z\t\t0A\tunknown\t/CN=a\n"));
    const auto report = import_text(bench, "");
    REQUIRE_OK(report);
    BOOST_TEST(report->missing == 1u);
    BOOST_TEST(bench.find("0A").has_value());
}

BOOST_AUTO_TEST_CASE(what_is_refused_names_file_and_line_and_changes_nothing) {
    IndexBench bench;
    const std::string line = "V\t280101000000Z\t\t0A\tunknown\t/CN=a\n";
    CHECK_FAILS(import_text(bench, line + "R\t280101000000Z\t\t0B\tunknown\t/CN=b\n"),
                "index.txt:2: revocation date");
    CHECK_FAILS(import_text(bench, line + "V\t280101000000Z\t\t0B\n"), "index.txt:2: 4 fields");
    CHECK_FAILS(import_text(bench, "#\n" + line + "V\t280101000000Z\t\t0B\tunknown\t/CN=b\n" +
                                       "V\t290101000000Z\t\t000a\tunknown\t/CN=c\n"),
                "index.txt:4: serial 0A stands already at ", "index.txt:2");
    CHECK_FAILS(import_text(bench, line + std::string(limits::list_line_octets + 1, 'x') + "\n"),
                "index.txt:2: a line of more than 16384 octets");
    CHECK_FAILS(import_text(bench, line + std::string(3 * limits::list_chunk_octets, 'x')),
                "index.txt:2: a line of more than 16384 octets");
    BOOST_TEST(!bench.find("0A").has_value());
    CHECK_FAILS(import_index(*bench.ledger, test_ca().identity, bench.folder / "none.txt", noon),
                "none.txt: cannot open");
    CHECK_FAILS(import_index(*bench.ledger, test_ca().identity, bench.folder.path(), noon),
                "not a regular file");
    REQUIRE_OK(bench.ledger->check_integrity());
}

// Covers: C-11
BOOST_AUTO_TEST_CASE(a_hold_without_suspension_names_file_and_line) {
    IndexBench bench(false);
    CHECK_FAILS(import_text(bench,
                            "V\t280101000000Z\t\t0A\tunknown\t/CN=a\n"
                            "R\t280101000000Z\t250301120000Z,certificateHold\t0B\tunknown\t/CN=b\n"),
                "index.txt:2: serial 0B", "`suspension = true`");
    BOOST_TEST(!bench.find("0A").has_value());
}

BOOST_AUTO_TEST_CASE(a_last_line_without_its_end_is_a_file_still_being_written) {
    IndexBench bench;
    CHECK_FAILS(
        import_text(bench, "V\t280101000000Z\t\t0A\tunknown\t/CN=a\nV\t280101000000Z\t\t0B\tunknown\t/CN=b"),
        "index.txt:2: ", "still being written", "try again");
    BOOST_TEST(!bench.find("0A").has_value());
}

BOOST_AUTO_TEST_CASE(a_file_that_changes_while_it_is_read_is_refused) {
    IndexBench bench;
    const auto file = bench.folder / "index.txt";
    write(file, "one\ntwo\n");
    auto lines = LineReader::open(file);
    REQUIRE_OK(lines);
    BOOST_TEST((*lines)->next().value() == "one");
    const struct timespec times[2]{{0, 0}, {0, 0}};  // the size stays, only the time moves
    BOOST_TEST_REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
    BOOST_TEST(contains((*lines)->failure("wrong").value().message, "try again"));
    BOOST_TEST((*lines)->next().value() == "two");
    BOOST_TEST(!(*lines)->next().has_value());
    CHECK_FAILS((*lines)->finish(), "changed while it was read: try again");

    auto grown = LineReader::open(file);
    REQUIRE_OK(grown);
    BOOST_TEST((*grown)->next().value() == "one");
    write(file, "one\ntwo\nthree\n");
    while ((*grown)->next()) {
    }
    CHECK_FAILS((*grown)->finish(), "try again");
}

BOOST_AUTO_TEST_CASE(lines_cross_the_boundaries_of_chunks_unharmed) {
    TempFolder folder;
    std::string text;
    std::vector<std::string> expected;
    for (std::size_t i = 0; text.size() < 6 * limits::list_chunk_octets; ++i) {
        expected.push_back(std::to_string(i) + std::string(i * 37 % 5000, 'x'));
        text += expected.back() + (i % 2 == 0 ? "\n" : "\r\n");
    }
    write(folder / "lines", text);
    auto lines = LineReader::open(folder / "lines");
    REQUIRE_OK(lines);
    for (const std::string& line : expected) {
        const auto got = (*lines)->next();
        BOOST_TEST_REQUIRE(got.has_value());
        BOOST_TEST_REQUIRE((*got == line));
    }
    BOOST_TEST(!(*lines)->next().has_value());
    const auto digest = (*lines)->finish();
    REQUIRE_OK(digest);
    BOOST_TEST((*digest == crypto::sha256(as_bytes(text))));
    // Left in the middle: the thread that reads ahead ends too.
    auto abandoned = LineReader::open(folder / "lines");
    REQUIRE_OK(abandoned);
    static_cast<void>((*abandoned)->next());
    CHECK_FAILS((*abandoned)->finish(), "not read to its end");
}

BOOST_AUTO_TEST_SUITE_END()
