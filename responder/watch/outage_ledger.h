#ifndef EIGHTBELLS_RESPONDER_WATCH_OUTAGE_LEDGER_H
#define EIGHTBELLS_RESPONDER_WATCH_OUTAGE_LEDGER_H

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "responder/base/durable_file.h"
#include "responder/watch/chain.h"
#include "responder/watch/examine.h"
#include "responder/watch/history.h"
#include "responder/watch/ledger_file.h"
#include "responder/watch/watch_key.h"

namespace eightbells::watch {

// What a watch saw, as evidence: rows in a hash chain (chain.h), each a kind and a JSON body.
//
//   genesis      row 1: whose ledger this is
//                {"format":1,"watch","key","time"}
//   start, stop  the program began, ended in order
//                {"time",...}
//   series       from here on n stands for this
//                {"series":n,"issuer","method","address","hold","time"}
//   change       a probe saw something else than the last
//                {"series":n,"time","cause","text","evidence","answer_octets"}
//   round        these were probed, began + seconds, as last
//                {"began","ended","seen":[[n,seconds],...]}
//   facts        what the answers say of themselves: one of "ocsp" and "crl"
//                {"time","issuer","ocsp":{...},"crl":{...}}
//   revocation   first correct answer after a revocation
//                {"time","issuer","method","revoked_at","seen_at","reference"}
//   anchor       the signed head of a day
//                {"watch","ledger","number","digest","time","signature"}
//   witness      the same, of another watch, kept for it, with when: "noted"
//
// Every round writes a row, so that time without rows is time in which nobody looked. Never repaired: a
// ledger in which anything is wrong is refused whole.

inline constexpr const char* outage_ledger_name = "outages.db";
inline constexpr const char* watch_key_name = "watch-key.pem";
inline constexpr const char* anchor_file_name = "anchors.jsonl";

struct Observation {
    UtcTime time{};
    Cause cause = Cause::none;  // none: the answer was right
    std::string text;           // what was wrong, for a person; bounded, no address of a client in it
    Bytes evidence;             // the answer's bytes; cut at limits::evidence_octets
};

// One program writes one ledger; a lock in its folder sees to it. Not for several threads at a time.
class OutageLedger {
  public:
    struct Place {
        std::filesystem::path folder;  // made when it is not there, private
        std::string watch;             // the vantage's name; of an existing ledger, must be the same
        // Where signed heads are left, besides the folder itself: with the signer, with other watches.
        std::vector<std::filesystem::path> anchor_folders;
    };
    // Makes an empty ledger where there is none and no anchor speaks of one; else examines it whole, against
    // its anchors wherever they lie, and refuses it when anything is wrong, with the first faults named.
    // Probes of a round that was cut off are entered as such.
    static Result<std::unique_ptr<OutageLedger>> open(const Place& place, const Clock& clock);

    const History& history() const noexcept { return history_; }
    const Head& head() const noexcept { return head_; }
    const std::string& id() const noexcept { return id_; }
    const std::optional<Anchor>& last_anchor() const noexcept { return last_anchor_; }
    const WatchKey& key() const noexcept { return key_; }
    const Place& place() const noexcept { return place_; }

    // Each is durable when it returns. An error: nothing was recorded.
    Status note_start(UtcTime now, std::string_view version, seconds period);
    Status note_stop(UtcTime now);
    // `hold`: how long a probe of this series speaks for (its period, its time-out and some play).
    Result<std::size_t> series(const SeriesKey& key, seconds hold, UtcTime now);
    Status observe(std::size_t series, const Observation& observation);
    // The round's row. Nothing was seen: written all the same, because the watch was there.
    Status end_round(UtcTime began, UtcTime ended);
    Status note_facts(const std::string& issuer, const OcspFacts& facts);  // no row when nothing changed
    Status note_facts(const std::string& issuer, const CrlFacts& facts);
    Status note_revocation(const std::string& issuer, const RevocationSeen& seen);
    // Another watch's signed heads, kept for it; those that stand there already are passed over.
    Status note_witness(const Anchor& anchor, UtcTime now);

    // Signs the head and leaves it in all places, when the last one is a day old or `force`. `unreached` are
    // the places where it could not be left: tried again at the next call.
    struct Anchored {
        bool made = false;
        std::vector<std::string> unreached;
    };
    Result<Anchored> anchor(UtcTime now, bool force = false);

  private:
    OutageLedger(Place place, FileLock lock, WatchKey key, LedgerFile file);
    Status begin(UtcTime now);
    Status resume(Examined examined);
    Status append(std::string_view kind, const nlohmann::ordered_json& body, ByteView evidence = {});
    std::filesystem::path anchor_file(const std::filesystem::path& folder) const;
    static Result<std::vector<Anchor>> all_anchors(const Place& place);

    Place place_;
    FileLock lock_;
    WatchKey key_;
    LedgerFile file_;
    History history_;
    Head head_;
    std::string id_;
    std::optional<Anchor> last_anchor_;
    std::vector<std::pair<std::size_t, UtcTime>> pending_;  // in the order of their times, for each series
    std::map<std::size_t, seconds> holds_;
    std::vector<std::string> witnessed_;
    std::vector<std::filesystem::path> owed_;  // folders that lack the last anchor
};

}  // namespace eightbells::watch

#endif
