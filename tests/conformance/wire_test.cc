#include <boost/test/unit_test.hpp>
#include <ctime>
#include <map>
#include <sstream>

#include "tests/conformance/served.h"

// Answers and CRLs as they come over the wire, fetched with curl: headers, conditions, ranges, and the CRL's
// bytes.
using namespace eightbells::conformance;

namespace {

struct Curled {
    std::string status;  // "200"
    std::map<std::string, std::string>
        headers;  // names in lower case; a second one of a name is appended to the first
    std::string body;

    std::string header(const std::string& name) const {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string{} : found->second;
    }
};

Curled curl(const std::string& url, std::vector<std::string> words = {}) {
    const auto head = served() / "curl.head";
    const auto body = served() / "curl.body";
    replace_text(body, "");
    words.insert(words.begin(), {"curl", "--silent", "--show-error", "--path-as-is", "--max-time", "60",
                                 "--dump-header", head.string(), "--output", body.string()});
    words.push_back(url);
    must(words);
    Curled curled;
    std::istringstream lines{read_text(head)};
    for (std::string line; std::getline(lines, line);) {
        if (line.ends_with('\r'))
            line.pop_back();
        if (line.starts_with("HTTP/1.1 ")) {
            curled.status = line.substr(9, 3);
            continue;
        }
        const auto colon = line.find(": ");
        if (colon == std::string::npos)
            continue;
        std::string name = line.substr(0, colon);
        for (char& c : name)
            c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        curled.headers[name] += line.substr(colon + 2);
    }
    curled.body = read_text(body);
    return curled;
}

// YYMMDDHHMMSSZ as an HTTP date.
std::string http_date(const std::string& index_time) {
    std::tm parts{};
    ::strptime(index_time.c_str(), "%y%m%d%H%M%SZ", &parts);
    char text[64];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text;
}

std::time_t moment(const std::string& date) {
    std::tm parts{};
    BOOST_REQUIRE(::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) != nullptr);
    return ::timegm(&parts);
}

// A request made by OpenSSL: the file, and the URL that carries it.
struct Request {
    std::filesystem::path file;
    std::string url;
};
Request request_for(const Authority& authority, const std::string& name, const std::string& hash = "sha256") {
    Request request{served() / "curl.request", {}};
    must({"openssl", "ocsp", "-issuer", "issuer.pem", "-no_nonce", "-" + hash, "-cert", name + ".pem",
          "-reqout", request.file.string()},
         authority.folder());
    std::string encoded = must({"openssl", "base64", "-A", "-in", request.file.string()});
    for (const auto& [plain, escaped] : {std::pair{"/", "%2F"}, {"+", "%2B"}, {"=", "%3D"}}) {
        for (std::size_t at = 0; (at = encoded.find(plain, at)) != std::string::npos; at += 3)
            encoded.replace(at, 1, escaped);
    }
    request.url = served().url() + encoded;
    return request;
}
std::vector<std::string> posting(const Request& request) {
    return {"--header", "Content-Type: application/ocsp-request", "--data-binary",
            "@" + request.file.string()};
}

void check_cacheable(const Curled& got, const std::string& this_update, const std::string& next_update) {
    BOOST_TEST(got.status == "200");
    BOOST_TEST(got.header("content-length") == std::to_string(got.body.size()));
    BOOST_TEST(got.header("last-modified") == http_date(this_update));
    BOOST_TEST(got.header("expires") == http_date(next_update));
    BOOST_TEST(moment(got.header("date")) >= moment(got.header("last-modified")));
    const std::string etag = got.header("etag");
    BOOST_TEST((etag.size() == 34 && etag.front() == '"' && etag.back() == '"'), etag);
    const std::string control = got.header("cache-control");
    BOOST_TEST(control.ends_with(", public, no-transform, must-revalidate"), control);
    BOOST_REQUIRE(control.starts_with("max-age="));
    const int max_age = std::stoi(control.substr(8));
    BOOST_TEST((max_age > 0 && max_age <= 600), control);
    for (const char* absent : {"transfer-encoding", "content-encoding", "strict-transport-security",
                               "location", "pragma", "set-cookie", "vary"})
        BOOST_TEST(got.header(absent).empty(), absent);
}

void check_uncacheable(const Curled& got, const std::string& status) {
    BOOST_TEST(got.status == status);
    BOOST_TEST(got.header("cache-control") == "no-store");
    BOOST_TEST(got.header("etag").empty());
    BOOST_TEST(!got.header("date").empty());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wire)

// Covers: D-16, E-01, E-02, E-03, E-05, E-06, E-07, E-08, E-09, E-10, E-13
BOOST_AUTO_TEST_CASE(an_answer_carries_its_own_times_and_the_same_bytes_by_get_and_post) {
    for (const auto& authority : served().authorities()) {
        for (const char* name : {"good", "revoked"}) {
            BOOST_TEST_CONTEXT(authority->name() << " " << name) {
                const Request request = request_for(*authority, name);
                const Told told = ask(served().url(), *authority, name);
                const Curled by_get = curl(
                    request.url, {"--header", "Accept-Encoding: gzip, br", "--header", "Accept: text/html"});
                check_cacheable(by_get, told.this_update, told.next_update);
                BOOST_TEST(by_get.header("content-type") == "application/ocsp-response");
                auto words = posting(request);
                words.insert(words.end(), {"--header", "If-None-Match: *", "--header", "Range: bytes=0-3"});
                const Curled by_post = curl(served().url() + "ocsp", words);
                BOOST_TEST(by_post.status == "200");
                BOOST_TEST((by_post.body == by_get.body));
                BOOST_TEST(by_post.header("content-type") == "application/ocsp-response");
            }
        }
    }
}

// Covers: E-08, E-11, E-12, E-14
BOOST_AUTO_TEST_CASE(a_cache_can_ask_whether_its_answer_still_stands) {
    const Request request = request_for(served().ca("rsa"), "good");
    const Curled whole = curl(request.url);
    const std::string etag = whole.header("etag");
    for (const std::string& header :
         {"If-None-Match: " + etag, "If-None-Match: \"x\", W/" + etag, std::string{"If-None-Match: *"},
          "If-Modified-Since: " + whole.header("last-modified")}) {
        const Curled unchanged = curl(request.url, {"--header", header});
        BOOST_TEST(unchanged.status == "304", header);
        BOOST_TEST(unchanged.body.empty());
        BOOST_TEST(unchanged.header("etag") == etag);
        BOOST_TEST(!unchanged.header("cache-control").empty());
        BOOST_TEST(unchanged.header("expires") == whole.header("expires"));
    }
    for (const char* header : {"If-None-Match: \"x\"", "If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT",
                               "If-Modified-Since: yesterday", "Range: bytes=0-3"}) {
        const Curled again = curl(request.url, {"--header", header});
        BOOST_TEST(again.status == "200", header);
        BOOST_TEST((again.body == whole.body), header);
    }
    const Curled head = curl(request.url, {"--head"});
    BOOST_TEST(head.status == "200");
    BOOST_TEST(head.body.find("HTTP/") !=
               std::string::npos);  // curl writes the headers there, and no body after them
    BOOST_TEST(head.body.ends_with("\r\n\r\n"));
    for (const auto& [name, value] : whole.headers) {
        if (name != "date" && name != "cache-control")
            BOOST_TEST(head.header(name) == value, name);
    }
    const Curled other = curl(request_for(served().ca("rsa"), "good", "sha1").url);
    BOOST_TEST(other.header("etag") != etag);
}

// Covers: A-02, A-23, A-25, E-03, E-04, E-09, E-15
BOOST_AUTO_TEST_CASE(what_is_no_answer_is_not_kept_by_any_cache) {
    const std::string malformed{"\x30\x03\x0a\x01\x01"};
    const std::string unauthorized{"\x30\x03\x0a\x01\x06"};
    const Request unissued = request_for(served().ca("p256"), "unissued");
    const Curled by_get = curl(unissued.url);
    check_uncacheable(by_get, "200");
    BOOST_TEST((by_get.body == unauthorized));
    BOOST_TEST(by_get.header("content-type") == "application/ocsp-response");
    for (const char* path : {"MAA=", "ocsp/MAA%3D", "a-b_", "MAA%20"}) {
        const Curled got = curl(served().url() + path);
        check_uncacheable(got, "200");
        BOOST_TEST((got.body == malformed), path);
        BOOST_TEST(got.header("content-type") == "application/ocsp-response");
    }
    auto words = posting(unissued);
    words[1] = "Content-Type: text/plain";
    check_uncacheable(curl(served().url(), words), "415");
    check_uncacheable(curl(served().url() + "nothing.crl"), "404");
    const Curled put = curl(served().url(), {"--request", "PUT"});
    check_uncacheable(put, "405");
    BOOST_TEST(!put.header("allow").empty());
    check_uncacheable(curl(served().url(), {"--request", "BREW"}), "501");
}

// Covers: D-16, E-02, E-05, E-06, E-08, E-09, E-10, E-14, F-01, F-20, F-21, F-24
BOOST_AUTO_TEST_CASE(the_crl_is_the_cas_own_bytes_with_headers_from_them) {
    for (const auto& authority : served().authorities()) {
        BOOST_TEST_CONTEXT(authority->name()) {
            const std::string der =
                must({"openssl", "crl", "-in", "crl.pem", "-outform", "DER"}, authority->folder());
            const std::string times =
                must({"openssl", "crl", "-in", "crl.pem", "-noout", "-lastupdate", "-nextupdate"},
                     authority->folder());
            const Curled got =
                curl(served().url() + authority->name() + ".crl", {"--header", "Accept-Encoding: gzip"});
            BOOST_TEST((got.body == der));
            BOOST_TEST(got.header("content-type") == "application/pkix-crl");
            const auto time = [&](const std::string& label) {
                const auto at = times.find(label) + label.size();
                std::tm parts{};
                ::strptime(times.substr(at, times.find('\n', at) - at).c_str(), "%b %d %H:%M:%S %Y GMT",
                           &parts);
                char text[32];
                std::strftime(text, sizeof text, "%y%m%d%H%M%SZ", &parts);
                return std::string{text};
            };
            check_cacheable(got, time("lastUpdate="), time("nextUpdate="));
            const Curled again = curl(served().url() + authority->name() + ".crl",
                                      {"--header", "If-None-Match: " + got.header("etag")});
            BOOST_TEST(again.status == "304");
            BOOST_TEST(again.body.empty());
        }
    }
}

// Covers: E-16
BOOST_AUTO_TEST_CASE(a_broken_download_of_a_crl_can_be_resumed) {
    const std::string url = served().url() + "rsa.crl";
    const Curled whole = curl(url);
    const Curled rest = curl(url, {"--range", "100-", "--header", "If-Range: " + whole.header("etag")});
    BOOST_TEST(rest.status == "206");
    BOOST_TEST((rest.body == whole.body.substr(100)));
    BOOST_TEST(rest.header("content-range") == "bytes 100-" + std::to_string(whole.body.size() - 1) + "/" +
                                                   std::to_string(whole.body.size()));
    BOOST_TEST((curl(url, {"--range", "0-9"}).body == whole.body.substr(0, 10)));
    const Curled other = curl(url, {"--range", "100-", "--header", "If-Range: \"another\""});
    BOOST_TEST(other.status == "200");
    BOOST_TEST((other.body == whole.body));
    const Curled beyond = curl(url, {"--range", "1000000-"});
    BOOST_TEST(beyond.status == "416");
    BOOST_TEST(beyond.header("content-range") == "bytes */" + std::to_string(whole.body.size()));
}

// Covers: F-01, F-20
BOOST_AUTO_TEST_CASE(openssl_gnutls_and_python_verify_the_served_crl) {
    for (const auto& authority : served().authorities()) {
        BOOST_TEST_CONTEXT(authority->name()) {
            const std::string file = (*authority / "served.crl").string();
            replace_text(file, curl(served().url() + authority->name() + ".crl").body);
            const Ended openssl =
                run({"openssl", "crl", "-inform", "DER", "-in", file, "-CAfile", "issuer.pem", "-noout"},
                    authority->folder());
            BOOST_TEST(openssl.err.find("verify OK") != std::string::npos, openssl.all());
            // certtool takes both files in the same form.
            must({"openssl", "x509", "-in", "issuer.pem", "-outform", "DER", "-out", "issuer.der"},
                 authority->folder());
            const Ended gnutls = run({"certtool", "--verify-crl", "--inder", "--load-ca-certificate",
                                      "issuer.der", "--infile", file},
                                     authority->folder());
            BOOST_TEST(gnutls.all().find("Verified. The certificate is trusted.") != std::string::npos,
                       gnutls.all());
            if (authority->pss())
                continue;  // cryptography verifies no CRL signed with PSS
            const std::string revoked =
                must({"/usr/bin/python3", "-c",
                      "import sys\nfrom cryptography import x509\n"
                      "ca=x509.load_pem_x509_certificate(open('issuer.pem','rb').read())\n"
                      "crl=x509.load_der_x509_crl(open(sys.argv[1],'rb').read())\n"
                      "assert crl.is_signature_valid(ca.public_key())\n"
                      "assert crl.issuer==ca.subject\nprint(len(crl))",
                      file},
                     authority->folder());
            std::size_t expected = 0;
            for (const auto& [name, entry] : authority->index())
                expected += entry.kind == "R" ? 1 : 0;
            BOOST_TEST(revoked == std::to_string(expected) + "\n");
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
