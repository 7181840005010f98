#include "responder/signer/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "responder/base/limits.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

std::size_t Pace::allowance(UtcTime now, seconds period, unsigned page_bits) noexcept {
    const double pages = std::ldexp(1.0, static_cast<int>(page_bits));
    const double rate = catch_up_ * pages / static_cast<double>(std::max<std::int64_t>(period.count(), 1));
    const seconds passed = seen_ ? std::max(now - *seen_, seconds{0}) : seconds{0};
    seen_ = now;
    // What was not needed is not saved up: that would be a peak later.
    const double most = std::max(1.0, rate * std::chrono::duration<double>{limits::pace_window}.count());
    credit_ = std::isinf(rate) ? most : std::min(most, credit_ + rate * static_cast<double>(passed.count()));
    return credit_ < 1 ? 0 : static_cast<std::size_t>(std::min(credit_, pages));
}

AnswerTimes answer_times(UtcTime now, const Vouched& source, UtcTime signer_not_after,
                         const config::Issuer& settings) noexcept {
    AnswerTimes times{.produced_at = now,
                      .this_update = std::min(now, source.as_of),
                      .next_update = now + settings.validity};
    times.next_update = std::min({times.next_update, signer_not_after, source.until});
    if (crypto::is_public_trust(settings.scheme)) {
        const seconds longest = settings.issues_cas ? limits::ca_status_age : limits::web_validity;
        times.next_update = std::min(times.next_update, times.this_update + longest);
    }
    return times;
}

AnswerTimes times_of(const ledger::Certificate& certificate, AnswerTimes times) noexcept {
    if (certificate.status)
        times.this_update =
            std::max(times.this_update, std::min(certificate.status->time, times.produced_at));
    return times;
}

std::string why_nothing_can_be_signed(const AnswerTimes& times, const Vouched& source,
                                      UtcTime signer_not_after) {
    if (signer_not_after <= times.produced_at) {
        return fmt::format("the signer certificate ended at {}: nothing can be signed (D-07)",
                           to_iso8601(signer_not_after));
    }
    if (source.until <= times.produced_at) {
        return fmt::format(
            "the CRL that this issuer's status comes from ended at {}: no answer can be derived from it "
            "(B-13); "
            "a newer one is needed",
            to_iso8601(source.until));
    }
    return fmt::format(
        "the CA's records were last confirmed at {}: no answer from them may be valid now (D-05, D-08, B-13)",
        to_iso8601(times.this_update));
}

unsigned page_bits_for(std::uint64_t certificates, std::size_t record_octets) noexcept {
    unsigned bits = 0;
    while (bits < limits::page_bits && (certificates >> bits) * record_octets > limits::page_target_octets)
        ++bits;
    return bits;
}

}  // namespace eightbells::signer
