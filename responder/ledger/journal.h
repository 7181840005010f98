#ifndef EIGHTBELLS_RESPONDER_LEDGER_JOURNAL_H
#define EIGHTBELLS_RESPONDER_LEDGER_JOURNAL_H

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "responder/base/bytes.h"
#include "responder/crypto/digest.h"

namespace eightbells::ledger {

struct Books;

// What each transaction of a ledger did, so that a second signer's ledger can follow row for row. A record
// holds the changed rows of one transaction (an SQLite changeset: old and new values); records are numbered
// without gaps and chained, so that two ledgers that say the same place are the same, and one that has gone
// another way is found out. The newest limits::journal_octets are kept; who is further behind needs a copy.
// Any thread.
class Journal {
  public:
    // After which record a ledger stands.
    struct Place {
        std::uint64_t number = 0;
        crypto::Sha256Digest hash{};  // SHA-256(hash before || number, 8 octets || changes)
        friend bool operator==(const Place&, const Place&) = default;
    };
    struct Record {
        std::uint64_t number = 0;
        Bytes changes;
    };
    // Where a ledger at `place` stands after one record more.
    static Place next(const Place& place, ByteView changes);

    explicit Journal(Books& books) : books_(books) {}

    // From here on every transaction is recorded. The first time it makes the tables.
    Status keep();
    // The place; nullopt: no journal was ever kept here.
    Result<std::optional<Place>> place();
    // The records after `from`, in order and up to limits::journal_read_octets (one at least); none: `from`
    // is the end. nullopt: the journal does not reach back so far, or `from` is a place of another ledger's
    // way: only a copy helps.
    Result<std::optional<std::vector<Record>>> after(const Place& from);
    // Does again what the record says, and keeps it, in one durable transaction. An error: it does not fit
    // here, or this ledger cannot be written; nothing has changed.
    Status replay(const Record& record);
    // The whole ledger as of one moment, its journal with it, into a new file. Nobody waits meanwhile.
    Status copy_to(const std::filesystem::path& file);

    // `committed` is called after every recorded transaction, in order, by whoever wrote it, and must not
    // wait. `confirm` is asked, with its number, before an event is acknowledged, and may wait: an error
    // refuses the event, which is durable here all the same and gets the same answer when it is sent again.
    // Set before others use the ledger.
    struct Listener {
        std::function<void()> committed;
        std::function<Status(std::uint64_t number)> confirm;
    };
    void listen(Listener listener);
    // Asks `confirm` for all that is written by now. Success where nobody listens.
    Status confirm();

  private:
    Books& books_;
};

}  // namespace eightbells::ledger

#endif
