#ifndef EIGHTBELLS_RESPONDER_WATCH_HISTORY_H
#define EIGHTBELLS_RESPONDER_WATCH_HISTORY_H

#include <compare>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "responder/base/clock.h"
#include "responder/base/result.h"
#include "responder/watch/cause.h"
#include "responder/watch/timeline.h"

namespace eightbells::watch {

// What is asked again and again: one issuer's status, by one method, at one address. Addresses are those of
// the service, never of clients.
struct SeriesKey {
    std::string issuer;
    Method method = Method::ocsp_get;
    std::string address;  // "192.0.2.1:80", "[2001:db8::1]:443"; "" while the name never had one
    friend std::strong_ordering operator<=>(const SeriesKey&, const SeriesKey&) = default;
    friend bool operator==(const SeriesKey&, const SeriesKey&) = default;
};

// A probe that saw something else than the one before.
struct Change {
    UtcTime time{};
    Cause cause = Cause::none;  // none: in reach again
    std::string text;           // which canary, what was there and what was due
    std::string evidence;       // SHA-256 in hex of the answer's bytes in the ledger; empty: none
    std::uint64_t row = 0;      // where it stands in the ledger
};

struct Count {
    std::uint64_t probes = 0;
    std::uint64_t failed = 0;
    double share() const noexcept {
        return probes == 0 ? 0.0 : static_cast<double>(failed) / static_cast<double>(probes);
    }
};

// One series, compressed: what was seen holds from its probe to the next; when the next comes later than
// `hold`, what lies between is unobserved.
class SeriesHistory {
  public:
    SeriesHistory(SeriesKey key, seconds hold) : key_(std::move(key)), hold_(hold) {}

    // A probe's outcome; `none` passes. Not later than the last one: left out (a clock that was set back).
    void observe(UtcTime time, Cause cause);
    void note(Change change) { changes_.push_back(std::move(change)); }
    void set_hold(seconds hold) noexcept { hold_ = hold; }

    const SeriesKey& key() const noexcept { return key_; }
    std::optional<UtcTime> last() const noexcept { return last_; }  // the newest probe
    Cause state() const noexcept { return state_; }                 // what it saw
    bool would_change(UtcTime time, Cause cause) const noexcept {
        return !last_ || cause != state_ || time - *last_ > hold_;
    }
    // Covers the window whole. The newest probe holds for `hold` at most beyond itself.
    Timeline timeline(const Window& window) const;
    // In the whole hours of which any part lies in the window.
    Count count(const Window& window) const;
    const std::vector<Change>& changes() const noexcept { return changes_; }

  private:
    struct Hour {
        UtcTime begin{};
        Count count;
    };
    SeriesKey key_;
    seconds hold_;
    std::optional<UtcTime> last_;
    Cause state_ = Cause::none;
    Timeline segments_;  // ends at last_
    std::vector<Hour> hours_;
    std::vector<Change> changes_;
};

// What the answers said of themselves, noted whenever it changed.
struct OcspFacts {
    UtcTime time{};              // when it was seen
    UtcTime this_update{};       // the oldest of the canaries' answers
    UtcTime next_update{};       // the earliest: until then status stays valid if nothing is refreshed
    UtcTime signer_not_after{};  // the end of the signer's certificate
    bool same(const OcspFacts& other) const noexcept {
        return this_update == other.this_update && next_update == other.next_update &&
               signer_not_after == other.signer_not_after;
    }
};
struct CrlFacts {
    UtcTime time{};
    std::string number;  // CRLNumber in decimal; empty: none
    UtcTime this_update{};
    UtcTime next_update{};
    std::uint64_t size = 0;
    std::uint64_t entries = 0;
    bool same(const CrlFacts& other) const noexcept {
        return number == other.number && this_update == other.this_update &&
               next_update == other.next_update && size == other.size;
    }
};

// From a revocation to its first correct answer outside (D-02, D-03).
struct RevocationSeen {
    Method method = Method::ocsp_get;
    UtcTime revoked_at{};
    UtcTime seen_at{};
    std::string reference;  // which one, without its serial number: see reference_of() in revocations.h
    seconds delay() const noexcept { return seen_at - revoked_at; }
};

struct IssuerHistory {
    std::vector<OcspFacts> ocsp;
    std::vector<CrlFacts> crl;
    std::vector<RevocationSeen> revocations;
};

// A ledger's content as the arithmetic needs it: what its rows say, in their order.
class History {
  public:
    // One row of the ledger (outage_ledger.h has the kinds). Unknown kinds are an error: a ledger of a later
    // version must not be counted by half.
    Status apply(std::uint64_t number, std::string_view kind, const nlohmann::json& body);

    const std::string& watch() const noexcept { return watch_; }
    const std::string& key() const noexcept { return key_; }  // the watch's public key in hex
    // By the number under which the ledger speaks of it.
    const std::vector<SeriesHistory>& series() const noexcept { return series_; }
    std::optional<std::size_t> find(const SeriesKey& key) const;
    SeriesHistory& at(std::size_t series) { return series_.at(series); }
    // Issuers in the order of their first appearance.
    const std::vector<std::string>& issuers() const noexcept { return names_; }
    const IssuerHistory& issuer(const std::string& name) const;
    IssuerHistory& issuer_for_writing(const std::string& name);
    UtcTime begun() const noexcept { return begun_; }
    std::optional<UtcTime> last_round() const noexcept { return last_round_; }

    // All addresses of one issuer and method together.
    Timeline timeline(const std::string& issuer, Method method, const Window& window) const;
    Count count(const std::string& issuer, Method method, const Window& window) const;

  private:
    Status apply_checked(std::uint64_t number, std::string_view kind, const nlohmann::json& body);
    Status apply_change(std::uint64_t number, const nlohmann::json& body);
    Status apply_round(const nlohmann::json& body);
    Status apply_series(const nlohmann::json& body);
    Status apply_facts(const nlohmann::json& body);

    std::string watch_;
    std::string key_;
    UtcTime begun_{};
    std::optional<UtcTime> last_round_;
    std::vector<SeriesHistory> series_;
    std::map<SeriesKey, std::size_t> numbers_;
    std::vector<std::string> names_;
    std::map<std::string, IssuerHistory> issuers_;
};

// Several watches: what all that looked saw as out of reach. One alone is the vantage on its own.
Timeline merged(const std::vector<const History*>& watches, const std::string& issuer, Method method,
                const Window& window);

}  // namespace eightbells::watch

#endif
