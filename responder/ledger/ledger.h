#ifndef EIGHTBELLS_RESPONDER_LEDGER_LEDGER_H
#define EIGHTBELLS_RESPONDER_LEDGER_LEDGER_H

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "responder/base/clock.h"
#include "responder/base/serial.h"
#include "responder/base/status.h"
#include "responder/crypto/digest.h"

namespace eightbells::ledger {

// One certificate as the ledger knows it.
struct Certificate {
    Serial serial;
    UtcTime not_after{};
    std::optional<crypto::Sha256Digest>
        hash;  // SHA-256 of the certificate, where a source gave it (certHash)
    CertStatus status;
    UtcTime issued_at{};  // when the ledger first heard of it
};

// What an event asks for (C-08, C-11, C-14). Revoked is final; only a hold can be released; reason and date
// of a revocation can be corrected, on record; a hold can become a revocation and keeps its first time.
enum class Action : std::uint8_t { issue, revoke, hold, release, correct, heartbeat };
std::string_view to_string(Action action) noexcept;
std::optional<Action> action_from_string(std::string_view text) noexcept;

struct Event {
    std::string issuer;                     // IssuerIdentity::id()
    std::string source;                     // [A-Za-z0-9._-]{1,64}: who says so
    std::optional<std::uint64_t> sequence;  // the source's own, from 1; absent: the ledger gives the next
    Action action = Action::revoke;
    std::optional<Serial> serial;  // absent only for a heartbeat
    std::optional<CrlReason> reason;
    std::optional<UtcTime>
        time;  // revocation time; absent: now. Not in the future by more than the clock's allowance
    std::optional<UtcTime> invalidity_date;
    std::optional<UtcTime> not_after;          // for issue
    std::optional<crypto::Sha256Digest> hash;  // for issue
};

enum class Verdict : std::uint8_t { applied, unchanged, refused };
struct EventAnswer {
    Verdict verdict = Verdict::refused;
    std::uint64_t sequence = 0;  // the source's sequence number that this event has now
    bool repeated = false;       // seen before: the answer is the first one's
    bool gap = false;            // numbers before it are missing; an alarm until a full list reconciles
    std::string message;         // what was done, or why not
};

// What an import found, or why it changed nothing.
struct ImportReport {
    std::uint64_t read = 0;
    std::uint64_t issued = 0;   // new certificates
    std::uint64_t revoked = 0;  // now revoked or on hold
    std::uint64_t released = 0;
    std::uint64_t corrected = 0;  // reason, date or not-after changed
    std::uint64_t unchanged = 0;
    std::uint64_t missing = 0;  // known here from this source, absent from a full list: kept, and an alarm
    std::uint64_t contradicted =
        0;  // the source says good where the ledger says revoked: kept revoked, and an alarm
    std::vector<std::string> warnings;  // the first limits::import_warnings of them
};

struct Source {
    std::string name;
    UtcTime as_of{};  // the moment for which it last spoke (B-13)
    std::uint64_t last_sequence = 0;
    bool gap = false;
};

// The truth: which certificates exist and what their status is. SQLite; every change is durable (fsync) when
// a call returns success. Append-only, hash-chained audit log beside it. Laid out so that the certificates of
// one page lie together. One object owns the file (an exclusive lock), calls may come from any thread and
// take turns.
class Ledger {
  public:
    // A missing file is created only when `create` says so: never start empty unless told to (design, 6).
    static Result<std::unique_ptr<Ledger>> open(const std::filesystem::path& file, bool create,
                                                const Clock& clock);
    ~Ledger();

    // Makes an issuer known. `suspension` off refuses holds (C-11). Repeated calls update the settings.
    Status register_issuer(const std::string& issuer, const std::string& name, bool suspension);

    // Validates and applies one event; durable before it returns. Status errors only for a ledger that cannot
    // write; what is wrong with the event itself is Verdict::refused.
    Result<EventAnswer> apply(const Event& event);
    // The same for several in one transaction (one fsync), answers in order.
    Result<std::vector<EventAnswer>> apply(const std::vector<Event>& events);

    // --- imports: all or nothing
    // -------------------------------------------------------------------------------------
    struct Entry {
        Serial serial;
        std::optional<UtcTime> not_after;  // required for a serial that is new
        std::optional<crypto::Sha256Digest> hash;
        bool says_status = true;  // false: a list of issued certificates that knows nothing of revocation
        CertStatus status;
        std::uint64_t line = 0;  // where it stands, for messages; 0: unknown
    };
    struct ImportSource {
        std::string issuer;
        std::string name;        // "index", "crl", "list:…"
        std::string file;        // for messages
        bool full_list = false;  // lists every certificate ever issued: reconciles gaps, finds missing ones
        UtcTime as_of{};
        crypto::Sha256Digest digest{};  // of the file: an import of the same bytes again only moves as_of
    };
    // `produce` calls `take` for each entry, in any order; an error from either rolls everything back. An
    // entry for a serial that is new and without not_after (a CRL's) is kept as a revoked certificate with
    // unknown end only if `issue_unknown`.
    using Take = std::function<Status(const Entry&)>;
    Result<ImportReport> import(const ImportSource& source, bool issue_unknown,
                                const std::function<Status(const Take&)>& produce);
    // The source was looked at and is unchanged: it speaks for a later moment.
    Status confirm(const std::string& issuer, const std::string& source, UtcTime as_of);

    // --- reading
    // -----------------------------------------------------------------------------------------------------
    Result<std::optional<Certificate>> find(const std::string& issuer, const Serial& serial);
    Result<std::uint64_t> count(const std::string& issuer);
    // The certificates whose serial hash begins with the page's bits, in the order of serial hash. At most
    // limits::page_records.
    Result<std::vector<Certificate>> page(const std::string& issuer, unsigned page_bits, std::uint32_t index);
    Result<std::vector<Source>> sources(const std::string& issuer);
    // The moment up to which the issuer's status is known to be right: what thisUpdate may say at most
    // (B-13). nullopt: no source spoke yet.
    Result<std::optional<UtcTime>> as_of(const std::string& issuer);

    // --- what is not published yet
    // ----------------------------------------------------------------------------------- Changes since they
    // were last marked published, oldest first, so that a crash after the acknowledgement loses nothing.
    struct Change {
        std::uint64_t id = 0;  // rising
        Serial serial;
        bool status_change = false;  // revocation, hold, release, correction: goes before new certificates
        UtcTime at{};                // when it became durable here
    };
    // Changes of status first. When an issuer has no published pages yet, its whole list is signed anyway:
    // `mark_all_published`.
    Result<std::vector<Change>> unpublished(const std::string& issuer, std::size_t at_most);
    Status mark_published(const std::string& issuer, const std::vector<std::uint64_t>& change_ids);
    Status mark_all_published(const std::string& issuer, std::uint64_t up_to_change_id);
    Result<std::uint64_t> last_change_id(const std::string& issuer);

    // --- epochs and the audit log
    // ------------------------------------------------------------------------------------ Takes and returns
    // a higher epoch, durable before it returns (a new leader, a restored ledger). At least `above` + 1.
    Result<std::uint64_t> take_epoch(std::uint64_t above);
    // One line of the append-only log; `text` is JSON. Chained: each line's hash covers the one before.
    Status append_audit(const std::string& kind, const std::string& text);
    // "ok" or what is wrong: SQLite's structure, the audit chain.
    Status check_integrity();

  private:
    struct State;
    explicit Ledger(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::ledger

#endif
