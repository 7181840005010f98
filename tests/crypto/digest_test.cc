#include "responder/crypto/digest.h"

#include <boost/test/unit_test.hpp>

using namespace eightbells;
using namespace eightbells::crypto;

// The vectors of FIPS 180-4's examples.
BOOST_AUTO_TEST_CASE(digests_are_those_of_the_standard) {
    BOOST_TEST(to_hex(sha256(as_bytes("abc"))) ==
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    BOOST_TEST(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    BOOST_TEST(to_hex(sha1(as_bytes("abc"))) == "a9993e364706816aba3e25717850c26c9cd0d89d");
}

BOOST_AUTO_TEST_CASE(a_finished_sha256_begins_anew) {
    Sha256 hash;
    hash.update(as_bytes("a"));
    hash.update(as_bytes("bc"));
    const auto first = hash.finish();
    BOOST_TEST((first == sha256(as_bytes("abc"))));
    BOOST_TEST((hash.of(as_bytes("abc")) == first));
    BOOST_TEST((hash.of({}) == sha256({})));
}

BOOST_AUTO_TEST_CASE(the_serial_hash_is_the_first_eight_octets_big_endian) {
    Sha256 hash;
    BOOST_TEST(serial_hash(hash, as_bytes("abc")) == 0xba7816bf8f01cfeaULL);
    BOOST_TEST(serial_hash(hash, as_bytes("abc")) == 0xba7816bf8f01cfeaULL);
}
