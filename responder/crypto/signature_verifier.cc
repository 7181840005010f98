#include <botan/pubkey.h>
#include <botan/x509_key.h>
#include <fmt/format.h>

#include "responder/crypto/algorithms.h"
#include "responder/crypto/certificate.h"
#include "responder/crypto/limits.h"
#include "responder/der/reader.h"

namespace eightbells::crypto {

struct SignatureVerifier::State {
    Bytes subject_public_key_info;
    KeyFacts facts;  // borrows from the above
    std::unique_ptr<Botan::Public_Key> key;

    struct Algorithm {
        Bytes identifier;
        Botan::PK_Verifier verifier;
    };
    std::vector<Algorithm> algorithms;
    Bytes raw;  // r and s of the signature at hand

    Botan::PK_Verifier* verifier_for(ByteView identifier);
    bool read_ecdsa(ByteView signature);
};

// The context for an algorithm, made on first use; nullptr: one that is refused.
Botan::PK_Verifier* SignatureVerifier::State::verifier_for(ByteView identifier) {
    for (auto& known : algorithms) {
        if (equal(known.identifier, identifier))
            return &known.verifier;
    }
    const auto algorithm = parse_signature_algorithm(identifier);
    if (!algorithm || !check_algorithm_fits(*algorithm, facts))
        return nullptr;
    if (algorithms.size() == limits::verifier_algorithms)
        algorithms.clear();
    algorithms.push_back(
        {{identifier.begin(), identifier.end()}, Botan::PK_Verifier{*key, algorithm->botan_name()}});
    return &algorithms.back().verifier;
}

// Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }, strict DER, into `raw` as both numbers at full
// width.
bool SignatureVerifier::State::read_ecdsa(ByteView signature) {
    der::Reader outer{signature};
    auto fields = outer.read_into(der::Tag::sequence);
    if (!fields || !outer.empty())
        return false;
    const std::size_t width = (facts.bits + 7) / 8;
    raw.assign(2 * width, 0);
    for (const std::size_t end : {width, 2 * width}) {
        auto number = fields->read_integer_content();
        if (!number || ((*number)[0] & 0x80) != 0)
            return false;
        if ((*number)[0] == 0)
            number = number->subspan(1);
        if (number->size() > width)
            return false;
        std::ranges::copy_backward(*number, raw.begin() + static_cast<std::ptrdiff_t>(end));
    }
    return fields->empty();
}

SignatureVerifier::SignatureVerifier(std::unique_ptr<State> state) : state_(std::move(state)) {}
SignatureVerifier::~SignatureVerifier() = default;
SignatureVerifier::SignatureVerifier(SignatureVerifier&&) noexcept = default;
SignatureVerifier& SignatureVerifier::operator=(SignatureVerifier&&) noexcept = default;

Result<SignatureVerifier> SignatureVerifier::from_public_key(ByteView subject_public_key_info) {
    auto state = std::make_unique<State>();
    state->subject_public_key_info.assign(subject_public_key_info.begin(), subject_public_key_info.end());
    const auto facts = describe_key(state->subject_public_key_info);
    if (!facts)
        return tl::unexpected(facts.error());
    if (auto strong = check_key_strength(*facts, true); !strong)
        return fail("public key", strong.error());
    state->facts = *facts;
    try {
        state->key = Botan::X509::load_key(subject_public_key_info);
    } catch (const std::exception& e) {
        return fail(fmt::format("public key ({}): {}", facts->name(), e.what()));
    }
    return SignatureVerifier{std::move(state)};
}

bool SignatureVerifier::verify(ByteView algorithm, ByteView message, ByteView signature) noexcept {
    try {
        auto* verifier = state_->verifier_for(algorithm);
        if (verifier == nullptr)
            return false;
        const bool ecdsa = !state_->facts.is_rsa() && state_->facts.kind != KeyKind::ed25519;
        if (ecdsa) {
            if (!state_->read_ecdsa(signature))
                return false;
            signature = state_->raw;
        }
        return verifier->verify_message(message, signature);
    } catch (const std::exception&) {
        state_->algorithms.clear();  // a context that broke off halfway still holds part of the message
        return false;
    }
}

Status check_issued_by(const Certificate& certificate, const IssuerIdentity& issuer, SignatureVerifier& key) {
    if (!equal(certificate.issuer_name(), issuer.certificate().subject_name())) {
        return fail(fmt::format("issued by \"{}\", not by \"{}\"", certificate.issuer_text(),
                                issuer.certificate().subject_text()));
    }
    if (const auto algorithm = parse_signature_algorithm(certificate.signature_algorithm()); !algorithm)
        return tl::unexpected(algorithm.error());
    if (!key.verify(certificate.signature_algorithm(), certificate.tbs(), certificate.signature()))
        return fail(fmt::format("not signed by the key of \"{}\"", issuer.certificate().subject_text()));
    return {};
}

}  // namespace eightbells::crypto
