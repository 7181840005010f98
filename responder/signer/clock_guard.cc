#include "responder/signer/clock_guard.h"

#include <fmt/format.h>
#include <sys/timex.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "responder/base/durable_file.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

using metrics::ClockState;
using nlohmann::json;
using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::nanoseconds;

nanoseconds SystemTimeReference::since_boot() const noexcept {
    timespec time{};
    (void)::clock_gettime(CLOCK_BOOTTIME, &time);
    return seconds{time.tv_sec} + nanoseconds{time.tv_nsec};
}

bool SystemTimeReference::is_synchronised() const noexcept {
    timex state{};  // modes 0: only reads, for which no right is needed
    const int answer = ::adjtimex(&state);
    return answer != -1 && answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

ClockGuard::ClockGuard(std::filesystem::path file, config::ClockCheck check, const Clock& clock,
                       const TimeReference& reference, OnChange on_change)
    : file_(std::move(file)),
      check_(check),
      clock_(clock),
      reference_(reference),
      on_change_(std::move(on_change)) {
    const std::scoped_lock lock{mutex_};
    const UtcTime now = clock_.now();
    agreed_ = offset(now);
    synchronised_at_ = reference_.since_boot();
    record_ = {now, now, {}};
    load();
    stored_allowed_ = record_.allowed;
    if (record_.stepped.empty() && record_.allowed > now + limits::clock_step) {
        record_.stepped = fmt::format("the clock says {}, but at {} signing was already allowed by it",
                                      to_iso8601(now), to_iso8601(record_.allowed));
    }
    unsynchronised_before_ = std::max(seconds{0}, now - record_.synchronised);
    (void)look();
}

// What an earlier run wrote down; nothing yet is fine, anything else than that is not.
void ClockGuard::load() {
    std::error_code error;
    if (!std::filesystem::exists(file_, error) && !error)
        return;
    const auto bytes = read_file(file_, limits::clock_file_octets);
    const json stored = bytes ? json::parse(as_text(*bytes), nullptr, false) : json{};
    const auto text = [&](const char* name) -> std::string {
        if (!stored.is_object() || !stored.contains(name) || !stored[name].is_string())
            return {};
        return stored[name].get<std::string>();
    };
    const auto allowed = from_iso8601(text("allowed"));
    const auto synchronised = from_iso8601(text("synchronised"));
    if (!allowed || !synchronised) {
        record_.stepped = fmt::format("{}: {}, so nobody knows until when signing was allowed",
                                      file_.string(), bytes ? "it is damaged" : bytes.error().message);
        return;
    }
    record_ = {*allowed, *synchronised, text("stepped")};
}

Status ClockGuard::store() {
    json out{{"allowed", to_iso8601(record_.allowed)}, {"synchronised", to_iso8601(record_.synchronised)}};
    if (!record_.stepped.empty())
        out["stepped"] = record_.stepped;
    const std::string text = out.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    if (auto written = write_file_durably(file_, as_bytes(text)); !written)
        return written;
    stored_allowed_ = record_.allowed;
    to_be_stored_ = false;
    return {};
}

seconds ClockGuard::offset(UtcTime now) const noexcept {
    return now.time_since_epoch() - duration_cast<seconds>(reference_.since_boot());
}

seconds ClockGuard::unsynchronised_for() const noexcept {
    return unsynchronised_before_ + duration_cast<seconds>(reference_.since_boot() - synchronised_at_);
}

void ClockGuard::note(Reading reading) {
    if (reading == reading_)
        return;
    reading_ = std::move(reading);
    on_change_(reading_);
}

// One look at the clock; the reading is right for the time that is returned. REQUIRES: mutex_.
UtcTime ClockGuard::look() {
    const UtcTime now = clock_.now();
    if (check_ == config::ClockCheck::off)
        return now;
    const seconds step = offset(now) - agreed_;
    if (record_.stepped.empty() && std::chrono::abs(step) > limits::clock_step) {
        record_.stepped = fmt::format("the clock was stepped by {}{} s to {}", step > seconds{0} ? "+" : "",
                                      step.count(), to_iso8601(now));
        to_be_stored_ = true;
    }
    // In memory it counts at once. A restart would be told of a step back by `allowed`, of one forwards by
    // nothing else: it is tried until it stands there.
    if (to_be_stored_)
        (void)store();
    if (check_ == config::ClockCheck::steps || reference_.is_synchronised()) {
        synchronised_at_ = reference_.since_boot();
        unsynchronised_before_ = seconds{0};
        if (record_.stepped.empty())
            record_.synchronised = now;
    }
    const seconds loose = unsynchronised_for();
    if (!record_.stepped.empty()) {
        note({ClockState::stepped, false,
              record_.stepped + ": nothing is signed until `eightbells clock accept` (D-10)"});
    } else if (loose >= limits::clock_unsynchronised_stop) {
        note({ClockState::unsynchronised, false,
              fmt::format("the clock is not synchronised for {} hours: nothing is signed until it is, or "
                          "until `eightbells clock accept` (D-10)",
                          limits::clock_unsynchronised_stop / hours{1})});
    } else if (loose >= limits::clock_unsynchronised_alarm) {
        note({ClockState::unsynchronised, true,
              fmt::format(
                  "the clock is not synchronised for more than {} s: signing stops after {} hours. Start "
                  "the machine's NTP service, or set signer.clock_check = \"steps\" where nobody can "
                  "tell (D-10)",
                  limits::clock_unsynchronised_alarm.count(), limits::clock_unsynchronised_stop / hours{1})});
    } else {
        note({});
    }
    return now;
}

Result<UtcTime> ClockGuard::trusted_now() {
    const std::scoped_lock lock{mutex_};
    const UtcTime now = look();
    if (!reading_.may_sign)
        return fail("clock: " + reading_.why);
    if (check_ == config::ClockCheck::off)
        return now;
    record_.allowed = std::max(record_.allowed, now);
    std::error_code ignored;
    if (now >= stored_allowed_ + limits::clock_record || !std::filesystem::exists(file_, ignored)) {
        if (auto stored = store(); !stored)
            return fail("clock: the time cannot be written down", stored.error());
    }
    return now;
}

ClockGuard::Reading ClockGuard::reading() {
    const std::scoped_lock lock{mutex_};
    (void)look();
    return reading_;
}

Status ClockGuard::accept() {
    const std::scoped_lock lock{mutex_};
    const UtcTime now = clock_.now();
    const Record before = record_;
    record_ = {now, now, {}};
    if (auto stored = store(); !stored) {
        record_ = before;
        return stored;
    }
    agreed_ = offset(now);
    synchronised_at_ = reference_.since_boot();
    unsynchronised_before_ = seconds{0};
    (void)look();
    return {};
}

}  // namespace eightbells::signer
