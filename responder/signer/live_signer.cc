#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "cache/limits.h"
#include "responder/ocsp/limits.h"
#include "responder/signer/live_service.h"
#include "responder/signer/press.h"
#include "responder/signer/signing_context.h"

namespace eightbells::signer {

struct LiveSigner::State {
    std::vector<std::shared_ptr<const Identity>> identities;
    ledger::Ledger& ledger;
    std::function<std::optional<Vouched>(const std::string&)> vouched;
    TrustedNow trusted_now;
    std::map<const Identity*, std::unique_ptr<SigningContext>> contexts;

    // The CertID names this issuer, by a hash that is served here (A-05, A-08, B-07).
    static bool names_issuer(const ocsp::CertIdView& cert_id, const Identity& identity) {
        if (cert_id.hash) {
            const bool served = std::ranges::any_of(identity.profiles,
                                                    [&](const auto& p) { return p.hash == *cert_id.hash; });
            return served && equal(cert_id.issuer_name_hash, identity.issuer.name_hash(*cert_id.hash)) &&
                   equal(cert_id.issuer_key_hash, identity.issuer.key_hash(*cert_id.hash));
        }
        const auto hashes = identity.issuer.hashes_for(cert_id.hash_oid);
        return hashes && equal(cert_id.issuer_name_hash, hashes->name) &&
               equal(cert_id.issuer_key_hash, hashes->key);
    }

    SigningContext* context(const std::shared_ptr<const Identity>& identity) {
        if (const auto found = contexts.find(identity.get()); found != contexts.end())
            return found->second.get();
        auto made = make_signing_context(identity);
        if (!made) {
            spdlog::error("live answers of issuer {}: {}", identity->settings.name, made.error().message);
            return nullptr;
        }
        return contexts.emplace(identity.get(), std::move(*made)).first->second.get();
    }

    live::Reply answer(const live::Call& call);
    Result<Bytes> sign(SigningContext& context, const std::vector<ocsp::LiveSingle>& singles,
                       const std::vector<MeantSingle>& meant, const std::optional<Bytes>& nonce,
                       UtcTime produced_at);
};

LiveSigner::LiveSigner(std::vector<std::shared_ptr<const Identity>> identities, ledger::Ledger& ledger,
                       std::function<std::optional<Vouched>(const std::string&)> vouched,
                       TrustedNow trusted_now)
    : state_(std::make_unique<State>(
          State{std::move(identities), ledger, std::move(vouched), std::move(trusted_now), {}})) {}
LiveSigner::~LiveSigner() = default;

live::Reply LiveSigner::answer(const live::Call& call) {
    return state_->answer(call);
}

live::Reply LiveSigner::State::answer(const live::Call& call) {
    const auto refuse = [&](live::Verdict verdict) { return live::Reply{call.id, verdict, {}}; };
    const auto found = std::ranges::find_if(
        identities, [&](const auto& identity) { return identity->issuer.id() == call.issuer; });
    if (found == identities.end() || call.cert_ids.empty())
        return refuse(live::Verdict::unauthorized);
    const auto& identity = *found;
    const auto trusted = trusted_now();
    if (!trusted)
        return refuse(
            live::Verdict::failed);  // logged when the clock went wrong; the front has stored answers
    const UtcTime now = *trusted;
    const auto source = vouched(call.issuer);
    if (!source)
        return refuse(live::Verdict::busy);
    const auto times =
        answer_times(now, *source, identity->signer_certificate.not_after(), identity->settings);
    if (times.next_update <= now)
        return refuse(live::Verdict::failed);

    std::vector<ocsp::LiveSingle> singles;
    std::vector<MeantSingle> meant;
    std::vector<Bytes> extensions;
    std::vector<std::optional<Serial>> serials;  // what `meant` borrows
    extensions.reserve(call.cert_ids.size());
    serials.reserve(call.cert_ids.size());
    bool any_issued = false;
    for (const auto& tlv : call.cert_ids) {
        const auto cert_id = ocsp::parse_cert_id(tlv);
        if (!cert_id || !names_issuer(*cert_id, *identity))
            return refuse(live::Verdict::unauthorized);
        serials.push_back(Serial::from_der_content(cert_id->serial));
        std::optional<ledger::Certificate> certificate;
        if (serials.back()) {
            auto looked_up = ledger.find(call.issuer, *serials.back());
            if (!looked_up) {
                spdlog::error("ledger: {}", looked_up.error().message);
                return refuse(live::Verdict::failed);
            }
            certificate = std::move(*looked_up);
        }
        any_issued = any_issued || certificate.has_value();
        extensions.push_back(identity->profiles.back().answer.single_extensions);
        if (certificate) {
            const Bytes own = single_extensions(*certificate, identity->settings);
            extensions.back().insert(extensions.back().end(), own.begin(), own.end());
        } else {
            extensions.back().clear();  // nothing is claimed about what was never issued
        }
        const CertStatus status = certificate ? certificate->status : CertStatus{};
        const AnswerTimes own = certificate ? times_of(*certificate, times) : times;
        singles.push_back({tlv, !certificate, status, own.this_update, own.next_update, extensions.back()});
        meant.push_back({tlv, serials.back() ? serials.back()->magnitude() : ByteView{}, !certificate, status,
                         own.this_update, own.next_update});
    }
    if (!any_issued)
        return refuse(
            live::Verdict::unauthorized);  // C-02: nothing is signed for serials never issued
    SigningContext* mine = context(identity);
    if (mine == nullptr)
        return refuse(live::Verdict::failed);
    auto response = sign(*mine, singles, meant, call.nonce, times.produced_at);
    if (!response) {
        spdlog::error("live answer of issuer {}: {}", identity->settings.name, response.error().message);
        return refuse(live::Verdict::failed);
    }
    return {call.id, live::Verdict::signed_answer, std::move(*response)};
}

Result<Bytes> LiveSigner::State::sign(SigningContext& context, const std::vector<ocsp::LiveSingle>& singles,
                                      const std::vector<MeantSingle>& meant,
                                      const std::optional<Bytes>& nonce, UtcTime produced_at) {
    const auto& profile = context.identity->profiles.back().answer;
    const std::optional<ByteView> nonce_view = nonce ? std::optional<ByteView>{*nonce} : std::nullopt;
    std::array<std::uint8_t, limits::answer_octets> data_buffer;
    const auto data = ocsp::encode_live_response_data(profile.responder_key_hash, produced_at, singles,
                                                      nonce_view, data_buffer);
    if (data.empty())
        return fail("the answer does not fit its buffer");
    auto raw = context.signer->sign(data);
    if (!raw)
        return fail("signing failed", raw.error());
    std::array<std::uint8_t, limits::signature_octets> value_buffer;
    const auto value = ocsp::encode_signature_value(profile.signature_form, *raw, value_buffer);
    std::array<std::uint8_t, limits::answer_octets> buffer;
    const auto response = ocsp::encode_signed_response(data, profile.signature_algorithm, value,
                                                       profile.signer_certificate, buffer);
    if (response.empty())
        return fail("the answer does not fit its buffer");
    if (auto checked = check_answer(response, profile, produced_at, meant, nonce_view, context.verifier);
        !checked) {
        return tl::unexpected<Error>(checked.error());
    }
    return Bytes(response.begin(), response.end());
}

}  // namespace eightbells::signer
