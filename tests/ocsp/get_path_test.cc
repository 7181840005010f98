#define BOOST_TEST_MODULE ocsp_get_path
#include <boost/test/unit_test.hpp>
#include <random>

#include "responder/ocsp/limits.h"
#include "responder/ocsp/request.h"
#include "tests/ocsp/peer.h"
#include "tests/ocsp/spell.h"

using namespace eightbells;
using namespace eightbells::ocsp;

namespace {

constexpr std::uint32_t seed = 22;
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(const Bytes& bytes) {
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const auto octet = [&](std::size_t i) { return at + i < bytes.size() ? bytes[at + i] : 0U; };
        const unsigned group = octet(0) << 16 | octet(1) << 8 | octet(2);
        for (unsigned i = 0; i < 4; ++i)
            out += at + i > bytes.size() ? '=' : alphabet[group >> (18 - 6 * i) & 0x3f];
    }
    return out;
}

enum class Hex { upper, lower, mixed };

std::string escape(char c, Hex hex, std::mt19937& random) {
    const unsigned code = static_cast<unsigned char>(c);
    std::string out = "%";
    for (const unsigned digit : {code >> 4, code & 0xf}) {
        const bool upper = hex == Hex::upper || (hex == Hex::mixed && random() % 2 == 0);
        out += (upper ? "0123456789ABCDEF" : "0123456789abcdef")[digit];
    }
    return out;
}

// Escapes the characters for which `which` says so.
template <class Which>
std::string escaped(const std::string& text, Hex hex, std::mt19937& random, Which which) {
    std::string out;
    for (const char c : text)
        out += which(c) ? escape(c, hex, random) : std::string(1, c);
    return out;
}

Bytes random_octets(std::size_t size, std::mt19937& random) {
    Bytes out(size);
    for (auto& octet : out)
        octet = static_cast<std::uint8_t>(random());
    return out;
}

Bytes random_request(std::mt19937& random) {
    const bool sha1 = random() % 2 == 0;
    const std::size_t digest = sha1 ? 20 : 32;
    const Bytes cert_id = spell::sequence({sha1 ? spell::sha1_null : spell::sha256_null,
                                           spell::octets(random_octets(digest, random)),
                                           spell::octets(random_octets(digest, random)),
                                           spell::tlv(0x02, random_octets(1 + random() % 20, random))});
    const Bytes nonce =
        spell::extension(spell::oid_nonce, spell::octets(random_octets(1 + random() % 32, random)));
    return spell::request({spell::sequence({cert_id})},
                          random() % 2 == 0 ? spell::extensions(2, {nonce}) : Bytes{});
}

std::optional<Bytes> decoded(std::string_view path) {
    std::array<std::uint8_t, limits::request_octets> buffer;
    const auto view = decode_get_path(path, buffer);
    if (!view)
        return std::nullopt;
    return Bytes(view->begin(), view->end());
}

}  // namespace

//
BOOST_AUTO_TEST_CASE(a_22_every_spelling_of_10000_random_requests_decodes_to_the_same_bytes) {
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    std::size_t slashes = 0, pluses = 0, double_slashes = 0, slash_plus_slash = 0, pads = 0;
    const peer::Folder folder;
    std::string paths;
    std::string expected;
    for (int i = 0; i < 10000; ++i) {
        const Bytes request = random_request(random);
        const std::string raw = base64(request);
        slashes += raw.find('/') != std::string::npos;
        pluses += raw.find('+') != std::string::npos;
        pads += raw.find('=') != std::string::npos;
        double_slashes += raw.find("//") != std::string::npos;
        slash_plus_slash += raw.find("/+/") != std::string::npos;
        const auto special = [](char c) { return c == '/' || c == '+' || c == '='; };
        const auto every = [](char) { return true; };
        const auto some = [&random](char) { return random() % 4 == 0; };
        std::vector<std::string> spellings{raw};
        for (const Hex hex : {Hex::upper, Hex::lower, Hex::mixed}) {
            spellings.push_back(escaped(raw, hex, random, special));
            spellings.push_back(escaped(raw, hex, random, every));
            spellings.push_back(escaped(raw, hex, random, some));
        }
        for (const std::string& spelling : spellings) {
            const bool same = decoded(spelling) == request && decoded("/" + spelling) == request;
            if (!same)
                BOOST_FAIL("seed " << seed << ", request " << i << ": " << spelling);
        }
        paths += spellings[1 + static_cast<std::size_t>(i) % 9] + "\n";
        expected += to_hex(request) + "\n";
        RequestView view;
        BOOST_REQUIRE(!parse_request(request, view));
    }
    // The corpus has what breaks others.
    BOOST_TEST(slashes > 100U);
    BOOST_TEST(pluses > 100U);
    BOOST_TEST(pads > 100U);
    BOOST_TEST(double_slashes > 10U);
    BOOST_TEST(slash_plus_slash > 0U);
    // Python's unquote and base64 agree with the spellings made here.
    peer::write(folder / "paths", as_bytes(paths));
    const std::string said =
        peer::must_run(folder,
                       "/usr/bin/python3 -c 'import base64,urllib.parse\n"
                       "for l in open(\"paths\"): "
                       "print(base64.b64decode(urllib.parse.unquote(l.strip()),validate=True).hex())'");
    BOOST_TEST((said == expected));
}

//
BOOST_AUTO_TEST_CASE(a_22_nothing_but_one_leading_slash_is_dropped_or_merged) {
    const Bytes request = spell::one_request();
    const std::string path = base64(request);
    BOOST_TEST((decoded(path) == request));
    BOOST_TEST((decoded("/" + path) == request));
    BOOST_TEST(!decoded("//" + path).has_value());
    BOOST_TEST(!decoded("./" + path).has_value());
    BOOST_TEST(!decoded(path + "/").has_value());
    // `//`, `/+/` and `/../` lookalikes inside are data.
    BOOST_TEST((decoded("MA//") == spell::hex("300fff")));
    BOOST_TEST((decoded("MA//+/+/") == spell::hex("300ffffbffbf")));
    // Percent escapes are decoded once: %252F is %2F, which is no base64.
    BOOST_TEST((decoded("MA%2F%2f") == spell::hex("300fff")));
    BOOST_TEST(!decoded("MA%252F/").has_value());
    BOOST_TEST((decoded("MA%2B%2b") == spell::hex("300fbe")));
}

//
BOOST_AUTO_TEST_CASE(a_23_what_is_not_base64_is_refused) {
    const std::string path = base64(spell::one_request());
    for (const std::string wrong : {"%20", "%0A", "%0D%0A", "%09",  " ",  "\n", "-", "_",   "?x=1", "#f",
                                    "%4g", "%g4", "%00",    "\x80", "%%", ".",  "~", "%3F", "&",    ","}) {
        for (const std::size_t at : {std::size_t{0}, path.size() / 2, path.size()}) {
            std::string spelled = path;
            spelled.insert(at, wrong);
            BOOST_TEST(!decoded(spelled).has_value(), wrong << " at " << at << " was taken");
        }
    }
    for (const std::string cut : {"%", "%4"})
        BOOST_TEST(!decoded(path + cut).has_value(), cut << " at the end was taken");
    // Each of the 256 octets in a place where the alphabet alone fits, raw and escaped.
    std::mt19937 random(seed);
    for (unsigned code = 0; code < 256; ++code) {
        const char c = static_cast<char>(code);
        const bool in_alphabet = alphabet.find(c) != std::string_view::npos;
        if (c != '%')
            BOOST_TEST(decoded(std::string("MA") + c + "A").has_value() == in_alphabet, "raw " << code);
        BOOST_TEST(decoded("MA" + escape(c, Hex::mixed, random) + "A").has_value() == in_alphabet,
                   "escaped " << code);
    }
}

//
BOOST_AUTO_TEST_CASE(a_23_padding_stands_where_and_as_often_as_it_must) {
    BOOST_TEST((decoded("MA==") == spell::hex("30")));
    BOOST_TEST((decoded("MAA=") == spell::hex("3000")));
    BOOST_TEST((decoded("MAA%3D") == spell::hex("3000")));
    BOOST_TEST((decoded("MA%3d=") == spell::hex("30")));
    BOOST_TEST((decoded("MAAA") == spell::hex("300000")));
    for (const char* wrong :
         {"",      "/",     "M",      "MA",       "MAA",      "MA=",   "MA===", "M===", "====", "=",
          "MAA==", "MAAA=", "MAAA==", "MAAA====", "MA==MAAA", "MAA=A", "MA=A",  "MB==", "MAB=", "MAAAM"})
        BOOST_TEST(!decoded(wrong).has_value(), wrong << " was taken");
}

//
BOOST_AUTO_TEST_CASE(a_24_paths_of_every_length_are_read_and_the_buffer_is_the_bound) {
    for (const std::size_t octets : {254U, 255U, 256U, 2000U, 7900U}) {
        // A request whose path has as many octets as base64 can have below or at that figure.
        Bytes filler(octets / 4 * 3);
        const auto make = [&] {
            return spell::request({spell::sequence({spell::cert_id()})},
                                  spell::extensions(2, {spell::extension(spell::oid_unknown, filler)}));
        };
        while (base64(make()).size() > octets)
            filler.pop_back();
        const Bytes request = make();
        const std::string path = base64(request);
        BOOST_TEST(path.size() > octets - 8);
        BOOST_TEST((decoded(path) == request));
        RequestView view;
        BOOST_TEST(!parse_request(request, view));
    }
    const std::string path = base64(Bytes(64, 0x30));
    for (std::size_t room = 0; room < 64; ++room) {
        Bytes buffer(room);
        BOOST_TEST(!decode_get_path(path, buffer).has_value());
    }
    for (const std::size_t size : {62U, 63U, 64U}) {
        Bytes exact(size);
        const auto view = decode_get_path(base64(Bytes(size, 0x30)), exact);
        BOOST_REQUIRE(view.has_value());
        BOOST_TEST(view->size() == size);
        Bytes short_of_it(size - 1);
        BOOST_TEST(!decode_get_path(base64(Bytes(size, 0x30)), short_of_it).has_value());
    }
}
