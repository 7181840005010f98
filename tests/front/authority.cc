#include <array>
#include <cstdio>
#include <map>
#include <stdexcept>

#include "responder/base/durable_file.h"
#include "tests/front/world.h"

namespace eightbells::front::test {
namespace {

TemporaryFolder& authorities_folder() {
    static TemporaryFolder folder;
    return folder;
}

}  // namespace

std::string shell(const std::string& command) {
    std::string out;
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    std::array<char, 4096> chunk;
    for (std::size_t n = 0; (n = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
        out.append(chunk.data(), n);
    if (::pclose(pipe) != 0)
        throw std::runtime_error(command + ": " + out);
    return out;
}

// --- authorities

Authority::Authority(const std::string& name, const std::string& subject,
                     const std::filesystem::path& key_of) {
    folder = authorities_folder() / name;
    std::filesystem::create_directories(folder);
    const std::string in = "cd " + folder.string() + " && ";
    if (key_of.empty())
        shell(in + "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca.key");
    else
        std::filesystem::copy_file(key_of / "ca.key", folder / "ca.key");
    shell(in + "openssl req -x509 -new -key ca.key -sha256 -days 30 -subj '" + subject +
          "' -addext 'keyUsage=critical,keyCertSign,cRLSign' -out ca.pem");
    shell(in +
          "printf 'extendedKeyUsage=OCSPSigning\\nnoCheck=yes\\nkeyUsage=critical,digitalSignature\\n"
          "subjectKeyIdentifier=hash\\nauthorityKeyIdentifier=keyid\\n' > signer.ext && "
          "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out signer.key && "
          "openssl req -new -key signer.key -subj '/O=Test/CN=" +
          name +
          " OCSP' -out signer.csr && "
          "openssl x509 -req -in signer.csr -CA ca.pem -CAkey ca.key -set_serial 77 -days 29 -sha256 "
          "-extfile signer.ext "
          "-out signer.pem");
    identity = need(crypto::IssuerIdentity::from_certificate(
        need(crypto::Certificate::parse(need(read_file(folder / "ca.pem", 65536))))));
    signer = need(crypto::Certificate::parse(need(read_file(folder / "signer.pem", 65536))));
    key = need(keys::load_signing_key({folder / "signer.key", ""}, keys::RsaPadding::pkcs1_v15, false));
}

const Authority& Authority::number(int n) {
    static std::map<int, std::unique_ptr<Authority>> made;
    auto& one = made[n];
    if (one == nullptr)
        one = std::make_unique<Authority>("ca" + std::to_string(n), "/O=Test/CN=CA " + std::to_string(n), "");
    return *one;
}
const Authority& Authority::same_key() {
    static const Authority one("renamed", "/O=Test/CN=CA 0 renamed", number(0).folder);
    return one;
}
const Authority& Authority::same_name() {
    static const Authority one("rekeyed", "/O=Test/CN=CA 0", "");
    return one;
}

ocsp::AnswerProfile Authority::profile(HashAlgorithm hash) const {
    ocsp::AnswerProfile profile;
    profile.cert_id_hash = hash;
    const auto copy = [](ByteView bytes) { return Bytes(bytes.begin(), bytes.end()); };
    profile.issuer_name_hash = copy(identity->name_hash(hash));
    profile.issuer_key_hash = copy(identity->key_hash(hash));
    profile.responder_key_hash = crypto::sha1(signer->public_key_bits());
    profile.signature_form = key->signature_form();
    profile.signature_algorithm = copy(key->signature_algorithm());
    profile.signer_certificate = copy(signer->der());
    return profile;
}

Bytes Authority::sign(ByteView message) const {
    return need(need(key->make_signer())->sign(message));
}

Bytes Authority::crl(const std::string& last_update, const std::string& next_update) const {
    const std::string in = "cd " + folder.string() + " && ";
    shell(in +
          "rm -f index.txt* crlnumber* && touch index.txt && echo 01 > crlnumber && printf "
          "'[ca]\\ndefault_ca=x\\n"
          "[x]\\ndatabase=index.txt\\ncrlnumber=crlnumber\\ndefault_md=sha256\\ncertificate=ca.pem\\nprivate_"
          "key=ca.key\\n"
          "crl_extensions=e\\n[e]\\nauthorityKeyIdentifier=keyid\\n' > ca.cnf && "
          "openssl ca -config ca.cnf -gencrl -crl_lastupdate " +
          last_update + " -crl_nextupdate " + next_update +
          " -out crl.pem && openssl crl -in crl.pem -outform DER -out crl.der");
    return need(read_file(folder / "crl.der", 1 << 20));
}

}  // namespace eightbells::front::test
