// Ten thousand requests in every spelling that a GET may have, each against the same request by POST.
#include <boost/test/unit_test.hpp>

#include "tests/front/corpus.h"
#include "tests/front/small.h"

namespace eightbells::front::test {
BOOST_AUTO_TEST_SUITE(corpus)

// Covers: A-22, E-01, E-26
BOOST_FIXTURE_TEST_CASE(ten_thousand_requests_in_all_spellings_get_what_their_post_gets, Small) {
    Speller speller(2026);
    const std::vector<std::string> prefixes{"/ocsp/",
                                            "/",
                                            "/ocsp//",
                                            "//",
                                            "http://status.example/ocsp/",
                                            "HTTP://status.example:8080/",
                                            "http://[2001:db8::1]//"};
    const std::vector<Bytes> serials{good, revoked, unissued, {0x7f}, Bytes(20, 0x5a)};
    std::size_t slashes = 0;
    std::size_t signed_answers = 0;
    std::array<std::size_t, 5> spellings{};
    for (int i = 0; i < 10'000; ++i) {
        AskedId id = id_of(authority(), serials[speller.pick(serials.size())],
                           speller.pick(2) == 0 ? HashAlgorithm::sha1 : HashAlgorithm::sha256);
        id.null_parameters = speller.pick(2) == 0;
        const Bytes request = request_der({id}, speller.pick(8) == 0 ? Bytes{} : speller.nonce());
        std::string data = base64(request);
        slashes += data.find("//") != std::string::npos ? 1 : 0;
        const auto escapes = static_cast<Escapes>(speller.pick(5));
        ++spellings[static_cast<std::size_t>(escapes)];
        const std::string target = prefixes[speller.pick(prefixes.size())] + speller.spell(data, escapes);
        const Response got = ask("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
        const Response posted = post(request);
        BOOST_REQUIRE_EQUAL(what_matters(got, {"connection", "date"}),
                            what_matters(posted, {"connection", "date"}));
        signed_answers += verdict(got) == "successful" ? 1 : 0;
    }
    BOOST_TEST(slashes > 1000U);
    BOOST_TEST(signed_answers > 3000U);
    for (const std::size_t count : spellings)
        BOOST_TEST(count > 1000U);
}

// What is near a good path and is none: always the malformedRequest that the same octets get by POST.
// Covers, E-09
BOOST_FIXTURE_TEST_CASE(two_thousand_spoiled_paths_are_malformed_and_never_cached, Small) {
    Speller speller(2027);
    for (int i = 0; i < 2'000; ++i) {
        const Bytes request = request_der({id_of(authority(), good)}, speller.nonce());
        std::string data = speller.spell(base64(request), Escapes::mixed);
        switch (speller.pick(7)) {
            case 0:  // decoded twice it would be right
                data = "%25" + data.substr(data.front() == '%' ? 1 : 0);
                break;
            case 1:
                data.insert(speller.pick(data.size()), 1, "-_!*~,:@&$;'()?"[speller.pick(15)]);
                break;
            case 2:
                data += std::vector<std::string>{"?", "?x=1", "%20", "%0A", "%00",
                                                 "%", "%2",   "/",   "//",  "%3D=="}[speller.pick(10)];
                break;
            case 3:
                data = data.substr(0, data.size() / 2);
                break;
            case 4:
                data = "%20" + data;
                break;
            case 5:  // without its padding, and with some where there was none
                data = base64(request);
                data = data.ends_with('=') ? data.substr(0, data.find('=')) : data + "=";
                break;
            default:
                data = "ocsp/" + data;  // the prefix twice
                break;
        }
        const Response got = get("/ocsp/" + data);
        BOOST_REQUIRE_MESSAGE(verdict(got) == "malformed", data + " is " + verdict(got));
        BOOST_REQUIRE(is_uncacheable(got));
    }
}

//
BOOST_FIXTURE_TEST_CASE(long_and_short_urls_are_answered_alike, Small) {
    for (const std::size_t octets : {254U, 255U, 256U, 2000U, 7900U, 8000U}) {
        // As long as zeros before the serial number make it; the rest is escapes and the one stray slash.
        AskedId id = id_of(authority(), good);
        std::string target = "/ocsp/";
        std::string data = base64(request_der({id}));
        for (AskedId longer = id; target.size() + data.size() <= octets;) {
            id = longer;
            longer.serial.insert(longer.serial.begin(), 0);
            data = base64(request_der({longer}));
        }
        data = base64(request_der({id}));
        target += (octets - target.size() - data.size()) % 2 == 1 ? "/" : "";
        for (std::size_t at = 0; at < data.size(); ++at) {
            const bool escape = target.size() + 3 + data.size() - at - 1 <= octets;
            target += escape ? "%" + to_hex(as_bytes(data.substr(at, 1))) : data.substr(at, 1);
        }
        BOOST_TEST(target.size() == octets);
        const Response got = get(target);
        BOOST_TEST(verdict(got, authority(), {id}) == "good", octets);
        BOOST_TEST(got.body == post(request_der({id})).body);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::front::test
