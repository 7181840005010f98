#include "responder/front/plan.h"

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

// What the snapshot knows of the serial. A CertID with a hash that nothing is signed ahead for is looked up
// in the pages that there are: they tell whether the serial was issued.
Lookup look_up(const ocsp::CertIdView& cert_id, std::size_t issuer, const Surroundings& with, Found& found,
               std::optional<cache::PageRef>& awaited) noexcept {
    const auto made = with.key == nullptr ? lookup_key(cert_id, with.sha256) : std::nullopt;
    const LookupKey* const key = made ? &*made : with.key;
    if (key == nullptr)
        return Lookup::not_issued;
    const auto& snapshot = with.state.snapshots[issuer];
    if (snapshot == nullptr)
        return Lookup::not_loaded;
    const auto hash = cert_id.hash.value_or(ocsp::HashAlgorithm::sha256);
    const Lookup lookup = snapshot->find(hash, key->serial.magnitude(), key->hash, found);
    if (lookup != Lookup::on_disk)
        return lookup;
    awaited = snapshot->awaited(hash, key->serial.magnitude(), key->hash);
    // Not any more: it came just now.
    return awaited ? lookup : snapshot->find(hash, key->serial.magnitude(), key->hash, found);
}

bool is_off(const ocsp::CertIdView& cert_id, const config::Issuer& settings) noexcept {
    return cert_id.hash == ocsp::HashAlgorithm::sha1 && !settings.sha1;
}

// Why what was looked up may not be sent now; nothing: it may.
std::optional<Refusal> fault_of(Lookup lookup, const Found& found, UtcTime now) noexcept {
    switch (lookup) {
        case Lookup::not_issued:
            return Refusal::not_issued;
        case Lookup::not_loaded:
        case Lookup::on_disk:
            return Refusal::not_loaded;
        case Lookup::found:
            break;
    }
    if (found.single.next_update <= now + limits::expiry_margin)
        return Refusal::expired;
    if (found.single.this_update > now + limits::clock_difference)
        return Refusal::not_yet_valid;
    return std::nullopt;
}

// Fills `plan` where it is: what was found is large, and each request would copy it otherwise.
void for_one(const ocsp::CertIdView& cert_id, bool has_nonce, const Surroundings& with, Plan& plan) noexcept {
    const auto issuer = with.state.issuers->find(cert_id);
    const auto refuse = [&](Refusal refusal) {
        plan.stored.reset();
        plan.refusal = refusal;
    };
    if (!issuer)
        return refuse(Issuers::knows_hash(cert_id.hash_oid) ? Refusal::unknown_issuer
                                                            : Refusal::unknown_hash);
    plan.issuer = issuer;
    const config::Issuer& settings = (*with.state.issuers)[*issuer].settings;
    if (is_off(cert_id, settings))
        return refuse(Refusal::hash_off);
    if (!cert_id.hash && !with.live)
        return refuse(Refusal::unknown_hash);
    const Lookup lookup = look_up(cert_id, *issuer, with, plan.stored.emplace(), plan.awaited);
    if (lookup == Lookup::on_disk && plan.awaited) {
        plan.stored.reset();
        plan.route = Plan::Route::read;
        return;
    }
    const auto fault = fault_of(lookup, *plan.stored, with.now);
    const bool aged = settings.max_age && lookup == Lookup::found &&
                      with.now - plan.stored->single.produced_at > *settings.max_age;
    const bool wants_live = aged || !cert_id.hash || settings.answers == config::Answers::live ||
                            (has_nonce && settings.nonce == config::Nonce::echo);
    if (with.live && wants_live && lookup == Lookup::found) {
        plan.route = Plan::Route::live;
        // What was found for another hash than asked for proves that the serial was issued, and is no answer.
        if (!cert_id.hash || fault)
            plan.stored.reset();
    } else if (fault) {
        refuse(*fault);
    } else {
        plan.route = Plan::Route::stored;
    }
}

Plan for_several(std::span<const ocsp::CertIdView> cert_ids, const Surroundings& with) noexcept {
    const auto issuer = with.state.issuers->find(cert_ids.front());
    if (!issuer)
        return refused(Refusal::unknown_issuer);
    const config::Issuer& settings = (*with.state.issuers)[*issuer].settings;
    Found unused;
    Plan plan;
    plan.issuer = issuer;
    bool issued = false;
    bool certain = true;
    for (const ocsp::CertIdView& cert_id : cert_ids) {
        if (with.state.issuers->find(cert_id) != issuer)
            return refused(Refusal::unknown_issuer);
        if (is_off(cert_id, settings))
            return refused(Refusal::hash_off, issuer);
        const Lookup lookup = look_up(cert_id, *issuer, with, unused, plan.awaited);
        if (lookup == Lookup::on_disk && plan.awaited) {
            plan.route = Plan::Route::read;
            return plan;
        }
        issued = issued || lookup == Lookup::found;
        certain = certain && lookup != Lookup::not_loaded && lookup != Lookup::on_disk;
    }
    if (!issued)
        return refused(certain ? Refusal::not_issued : Refusal::not_loaded, issuer);
    if (!with.live)
        return refused(Refusal::signer_away, issuer);
    plan.route = Plan::Route::live;
    return plan;
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

std::optional<LookupKey> lookup_key(const ocsp::CertIdView& cert_id, crypto::Sha256& sha256) noexcept {
    const auto serial = Serial::from_der_content(cert_id.serial);
    if (!serial)
        return std::nullopt;
    return LookupKey{*serial, crypto::serial_hash(sha256, serial->magnitude())};
}

Plan plan(const ocsp::RequestView& request, const Surroundings& with) noexcept {
    const auto cert_ids = request.cert_ids();
    Plan plan;
    if (cert_ids.size() == 1)
        for_one(cert_ids.front(), request.nonce().has_value(), with, plan);
    else
        plan = for_several(cert_ids, with);
    return plan;
}

Plan plan_stored(const ocsp::CertIdView& cert_id, const Surroundings& with) noexcept {
    Plan plan;
    for_one(cert_id, false, {with.state, with.sha256, false, with.now, nullptr}, plan);
    return plan;
}

}  // namespace eightbells::front
