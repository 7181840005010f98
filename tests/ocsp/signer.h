#ifndef EIGHTBELLS_TESTS_OCSP_SIGNER_H
#define EIGHTBELLS_TESTS_OCSP_SIGNER_H

#include <algorithm>
#include <stdexcept>
#include <string>

#include "responder/der/reader.h"
#include "responder/ocsp/answer.h"
#include "responder/ocsp/request.h"
#include "tests/ocsp/peer.h"
#include "tests/ocsp/spell.h"

// A CA and a signer made and worked by the openssl command: keys, certificates, hashes and signatures are all
// its own, so that only the answer around them is ours.
namespace peer {

struct Algorithm {
    const char* name;
    const char* make_key;    // arguments of openssl genpkey
    const char* sign;        // openssl command that signs tbs.der with signer.key into signature
    const char* identifier;  // AlgorithmIdentifier in hex, as the BR (section 7.1.3.2) print it (B-09)
    eightbells::ocsp::SignatureForm form;
    std::size_t scalar;  // octets of r and of s, 0 where there is none
};

// The Baseline Requirements' RSASSA-PSS block for SHA-256 (67 octets), the RFC 8017 default parts written
// out.
inline constexpr const char* pss_sha256 =
    "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d060960"
    "8648"
    "01650304020105"
    "00a203020120";

inline constexpr Algorithm algorithms[] = {
    {"rsa-2048", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
     "openssl dgst -sha256 -sign signer.key -out signature tbs.der", "300d06092a864886f70d01010b0500",
     eightbells::ocsp::SignatureForm::octets, 0},
    {"rsa-pss", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
     "openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sign signer.key -out "
     "signature tbs.der",
     pss_sha256, eightbells::ocsp::SignatureForm::octets, 0},
    {"p-256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
     "openssl dgst -sha256 -sign signer.key -out signature tbs.der", "300a06082a8648ce3d040302",
     eightbells::ocsp::SignatureForm::ecdsa_p256, 32},
    {"p-384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
     "openssl dgst -sha384 -sign signer.key -out signature tbs.der", "300a06082a8648ce3d040303",
     eightbells::ocsp::SignatureForm::ecdsa_p384, 48},
    {"p-521", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
     "openssl dgst -sha512 -sign signer.key -out signature tbs.der", "300a06082a8648ce3d040304",
     eightbells::ocsp::SignatureForm::ecdsa_p521, 66},
    {"ed25519", "-algorithm ED25519",
     "openssl pkeyutl -sign -rawin -inkey signer.key -in tbs.der -out signature", "300506032b6570",
     eightbells::ocsp::SignatureForm::octets, 0},
};
inline const Algorithm& p256 = algorithms[2];

// An Ecdsa-Sig-Value as r||s, each of `scalar` octets.
inline eightbells::Bytes raw_ecdsa(eightbells::ByteView der, std::size_t scalar) {
    eightbells::der::Reader whole{der};
    auto fields = whole.read_into(eightbells::der::Tag::sequence).value();
    eightbells::Bytes raw;
    for (int i = 0; i < 2; ++i) {
        eightbells::ByteView value = fields.read_integer_content().value();
        if (value.front() == 0)
            value = value.subspan(1);
        raw.insert(raw.end(), scalar - value.size(), 0);
        raw.insert(raw.end(), value.begin(), value.end());
    }
    return raw;
}

class Signer {
  public:
    // A delegated signer, or the CA's own key.
    explicit Signer(const Algorithm& algorithm, bool delegated = true) : algorithm_(algorithm) {
        const std::string key = std::string("openssl genpkey ") + algorithm.make_key + " -out ";
        must_run(folder,
                 (delegated ? std::string("openssl genpkey ") + p256.make_key + " -out " : key) + "ca.key");
        must_run(folder, "openssl req -x509 -new -key ca.key -out ca.pem -subj /O=Tests/CN=CA -days 2");
        if (delegated) {
            must_run(folder, key + "signer.key");
            must_run(folder, "openssl req -new -key signer.key -subj /O=Tests/CN=OCSP -out signer.csr");
            must_run(folder, "printf 'extendedKeyUsage=OCSPSigning\\nnoCheck=ignored\\n' > signer.cnf");
            must_run(folder,
                     "openssl x509 -req -in signer.csr -CA ca.pem -CAkey ca.key -set_serial 77 -days 2 "
                     "-extfile signer.cnf -out signer.pem");
        } else {
            must_run(folder, "cp ca.key signer.key && cp ca.pem signer.pem");
        }
        must_run(folder, "openssl x509 -in signer.pem -outform DER -out signer.crt");
        if (delegated)
            certificate_ = read(folder / "signer.crt");
    }

    // The profile for a CertID hash, with the hashes as openssl computes them.
    eightbells::ocsp::AnswerProfile profile(eightbells::ocsp::HashAlgorithm hash) const {
        using namespace eightbells;
        must_run(folder, "openssl ocsp -issuer ca.pem -" + std::string(ocsp::to_string(hash)) +
                             " -serial 1 -no_nonce -reqout hashes.der");
        const Bytes der = read(folder / "hashes.der");
        ocsp::RequestView view;
        if (ocsp::parse_request(der, view))
            throw std::runtime_error("hashes.der");
        ocsp::AnswerProfile profile;
        profile.cert_id_hash = hash;
        const auto& cert_id = view.cert_ids()[0];
        profile.issuer_name_hash.assign(cert_id.issuer_name_hash.begin(), cert_id.issuer_name_hash.end());
        profile.issuer_key_hash.assign(cert_id.issuer_key_hash.begin(), cert_id.issuer_key_hash.end());
        const Bytes key_hash = responder_key_hash();
        std::ranges::copy(key_hash, profile.responder_key_hash.begin());
        profile.signature_form = algorithm_.form;
        profile.signature_algorithm = spell::hex(algorithm_.identifier);
        profile.signer_certificate = certificate_;
        return profile;
    }

    eightbells::Bytes responder_key_hash() const {
        const std::string said = must_run(folder, "openssl x509 -in signer.pem -noout -ocspid");
        return spell::hex(lines_after(said, "Public key OCSP hash: ").at(0));
    }

    // In the raw form of the stored record.
    eightbells::Bytes sign(eightbells::ByteView message) const {
        write(folder / "tbs.der", message);
        must_run(folder, algorithm_.sign);
        const eightbells::Bytes signature = read(folder / "signature");
        return algorithm_.scalar == 0 ? signature : raw_ecdsa(signature, algorithm_.scalar);
    }

    eightbells::Bytes signed_answer(const eightbells::ocsp::AnswerProfile& profile,
                                    const eightbells::ocsp::SingleAnswer& single) const {
        std::array<std::uint8_t, eightbells::limits::answer_octets> data;
        std::array<std::uint8_t, eightbells::limits::answer_octets> whole;
        const eightbells::Bytes signature =
            sign(eightbells::ocsp::encode_response_data(profile, single, data));
        const eightbells::ByteView answer =
            eightbells::ocsp::encode_response(profile, single, signature, whole);
        return {answer.begin(), answer.end()};
    }

    const Folder folder;

  private:
    Algorithm algorithm_;
    eightbells::Bytes certificate_;  // empty: the CA signs itself
};

}  // namespace peer

#endif
