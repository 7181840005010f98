#include "responder/keys/token_key.h"

#include <botan/hash.h>
#include <fmt/format.h>

#include <array>

#include "responder/keys/key_use.h"
#include "responder/keys/limits.h"
#include "responder/keys/token.h"

namespace eightbells::keys {

namespace {

using crypto::KeyFacts;
using crypto::KeyKind;
using crypto::SignatureAlgorithm;
using crypto::SignatureHash;
using crypto::SignatureKind;

// One hash as everybody around it calls it.
struct HashNames {
    const char* botan;
    CK_MECHANISM_TYPE mechanism;
    CK_RSA_PKCS_MGF_TYPE mask;
    std::string_view digest_info;  // DigestInfo up to the digest (RFC 8017, section 9.2, note 1)
};

const HashNames& names_of(SignatureHash hash) noexcept {
    using namespace std::string_view_literals;
    static constexpr HashNames sha256{
        "SHA-256", CKM_SHA256, CKG_MGF1_SHA256,
        "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"sv};
    static constexpr HashNames sha384{
        "SHA-384", CKM_SHA384, CKG_MGF1_SHA384,
        "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"sv};
    static constexpr HashNames sha512{
        "SHA-512", CKM_SHA512, CKG_MGF1_SHA512,
        "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"sv};
    return hash == SignatureHash::sha256 ? sha256 : hash == SignatureHash::sha384 ? sha384 : sha512;
}

std::size_t signature_octets(const KeyFacts& key) noexcept {
    switch (key.kind) {
        case KeyKind::p256:
            return 64;
        case KeyKind::p384:
            return 96;
        case KeyKind::p521:
            return 132;
        default:
            return key.bits / 8;
    }
}

class HardwareKey final : public SigningKey {
  public:
    HardwareKey(std::shared_ptr<const Token> token, Bytes subject_public_key_info,
                const SignatureAlgorithm& algorithm, const KeyFacts& key)
        : token_(std::move(token)),
          subject_public_key_info_(std::move(subject_public_key_info)),
          algorithm_(algorithm),
          encoded_(crypto::encode_signature_algorithm(algorithm.kind, algorithm.hash)),
          form_(form_for(key.kind)),
          octets_(signature_octets(key)) {}

    ByteView subject_public_key_info() const noexcept override { return subject_public_key_info_; }
    ByteView signature_algorithm() const noexcept override { return encoded_; }
    ocsp::SignatureForm signature_form() const noexcept override { return form_; }
    Result<std::unique_ptr<Signer>> make_signer() const override;

    const Token& token() const noexcept { return *token_; }
    const SignatureAlgorithm& algorithm() const noexcept { return algorithm_; }
    std::size_t octets() const noexcept { return octets_; }

  private:
    std::shared_ptr<const Token> token_;
    Bytes subject_public_key_info_;
    SignatureAlgorithm algorithm_;
    ByteView encoded_;
    ocsp::SignatureForm form_;
    std::size_t octets_;  // of a raw signature
};

class HardwareSigner final : public SigningKey::Signer {
  public:
    explicit HardwareSigner(const HardwareKey& key)
        : key_(key),
          names_(names_of(key.algorithm().hash)),
          hash_(Botan::HashFunction::create_or_throw(names_.botan)) {}

    Result<Bytes> sign(ByteView message) noexcept override {
        if (auto added = update(message); !added)
            return tl::unexpected(added.error());
        return finish();
    }
    Status update(ByteView part) noexcept override {
        return guarded([&]() -> Status {
            hash_->update(part);
            return {};
        });
    }
    Result<Bytes> finish() noexcept override {
        return guarded([&]() -> Result<Bytes> {
            const Bytes digest = hash_->final_stdvec();
            // A session may have ended since the last signature (the token was away, or restarted): one more.
            const bool fresh = session_ == nullptr;
            auto signature = sign_digest(digest);
            if (!signature && !fresh)
                signature = sign_digest(digest);
            return signature;
        });
    }

  private:
    template <class Step>
    auto guarded(const Step& step) noexcept -> decltype(step()) {
        try {
            return step();
        } catch (const std::exception& e) {
            hash_->clear();
            session_.reset();
            return fail(fmt::format("cannot sign: {}", e.what()));
        }
    }

    Result<Bytes> sign_digest(const Bytes& digest) {
        if (session_ == nullptr) {
            auto opened = key_.token().open();
            if (!opened)
                return fail("cannot sign", opened.error());
            session_ = std::move(*opened);
        }
        auto made = ask(digest);
        if (!made)
            session_.reset();
        return made;
    }

    Result<Bytes> ask(const Bytes& digest) {
        CK_RSA_PKCS_PSS_PARAMS pss{names_.mechanism, names_.mask, key_.algorithm().salt_octets};
        CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
        Bytes input = digest;
        if (key_.algorithm().kind == SignatureKind::rsa_pss) {
            mechanism = {CKM_RSA_PKCS_PSS, &pss, sizeof pss};
        } else if (key_.algorithm().kind == SignatureKind::rsa_pkcs1) {
            mechanism.mechanism = CKM_RSA_PKCS;
            input.assign(names_.digest_info.begin(), names_.digest_info.end());
            input.insert(input.end(), digest.begin(), digest.end());
        }
        CK_FUNCTION_LIST& module = key_.token().module();
        if (const CK_RV begun = module.C_SignInit(session_->handle(), &mechanism, session_->key());
            begun != CKR_OK)
            return fail("the token does not begin to sign: " + token_words(begun));
        std::array<std::uint8_t, limits::token_signature_octets> out{};
        CK_ULONG size = out.size();
        if (const CK_RV made =
                module.C_Sign(session_->handle(), input.data(), input.size(), out.data(), &size);
            made != CKR_OK)
            return fail("the token does not sign: " + token_words(made));
        if (size != key_.octets())
            return fail(fmt::format("the token made a signature of {} octets where {} were expected", size,
                                    key_.octets()));
        return Bytes(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
    }

    const HardwareKey& key_;
    const HashNames& names_;
    std::unique_ptr<Botan::HashFunction> hash_;
    std::unique_ptr<Token::Session> session_;
};

Result<std::unique_ptr<SigningKey::Signer>> HardwareKey::make_signer() const {
    try {
        return std::make_unique<HardwareSigner>(*this);
    } catch (const std::exception& e) {
        return fail(fmt::format("cannot make a signing context: {}", e.what()));
    }
}

// Without its query: the name is for logs.
std::string shown(const TokenKey& where) {
    return where.uri.substr(0, where.uri.find('?'));
}

// The token has it, and H-11: it cannot leave.
Status look_at_key(const Token& token, const std::string& name, std::vector<std::string>* warnings) {
    const auto session = token.open();
    if (!session)
        return tl::unexpected(session.error());
    const bool kept = !(*session)->flag(CKA_EXTRACTABLE, false) && (*session)->flag(CKA_SENSITIVE, true);
    if (!kept && warnings != nullptr)
        warnings->push_back(name +
                            ": H-11: the key may be taken out of the token (CKA_EXTRACTABLE is true, or "
                            "CKA_SENSITIVE is not)");
    return {};
}

Result<std::shared_ptr<const SigningKey>> open_named(const TokenKey& where,
                                                     const crypto::Certificate& certificate,
                                                     RsaPadding padding, std::vector<std::string>* warnings) {
    const auto facts = crypto::describe_key(certificate.subject_public_key_info());
    if (!facts)
        return fail("the certificate's key", facts.error());
    if (facts->kind == KeyKind::ed25519)
        return fail("an Ed25519 key signs in a file only: in a token it would have to be given whole CRLs");
    if (auto strong = crypto::check_key_strength(*facts, false); !strong)
        return fail("H-10", strong.error());
    const auto algorithm = choose_algorithm(*facts, padding);
    if (!algorithm)
        return tl::unexpected(algorithm.error());
    auto token = Token::load(where.uri, where.pin);
    if (!token)
        return tl::unexpected(token.error());
    if (auto there = look_at_key(**token, shown(where), warnings); !there)
        return tl::unexpected(there.error());
    const auto spki = certificate.subject_public_key_info();
    auto made = std::make_shared<const HardwareKey>(std::move(*token), Bytes{spki.begin(), spki.end()},
                                                    *algorithm, *facts);
    if (auto signs = check_by_signing(*made, *algorithm); !signs)
        return tl::unexpected(signs.error());
    return made;
}

}  // namespace

Result<std::shared_ptr<const SigningKey>> open_token_key(const TokenKey& where,
                                                         const crypto::Certificate& certificate,
                                                         RsaPadding padding,
                                                         std::vector<std::string>* warnings) {
    auto key = open_named(where, certificate, padding, warnings);
    if (!key)
        return fail(shown(where), key.error());
    return key;
}

}  // namespace eightbells::keys
