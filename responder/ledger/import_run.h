#ifndef EIGHTBELLS_RESPONDER_LEDGER_IMPORT_RUN_H
#define EIGHTBELLS_RESPONDER_LEDGER_IMPORT_RUN_H

#include <utility>
#include <vector>

#include "responder/ledger/books.h"
#include "responder/ledger/comparison.h"

namespace eightbells::ledger {

// One import from its first entry to its commit: entries are judged alone and staged (nobody waits), compared
// with the ledger by readers (nobody waits), and what differs is written in one transaction.
class ImportRun {
  public:
    ImportRun(Books& books, const Ledger::ImportSource& source)
        : books_(books), facts_{source}, staging_(folder_of(books.file)) {}
    Result<ImportReport> run(const Ledger::Produce& produce);

  private:
    static std::filesystem::path folder_of(const std::filesystem::path& file) {
        return file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."};
    }
    Status look_around();
    Status take(const Ledger::Entry& entry);
    Result<std::uint8_t> take_distribution_point(const std::string& uri);
    Status find_distribution_points();
    Result<ImportReport> only_move(const crypto::Sha256Digest& digest);
    Result<ImportReport> write(const crypto::Sha256Digest& digest);
    Status write_bucket(Writing& writing, Bucket& bucket, bool count_idle);
    Status write_first_list(Writing& writing);
    Status write_differences(Writing& writing);
    Status write_entry(Writing& writing, const Bucket& bucket, const Staged& entry, bool count_idle);
    Status write_new(Writing& writing, const Bucket& bucket, const Staged& entry);
    Status release_absent(Writing& writing, std::size_t index);
    Status record(Writing& writing, std::uint64_t line, const Row& before, const Row& after);
    Status close(Writing& writing, const crypto::Sha256Digest& digest);
    Status close_gaps(Database& database);

    Books& books_;
    ImportFacts facts_;
    bool suspension_ = false;
    std::optional<crypto::Sha256Digest> last_digest_;
    std::vector<std::pair<SourceId, std::uint64_t>> gaps_;  // seen before the first entry was read
    UtcTime now_{};
    crypto::Sha256 sha256_;
    Staging staging_;
    std::optional<Comparison> comparison_;
    Findings findings_;

    // while writing
    Issuer issuer_;
    bool first_list_ = false;
    bool writes_changes_ = false;
    std::uint64_t written_ = 0;
};

}  // namespace eightbells::ledger

#endif
