#include "responder/watch/botan_seam.h"

#include <botan/certstor.h>
#include <botan/data_src.h>
#include <botan/ed25519.h>
#include <botan/mem_ops.h>
#include <botan/ocsp.h>
#include <botan/pkcs8.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <botan/x509_crl.h>
#include <botan/x509cert.h>
#include <botan/x509path.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "responder/base/durable_file.h"
#include "responder/watch/limits.h"
#include "responder/watch/watch_key.h"

namespace eightbells::watch {
namespace {

std::chrono::system_clock::time_point system_time(UtcTime time) {
    return std::chrono::time_point_cast<std::chrono::system_clock::duration>(time);
}

Botan::X509_Certificate certificate_of(ByteView der) {
    return Botan::X509_Certificate(std::vector<std::uint8_t>(der.begin(), der.end()));
}

// 80 bits: SHA-1 in a CertID is no signature, and RSA of 2,048 bits counts as 112. An intermediate CA is a
// trust anchor here like any other.
Botan::Path_Validation_Restrictions restrictions() {
    return Botan::Path_Validation_Restrictions(false, 80, false, std::chrono::seconds::zero(),
                                               std::make_unique<Botan::Certificate_Store_In_Memory>(), false,
                                               false);
}

}  // namespace

// --- OCSP

struct BotanIssuer::State {
    Botan::X509_Certificate certificate;
    Botan::Certificate_Store_In_Memory store;
    explicit State(const Botan::X509_Certificate& issuer) : certificate(issuer), store(issuer) {}
};

BotanIssuer::BotanIssuer(std::unique_ptr<State> state) : state_(std::move(state)) {}
BotanIssuer::BotanIssuer(BotanIssuer&&) noexcept = default;
BotanIssuer& BotanIssuer::operator=(BotanIssuer&&) noexcept = default;
BotanIssuer::~BotanIssuer() = default;

Result<BotanIssuer> BotanIssuer::from_der(ByteView certificate) {
    try {
        return BotanIssuer(std::make_unique<State>(certificate_of(certificate)));
    } catch (const std::exception& error) {
        return fail(fmt::format("Botan cannot read the issuer's certificate: {}", error.what()));
    }
}

SecondOpinion BotanIssuer::judge_ocsp(ByteView answer, ByteView subject, UtcTime now) const noexcept {
    SecondOpinion opinion;
    try {
        const Botan::OCSP::Response response(answer.data(), answer.size());
        if (response.status() != Botan::OCSP::Response_Status_Code::Successful) {
            opinion.why = fmt::format("OCSPResponseStatus {}", static_cast<int>(response.status()));
            return opinion;
        }
        const std::vector<Botan::X509_Certificate> path{certificate_of(subject), state_->certificate};
        const auto codes =
            Botan::PKIX::check_ocsp(path, {response}, {&state_->store}, system_time(now), restrictions());
        if (codes.empty() || codes.front().empty()) {
            opinion.why = "no word on the certificate";
            return opinion;
        }
        for (const auto code : codes.front()) {
            if (code == Botan::Certificate_Status_Code::OCSP_RESPONSE_GOOD) {
                opinion.status = SeenStatus::good;
            } else if (code == Botan::Certificate_Status_Code::CERT_IS_REVOKED) {
                opinion.status = SeenStatus::revoked;
            } else if (code == Botan::Certificate_Status_Code::OCSP_BAD_STATUS) {
                opinion.status = SeenStatus::unknown;
            } else if (code >= Botan::Certificate_Status_Code::FIRST_ERROR_STATUS) {
                opinion.status.reset();
                opinion.why = Botan::to_string(code);
                return opinion;
            }
        }
        opinion.accepted = opinion.status.has_value();
        if (!opinion.accepted)
            opinion.why = "no status";
    } catch (const std::exception& error) {
        opinion = {false, error.what(), std::nullopt};
    }
    return opinion;
}

// --- CRLs

struct BotanIssuer::Crl::State {
    SecondOpinion opinion;
    std::optional<Botan::X509_CRL> crl;
};
BotanIssuer::Crl::Crl(std::unique_ptr<State> state) : state_(std::move(state)) {}
BotanIssuer::Crl::Crl(Crl&&) noexcept = default;
BotanIssuer::Crl& BotanIssuer::Crl::operator=(Crl&&) noexcept = default;
BotanIssuer::Crl::~Crl() = default;

const SecondOpinion& BotanIssuer::Crl::opinion() const noexcept {
    return state_->opinion;
}

std::optional<SeenStatus> BotanIssuer::Crl::status_of(ByteView subject) const noexcept {
    try {
        if (!state_->crl)
            return std::nullopt;
        return state_->crl->is_revoked(certificate_of(subject)) ? SeenStatus::revoked : SeenStatus::good;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

BotanIssuer::Crl BotanIssuer::judge_crl(ByteView crl, UtcTime now) const {
    auto state = std::make_unique<Crl::State>();
    try {
        Botan::DataSource_Memory source(crl.data(), crl.size());
        Botan::X509_CRL read(source);
        const auto key = state_->certificate.subject_public_key();
        const auto time = Botan::X509_Time(system_time(now));
        if (read.issuer_dn() != state_->certificate.subject_dn())
            state->opinion.why = "another issuer";
        else if (!read.check_signature(*key))
            state->opinion.why = "the signature does not verify";
        else if (time < read.this_update())
            state->opinion.why = "not yet valid";
        else if (read.next_update().time_is_set() && time > read.next_update())
            state->opinion.why = "expired";
        else
            state->opinion.accepted = true;
        state->crl = std::move(read);
    } catch (const std::exception& error) {
        state->opinion = {false, error.what(), std::nullopt};
    }
    return Crl(std::move(state));
}

// --- the watch's own key

struct WatchKey::Key {
    Botan::Ed25519_PrivateKey key;
    WatchPublicKey public_key{};
    explicit Key(Botan::Ed25519_PrivateKey own) : key(std::move(own)) {
        const auto octets = key.raw_public_key_bits();
        std::copy_n(octets.begin(), std::min(octets.size(), public_key.size()), public_key.begin());
    }
};
WatchKey::WatchKey(std::unique_ptr<Key> key) : key_(std::move(key)) {}
WatchKey::WatchKey(WatchKey&&) noexcept = default;
WatchKey& WatchKey::operator=(WatchKey&&) noexcept = default;
WatchKey::~WatchKey() = default;

const WatchPublicKey& WatchKey::public_key() const noexcept {
    return key_->public_key;
}

Result<WatchKey> WatchKey::load_or_make(const std::filesystem::path& file) {
    try {
        Botan::System_RNG rng;
        std::error_code error;
        std::unique_ptr<Key> key;
        if (std::filesystem::symlink_status(file, error).type() == std::filesystem::file_type::not_found) {
            key = std::make_unique<Key>(Botan::Ed25519_PrivateKey(rng));
            if (auto written = write_file_durably(file, as_bytes(Botan::PKCS8::PEM_encode(key->key)));
                !written)
                return fail("watch key", written.error());
        } else {
            auto bytes = read_file(file, limits::canary_file_octets);
            if (!bytes)
                return fail("watch key", bytes.error());
            Botan::DataSource_Memory source(bytes->data(), bytes->size());
            const auto loaded = Botan::PKCS8::load_key(source);
            Botan::secure_scrub_memory(bytes->data(), bytes->size());
            const auto* const ed25519 = dynamic_cast<const Botan::Ed25519_PrivateKey*>(loaded.get());
            if (ed25519 == nullptr)
                return fail(fmt::format("{}: the watch's key must be Ed25519; this is {}", file.string(),
                                        loaded->algo_name()));
            key = std::make_unique<Key>(*ed25519);
        }
        auto beside = file;
        const std::string hex = to_hex(key->public_key) + "\n";
        if (auto written = write_file_durably(beside.replace_extension(".pub"), as_bytes(hex), 0644);
            !written)
            return fail("watch key", written.error());
        return WatchKey(std::move(key));
    } catch (const std::exception& error) {
        return fail(fmt::format("{}: no PKCS#8 key without a passphrase: {}", file.string(), error.what()));
    }
}

Result<Bytes> WatchKey::sign(std::string_view text) const {
    try {
        Botan::System_RNG rng;  // Ed25519 draws nothing from it; the interface wants one
        Botan::PK_Signer signer(key_->key, rng, "Pure");
        const ByteView octets = as_bytes(text);
        const auto signature = signer.sign_message(octets.data(), octets.size(), rng);
        return Bytes(signature.begin(), signature.end());
    } catch (const std::exception& error) {
        return fail(fmt::format("watch key: cannot sign: {}", error.what()));
    }
}

bool verify(const WatchPublicKey& key, std::string_view text, ByteView signature) noexcept {
    try {
        const Botan::Ed25519_PublicKey public_key(key.data(), key.size());
        Botan::PK_Verifier verifier(public_key, "Pure");
        const ByteView octets = as_bytes(text);
        return verifier.verify_message(octets.data(), octets.size(), signature.data(), signature.size());
    } catch (const std::exception&) {
        return false;
    }
}

Result<WatchPublicKey> parse_public_key(std::string_view hex) {
    while (!hex.empty() && (hex.back() == '\n' || hex.back() == '\r'))
        hex.remove_suffix(1);
    const auto octets = from_hex(hex);
    WatchPublicKey key{};
    if (!octets || octets->size() != key.size())
        return fail("64 hexadecimal digits of a watch's public key are expected");
    std::ranges::copy(*octets, key.begin());
    return key;
}

}  // namespace eightbells::watch
