#include <boost/test/unit_test.hpp>

#include "cache/limits.h"
#include "cache/profile.h"
#include "tests/cache/samples.h"

namespace eightbells::cache {

using namespace samples;

namespace {

// A DER SEQUENCE around `size` octets that nobody looks at.
Bytes sequence(Samples& samples, std::size_t size) {
    Bytes out{0x30};
    if (size < 0x80) {
        out.push_back(static_cast<std::uint8_t>(size));
    } else if (size < 0x100) {
        out.insert(out.end(), {0x81, static_cast<std::uint8_t>(size)});
    } else {
        out.insert(out.end(), {0x82, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)});
    }
    const ByteView content = samples.octets(size);
    out.insert(out.end(), content.begin(), content.end());
    return out;
}

Bytes some(Samples& samples, std::size_t size) {
    const ByteView octets = samples.octets(size);
    return {octets.begin(), octets.end()};
}

ocsp::AnswerProfile profile_of(Samples& samples) {
    ocsp::AnswerProfile p;
    p.cert_id_hash = ocsp::HashAlgorithm{static_cast<std::uint8_t>(samples.below(2))};
    p.issuer_name_hash = some(samples, ocsp::digest_octets(p.cert_id_hash));
    p.issuer_key_hash = some(samples, ocsp::digest_octets(p.cert_id_hash));
    std::ranges::copy(samples.octets(20), p.responder_key_hash.begin());
    p.signature_form = ocsp::SignatureForm{static_cast<std::uint8_t>(samples.below(4))};
    p.signature_algorithm = sequence(samples, 2 + samples.below(60));
    if (samples.chance(70))
        p.signer_certificate = sequence(samples, 200 + samples.below(4000));
    for (std::uint64_t left = samples.below(3); left > 0; --left) {
        const Bytes extension = sequence(samples, 5 + samples.below(40));
        p.single_extensions.insert(p.single_extensions.end(), extension.begin(), extension.end());
    }
    return p;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(profile)

BOOST_AUTO_TEST_CASE(a_profile_reads_back) {
    Samples samples(seed());
    for (int round = 0; round < 1000; ++round) {
        const ocsp::AnswerProfile p = profile_of(samples);
        const auto bytes = encode_profile(p);
        BOOST_TEST_REQUIRE(bytes.has_value(), error_of(bytes));
        const auto read = parse_profile(*bytes);
        BOOST_TEST_REQUIRE(read.has_value(), error_of(read));
        BOOST_TEST_REQUIRE((*read == p));
    }
}

BOOST_AUTO_TEST_CASE(a_profile_cut_short_anywhere_or_with_an_octet_more_is_refused) {
    Samples samples(seed());
    ocsp::AnswerProfile p = profile_of(samples);
    p.signer_certificate = sequence(samples, 300);
    const Bytes bytes = *encode_profile(p);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        BOOST_TEST_REQUIRE(!parse_profile(ByteView(bytes).first(size)).has_value());
    Bytes more = bytes;
    more.push_back(0);
    BOOST_TEST(contains(error_of(parse_profile(more)), "after its end"));
}

BOOST_AUTO_TEST_CASE(what_parses_from_a_damaged_profile_is_in_its_only_form) {
    Samples samples(seed());
    ocsp::AnswerProfile p = profile_of(samples);
    p.signer_certificate = sequence(samples, 300);
    p.single_extensions = sequence(samples, 10);
    const Bytes bytes = *encode_profile(p);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (unsigned value = 0; value < 256; ++value) {
            Bytes damaged = bytes;
            damaged[at] = static_cast<std::uint8_t>(value);
            const auto read = parse_profile(damaged);
            if (read)
                BOOST_TEST_REQUIRE(equal(encode_profile(*read).value_or(Bytes{}), damaged));
        }
    }
}

BOOST_AUTO_TEST_CASE(what_would_spoil_every_answer_is_named_and_not_stored) {
    Samples samples(18);
    const ocsp::AnswerProfile good = profile_of(samples);
    const auto error_with = [&](auto change) {
        ocsp::AnswerProfile p = good;
        change(p);
        return error_of(encode_profile(p));
    };
    BOOST_TEST(contains(error_with([](auto& p) { p.issuer_name_hash.pop_back(); }), "issuer_name_hash"));
    BOOST_TEST(contains(error_with([](auto& p) { p.issuer_key_hash.push_back(1); }), "issuer_key_hash"));
    BOOST_TEST(
        contains(error_with([](auto& p) { p.signature_form = ocsp::SignatureForm{4}; }), "signature_form"));
    BOOST_TEST(contains(error_with([](auto& p) { p.signature_algorithm.clear(); }), "signature_algorithm"));
    BOOST_TEST(
        contains(error_with([](auto& p) { p.signature_algorithm.push_back(0); }), "signature_algorithm"));
    BOOST_TEST(contains(error_with([](auto& p) {
                            p.signer_certificate = {0x30, 0x01};
                        }),
                        "signer_certificate"));
    BOOST_TEST(contains(error_with([](auto& p) {
                            p.single_extensions = {0x04, 0x00};
                        }),
                        "single_extensions"));
    BOOST_TEST(contains(
        error_with([&](auto& p) { p.signer_certificate = sequence(samples, limits::profile_octets); }),
        "signer_certificate 16388"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::cache
