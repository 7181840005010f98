#include <botan/ed25519.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "cache/head.h"
#include "cache/limits.h"
#include "responder/crl/limits.h"
#include "tests/cache/samples.h"

namespace eightbells::cache {

using namespace samples;

// What may be published can be stored.
static_assert(limits::stored_crl_octets == limits::crl_octets);

namespace {

// A store key that only this test holds.
class TestKey {
  public:
    explicit TestKey(std::uint8_t seed_octet)
        : key_(Botan::Ed25519_PrivateKey::from_seed(std::vector<std::uint8_t>(32, seed_octet))) {}
    StorePublicKey public_key() const {
        StorePublicKey out{};
        const auto bits = key_.raw_public_key_bits();
        std::ranges::copy(bits, out.begin());
        return out;
    }
    SignHead signs() const {
        return [this](ByteView message) -> Result<std::array<std::uint8_t, 64>> {
            Botan::PK_Signer signer(key_, Botan::system_rng(), "Pure");
            std::array<std::uint8_t, 64> out{};
            std::ranges::copy(signer.sign_message(message, Botan::system_rng()), out.begin());
            return out;
        };
    }

  private:
    Botan::Ed25519_PrivateKey key_;
};

const TestKey& ours() {
    static const TestKey key(1);
    return key;
}
const TestKey& strange() {
    static const TestKey key(2);
    return key;
}

Head head_of(Samples& samples) {
    Head head;
    head.issuer = to_hex(samples.octets(16));
    head.version = {samples.below(5), 1'000'000 + samples.below(1000)};
    head.time = samples.time();
    for (const unsigned octet : {0x00U, 0x01U, 0x02U, 0x10U, 0x11U, 0x12U}) {
        if (samples.chance(50))
            head.sets.push_back({*set_from_octet(static_cast<std::uint8_t>(octet)),
                                 static_cast<std::uint8_t>(samples.below(25)),
                                 samples.chance(20) ? empty_digest : samples.digest()});
    }
    std::uint64_t sequence = samples.below(10);
    for (std::uint64_t left = samples.below(30); left > 0; --left, sequence += 1 + samples.below(100))
        head.patches.push_back({sequence, samples.digest()});
    head.profiles = samples.digests(samples.below(8));
    std::ranges::sort(head.profiles);
    for (std::uint64_t i = 0, count = samples.below(4); i < count; ++i)
        head.crls.push_back(
            {"/ca" + std::to_string(i) + ".crl", samples.digest(), 1 + samples.below(100'000'000)});
    return head;
}

Bytes signed_head(const Head& head, const TestKey& key = ours()) {
    auto bytes = encode_head(head, key.public_key(), key.signs());
    BOOST_TEST_REQUIRE(bytes.has_value(), error_of(bytes));
    return std::move(*bytes);
}

std::vector<StorePublicKey> trusted() {
    return {StorePublicKey{}, ours().public_key()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(head)

BOOST_AUTO_TEST_CASE(a_signed_head_reads_back_under_a_trusted_key) {
    Samples samples(seed());
    for (int round = 0; round < 100; ++round) {
        const Head h = head_of(samples);
        const auto read = parse_head(signed_head(h), trusted());
        BOOST_TEST_REQUIRE(read.has_value(), error_of(read));
        BOOST_TEST_REQUIRE((*read == h));
    }
}

BOOST_AUTO_TEST_CASE(the_body_reads_back_whatever_the_order_of_its_lists) {
    Samples samples(seed());
    for (int round = 0; round < 1000; ++round) {
        const Head h = head_of(samples);
        Head mixed = h;
        samples.shuffle(mixed.sets);
        samples.shuffle(mixed.patches);
        samples.shuffle(mixed.profiles);
        samples.shuffle(mixed.crls);
        const auto body = encode_head_body(mixed);
        BOOST_TEST_REQUIRE(body.has_value(), error_of(body));
        BOOST_TEST_REQUIRE((*parse_head_body(*body) == h));
        BOOST_TEST_REQUIRE(equal(*encode_head_body(h), *body));
    }
}

BOOST_AUTO_TEST_CASE(no_bit_of_a_signed_head_can_change) {
    Samples samples(seed());
    Head h = head_of(samples);
    h.patches.resize(std::min<std::size_t>(h.patches.size(), 2));
    h.profiles.resize(std::min<std::size_t>(h.profiles.size(), 1));
    const Bytes bytes = signed_head(h);
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 1 + samples.below(5)) {
        Bytes changed = bytes;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
        BOOST_TEST_REQUIRE(!parse_head(changed, trusted()).has_value());
    }
    for (std::size_t size = 0; size < bytes.size(); ++size)
        BOOST_TEST_REQUIRE(!parse_head(ByteView(bytes).first(size), trusted()).has_value());
}

BOOST_AUTO_TEST_CASE(a_head_of_a_strange_key_is_refused_however_well_it_is_signed) {
    Samples samples(22);
    const Head h = head_of(samples);
    const Bytes bytes = signed_head(h, strange());
    BOOST_TEST(contains(error_of(parse_head(bytes, trusted())), "not a trusted one"));
    BOOST_TEST(contains(error_of(parse_head(signed_head(h), {})), "not a trusted one"));

    // The stranger's signature under our key's name.
    Bytes renamed = bytes;
    std::ranges::copy(ours().public_key(), renamed.end() - 96);
    BOOST_TEST(contains(error_of(parse_head(renamed, trusted())), "wrong signature"));
}

BOOST_AUTO_TEST_CASE(a_signature_over_another_kind_of_blob_makes_no_head) {
    Samples samples(23);
    const Head h = head_of(samples);
    for (const char kind : {'P', 'C', 'A', 'T', 'h'}) {
        Bytes bytes = *encode_head_body(h);
        bytes[2] = static_cast<std::uint8_t>(kind);
        const StorePublicKey key = ours().public_key();
        bytes.insert(bytes.end(), key.begin(), key.end());
        const auto signature = *ours().signs()(bytes);
        bytes.insert(bytes.end(), signature.begin(), signature.end());
        BOOST_TEST(contains(error_of(parse_head(bytes, trusted())), "not a head of version 1"));
    }
}

BOOST_AUTO_TEST_CASE(a_signature_that_does_not_verify_is_not_published) {
    Samples samples(24);
    const Head h = head_of(samples);
    BOOST_TEST(contains(error_of(encode_head(h, ours().public_key(), strange().signs())), "does not verify"));
    const SignHead fails = [](ByteView) -> Result<std::array<std::uint8_t, 64>> { return fail("no key"); };
    BOOST_TEST(contains(error_of(encode_head(h, ours().public_key(), fails)), "no key"));
}

BOOST_AUTO_TEST_CASE(the_epoch_decides_before_the_sequence) {
    Samples samples(seed());
    for (int round = 0; round < 2000; ++round) {
        const Version a{samples.below(3), samples.below(3)};
        const Version b{samples.below(3), samples.below(3)};
        const bool newer = a.epoch > b.epoch || (a.epoch == b.epoch && a.sequence > b.sequence);
        BOOST_TEST_REQUIRE((a > b) == newer);
        BOOST_TEST_REQUIRE((a == b) == (!newer && !(b > a)));
    }
    BOOST_TEST((Version{2, 0} > Version{1, 18446744073709551615U}));
}

BOOST_AUTO_TEST_CASE(what_the_form_cannot_hold_is_named) {
    Samples samples(25);
    Head good = head_of(samples);
    good.sets = {{{}, 3, samples.digest()}};
    good.patches = {{7, samples.digest()}};
    good.profiles = samples.digests(1);
    good.crls = {{"/a.crl", samples.digest(), 5}};
    const auto error_with = [&](auto change) {
        Head h = good;
        change(h);
        return error_of(encode_head_body(h));
    };
    BOOST_TEST(error_with([](Head&) {}) == "(no error)");
    BOOST_TEST(contains(error_with([](Head& h) { h.issuer = "demo"; }), "issuer"));
    BOOST_TEST(contains(error_with([](Head& h) { h.issuer = std::string(32, 'A'); }), "issuer"));
    BOOST_TEST(contains(error_with([](Head& h) { h.time = from_unix(-1); }), "time"));
    BOOST_TEST(contains(error_with([](Head& h) { h.sets.push_back(h.sets[0]); }), "sets"));
    BOOST_TEST(contains(error_with([](Head& h) { h.sets[0].page_bits = 25; }), "page_bits"));
    BOOST_TEST(contains(error_with([](Head& h) { h.patches.push_back(h.patches[0]); }), "patches"));
    BOOST_TEST(contains(error_with([](Head& h) { h.patches[0].digest = {}; }), "patch 7"));
    BOOST_TEST(
        contains(error_with([](Head& h) { h.version.sequence = 6; }), "above the head's own sequence"));
    BOOST_TEST(contains(error_with([](Head& h) { h.profiles.push_back(h.profiles[0]); }), "profiles"));
    BOOST_TEST(contains(error_with([](Head& h) { h.profiles[0] = {}; }), "profiles"));
    BOOST_TEST(contains(error_with([](Head& h) { h.crls.push_back(h.crls[0]); }), "crls"));
    BOOST_TEST(contains(error_with([](Head& h) { h.crls[0].size = 0; }), "size"));
    BOOST_TEST(contains(error_with([](Head& h) { h.crls[0].digest = {}; }), "digest"));
    for (const std::string& path : {std::string("a.crl"), std::string("/"), std::string("/a b"),
                                    std::string("/\n"), "/" + std::string(255, 'a'), std::string()})
        BOOST_TEST(contains(error_with([&](Head& h) { h.crls[0].path = path; }), "path"));
}

BOOST_AUTO_TEST_CASE(the_fullest_head_fits_its_limit_and_one_more_patch_does_not) {
    Samples samples(26);
    Head h = head_of(samples);
    h.version.sequence = 1'000'000;
    h.sets.clear();
    for (const unsigned octet : {0x00U, 0x01U, 0x02U, 0x10U, 0x11U, 0x12U})
        h.sets.push_back({*set_from_octet(static_cast<std::uint8_t>(octet)), 24, samples.digest()});
    h.patches.clear();
    for (std::uint64_t i = 0; i < limits::patches_per_head; ++i)
        h.patches.push_back({i, samples.digest()});
    h.profiles = samples.digests(limits::profiles_per_head);
    h.crls.clear();
    for (std::size_t i = 0; i < limits::crls_per_head; ++i)
        h.crls.push_back({"/" + std::string(limits::crl_path_octets - 2, 'c') + static_cast<char>('0' + i),
                          samples.digest(), limits::stored_crl_octets});
    const Bytes bytes = signed_head(h);
    BOOST_TEST(bytes.size() == limits::head_octets);
    BOOST_TEST(parse_head(bytes, trusted()).has_value());
    h.patches.push_back({limits::patches_per_head, samples.digest()});
    BOOST_TEST(contains(error_of(encode_head_body(h)), "patches: 4097"));
    BOOST_TEST(contains(error_of(parse_head(Bytes(limits::head_octets + 1), trusted())), "at most"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::cache
