// Byte by byte on the wire: what is a request, and what is refused before anything acts on it.
#define BOOST_TEST_MODULE http_wire
#include <boost/test/unit_test.hpp>

#include "responder/http/grammar.h"
#include "tests/http/server.h"

namespace eightbells::http::test {
namespace {

constexpr std::string_view probe = "GET /after HTTP/1.1\r\nHost: a\r\n\r\n";

struct Row {
    std::string_view id;
    std::string_view what;
    std::string bytes;
    int status;             // of its answer
    bool goes_on;           // the probe behind it is answered
    std::string body = {};  // of a 200; empty: not compared
};

std::string with_headers(std::string_view lines) {
    return "GET /x HTTP/1.1\r\nHost: a\r\n" + std::string{lines} + "\r\n";
}
std::string post(std::string_view lines_and_body) {
    return "POST /x HTTP/1.1\r\nHost: a\r\n" + std::string{lines_and_body};
}
std::string chunked(std::string_view body) {
    return post("Transfer-Encoding: chunked\r\n\r\n" + std::string{body});
}

// Each row on a connection of its own, with a good request straight behind it: what was refused is never
// followed by an answer, so nothing left in the buffer was run as a request.
void check_rows(const std::vector<Row>& rows, const ConnectionLimits& limits = {}) {
    Server server(limits);
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.id << " " << row.what) {
            const bool to_head = row.bytes.substr(0, 5) == "HEAD ";
            std::vector<Response> responses;
            BOOST_REQUIRE_NO_THROW(responses = parse_responses(
                                       exchange_bytes(server, row.bytes + std::string{probe}), {to_head}));
            BOOST_REQUIRE(!responses.empty());
            BOOST_TEST(responses.front().status == row.status);
            BOOST_TEST(responses.size() == (row.goes_on ? 2U : 1U));
            BOOST_TEST((responses.front().field("connection") == "close") == !row.goes_on);
            if (row.goes_on)
                BOOST_TEST(responses.back().body == "GET /after\n");
            if (row.status >= 400) {  // Covers: E-09
                BOOST_TEST(responses.front().field("cache-control") == "no-store");
                BOOST_TEST(responses.front().field("content-length") == "0");
                BOOST_TEST(responses.front().field("date") == date_of_tests);
            }
            if (!row.body.empty())
                BOOST_TEST(responses.front().body == row.body);
        }
    }
}

}  // namespace

// Covers: E-15
BOOST_AUTO_TEST_CASE(methods_are_served_refused_by_name_or_unknown_and_case_sensitive) {
    const std::string rest = " /x HTTP/1.1\r\nHost: a\r\n\r\n";
    check_rows({{"E-15", "GET", "GET" + rest, 200, true, "GET /x\n"},
                {"E-15", "HEAD", "HEAD" + rest, 200, true},
                {"E-15", "POST without a body", "POST" + rest, 200, true, "POST /x\n"},
                {"E-15", "OPTIONS", "OPTIONS" + rest, 200, true},
                {"E-15", "OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 200, true},
                {"E-15", "PUT", "PUT" + rest, 405, true},
                {"E-15", "PUT with a body", "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405,
                 false},
                {"E-15", "DELETE", "DELETE" + rest, 405, true},
                {"E-15", "TRACE", "TRACE" + rest, 405, true},
                {"E-15", "PATCH", "PATCH" + rest, 405, true},
                {"E-15", "CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405, true},
                {"E-15", "get", "get" + rest, 501, false},
                {"E-15", "Get", "Get" + rest, 501, false},
                {"E-15", "BREW", "BREW" + rest, 501, false},
                {"E-15", "GETS", "GETS" + rest, 501, false},
                {"E-15", "MKCOL, which a parser may know", "MKCOL" + rest, 501, false},
                {"E-15", "an empty method", rest, 400, false},
                {"E-15", "no token", "G(T" + rest, 400, false},
                {"E-15", "a method without end", std::string(40000, 'M'), 501, false}});
}

// Covers: E-15
BOOST_AUTO_TEST_CASE(a_405_and_options_say_what_is_allowed) {
    Server server;
    for (const std::string method : {"PUT", "OPTIONS"}) {
        const auto responses =
            parse_responses(exchange_bytes(server, method + " /x HTTP/1.1\r\nHost: a\r\n\r\n"));
        BOOST_TEST(responses.at(0).field("allow") == "GET, HEAD, POST, OPTIONS");
    }
    const auto responses =
        parse_responses(exchange_bytes(server, "GET /status/405 HTTP/1.1\r\nHost: a\r\n\r\n"));
    BOOST_TEST(responses.at(0).field("allow") == "GET, HEAD, POST, OPTIONS");
}

// Covers: E-20
BOOST_AUTO_TEST_CASE(transfer_encoding_is_chunked_or_refused) {
    const std::string body = "\r\n\r\n0\r\n\r\n";
    check_rows(
        {{"E-20", "chunked", chunked("3\r\nabc\r\n0\r\n\r\n"), 200, true, "POST /x\nabc"},
         {"E-20", "any case", post("transfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n"), 200, true, "POST /x\n"},
         {"E-20", "both, chunked first", post("Transfer-Encoding: chunked\r\nContent-Length: 5" + body), 400,
          false},
         {"E-20", "both, length first", post("Content-Length: 5\r\nTransfer-Encoding: chunked" + body), 400,
          false},
         {"E-20", "both, length 0", post("Content-Length: 0\r\nTransfer-Encoding: chunked" + body), 400,
          false},
         {"E-20", "both on a GET", with_headers("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400,
          false},
         {"E-20", "in HTTP/1.0", "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked" + body, 400, false},
         {"E-20", "gzip, chunked", post("Transfer-Encoding: gzip, chunked" + body), 501, false},
         {"E-20", "chunked, gzip", post("Transfer-Encoding: chunked, gzip" + body), 400, false},
         {"E-20", "gzip", post("Transfer-Encoding: gzip" + body), 400, false},
         {"E-20", "identity", post("Transfer-Encoding: identity" + body), 400, false},
         {"E-20", "chunked twice", post("Transfer-Encoding: chunked, chunked" + body), 400, false},
         {"E-20", "two lines", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" + body), 400,
          false},
         {"E-20", "two lines, one gzip", post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked" + body),
          400, false},
         {"E-20", "xchunked", post("Transfer-Encoding: xchunked" + body), 400, false},
         {"E-20", "a parameter", post("Transfer-Encoding: chunked;a=b" + body), 400, false},
         {"E-20", "in quotes", post("Transfer-Encoding: \"chunked\"" + body), 400, false},
         {"E-20", "an odd blank",
          post("Transfer-Encoding: \x0b"
               "chunked" +
               body),
          400, false},
         {"E-20", "empty", post("Transfer-Encoding:" + body), 400, false},
         {"E-20", "a comma behind", post("Transfer-Encoding: chunked," + body), 400, false}});
}

// Covers: E-21
BOOST_AUTO_TEST_CASE(content_length_is_digits_once) {
    const auto length = [](std::string_view value) {
        return post("Content-Length:" + std::string{value} + "\r\n\r\nabcde");
    };
    check_rows({{"E-21", "5", length(" 5"), 200, true, "POST /x\nabcde"},
                {"E-21", "005", length(" 005"), 200, true, "POST /x\nabcde"},
                {"E-21", "blanks around", length("   5  "), 200, true, "POST /x\nabcde"},
                {"E-21", "0", post("Content-Length: 0\r\n\r\n"), 200, true, "POST /x\n"},
                {"E-21", "+5", length(" +5"), 400, false},
                {"E-21", "-5", length(" -5"), 400, false},
                {"E-21", "-0", length(" -0"), 400, false},
                {"E-21", "0x5", length(" 0x5"), 400, false},
                {"E-21", "5, 5", length(" 5, 5"), 400, false},
                {"E-21", "5, 6", length(" 5, 6"), 400, false},
                {"E-21", "5 5", length(" 5 5"), 400, false},
                {"E-21", "5 twice", length(" 5\r\nContent-Length: 5"), 400, false},
                {"E-21", "5 and 6", length(" 5\r\nContent-Length: 6"), 400, false},
                {"E-21", "2^64+5", length(" 18446744073709551621"), 400, false},
                {"E-21", "2^63+5", length(" 9223372036854775813"), 400, false},
                {"E-21", "2^32+5 is only too great", length(" 4294967301"), 413, false},
                {"E-21", "empty", length(""), 400, false},
                {"E-21", "5.0", length(" 5.0"), 400, false},
                {"E-21", "in quotes", length(" \"5\""), 400, false},
                {"E-21", "5;", length(" 5;"), 400, false},
                {"E-21", "on a GET, read and not run", with_headers("Content-Length: 5\r\n") + "abcde", 200,
                 true, "GET /x\nabcde"}});
}

// Covers: E-22
BOOST_AUTO_TEST_CASE(a_host_is_one_and_valid) {
    const auto host = [](std::string_view lines) {
        return "GET /x HTTP/1.1\r\n" + std::string{lines} + "\r\n";
    };
    std::vector<Row> rows{
        {"E-22", "none", host(""), 400, false},
        {"E-22", "two", host("Host: a\r\nHost: b\r\n"), 400, false},
        {"E-22", "two equal", host("Host: a\r\nHost: a\r\n"), 400, false},
        {"E-22", "none in HTTP/1.0", "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, true},
        {"E-22", "two in HTTP/1.0", "GET /x HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400, false},
        {"E-22", "bad in HTTP/1.0", "GET /x HTTP/1.0\r\nHost: a b\r\n\r\n", 400, false}};
    for (const std::string_view good :
         {"a", "ocsp.example.org", "ocsp.example.org:80", "127.0.0.1:8080", "[::1]", "[::1]:8080",
          "[2001:db8::1]:65535", "[v1.fe80::a+en1]", "a:", "x_y", "%41b", "a.", "xn--bcher-kva.example"})
        rows.push_back({"E-22", good, host("Host: " + std::string{good} + "\r\n"), 200, true, "GET /x\n"});
    for (const std::string_view bad :
         {"",        "a b",  "a/b", "a?b",  "a#b", "user@a", "a:80:80",  "a:8o",
          "a:65536", "a:-1", ":80", "[::1", "::1", "[]",     "[::1]x",   "[::g/]",
          "a,b",     "a\\b", "%4",  "%zz",  "a\"", "<a>",    "http://a", "\xc3\xa9"})
        rows.push_back({"E-22", bad, host("Host: " + std::string{bad} + "\r\n"), bad == "a,b" ? 200 : 400,
                        bad == "a,b"});
    check_rows(rows);
}

// Covers: E-23
BOOST_AUTO_TEST_CASE(lines_are_read_to_the_letter) {
    using namespace std::string_literals;
    check_rows(
        {{"E-23", "one empty line first", "\r\n" + with_headers(""), 200, true, "GET /x\n"},
         {"E-23", "two empty lines first", "\r\n\r\n" + with_headers(""), 400, false},
         {"E-23", "a bare LF first", "\n" + with_headers(""), 400, false},
         {"E-23", "space before the colon", with_headers("X : y\r\n"), 400, false},
         {"E-23", "tab before the colon", with_headers("X\t: y\r\n"), 400, false},
         {"E-23", "folding with a space", with_headers("X: y\r\n z\r\n"), 400, false},
         {"E-23", "folding with a tab", with_headers("X: y\r\n\tz\r\n"), 400, false},
         {"E-23", "a folded Content-Length", post("Content-Length:\r\n 5\r\n\r\nabcde"), 400, false},
         {"E-23", "white space before the first header", "GET /x HTTP/1.1\r\n Host: a\r\n\r\n", 400, false},
         {"E-23", "an empty name", with_headers(": y\r\n"), 400, false},
         {"E-23", "no colon", with_headers("X\r\n"), 400, false},
         {"E-23", "a bare CR in a value", with_headers("X: a\rb\r\n"), 400, false},
         {"E-23", "a bare CR ends a line", with_headers("X: a\rY: b\r\n"), 400, false},
         {"E-23", "CR CR LF", with_headers("X: a\r\r\n"), 400, false},
         {"E-23", "NUL in a value", with_headers("X: a\0b\r\n"s), 400, false},
         {"E-23", "NUL in a name", with_headers("X\0: b\r\n"s), 400, false},
         {"E-23", "NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s, 400, false},
         {"E-23", "a control in a value", with_headers("X: a\x01\r\n"), 400, false},
         {"E-23", "DEL in a value", with_headers("X: a\x7f\r\n"), 400, false},
         {"E-23", "a bare LF in a header", "GET /x HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400, false},
         {"E-23", "a bare LF after the request line", "GET /x HTTP/1.1\nHost: a\r\n\r\n", 400, false},
         {"E-23", "a bare LF for the empty line", "GET /x HTTP/1.1\r\nHost: a\r\n\n", 400, false},
         {"E-23", "a letter and a bare LF first", "x\n" + with_headers(""), 400, false},
         {"E-23", "a letter and a bare LF for the empty line", "GET /x HTTP/1.1\r\nHost: a\r\nx\n", 400,
          false},
         {"E-23", "LF only", "GET /x HTTP/1.1\nHost: a\n\n", 400, false},
         {"E-23", "an empty value", with_headers("X:\r\n"), 200, true, "GET /x\n"},
         {"E-23", "no space after the colon", with_headers("X:y\r\n"), 200, true, "GET /x\n"},
         {"E-23", "high octets in a value", with_headers("X: \xc3\xa9\r\n"), 200, true, "GET /x\n"},
         {"E-23", "a high octet in a name", with_headers("X\xc3: y\r\n"), 400, false},
         {"E-23", "a separator in a name", with_headers("X(y): z\r\n"), 400, false},
         {"E-23", "a tab in a value", with_headers("X: a\tb\r\n"), 200, true, "GET /x\n"}});
}

BOOST_AUTO_TEST_CASE(the_request_line_is_three_parts_and_one_space_between) {
    const std::string rest = "\r\nHost: a\r\n\r\n";
    check_rows({{"E-23", "two spaces", "GET  /x HTTP/1.1" + rest, 400, false},
                {"E-23", "a space in the target", "GET /x y HTTP/1.1" + rest, 400, false},
                {"E-23", "a tab between", "GET\t/x HTTP/1.1" + rest, 400, false},
                {"E-23", "a space behind", "GET /x HTTP/1.1 " + rest, 400, false},
                {"E-23", "a space before", " GET /x HTTP/1.1" + rest, 400, false},
                {"E-23", "no version (HTTP/0.9)", "GET /x" + rest, 400, false},
                {"E-23", "no target", "GET HTTP/1.1" + rest, 400, false},
                {"E-23", "HTTP/0.9", "GET /x HTTP/0.9" + rest, 505, false},
                {"E-23", "HTTP/2.0", "GET /x HTTP/2.0" + rest, 505, false},
                {"E-23", "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, false},
                {"E-23", "HTTP/1.2", "GET /x HTTP/1.2" + rest, 505, false},
                {"E-23", "HTTP/1.10", "GET /x HTTP/1.10" + rest, 400, false},
                {"E-23", "HTTP/01.1", "GET /x HTTP/01.1" + rest, 400, false},
                {"E-23", "HTTP/1.", "GET /x HTTP/1." + rest, 400, false},
                {"E-23", "http/1.1", "GET /x http/1.1" + rest, 400, false},
                {"E-23", "ICE/1.0", "SOURCE /x ICE/1.0" + rest, 400, false},
                {"E-23", "a TLS hello", "\x16\x03\x01\x02", 400, false}});
}

// Covers: E-26
BOOST_AUTO_TEST_CASE(targets_are_origin_form_or_absolute_form) {
    const auto get = [](std::string_view target) {
        return "GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n\r\n";
    };
    check_rows({{"E-26", "absolute", get("http://host/path"), 200, true, "GET /path\n"},
                {"E-26", "absolute with a port", get("http://host:8080/a//b%2F?x=1"), 200, true,
                 "GET /a//b%2F?x=1\n"},
                {"E-26", "another host than Host's", get("http://other/path"), 200, true, "GET /path\n"},
                {"E-26", "https, any case", get("HTTPS://[::1]:443/"), 200, true, "GET /\n"},
                {"E-26", "absolute without a path", get("http://host"), 200, true, "GET /\n"},
                {"E-26", "absolute, a query only", get("http://host?x"), 400, false},
                {"E-26", "absolute without a host", get("http:///path"), 400, false},
                {"E-26", "absolute with a user", get("http://user@host/path"), 400, false},
                {"E-26", "another scheme", get("ftp://host/path"), 400, false},
                {"E-26", "asterisk on GET", get("*"), 400, false},
                {"E-26", "authority-form on GET", get("host:80"), 400, false},
                {"E-26", "no slash", get("path"), 400, false},
                {"E-26", "a fragment", get("/path#x"), 400, false},
                {"E-26", "an empty fragment", get("/path#"), 400, false},
                {"E-26", "a raw octet above 127", get("/\xc3\xa9"), 400, false},
                {"E-26", "two slashes first", get("//MEow+/=="), 200, true, "GET //MEow+/==\n"},
                {"E-26", "dots and escapes stay", get("/a/../b/./%2e%2E//c"), 200, true,
                 "GET /a/../b/./%2e%2E//c\n"},
                {"E-26", "a broken escape is the handler's matter", get("/%zz"), 200, true, "GET /%zz\n"}});
}

// Covers: E-26
BOOST_AUTO_TEST_CASE(every_octet_of_a_target_is_judged_wherever_it_stands) {
    for (std::size_t size = 2; size < 20; ++size)
        for (std::size_t at = 1; at < size; ++at)
            for (int octet = 0; octet < 256; ++octet) {
                std::string target = "/" + std::string(size - 1, '\x7e');
                target[at] = static_cast<char>(octet);
                RequestLine line;
                const auto fault = parse_request_line("GET " + target + " HTTP/1.1", 100, line);
                const bool good = octet > 0x20 && octet < 0x7f && octet != '#';
                BOOST_REQUIRE_MESSAGE(fault.has_value() != good, "octet " << octet << " at " << at);
            }
}

// Covers: E-24, A-26
BOOST_AUTO_TEST_CASE(chunked_bodies_are_read_strictly) {
    const std::string long_extension(1100, 'e');
    const std::string trailers(4200, 't');
    check_rows(
        {{"E-24", "two chunks", chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), 200, true, "POST /x\nabcde"},
         {"E-24", "upper and lower hex, zeros",
          chunked("00A\r\n0123456789\r\n0b\r\n0123456789a\r\n000\r\n\r\n"), 200, true,
          "POST /x\n01234567890123456789a"},
         {"E-24", "0x5", chunked("0x5\r\nabcde\r\n0\r\n\r\n"), 400, false},
         {"E-24", "5;ext", chunked("5;ext\r\nabcde\r\n0\r\n\r\n"), 200, true, "POST /x\nabcde"},
         {"E-24", "5 ; a=\"b;c\"", chunked("5 ; a=\"b;c\"\r\nabcde\r\n0;z\r\n\r\n"), 200, true,
          "POST /x\nabcde"},
         {"E-24", "a blank behind the size", chunked("5 \r\nabcde\r\n0\r\n\r\n"), 400, false},
         {"E-24", "a blank before the size", chunked(" 5\r\nabcde\r\n0\r\n\r\n"), 400, false},
         {"E-24", "a sign", chunked("+5\r\nabcde\r\n0\r\n\r\n"), 400, false},
         {"E-24", "a minus", chunked("-5\r\nabcde\r\n0\r\n\r\n"), 400, false},
         {"E-24", "more than 64 bits", chunked("ffffffffffffffff1\r\nabcde\r\n0\r\n\r\n"), 400, false},
         {"E-24", "a size of 65 bits in zeros", chunked("00000000000000005\r\nabcde\r\n0\r\n\r\n"), 400,
          false},
         {"E-24", "64 bits are too much", chunked("ffffffffffffffff\r\nabcde\r\n0\r\n\r\n"), 413, false},
         {"E-24", "no size", chunked("\r\nabcde\r\n0\r\n\r\n"), 400, false},
         {"E-24", "an extension without size", chunked(";a\r\nabcde\r\n0\r\n\r\n"), 400, false},
         {"E-24", "not hexadecimal", chunked("5g\r\nabcde\r\n0\r\n\r\n"), 400, false},
         {"E-24", "a bare LF after the size", chunked("5\nabcde\r\n0\r\n\r\n"), 400, false},
         {"E-24", "a bare CR after the size", chunked("5\rabcde\r\n0\r\n\r\n"), 400, false},
         {"E-24", "a bare LF in an extension", chunked("5;a\nabcde\r\n0\r\n\r\n"), 400, false},
         {"E-24", "no CRLF after the data", chunked("5\r\nabcde0\r\n\r\n"), 400, false},
         {"E-24", "a bare LF after the data", chunked("5\r\nabcde\n0\r\n\r\n"), 400, false},
         {"E-24", "more data than the size", chunked("5\r\nabcdef\r\n0\r\n\r\n"), 400, false},
         {"E-24", "a long extension", chunked("5;" + long_extension + "\r\nabcde\r\n0\r\n\r\n"), 400, false},
         {"E-24", "trailers are dropped", chunked("1\r\na\r\n0\r\nX: y\r\nHost: b\r\n\r\n"), 200, true,
          "POST /x\na"},
         {"E-24", "a trailer that is not one", chunked("0\r\nX y\r\n\r\n"), 400, false},
         {"E-24", "a folded trailer", chunked("0\r\nX: y\r\n z\r\n\r\n"), 400, false},
         {"E-24", "a trailer without a name", chunked("0\r\n: y\r\n\r\n"), 400, false},
         {"E-24", "a bare LF ends it", chunked("0\r\n\n"), 400, false},
         {"E-24", "long trailers", chunked("0\r\nX: " + trailers + "\r\n\r\n"), 431, false},
         {"A-26", "a chunk above the bound", chunked("4001\r\n"), 413, false},
         {"A-26", "chunks above the bound", chunked("3fff\r\n" + std::string(0x3fff, 'x') + "\r\n2\r\n"), 413,
          false},
         {"A-26", "chunks at the bound",
          chunked("3fff\r\n" + std::string(0x3fff, 'x') + "\r\n1\r\nx\r\n0\r\n\r\n"), 200, true,
          "POST /x\n" + std::string(0x4000, 'x')}});
}

// Covers: E-17, A-24, A-26
BOOST_AUTO_TEST_CASE(limits_are_answered_by_name_at_the_limit_and_one_more) {
    const auto target = [](std::size_t octets) {
        return "GET /" + std::string(octets - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
    };
    const auto body = [](std::size_t octets) {
        return post("Content-Length: " + std::to_string(octets) + "\r\n\r\n" + std::string(octets, 'b'));
    };
    const auto headers = [](std::size_t octets) {  // of all header lines, the empty one included
        const std::string head = "Host: a\r\nX: ";
        return "GET /x HTTP/1.1\r\n" + head + std::string(octets - head.size() - 4, 'c') + "\r\n\r\n";
    };
    const auto lines = [](unsigned count) {
        std::string all = "GET /x HTTP/1.1\r\nHost: a\r\n";
        for (unsigned i = 1; i < count; ++i)
            all += "X: y\r\n";
        return all + "\r\n";
    };
    check_rows({{"E-17", "8000 octets of request line", target(8000), 200, true},
                {"E-17", "target at the limit", target(24 * 1024), 200, true},
                {"E-17", "target above", target(24 * 1024 + 1), 414, false},
                {"E-17", "target far above", target(200'000), 414, false},
                {"E-17", "headers at the limit", headers(16 * 1024), 200, true},
                {"E-17", "headers above", headers(16 * 1024 + 1), 431, false},
                {"E-17", "headers far above", headers(300'000), 431, false},
                {"E-17", "header lines at the limit", lines(100), 200, true},
                {"E-17", "header lines above", lines(101), 431, false},
                {"A-26", "body at the limit", body(16 * 1024), 200, true},
                {"A-26", "body above", body(16 * 1024 + 1), 413, false},
                {"A-26", "body far above", body(10'000'000), 413, false},
                {"E-17", "all at the limit at once",
                 "POST /" + std::string(24 * 1024 - 1, 'a') +
                     " HTTP/1.1\r\nHost: a\r\nContent-Length: 16384\r\nX: " +
                     std::string(16 * 1024 - 41, 'c') + "\r\n\r\n" + std::string(16384, 'b'),
                 200, true}});
}

// Covers: E-25
BOOST_AUTO_TEST_CASE(expectations_are_met_or_refused_at_once) {
    Server server;
    {
        Client client(server.address());
        client.send(post("Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
        BOOST_TEST(client.response().status == 100);  // before the body is sent
        client.send("abc");
        BOOST_TEST(client.response().body == "POST /x\nabc");
        client.send(post("Transfer-Encoding: chunked\r\nexpect: 100-Continue\r\n\r\n"));
        BOOST_TEST(client.response().status == 100);
        client.send("1\r\nz\r\n0\r\n\r\n");
        BOOST_TEST(client.response().body == "POST /x\nz");
    }
    const auto statuses = [&](const std::string& request) {
        std::string all;
        for (const Response& response : parse_responses(exchange_bytes(server, request)))
            all += std::to_string(response.status) + " ";
        return all;
    };
    const std::string expect = "Expect: 100-continue\r\n";
    BOOST_TEST(statuses(post("Content-Length: 99999\r\n" + expect + "\r\n")) == "413 ");
    BOOST_TEST(statuses(post("Content-Length: 0\r\n" + expect + "\r\n")) == "200 ");
    BOOST_TEST(statuses(with_headers(expect)) == "200 ");
    BOOST_TEST(statuses("POST /x HTTP/1.0\r\nContent-Length: 1\r\n" + expect + "\r\na") == "200 ");
    BOOST_TEST(statuses(with_headers("Expect: 200-maybe\r\n") + std::string{probe}) == "417 200 ");
    BOOST_TEST(statuses(post("Content-Length: 1\r\nExpect: x\r\n\r\na") + std::string{probe}) == "417 ");
    BOOST_TEST(statuses(with_headers(expect + expect)) == "417 ");
}

// Covers: E-05
BOOST_AUTO_TEST_CASE(accept_headers_change_nothing) {
    Server server;
    const auto plain = exchange_bytes(server, "GET /cached HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    for (const std::string line : {"Accept-Encoding: gzip, br", "Accept: image/png", "TE: trailers, chunked",
                                   "Accept-Encoding: identity;q=0", "Upgrade: h2c"})
        BOOST_TEST(exchange_bytes(server, "GET /cached HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + line +
                                              "\r\n\r\n") == plain);
    BOOST_TEST(plain.find("Transfer-Encoding") == std::string::npos);
    BOOST_TEST(plain.find("Content-Encoding") == std::string::npos);
    BOOST_TEST(plain.find("Vary") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_handler_sees_what_was_sent) {
    Server server;
    server.on_loop([&] { server.handler.keep_seen = true; });
    exchange_bytes(server,
                   "POST /a%2Fb?c HTTP/1.1\r\nHost: a\r\ncontent-type: Application/OCSP-Request; x=y \r\n"
                   "Content-Length: 2\r\n\r\nhiHEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    server.on_loop([&] {
        BOOST_TEST(server.handler.seen.size() == 2U);
        BOOST_TEST(server.handler.seen.at(0) == "POST /a%2Fb?c|Application/OCSP-Request; x=y|hi");
        BOOST_TEST(server.handler.seen.at(1) == "HEAD /||");
    });
}

// Covers: G-19
BOOST_AUTO_TEST_CASE(every_refusal_is_counted_under_its_name) {
    Server server;
    const auto& faults = server.counters().faults;
    const auto count = [&](Fault fault) { return faults[static_cast<std::size_t>(fault)].value(); };
    exchange_bytes(server, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n");
    exchange_bytes(server, "GET / HTTP/1.1\r\n\r\n");
    exchange_bytes(server, "GET / HTTP/1.1\r\n\r\n");
    exchange_bytes(server, chunked("x\r\n"));
    BOOST_TEST(count(Fault::method_unknown) == 1U);
    BOOST_TEST(count(Fault::host) == 2U);
    BOOST_TEST(count(Fault::chunk) == 1U);
    BOOST_TEST(server.counters().responses[status_row(400)].value() == 3U);
    BOOST_TEST(server.counters().responses[status_row(501)].value() == 1U);
    for (std::size_t i = 0; i < fault_count; ++i)
        BOOST_TEST(status_of(static_cast<Fault>(i)) >= 400);
}

}  // namespace eightbells::http::test
