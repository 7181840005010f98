#define BOOST_TEST_MODULE ocsp_request_peers
#include <boost/test/unit_test.hpp>
#include <random>

#include "responder/base/serial.h"
#include "responder/ocsp/request.h"
#include "tests/ocsp/peer.h"

using namespace eightbells;
using namespace eightbells::ocsp;

namespace {

std::string upper_hex(ByteView bytes) {
    std::string text = to_hex(bytes);
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
    return text;
}

std::string hash_name(ByteView oid) {
    const std::pair<const char*, const char*> names[] = {{"2b0e03021a", "sha1"},
                                                         {"608648016503040201", "sha256"},
                                                         {"608648016503040202", "sha384"},
                                                         {"608648016503040203", "sha512"},
                                                         {"2a864886f70d0205", "md5"}};
    for (const auto& [digits, name] : names) {
        if (to_hex(oid) == digits)
            return name;
    }
    return "?";
}

// Our view of a request must say what OpenSSL says of the same bytes.
void compare_with_openssl(const peer::Folder& folder, const Bytes& der, const std::string& name) {
    peer::write(folder / "request.der", der);
    std::string text = peer::must_run(folder, "openssl ocsp -reqin request.der -req_text");
    text = text.substr(0, text.find("Signature Algorithm"));
    for (std::size_t at = 0; (at = text.find("\\\n")) != std::string::npos;)
        text.erase(at, 2);  // OpenSSL breaks long values
    RequestView view;
    const auto fault = parse_request(der, view);
    BOOST_REQUIRE_MESSAGE(!fault, name << ": " << to_string(*fault));
    std::vector<std::string> hashes, names, keys, serials;
    for (const CertIdView& cert_id : view.cert_ids()) {
        hashes.push_back(hash_name(cert_id.hash_oid));
        names.push_back(upper_hex(cert_id.issuer_name_hash));
        keys.push_back(upper_hex(cert_id.issuer_key_hash));
        const auto serial = Serial::from_der_content(cert_id.serial);
        serials.push_back(serial ? serial->to_hex() : "?");
        const bool ahead = hashes.back() == "sha1" || hashes.back() == "sha256";
        BOOST_TEST(cert_id.hash.has_value() == ahead, name);
    }
    BOOST_TEST(hashes == peer::lines_after(text, "Hash Algorithm: "), name);
    BOOST_TEST(names == peer::lines_after(text, "Issuer Name Hash: "), name);
    BOOST_TEST(keys == peer::lines_after(text, "Issuer Key Hash: "), name);
    BOOST_TEST(serials == peer::lines_after(text, "Serial Number: "), name);
    const std::size_t at = text.find("OCSP Nonce:");
    BOOST_TEST(view.nonce().has_value() == (at != std::string::npos), name);
    if (view.nonce() && view.nonce()->size() < 0x80) {
        const std::string wrapped = "04" + upper_hex(Bytes{static_cast<std::uint8_t>(view.nonce()->size())}) +
                                    upper_hex(*view.nonce());
        BOOST_TEST(text.find(wrapped, at) != std::string::npos, name);
    }
}

}  // namespace

//
BOOST_AUTO_TEST_CASE(a_01_requests_of_openssl_gnutls_java_and_python_are_read_as_openssl_reads_them) {
    const peer::Folder folder;
    std::size_t files = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(EIGHTBELLS_SOURCE_DIR "/tests/ocsp/corpus/request")) {
        if (entry.path().filename().string().starts_with("spelled-"))
            continue;  // by hand, with certificates that are none
        compare_with_openssl(folder, peer::read(entry.path()), entry.path().filename().string());
        ++files;
    }
    BOOST_TEST(files >= 20U);
}

//
BOOST_AUTO_TEST_CASE(a_01_requests_that_openssl_makes_now_are_read) {
    constexpr std::uint32_t seed = 1;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    const peer::Folder folder;
    peer::must_run(folder,
                   "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key "
                   "-out ca.pem -subj /O=Tests/CN=CA -days 2 -addext extendedKeyUsage=OCSPSigning");
    for (const std::string options :
         {"", "-no_nonce", "-sha256", "-sha384 -no_nonce", "-sha512", "-signer ca.pem -signkey ca.key"}) {
        for (const std::size_t count : {1U, 2U, 7U, 16U}) {
            std::string command = "openssl ocsp -reqout made.der -issuer ca.pem " + options;
            for (std::size_t i = 0; i < count; ++i) {
                Bytes serial(1 + random() % 20);
                std::ranges::generate(serial, [&] { return static_cast<std::uint8_t>(random()); });
                serial[0] |= 1;
                command += " -serial 0x" + to_hex(serial);
            }
            peer::must_run(folder, command);
            const Bytes der = peer::read(folder / "made.der");
            compare_with_openssl(folder, der, command);
            RequestView view;
            BOOST_TEST(!parse_request(der, view));
            BOOST_TEST(view.cert_ids().size() == count);
        }
    }
    // One above the cap is refused as a whole.
    std::string command = "openssl ocsp -reqout made.der -issuer ca.pem";
    for (int serial = 1; serial <= 17; ++serial)
        command += " -serial " + std::to_string(serial);
    peer::must_run(folder, command);
    RequestView view;
    BOOST_TEST((parse_request(peer::read(folder / "made.der"), view) == RequestFault::too_many_cert_ids));
}
