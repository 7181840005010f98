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
#include "responder/keys/key_use.h"
#include "responder/keys/limits.h"

namespace eightbells::keys {

namespace {

using crypto::KeyFacts;
using crypto::KeyKind;
using crypto::SignatureAlgorithm;

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
          form_(form_for(kind)),
          holds_message_(kind == KeyKind::ed25519) {}

    ByteView subject_public_key_info() const noexcept override { return subject_public_key_info_; }
    ByteView signature_algorithm() const noexcept override { return algorithm_; }
    ocsp::SignatureForm signature_form() const noexcept override { return form_; }
    Result<std::unique_ptr<Signer>> make_signer() const override;

    const Botan::Private_Key& key() const noexcept { return *key_; }
    const std::string& padding() const noexcept { return padding_; }
    bool holds_message() const noexcept { return holds_message_; }

  private:
    std::unique_ptr<Botan::Private_Key> key_;
    Bytes subject_public_key_info_;
    ByteView algorithm_;
    std::string padding_;
    ocsp::SignatureForm form_;
    bool holds_message_;
};

class SoftwareSigner final : public SigningKey::Signer {
  public:
    explicit SoftwareSigner(const SoftwareKey& key) : key_(key) { begin(); }

    Result<Bytes> sign(ByteView message) noexcept override {
        return guarded([&]() -> Result<Bytes> { return signer_->sign_message(message, rng_); });
    }
    Status update(ByteView part) noexcept override {
        return guarded([&]() -> Status {
            if (key_.holds_message() && part.size() > limits::held_message_octets - held_) {
                signer_.reset();
                held_ = 0;
                return fail(fmt::format("cannot sign: an Ed25519 key signs at most {} octets here",
                                        limits::held_message_octets));
            }
            held_ += key_.holds_message() ? part.size() : 0;
            signer_->update(part);
            return {};
        });
    }
    Result<Bytes> finish() noexcept override {
        held_ = 0;
        return guarded([&]() -> Result<Bytes> { return signer_->signature(rng_); });
    }

  private:
    template <class Step>
    auto guarded(const Step& step) noexcept -> decltype(step()) {
        try {
            if (!signer_)
                begin();
            return step();
        } catch (const std::exception& e) {
            signer_.reset();  // it may still hold part of this message
            held_ = 0;
            return fail(fmt::format("cannot sign: {}", e.what()));
        }
    }
    void begin() { signer_.emplace(key_.key(), rng_, key_.padding(), Botan::Signature_Format::Standard); }

    const SoftwareKey& key_;
    Botan::System_RNG rng_;
    std::optional<Botan::PK_Signer> signer_;
    std::size_t held_ = 0;  // octets of the message so far that Botan keeps
};

Result<std::unique_ptr<SigningKey::Signer>> SoftwareKey::make_signer() const {
    try {
        return std::make_unique<SoftwareSigner>(*this);
    } catch (const std::exception& e) {
        return fail(fmt::format("cannot make a signing context: {}", e.what()));
    }
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
    KeyFacts use =
        *facts;  // Botan calls the keys of id-RSASSA-PSS plain RSA; such a key must not sign PKCS#1 v1.5
    if (block.rsa_pss_only) {
        use.kind = KeyKind::rsa_pss;
        use.pss_parameters = block.pss_parameters;
    }
    const auto algorithm = choose_algorithm(use, padding);
    if (!algorithm)
        return tl::unexpected(algorithm.error());
    auto made = std::make_shared<const SoftwareKey>(std::move(key), std::move(subject_public_key_info),
                                                    *algorithm, facts->kind);
    if (auto signs = check_by_signing(*made, *algorithm); !signs)
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
