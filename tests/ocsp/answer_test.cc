#define BOOST_TEST_MODULE ocsp_answer
#include "responder/ocsp/answer.h"

#include <boost/test/unit_test.hpp>

#include "responder/ocsp/extension.h"
#include "responder/ocsp/limits.h"
#include "responder/ocsp/response.h"
#include "tests/ocsp/spell.h"

using namespace eightbells;
using namespace eightbells::ocsp;
using spell::hex;

namespace {

using Buffer = std::array<std::uint8_t, limits::answer_octets>;

const Bytes serial = hex("9edcba98");
const UtcTime produced = from_iso8601("2026-11-22T06:40:00Z").value();
const UtcTime updated = from_iso8601("2026-11-22T06:30:00Z").value();
const UtcTime next = from_iso8601("2026-11-23T06:30:00Z").value();
const UtcTime revoked_at = from_iso8601("2026-02-28T23:59:59Z").value();
const Bytes ecdsa_sha256 = hex("300a06082a8648ce3d040302");
const Bytes certificate = spell::sequence({Bytes(300, 0x05)});

Bytes time(std::string_view text) {
    return spell::tlv(0x18, {Bytes(as_bytes(text).begin(), as_bytes(text).end())});
}

AnswerProfile profile(HashAlgorithm hash = HashAlgorithm::sha256) {
    AnswerProfile made;
    made.cert_id_hash = hash;
    made.issuer_name_hash = Bytes(digest_octets(hash), 0xa1);
    made.issuer_key_hash = Bytes(digest_octets(hash), 0xb2);
    made.responder_key_hash.fill(0xc3);
    made.signature_algorithm = ecdsa_sha256;
    made.signer_certificate = certificate;
    return made;
}

SingleAnswer single(const CertStatus& status = std::nullopt) {
    SingleAnswer made;
    made.serial = serial;
    made.status = status;
    made.produced_at = produced;
    made.this_update = updated;
    made.next_update = next;
    return made;
}

Bytes data(const AnswerProfile& with, const SingleAnswer& of) {
    Buffer buffer;
    const ByteView view = encode_response_data(with, of, buffer);
    return {view.begin(), view.end()};
}
Bytes whole(const AnswerProfile& with, const SingleAnswer& of, const Bytes& signature) {
    Buffer buffer;
    const ByteView view = encode_response(with, of, signature, buffer);
    return {view.begin(), view.end()};
}

// The same, spelled forwards by hand.
Bytes spelled_data(const Bytes& status, const Bytes& extensions = {},
                   const Bytes& algorithm = spell::sha256_null) {
    return spell::sequence(
        {spell::tlv(0xa2, {spell::octets(Bytes(20, 0xc3))}), time("20261122064000Z"),
         spell::sequence(
             {spell::sequence({spell::cert_id(algorithm, hex("009edcba98")), status, time("20261122063000Z"),
                               spell::tlv(0xa0, {time("20261123063000Z")}), extensions})})});
}
Bytes spelled_whole(const Bytes& response_data, const Bytes& signature, const Bytes& certs) {
    const Bytes basic =
        spell::sequence({response_data, ecdsa_sha256, spell::tlv(0x03, {hex("00"), signature}), certs});
    return spell::sequence(
        {hex("0a0100"),
         spell::tlv(0xa0, {spell::sequence({hex("06092b0601050507300101"), spell::octets(basic)})})});
}

}  // namespace

// Covers: B-01, B-02, B-05, B-08
BOOST_AUTO_TEST_CASE(b_02_the_answer_is_octet_for_octet_what_the_rfc_spells) {
    const Bytes good = spelled_data(hex("8000"));
    const Bytes signature(70, 0x51);
    BOOST_TEST(to_hex(data(profile(), single())) == to_hex(good));
    BOOST_TEST(to_hex(whole(profile(), single(), signature)) ==
               to_hex(spelled_whole(good, signature, spell::tlv(0xa0, {spell::sequence({certificate})}))));
    BOOST_TEST(to_hex(data(profile(HashAlgorithm::sha1), single())) ==
               to_hex(spelled_data(hex("8000"), {}, spell::sha1_null)));
    // B-08: the CA signs itself
    AnswerProfile direct = profile();
    direct.signer_certificate.clear();
    BOOST_TEST(to_hex(whole(direct, single(), signature)) == to_hex(spelled_whole(good, signature, {})));
    // B-01: the error statuses
    BOOST_TEST(equal(encode_error(ResponseStatus::try_later), hex("30030a0103")));
    BOOST_TEST(equal(encode_error(ResponseStatus::unauthorized), hex("30030a0106")));
}

// Covers: B-15, B-16
BOOST_AUTO_TEST_CASE(b_15_a_reason_stands_in_its_place_and_only_where_there_is_one) {
    const auto revoked = [](std::optional<CrlReason> reason) {
        return data(profile(), single(Revocation{revoked_at, reason, {}}));
    };
    const Bytes at = time("20260228235959Z");
    BOOST_TEST(to_hex(revoked({})) == to_hex(spelled_data(spell::tlv(0xa1, {at}))));
    BOOST_TEST(to_hex(revoked(CrlReason::unspecified)) == to_hex(spelled_data(spell::tlv(0xa1, {at}))));
    for (const std::uint8_t code : hex("010203040506090a")) {
        const Bytes reason = spell::tlv(0xa0, {hex("0a01"), Bytes{code}});
        BOOST_TEST(to_hex(revoked(reason_from_code(code))) ==
                   to_hex(spelled_data(spell::tlv(0xa1, {at, reason}))));
    }
    // What never stands on a full CRL is no answer at all.
    BOOST_TEST(revoked(CrlReason::remove_from_crl).empty());
    BOOST_TEST(revoked(static_cast<CrlReason>(7)).empty());
    BOOST_TEST(revoked(static_cast<CrlReason>(11)).empty());
    BOOST_TEST(revoked(static_cast<CrlReason>(0x80)).empty());
}

// Covers: B-16, B-17, B-20, B-22
BOOST_AUTO_TEST_CASE(b_17_extensions_follow_the_times_the_issuers_first) {
    const Bytes cutoff = spell::extension(hex("06092b0601050507300106"), time("20200101000000Z"));
    const Bytes invalidity = spell::extension(hex("0603551d18"), time("20251231235959Z"));
    const Bytes hash = spell::extension(
        hex("06052b2408030d"), spell::sequence({spell::sha256_null, spell::octets(Bytes(32, 0xdd))}));
    BOOST_TEST(to_hex(encode_archive_cutoff(from_iso8601("2020-01-01T00:00:00Z").value())) == to_hex(cutoff));
    BOOST_TEST(to_hex(encode_invalidity_date(from_iso8601("2025-12-31T23:59:59Z").value())) ==
               to_hex(invalidity));
    BOOST_TEST(to_hex(encode_cert_hash(Bytes(32, 0xdd))) == to_hex(hash));
    BOOST_TEST(encode_cert_hash(Bytes(20, 0xdd)).empty());
    BOOST_TEST(encode_archive_cutoff(year_9999 + seconds{1}).empty());
    BOOST_TEST(!encode_archive_cutoff(year_9999).empty());

    const Bytes own = spell::join({hash, invalidity});
    AnswerProfile with = profile();
    SingleAnswer of = single(Revocation{revoked_at, {}, {}});
    const Bytes status = spell::tlv(0xa1, {time("20260228235959Z")});
    of.extensions = own;
    BOOST_TEST(to_hex(data(with, of)) == to_hex(spelled_data(status, spell::extensions(1, {own}))));
    with.single_extensions = cutoff;
    BOOST_TEST(to_hex(data(with, of)) == to_hex(spelled_data(status, spell::extensions(1, {cutoff, own}))));
    of.extensions = {};
    BOOST_TEST(to_hex(data(with, of)) == to_hex(spelled_data(status, spell::extensions(1, {cutoff}))));
}

// Covers: B-12
BOOST_AUTO_TEST_CASE(b_12_times_reach_the_year_9999_and_no_further) {
    const auto with_next = [](UtcTime at) {
        SingleAnswer of = single();
        of.next_update = at;
        return data(profile(), of);
    };
    const Bytes last = time("99991231235959Z");
    const Bytes found = with_next(year_9999);
    BOOST_TEST((std::ranges::search(found, last).begin() != found.end()));
    BOOST_TEST(with_next(year_9999 + seconds{1}).empty());
    BOOST_TEST(with_next(UtcTime::max()).empty());
    BOOST_TEST(with_next(UtcTime::min()).empty());
    BOOST_TEST(!with_next(from_unix(-1)).empty());
}

// Covers: B-09
BOOST_AUTO_TEST_CASE(b_09_raw_ecdsa_signatures_become_minimal_integers) {
    const auto value = [](SignatureForm form, const Bytes& raw) {
        std::array<std::uint8_t, 6000> buffer;
        return to_hex(encode_signature_value(form, raw, buffer));
    };
    const auto scalar = [](std::size_t size, std::size_t zeros, std::uint8_t first) {
        Bytes out(size, 0x11);
        std::fill_n(out.begin(), zeros, std::uint8_t{0});
        if (zeros < size)
            out[zeros] = first;
        return out;
    };
    for (const auto& [form, size] :
         {std::pair{SignatureForm::ecdsa_p256, 32U}, std::pair{SignatureForm::ecdsa_p384, 48U},
          std::pair{SignatureForm::ecdsa_p521, 66U}}) {
        for (const std::size_t zeros : {0U, 1U, 2U, 31U, size}) {
            for (const std::uint8_t first : hex("7f80ff01")) {
                const Bytes r = scalar(size, zeros, first);
                const Bytes s = scalar(size, 0, 0x80);
                Bytes r_content(r.begin() + static_cast<std::ptrdiff_t>(zeros), r.end());
                if (r_content.empty() || r_content[0] >= 0x80)
                    r_content.insert(r_content.begin(), 0);
                const Bytes expected =
                    spell::sequence({spell::tlv(0x02, r_content), spell::tlv(0x02, {hex("00"), s})});
                BOOST_TEST(value(form, spell::join({r, s})) == to_hex(expected));
            }
        }
        BOOST_TEST(value(form, Bytes(2 * size - 1, 1)).empty());
        BOOST_TEST(value(form, Bytes(2 * size + 1, 1)).empty());
        BOOST_TEST(value(form, {}).empty());
    }
    BOOST_TEST(value(SignatureForm::octets, Bytes(5120, 0x77)) == to_hex(Bytes(5120, 0x77)));  // H-17
    BOOST_TEST(value(SignatureForm::octets, {}).empty());
    BOOST_TEST(value(static_cast<SignatureForm>(9), Bytes(64, 1)).empty());
}

// Covers: B-02, H-17
BOOST_AUTO_TEST_CASE(an_answer_that_does_not_fit_or_cannot_be_made_is_empty) {
    AnswerProfile with = profile();
    with.signature_form = SignatureForm::ecdsa_p256;
    with.single_extensions = encode_archive_cutoff(updated);
    const Bytes signature(64, 0x91);
    const SingleAnswer of = single(Revocation{revoked_at, CrlReason::superseded, {}});
    const Bytes answer = whole(with, of, signature);
    BOOST_REQUIRE(!answer.empty());
    for (std::size_t room = 0; room < answer.size(); ++room) {
        Bytes buffer(room);
        BOOST_TEST(encode_response(with, of, signature, buffer).empty());
    }
    Bytes exact(answer.size());
    BOOST_TEST((equal(encode_response(with, of, signature, exact), answer)));
    BOOST_TEST((exact == answer));
    for (const std::size_t size : {0U, 63U, 65U, 72U})
        BOOST_TEST(whole(with, of, Bytes(size, 1)).empty());
    for (const Bytes& wrong : {Bytes{}, Bytes(21, 1), hex("00"), hex("0001")}) {
        SingleAnswer other = of;
        other.serial = wrong;
        BOOST_TEST(whole(with, other, signature).empty());
        BOOST_TEST(data(with, other).empty());
    }
    AnswerProfile other = with;
    other.issuer_key_hash.pop_back();
    BOOST_TEST(data(other, of).empty());
    other = with;
    other.signature_algorithm.clear();
    BOOST_TEST(whole(other, of, signature).empty());
    // H-17: a 5 KiB signature and a 4 KiB certificate fit into the bound.
    other = with;
    other.signature_form = SignatureForm::octets;
    other.signer_certificate = spell::sequence({Bytes(4096, 0x05)});
    const Bytes large = whole(other, of, Bytes(5120, 0x77));
    BOOST_TEST(large.size() > 9216U);
    BOOST_TEST(parse_response(large).has_value());
}

// Covers: A-09, B-02, B-05
BOOST_AUTO_TEST_CASE(b_05_a_live_answer_echoes_the_cert_id_as_spelled_but_always_in_der) {
    const std::array<std::uint8_t, 20> key_hash{};
    const auto echoed = [&](const Bytes& cert_id) {
        LiveSingle one;
        one.cert_id = cert_id;
        one.this_update = updated;
        one.next_update = next;
        Buffer buffer;
        const ByteView view = encode_live_response_data(key_hash, produced, {&one, 1}, std::nullopt, buffer);
        if (view.empty())
            return std::string("refused");
        der::Reader fields = *der::Reader{view}.read_into(der::Tag::sequence);
        fields.read_any();
        fields.read_any();
        der::Reader found = *fields.read_into(der::Tag::sequence)->read_into(der::Tag::sequence);
        return to_hex(found.read_any()->tlv);
    };
    const Bytes sha512 = hex("300b0609608648016503040203");
    for (const Bytes& algorithm :
         {spell::sha1_null, spell::sha1_absent, spell::sha256_null, spell::sha256_absent, sha512}) {
        BOOST_TEST(echoed(spell::cert_id(algorithm)) == to_hex(spell::cert_id(algorithm)));
        BOOST_TEST(echoed(spell::cert_id(algorithm, hex("000012"))) ==
                   to_hex(spell::cert_id(algorithm, hex("12"))));
        BOOST_TEST(echoed(spell::cert_id(algorithm, hex("000082"))) ==
                   to_hex(spell::cert_id(algorithm, hex("0082"))));
        BOOST_TEST(echoed(spell::cert_id(algorithm, hex("0000"))) ==
                   to_hex(spell::cert_id(algorithm, hex("00"))));
        BOOST_TEST(echoed(spell::cert_id(algorithm, hex("0082"))) ==
                   to_hex(spell::cert_id(algorithm, hex("0082"))));
        BOOST_TEST(echoed(spell::cert_id(algorithm, hex("ff"))) ==
                   to_hex(spell::cert_id(algorithm, hex("ff"))));
    }
    BOOST_TEST(echoed({}) == "refused");
    BOOST_TEST(echoed(hex("3000")) == "refused");
    BOOST_TEST(echoed(spell::join({spell::cert_id(), hex("0500")})) == "refused");
}

// Covers: A-04, B-05
BOOST_AUTO_TEST_CASE(a_04_a_live_answer_holds_every_certificate_in_order_each_with_its_own_status) {
    const std::array<std::uint8_t, 20> key_hash{};
    const Bytes first = spell::cert_id(spell::sha1_null, hex("01"));
    const Bytes second = spell::cert_id(spell::sha256_null, hex("02"));
    const Bytes third = spell::cert_id(spell::sha256_absent, hex("03"));
    const Bytes cutoff = encode_archive_cutoff(updated);
    const LiveSingle singles[] = {
        {first, false, std::nullopt, updated, next, {}},
        {second, true, std::nullopt, updated, next, {}},
        {third, false, Revocation{revoked_at, CrlReason::superseded, {}}, updated, next, cutoff},
    };
    Buffer buffer;
    const ByteView ours = encode_live_response_data(key_hash, produced, singles, std::nullopt, buffer);
    const Bytes at = time("20261122063000Z");
    const Bytes until = spell::tlv(0xa0, {time("20261123063000Z")});
    const Bytes revoked = spell::tlv(0xa1, {time("20260228235959Z"), hex("a0030a0104")});
    const Bytes expected = spell::sequence(
        {spell::tlv(0xa2, {spell::octets(Bytes(20, 0x00))}), time("20261122064000Z"),
         spell::sequence({spell::sequence({first, hex("8000"), at, until}),
                          spell::sequence({second, hex("8200"), at, until}),
                          spell::sequence({third, revoked, at, until, spell::extensions(1, {cutoff})})})});
    BOOST_TEST(to_hex(ours) == to_hex(expected));
}

// Covers: A-16, B-20
BOOST_AUTO_TEST_CASE(b_20_a_nonce_is_the_only_response_extension_and_within_its_bounds) {
    const std::array<std::uint8_t, 20> key_hash{};
    const Bytes cert_id = spell::cert_id();
    LiveSingle one;
    one.cert_id = cert_id;
    const auto with = [&](std::optional<ByteView> nonce, std::size_t singles = 1) {
        Buffer buffer;
        const ByteView view = encode_live_response_data(key_hash, produced, {&one, singles}, nonce, buffer);
        return Bytes(view.begin(), view.end());
    };
    const Bytes plain = with(std::nullopt);
    BOOST_REQUIRE(!plain.empty());
    for (const std::size_t size : {1U, 32U, 128U}) {
        const Bytes nonce(size, 0x6e);
        const Bytes fields(plain.begin() + (plain[1] >= 0x80 ? 3 : 2), plain.end());
        const Bytes expected = spell::sequence({fields, spell::extensions(1, {spell::nonce(size)})});
        BOOST_TEST(to_hex(with(nonce)) == to_hex(expected));
    }
    BOOST_TEST(with(ByteView{}).empty());
    const Bytes long_nonce(129, 0x6e);
    BOOST_TEST(with(long_nonce).empty());
    BOOST_TEST(with(std::nullopt, 0).empty());
    Buffer buffer;
    const Bytes signature(64, 1);
    BOOST_TEST(encode_signed_response({}, ecdsa_sha256, signature, {}, buffer).empty());
    BOOST_TEST(encode_signed_response(plain, {}, signature, {}, buffer).empty());
    BOOST_TEST(encode_signed_response(plain, ecdsa_sha256, {}, {}, buffer).empty());
    BOOST_TEST(!encode_signed_response(plain, ecdsa_sha256, signature, {}, buffer).empty());
}
