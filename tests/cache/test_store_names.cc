#include <boost/test/unit_test.hpp>
#include <set>

#include "cache/store.h"
#include "tests/cache/samples.h"

namespace eightbells::cache {

using namespace samples;

BOOST_AUTO_TEST_SUITE(store_names)

BOOST_AUTO_TEST_CASE(names_are_as_the_readme_says) {
    const std::string issuer = "00112233445566778899aabbccddeeff";
    const SetId set{ocsp::HashAlgorithm::sha1, Life::settled};
    Digest digest{};
    digest.fill(0xab);
    std::string digits;
    for (int i = 0; i < 32; ++i)
        digits += "ab";
    BOOST_TEST(head_name(issuer) == issuer + ":head");
    BOOST_TEST(page_name(issuer, set, 12, 4095) == issuer + ":page:sha1:settled:12:4095");
    BOOST_TEST(table_name(issuer, {}, 17, {1, 255}) == issuer + ":table:sha256:live:17:1:255");
    BOOST_TEST(patch_name(issuer, 18446744073709551615U) == issuer + ":patch:18446744073709551615");
    BOOST_TEST(profile_name(issuer, digest) == issuer + ":profile:" + digits);
    BOOST_TEST(crl_piece_name(issuer, digest, 3) == issuer + ":crl:" + digits + ":3");
}

BOOST_AUTO_TEST_CASE(no_two_things_have_one_name) {
    std::set<std::string> names;
    std::size_t count = 0;
    const auto add = [&](std::string name) {
        names.insert(std::move(name));
        ++count;
    };
    for (const std::string issuer : {"a", "b"}) {
        add(head_name(issuer));
        for (unsigned octet = 0; octet < 256; ++octet) {
            const auto set = set_from_octet(static_cast<std::uint8_t>(octet));
            if (!set)
                continue;
            for (const unsigned bits : {1U, 11U}) {
                for (const std::uint32_t index : {0U, 1U, 11U}) {
                    add(page_name(issuer, *set, bits, index));
                    add(table_name(issuer, *set, bits, {0, index}));
                    add(table_name(issuer, *set, bits, {1, index}));
                }
            }
        }
        for (std::uint64_t i = 0; i < 20; ++i)
            add(patch_name(issuer, i));
    }
    BOOST_TEST(names.size() == count);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::cache
