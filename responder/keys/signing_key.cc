#include "responder/keys/signing_key.h"

#include <botan/data_src.h>
#include <botan/mem_ops.h>
#include <botan/pkcs8.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <botan/x509_key.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "responder/base/durable_file.h"
#include "responder/crypto/algorithms.h"
#include "responder/keys/key_file.h"
#include "responder/keys/limits.h"

namespace eightbells::keys {

namespace {

using crypto::KeyFacts;
using crypto::KeyKind;
using crypto::SignatureAlgorithm;
using crypto::SignatureHash;
using crypto::SignatureKind;

// The hash that goes with a key (H-10, B-10).
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

// A key in our own memory, through Botan. Random numbers come from the kernel: seeding a generator of our own
// halves the signing rate.
class SoftwareKey final : public SigningKey {
  public:
    SoftwareKey(std::unique_ptr<Botan::Private_Key> key, Bytes subject_public_key_info,
                const SignatureAlgorithm& algorithm, KeyKind kind)
        : key_(std::move(key)),
          subject_public_key_info_(std::move(subject_public_key_info)),
          algorithm_(crypto::encode_signature_algorithm(algorithm.kind, algorithm.hash)),
          padding_(algorithm.botan_name()),
          form_(form_for(kind)) {}

    ByteView subject_public_key_info() const noexcept override { return subject_public_key_info_; }
    ByteView signature_algorithm() const noexcept override { return algorithm_; }
    ocsp::SignatureForm signature_form() const noexcept override { return form_; }
    Result<std::unique_ptr<Signer>> make_signer() const override;

    const Botan::Private_Key& key() const noexcept { return *key_; }
    const std::string& padding() const noexcept { return padding_; }

  private:
    std::unique_ptr<Botan::Private_Key> key_;
    Bytes subject_public_key_info_;
    ByteView algorithm_;
    std::string padding_;
    ocsp::SignatureForm form_;
};

class SoftwareSigner final : public SigningKey::Signer {
  public:
    explicit SoftwareSigner(const SoftwareKey& key) : key_(key) { begin(); }

    Result<Bytes> sign(ByteView message) noexcept override {
        try {
            if (!signer_)
                begin();
            return signer_->sign_message(message, rng_);
        } catch (const std::exception& e) {
            signer_.reset();  // it may still hold part of this message
            return fail(fmt::format("cannot sign: {}", e.what()));
        }
    }

  private:
    void begin() { signer_.emplace(key_.key(), rng_, key_.padding(), Botan::Signature_Format::Standard); }

    const SoftwareKey& key_;
    Botan::System_RNG rng_;
    std::optional<Botan::PK_Signer> signer_;
};

Result<std::unique_ptr<SigningKey::Signer>> SoftwareKey::make_signer() const {
    try {
        return std::make_unique<SoftwareSigner>(*this);
    } catch (const std::exception& e) {
        return fail(fmt::format("cannot make a signing context: {}", e.what()));
    }
}

// A key whose halves do not belong together signs what nobody can verify; found out now, not by clients.
Status check_by_signing(const SoftwareKey& key) {
    static constexpr std::string_view message = "Eightbells: does this key sign?";
    auto signer = key.make_signer();
    if (!signer)
        return tl::unexpected(signer.error());
    const auto signature = (*signer)->sign(as_bytes(message));
    if (!signature)
        return tl::unexpected(signature.error());
    const auto public_key = Botan::X509::load_key(key.subject_public_key_info());
    Botan::PK_Verifier verifier{*public_key, key.padding(), Botan::Signature_Format::Standard};
    if (!verifier.verify_message(as_bytes(message), *signature))
        return fail("its private and public half do not belong together");
    return {};
}

// Botan calls the keys of id-RSASSA-PSS plain RSA; such a key must not sign PKCS#1 v1.5.
Result<SignatureAlgorithm> choose_algorithm(const KeyFacts& facts, const KeyBlock& block,
                                            RsaPadding padding) {
    KeyFacts key = facts;
    if (block.rsa_pss_only) {
        key.kind = KeyKind::rsa_pss;
        key.pss_parameters = block.pss_parameters;
    }
    const auto algorithm = algorithm_for(key, padding);
    if (auto fits = crypto::check_algorithm_fits(algorithm, key); !fits) {
        return fail(fits.error().message + (padding == RsaPadding::pkcs1_v15 && block.rsa_pss_only
                                                ? "; set rsa_pss = true for this issuer"
                                                : ""));
    }
    return algorithm;
}

Result<std::shared_ptr<const SigningKey>> make_key(std::unique_ptr<Botan::Private_Key> key,
                                                   const KeyBlock& block, RsaPadding padding,
                                                   bool allow_ed25519) {
    Bytes subject_public_key_info = key->subject_public_key();
    const auto facts = crypto::describe_key(subject_public_key_info);
    if (!facts)
        return tl::unexpected(facts.error());
    if (auto strong = crypto::check_key_strength(*facts, allow_ed25519); !strong)
        return fail("H-10", strong.error());
    const auto algorithm = choose_algorithm(*facts, block, padding);
    if (!algorithm)
        return tl::unexpected(algorithm.error());
    auto made = std::make_shared<const SoftwareKey>(std::move(key), std::move(subject_public_key_info),
                                                    *algorithm, facts->kind);
    if (auto signs = check_by_signing(*made); !signs)
        return tl::unexpected(signs.error());
    return made;
}

Result<std::unique_ptr<Botan::Private_Key>> decrypt(const KeyBlock& block, const std::string& passphrase) {
    Botan::DataSource_Memory source{ByteView{block.der}};
    if (!block.encrypted) {
        if (!passphrase.empty())
            return fail(
                "the key is not encrypted, but a passphrase is configured for it: is it the right file?");
        return Botan::PKCS8::load_key(source);
    }
    if (passphrase.empty())
        return fail("the key is encrypted and no passphrase is configured for it");
    try {
        return Botan::PKCS8::load_key(source, passphrase);
    } catch (const std::exception& e) {
        return fail(
            fmt::format("the passphrase does not open the key, or the file is damaged ({})", e.what()));
    }
}

void warn_of_readers(const std::filesystem::path& path, std::vector<std::string>& warnings) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) == 0 && (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        warnings.push_back(
            fmt::format("{}: H-11: mode {:04o} lets others than its owner at the key; chmod 600 it",
                        path.string(), facts.st_mode & 07777U));
    }
}

}  // namespace

Result<std::shared_ptr<const SigningKey>> load_signing_key(const KeyFile& file, RsaPadding padding,
                                                           bool allow_ed25519,
                                                           std::vector<std::string>* warnings) {
    auto bytes = read_file(file.path, limits::key_file_octets);
    if (!bytes)
        return tl::unexpected(bytes.error());
    if (warnings != nullptr)
        warn_of_readers(file.path, *warnings);
    auto block = find_key_block(*bytes, file.path);
    Botan::secure_scrub_memory(bytes->data(), bytes->size());
    if (!block)
        return fail(file.path.string(), block.error());
    try {
        auto key = decrypt(*block, file.passphrase);
        Botan::secure_scrub_memory(block->der.data(), block->der.size());
        if (!key)
            return fail(file.path.string(), key.error());
        auto made = make_key(std::move(*key), *block, padding, allow_ed25519);
        if (!made)
            return fail(file.path.string(), made.error());
        return made;
    } catch (const std::exception& e) {
        return fail(fmt::format("{}: no usable PKCS#8 key: {}", file.path.string(), e.what()));
    }
}

Status check_key_matches(const SigningKey& key, const crypto::Certificate& certificate) {
    const auto facts = crypto::describe_key(certificate.subject_public_key_info());
    const auto algorithm = crypto::parse_signature_algorithm(key.signature_algorithm());
    if (facts && algorithm && facts->is_rsa()) {
        // The file of an encrypted key does not show that the key is for PSS alone; the certificate does.
        if (auto fits = crypto::check_algorithm_fits(*algorithm, *facts); !fits)
            return fail("H-10", fits.error());
    }
    if (equal(key.subject_public_key_info(), certificate.subject_public_key_info()))
        return {};
    // The same key may be spelled in two ways: a compressed point, id-RSASSA-PSS instead of rsaEncryption.
    try {
        const auto ours = Botan::X509::load_key(key.subject_public_key_info());
        const auto theirs = Botan::X509::load_key(certificate.subject_public_key_info());
        if (ours->algo_name() == theirs->algo_name() &&
            ours->public_key_bits() == theirs->public_key_bits() &&
            ours->key_length() == theirs->key_length())
            return {};
    } catch (const std::exception&) {
        // not a key that we could hold; the answer below says so
    }
    return fail(fmt::format("H-10: the key does not belong to the certificate \"{}\" ({})",
                            certificate.subject_text(), certificate.key_name()));
}

}  // namespace eightbells::keys
