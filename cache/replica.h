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
#include "cache/page_pool.h"
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

// A page that is verified and lies in the own page file.
struct PageRef {
    SetId set;
    std::uint8_t page_bits = 0;
    std::uint32_t index = 0;
    Digest digest{};
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
        on_disk,     // a page that must be looked into is verified and not in memory: see `awaited`
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
    // Where `find` says on_disk: which page has to be read first. After read_page, ask again: another life's
    // page may be next.
    std::optional<PageRef> awaited(ocsp::HashAlgorithm hash, ByteView serial,
                                   std::uint64_t serial_hash) const noexcept;
    enum class PageRead : std::uint8_t {
        in_memory,
        replaced,  // by a publication of which a newer snapshot tells
    };
    // Reads it from the own page file, believes it by its digest, and puts it into the pool. An error: it is
    // damaged or cannot be read, of which the replica hears too (want_lost), or there is no room. Any thread.
    Result<PageRead> read_page(const PageRef& ref, Store& own) const;
    // `find` waits for memory several times, each thing naming the next: slot, page, record. Each step, 0 to
    // steps_ahead - 1, asks for one of them, and waits only where the one before has not come yet. So the
    // look-ups of several requests wait at the same time where each step is taken for all of them.
    static constexpr unsigned steps_ahead = 3;
    void fetch_ahead(ocsp::HashAlgorithm hash, ByteView serial, std::uint64_t serial_hash,
                     unsigned step) const noexcept;

    const Head& head() const noexcept;
    std::span<const StoredCrl> crls() const noexcept;
    bool complete() const noexcept;               // everything under the head is held, CRLs too
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
    // Every record that `find` may answer with without reading a page first, patches applied, for `eightbells
    // verify` and tests. Stops when `take` returns false.
    void for_each(const std::function<bool(SetId, const Found&)>& take) const;
    // What is held of those that the head names. Borrows from the snapshot.
    std::vector<const ocsp::AnswerProfile*> profiles() const;

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
    bool keeping = false;      // the own page file does not have all of it yet: every pass writes a piece
    std::string not_kept;      // why the own page file did not take the new state, which is served all the
                               // same since its floor did; tried again in the next pass
    std::uint64_t mended = 0;  // pages that were wanted anew and lie in the own page file again
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
    // `crl_folder`/<issuer>. With a pool pages are in memory only as far as it has room, and are kept as they
    // come: nothing is handed out then that the own page file has not taken.
    Replica(std::string issuer, std::vector<StorePublicKey> trusted, PageFile& own,
            std::filesystem::path crl_folder, std::shared_ptr<PagePool> pool = nullptr);
    ~Replica();

    // Start with everything else down: what the own page file holds at one moment, verified, though another
    // process may write to it meanwhile. `on_progress` (may be empty) is called now and then with partial
    // snapshots while a large set loads; it must leave the own page file alone.
    using OnProgress = std::function<void(std::shared_ptr<const IssuerSnapshot>)>;
    SyncReport load(const OnProgress& on_progress);
    // One pass over the store: fetches and verifies what differs from what is held, at most
    // limits::sync_rounds rounds. The own page file takes the new state and its floor in one transaction when
    // the pass is over, and only then is the snapshot handed out. Where nothing was held before, that would
    // keep waiting who has no answer at all: then the floor alone is durable first, and partial snapshots and
    // the complete one are handed to `on_progress` before the own page file has them; a large one it gets in
    // pieces, one a pass, so that what is published meanwhile is handed out between two. An error: the store,
    // or the own page file, is out of reach; what was served goes on being served.
    Result<SyncReport> sync(Store& source, const OnProgress& on_progress);
    // With a pool: the pages which readers of a snapshot did not find in the own page file any more as they
    // were verified count as absent from now on, so that the next sync asks for them, at most
    // limits::lost_pages at a time. How often, the caller decides: a disk that damages whatever it is given
    // has every page fetched once for each call.
    void want_lost();

    // Before an orderly end: the own page file gets what it lacks of a first state. Takes as long as writing
    // it.
    Status keep_rest();

    // Never null; holds nothing before the first load or sync.
    std::shared_ptr<const IssuerSnapshot> snapshot() const noexcept;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::cache

#endif
