#include "responder/keys/token_key.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "responder/ocsp/answer.h"
#include "tests/crypto/made_folder.h"

// Keys in SoftHSM, a token in files behind the interface of hardware.
using namespace eightbells;
using namespace eightbells::keys;
using test::MadeFolder;

namespace {

constexpr const char* module_path = "/usr/lib/softhsm/libsofthsm2.so";

// Tokens of their own, made for all cases: the module reads where they lie once.
const MadeFolder& tokens() {
    static const MadeFolder folder;
    static const bool made = [] {
        folder.run("mkdir store");
        folder.write("softhsm.conf",
                     "directories.tokendir = " + (folder / "store").string() + "\nlog.level = ERROR\n");
        ::setenv("SOFTHSM2_CONF", (folder / "softhsm.conf").c_str(), 1);
        for (const char* label : {"ca", "other"})
            folder.run(std::string{"softhsm2-util --init-token --free --pin 1234 --so-pin 567890 --label "} +
                       label);
        return true;
    }();
    BOOST_REQUIRE(made);
    return folder;
}

std::string name(const std::string& rest) {
    return "pkcs11:" + rest + "?module-path=" + module_path;
}

// Makes a key and its certificate with openssl and lays the key into a token, under the name `object`.
crypto::Certificate import_key(const std::string& object, const std::string& options,
                               const std::string& token = "ca", const std::string& id = "") {
    static unsigned made = 0;
    const auto& folder = tokens();
    folder.run("openssl genpkey -quiet " + options + " -out " + object + ".key && openssl pkey -in " +
               object + ".key -pubout -out " + object + ".pub && openssl req -x509 -key " + object +
               ".key -subj /CN=" + object + " -days 1 -outform DER -out " + object +
               ".cer && softhsm2-util --import " + object + ".key --pin 1234 --token " + token + " --label " +
               object + " --id " + (id.empty() ? std::to_string(1000 + ++made) : id) + " && rm " + object +
               ".key");
    return *crypto::Certificate::parse(folder.read(object + ".cer"));
}

std::shared_ptr<const SigningKey> open(const std::string& uri, const crypto::Certificate& certificate,
                                       RsaPadding padding = RsaPadding::pkcs1_v15) {
    std::vector<std::string> warnings;
    auto key = open_token_key({name(uri), "1234"}, certificate, padding, &warnings);
    BOOST_REQUIRE_MESSAGE(key, key.error().message);
    BOOST_TEST(warnings.empty());  // H-11: sensitive, and not to be taken out
    return *key;
}

void check(const std::string& object, const std::string& options, RsaPadding padding,
           const std::string& openssl, std::size_t octets, const std::string& algorithm) {
    BOOST_TEST_CONTEXT(object) {
        const auto& folder = tokens();
        const auto certificate = import_key(object, options);
        const auto key = open("token=ca;object=" + object, certificate, padding);
        BOOST_TEST(equal(key->subject_public_key_info(), certificate.subject_public_key_info()));
        BOOST_TEST(to_hex(key->signature_algorithm()).find(algorithm) != std::string::npos);
        auto signer = key->make_signer();
        BOOST_REQUIRE_MESSAGE(signer, signer.error().message);
        for (const std::string message : {"", "a CRL", "another CRL"}) {
            for (const auto part : {std::string_view{message}.substr(0, message.size() / 2),
                                    std::string_view{message}.substr(message.size() / 2)})
                BOOST_REQUIRE((*signer)->update(as_bytes(part)));
            const auto raw = (*signer)->finish();
            BOOST_REQUIRE_MESSAGE(raw, raw.error().message);
            BOOST_TEST(raw->size() == octets);
            std::array<std::uint8_t, 1100> buffer{};
            folder.write("s", ocsp::encode_signature_value(key->signature_form(), *raw, buffer));
            folder.write("m", message);
            folder.write("x", message + "x");
            folder.run("openssl dgst " + openssl + " -verify " + object + ".pub -signature s m");
            BOOST_TEST(
                !folder.succeeds("openssl dgst " + openssl + " -verify " + object + ".pub -signature s x"));
        }
    }
}

std::string ec(const std::string& curve) {
    return "-algorithm EC -pkeyopt ec_paramgen_curve:" + curve;
}
std::string rsa(const std::string& bits) {
    return "-algorithm RSA -pkeyopt rsa_keygen_bits:" + bits;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// A P-256 key named "loose" that the token would give away.
void generate_loose_key() {
    CK_FUNCTION_LIST* module = p11_kit_module_load(module_path, 0);
    BOOST_REQUIRE(module != nullptr);
    BOOST_REQUIRE(p11_kit_module_initialize(module) == CKR_OK);
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;
    BOOST_REQUIRE(module->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK);
    const auto in_ca = std::find_if(slots, slots + count, [&](CK_SLOT_ID slot) {
        CK_TOKEN_INFO facts{};
        return module->C_GetTokenInfo(slot, &facts) == CKR_OK && as_text({facts.label, 3}) == "ca ";
    });
    BOOST_REQUIRE(in_ca != slots + count);
    CK_SESSION_HANDLE session = 0;
    BOOST_REQUIRE(module->C_OpenSession(*in_ca, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr,
                                        &session) == CKR_OK);
    unsigned char pin[] = {'1', '2', '3', '4'};
    BOOST_REQUIRE(module->C_Login(session, CKU_USER, pin, sizeof pin) == CKR_OK);
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    unsigned char p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    unsigned char label[] = {'l', 'o', 'o', 's', 'e'};
    CK_ATTRIBUTE open_half[] = {
        {CKA_TOKEN, &yes, 1}, {CKA_EC_PARAMS, p256, sizeof p256}, {CKA_LABEL, label, sizeof label}};
    CK_ATTRIBUTE secret_half[] = {{CKA_TOKEN, &yes, 1},       {CKA_SIGN, &yes, 1},
                                  {CKA_EXTRACTABLE, &yes, 1}, {CKA_SENSITIVE, &no, 1},
                                  {CKA_PRIVATE, &yes, 1},     {CKA_LABEL, label, sizeof label}};
    CK_MECHANISM mechanism{CKM_EC_KEY_PAIR_GEN, nullptr, 0};
    CK_OBJECT_HANDLE halves[2];
    BOOST_REQUIRE(module->C_GenerateKeyPair(session, &mechanism, open_half, 3, secret_half, 6, &halves[0],
                                            &halves[1]) == CKR_OK);
    p11_kit_module_finalize(module);
    p11_kit_module_release(module);
}

std::string why_not(const std::string& uri, const crypto::Certificate& certificate,
                    const std::string& pin = "1234") {
    const auto key = open_token_key({uri, pin}, certificate, RsaPadding::pkcs1_v15);
    return key ? "" : key.error().message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(token_keys)

// Covers: H-10, B-09, B-10
BOOST_AUTO_TEST_CASE(openssl_verifies_what_keys_in_a_token_sign) {
    check("p256", ec("P-256"), RsaPadding::pkcs1_v15, "-sha256", 64, "06082a8648ce3d040302");
    check("p384", ec("P-384"), RsaPadding::pss, "-sha384", 96, "06082a8648ce3d040303");
    check("p521", ec("P-521"), RsaPadding::pss, "-sha512", 132, "06082a8648ce3d040304");
    check("rsa2048", rsa("2048"), RsaPadding::pkcs1_v15, "-sha256", 256, "300d06092a864886f70d01010b0500");
    check("rsa4096", rsa("4096"), RsaPadding::pkcs1_v15, "-sha512", 512, "300d06092a864886f70d01010d0500");
    check("g4", rsa("4096"), RsaPadding::pss,
          "-sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:64 -sigopt rsa_mgf1_md:sha512", 512,
          "0500a203020140");
    check("pss256", rsa("2048"), RsaPadding::pss,
          "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha256", 256,
          "0500a203020120");
}

BOOST_AUTO_TEST_CASE(a_token_whose_sessions_ended_signs_again_and_several_threads_sign_under_one_key) {
    const auto certificate = import_key("lasting", ec("P-256"));
    const auto key = open("token=ca;object=lasting", certificate);
    auto verifier = crypto::SignatureVerifier::from_public_key(key->subject_public_key_info());
    BOOST_REQUIRE(verifier);
    const auto verifies = [&](const Result<Bytes>& raw) {
        BOOST_REQUIRE_MESSAGE(raw, raw.error().message);
        std::array<std::uint8_t, 128> buffer{};
        return verifier->verify(key->signature_algorithm(), as_bytes("the same"),
                                ocsp::encode_signature_value(key->signature_form(), *raw, buffer));
    };
    auto signer = key->make_signer();
    BOOST_TEST(verifies((*signer)->sign(as_bytes("the same"))));
    // All sessions end, as when the module's connection was cut: behind p11-kit's back, the same library.
    CK_FUNCTION_LIST* module = p11_kit_module_load(module_path, P11_KIT_MODULE_UNMANAGED);
    BOOST_REQUIRE(module != nullptr);
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;
    BOOST_REQUIRE(module->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK);
    const auto cut = [&] {
        for (CK_ULONG i = 0; i < count; ++i)
            module->C_CloseAllSessions(slots[i]);
    };
    cut();
    BOOST_TEST(verifies((*signer)->sign(as_bytes("the same"))));
    BOOST_REQUIRE((*signer)->update(as_bytes("the ")));
    cut();
    BOOST_REQUIRE((*signer)->update(as_bytes("same")));
    BOOST_TEST(verifies((*signer)->finish()));
    p11_kit_module_release(module);
    std::vector<Bytes> signatures(4);
    {
        std::vector<std::jthread> threads;
        for (auto& signature : signatures) {
            threads.emplace_back([&] {
                auto own = key->make_signer();
                for (int i = 0; own && i < 50; ++i)
                    signature = (*own)->sign(as_bytes("the same")).value_or(Bytes{});
            });
        }
    }
    for (const auto& signature : signatures)
        BOOST_TEST(verifies(signature));
}

BOOST_AUTO_TEST_CASE(what_does_not_lead_to_one_key_of_the_certificate_is_refused_by_what_is_wrong) {
    const auto mine = import_key("mine", ec("P-256"), "other", "AA");
    const auto another = import_key("another", ec("P-256"), "other", "BB");
    const auto reason = [&](const std::string& rest) { return why_not(name(rest), mine); };
    BOOST_TEST(reason("token=other;object=mine") == "");
    BOOST_TEST(reason("token=other;id=%AA") == "");
    BOOST_TEST(contains(reason("token=other"), "more than one private key"));
    BOOST_TEST(contains(reason("token=other;object=their"), "no private key of this name"));
    BOOST_TEST(
        contains(reason("token=nowhere;object=mine"), "no token of this name is present; there are: "));
    BOOST_TEST(contains(reason("token=nowhere;object=mine"), "\"ca\""));
    BOOST_TEST(contains(reason("token=other;object=another"), "do not belong together"));
    BOOST_TEST(contains(reason("token=other;object=mine;type=cert"), "its type is not"));
    BOOST_TEST(contains(why_not("pkcs11:token=other;object=mine", mine), "its end must name the module"));
    BOOST_TEST(contains(why_not("pkcs11:token=%zz", mine), "no PKCS#11 URI"));
    BOOST_TEST(
        contains(why_not("pkcs11:token=other?module-path=/nowhere.so", mine), "module-path /nowhere.so: "));
    const auto with_pin = why_not(name("token=other;object=mine") + "&pin-value=1234", mine);
    BOOST_TEST(contains(with_pin, "pkcs11:token=other;object=mine: the PIN does not stand here"));
    BOOST_TEST(!contains(with_pin, "1234"));
    BOOST_TEST(
        contains(why_not(name("token=other;object=mine"), mine, "4321"), "the token does not let us in: "));
    BOOST_TEST(
        contains(why_not(name("token=other;object=mine"), mine, ""), "shows it only to who has the PIN"));
    // A strength that must not sign, by its certificate, before the token is asked.
    const auto ed25519 = [] {
        tokens().run(
            "openssl req -x509 -newkey ed25519 -nodes -keyout e -subj /CN=e -days 1 -outform DER -out e.cer");
        return *crypto::Certificate::parse(tokens().read("e.cer"));
    }();
    BOOST_TEST(contains(why_not(name("token=other;object=mine"), ed25519), "Ed25519"));
}

// Covers: H-11
BOOST_AUTO_TEST_CASE(a_key_that_can_be_taken_out_of_its_token_is_told) {
    const auto& folder = tokens();
    generate_loose_key();
    folder.run(std::string{"GNUTLS_PIN=1234 p11tool --provider "} + module_path +
               " --login --export-pubkey 'pkcs11:token=ca;object=loose;type=public' --outfile loose.pub");
    folder.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout t.key -subj /CN=t "
        "-days 1 -out t.pem && "
        "openssl req -new -key t.key -subj /CN=loose -out t.csr && "
        "openssl x509 -req -in t.csr -CA t.pem -CAkey t.key -force_pubkey loose.pub -days 1 -outform DER "
        "-out loose.cer");
    const auto certificate = *crypto::Certificate::parse(folder.read("loose.cer"));
    std::vector<std::string> warnings;
    const auto key = open_token_key({name("token=ca;object=loose"), "1234"}, certificate,
                                    RsaPadding::pkcs1_v15, &warnings);
    BOOST_REQUIRE_MESSAGE(key, key.error().message);
    BOOST_REQUIRE(warnings.size() == 1U);
    BOOST_TEST(contains(warnings[0], "pkcs11:token=ca;object=loose: H-11"), warnings[0]);
}

BOOST_AUTO_TEST_SUITE_END()
