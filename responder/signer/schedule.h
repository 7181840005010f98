#ifndef EIGHTBELLS_RESPONDER_SIGNER_SCHEDULE_H
#define EIGHTBELLS_RESPONDER_SIGNER_SCHEDULE_H

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "responder/base/clock.h"
#include "responder/config/config.h"
#include "responder/ledger/ledger.h"

namespace eightbells::signer {

// How fast due pages are signed again: evenly, and after an outage at no more than limits::catch_up times the
// mean, so that neither the signer nor whoever follows it meets a peak (D-19). Oldest first at more than the
// mean rate, no page waits longer than the outage was. One thread.
class Pace {
  public:
    explicit Pace(double catch_up) noexcept : catch_up_(catch_up) {}
    // How many pages may be signed now. `now` is the time that answers are signed with: what passes while a
    // machine is suspended counts too.
    std::size_t allowance(UtcTime now, seconds period, unsigned page_bits) noexcept;
    void spend(std::size_t pages) noexcept { credit_ -= static_cast<double>(pages); }

  private:
    double catch_up_;
    double credit_ = 1;  // pages
    std::optional<UtcTime> seen_;
};

// What an issuer's source vouches for: the moment up to which it speaks, and the moment after which it says
// nothing any more (a CRL's nextUpdate, where the CRL alone is the source).
struct Vouched {
    UtcTime as_of{};
    UtcTime until = year_9999;
};

// The times of an answer signed now. thisUpdate is the moment up to which the source speaks (B-13), never
// later than producedAt.
struct AnswerTimes {
    UtcTime produced_at{};
    UtcTime this_update{};
    UtcTime next_update{};
};
// nextUpdate is `settings.validity` after producedAt, but never after the signer certificate's end (D-07) nor
// after what the source vouches for, and for the web schemes never more than 7 days less a second (D-05), or
// for a CA that certifies CAs twelve months (D-08), after thisUpdate. `signer_not_after` is the delegate's,
// or the CA's when it signs itself.
AnswerTimes answer_times(UtcTime now, const Vouched& source, UtcTime signer_not_after,
                         const config::Issuer& settings) noexcept;
// The same for one certificate: a revocation is its own word for its own moment, so that no answer claims to
// be older than the revocation it states.
AnswerTimes times_of(const ledger::Certificate& certificate, AnswerTimes times) noexcept;
// For times whose next_update is not after produced_at: which of the bounds it is that leaves no time.
std::string why_nothing_can_be_signed(const AnswerTimes& times, const Vouched& source,
                                      UtcTime signer_not_after);

// How many bits of pages `certificates` of `record_octets` each need so that pages stay near
// limits::page_target_octets.
unsigned page_bits_for(std::uint64_t certificates, std::size_t record_octets) noexcept;

}  // namespace eightbells::signer

#endif
