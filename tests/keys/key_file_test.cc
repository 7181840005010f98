#include <boost/test/unit_test.hpp>

#include "responder/keys/signing_key.h"
#include "tests/crypto/made_folder.h"

using namespace eightbells;
using namespace eightbells::keys;
using test::MadeFolder;

namespace {

// "loaded", or why not.
std::string verdict(const MadeFolder& folder, const std::string& file, const std::string& passphrase = "",
                    bool allow_ed25519 = false, RsaPadding padding = RsaPadding::pkcs1_v15) {
    const auto key = load_signing_key({folder / file, passphrase}, padding, allow_ed25519);
    if (!key)
        BOOST_TEST(key.error().message.starts_with((folder / file).string()), key.error().message);
    return key ? "loaded" : key.error().message;
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

const std::string p256 = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 ";

}  // namespace

// Covers: H-10
BOOST_AUTO_TEST_CASE(h_10_pkcs8_is_loaded_in_every_form_that_openssl_writes) {
    const MadeFolder folder;
    folder.run(p256 + "-out plain.pem");
    folder.run("openssl pkcs8 -topk8 -nocrypt -in plain.pem -outform DER -out plain.der");
    BOOST_TEST(verdict(folder, "plain.pem") == "loaded");
    BOOST_TEST(verdict(folder, "plain.der") == "loaded");
    const std::string encrypt = "openssl pkcs8 -topk8 -in plain.pem -passout pass:secret ";
    for (const std::string how :
         {"", "-v2 aes-128-cbc", "-v2 des3", "-scrypt", "-v2prf hmacWithSHA1", "-outform DER"}) {
        folder.run(encrypt + how + " -out encrypted");
        BOOST_TEST_CONTEXT(how) {
            BOOST_TEST(verdict(folder, "encrypted", "secret") == "loaded");
            BOOST_TEST(
                contains(verdict(folder, "encrypted", "Secret"), "the passphrase does not open the key"));
            BOOST_TEST(contains(verdict(folder, "encrypted"), "no passphrase is configured"));
        }
    }
    BOOST_TEST(
        contains(verdict(folder, "plain.pem", "secret"), "not encrypted, but a passphrase is configured"));
}

BOOST_AUTO_TEST_CASE(a_certificate_and_text_in_the_same_file_are_passed_over) {
    const MadeFolder folder;
    folder.run(p256 + "-out plain.pem && openssl req -x509 -key plain.pem -subj /CN=x -days 1 -out c.pem");
    folder.run("cat c.pem plain.pem > both.pem; (echo 'Bag Attributes'; cat plain.pem; echo bye) > bag.pem");
    folder.run("cat plain.pem plain.pem > two.pem");
    BOOST_TEST(verdict(folder, "both.pem") == "loaded");
    BOOST_TEST(verdict(folder, "bag.pem") == "loaded");
    BOOST_TEST(contains(verdict(folder, "two.pem"), "second block"));
    BOOST_TEST(contains(verdict(folder, "c.pem"), "PRIVATE KEY"));
}

// The command in the message must do what it promises.
BOOST_AUTO_TEST_CASE(other_key_forms_are_refused_with_the_command_that_converts_them) {
    const MadeFolder folder;
    folder.run(
        "openssl genrsa -traditional -out pkcs1.pem 2048 && openssl rsa -in pkcs1.pem -traditional -outform "
        "DER -out pkcs1.der");
    folder.run(
        "openssl ecparam -genkey -name prime256v1 -out sec1.pem && openssl ec -in sec1.pem -outform DER -out "
        "sec1.der");
    folder.run("openssl genrsa -traditional -aes128 -passout pass:x -out pkcs1-encrypted.pem 2048");
    folder.run("openssl pkcs8 -topk8 -in sec1.pem -v1 PBE-SHA1-3DES -passout pass:x -out old.pem");
    for (const auto& [file, what] : {std::pair{"pkcs1.pem", "RSA PRIVATE KEY"},
                                     {"pkcs1.der", "PKCS#1"},
                                     {"sec1.pem", "EC PRIVATE KEY"},
                                     {"sec1.der", "SEC1"},
                                     {"pkcs1-encrypted.pem", "RSA PRIVATE KEY"},
                                     {"old.pem", "not PBES2"}}) {
        const std::string message = verdict(folder, file);
        BOOST_TEST(contains(message, what), message);
        const auto command = message.find("openssl pkcs8 -topk8");
        BOOST_REQUIRE_MESSAGE(command != std::string::npos, message);
        folder.run(message.substr(command) + " -passin pass:x -passout pass:y");
        BOOST_TEST(verdict(folder, std::string{file} + ".p8", "y") == "loaded");
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_key_is_refused) {
    const MadeFolder folder;
    folder.write("empty", "");
    folder.write("text", "hello\n");
    folder.write("ssh", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n");
    folder.write("der", *from_hex("30030201ff"));
    folder.write("short", *from_hex("308201"));
    folder.run(p256 +
               "-outform DER -out good && head -c 60 good > cut && head -c 100000 /dev/zero > large && mkdir "
               "folder");
    for (const std::string file :
         {"empty", "text", "ssh", "der", "short", "cut", "large", "folder", "absent"})
        BOOST_TEST(verdict(folder, file) != "loaded", file);
    BOOST_TEST(contains(verdict(folder, "ssh"), "ssh-keygen -p -m PKCS8"));
    BOOST_TEST(contains(verdict(folder, "large"), "more than the limit"));
    BOOST_TEST(contains(verdict(folder, "absent"), "cannot open"));
}

// Covers: H-10
BOOST_AUTO_TEST_CASE(h_10_weak_and_unknown_keys_are_refused_and_ed25519_outside_private) {
    const MadeFolder folder;
    const auto make = [&](const std::string& options) {
        folder.run("openssl genpkey -quiet " + options + " -out k");
    };
    make("-algorithm RSA -pkeyopt rsa_keygen_bits:1024");
    BOOST_TEST(contains(verdict(folder, "k"), "H-10: RSA-1024 is too weak"));
    make("-algorithm RSA -pkeyopt rsa_keygen_bits:2052");
    BOOST_TEST(contains(verdict(folder, "k"), "H-10: RSA-2052"));
    make("-algorithm ED25519");
    BOOST_TEST(contains(verdict(folder, "k"), "H-10: Ed25519"));
    BOOST_TEST(verdict(folder, "k", "", true) == "loaded");
    for (const std::string other :
         {"-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", "-algorithm X25519", "-algorithm ED448"}) {
        make(other);
        BOOST_TEST(verdict(folder, "k", "", true) != "loaded", other);
    }
}

// A key of id-RSASSA-PSS signs with PSS alone.
BOOST_AUTO_TEST_CASE(an_rsa_pss_key_does_not_sign_pkcs1_v15) {
    const MadeFolder folder;
    folder.run("openssl genpkey -quiet -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out k");
    BOOST_TEST(contains(verdict(folder, "k"), "rsa_pss = true"));
    BOOST_TEST(verdict(folder, "k", "", false, RsaPadding::pss) == "loaded");
    folder.run(
        "openssl genpkey -quiet -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt "
        "rsa_pss_keygen_md:sha512 "
        "-pkeyopt rsa_pss_keygen_mgf1_md:sha512 -pkeyopt rsa_pss_keygen_saltlen:64 -out k512");
    BOOST_TEST(contains(verdict(folder, "k512", "", false, RsaPadding::pss), "SHA-512"));
}

// Covers: H-11
BOOST_AUTO_TEST_CASE(h_11_a_key_file_that_others_may_read_is_warned_of) {
    const MadeFolder folder;
    folder.run(p256 + "-out k");
    const auto warnings = [&](const std::string& mode) {
        folder.run("chmod " + mode + " k");
        std::vector<std::string> found;
        BOOST_TEST(load_signing_key({folder / "k", ""}, RsaPadding::pss, false, &found).has_value());
        return found;
    };
    BOOST_TEST(warnings("600").empty());
    BOOST_TEST(warnings("400").empty());
    for (const std::string mode : {"640", "604", "660"}) {
        const auto found = warnings(mode);
        BOOST_REQUIRE_EQUAL(found.size(), 1U);
        BOOST_TEST(contains(found[0], "mode 0" + mode));
    }
}

// A file whose private and public numbers do not belong together would sign what nobody can verify.
BOOST_AUTO_TEST_CASE(a_damaged_key_is_refused_when_it_is_loaded) {
    const MadeFolder folder;
    folder.run(
        "openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out pem && "
        "openssl pkcs8 -topk8 -nocrypt -in pem -outform DER -out k");
    Bytes key = folder.read("k");
    BOOST_TEST(verdict(folder, "k") == "loaded");
    key[60] ^= 1;  // in the modulus
    folder.write("modulus", key);
    key[60] ^= 1;
    key[620] ^= 1;  // in the first prime
    folder.write("prime", key);
    key[620] ^= 1;
    key[key.size() - 20] ^= 1;  // in the CRT coefficient
    folder.write("coefficient", key);
    for (const std::string file : {"modulus", "prime", "coefficient"})
        BOOST_TEST(verdict(folder, file) != "loaded", file);
}
