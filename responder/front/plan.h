#ifndef EIGHTBELLS_RESPONDER_FRONT_PLAN_H
#define EIGHTBELLS_RESPONDER_FRONT_PLAN_H

#include <cstdint>
#include <optional>

#include "responder/base/clock.h"
#include "responder/base/serial.h"
#include "responder/crypto/digest.h"
#include "responder/front/state.h"
#include "responder/ocsp/answer.h"
#include "responder/ocsp/request.h"

namespace eightbells::front {

// Why no signed answer is given. One reason, one OCSP error status.
enum class Refusal : std::uint8_t {
    malformed,       // malformedRequest: the request does not parse, or a GET path does not decode
    unknown_issuer,  // unauthorized (C-04); also CertIDs of several issuers in one request, for which there
                     // is no one signer
    unknown_hash,    // unauthorized: nothing signed ahead for this hash, and no signer to ask
    hash_off,        // unauthorized (B-07): SHA-1 is off for this issuer
    not_issued,      // unauthorized: a verified page says so, or it is no serial at all
    not_loaded,      // tryLater (C-05): no verified statement is held
    expired,         // tryLater (C-17): what is held is past its nextUpdate
    not_yet_valid,   // tryLater (D-09): thisUpdate lies further ahead than clocks may differ
    signer_away,     // tryLater: not configured, not connected, too late or too busy
    signer_refused,  // unauthorized: the signer says that nothing of it was ever issued
    signer_wrong,    // tryLater: what came back is not an answer to what was asked
    internal,        // internalError: a record that does not encode
};
inline constexpr std::size_t refusals = 12;
ocsp::ResponseStatus status_of(Refusal refusal) noexcept;

// What is done with a request. This is the one place that decides it; nothing of it is undone further on.
struct Plan {
    enum class Route : std::uint8_t {
        stored,  // send what was signed ahead
        read,    // a page has to be read from the disk first: `awaited`; then plan again
        live,    // ask the signer; where it does not answer, `stored` if there is one, else tryLater
        refuse,
    };
    Route route = Route::refuse;
    Refusal refusal = Refusal::internal;  // of route refuse
    std::optional<std::size_t> issuer;    // in FrontState::issuers, once known
    std::optional<cache::IssuerSnapshot::Found>
        stored;                             // always of route stored; may be there for route live
    std::optional<cache::PageRef> awaited;  // of route read
};

// What a certificate is looked up by, out of a request's CertID alone.
struct LookupKey {
    Serial serial;
    std::uint64_t hash = 0;  // crypto::serial_hash
};
// nullopt: no serial at all.
std::optional<LookupKey> lookup_key(const ocsp::CertIdView& cert_id, crypto::Sha256& sha256) noexcept;

// What the worker brings along.
struct Surroundings {
    const FrontState& state;
    crypto::Sha256& sha256;
    bool live = false;  // there is a signer to ask (front.live_socket, front.live_signers)
    UtcTime now{};
    const LookupKey* key = nullptr;  // of the one certificate asked about, where it is known already
};

// REQUIRES: at least one CertID. Borrows from the state. No allocation, no lock, nothing is signed or stored
// on the way.
//
// One CertID goes to the signer only where its issuer asks for it: answers = "live", nonce = "echo" and a
// nonce in the request, an answer older than max_age, or a hash that nothing is signed ahead for. Several go
// there always, and are answered all in one signed answer or refused as a whole. In both cases only
// when a verified page shows that at least one of them was issued, so that a flood of invented serials costs
// no signature.
Plan plan(const ocsp::RequestView& request, const Surroundings& with) noexcept;

// The stored answer for one CertID alone, for when the signer did not answer: route stored or refuse.
Plan plan_stored(const ocsp::CertIdView& cert_id, const Surroundings& with) noexcept;

}  // namespace eightbells::front

#endif
