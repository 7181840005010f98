#ifndef EIGHTBELLS_RESPONDER_SIGNER_CRL_GATE_H
#define EIGHTBELLS_RESPONDER_SIGNER_CRL_GATE_H

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "responder/base/clock.h"
#include "responder/config/config.h"
#include "responder/crypto/certificate.h"
#include "responder/ledger/import.h"
#include "responder/ledger/ledger.h"
#include "responder/signer/crl_versions.h"
#include "responder/signer/refused_crls.h"

namespace eightbells::signer {

// One configured issuer as the feeds see it.
struct FedIssuer {
    config::Issuer settings;
    crypto::IssuerIdentity issuer;
};

// What the gate tells the rest of the signer, on the thread of whoever calls it.
class CrlListener {
  public:
    virtual ~CrlListener() = default;
    // Verified, imported and remembered: it is to be served at this path.
    virtual void on_crl(const std::string& issuer, const std::string& path, crl::Octets der) = 0;
    virtual void on_crl_refused(const std::string& issuer, const std::string& path, const Error& error) = 0;
    // What is served at the moment; null: nothing.
    virtual crl::Octets served_crl(const std::string& issuer, const std::string& path) = 0;
};

// The one way by which a CRL from outside comes in, whichever source it has: it is judged (crl::check_crl,
// EntryRules, F-18), imported into the ledger, remembered as the newest, and then handed on to be served.
// What is refused changes nothing of what is served, and is kept aside with the reason. One thread (the
// feeds').
//
//   judged -> in the ledger (durable) -> remembered (durable) -> handed on to the publisher
//
// Crash after any of them: the source is looked at again, the same octets pass again, and nothing is lost.
class CrlGate {
  public:
    // Everything is borrowed and must outlive the gate. `data` is the signer's folder.
    static Result<std::unique_ptr<CrlGate>> open(const std::filesystem::path& data, ledger::Ledger& ledger,
                                                 CrlListener& listener, const Clock& clock);

    struct Offer {
        crl::Octets octets;  // DER or PEM
        std::string place;   // the file or URL that they came from
    };
    Result<ledger::ImportReport> take(const FedIssuer& issuer, const config::ImportedCrl& crl, Offer offer);
    // What could not even be read as octets, or is no answer to be believed: told and kept aside, as take()
    // does with what it refuses; the same once more is not told again.
    void refuse(const FedIssuer& issuer, const config::ImportedCrl& crl, const Offer& offer,
                const Error& why);

    // Which of the issuer's CRLs has this path; the only one where the path is empty.
    static Result<config::ImportedCrl> find(const FedIssuer& issuer, const std::string& path);

    // The newest one taken for this path so far.
    std::optional<crl::CrlVersion> newest(const FedIssuer& issuer, const std::string& path) const;
    const std::filesystem::path& scratch() const noexcept { return data_; }

  private:
    CrlGate(std::filesystem::path data, CrlVersions versions, ledger::Ledger& ledger, CrlListener& listener,
            const Clock& clock);
    std::filesystem::path data_;
    CrlVersions versions_;
    RefusedCrls refused_;
    std::map<std::array<std::string, 3>, std::string> told_;  // issuer, path, place: what was told last
    ledger::Ledger& ledger_;
    CrlListener& listener_;
    const Clock& clock_;
};

}  // namespace eightbells::signer

#endif
