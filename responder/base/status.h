#ifndef EIGHTBELLS_RESPONDER_BASE_STATUS_H
#define EIGHTBELLS_RESPONDER_BASE_STATUS_H

#include <cstdint>
#include <optional>
#include <string_view>

#include "responder/base/clock.h"

namespace eightbells {

// CRLReason (RFC 5280, section 5.3.1). 7 is not used there; 8 (removeFromCRL) only ever stands in a delta
// CRL.
enum class CrlReason : std::uint8_t {
    unspecified = 0,
    key_compromise = 1,
    ca_compromise = 2,
    affiliation_changed = 3,
    superseded = 4,
    cessation_of_operation = 5,
    certificate_hold = 6,
    remove_from_crl = 8,
    privilege_withdrawn = 9,
    aa_compromise = 10,
};

// The RFC's spelling: "keyCompromise". Any case is accepted on the way in.
std::string_view to_string(CrlReason reason) noexcept;
std::optional<CrlReason> reason_from_string(std::string_view text) noexcept;
std::optional<CrlReason> reason_from_code(std::uint64_t code) noexcept;  // nullopt for 7 and above 10

// RevokedInfo (RFC 6960, section 4.2.1) with what belongs beside it. `reason` is absent when unspecified
// (B-15).
struct Revocation {
    UtcTime time{};
    std::optional<CrlReason> reason;
    std::optional<UtcTime> invalidity_date;  // RFC 5280, section 5.3.2
    friend bool operator==(const Revocation&, const Revocation&) = default;
};

// A certificate's status: revoked (a hold is a revocation with reason certificateHold) or, without one, good.
using CertStatus = std::optional<Revocation>;

inline bool on_hold(const CertStatus& status) noexcept {
    return status && status->reason == CrlReason::certificate_hold;
}

}  // namespace eightbells

#endif
