#include "responder/keys/key_use.h"

#include <botan/pubkey.h>
#include <botan/x509_key.h>

namespace eightbells::keys {

namespace {

using crypto::KeyFacts;
using crypto::KeyKind;
using crypto::SignatureAlgorithm;
using crypto::SignatureHash;
using crypto::SignatureKind;

SignatureHash hash_for(const KeyFacts& key) noexcept {
    switch (key.kind) {
        case KeyKind::p384:
            return SignatureHash::sha384;
        case KeyKind::p521:
            return SignatureHash::sha512;
        case KeyKind::ed25519:
            return SignatureHash::none;
        case KeyKind::p256:
            return SignatureHash::sha256;
        case KeyKind::rsa:
        case KeyKind::rsa_pss:
            break;
    }
    return key.bits <= 3072 ? SignatureHash::sha256 : SignatureHash::sha512;
}

SignatureAlgorithm algorithm_for(const KeyFacts& key, RsaPadding padding) noexcept {
    const SignatureHash hash = hash_for(key);
    if (key.kind == KeyKind::ed25519)
        return {SignatureKind::ed25519, hash, 0};
    if (!key.is_rsa())
        return {SignatureKind::ecdsa, hash, 0};
    if (padding == RsaPadding::pkcs1_v15)
        return {SignatureKind::rsa_pkcs1, hash, 0};
    return {SignatureKind::rsa_pss, hash, hash == SignatureHash::sha256 ? 32U : 64U};
}

}  // namespace

Result<SignatureAlgorithm> choose_algorithm(const KeyFacts& key, RsaPadding padding) {
    const auto algorithm = algorithm_for(key, padding);
    if (auto fits = crypto::check_algorithm_fits(algorithm, key); !fits) {
        const bool pss_only = padding == RsaPadding::pkcs1_v15 && key.kind == KeyKind::rsa_pss;
        return fail(fits.error().message + (pss_only ? "; set rsa_pss = true for this issuer" : ""));
    }
    return algorithm;
}

ocsp::SignatureForm form_for(KeyKind kind) noexcept {
    switch (kind) {
        case KeyKind::p256:
            return ocsp::SignatureForm::ecdsa_p256;
        case KeyKind::p384:
            return ocsp::SignatureForm::ecdsa_p384;
        case KeyKind::p521:
            return ocsp::SignatureForm::ecdsa_p521;
        default:
            return ocsp::SignatureForm::octets;
    }
}

Status check_by_signing(const SigningKey& key, const SignatureAlgorithm& algorithm) {
    static constexpr std::string_view message = "Eightbells: does this key sign?";
    auto signer = key.make_signer();
    if (!signer)
        return tl::unexpected(signer.error());
    const auto signature = (*signer)->sign(as_bytes(message));
    if (!signature)
        return tl::unexpected(signature.error());
    try {
        const auto public_key = Botan::X509::load_key(key.subject_public_key_info());
        Botan::PK_Verifier verifier{*public_key, algorithm.botan_name(), Botan::Signature_Format::Standard};
        if (verifier.verify_message(as_bytes(message), *signature))
            return {};
    } catch (const std::exception& e) {
        return fail(std::string{"what it signed cannot be verified: "} + e.what());
    }
    return fail("its private and public half do not belong together");
}

}  // namespace eightbells::keys
