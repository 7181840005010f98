#ifndef EIGHTBELLS_RESPONDER_SIGNER_COMPARER_H
#define EIGHTBELLS_RESPONDER_SIGNER_COMPARER_H

#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cache/head.h"
#include "cache/page_file.h"
#include "cache/patch.h"
#include "cache/walk.h"
#include "responder/base/clock.h"
#include "responder/ledger/ledger.h"
#include "responder/metrics/signer_metrics.h"
#include "responder/signer/differences.h"
#include "responder/signer/identity.h"
#include "responder/signer/listed.h"

namespace eightbells::signer {

// Holds against each other, all the time, what must say the same (C-09): the ledger, the answers that were
// published for every CertID hash (from the page file, believing nothing of it), and every CRL under the
// head. Two-way: every serial that any of them knows is looked at. It walks through all serials by serial
// hash, a slice at a time, at limits::compared_per_second, and begins again after a pause; what differs goes
// to `Differences`, which names it once it is older than publication takes. On a thread of its own; pass() is
// for tests.
class Comparer {
  public:
    struct Settings {
        std::filesystem::path page_file;
        std::filesystem::path scratch;  // a folder for files without names
        seconds delay{900};             // how long a difference may be delay of publication
    };
    // What is borrowed must outlive it.
    Comparer(Settings settings, std::vector<std::shared_ptr<const Identity>> identities,
             cache::StorePublicKey store_key, ledger::Ledger& ledger, Differences& differences,
             metrics::SignerMetrics& metrics, const Clock& clock);
    ~Comparer();
    Comparer(const Comparer&) = delete;
    Comparer& operator=(const Comparer&) = delete;

    // One walk over everything of an issuer. An error: something could not be read, and no difference was
    // cleared; nothing is published yet: success.
    Status pass(const Identity& identity);
    void start();
    void stop();  // at once; any thread

  private:
    // The head of a walk and what it needs of what stands under it. Taken anew when the head has moved on.
    struct Published {
        cache::Head head;
        std::map<std::pair<std::uint64_t, cache::Digest>, cache::Patch> patches;  // by sequence and digest
        struct Patched {
            std::uint64_t serial_hash = 0;
            std::uint64_t sequence = 0;
            const cache::PatchRecord* record = nullptr;  // of a patch
        };
        std::vector<Patched> patched;  // sorted by serial hash
        unsigned page_bits = 0;        // the most that a set has
    };
    // One serial, and what each side says of it.
    struct Sides {
        std::optional<ledger::Certificate> ledger;
        std::optional<std::string> distribution_point;  // where the certificate says that its CRL lies
        std::map<std::string, CertStatus> answers;      // by hash
        std::map<std::size_t, CertStatus> listed;       // by CRL
    };
    using Slice = std::map<Serial, Sides>;

    // An error leaves `now` without use.
    Status take_up(cache::Walk& walk, cache::Head head, Published& now);
    Status follow(cache::Walk& walk, Published& now);
    Status add_answers(cache::Walk& walk, const Published& published, unsigned bits, std::uint32_t index,
                       Slice& slice);
    Status walk_over(const Identity& identity, cache::PageFile& pages, cache::Walk& walk, Published now);
    void compare(const Identity& identity, const cache::Head& head, const Listed& listed, const Slice& slice);
    void compare_answers(const Identity& identity, const cache::Head& head, const Serial& serial,
                         const Sides& sides);
    void compare_listed(const Identity& identity, const Listed& listed, const Serial& serial,
                        const Sides& sides);
    void compare_unlisted(const Identity& identity, const Listed& listed, const Serial& serial,
                          const Sides& sides);
    bool wait(std::chrono::milliseconds length);  // false: stop
    void loop();

    const Settings settings_;
    const std::vector<std::shared_ptr<const Identity>> identities_;
    const cache::StorePublicKey store_key_;
    ledger::Ledger& ledger_;
    Differences& differences_;
    metrics::SignerMetrics& metrics_;
    const Clock& clock_;
    crypto::Sha256 sha256_;

    bool paced_ = false;  // by the thread: a test's pass runs as fast as it can
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

// Status as the comparison sees it: time and reason count, the invalidity date does not.
bool same_status(const CertStatus& a, const CertStatus& b) noexcept;

}  // namespace eightbells::signer

#endif
