#define BOOST_TEST_MODULE ocsp_response
#include "responder/ocsp/response.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "responder/ocsp/extension.h"
#include "responder/ocsp/limits.h"
#include "tests/ocsp/peer.h"
#include "tests/ocsp/spell.h"

using namespace eightbells;
using namespace eightbells::ocsp;
using spell::hex;

namespace {

const Bytes good = hex("8000");
const Bytes ecdsa_sha256 = hex("300a06082a8648ce3d040302");

Bytes time(std::string_view text) {
    return spell::tlv(0x18, {Bytes(as_bytes(text).begin(), as_bytes(text).end())});
}
const Bytes now = time("20261122064000Z");

// The parts of an answer, each to be replaced by a wrong one.
struct Parts {
    Bytes outer_status = hex("0a0100");
    Bytes type = hex("06092b0601050507300101");
    Bytes before_responder;
    Bytes responder = spell::tlv(0xa2, {spell::octets(Bytes(20, 0xc3))});
    Bytes produced = now;
    Bytes cert_id = spell::cert_id();
    Bytes status = good;
    Bytes this_update = now;
    Bytes next_update = spell::tlv(0xa0, {now});
    Bytes single_extensions;
    std::size_t singles = 1;
    Bytes response_extensions;
    Bytes algorithm = ecdsa_sha256;
    Bytes signature = hex("0303003000");
    Bytes certs = spell::tlv(0xa0, {spell::sequence({spell::sequence({hex("0500")})})});
    Bytes behind_basic, behind_bytes, behind_all;
};

Bytes spelled(const Parts& p) {
    const Bytes single =
        spell::sequence({p.cert_id, p.status, p.this_update, p.next_update, p.single_extensions});
    Bytes list;
    for (std::size_t i = 0; i < p.singles; ++i)
        list.insert(list.end(), single.begin(), single.end());
    const Bytes data = spell::sequence(
        {p.before_responder, p.responder, p.produced, spell::tlv(0x30, list), p.response_extensions});
    const Bytes basic = spell::sequence({data, p.algorithm, p.signature, p.certs});
    return spell::join(
        {spell::sequence(
             {p.outer_status,
              spell::tlv(0xa0, {spell::sequence({p.type, spell::octets(spell::join({basic, p.behind_basic})),
                                                 p.behind_bytes})})}),
         p.behind_all});
}

// "ok", or the field that the error names.
template <class Change>
std::string with(Change change) {
    Parts parts;
    change(parts);
    const auto parsed = parse_response(spelled(parts));
    return parsed ? "ok" : parsed.error().message;
}

bool names(const std::string& message, const std::string& field) {
    return message.find(field + ":") != std::string::npos;
}

}  // namespace

// Covers: B-01, B-02, B-03, B-14
BOOST_AUTO_TEST_CASE(answers_of_python_and_openssl_that_have_our_shape_are_read) {
    std::size_t files = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(EIGHTBELLS_SOURCE_DIR "/tests/ocsp/corpus/response")) {
        const Bytes der = peer::read(entry.path());
        const auto parsed = parse_response(der);
        BOOST_TEST(parsed.has_value(), entry.path().filename()
                                           << ": " << (parsed ? "" : parsed.error().message));
        ++files;
    }
    BOOST_TEST(files >= 13U);
    const auto hold =
        parse_response(peer::read(EIGHTBELLS_SOURCE_DIR "/tests/ocsp/corpus/response/python-hold.der"));
    BOOST_REQUIRE(hold.has_value());
    BOOST_REQUIRE_EQUAL(hold->singles.size(), 1U);
    BOOST_TEST(on_hold(hold->singles[0].status));
    BOOST_TEST(to_iso8601(hold->singles[0].status->time) == "2026-01-01T00:00:00Z");
    BOOST_TEST(to_iso8601(hold->singles[0].this_update) == "2026-11-22T06:00:00Z");
    BOOST_TEST(to_iso8601(hold->singles[0].next_update) == "2026-11-23T06:00:00Z");
}

// Covers: B-01, B-02
BOOST_AUTO_TEST_CASE(every_field_is_read_back) {
    Parts parts;
    parts.status = spell::tlv(0xa1, {time("20250101000000Z"), hex("a0030a0101")});
    const Bytes cutoff = encode_archive_cutoff(from_unix(1700000000));
    const Bytes invalidity = encode_invalidity_date(from_unix(1600000000));
    const Bytes hash = encode_cert_hash(Bytes(32, 1));
    parts.single_extensions = spell::extensions(1, {cutoff, hash, invalidity});
    parts.response_extensions = spell::extensions(1, {spell::nonce(16)});
    const Bytes der = spelled(parts);
    const auto parsed = parse_response(der);
    BOOST_REQUIRE_MESSAGE(parsed, parsed.error().message);
    BOOST_TEST((parsed->status == ResponseStatus::successful));
    BOOST_TEST(equal(parsed->responder_key_hash, Bytes(20, 0xc3)));
    BOOST_TEST(to_iso8601(parsed->produced_at) == "2026-11-22T06:40:00Z");
    BOOST_TEST(equal(parsed->nonce.value(), Bytes(16, 0x6e)));
    BOOST_TEST(equal(parsed->signature_algorithm, ecdsa_sha256));
    BOOST_TEST(equal(parsed->signature, hex("3000")));
    BOOST_REQUIRE_EQUAL(parsed->certificates.size(), 1U);
    BOOST_TEST(equal(parsed->certificates[0], hex("30020500")));
    BOOST_TEST(parsed->response_data.front() == 0x30);
    BOOST_REQUIRE_EQUAL(parsed->singles.size(), 1U);
    const ParsedSingle& single = parsed->singles[0];
    BOOST_TEST(equal(single.cert_id.tlv, spell::cert_id()));
    BOOST_TEST((single.status->reason == CrlReason::key_compromise));
    BOOST_TEST((single.status->invalidity_date == from_unix(1600000000)));
    BOOST_TEST((single.archive_cutoff == from_unix(1700000000)));
    BOOST_TEST(equal(single.extensions, spell::join({cutoff, hash, invalidity})));
    BOOST_TEST(!single.unknown);
}

// Covers: B-01, B-02, B-08, B-09
BOOST_AUTO_TEST_CASE(b_01_the_frame_of_an_answer_has_one_shape) {
    BOOST_TEST(with([](Parts&) {}) == "ok");
    BOOST_TEST(with([](Parts& p) { p.certs = {}; }) == "ok");
    BOOST_TEST(names(with([](Parts& p) { p.outer_status = hex("0a0104"); }), "responseStatus"));
    BOOST_TEST(names(with([](Parts& p) { p.outer_status = hex("0a0105"); }), "responseStatus"));
    BOOST_TEST(names(with([](Parts& p) { p.outer_status = hex("0a020000"); }), "responseStatus"));
    BOOST_TEST(names(with([](Parts& p) { p.outer_status = hex("020100"); }), "responseStatus"));
    BOOST_TEST(names(with([](Parts& p) { p.outer_status = hex("0a0103"); }), "responseBytes"));
    BOOST_TEST(names(with([](Parts& p) { p.type = hex("06092b0601050507300102"); }), "responseType"));
    BOOST_TEST(names(with([](Parts& p) { p.behind_all = hex("00"); }), "OCSPResponse"));
    BOOST_TEST(names(with([](Parts& p) { p.behind_bytes = hex("0500"); }), "response"));
    BOOST_TEST(names(with([](Parts& p) { p.behind_basic = hex("0500"); }), "BasicOCSPResponse"));
    BOOST_TEST(names(with([](Parts& p) { p.algorithm = hex("3000"); }), "signatureAlgorithm"));
    BOOST_TEST(names(with([](Parts& p) { p.algorithm = {}; }), "signatureAlgorithm"));
    BOOST_TEST(names(with([](Parts& p) { p.signature = hex("030100"); }), "signature"));
    BOOST_TEST(names(with([](Parts& p) { p.signature = hex("03020400"); }), "signature"));
    BOOST_TEST(names(with([](Parts& p) { p.certs = hex("a0023000"); }), "certs"));  // B-08
    BOOST_TEST(names(with([](Parts& p) {
                         p.certs =
                             hex("a00630043000"
                                 "3000");
                     }),
                     "certs"));
    BOOST_TEST(names(with([](Parts& p) { p.certs = hex("a00430020500"); }), "certs"));
    BOOST_TEST(names(with([](Parts& p) {
                         p.certs =
                             hex("a1043002"
                                 "3000");
                     }),
                     "certs"));
    BOOST_TEST(names(with([](Parts& p) {
                         p.certs.insert(p.certs.end(), {0x05, 0x00});
                     }),
                     "BasicOCSPResponse"));
    BOOST_TEST(names(parse_response(hex("30030a0100")).error().message, "responseBytes"));
    BOOST_TEST(parse_response(hex("30030a0101")).has_value());
    BOOST_TEST(!parse_response(hex("30050a01010500")).has_value());
    BOOST_TEST(!parse_response({}).has_value());
    BOOST_TEST(!parse_response(Bytes(limits::answer_octets + 1, 0x30)).has_value());
    const Bytes whole = spelled(Parts{});
    for (std::size_t size = 0; size < whole.size(); ++size)
        BOOST_TEST(!parse_response(ByteView{whole}.first(size)).has_value());
}

// Covers: B-02, B-03, B-04, B-12, B-19, B-20
BOOST_AUTO_TEST_CASE(b_03_the_response_data_has_one_shape) {
    BOOST_TEST(names(with([](Parts& p) { p.before_responder = hex("a003020100"); }),
                     "responderID"));  // v1 written out
    BOOST_TEST(names(with([](Parts& p) { p.responder = spell::tlv(0xa1, {hex("3000")}); }), "responderID"));
    BOOST_TEST(names(with([](Parts& p) { p.responder = spell::tlv(0xa2, {spell::octets(Bytes(32, 1))}); }),
                     "responderID"));
    BOOST_TEST(names(with([](Parts& p) { p.responder = spell::tlv(0x82, {Bytes(20, 1)}); }), "responderID"));
    for (const std::string_view wrong :
         {"20261122064000.5Z", "202611220640Z", "20261122064000", "20261122064000+0000", "20261322064000Z",
          "20260229064000Z", "20261122240000Z", "20261122064060Z"})
        BOOST_TEST(names(with([&](Parts& p) { p.produced = time(wrong); }), "producedAt"), wrong);
    BOOST_TEST(
        names(with([](Parts& p) { p.produced = hex("170d3236313132323036343030305a"); }), "producedAt"));
    BOOST_TEST(names(with([](Parts& p) { p.singles = 0; }), "responses"));
    BOOST_TEST(with([](Parts& p) { p.singles = 16; }) == "ok");
    BOOST_TEST(names(with([](Parts& p) { p.singles = 17; }), "responses"));
    const Bytes extended_revoke = spell::extension(hex("06092b0601050507300109"), hex("0500"));
    const auto extensions = [](std::initializer_list<Bytes> list) {
        return with([&](Parts& p) { p.response_extensions = spell::extensions(1, list); });
    };
    BOOST_TEST(extensions({spell::nonce(1)}) == "ok");
    BOOST_TEST(names(extensions({extended_revoke}), "responseExtensions"));
    BOOST_TEST(names(extensions({spell::nonce(8), extended_revoke}), "responseExtensions"));
    BOOST_TEST(names(extensions({}), "responseExtensions"));
    BOOST_TEST(names(extensions({spell::nonce(8), spell::nonce(8)}), "responseExtensions"));
    BOOST_TEST(
        names(extensions({spell::extension(spell::oid_nonce, spell::octets(hex("01")), spell::critical)}),
              "responseExtensions"));
    BOOST_TEST(
        names(extensions({spell::extension(spell::oid_nonce, spell::octets(hex("01")), hex("010100"))}),
              "responseExtensions"));
    BOOST_TEST(names(extensions({spell::nonce(0)}), "nonce"));
    BOOST_TEST(names(extensions({spell::nonce(129)}), "nonce"));
    BOOST_TEST(
        names(with([](Parts& p) {
                  p.response_extensions = spell::join({spell::extensions(1, {spell::nonce(8)}), hex("0500")});
              }),
              "ResponseData"));
}

// Covers: B-05, B-12, B-14, B-15, B-16
BOOST_AUTO_TEST_CASE(b_14_each_single_response_has_one_shape) {
    const auto status = [](const Bytes& spelled_status) {
        return with([&](Parts& p) { p.status = spelled_status; });
    };
    const Bytes at = time("20250101000000Z");
    BOOST_TEST(status(hex("8200")) == "ok");
    BOOST_TEST(status(spell::tlv(0xa1, {at})) == "ok");
    for (const std::uint8_t code : hex("010203040506090a"))
        BOOST_TEST(status(spell::tlv(0xa1, {at, hex("a0030a01"), Bytes{code}})) == "ok");
    for (const std::uint8_t code : hex("0007080b"))
        BOOST_TEST(names(status(spell::tlv(0xa1, {at, hex("a0030a01"), Bytes{code}})), "revocationReason"));
    BOOST_TEST(names(status(spell::tlv(0xa1, {at, hex("0500")})), "revocationReason"));
    BOOST_TEST(names(status(spell::tlv(0xa1, {at, hex("a0030a0101"), hex("0500")})), "revocationReason"));
    BOOST_TEST(names(status(spell::tlv(0xa1, {})), "revocationTime"));
    BOOST_TEST(names(status(hex("a000")), "certStatus"));
    BOOST_TEST(names(status(hex("800100")), "certStatus"));
    BOOST_TEST(names(status(hex("8300")), "certStatus"));
    BOOST_TEST(names(status(hex("82020500")), "certStatus"));
    BOOST_TEST(names(with([](Parts& p) { p.next_update = {}; }), "nextUpdate"));  // B-14
    BOOST_TEST(names(with([](Parts& p) {
                         p.next_update = spell::tlv(0xa0, {now, hex("0500")});
                     }),
                     "nextUpdate"));
    BOOST_TEST(names(with([](Parts& p) { p.next_update = spell::tlv(0xa0, {hex("0500")}); }), "nextUpdate"));
    BOOST_TEST(names(with([](Parts& p) { p.this_update = {}; }), "thisUpdate"));
    BOOST_TEST(names(with([](Parts& p) { p.cert_id = hex("3000"); }), "certID"));
    BOOST_TEST(
        names(with([](Parts& p) { p.cert_id = spell::cert_id(spell::sha256_null, hex("0001")); }), "certID"));
    const auto extensions = [](std::initializer_list<Bytes> list, const Bytes& spelled_status) {
        return with([&](Parts& p) {
            p.status = spelled_status;
            p.single_extensions = spell::extensions(1, list);
        });
    };
    const Bytes revoked = spell::tlv(0xa1, {at});
    const Bytes invalidity = encode_invalidity_date(from_unix(0));
    const Bytes cutoff = encode_archive_cutoff(from_unix(0));
    BOOST_TEST(extensions({cutoff}, good) == "ok");
    BOOST_TEST(extensions({invalidity}, revoked) == "ok");
    BOOST_TEST(names(extensions({invalidity}, good), "invalidityDate"));
    BOOST_TEST(names(extensions({invalidity}, hex("8200")), "invalidityDate"));
    BOOST_TEST(names(extensions({}, good), "singleExtensions"));
    BOOST_TEST(names(extensions({cutoff, cutoff}, good), "singleExtensions"));
    BOOST_TEST(names(extensions({spell::extension(hex("0603551d15"), hex("0a0101"))}, revoked),
                     "singleExtensions"));  // B-16
    BOOST_TEST(names(extensions({spell::extension(hex("06092b0601050507300106"), hex("0500"))}, good),
                     "archiveCutoff"));
    BOOST_TEST(names(
        extensions({spell::extension(hex("06092b0601050507300106"), spell::join({at, hex("0500")}))}, good),
        "singleExtensions"));
    BOOST_TEST(names(extensions({spell::extension(spell::oid_unknown, {}, spell::critical)}, good),
                     "singleExtensions"));
    BOOST_TEST(names(with([&](Parts& p) {
                         p.single_extensions = spell::join({spell::extensions(1, {cutoff}), hex("0500")});
                     }),
                     "SingleResponse"));
    BOOST_TEST(names(with([](Parts& p) { p.single_extensions = hex("0500"); }), "singleExtensions"));
}
