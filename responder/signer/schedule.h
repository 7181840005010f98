#ifndef EIGHTBELLS_RESPONDER_SIGNER_SCHEDULE_H
#define EIGHTBELLS_RESPONDER_SIGNER_SCHEDULE_H

#include <cstdint>
#include <string>

#include "responder/base/clock.h"
#include "responder/crypto/certificate.h"

namespace eightbells::signer {

// When pages fall due. Every page has its own moment in the refresh period, proportional to its index, and
// falls due each time that moment comes round: the load is level by construction (D-19), needs no memory but
// when a page was last signed, and a page is never older than one period. Halves of a split page keep their
// parent's moment or lie half a step behind it.

// The latest moment, not after `now`, at which the page fell due. Counted from 1970, so that it does not move
// with restarts.
UtcTime last_due(UtcTime now, seconds period, unsigned page_bits, std::uint32_t index) noexcept;

inline bool is_due(UtcTime signed_at, UtcTime now, seconds period, unsigned page_bits,
                   std::uint32_t index) noexcept {
    return signed_at < last_due(now, period, page_bits, index);
}

// The times of an answer signed now. thisUpdate is the moment up to which the source speaks (B-13), never
// later than producedAt.
struct AnswerTimes {
    UtcTime produced_at{};
    UtcTime this_update{};
    UtcTime next_update{};
};
// nextUpdate is `validity` after producedAt, but never after the signer certificate's end (D-07), and for the
// web schemes never more than 7 days less a second after thisUpdate (D-05). `signer_not_after` is the
// delegate's, or the CA's when it signs itself.
AnswerTimes answer_times(UtcTime now, UtcTime as_of, seconds validity, UtcTime signer_not_after,
                         crypto::Scheme scheme) noexcept;
// For times whose next_update is not after produced_at: which of the bounds it is that leaves no time.
std::string why_nothing_can_be_signed(const AnswerTimes& times, UtcTime signer_not_after);

// How many bits of pages `certificates` of `record_octets` each need so that pages stay near
// limits::page_target_octets.
unsigned page_bits_for(std::uint64_t certificates, std::size_t record_octets) noexcept;

}  // namespace eightbells::signer

#endif
