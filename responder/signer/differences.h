#ifndef EIGHTBELLS_RESPONDER_SIGNER_DIFFERENCES_H
#define EIGHTBELLS_RESPONDER_SIGNER_DIFFERENCES_H

#include <compare>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "responder/base/clock.h"
#include "responder/base/serial.h"
#include "responder/metrics/signer_metrics.h"

namespace eightbells::signer {

// Where two say different things of one certificate (C-09): the ledger and what stands elsewhere.
struct DifferenceKey {
    std::string issuer;  // id
    metrics::Compared with = metrics::Compared::answers;
    std::string where;  // "/ca.crl", "sha256", "192.0.2.1:80 sha256"
    Serial serial;
    friend bool operator==(const DifferenceKey&, const DifferenceKey&) = default;
    // Those of one certificate stand together.
    friend auto operator<=>(const DifferenceKey& one, const DifferenceKey& other) {
        return std::tie(one.issuer, one.serial, one.with, one.where) <=>
               std::tie(other.issuer, other.serial, other.with, other.where);
    }
};
struct Difference {
    std::string ledger;  // "revoked at 2026-11-22T06:40:00Z (keyCompromise)", "good", "not issued"
    std::string other;
    UtcTime since{};     // when it was first seen
    UtcTime known{};     // when what the ledger says became known here, as far as that is known
    UtcTime ripe_at{};   // from then on it is no delay of publication any more
    bool named = false;  // older than that: it counts, and stands in the status
};

// The differences that stand at the moment: young ones, which publication may still heal, and those that were
// named. Kept in a file across restarts, so that a restart does not make an old difference young. At most
// limits::differences; more are counted, not kept. Any thread.
class Differences {
  public:
    // Reads the file, where there is one; what cannot be read counts as nothing and is said in the log.
    // `names`: issuer id to configured name, in the order of the metrics' indices.
    Differences(std::filesystem::path file, std::vector<std::pair<std::string, std::string>> names,
                metrics::SignerMetrics& metrics, const Clock& clock);

    // How long since it was first seen a difference may be delay: `delay`, or `until_next` while the other
    // side has not spoken since the ledger's became known (a CRL that is older than that: the next one is
    // waited for).
    struct Patience {
        seconds delay{};
        seconds until_next{};
        UtcTime spoke = year_9999;       // the other side, last
        std::optional<UtcTime> known{};  // where changed() did not tell; nothing: when it is first seen
    };
    // The ledger took up a change of status at this moment, which may be long after the revocation's own
    // time: a CRL made in between cannot know it. The last limits::changes_remembered are remembered.
    void changed(const std::string& issuer, const Serial& serial, UtcTime at);
    // Seen just now.
    void see(const DifferenceKey& key, std::string ledger, std::string other, const Patience& patience);
    // Looked for just now, and not there (any more).
    void clear(const DifferenceKey& key);
    // A walk over everything of an issuer that began at `begun` has ended: what it did not see is not there.
    void clear_unseen(const std::string& issuer, metrics::Compared with, UtcTime begun);
    std::vector<DifferenceKey> of(const std::string& issuer, metrics::Compared with) const;
    std::size_t named(const std::string& issuer) const;  // certificates
    // Those that were named, as a JSON array: of each place the oldest `at_most`, so that a front which is
    // far behind does not hide what else differs.
    std::string named_json(const std::string& issuer, std::size_t at_most) const;
    // Into the file, if anything has changed.
    Status save();
    // Counts and ages as they are now, into the metrics; what has changed of them into the log, without
    // serials.
    void measure();

  private:
    struct Entry : Difference {
        UtcTime seen{};
    };
    void load();
    const std::string& name_of(const std::string& issuer) const;
    void tell();  // REQUIRES: mutex_
    std::size_t& kept(metrics::Compared with) noexcept { return kept_[static_cast<std::size_t>(with)]; }
    struct Place {
        std::string issuer;
        metrics::Compared with = metrics::Compared::answers;
        std::string where;
        friend auto operator<=>(const Place&, const Place&) = default;
    };

    const std::filesystem::path file_;
    const std::vector<std::pair<std::string, std::string>> names_;
    metrics::SignerMetrics& metrics_;
    const Clock& clock_;
    mutable std::mutex mutex_;
    std::map<DifferenceKey, Entry> entries_;
    std::array<std::size_t, metrics::compareds> kept_{};  // of entries_
    using Changed = std::map<std::pair<std::string, Serial>, UtcTime>;
    Changed known_;
    std::deque<Changed::const_iterator> oldest_known_;
    std::map<Place, std::size_t> told_;  // how many differences the log has named
    bool changed_ = false;
    bool full_said_ = false;
};

}  // namespace eightbells::signer

#endif
