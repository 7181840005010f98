#ifndef EIGHTBELLS_RESPONDER_LEDGER_RECORDING_H
#define EIGHTBELLS_RESPONDER_LEDGER_RECORDING_H

#include <memory>

#include "responder/ledger/journal.h"
#include "responder/ledger/sqlite.h"

struct sqlite3_session;

namespace eightbells::ledger {

// One transaction, being recorded for the journal. Ends before the transaction does.
class Recording {
  public:
    static Result<Recording> begin(Database& database);
    ~Recording();
    Recording(Recording&& other) noexcept;
    Recording& operator=(Recording&&) = delete;

    // A large import would need memory for every row it changes: beyond limits::recording_octets it is
    // recorded no more, and the other signer takes a copy. To be called now and then.
    void bound() noexcept;
    // Writes the record into the journal; the number it got, which is the last one's where nothing changed.
    Result<std::uint64_t> finish(Database& database);

  private:
    explicit Recording(sqlite3_session* session) : session_(session) {}
    sqlite3_session* session_;  // null: too large
};

// For a ledger that is written without being recorded: whoever followed it needs a copy.
Status forget_journal(Database& database);

}  // namespace eightbells::ledger

#endif
