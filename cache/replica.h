#ifndef EIGHTBELLS_CACHE_REPLICA_H
#define EIGHTBELLS_CACHE_REPLICA_H

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cache/head.h"
#include "cache/page_file.h"
#include "cache/store.h"
#include "responder/ocsp/answer.h"

namespace eightbells::cache {

// A CRL whose digest stands under the head, whole on the local disk. The file is named by its digest and
// never changes; it is unlinked when a newer snapshot no longer names it. So open it when the snapshot is
// taken (on the replica's thread) and keep the descriptor: an unlinked file can be read to its end.
struct StoredCrl {
    std::string path;  // URL path
    std::filesystem::path file;
    Digest digest{};
    std::uint64_t size = 0;
};

// One issuer's verified answers at one moment. Immutable: share it between threads, drop it when a newer one
// comes.
class IssuerSnapshot {
  public:
    enum class Lookup : std::uint8_t {
        found,
        not_issued,  // every page where it could be is verified under the head, or signed as empty, as is
                     // every patch, and none has the serial
        not_loaded,  // no verified statement about this serial is held
    };
    // Borrows from the snapshot.
    struct Found {
        const ocsp::AnswerProfile* profile = nullptr;
        ocsp::SingleAnswer single;
        ByteView signature;
    };
    // The answer for a serial (canonical magnitude) and its crypto::serial_hash. Patches first, then live,
    // settled and final pages. No allocation, no lock.
    Lookup find(ocsp::HashAlgorithm hash, ByteView serial, std::uint64_t serial_hash,
                Found& out) const noexcept;
    // `find` waits for memory several times, each thing naming the next: slot, page, record. Each step, 0 to
    // steps_ahead - 1, asks for one of them, and waits only where the one before has not come yet. So the
    // look-ups of several requests wait at the same time where each step is taken for all of them.
    static constexpr unsigned steps_ahead = 3;
    void fetch_ahead(ocsp::HashAlgorithm hash, ByteView serial, std::uint64_t serial_hash,
                     unsigned step) const noexcept;

    const Head& head() const noexcept;
    std::span<const StoredCrl> crls() const noexcept;
    std::uint64_t pages_total() const noexcept;   // under the head, empty ones not counted
    std::uint64_t pages_loaded() const noexcept;  // verified under the head and held
    std::uint64_t pages_stale()
        const noexcept;  // held in an older verified version because the present one failed to verify
    std::uint64_t records() const noexcept;  // of pages and patches held
    std::uint64_t octets() const noexcept;   // of pages and patches held
    UtcTime earliest_next_update()
        const noexcept;  // over all held records and pages; year_9999 when nothing is held
    // Of live and settled answers, final ones are never made again; year_9999 when none is held.
    UtcTime oldest_produced_at() const noexcept;
    // Every record that `find` may answer with, patches applied, for `eightbells verify` and tests. Stops
    // when `take` returns false.
    void for_each(const std::function<bool(SetId, const Found&)>& take) const;

    struct State;
    explicit IssuerSnapshot(std::shared_ptr<const State> state);
    ~IssuerSnapshot();

  private:
    std::shared_ptr<const State> state_;
};

// What one pass over a store found.
struct SyncReport {
    bool head_seen = false;      // a head that verifies and is not older than the floor
    bool advanced = false;       // the snapshot changed
    bool behind = false;         // the store's head is newer than what is wholly held
    std::uint64_t fetched = 0;   // blobs
    std::uint64_t rejected = 0;  // blobs that failed to verify: garbage, swapped, replayed, missing
    std::array<std::uint64_t, blob_kinds> rejected_by_kind{};  // the same by BlobKind
    std::string first_rejection;                               // for the log: the name and the reason
    std::string not_kept;  // why the own page file did not take the new state, which is served all the
                           // same since its floor did; tried again in the next pass
};

// Keeps one issuer's verified copy: follows a store's head, checks every byte up to it, keeps its own page
// file. Believes nothing: a head must be signed by a trusted store key, name this issuer and not be older
// than the floor, which is durable before a newer snapshot is handed out. What is answered for a serial is
// the truth under the newest head accepted; or, where something under that head does not verify, not older
// than what was answered before it; or else it is not_loaded (cache/README.md, "What a snapshot may answer").
// So nothing revoked becomes good again, whatever the store leaves out and however often the replica starts.
// One thread uses a Replica; snapshots go anywhere.
class Replica {
  public:
    // `own` is this program's page file (not owned, must outlive the replica); CRL files go to
    // `crl_folder`/<issuer>.
    Replica(std::string issuer, std::vector<StorePublicKey> trusted, PageFile& own,
            std::filesystem::path crl_folder);
    ~Replica();

    // Start with everything else down: what the own page file holds, verified. `on_progress` (may be empty)
    // is called now and then with partial snapshots while a large set loads.
    using OnProgress = std::function<void(std::shared_ptr<const IssuerSnapshot>)>;
    SyncReport load(const OnProgress& on_progress);
    // One pass over the store: fetches and verifies what differs from what is held, at most
    // limits::sync_rounds rounds. The own page file takes the new state and its floor in one transaction when
    // the pass is over, and only then is the snapshot handed out; partial ones only where nothing was held
    // before. An error: the store, or the own page file, is out of reach; what was served goes on being
    // served.
    Result<SyncReport> sync(Store& source, const OnProgress& on_progress);

    // Never null; holds nothing before the first load or sync.
    std::shared_ptr<const IssuerSnapshot> snapshot() const noexcept;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::cache

#endif
