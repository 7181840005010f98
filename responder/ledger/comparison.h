#ifndef EIGHTBELLS_RESPONDER_LEDGER_COMPARISON_H
#define EIGHTBELLS_RESPONDER_LEDGER_COMPARISON_H

#include <array>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "responder/ledger/certificates.h"
#include "responder/ledger/staging.h"

namespace eightbells::ledger {

// What an import is about while it runs. Set once, then read from several threads.
struct ImportFacts {
    const Ledger::ImportSource& source;
    IssuerId issuer = 0;
    SourceId source_id = -1;  // -1: this source has never spoken, so no row names it
    std::uint64_t certificates = 0;
    // By Staged::distribution_point less one. The row number: 0 until the ledger has the URI.
    std::vector<std::string> distribution_points{};
    std::vector<std::int64_t> distribution_point_rows{};

    std::string place(std::uint64_t line) const;  // "index.txt:17"
};

// What one entry does to one row.
struct EntryJudgement {
    EntryEffect effect = EntryEffect::unchanged;
    bool new_facts = false;  // not_after or certificate hash
    bool claims = false;     // the first full list that holds it
    bool completes = false;  // an end where none was known: no answer tells it, so nothing is signed again
    Row after;
    bool writes() const noexcept {
        return new_facts || claims || completes || effect == EntryEffect::revoked ||
               effect == EntryEffect::released || effect == EntryEffect::corrected;
    }
};
EntryJudgement judge(const ImportFacts& facts, const Row& row, const Staged& entry,
                     const std::optional<crypto::Sha256Digest>& digest);

// Counts and warnings, collected in each thread and joined.
class Findings {
  public:
    ImportReport report;
    void warn(std::uint64_t line, std::string text);
    // For an entry that met a row.
    void count(const ImportFacts& facts, const Staged& entry, const EntryJudgement& judgement,
               const Row& row);
    void join(Findings other);
    ImportReport finish();

  private:
    std::vector<std::pair<std::uint64_t, std::string>> warnings_;
};

// Refuses a serial that stands twice; where repetitions are tolerated drops those with the same facts.
Status drop_repeats(const ImportFacts& facts, Bucket& bucket, Findings& findings);

// Entries against the ledger, as far as that can be told without the right to write: what would change is
// remembered, everything else only counted. The writer looks again at what is remembered, because events go
// on meanwhile.
class Comparison {
  public:
    Comparison(const ImportFacts& facts, const Staging& staging, const std::filesystem::path& ledger_file)
        : facts_(facts), staging_(staging), ledger_file_(ledger_file) {}
    // Both cores, each with a connection of its own.
    Status run(Findings& findings);

    // Afterwards: what the writer must look at in this bucket, sorted, without repetitions. Once a bucket.
    Result<Bucket> take_candidates(std::size_t bucket);
    // The candidates are the whole bucket: those that change nothing have been counted already.
    bool is_whole(std::size_t bucket) const noexcept { return whole_[bucket]; }
    // Holds of this source that its complete list no longer names.
    const std::vector<std::pair<std::uint64_t, Serial>>& absent_holds(std::size_t bucket) const {
        return absent_holds_[bucket];
    }

  private:
    struct Worker;
    Status compare_bucket(Worker& worker, std::size_t index);
    Status merge(Worker& worker, const Bucket& bucket, std::size_t index);
    Status look_up(Worker& worker, const Bucket& bucket, std::size_t index);
    Status find_absent_holds(Worker& worker, const Bucket& bucket, std::size_t index);
    void remember(const Bucket& bucket, const Staged& entry, std::size_t index);
    Status meet(Worker& worker, const Bucket& bucket, const Staged& entry, std::size_t index,
                const Query& query);

    const ImportFacts& facts_;
    const Staging& staging_;
    const std::filesystem::path& ledger_file_;
    std::array<Bucket, limits::import_buckets> candidates_;
    std::array<std::vector<std::pair<std::uint64_t, Serial>>, limits::import_buckets> absent_holds_;
    std::array<bool, limits::import_buckets> whole_{};  // too many to remember: all of the bucket
    std::atomic<std::size_t> remembered_ = 0;
    std::atomic<std::size_t> next_ = 0;
};

}  // namespace eightbells::ledger

#endif
