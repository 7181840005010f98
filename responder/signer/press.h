#ifndef EIGHTBELLS_RESPONDER_SIGNER_PRESS_H
#define EIGHTBELLS_RESPONDER_SIGNER_PRESS_H

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "cache/page.h"
#include "responder/ledger/ledger.h"
#include "responder/metrics/signer_metrics.h"
#include "responder/signer/identity.h"
#include "responder/signer/schedule.h"

namespace eightbells::signer {

// Signs answers on all cores: ledger rows go in, pages and patch records come out. Every signature is
// checked, when self-check is on, by a path that knows nothing of how it was made: the answer's bytes are
// parsed again, compared with what the ledger says, and the signature verified under the certificate that the
// answer carries. One thread calls it; it keeps its own workers.
class Press {
  public:
    // `threads` 0: one a core. `metrics` must outlive the press.
    Press(unsigned threads, bool self_check, metrics::SignerMetrics& metrics);
    ~Press();

    struct SignedPage {
        std::uint32_t index = 0;
        std::vector<Bytes> by_profile;  // the encoded page for each of identity.profiles; all empty: no
                                        // certificate lies there
        std::uint64_t records = 0;      // in one of them
    };
    // Reads the pages' certificates from the ledger and signs them for every profile. One failed signature
    // fails the call: nothing half signed is published.
    Result<std::vector<SignedPage>> sign_pages(const std::shared_ptr<const Identity>& identity,
                                               ledger::Ledger& ledger, unsigned page_bits,
                                               std::span<const std::uint32_t> indices, std::uint64_t sequence,
                                               const AnswerTimes& times);

    // A patch that holds each certificate once a profile.
    Result<Bytes> sign_patch(const std::shared_ptr<const Identity>& identity,
                             const std::vector<ledger::Certificate>& certificates, std::uint64_t sequence,
                             const AnswerTimes& times);

    // Signatures a second on all workers together, measured now (about limits::capacity_measurement of work).
    Result<double> measure_capacity(const std::shared_ptr<const Identity>& identity, const Clock& clock);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// What one certificate's answer says beyond its profile: the Extension TLVs of the single response (B-22).
Bytes single_extensions(const ledger::Certificate& certificate, const config::Issuer& settings);

}  // namespace eightbells::signer

#endif
