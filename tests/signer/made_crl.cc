#include "tests/signer/made_crl.h"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace eightbells::tests {

namespace {
std::string asn1(UtcTime time) {  // 2026-11-22T06:40:00Z as openssl takes it
    std::string text;
    for (const char c : to_iso8601(time)) {
        if (c != '-' && c != ':' && c != 'T')
            text += c;
    }
    return text;
}
}  // namespace

Bytes make_crl(const std::filesystem::path& folder, const std::vector<MadeEntry>& entries,
               UtcTime this_update, UtcTime next_update, const std::string& extensions) {
    std::ofstream(folder / "ca.cnf")
        << "[ca]\ndefault_ca=d\n[d]\ndatabase=db.txt\ncrlnumber=number\ndefault_md=sha256\n"
           "crl_extensions=e\ncertificate=issuer.pem\nprivate_key=issuer.key\n"
           "[e]\nauthorityKeyIdentifier=keyid\n"
        << extensions;
    if (!std::filesystem::exists(folder / "number"))
        std::ofstream(folder / "number") << "01\n";
    {
        std::ofstream index(folder / "db.txt");
        for (const auto& entry : entries) {
            index << "R\t20491231235959Z\t" << asn1(entry.time).substr(2)
                  << (entry.reason.empty() ? "" : "," + entry.reason) << "\t" << entry.serial.to_hex()
                  << "\tunknown\t/CN=x\n";
        }
    }
    const std::string command =
        "cd '" + folder.string() + "' && openssl ca -config ca.cnf -gencrl -crl_lastupdate " +
        asn1(this_update) + " -crl_nextupdate " + asn1(next_update) +
        " -out crl.pem >>openssl.log 2>&1 && openssl crl -in crl.pem -outform DER -out crl.der";
    BOOST_REQUIRE_MESSAGE(std::system(command.c_str()) == 0, "see " << folder / "openssl.log");
    std::ifstream der(folder / "crl.der", std::ios::binary);
    return {std::istreambuf_iterator<char>(der), {}};
}

}  // namespace eightbells::tests
