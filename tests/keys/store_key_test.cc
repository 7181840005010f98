#include <boost/test/unit_test.hpp>

#include "responder/keys/signing_key.h"
#include "tests/crypto/made_folder.h"

using namespace eightbells;
using namespace eightbells::keys;
using test::MadeFolder;

BOOST_AUTO_TEST_CASE(the_store_key_is_made_once_and_read_again) {
    const MadeFolder folder;
    const auto path = folder / "store-key.pem";
    const auto first = StoreKey::load_or_create(path);
    BOOST_REQUIRE_MESSAGE(first, first.error().message);
    using std::filesystem::perms;
    BOOST_TEST((std::filesystem::status(path).permissions() == (perms::owner_read | perms::owner_write)));
    const auto again = StoreKey::load_or_create(path);
    BOOST_REQUIRE_MESSAGE(again, again.error().message);
    BOOST_TEST((first->public_key() == again->public_key()));
    // Nothing else stays behind in the folder.
    BOOST_TEST(std::distance(std::filesystem::directory_iterator{path.parent_path()}, {}) == 1);
    const auto other = StoreKey::load_or_create(folder / "other.pem");
    BOOST_TEST((other && other->public_key() != first->public_key()));
}

BOOST_AUTO_TEST_CASE(what_the_store_key_signs_verifies_here_and_with_openssl) {
    const MadeFolder folder;
    const auto key = StoreKey::load_or_create(folder / "k");
    BOOST_REQUIRE(key);
    const auto signature = key->sign(as_bytes("head 7"));
    BOOST_REQUIRE(signature);
    BOOST_TEST(crypto::verify_ed25519(key->public_key(), as_bytes("head 7"), *signature));
    BOOST_TEST(!crypto::verify_ed25519(key->public_key(), as_bytes("head 8"), *signature));
    folder.write("m", "head 7");
    folder.write("s", *signature);
    folder.run("openssl pkey -in k -pubout -outform DER -out p");
    BOOST_TEST(equal(ByteView{folder.read("p")}.last(32), key->public_key()));
    folder.run("openssl pkeyutl -verify -pubin -keyform DER -inkey p -rawin -in m -sigfile s");
    // And one that openssl made serves as well.
    folder.run("openssl genpkey -algorithm ED25519 -out theirs");
    BOOST_TEST(StoreKey::load_or_create(folder / "theirs").has_value());
}

// A new key in its place would be one that no front trusts.
BOOST_AUTO_TEST_CASE(a_store_key_that_cannot_be_read_is_an_error_and_stays_as_it_is) {
    const MadeFolder folder;
    folder.write("garbage", "not a key");
    folder.write("empty", "");
    folder.run(
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out wrong && ln -s nowhere link");
    for (const std::string file : {"garbage", "empty", "wrong", "link"})
        BOOST_TEST(!StoreKey::load_or_create(folder / file), file);
    BOOST_TEST(as_text(folder.read("garbage")) == "not a key");
    BOOST_TEST(StoreKey::load_or_create(folder / "wrong").error().message.find("must be Ed25519") !=
               std::string::npos);
    BOOST_TEST(!std::filesystem::exists(folder / "nowhere"));
    BOOST_TEST(!StoreKey::load_or_create(folder / "no-such-folder/k"));
}
