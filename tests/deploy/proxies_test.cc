// HAProxy and nginx before a front, as deploy/ configures them: the same bytes by http and https, and no
// trace of who asked for what.
#define BOOST_TEST_MODULE deploy_proxies
#include "tests/deploy/proxies.h"

#include <boost/test/unit_test.hpp>

#include "tests/front/corpus.h"

namespace eightbells::deploy {
namespace {

using front::test::AskedId;
using front::test::base64;
using front::test::Escapes;
using front::test::HashAlgorithm;
using front::test::id_of;
using front::test::request_der;
using front::test::Speller;
using front::test::what_matters;

std::string post(const Bytes& body, const std::string& lines = "") {
    return "POST /ocsp HTTP/1.1\r\nHost: status.example\r\nContent-Type: application/ocsp-request\r\n" +
           lines + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(as_text(body));
}
std::string get(const std::string& target, const std::string& lines = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: status.example\r\n" + lines + "\r\n";
}

// What a proxy must not have added, in any answer.
void check_open(const Response& response) {
    BOOST_REQUIRE((response.status < 300 || response.status >= 400 || response.status == 304));
    for (const char* absent : {"location", "strict-transport-security", "set-cookie", "www-authenticate",
                               "content-encoding", "transfer-encoding", "x-forwarded-for", "age"})
        BOOST_REQUIRE_MESSAGE(!response.has(absent), absent << " in " << response.head);
}

void check_uncacheable(const Response& response) {
    check_open(response);
    const std::string control = response.field("cache-control");
    BOOST_TEST(
        (control.find("no-store") != std::string::npos || control.find("no-cache") != std::string::npos),
        response.head);
}

void check_no_traces(Chain& chain) {
    for (const std::string& trace : chain.traces())
        BOOST_ERROR(trace);
}

struct Asked {
    std::string get;
    std::string post;
    std::string expected;  // of both, by the front itself
};

// Requests in all spellings, and what the front itself says to them.
std::vector<Asked> corpus(Chain& chain, std::size_t size) {
    Speller speller(2028);
    const std::vector<std::string> prefixes{
        "/ocsp/", "/", "/ocsp//", "//", "http://status.example/ocsp/", "http://status.example//"};
    const std::vector<Bytes> serials{chain.good, chain.revoked, {0x7f}};
    std::vector<Asked> all;
    std::size_t slashes = 0;
    while (all.size() < size) {
        const AskedId id = id_of(chain.authority, serials[speller.pick(serials.size())],
                                 speller.pick(2) == 0 ? HashAlgorithm::sha1 : HashAlgorithm::sha256);
        const Bytes request = request_der({id}, speller.nonce());
        const std::string data = base64(request);
        slashes += data.find("//") != std::string::npos ? 1 : 0;
        const auto escapes = static_cast<Escapes>(speller.pick(5));
        Asked asked{
            get(prefixes[speller.pick(prefixes.size())] + speller.spell(data, escapes)), post(request), {}};
        asked.expected = what_matters(chain.direct(asked.post));
        all.push_back(std::move(asked));
    }
    BOOST_TEST(slashes > size / 10);
    return all;
}

}  // namespace

// Covers: A-22, E-01, E-02, E-27, E-28, E-29
BOOST_FIXTURE_TEST_CASE(the_path_corpus_gets_the_same_bytes_through_both_proxies_by_http_and_https, Chain) {
    const std::vector<Asked> all = corpus(*this, 1500);
    for (const auto& proxy : proxies())
        for (const bool tls : {false, true})
            BOOST_TEST_CONTEXT(proxy->name << (tls ? " https" : " http")) {
                Wire wire(proxy->port(tls), tls);  // one connection for all of it
                for (std::size_t i = 0; i < all.size(); ++i) {
                    const Response got = wire.ask(all[i].get);
                    BOOST_REQUIRE_MESSAGE(what_matters(got) == all[i].expected, all[i].get << got.head);
                    check_open(got);
                    BOOST_REQUIRE(got.has("date"));
                    if (i % 3 == 0) {
                        const Response posted = wire.ask(all[i].post);
                        BOOST_REQUIRE_MESSAGE(what_matters(posted) == all[i].expected, posted.head);
                    }
                }
            }
    // Nearly all of them within 50 ms, by the front's own measure.
    const std::string metrics = ask_private("/metrics").body;
    double fast = 0;
    double count = 0;
    for (std::size_t at = 0;
         (at = metrics.find("\neightbells_front_request_duration_seconds_bucket{", at)) != std::string::npos;
         ++at) {
        const std::string line = metrics.substr(at + 1, metrics.find('\n', at + 1) - at - 1);
        const double value = std::stod(line.substr(line.rfind(' ')));
        fast += line.find("le=\"0.05\"") != std::string::npos ? value : 0;
        count += line.find("le=\"+Inf\"") != std::string::npos ? value : 0;
    }
    BOOST_TEST(count >= 7500.0);
    BOOST_TEST(fast >= 0.99 * count);
    check_no_traces(*this);
}

// Covers: E-32
BOOST_FIXTURE_TEST_CASE(https_is_spoken_in_tls_1_2_and_1_3_and_nothing_older, Chain) {
    for (const auto& proxy : proxies())
        for (const auto& [version, good_one] :
             {std::pair{"-tls1_3", true}, {"-tls1_2", true}, {"-tls1_1", false}, {"-tls1", false}}) {
            const auto ended = conformance::run({"openssl", "s_client", "-connect",
                                                 "127.0.0.1:" + std::to_string(proxy->https), version,
                                                 "-cipher", "DEFAULT@SECLEVEL=0"});
            BOOST_TEST(ended.ok() == good_one, proxy->name << " " << version << "\n" << ended.all());
        }
}

// Covers: E-02, E-05, E-11, E-14, E-16, E-25, E-27
BOOST_FIXTURE_TEST_CASE(conditions_ranges_and_odd_requests_pass_through_both_proxies_unchanged, Chain) {
    const Bytes request = request_der({id_of(authority, good)});
    const std::string path = "/ocsp/" + front::test::escaped(base64(request));
    const std::string etag = direct(get(path)).field("etag");
    const std::string crl_tag = direct(get("/ca.crl")).field("etag");
    const std::string padded = base64(request_der({id_of(authority, good)}, Bytes(120, 0xff)));
    const std::string chunk(as_text(request));
    struct Row {
        const char* what;
        std::string request;
        bool to_head = false;
    };
    const std::vector<Row> rows{
        {"HEAD", "HEAD " + path + " HTTP/1.1\r\nHost: status.example\r\n\r\n", true},
        {"the same answer as before", get(path, "If-None-Match: \"x\", W/" + etag + "\r\n")},
        {"another one than before", get(path, "If-None-Match: \"x\"\r\n")},
        {"any coding", get(path, "Accept-Encoding: gzip, br\r\nAccept: text/html\r\n")},
        {"a range of an answer", get(path, "Range: bytes=0-9\r\n")},
        {"the CRL", get("/ca.crl")},
        {"HEAD of the CRL", "HEAD /ca.crl HTTP/1.1\r\nHost: status.example\r\n\r\n", true},
        {"a range of the CRL", get("/ca.crl", "Range: bytes=10-99\r\n")},
        {"its end", get("/ca.crl", "Range: bytes=-7\r\nIf-Range: " + crl_tag + "\r\n")},
        {"a range of another CRL", get("/ca.crl", "Range: bytes=10-99\r\nIf-Range: \"x\"\r\n")},
        {"a range behind its end", get("/ca.crl", "Range: bytes=100000-\r\n")},
        {"the same CRL", get("/ca.crl", "If-None-Match: " + crl_tag + "\r\n")},
        {"another file", get("/other.crl")},
        {"a post of another type",
         "POST /ocsp HTTP/1.1\r\nHost: status.example\r\nContent-Type: text/plain\r\n"
         "Content-Length: 3\r\n\r\nabc"},
        {"a post that nobody can parse", post(Bytes(20, 0xff))},
        {"a chunked post",
         "POST /ocsp HTTP/1.1\r\nHost: status.example\r\nContent-Type: application/ocsp-request\r\n"
         "Transfer-Encoding: chunked\r\n\r\n10\r\n" +
             chunk.substr(0, 16) + "\r\n" + to_hex(Bytes{static_cast<std::uint8_t>(chunk.size() - 16)}) +
             "\r\n" + chunk.substr(16) + "\r\n0\r\n\r\n"},
        {"no path", get("/")},
        {"a method that is not served", "PUT /ocsp HTTP/1.1\r\nHost: status.example\r\n\r\n"},
        {"a long path", get("/ocsp/" + padded + std::string(7600, 'A'))},
    };
    for (const Row& row : rows) {
        const std::string expected = what_matters(direct(row.request, row.to_head));
        for (const auto& proxy : proxies())
            for (const bool tls : {false, true})
                BOOST_TEST_CONTEXT(proxy->name << (tls ? " https: " : " http: ") << row.what) {
                    Wire wire(proxy->port(tls), tls);
                    const Response response = wire.ask(row.request, row.to_head);
                    BOOST_TEST(what_matters(response) == expected, response.head);
                    check_open(response);
                    BOOST_TEST(wire.ask(get(path)).status == 200);  // the connection goes on in step
                }
    }
    for (const auto& proxy : proxies()) {
        BOOST_TEST_CONTEXT(proxy->name) {
            Wire old(proxy->http, false);  // nginx's stapling asks like this
            const Response response = old.ask("GET " + path + " HTTP/1.0\r\n\r\n");
            BOOST_TEST(what_matters(response) == what_matters(direct(get(path))));
            Wire careful(proxy->http, false);
            const std::string all = post(request, "Expect: 100-continue\r\n");
            careful.send(all.substr(0, all.size() - request.size()));
            BOOST_TEST(careful.response().status == 100);
            BOOST_TEST(careful.ask(chunk).status == 200);
        }
    }
    check_no_traces(*this);
}

// Covers: E-29, E-30
BOOST_FIXTURE_TEST_CASE(clients_are_counted_behind_haproxy_and_not_behind_nginx, Chain) {
    for (const auto& proxy : proxies()) {
        std::vector<std::unique_ptr<Wire>> wires;
        std::size_t refused = 0;
        for (int i = 0; i < 12; ++i) {
            wires.push_back(std::make_unique<Wire>(proxy->http, false));
            const Response response = wires.back()->ask(get("/ca.crl"));
            refused += response.status == 503 ? 1 : 0;
            if (response.status == 503)
                check_uncacheable(response);
            else
                BOOST_TEST(response.body.size() == crl.size());
        }
        BOOST_TEST(refused == (proxy->name == "haproxy" ? 4U : 0U), proxy->name);
        if (proxy->name == "haproxy") {
            wires.clear();  // who has gone counts no more
            BOOST_TEST(conformance::comes([&] {
                Wire wire(proxy->http, false);
                return wire.ask(get("/ca.crl")).status == 200;
            }));
        }
    }
    check_no_traces(*this);
}

// Covers: E-02, E-09, E-29
BOOST_FIXTURE_TEST_CASE(what_goes_wrong_is_not_cached_and_leaves_no_trace, Chain) {
    const std::string path = "/ocsp/" + base64(request_der({id_of(authority, good)}));
    const auto try_all = [&](bool front_is_there) {
        for (const auto& proxy : proxies()) {
            for (const std::string& request :
                 {get(path + "%zz"), get("/ocsp/%00"), get("/" + std::string(40'000, 'A')),
                  std::string("BREW /ocsp HTTP/1.1\r\nHost: status.example\r\n\r\n"),
                  std::string("TRACE /ocsp HTTP/1.1\r\nHost: status.example\r\n\r\n"),
                  "GET " + path + " HTTP/1.1\r\n\r\n", get(path, "bad line\r\n"),
                  get(path, "X: " + std::string(100'000, 'x') + "\r\n"), post(Bytes(70'000, 'x')),
                  get(path + "?x=1")}) {
                BOOST_TEST_CONTEXT(proxy->name << " " << request.substr(0, 100)) {
                    try {
                        Wire wire(proxy->http, false);
                        check_uncacheable(wire.ask(request));
                    } catch (const std::runtime_error& error) {  // refused without an answer
                        BOOST_TEST_MESSAGE(proxy->name << ": " << error.what());
                    }
                }
            }
            // Half a request, half a TLS hello, and https where http is spoken and the other way round.
            Wire(proxy->http, false).send("GET " + path);
            Wire(proxy->https, false).send("\x16\x03\x01");
            Wire(proxy->https, false).send(get(path));
            Wire good_one(proxy->https, true);
            const Response response = good_one.ask(get(path));
            if (front_is_there)
                BOOST_TEST(response.status == 200);
            else
                check_uncacheable(response);
            BOOST_TEST((front_is_there || response.status >= 500));
        }
    };
    try_all(true);
    stop_front();
    try_all(false);
    check_no_traces(*this);
}

}  // namespace eightbells::deploy
