#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <future>
#include <thread>

#include "cache/limits.h"
#include "cache/page_file.h"
#include "tests/cache/said.h"
#include "tests/cache/temporary_folder.h"

using namespace eightbells;
using namespace eightbells::cache;
using namespace std::chrono_literals;

namespace {

using Access = PageFile::Access;

std::unique_ptr<PageFile> opened(const std::filesystem::path& path, Access access = Access::write) {
    auto file = PageFile::open(path, access);
    BOOST_REQUIRE_MESSAGE(file, (file ? "" : file.error().message));
    return std::move(*file);
}

std::string why_not(const std::filesystem::path& path, Access access = Access::write) {
    const auto file = PageFile::open(path, access);
    return file ? "(it opened)" : file.error().message;
}

Batch batch_of(std::vector<std::pair<std::string, Bytes>> put, Bytes head = {}) {
    return {"i", std::move(put), {}, std::move(head)};
}

std::optional<Bytes> one(PageFile& file, const std::string& name) {
    auto found = file.fetch({&name, 1});
    BOOST_REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
    return found->front();
}

// A database that SQLite made without us.
void make_database(const std::filesystem::path& path, const char* sql) {
    sqlite3* db = nullptr;
    BOOST_REQUIRE_EQUAL(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    BOOST_REQUIRE_EQUAL(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
}

// Fills a file until it has many pages, and brings everything into the main file.
void fill(const std::filesystem::path& path) {
    auto file = opened(path);
    Batch batch = batch_of({}, Bytes{1});
    for (int i = 0; i < 200; ++i)
        batch.put.emplace_back("page" + std::to_string(i), Bytes(8000, static_cast<std::uint8_t>(i)));
    BOOST_REQUIRE(file->publish(batch));
    file.reset();
    make_database(path, "PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(page_file)

BOOST_AUTO_TEST_CASE(what_was_published_is_there_after_opening_again_in_the_order_asked) {
    const TemporaryFolder folder;
    {
        auto file = opened(folder / "pages");
        BOOST_REQUIRE(file->publish(batch_of({{"a", {1}}, {"b", {2, 2}}, {"empty", {}}}, {9})));
        Batch second = batch_of({{"b", {3}}}, {8});
        second.erase = {"a", "never there"};
        BOOST_REQUIRE(file->publish(second));
    }
    auto file = opened(folder / "pages");
    const std::vector<std::string> names{"b", "a", head_name("i"), "empty", "b"};
    const auto found = file->fetch(names);
    BOOST_REQUIRE(found);
    BOOST_TEST((found->at(0) == Bytes{3}));
    BOOST_TEST(!found->at(1).has_value());
    BOOST_TEST((found->at(2) == Bytes{8}));
    BOOST_TEST((found->at(3) == Bytes{}));
    BOOST_TEST((found->at(4) == Bytes{3}));
    BOOST_TEST(!file->fetch(std::vector<std::string>(limits::fetch_names + 1, "x")));
    BOOST_TEST(file->check_integrity().has_value());
}

BOOST_AUTO_TEST_CASE(names_are_found_by_how_they_begin_and_by_nothing_else) {
    const TemporaryFolder folder;
    auto file = opened(folder / "pages");
    const std::string issuer(32, 'a');
    const std::string other(32, 'b');
    const std::string second = crl_piece_name(issuer, {2}, 0);
    const std::string first = crl_piece_name(issuer, {1}, 7);
    BOOST_REQUIRE(file->publish(batch_of({{second, {1}},
                                          {first, {1}},
                                          {crl_piece_name(other, {1}, 0), {1}},
                                          {patch_name(issuer, 1), {1}},
                                          {issuer + ":crl", {1}},
                                          {issuer + ":crl;", {1}}})));
    BOOST_TEST((file->names(crl_pieces_prefix(issuer), 100).value() == std::vector{first, second}));
    BOOST_TEST((file->names(crl_pieces_prefix(issuer), 1).value() == std::vector{first}));
    BOOST_TEST(file->names(crl_pieces_prefix(std::string(32, 'c')), 100).value().empty());
}

BOOST_AUTO_TEST_CASE(a_change_that_is_not_committed_did_not_happen) {
    const TemporaryFolder folder;
    auto file = opened(folder / "pages");
    BOOST_REQUIRE(file->publish(batch_of({{"a", {1}}}, {9})));
    {
        auto change = file->begin(true);
        BOOST_REQUIRE(change);
        BOOST_REQUIRE(change->put("a", Bytes{2}));
        BOOST_REQUIRE(change->erase(head_name("i")));
        BOOST_REQUIRE(change->raise_floor("i", {1, 1}));
    }
    BOOST_TEST((one(*file, "a") == Bytes{1}));
    BOOST_TEST((one(*file, head_name("i")) == Bytes{9}));
    BOOST_TEST((file->floor("i").value() == Version{}));
}

// A process that dies in the middle of a publication, and one that dies just after it.
BOOST_AUTO_TEST_CASE(a_crash_leaves_a_publication_whole_or_undone) {
    const TemporaryFolder folder;
    BOOST_REQUIRE(opened(folder / "pages")->publish(batch_of({{"a", {1}}}, {9})));
    for (const bool commits : {false, true}) {
        const pid_t child = ::fork();
        BOOST_REQUIRE(child >= 0);
        if (child == 0) {
            auto file = PageFile::open(folder / "pages", Access::write);
            auto change = (*file)->begin(true);
            for (int i = 0; i < 3000; ++i)
                static_cast<void>(change->put("page" + std::to_string(i), Bytes(8000, 7)));
            static_cast<void>(change->put("a", Bytes{2}));
            static_cast<void>(change->raise_floor("i", {1, 5}));
            if (commits)
                static_cast<void>(change->commit());
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        auto file = opened(folder / "pages");
        BOOST_TEST((one(*file, "a") == Bytes{static_cast<std::uint8_t>(commits ? 2 : 1)}));
        BOOST_TEST(one(*file, "page2999").has_value() == commits);
        BOOST_TEST((file->floor("i").value() == (commits ? Version{1, 5} : Version{})));
        BOOST_TEST(file->check_integrity().has_value());
    }
}

BOOST_AUTO_TEST_CASE(the_floor_never_goes_down_and_each_issuer_has_its_own) {
    const TemporaryFolder folder;
    auto file = opened(folder / "pages");
    BOOST_TEST((file->floor("a").value() == Version{}));
    BOOST_REQUIRE(file->raise_floor("a", {2, 5}));
    BOOST_REQUIRE(file->raise_floor("b", {1, 1}));
    BOOST_REQUIRE(file->raise_floor("a", {2, 4}));
    BOOST_REQUIRE(file->raise_floor("a", {1, 9}));
    BOOST_TEST((file->floor("a").value() == Version{2, 5}));
    BOOST_TEST((file->floor("b").value() == Version{1, 1}));
    BOOST_REQUIRE(file->raise_floor("a", {3, 0}));
    const Version highest{~std::uint64_t{0}, ~std::uint64_t{0}};
    BOOST_REQUIRE(file->raise_floor("b", highest));
    BOOST_REQUIRE(file->raise_floor("b", {1, 2}));
    file = opened(folder / "pages");
    BOOST_TEST((file->floor("a").value() == Version{3, 0}));
    BOOST_TEST((file->floor("b").value() == highest));
}

BOOST_AUTO_TEST_CASE(a_reader_sees_what_a_writer_publishes_and_reads_on_when_the_writer_is_gone) {
    const TemporaryFolder folder;
    auto writer = opened(folder / "pages");
    auto reader = opened(folder / "pages", Access::read);
    BOOST_REQUIRE(writer->publish(batch_of({{"a", {1}}}, {9})));
    BOOST_TEST((one(*reader, "a") == Bytes{1}));
    BOOST_TEST(!reader->publish(batch_of({{"a", {2}}}, {9})));
    BOOST_TEST(!reader->raise_floor("i", {1, 1}));
    // While a change is open, what was published before is there to be read.
    auto change = writer->begin(true);
    BOOST_REQUIRE(change);
    BOOST_REQUIRE(change->put("a", Bytes{3}));
    BOOST_TEST((one(*reader, "a") == Bytes{1}));
    BOOST_REQUIRE(change->commit());
    BOOST_TEST((one(*reader, "a") == Bytes{3}));
    writer.reset();
    BOOST_TEST((one(*reader, "a") == Bytes{3}));
    reader = opened(folder / "pages", Access::read);
    BOOST_TEST((one(*reader, "a") == Bytes{3}));
}

BOOST_AUTO_TEST_CASE(a_reader_without_the_right_to_write_reads_while_there_is_a_writer_and_after,
                     *boost::unit_test::precondition([](boost::unit_test::test_unit_id) {
                         return ::geteuid() == 0;  // to become somebody else
                     })) {
    const TemporaryFolder folder;
    auto writer = opened(folder / "pages");
    BOOST_REQUIRE(writer->publish(batch_of({{"a", {1}}}, {9})));
    BOOST_REQUIRE_EQUAL(::chmod(folder.path().c_str(), 0755), 0);
    for (const bool present : {true, false}) {
        if (!present)
            writer.reset();
        const pid_t child = ::fork();
        BOOST_REQUIRE(child >= 0);
        if (child == 0) {
            if (::setgid(65534) != 0 || ::setuid(65534) != 0)
                ::_exit(3);
            auto file = PageFile::open(folder / "pages", Access::read);
            if (!file) {
                ::dprintf(2, "%s\n", file.error().message.c_str());
                ::_exit(1);
            }
            const std::string name = "a";
            const auto found = (*file)->fetch({&name, 1});
            ::_exit(found && found->front() == Bytes{1} ? 0 : 2);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        BOOST_TEST(status == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_notice_comes_when_another_has_published_and_only_then) {
    const TemporaryFolder folder;
    auto writer = opened(folder / "pages");
    auto reader = opened(folder / "pages", Access::read);
    BOOST_TEST(!reader->wait_notice(0ms).value());
    BOOST_REQUIRE(writer->publish(batch_of({{"a", {1}}}, {9})));
    BOOST_TEST(reader->wait_notice(0ms).value());
    BOOST_TEST(!reader->wait_notice(20ms).value());
    // What comes between two looks is not lost, and what was fetched meanwhile does not hide it.
    BOOST_REQUIRE(writer->publish(batch_of({{"a", {2}}}, {9})));
    BOOST_TEST((one(*reader, "a") == Bytes{2}));
    BOOST_TEST(reader->wait_notice(0ms).value());
    // In the middle of a wait.
    auto waiting = std::async(std::launch::async, [&] { return reader->wait_notice(60s).value(); });
    BOOST_REQUIRE(writer->publish(batch_of({{"a", {3}}}, {9})));
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST(waiting.get());
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 30s));
}

BOOST_AUTO_TEST_CASE(a_second_writer_waits_for_the_first_but_not_for_ever) {
    const TemporaryFolder folder;
    auto first = opened(folder / "pages");
    auto second = opened(folder / "pages");
    auto change = first->begin(true);
    BOOST_REQUIRE(change);
    const auto begin = std::chrono::steady_clock::now();
    const auto refused = second->publish(batch_of({{"a", {1}}}, {9}));
    const auto waited = std::chrono::steady_clock::now() - begin;
    BOOST_REQUIRE(!refused);
    BOOST_TEST(contains(refused.error().message, "another process holds it"), refused.error().message);
    BOOST_TEST((waited >= limits::page_file_busy / 2));
    BOOST_TEST((waited < limits::page_file_busy + 30s));
    BOOST_REQUIRE(change->commit());
    BOOST_TEST(second->publish(batch_of({{"a", {1}}}, {9})).has_value());
}

BOOST_AUTO_TEST_CASE(several_that_create_the_file_at_the_same_time_share_it) {
    for (int round = 0; round < 40; ++round) {
        const TemporaryFolder folder;
        std::vector<std::future<std::string>> others;
        for (int i = 0; i < 4; ++i)
            others.push_back(std::async(std::launch::async, [&] {
                std::string said;
                for (int tries = 0; tries < 10; ++tries) {  // on a slow disk the others may take long
                    said = why_not(folder / "pages");
                    if (!contains(said, "another process holds it"))
                        break;
                }
                return said;
            }));
        for (auto& other : others)
            BOOST_TEST(other.get() == "(it opened)");
    }
}

BOOST_AUTO_TEST_CASE(where_there_is_no_file_a_reader_says_so_and_makes_none) {
    const TemporaryFolder folder;
    BOOST_TEST(contains(why_not(folder / "pages", Access::read), "there is none yet"));
    BOOST_TEST(!std::filesystem::exists(folder / "pages"));
    BOOST_TEST(contains(why_not(folder / "no such folder/pages"), "cannot open"));
}

BOOST_AUTO_TEST_CASE(a_foreign_file_is_refused_and_left_as_it_is) {
    const TemporaryFolder folder;
    make_database(folder / "other", "CREATE TABLE t(x); INSERT INTO t VALUES(1);");
    make_database(folder / "marked", "PRAGMA application_id = 42; CREATE TABLE t(x);");
    make_database(folder / "newer",
                  "PRAGMA application_id = 1161314899; PRAGMA user_version = 2; CREATE TABLE t(x);");
    make_database(folder / "hollow",
                  "PRAGMA application_id = 1161314899; PRAGMA user_version = 1; CREATE TABLE t(x);");
    make_database(folder / "view",
                  "PRAGMA application_id = 1161314899; PRAGMA user_version = 1;"
                  "CREATE TABLE floor(issuer TEXT PRIMARY KEY, epoch, sequence);"
                  "CREATE VIEW blob AS SELECT 'x' AS name, x'00' AS bytes;");
    std::ofstream(folder / "text") << std::string(20000, 'x');
    std::ofstream(folder / "short") << "hello";
    const std::pair<const char*, const char*> cases[] = {
        {"other", "another application's database"},
        {"marked", "application_id 0x2a"},
        {"newer", "layout has version 2"},
        {"hollow", "no such table"},
        {"view", "page file"},
        {"text", "not a database"},
        {"short", "page file"},
    };
    for (const auto& [name, reason] : cases) {
        const auto path = folder / name;
        const auto size = std::filesystem::file_size(path);
        for (const Access access : {Access::write, Access::read}) {
            const std::string said = why_not(path, access);
            BOOST_TEST(contains(said, reason), name << ": " << said);
            BOOST_TEST(contains(said, path.string()), said);
        }
        BOOST_TEST(std::filesystem::file_size(path) == size);
    }
    BOOST_TEST(contains(why_not(folder.path()), "cannot open"));
}

// Covers: B-23
BOOST_AUTO_TEST_CASE(a_file_cut_short_is_an_error_at_every_length_and_never_a_crash) {
    const TemporaryFolder folder;
    fill(folder / "whole");
    const auto size = std::filesystem::file_size(folder / "whole");
    for (const std::uintmax_t left :
         {std::uintmax_t{1}, std::uintmax_t{99}, std::uintmax_t{512}, std::uintmax_t{8191},
          std::uintmax_t{8192}, size / 3, size / 2, size - 8192, size - 1}) {
        std::filesystem::copy_file(folder / "whole", folder / "cut",
                                   std::filesystem::copy_options::overwrite_existing);
        std::filesystem::remove(folder / "cut-wal");
        std::filesystem::remove(folder / "cut-shm");
        std::filesystem::resize_file(folder / "cut", left);
        const auto file = PageFile::open(folder / "cut", Access::write);
        if (!file) {
            BOOST_TEST(contains(file.error().message, "page file"), file.error().message);
            continue;
        }
        // Where the cut lies within the last page SQLite may open it: then the check tells, or, where no
        // structure is lost, the digests do.
        BOOST_TEST((!(*file)->check_integrity() || size - left < 8192), "cut to " << left << " of " << size);
    }
}

// Covers: B-23
BOOST_AUTO_TEST_CASE(an_edited_file_is_an_error_or_other_bytes_and_never_a_crash) {
    const TemporaryFolder folder;
    fill(folder / "whole");
    const auto size = std::filesystem::file_size(folder / "whole");
    std::uint64_t noticed = 0;
    // Densely where the structure is, sparsely where the blobs are.
    for (std::uintmax_t at = 0; at < size; at += at < 16384 ? 199 : 16411) {
        std::filesystem::copy_file(folder / "whole", folder / "edited",
                                   std::filesystem::copy_options::overwrite_existing);
        std::filesystem::remove(folder / "edited-wal");
        std::filesystem::remove(folder / "edited-shm");
        {
            std::fstream bytes(folder / "edited", std::ios::in | std::ios::out | std::ios::binary);
            bytes.seekp(static_cast<std::streamoff>(at));
            bytes.write("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
        }
        auto file = PageFile::open(folder / "edited", Access::read);
        if (!file) {
            ++noticed;
            continue;
        }
        std::vector<std::string> names;
        for (int i = 0; i < 200; ++i)
            names.push_back("page" + std::to_string(i));
        const auto found = (*file)->fetch(names);
        noticed += !found || !(*file)->check_integrity();
    }
    BOOST_TEST(noticed > 0);
}

BOOST_AUTO_TEST_CASE(a_blob_larger_than_any_we_write_is_refused_on_the_way_in_and_out) {
    const TemporaryFolder folder;
    auto file = opened(folder / "pages");
    BOOST_TEST(file->publish(batch_of({{"piece", Bytes(limits::blob_octets, 1)}}, {9})).has_value());
    BOOST_TEST(one(*file, "piece")->size() == limits::blob_octets);
    BOOST_TEST(!file->publish(batch_of({{"big", Bytes(2 * limits::blob_octets, 1)}}, {9})));
    make_database(folder / "pages", "INSERT INTO blob VALUES('big', zeroblob(100000000))");
    const std::string name = "big";
    BOOST_TEST(!file->fetch({&name, 1}));
    BOOST_TEST(one(*file, "piece").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
