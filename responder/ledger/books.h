#ifndef EIGHTBELLS_RESPONDER_LEDGER_BOOKS_H
#define EIGHTBELLS_RESPONDER_LEDGER_BOOKS_H

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "responder/base/clock.h"
#include "responder/base/durable_file.h"
#include "responder/ledger/audit.h"
#include "responder/ledger/certificates.h"
#include "responder/ledger/journal.h"
#include "responder/ledger/recording.h"
#include "responder/ledger/sqlite.h"

namespace eightbells::ledger {

struct Issuer {
    IssuerId id = 0;
    std::string key;
    bool suspension = false;
    bool published = false;
    std::uint64_t last_change = 0;
    std::uint64_t certificates = 0;
    std::uint64_t status_changes = 0;  // rising: every revocation, hold, release and correction
};

struct SourceRow {
    SourceId id = 0;
    bool carries_status = false;
    std::optional<UtcTime> as_of;
    std::uint64_t last_sequence = 0;
    std::uint64_t gap = 0;  // the number at which numbers were last found missing before it; 0: none
    std::optional<crypto::Sha256Digest> digest;
};

// What the ledger's operations share: the two connections and whose turn it is.
struct Books {
    Books(std::filesystem::path path, const Clock& clock_in, FileLock lock_in, Database writer_in,
          Database reader_in)
        : file(std::move(path)),
          clock(clock_in),
          lock(std::move(lock_in)),
          writer(std::move(writer_in)),
          reader(std::move(reader_in)) {}

    const std::filesystem::path file;
    const Clock& clock;
    const FileLock lock;

    std::mutex import_turn;  // taken before write_turn
    std::mutex write_turn;   // guards what follows
    Database writer;
    AuditLog audit;
    crypto::Sha256 sha256;
    std::set<IssuerId> whole_list_begun;  // last_change_id() was asked: imports write changes down
    bool recorded = false;                // each transaction leaves a record in the journal
    bool journal_ended = false;           // none does, and none is left from before
    Journal::Listener listener;

    std::mutex read_turn;  // guards what follows
    Database reader;
    crypto::Sha256 reader_sha256;
};

// One turn at writing: the lock, the transaction, the audit log's end. Nothing stays unless `commit`
// succeeds.
class Writing {
  public:
    static Result<Writing> begin(Books& books);
    Database& database() noexcept { return books_->writer; }
    Status audit(std::string_view kind, std::string_view text) {
        return books_->audit.append(books_->writer, now_, kind, text);
    }
    UtcTime now() const noexcept { return now_; }  // one moment for all of the transaction
    Books& books() noexcept { return *books_; }
    // To be called now and then by who changes many rows.
    void bound_recording() noexcept {
        if (recording_)
            recording_->bound();
    }
    Status commit();
    // Once committed: the journal's number of it.
    std::uint64_t number() const noexcept { return number_; }

  private:
    Status end_journal();
    Writing(Books& books, std::unique_lock<std::mutex> turn, Transaction transaction)
        : books_(&books),
          now_(books.clock.now()),
          turn_(std::move(turn)),
          transaction_(std::move(transaction)) {}
    Books* books_;
    UtcTime now_;
    std::unique_lock<std::mutex> turn_;  // released after the transaction's end: members die in reverse order
    Transaction transaction_;
    std::optional<Recording> recording_;
    std::uint64_t number_ = 0;
};

Result<std::optional<Issuer>> find_issuer(Database& database, const std::string& key);
// The same, an error where it is not known.
Result<Issuer> known_issuer(Database& database, const std::string& key);
// A turn at writing about an issuer, an error where it is not known.
struct IssuerWriting {
    Writing writing;
    Issuer issuer;
};
Result<IssuerWriting> begin_writing(Books& books, const std::string& issuer);
// published, last_change and certificates.
Status store_issuer(Database& database, const Issuer& issuer);

Result<std::optional<SourceRow>> find_source(Database& database, IssuerId issuer, std::string_view name);
Result<SourceRow> find_or_add_source(Database& database, IssuerId issuer, std::string_view name);
// Everything but the name. as_of never goes back.
Status store_source(Database& database, const SourceRow& source);

// The row number of a distribution point's URI.
Result<std::optional<std::int64_t>> find_distribution_point(Database& database, IssuerId issuer,
                                                            std::string_view uri);
Result<std::int64_t> find_or_add_distribution_point(Database& database, IssuerId issuer,
                                                    std::string_view uri);

// Writes down that the serial's answers must be signed anew; `issuer.last_change` moves.
Status add_change(Database& database, Issuer& issuer, const Serial& serial, bool status_change, UtcTime at);

}  // namespace eightbells::ledger

#endif
