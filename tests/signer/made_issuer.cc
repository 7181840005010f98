#include "tests/signer/made_issuer.h"

#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>

namespace eightbells::tests {

Folder::Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "eightbells-signer-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
}

Folder::~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

config::Issuer make_issuer(const std::filesystem::path& folder, int signer_days,
                           const std::string& signer_key) {
    std::ofstream(folder / "x.cnf")
        << "[req]\ndistinguished_name=dn\n[dn]\n"
           "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
           "subjectKeyIdentifier=hash\n"
           "[signer]\nbasicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n"
           "extendedKeyUsage=OCSPSigning\nnoCheck=ignored\nsubjectKeyIdentifier=hash\n"
           "authorityKeyIdentifier=keyid\n";
    const std::string command =
        "cd '" + folder.string() +
        "' && exec >openssl.log 2>&1 && set -e && "
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out issuer.key; "
        "openssl genpkey -algorithm " +
        signer_key +
        " -out signer.key; "
        "openssl req -new -x509 -key issuer.key -subj '/CN=Publisher CA' -days 3650 -config x.cnf "
        "-extensions ca -out issuer.pem; "
        "openssl req -new -key signer.key -subj '/CN=Publisher signer' -config x.cnf -out signer.csr; "
        "openssl x509 -req -in signer.csr -CA issuer.pem -CAkey issuer.key -set_serial 0x4242424242424242 "
        "-days " +
        std::to_string(signer_days) + " -extfile x.cnf -extensions signer -out signer.pem";
    BOOST_REQUIRE_MESSAGE(std::system(command.c_str()) == 0,
                          "openssl failed: see " << folder / "openssl.log");
    config::Issuer issuer;
    issuer.name = "tested";
    issuer.certificate = folder / "issuer.pem";
    issuer.signer_certificate = folder / "signer.pem";
    issuer.signer_key = folder / "signer.key";
    issuer.crl_path = "/tested.crl";
    issuer.suspension = true;
    return issuer;
}

}  // namespace eightbells::tests
