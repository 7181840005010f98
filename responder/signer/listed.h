#ifndef EIGHTBELLS_RESPONDER_SIGNER_LISTED_H
#define EIGHTBELLS_RESPONDER_SIGNER_LISTED_H

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/head.h"
#include "cache/store.h"
#include "responder/base/clock.h"
#include "responder/base/status.h"
#include "responder/ledger/staging.h"

namespace eightbells::signer {

// What the CRLs under one head list, sorted by serial hash like everything else, in bounded memory: entries
// are streamed from the stored pieces and wait in an unlinked file (ledger::Staging). One thread.
class Listed {
  public:
    struct Crl {
        std::string path;
        cache::Digest digest{};
        UtcTime this_update{};
        bool is_delta = false;
        Bytes number;       // magnitude
        Bytes base_number;  // of a delta
        // Whether what is not on it is thereby not revoked: alone (`whole`: no issuing distribution point),
        // or together with the issuer's others of this kind (`part`: one that only names where it is);
        // `other`: it speaks of some certificates, and nobody can tell here of which.
        enum class Scope { whole, part, other } scope = Scope::whole;
        Bytes issuing_distribution_point;  // the extension's value; empty: none
        std::vector<std::string> uris;     // of a part: where its certificates say that it lies
        std::optional<UtcTime> expired_certs_on_crl;
    };
    // `scratch`: a folder for files without names.
    static Result<Listed> read(cache::Store& store, const std::string& issuer, const cache::Head& head,
                               const std::filesystem::path& scratch);

    const std::vector<Crl>& crls() const noexcept { return crls_; }

    struct Entry {
        std::uint64_t serial_hash = 0;
        Serial serial;
        std::size_t crl = 0;  // in crls()
        CertStatus status;    // good: a delta's removeFromCRL
    };
    // All entries whose serial hash begins with these eight bits, sorted by it; the same serial once a CRL.
    // Where a delta newer than a whole CRL lists a serial, its word stands in place of that CRL's.
    Result<std::vector<Entry>> bucket(std::size_t first_octet) const;
    // The delta that goes with crls()[crl], or nothing.
    std::optional<std::size_t> delta_over(std::size_t crl) const;
    // When crls()[crl], or the delta over it, was made.
    UtcTime spoke(std::size_t crl) const;

  private:
    explicit Listed(const std::filesystem::path& scratch)
        : staging_(std::make_unique<ledger::Staging>(scratch)) {}
    Status add(const Crl& crl, ByteView der);
    void take_deltas_word(std::vector<Entry>& entries, std::size_t group) const;
    std::vector<Crl> crls_;
    std::unique_ptr<ledger::Staging> staging_;
};

}  // namespace eightbells::signer

#endif
