// Caching headers, preconditions, HEAD and byte ranges.
#define BOOST_TEST_MODULE http_conditional
#include <boost/test/unit_test.hpp>
#include <limits>

#include "responder/http/date.h"
#include "responder/http/preconditions.h"
#include "responder/http/response_head.h"
#include "tests/http/server.h"

namespace eightbells::http::test {
namespace {

const std::string tag{tag_of_tests};
const std::string last_modified = "Sun, 22 Nov 2026 06:20:00 GMT";

std::string request(std::string_view method, std::string_view path, std::string_view lines) {
    return std::string{method} + " " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n" + std::string{lines} +
           "\r\n";
}
Response ask(const Server& server, std::string_view method, std::string_view path, std::string_view lines) {
    return parse_responses(exchange_bytes(server, request(method, path, lines)), {method == "HEAD"}).at(0);
}

}  // namespace

// Covers: E-03, E-05, E-06, E-07, E-08, E-09
BOOST_AUTO_TEST_CASE(a_cacheable_answer_has_these_headers_and_no_others) {
    Server server;
    BOOST_TEST(exchange_bytes(server, request("GET", "/cached", "Connection: close\r\n")) ==
               "HTTP/1.1 200 OK\r\n"
               "Date: Sun, 22 Nov 2026 07:20:00 GMT\r\n"
               "Content-Type: application/ocsp-response\r\n"
               "Content-Length: 28\r\n"
               "ETag: \"000102030405060708090a0b0c0d0e0f\"\r\n"
               "Last-Modified: Sun, 22 Nov 2026 06:20:00 GMT\r\n"
               "Expires: Sun, 22 Nov 2026 19:20:00 GMT\r\n"
               "Cache-Control: max-age=600, public, no-transform, must-revalidate\r\n"
               "Connection: close\r\n"
               "\r\n"
               "the same bytes for everyone\n");
}

// Covers: E-09, E-31
BOOST_AUTO_TEST_CASE(what_is_not_cacheable_says_so_whatever_the_handler_thinks) {
    Server server;
    for (const int status : {400, 403, 404, 405, 413, 414, 415, 500, 501, 503}) {
        const Response response = ask(server, "GET", "/status/" + std::to_string(status), "");
        BOOST_TEST(response.status == status);
        BOOST_TEST(response.field("cache-control") == "no-store");
        BOOST_TEST(!response.has("etag"));
        BOOST_TEST(!response.has("expires"));
        BOOST_TEST(!response.has("last-modified"));
        BOOST_TEST(response.body == "see above\n");
    }
    const Response echoed = ask(server, "GET", "/x", "");
    BOOST_TEST(echoed.field("cache-control") == "no-store");
    for (const std::string path : {"/silent", "/dropped", "/bad-text", "/large/32769", "/status/299"}) {
        const Response response = ask(server, "GET", path, "");
        BOOST_TEST(response.status == 500);
        BOOST_TEST(response.field("cache-control") == "no-store");
    }
    BOOST_TEST(ask(server, "GET", "/large/32768", "").body.size() == 32768U);
    BOOST_TEST(ask(server, "GET", "/twice", "").body == cached_body);
}

// Covers: E-10, E-07
BOOST_AUTO_TEST_CASE(max_age_stays_within_31_bits_and_dates_within_the_calendar) {
    const auto head_of = [](seconds max_age, UtcTime expires, UtcTime modified) {
        Caching caching = caching_of_tests();
        caching.max_age = max_age;
        caching.expires = expires;
        caching.last_modified = modified;
        std::string memory(1024, '\0');
        Output out{reinterpret_cast<std::uint8_t*>(memory.data()), 0, memory.size()};
        Moment moment;
        moment.set(start_of_tests);
        WireHead head;
        head.content_length = 0;
        head.caching = &caching;
        write_head(out, head, moment);
        memory.resize(out.size);
        return memory;
    };
    const auto holds = [](const std::string& head, std::string_view text) {
        return head.find(text) != std::string::npos;
    };
    const auto last = head_of(year_9999 - start_of_tests, year_9999, start_of_tests);
    BOOST_TEST(holds(last, "max-age=2147483647,"));
    BOOST_TEST(holds(last, "Expires: Fri, 31 Dec 9999 23:59:59 GMT\r\n"));
    BOOST_TEST(holds(head_of(seconds{-5}, start_of_tests, start_of_tests), "max-age=0,"));
    BOOST_TEST(holds(head_of(seconds{0}, start_of_tests, start_of_tests), "max-age=0,"));
    BOOST_TEST(holds(head_of(seconds{2147483648}, year_9999, start_of_tests), "max-age=2147483647,"));
    // A clock behind the signer's: Last-Modified is never later than Date.
    BOOST_TEST(holds(head_of(seconds{1}, year_9999, start_of_tests + seconds{7}),
                     "Last-Modified: " + std::string{date_of_tests}));
    BOOST_TEST(holds(head_of(seconds{1}, UtcTime::max(), UtcTime::min()), "Expires: Fri, 31 Dec 9999"));
}

// Covers: E-11, E-14
BOOST_AUTO_TEST_CASE(if_none_match_is_a_list_compared_weakly_and_beats_if_modified_since) {
    Server server;
    struct Row {
        std::string lines;
        int status;
    };
    const std::string old_date = "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    const std::string good_date = "If-Modified-Since: " + last_modified + "\r\n";
    for (const Row& row :
         std::vector<Row>{{"If-None-Match: " + tag + "\r\n", 304},
                          {"if-none-match:" + tag + "\r\n", 304},
                          {"If-None-Match: W/" + tag + "\r\n", 304},
                          {"If-None-Match: \"x\", W/" + tag + "\r\n", 304},
                          {"If-None-Match: \"x\",,  " + tag + " ,\"y\"\r\n", 304},
                          {"If-None-Match: \"a,b\"," + tag + "\r\n", 304},
                          {"If-None-Match: *\r\n", 304},
                          {"If-None-Match: \"x\"\r\nIf-None-Match: " + tag + "\r\n", 304},
                          {"If-None-Match: \"x\"\r\nX: y\r\nif-none-match: \"z\", " + tag + "\r\n", 304},
                          {"If-None-Match: \"x\"\r\nIf-None-Match: \"z\"\r\n", 200},
                          {"If-None-Match: \"x\"\r\n", 200},
                          {"If-None-Match: \"x\", \"*\"\r\n", 200},
                          {"If-None-Match: " + tag.substr(1, 32) + "\r\n", 200},
                          {"If-None-Match: w/" + tag + "\r\n", 200},
                          {"If-None-Match: W/ " + tag + "\r\n", 200},
                          {"If-None-Match: \"x\" " + tag + "\r\n", 200},
                          {"If-None-Match: \"000102030405060708090A0B0C0D0E0F\"\r\n", 200},
                          {"If-None-Match: \"000102030405060708090a0b0c0d0e0\"\r\n", 200},
                          {"If-None-Match: \"\r\n", 200},
                          {"If-None-Match:\r\n", 200},
                          {"If-None-Match: \"x\"\r\n" + good_date, 200},
                          {"If-None-Match: " + tag + "\r\n" + old_date, 304},
                          {"Range: bytes=0-1\r\nIf-None-Match: " + tag + "\r\n", 304}})
        for (const std::string method : {"GET", "HEAD"})
            for (const std::string path : {"/cached", "/file"})
                BOOST_TEST_CONTEXT(method << " " << path << " " << row.lines) {
                    const Response response = ask(server, method, path, row.lines);
                    BOOST_TEST(response.status == row.status);
                    BOOST_TEST(response.has("content-length") == (row.status == 200));
                    BOOST_TEST(response.field("etag") == tag);
                    BOOST_TEST(response.field("date") == date_of_tests);
                    BOOST_TEST(response.field("expires") == "Sun, 22 Nov 2026 19:20:00 GMT");
                    BOOST_TEST(response.field("cache-control") ==
                               "max-age=600, public, no-transform, must-revalidate");
                }
}

// Covers: E-12
BOOST_AUTO_TEST_CASE(if_modified_since_counts_with_one_valid_date_of_the_past) {
    Server server;
    struct Row {
        std::string lines;
        int status;
    };
    const auto since = [](std::string_view date) {
        return "If-Modified-Since: " + std::string{date} + "\r\n";
    };
    for (const Row& row : std::vector<Row>{{since(last_modified), 304},
                                           {since(date_of_tests), 304},
                                           {since("Sunday, 22-Nov-26 06:20:00 GMT"), 304},
                                           {since("Sun Nov 22 06:20:00 2026"), 304},
                                           {since("Sun, 22 Nov 2026 06:19:59 GMT"), 200},
                                           {since("Sun, 22 Nov 2026 07:20:01 GMT"), 200},  // the future
                                           {since("Fri, 31 Dec 9999 23:59:59 GMT"), 200},
                                           {since("Sun, 22 Nov 2026 06:20:00 UTC"), 200},
                                           {since("Sun, 22 Nov 2026 06:20:00 +0000"), 200},
                                           {since("22 Nov 2026 06:20:00 GMT"), 200},
                                           {since("Sun, 31 Nov 2026 06:20:00 GMT"), 200},
                                           {since("2026-11-22T06:20:00Z"), 200},
                                           {since("1795328400"), 200},
                                           {since(""), 200},
                                           {since(last_modified + ", " + last_modified), 200},
                                           {since(last_modified) + since(last_modified), 200}})
        for (const std::string method : {"GET", "HEAD"})
            BOOST_TEST_CONTEXT(method << " " << row.lines)
    BOOST_TEST(ask(server, method, "/cached", row.lines).status == row.status);
}

// Covers: E-13
BOOST_AUTO_TEST_CASE(post_ignores_preconditions_and_ranges) {
    Server server;
    for (const std::string path : {"/cached", "/file"})
        for (const std::string& line :
             {"If-None-Match: " + tag, std::string{"If-None-Match: *"}, "If-Modified-Since: " + last_modified,
              std::string{"Range: bytes=0-0"}, std::string{"Range: bytes=999999-"}}) {
            const Response response = ask(server, "POST", path, line + "\r\n");
            BOOST_TEST(response.status == 200);
            BOOST_TEST(!response.has("content-range"));
            BOOST_TEST(std::to_string(response.body.size()) == response.field("content-length"));
        }
}

// Covers: E-14
BOOST_AUTO_TEST_CASE(head_has_the_headers_of_get_and_no_body) {
    Server server;
    server.on_loop([&] { server.handler.use_file(std::string(5000, 'f')); });
    for (const std::string path : {"/cached", "/file", "/status/404"}) {
        const auto responses = parse_responses(
            exchange_bytes(server, request("HEAD", path, "") + request("HEAD", path, "Range: bytes=0-1\r\n") +
                                       request("GET", path, "") + request("GET", "/next", "")),
            {true, true, false, false});
        BOOST_REQUIRE(responses.size() == 4U);
        BOOST_TEST(responses[0].head == responses[2].head);
        BOOST_TEST(responses[1].head == responses[2].head);
        BOOST_TEST(responses[3].body == "GET /next\n");
    }
}

// Covers: E-16
BOOST_AUTO_TEST_CASE(files_are_served_in_single_ranges) {
    Server server;
    std::string bytes;
    for (int i = 0; i < 1000; ++i)
        bytes += static_cast<char>('a' + i % 26);
    server.on_loop([&] { server.handler.use_file(bytes); });
    struct Row {
        std::string lines;
        int status;
        std::size_t first;
        std::size_t octets;
    };
    const std::string ten = "Range: bytes=0-9\r\n";
    for (const Row& row : std::vector<Row>{{"", 200, 0, 1000},
                                           {ten, 206, 0, 10},
                                           {"Range: bytes=0-0\r\n", 206, 0, 1},
                                           {"Range: BYTES=990-\r\n", 206, 990, 10},
                                           {"Range: bytes=0-\r\n", 206, 0, 1000},
                                           {"Range: bytes=-10\r\n", 206, 990, 10},
                                           {"Range: bytes=-5000\r\n", 206, 0, 1000},
                                           {"Range: bytes=990-5000\r\n", 206, 990, 10},
                                           {"Range: bytes=999-99999999999999999999999999\r\n", 206, 999, 1},
                                           {"Range: bytes=1000-\r\n", 416, 0, 0},
                                           {"Range: bytes=99999999999999999999999999-\r\n", 416, 0, 0},
                                           {"Range: bytes=-0\r\n", 416, 0, 0},
                                           {"Range: bytes=9-0\r\n", 200, 0, 1000},
                                           {"Range: bytes=-\r\n", 200, 0, 1000},
                                           {"Range: bytes=\r\n", 200, 0, 1000},
                                           {"Range: bytes=a-b\r\n", 200, 0, 1000},
                                           {"Range: bytes=0--1\r\n", 200, 0, 1000},
                                           {"Range: bytes=0-9,20-29\r\n", 200, 0, 1000},
                                           {"Range: bytes=0-9,5-29\r\n", 200, 0, 1000},
                                           {"Range: lines=0-9\r\n", 200, 0, 1000},
                                           {"Range: 0-9\r\n", 200, 0, 1000},
                                           {ten + "Range: bytes=5-6\r\n", 200, 0, 1000},
                                           {ten + "If-Range: " + tag + "\r\n", 206, 0, 10},
                                           {ten + "If-Range: W/" + tag + "\r\n", 200, 0, 1000},
                                           {ten + "If-Range: \"other\"\r\n", 200, 0, 1000},
                                           {ten + "If-Range: " + last_modified + "\r\n", 200, 0, 1000},
                                           {"Range: bytes=1000-\r\nIf-Range: \"other\"\r\n", 200, 0, 1000},
                                           {"If-Range: " + tag + "\r\n", 200, 0, 1000}})
        BOOST_TEST_CONTEXT(row.lines) {
            const Response response = ask(server, "GET", "/file", row.lines);
            BOOST_TEST(response.status == row.status);
            BOOST_TEST(response.body == bytes.substr(row.first, row.octets));
            BOOST_TEST(response.field("content-length") == std::to_string(row.octets));
            const std::string range = "bytes " + std::to_string(row.first) + "-" +
                                      std::to_string(row.first + row.octets - 1) + "/1000";
            BOOST_TEST(response.field("content-range") == (row.status == 206   ? range
                                                           : row.status == 416 ? "bytes */1000"
                                                                               : "(absent)"));
            BOOST_TEST(response.field("accept-ranges") == "bytes");
            BOOST_TEST(response.has("etag") == (row.status != 416));
            BOOST_TEST((response.field("cache-control") == "no-store") == (row.status == 416));
        }
    BOOST_TEST(ask(server, "GET", "/cached", ten).status == 200);  // OCSP answers ignore Range
    server.on_loop([&] { server.handler.use_file(""); });
    BOOST_TEST(ask(server, "GET", "/file", "").body.empty());
    BOOST_TEST(ask(server, "GET", "/file", ten).status == 416);
    BOOST_TEST(ask(server, "GET", "/file", "Range: bytes=-1\r\n").status == 416);
}

// Covers: E-06, E-12
BOOST_AUTO_TEST_CASE(dates_are_written_as_the_system_library_writes_them_and_read_back) {
    DateWriter writer;
    std::uint64_t random = 88172645463325252ULL;
    for (int i = 0; i < 20000; ++i) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const auto moment = static_cast<std::int64_t>(random % 253402300800ULL) - (i % 2) * 1000;
        if (moment < -2208988800)
            continue;
        char ours[date_octets];
        writer.write(from_unix(moment), ours);
        char theirs[64];
        tm parts{};
        const time_t unix_time = moment;
        BOOST_REQUIRE(gmtime_r(&unix_time, &parts) != nullptr);
        BOOST_REQUIRE(strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S GMT", &parts) == date_octets);
        const std::string_view text(ours, date_octets);
        BOOST_REQUIRE_EQUAL(text, theirs);
        const auto read = parse_date(text, start_of_tests);
        BOOST_REQUIRE(read.has_value());
        BOOST_REQUIRE(*read == from_unix(moment));
        BOOST_REQUIRE(strftime(theirs, sizeof theirs, "%a %b %e %H:%M:%S %Y", &parts) > 0);
        BOOST_REQUIRE(parse_date(theirs, start_of_tests) == from_unix(moment));
    }
    BOOST_TEST((parse_date("Sunday, 06-Nov-94 08:49:37 GMT", start_of_tests) == from_unix(784111777)));
    BOOST_TEST((parse_date("Sunday, 06-Nov-76 08:49:37 GMT", start_of_tests) == from_unix(3371878177)));
}

}  // namespace eightbells::http::test
