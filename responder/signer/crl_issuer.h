#ifndef EIGHTBELLS_RESPONDER_SIGNER_CRL_ISSUER_H
#define EIGHTBELLS_RESPONDER_SIGNER_CRL_ISSUER_H

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "responder/base/clock.h"
#include "responder/ledger/ledger.h"
#include "responder/signer/clock_guard.h"
#include "responder/signer/crl_maker.h"

namespace eightbells::signer {

// How the CRLs of one issuer stand, for metrics and `status`.
struct CrlIssuance {
    std::string issuer;          // id
    std::uint64_t made = 0;      // rounds since the start
    std::uint64_t failures = 0;  // the same
    Bytes number;                // of the complete CRL; empty: none yet
    std::uint64_t entries = 0;
    UtcTime this_update{};
    UtcTime next_update{};
    std::optional<UtcTime> due;                // the next one, when nothing changes; nullopt: never again
    std::optional<UtcTime> spare_next_update;  // of the spare that is kept; nullopt: there is none
    std::chrono::milliseconds took{0};         // making them, the last time
    std::uint64_t changes_shown = 0;           // rounds for a change that were published since the start
    std::chrono::milliseconds shown_after{0};  // from the first change to its publication, the last time
    bool waits = false;                        // made, and not published yet
    bool last = false;                         // the last CRL is out (F-18)
    bool spare_out = false;                    // a spare is what is served
    std::optional<std::string> fault;
};

// Where CRLs go, and who hears of them. Called on the CRL issuer's threads.
class CrlOutlet {
  public:
    virtual ~CrlOutlet() = default;
    // To be served at this path.
    virtual void serve_crl(const std::string& issuer, const std::string& path,
                           std::shared_ptr<const MappedFile> der) = 0;
    // What was last handed over, or is served since before the start; null: nothing.
    virtual std::shared_ptr<const MappedFile> crl_at(const std::string& issuer, const std::string& path) = 0;
    // Handed over, and not durable in the page file yet.
    virtual bool crl_waits(const std::string& issuer, const std::string& path) = 0;
    virtual void on_issuance(const Identity& identity, const CrlIssuance& state) = 0;
};

// Issues the CRLs of every issuer that gave its key (RFC 5280, "CRL issuer"), on a thread of its own, so that
// ten million entries delay no answer: within `delay` of a change of status, and every `every` without one.
//
//   number taken (durable) -> dealt, signed, read back -> spares put by -> handed to the publisher -> in the
//   page file (durable) -> noted in the ledger
//
// Crash after "number taken": the number is never used, a gap (RFC 5280 allows them). After "spares": a spare
// whose number is above what is served, with the same entries or newer ones. After "handed over" or "page
// file": the ledger does not know that the changes are covered, so that one more CRL is made at the start.
//
// The spare: beside each CRL one with the same entries and thisUpdate, the next number and a longer validity.
// It says nothing that the served one does not, for longer. When the key has not signed and the served CRL
// ends within limits::crl_overlap, it is published by itself, through the gate that asks for a higher number:
// a spare that is older than what is served never passes. A later revocation is not on it, nor on what it
// replaces; that is the alarm.
class CrlIssuer {
  public:
    // `folder`: for scratch files and, in `crl-spares`, the spares.
    CrlIssuer(ledger::Ledger& ledger, std::filesystem::path folder,
              std::function<std::optional<UtcTime>(const std::string&)> as_of, TrustedNow trusted_now,
              CrlOutlet& outlet, const Clock& clock);
    ~CrlIssuer();
    CrlIssuer(const CrlIssuer&) = delete;
    CrlIssuer& operator=(const CrlIssuer&) = delete;

    // Before start(). One without a CRL key is passed over.
    Status add_issuer(const std::shared_ptr<const Identity>& identity);
    // One look at every issuer: true when CRLs were made. The thread calls it; tests call it themselves.
    bool round();
    void start();
    void stop();
    // The last CRL of the issuer (F-18): refused while a certificate is neither expired nor revoked. Any
    // thread; returns when it is handed over.
    Status issue_last(const std::string& issuer);

  private:
    struct Served {
        std::shared_ptr<const MappedFile> der;
        crl::CrlVersion version;
        UtcTime next_update{};
    };
    // Handed over, not yet known to be published.
    struct Waiting {
        std::vector<std::string> scopes;  // keys in the ledger
        std::vector<std::string> paths;
        std::vector<std::string> texts;  // for the audit log
        std::uint64_t covers = 0;
        std::vector<std::pair<std::uint64_t, Serial>> leaving;
        UtcTime this_update{};
        std::optional<std::chrono::steady_clock::time_point> changed_at;  // why they were made
    };
    struct Line {
        Line(std::shared_ptr<const Identity> used, const std::filesystem::path& scratch)
            : identity(used), maker(std::move(used), scratch) {}
        std::shared_ptr<const Identity> identity;
        CrlMaker maker;
        std::vector<std::optional<Served>> served;  // as maker.scopes()
        std::optional<Served> served_delta;
        std::shared_ptr<const MappedFile>
            base;  // of the next deltas: the complete CRL of the last regular round
        Bytes base_number;
        std::optional<UtcTime> regular_at;    // thisUpdate of the last regular round; nullopt: one is due
        std::optional<std::uint64_t> covers;  // changes on the published CRLs; nullopt: not known
        std::optional<std::chrono::steady_clock::time_point> changed_at;  // first seen uncovered
        UtcTime begun{};
        std::optional<Waiting> waiting;
        std::chrono::steady_clock::time_point retry_at{};
        CrlIssuance state;
    };
    struct Occasion {
        bool regular = false;
        bool last = false;
    };
    bool step(Line& line);
    std::optional<Served> served_at(const std::string& issuer, const std::string& path,
                                    const std::optional<Served>& known);
    void look_at_served(Line& line);
    Status settle(Line& line);
    Result<std::optional<Occasion>> occasion(Line& line, UtcTime now);
    Status issue(Line& line, UtcTime now, Occasion occasion);
    void note_made(Line& line, const MadeCrl& complete, std::uint64_t covers, Occasion occasion, UtcTime now,
                   std::chrono::steady_clock::time_point began);
    Result<std::vector<Bytes>> take_numbers(Line& line, UtcTime now);
    Result<std::optional<MadeCrl>> make_delta(Line& line, const MadeCrl& complete, const CrlTimes& times,
                                              UtcTime now);
    Status keep_spares(Line& line, const CrlMaker::Dealt& dealt, const std::vector<Bytes>& numbers,
                       const std::vector<MadeCrl>& made, UtcTime now);
    void hand_over(Line& line, std::size_t scope, const MadeCrl& made);
    void publish_spares(Line& line);
    void look_at_spares(Line& line);
    std::filesystem::path spare_file(const Line& line, std::size_t scope) const;
    void note_fault(Line& line, const Error& error);
    void loop();

    ledger::Ledger& ledger_;
    std::filesystem::path folder_;
    std::function<std::optional<UtcTime>(const std::string&)> as_of_;
    TrustedNow trusted_now_;
    CrlOutlet& outlet_;
    const Clock& clock_;

    std::mutex turn_;  // guards the lines: one round, or one last CRL, at a time
    std::vector<std::unique_ptr<Line>> lines_;

    std::mutex mutex_;  // guards what follows
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace eightbells::signer

#endif
