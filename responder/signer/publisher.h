#ifndef EIGHTBELLS_RESPONDER_SIGNER_PUBLISHER_H
#define EIGHTBELLS_RESPONDER_SIGNER_PUBLISHER_H

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "cache/page_file.h"
#include "responder/base/clock.h"
#include "responder/ledger/ledger.h"
#include "responder/signer/clock_guard.h"
#include "responder/signer/limits.h"
#include "responder/signer/press.h"
#include "responder/signer/progress.h"
#include "responder/signer/publication.h"

namespace eightbells::signer {

// One issuer's state as others may read it: a copy, taken under a lock.
struct PublishedState {
    std::string issuer;      // id
    bool published = false;  // a head stands
    bool complete = false;   // over everything that is signed now
    cache::Version version;
    std::uint64_t certificates = 0;
    std::uint64_t pages = 0;
    std::uint64_t pages_due = 0;
    std::uint64_t patches = 0;
    std::uint64_t unpublished = 0;  // changes that wait
    std::optional<UtcTime> last_publication;
    std::optional<UtcTime> oldest_signed_at;
    std::uint64_t pages_refreshed = 0;  // since the start
    std::uint64_t taken_back =
        0;  // certificates and revocations that the ledger had forgotten, since the start
    std::uint64_t failures = 0;  // rounds that ended in `fault`, since the start
    std::optional<UtcTime> earliest_next_update;
    double pages_per_second = 0;             // signed, of late (Progress)
    std::optional<seconds> signing_left;     // until no page is due; nullopt: none is being signed
    std::optional<seconds> shortest_runway;  // Publication::shortest_runway
    std::optional<std::string> fault;        // why nothing is signed at the moment
};

// One whole CRL, DER, in a file that never changes.
using CrlOctets = std::shared_ptr<const MappedFile>;

// What the publisher tells the metrics; called on the publisher's thread.
class PublisherListener {
  public:
    virtual ~PublisherListener() = default;
    virtual void on_published(const Identity& identity, const std::vector<ledger::Ledger::Change>& changes,
                              UtcTime now) = 0;
    virtual void on_state(const Identity& identity, const PublishedState& state) = 0;
};

// The heart of the signer, on a thread of its own: turns what is durable in the ledger into checked, signed,
// published bytes. Changes of status go first, then new certificates, then pages that are due.
//
//   applied in the ledger (durable) -> acknowledged -> signed and checked -> page file (durable) -> handed
//   on -> marked published
//
// Crash after "acknowledged": the change is still unpublished in the ledger and is signed at the next start.
// After "page file" or "handed on": it is signed once more, into a later patch, with the same status. After
// "marked published": the page file has it, and the store, where it has not, gets it by comparison.
class Publisher {
  public:
    // `scratch` is a folder for files without names. `catch_up`: how many times the mean rate due pages are
    // signed at most.
    Publisher(ledger::Ledger& ledger, cache::PageFile& pages, const keys::StoreKey& store_key, Press& press,
              std::filesystem::path scratch, Publication::HandOn hand_on,
              std::function<std::optional<Vouched>(const std::string&)> vouched, TrustedNow trusted_now,
              PublisherListener& listener, const Clock& clock, double catch_up = limits::catch_up);
    ~Publisher();
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;

    // Before start(): takes up what is stored and takes a higher epoch than anything found there.
    Status add_issuer(std::shared_ptr<const Identity> identity);
    // The shared store holds this version of ours: soon a head above it stands in the page file. Any thread.
    void rise_above(const std::string& issuer, cache::Version found);

    // Every answer is to be signed anew at once, whether or not it is due (H-13). Any thread; forgotten at an
    // end before it is done.
    void resign(const std::string& issuer);

    // One round over all issuers: true when something was done and more may wait. The thread calls it; tests
    // call it themselves.
    bool round();
    void start();
    // Something in the ledger changed: look at once. Any thread.
    void wake();
    // A verified CRL to publish under this path, once every change of status that stands in the ledger by now
    // is published as an answer, or limits::crl_waits have passed without it (C-09). It goes out in pieces,
    // and changes of status between them. Any thread; reads all of it, for its digest.
    void submit_crl(const std::string& issuer, const std::string& path, CrlOctets der);
    // What was last submitted, or is served since before the start; null: nothing. Any thread.
    CrlOctets served_crl(const std::string& issuer, const std::string& path);
    // Submitted, and not durable under a head yet. Any thread.
    bool crl_waits(const std::string& issuer, const std::string& path);
    std::vector<std::string> served_crl_paths(const std::string& issuer);

  private:
    struct WaitingCrl {
        std::string path;
        CrlOctets der;
        cache::Digest digest{};
        std::chrono::steady_clock::time_point since{};
        // After it could not be published, and why.
        std::chrono::steady_clock::time_point again_at{};
        std::string fault;
    };
    struct Line {
        Line(Publication p, double catch_up) : publication(std::move(p)), pace(catch_up) {}
        Publication publication;
        Pace pace;
        Progress progress;
        std::chrono::steady_clock::time_point retry_at{};
        // While everything is signed anew: due pages, which could not be renewed.
        std::chrono::steady_clock::time_point due_again_at{};
        PublishedState state;
        std::vector<ledger::Ledger::Change> in_turn;  // read from the ledger, and not signed yet
        std::vector<ledger::Ledger::Change>
            as_pages;  // new certificates that wait for their pages to be signed
        std::optional<std::uint64_t>
            signing_anew;  // the change id up to which the pages will hold everything
    };
    bool step(Line& line);
    Result<bool> sign_what_waits(Line& line);
    enum class Pages { published, coming };
    Result<bool> sign_anew(Line& line, const AnswerTimes& times, std::size_t pages);
    Status sign_pages(Line& line, std::span<const std::uint32_t> indices, const AnswerTimes& times,
                      Pages which);
    Result<bool> reshape(Line& line, UtcTime now);
    Status finish_as_pages(Line& line);
    Result<bool> sign_patch(Line& line, std::vector<ledger::Ledger::Change> changes,
                            const AnswerTimes& times);
    void note_fault(Line& line, const Error& error);
    Result<bool> sign_changes(Line& line, const AnswerTimes& times);
    Result<bool> sign_in_turn(Line& line, const AnswerTimes& times);
    Result<bool> sign_due(Line& line, const AnswerTimes& times);
    Status take_up(Line& line);
    Status take_up_crls(Line& line);
    std::vector<WaitingCrl> waiting_crls(const Line& line);
    enum class Upto { pieces, head, head_alone };  // alone: without the answers to what it says
    void note_crl_fault(Line& line, const WaitingCrl& crl, const Error& error);
    std::optional<std::string> crl_fault(const Line& line);
    Result<bool> advance_crls(Line& line, const std::vector<WaitingCrl>& waiting, UtcTime now, Upto upto);
    Status rise(Line& line, UtcTime now);
    void begin_resigning(Line& line);
    void report(Line& line);
    void loop();

    ledger::Ledger& ledger_;
    cache::PageFile& pages_;
    const keys::StoreKey& store_key_;
    Press& press_;
    std::filesystem::path scratch_;
    Publication::HandOn hand_on_;
    std::function<std::optional<Vouched>(const std::string&)> vouched_;
    TrustedNow trusted_now_;
    PublisherListener& listener_;
    const Clock& clock_;
    double catch_up_;
    std::vector<std::unique_ptr<Line>> lines_;  // the publisher's thread, after start()
    crypto::Sha256 sha256_;

    std::mutex mutex_;
    std::condition_variable wake_;
    bool woken_ = false;
    bool stopping_ = false;
    using CrlPlace = std::pair<std::string, std::string>;    // issuer, path
    std::map<CrlPlace, WaitingCrl> crls_;                    // waiting
    std::map<CrlPlace, CrlOctets> served_;                   // the newest
    std::map<std::string, cache::Version> found_elsewhere_;  // to be risen above
    std::set<std::string> to_resign_;
    std::thread thread_;
};

}  // namespace eightbells::signer

#endif
