#ifndef EIGHTBELLS_RESPONDER_SIGNER_CLOCK_GUARD_H
#define EIGHTBELLS_RESPONDER_SIGNER_CLOCK_GUARD_H

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "responder/base/clock.h"
#include "responder/config/config.h"
#include "responder/metrics/outcome.h"

namespace eightbells::signer {

// What the wall clock is held against. Any thread.
class TimeReference {
  public:
    virtual ~TimeReference() = default;
    // Never stepped, and runs on while the machine is suspended.
    virtual std::chrono::nanoseconds since_boot() const noexcept = 0;
    // Whether the wall clock follows UTC; false too where nobody can tell.
    virtual bool is_synchronised() const noexcept = 0;
};

// CLOCK_BOOTTIME, and what the kernel was told by the machine's NTP service (adjtimex, STA_UNSYNC).
class SystemTimeReference final : public TimeReference {
  public:
    std::chrono::nanoseconds since_boot() const noexcept override;
    bool is_synchronised() const noexcept override;
};

// The time to sign with, or why nothing may be signed (D-10). Any thread.
using TrustedNow = std::function<Result<UtcTime>()>;

// Nothing is signed under a clock that cannot be believed (D-10): serving goes on, and whoever signs gets the
// reason instead of the time.
//  - A step: the wall clock has left the reference by more than limits::clock_step, forwards or backwards, in
//    one go or little by little; or it is earlier at a start than when signing was last allowed. From then on
//    nothing is signed until an operator has accepted the clock as it is, across restarts.
//  - Not synchronised: an alarm after limits::clock_unsynchronised_alarm, no signing after
//    limits::clock_unsynchronised_stop, until it is synchronised again or accepted. The time runs on across
//    restarts.
// What it must know after a restart is in one small file, replaced durably before the time that it allows is
// more than limits::clock_record ahead of it. A file that cannot be read counts as a step. Any thread.
class ClockGuard {
  public:
    struct Reading {
        metrics::ClockState state = metrics::ClockState::trusted;
        bool may_sign = true;
        std::string why;  // empty: nothing is wrong
        friend bool operator==(const Reading&, const Reading&) = default;
    };
    // When the reading changes, and what was accepted; called with the guard's lock held: it must not call
    // the guard.
    using OnChange = std::function<void(const Reading&)>;
    // `clock` and `reference` must outlive it.
    ClockGuard(std::filesystem::path file, config::ClockCheck check, const Clock& clock,
               const TimeReference& reference, OnChange on_change);

    // The time to sign with, or why nothing may be signed.
    Result<UtcTime> trusted_now();
    Reading reading();
    // The operator's word that the clock is right now. An error: it could not be written down.
    Status accept();

  private:
    struct Record {
        UtcTime allowed{};       // signing was allowed at this time
        UtcTime synchronised{};  // the clock was last synchronised
        std::string stepped;     // why signing is stopped until accepted; empty: it is not
    };
    void load();
    Status store();
    UtcTime look();
    std::chrono::seconds offset(UtcTime now) const noexcept;
    std::chrono::seconds unsynchronised_for() const noexcept;
    void note(Reading reading);

    const std::filesystem::path file_;
    const config::ClockCheck check_;
    const Clock& clock_;
    const TimeReference& reference_;
    const OnChange on_change_;

    std::mutex mutex_;
    Record record_;
    UtcTime stored_allowed_{};
    bool to_be_stored_ = false;                     // a step that could not be written down yet
    std::chrono::seconds agreed_{};                 // wall clock less reference when last agreed upon
    std::chrono::nanoseconds synchronised_at_{};    // by the reference
    std::chrono::seconds unsynchronised_before_{};  // at the start
    Reading reading_;
};

}  // namespace eightbells::signer

#endif
