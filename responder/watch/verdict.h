#ifndef EIGHTBELLS_RESPONDER_WATCH_VERDICT_H
#define EIGHTBELLS_RESPONDER_WATCH_VERDICT_H

#include <cstdint>
#include <optional>
#include <string>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/base/serial.h"
#include "responder/base/status.h"
#include "responder/watch/cause.h"

namespace eightbells::watch {

// Right, or the first thing that was wrong. Texts are for the ledger: they may name a canary, never a client.
struct Verdict {
    Cause cause = Cause::none;
    std::string text;
    bool right() const noexcept { return cause == Cause::none; }
};
inline Verdict wrong(Cause cause, std::string text) {
    return {cause, std::move(text)};
}

enum class RequestHash : std::uint8_t { sha1, sha256 };

// A certificate whose status is known beforehand.
struct Canary {
    CanaryKind kind = CanaryKind::good;
    Serial serial;
    Bytes certificate;  // DER; where only a serial was configured, a stand-in for Botan, which asks for one
};

enum class SeenStatus : std::uint8_t { good, revoked, unknown };
struct SeenRevocation {
    UtcTime time{};
    std::optional<CrlReason> reason;
    friend bool operator==(const SeenRevocation&, const SeenRevocation&) = default;
};

// An OCSP answer as OpenSSL reads and verifies it. What stands beside a verdict that is not right may be
// missing.
struct OcspSeen {
    Verdict verdict;
    int response_status = -1;  // OCSPResponseStatus; -1: not read that far
    SeenStatus status = SeenStatus::unknown;
    std::optional<SeenRevocation> revocation;
    UtcTime this_update{};
    UtcTime produced_at{};
    std::optional<UtcTime> next_update;
    UtcTime signer_not_after{};
};

// The same through Botan: whether it would be accepted, and as what.
struct SecondOpinion {
    bool accepted = false;
    std::string why;  // not: Botan's words
    std::optional<SeenStatus> status;
};

}  // namespace eightbells::watch

#endif
