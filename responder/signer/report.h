#ifndef EIGHTBELLS_RESPONDER_SIGNER_REPORT_H
#define EIGHTBELLS_RESPONDER_SIGNER_REPORT_H

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "responder/config/config.h"
#include "responder/ledger/ledger.h"
#include "responder/metrics/private_listener.h"
#include "responder/metrics/signer_metrics.h"
#include "responder/signer/clock_guard.h"
#include "responder/signer/consistency.h"
#include "responder/signer/crl_issuer.h"
#include "responder/signer/publisher.h"
#include "responder/signer/signer.h"

namespace eightbells::signer {

// What the signer says of itself: metrics, log lines about feeds, readiness, and the status that an operator
// asks for. Any thread.
class Report final : public PublisherListener {
  public:
    // Everything but `identities` is borrowed and must outlive the report.
    Report(const config::Config& config, std::vector<std::shared_ptr<const Identity>> identities,
           ledger::Ledger& ledger, metrics::SignerMetrics& metrics, const Clock& clock);

    void imported(const std::string& issuer, const std::string& source, const ledger::ImportReport& report);
    void refused(const std::string& issuer, const std::string& source, const Error& error);
    void crl_taken(const std::string& issuer, const std::string& path, ByteView der);
    void crl_refused(const std::string& issuer, const std::string& path, const Error& error);
    void on_issuance(const Identity& identity, const CrlIssuance& issuance);
    void clock_seen(const ClockGuard::Reading& reading);
    void on_published(const Identity& identity, const std::vector<ledger::Ledger::Change>& changes,
                      UtcTime now) override;
    void on_state(const Identity& identity, const PublishedState& state) override;

    // Shown in the status, and told what is published. Before anything is published.
    void use(Consistency& consistency) { consistency_ = &consistency; }
    metrics::Readiness readiness() const;
    std::string status_json() const;
    SigningProgress progress() const;

  private:
    const std::string& name_of(const std::string& issuer) const;
    std::size_t index_of(const std::string& issuer) const;
    void measure_files();
    bool ready_locked() const;
    void tell_demand();

    const config::Config& config_;
    std::vector<std::shared_ptr<const Identity>> identities_;
    ledger::Ledger& ledger_;
    metrics::SignerMetrics& metrics_;
    const Clock& clock_;
    Consistency* consistency_ = nullptr;

    mutable std::mutex mutex_;
    std::map<std::string, PublishedState> states_;
    struct CrlState {
        UtcTime this_update{};
        UtcTime next_update{};
        std::size_t octets = 0;
        bool taken = false;    // else what stands above means nothing
        bool refused = false;  // what came last was
    };
    void tell_crls(const std::string& issuer);
    std::map<std::string, std::map<std::string, CrlState>> crls_;  // issuer, path
    std::map<std::string, CrlIssuance> issuances_;
    std::map<std::string, bool> runway_was_short_;
    bool demand_was_high_ = false;
    UtcTime next_source_look_{};
};

}  // namespace eightbells::signer

#endif
