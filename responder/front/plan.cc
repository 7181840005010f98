#include "responder/front/plan.h"

#include "responder/base/serial.h"
#include "responder/front/limits.h"

namespace eightbells::front {
namespace {

using Lookup = cache::IssuerSnapshot::Lookup;
using Found = cache::IssuerSnapshot::Found;

Plan refused(Refusal refusal, std::optional<std::size_t> issuer = std::nullopt) noexcept {
    Plan plan;
    plan.refusal = refusal;
    plan.issuer = issuer;
    return plan;
}

struct Held {
    Lookup lookup = Lookup::not_loaded;
    Found found;
};

// What the snapshot knows of the serial. A CertID with a hash that nothing is signed ahead for is looked up
// in the pages that there are: they tell whether the serial was issued.
Held look_up(const ocsp::CertIdView& cert_id, std::size_t issuer, const Surroundings& with) noexcept {
    Held held;
    const auto serial = Serial::from_der_content(cert_id.serial);
    if (!serial) {
        held.lookup = Lookup::not_issued;
        return held;
    }
    const auto& snapshot = with.state.snapshots[issuer];
    if (snapshot == nullptr)
        return held;
    const std::uint64_t hash = crypto::serial_hash(with.sha256, serial->magnitude());
    held.lookup = snapshot->find(cert_id.hash.value_or(ocsp::HashAlgorithm::sha256), serial->magnitude(),
                                 hash, held.found);
    return held;
}

bool is_off(const ocsp::CertIdView& cert_id, const config::Issuer& settings) noexcept {
    return cert_id.hash == ocsp::HashAlgorithm::sha1 && !settings.sha1;
}

// Whether what was found may be sent now.
std::optional<Refusal> fault_of_times(const ocsp::SingleAnswer& single, UtcTime now) noexcept {
    if (single.next_update <= now)
        return Refusal::expired;
    if (single.this_update > now + limits::clock_difference)
        return Refusal::not_yet_valid;
    return std::nullopt;
}

Plan from_held(const Held& held, std::size_t issuer, UtcTime now) noexcept {
    switch (held.lookup) {
        case Lookup::not_issued:
            return refused(Refusal::not_issued, issuer);
        case Lookup::not_loaded:
            return refused(Refusal::not_loaded, issuer);
        case Lookup::found:
            break;
    }
    if (const auto fault = fault_of_times(held.found.single, now))
        return refused(*fault, issuer);
    Plan plan;
    plan.route = Plan::Route::stored;
    plan.issuer = issuer;
    plan.stored = held.found;
    return plan;
}

Plan for_one(const ocsp::CertIdView& cert_id, bool has_nonce, const Surroundings& with) noexcept {
    const auto issuer = with.state.issuers->find(cert_id);
    if (!issuer)
        return refused(Issuers::knows_hash(cert_id.hash_oid) ? Refusal::unknown_issuer
                                                             : Refusal::unknown_hash);
    const config::Issuer& settings = (*with.state.issuers)[*issuer].settings;
    if (is_off(cert_id, settings))
        return refused(Refusal::hash_off, issuer);
    if (!cert_id.hash && !with.live)
        return refused(Refusal::unknown_hash, issuer);
    const Held held = look_up(cert_id, *issuer, with);
    const Plan stored = from_held(held, *issuer, with.now);
    const bool wants_live = !cert_id.hash || settings.answers == config::Answers::live ||
                            (has_nonce && settings.nonce == config::Nonce::echo);
    if (!with.live || !wants_live || held.lookup != Lookup::found)
        return stored;
    Plan live;
    live.route = Plan::Route::live;
    live.issuer = issuer;
    // What was found for another hash than asked for proves that the serial was issued, and is no answer.
    if (cert_id.hash && stored.route == Plan::Route::stored)
        live.stored = stored.stored;
    return live;
}

Plan for_several(std::span<const ocsp::CertIdView> cert_ids, const Surroundings& with) noexcept {
    const auto issuer = with.state.issuers->find(cert_ids.front());
    if (!issuer)
        return refused(Refusal::unknown_issuer);
    const config::Issuer& settings = (*with.state.issuers)[*issuer].settings;
    bool issued = false;
    bool certain = true;
    for (const ocsp::CertIdView& cert_id : cert_ids) {
        if (with.state.issuers->find(cert_id) != issuer)
            return refused(Refusal::unknown_issuer);
        if (is_off(cert_id, settings))
            return refused(Refusal::hash_off, issuer);
        const Lookup lookup = look_up(cert_id, *issuer, with).lookup;
        issued = issued || lookup == Lookup::found;
        certain = certain && lookup != Lookup::not_loaded;
    }
    if (!issued)
        return refused(certain ? Refusal::not_issued : Refusal::not_loaded, issuer);
    if (!with.live)
        return refused(Refusal::signer_away, issuer);
    Plan live;
    live.route = Plan::Route::live;
    live.issuer = issuer;
    return live;
}

}  // namespace

ocsp::ResponseStatus status_of(Refusal refusal) noexcept {
    switch (refusal) {
        case Refusal::malformed:
            return ocsp::ResponseStatus::malformed_request;
        case Refusal::unknown_issuer:
        case Refusal::unknown_hash:
        case Refusal::hash_off:
        case Refusal::not_issued:
        case Refusal::signer_refused:
            return ocsp::ResponseStatus::unauthorized;
        case Refusal::not_loaded:
        case Refusal::expired:
        case Refusal::not_yet_valid:
        case Refusal::signer_away:
        case Refusal::signer_wrong:
            return ocsp::ResponseStatus::try_later;
        case Refusal::internal:
            break;
    }
    return ocsp::ResponseStatus::internal_error;
}

Plan plan(const ocsp::RequestView& request, const Surroundings& with) noexcept {
    const auto cert_ids = request.cert_ids();
    return cert_ids.size() == 1 ? for_one(cert_ids.front(), request.nonce().has_value(), with)
                                : for_several(cert_ids, with);
}

Plan plan_stored(const ocsp::CertIdView& cert_id, const Surroundings& with) noexcept {
    Surroundings without_signer{with.state, with.sha256, false, with.now};
    return for_one(cert_id, false, without_signer);
}

}  // namespace eightbells::front
