#ifndef EIGHTBELLS_RESPONDER_LEDGER_LEDGER_H
#define EIGHTBELLS_RESPONDER_LEDGER_LEDGER_H

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "responder/base/clock.h"
#include "responder/base/serial.h"
#include "responder/base/status.h"
#include "responder/crypto/digest.h"
#include "responder/ledger/journal.h"

namespace eightbells::ledger {

// One certificate as the ledger knows it.
struct Certificate {
    Serial serial;
    UtcTime not_after{};  // year_9999 where no source gave an end (a CRL's entry): it never counts as expired
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
    std::string issuer;  // IssuerIdentity::id()
    std::string source;  // [A-Za-z0-9._-]{1,64}: who says so; not "index" or "crl"
    std::optional<std::uint64_t>
        sequence;  // the source's own, counted from 1 for each issuer, at most 2^63 - 1;
                   // absent: the ledger gives the next, and a repetition is not known as one
    Action action = Action::revoke;
    std::optional<Serial> serial;  // absent only for a heartbeat
    std::optional<CrlReason> reason;
    std::optional<UtcTime> time;  // revocation time; absent: now. Within limits::clock_allowance ahead of our
                                  // clock it is taken as now, beyond it refused. For a heartbeat: as of when
    std::optional<UtcTime> invalidity_date;
    std::optional<UtcTime> not_after;          // for issue
    std::optional<crypto::Sha256Digest> hash;  // for issue
};

enum class Verdict : std::uint8_t { applied, unchanged, refused };
struct EventAnswer {
    Verdict verdict = Verdict::refused;
    std::uint64_t sequence = 0;  // the source's sequence number that this event has now; 0: it got none
    bool repeated = false;       // seen before: the answer is the first one's
    bool gap = false;            // numbers before it are missing; an alarm until a full list reconciles
    std::string message;         // what was done, or why not
};

// What an import found, or why it changed nothing.
struct ImportReport {
    std::uint64_t read = 0;
    std::uint64_t issued = 0;   // new certificates
    std::uint64_t revoked = 0;  // now revoked or on hold, new ones among them
    std::uint64_t released = 0;
    std::uint64_t corrected = 0;  // reason, date or not-after changed
    std::uint64_t unchanged = 0;
    std::uint64_t missing = 0;  // known here from this source, absent from a full list: kept, and an alarm
    std::uint64_t contradicted = 0;  // the source says good where the ledger says revoked or on hold by
                                     // another source, or on hold where it says revoked: kept, and an alarm
    std::uint64_t differing = 0;     // the source states another reason or date of a revocation than the one
                                     // that prevails here: kept
    // Of entries that say revoked: certificates whose end lies before the source's as_of, and the earliest of
    // those ends.
    std::uint64_t expired = 0;
    UtcTime earliest_end = year_9999;
    bool same_bytes = false;            // the very file of this source's last import: nothing was compared
    std::vector<std::string> warnings;  // the first limits::import_warnings of them
};

struct Source {
    std::string name;
    bool carries_status = false;  // counts for as_of()
    UtcTime as_of{};              // the moment for which it last spoke (B-13); the epoch: not yet
    std::uint64_t last_sequence = 0;
    bool gap = false;
};

// The end of the audit log: kept elsewhere, it shows later that nothing before it was cut off or rewritten
// (G-14).
struct AuditHead {
    std::uint64_t line = 0;  // 0: the log is empty
    crypto::Sha256Digest hash{};
    friend bool operator==(const AuditHead&, const AuditHead&) = default;
};

// The truth: which certificates exist and what their status is. SQLite; every change is durable (fsync) when
// a call returns success. Append-only, hash-chained audit log beside it. Laid out so that the certificates of
// one page lie together. One object owns the file (an exclusive lock on "<file>.lock"), calls may come from
// any thread: writers take turns, readers wait for none of them. An import reads, sorts and compares before
// it takes its turn to write, so that an event waits only while what changed is written.
class Ledger {
  public:
    // A missing file is created only when `create` says so: never start empty unless told to (design, 6).
    // The clock must outlive the ledger.
    static Result<std::unique_ptr<Ledger>> open(const std::filesystem::path& file, bool create,
                                                const Clock& clock);
    // Of an issuer's certificates in a ledger that this or another program has open; nullopt: it does not
    // know the issuer.
    static Result<std::optional<std::uint64_t>> count_in(const std::filesystem::path& file,
                                                         const std::string& issuer);
    ~Ledger();

    // Makes an issuer known. `suspension` off refuses holds (C-11). Repeated calls update the settings.
    Status register_issuer(const std::string& issuer, const std::string& name, bool suspension);

    // Validates and applies one event; durable before it returns. Status errors only for a ledger that cannot
    // write; what is wrong with the event itself is Verdict::refused.
    // A number is used up by its first answer, a refusal too: the same event again gets that answer, another
    // event under it is refused. The last limits::remembered_events of a source are remembered, older ones
    // refused. A late event (below the last number, not seen before) may issue, revoke or hold; a late
    // release or correction could undo what came after it and is refused.
    Result<EventAnswer> apply(const Event& event);
    // The same for several in one transaction (one fsync), answers in order; at most
    // limits::events_per_transaction.
    Result<std::vector<EventAnswer>> apply(const std::vector<Event>& events);

    // --- imports: all or nothing

    struct Entry {
        Serial serial;
        std::optional<UtcTime> not_after;  // required for a serial that is new
        std::optional<crypto::Sha256Digest> hash;
        bool says_status = true;  // false: a list of issued certificates that knows nothing of revocation
        CertStatus status;
        std::uint64_t line = 0;  // where it stands, for messages; 0: unknown. Below 2^32
        // The URI under which the certificate says that its CRL lies; absent: the source does not tell.
        std::optional<std::string> distribution_point{};
    };
    struct ImportSource {
        std::string issuer;
        std::string name;  // "index", "crl", "list:…"
        std::string file;  // for messages
        UtcTime as_of{};
        bool carries_status = false;  // speaks of the status of every certificate: counts for as_of()
        bool full_list = false;  // lists every certificate ever issued: reconciles gaps, finds missing ones
        bool absence_releases = false;  // a complete CRL: a hold that it set and no longer lists is released
        bool repeats_tolerated =
            false;                   // a serial twice with the same facts is taken once (CRLs); else refused
        bool issue_unknown = false;  // a new serial without not_after is kept as a revoked certificate with
                                     // unknown end (a CRL's entry); else refused
        bool surely_issued = false;  // with issue_unknown: a good one as well (it was published as good)
        std::function<std::string(std::uint64_t line)> place;  // for messages; unset: "file:line"
    };
    // `produce` calls `take` for each entry, in any order, and returns the digest of what it read: of the
    // same bytes (not of a full list) only move as_of. An error from either, or from the rules, leaves
    // everything as it was. Bounded memory: entries beyond limits::import_memory_octets wait in an unlinked
    // file in the ledger's folder. Imports take turns with each other.
    using Take = std::function<Status(const Entry&)>;
    using Produce = std::function<Result<crypto::Sha256Digest>(const Take&)>;
    // What an entry may change: new certificates are taken; good becomes hold or revoked, a hold becomes
    // revoked (and keeps its first time, C-11); a hold is released only by the source that set it; revoked
    // stays (C-08). Reason and dates are corrected by the source that stated them; another source moves the
    // revocation time back and fills in what is absent, nothing else.
    Result<ImportReport> import(const ImportSource& source, const Produce& produce);
    // The source was looked at and is unchanged: it speaks for a later moment.
    Status confirm(const std::string& issuer, const std::string& source, UtcTime as_of);

    // --- reading

    Result<std::optional<Certificate>> find(const std::string& issuer, const Serial& serial);
    Result<std::uint64_t> count(const std::string& issuer);
    // A certificate that is neither revoked for good nor expired at `now`, one on hold included; nullopt:
    // there is none, so that nothing about the issuer's certificates can change any more. Looks at every
    // certificate when there is none.
    Result<std::optional<Serial>> find_open(const std::string& issuer, UtcTime now);
    // How many there are. Looks at every one.
    Result<std::uint64_t> count_open(const std::string& issuer, UtcTime now);
    // The certificates whose serial hash begins with the page's bits, in the order of serial hash. At most
    // limits::ledger_page_records: more is an error, the set needs more page bits.
    Result<std::vector<Certificate>> page(const std::string& issuer, unsigned page_bits, std::uint32_t index);
    Result<std::vector<Source>> sources(const std::string& issuer);
    // The moment up to which the issuer's status is known to be right: what thisUpdate may say at most
    // (B-13). nullopt: no source spoke yet. The latest as_of among the sources that carry status: an
    // index.txt speaks for the moment its reading began, a CRL for its thisUpdate, a list with a status
    // column for the moment its reading began, an event source from its first heartbeat on with every event
    // in sequence. An event source with a gap does not move on until a full list reconciles it. Lists of
    // issued certificates without status, and event sources without heartbeat (an operator's single command),
    // say nothing of the others' status and do not count. as_of never goes back.
    Result<std::optional<UtcTime>> as_of(const std::string& issuer);

    // --- what is not published yet

    // Changes since they were last marked published, so that a crash after the acknowledgement loses nothing.
    struct Change {
        std::uint64_t id = 0;  // rising
        Serial serial;
        bool status_change = false;  // revocation, hold, release, correction: goes before new certificates
        UtcTime at{};                // when it became durable here
    };
    // Changes of status first, oldest first in each kind; at most limits::unpublished_changes.
    Result<std::vector<Change>> unpublished(const std::string& issuer, std::size_t at_most);
    Status mark_published(const std::string& issuer, const std::vector<std::uint64_t>& change_ids);
    // An issuer that has nothing published yet has its whole list signed anyway, so an import then writes no
    // change a certificate. Signing a whole list: ask last_change_id() first, then read the pages, publish
    // them, and give that id to mark_all_published(). From the moment last_change_id() was asked every change
    // is written down, so none is lost between the two. last_change_id() waits for an import's writing to
    // end.
    Status mark_all_published(const std::string& issuer, std::uint64_t up_to_change_id);
    // Of these certificates, those of which no change waits are published once more, as changes of status
    // are: what was published of them has been lost. Returns how many they are.
    Result<std::size_t> publish_again(const std::string& issuer, std::set<Serial> serials);
    // No change up to this one waits any more.
    Result<bool> all_published(const std::string& issuer, std::uint64_t up_to_change_id);
    Result<std::uint64_t> last_change_id(const std::string& issuer);

    // --- CRLs that are made here

    // A certificate that is revoked or on hold, as a CRL lists it.
    struct Listed {
        Serial serial;
        std::uint64_t hash = 0;  // of the serial
        UtcTime not_after{};
        Revocation revocation;
        const std::string* distribution_point = nullptr;  // URI; null: no source told. Borrowed for the call
        std::optional<UtcTime> last_listed;  // thisUpdate of the CRL that lists it for the last time
    };
    // Every one of the issuer's, in the order of serial hash, then serial, as of one moment: none is missed
    // or seen half changed, and nobody waits meanwhile. Returns how many changes of status it holds
    // (status_changes at that moment).
    Result<std::uint64_t> for_each_listed(const std::string& issuer,
                                          const std::function<Status(const Listed&)>& take);
    // Where those of one page, as page() has it, say that their CRL lies: the revoked and held ones of which
    // a source told.
    Result<std::map<Serial, std::string>> distribution_points(const std::string& issuer, unsigned page_bits,
                                                              std::uint32_t index);
    // Rises with every change of status, also by an import that nothing else is written down of.
    Result<std::uint64_t> status_changes(const std::string& issuer);

    // One scope of CRLs: all of an issuer's ("") or a distribution point's.
    struct CrlState {
        Bytes number;              // the last that was taken, magnitude
        std::uint64_t covers = 0;  // status_changes that its published CRL holds
        bool last = false;         // its last CRL is published: there will be no other (F-18)
    };
    Result<std::optional<CrlState>> crl_state(const std::string& issuer, const std::string& scope);
    // Takes `count` numbers in a row and returns the first: above every one that was ever taken, and not
    // below `at_least`. Durable before it returns, so that no number is used twice, whatever happens after
    // (F-04).
    Result<Bytes> take_crl_numbers(const std::string& issuer, const std::string& scope, const Bytes& at_least,
                                   unsigned count);
    // The CRL of this scope is published. `text` is a line for the audit log.
    Status crl_published(const std::string& issuer, const std::string& scope, std::uint64_t covers, bool last,
                         const std::string& text);
    // These stood on a published CRL after they had expired: they need not stand on the next (RFC 5280,
    // section 3.3).
    Status mark_last_listed(const std::string& issuer,
                            const std::vector<std::pair<std::uint64_t, Serial>>& certificates,
                            UtcTime this_update);

    // --- epochs and the audit log

    // Takes and returns a higher epoch, durable before it returns (a new leader, a restored ledger). At least
    // `above` + 1.
    Result<std::uint64_t> take_epoch(std::uint64_t above);
    // One line of the append-only log; `text` is JSON and holds no address (G-17). Chained: each line's hash
    // covers the one before. The ledger itself writes a line for each event but heartbeats and applied issues
    // (the certificate's own row is their record), one for each import, and one for each certificate whose
    // status an import changed, old and new facts in it (not for the first list of an issuer with none yet:
    // there the digest of the file stands for them).
    Status append_audit(const std::string& kind, const std::string& text);
    Result<AuditHead> audit_head();
    // Success, or what is wrong: SQLite's structure, the audit chain, and whether the log still holds the
    // line `anchor` that was kept elsewhere. Reads everything.
    Status check_integrity(const std::optional<AuditHead>& anchor = std::nullopt);

    // For a second signer, whose ledger follows this one; goes with the ledger.
    Journal journal();

  private:
    struct State;
    explicit Ledger(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::ledger

#endif
