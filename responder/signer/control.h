#ifndef EIGHTBELLS_RESPONDER_SIGNER_CONTROL_H
#define EIGHTBELLS_RESPONDER_SIGNER_CONTROL_H

#include <sys/types.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "responder/base/clock.h"
#include "responder/crypto/certificate.h"
#include "responder/ledger/ledger.h"
#include "responder/signer/clock_guard.h"
#include "responder/signer/feeds.h"

namespace eightbells::signer {

// The control socket: events from the CA's connector and the operator's commands, one JSON object a line, one
// line of answer each, in order. Who may connect is decided by the kernel's word on the peer. Events that
// arrive together are made durable together.
//
//   {"do":"event","issuer":"demo","action":"revoke","serial":"0A1B","reason":"keyCompromise","time":"2026-11-22T06:40:00Z",
//    "invalidity_date":"...","source":"ca-1","sequence":17}
//   actions: issue (with "not_after" and, where it is known, "hash": the certificate's SHA-256), revoke,
//   hold, release, correct, heartbeat (without "serial")
//   -> {"ok":true,"verdict":"applied","sequence":17,"repeated":false,"gap":false,"message":"..."}
//   {"do":"import","issuer":"demo","kind":"csv","path":"/absolute/path"}      kinds: index, crl, csv,
//   json-lines, folder. For one of several CRLs "crl_path":"/shard-1.crl" says at which path it is served
//   -> {"ok":true,"report":{"read":1000,"issued":1000,...}}
//   {"do":"compromise","issuer":"demo","confirm":"demo","time":"..."}   the CA's own key: every certificate
//   is revoked, for good
//   -> {"ok":true,"report":{...}}
//   {"do":"last-crl","issuer":"demo"}   no other CRL comes after it (F-18)
//   -> {"ok":true,"report":{...}}
//   {"do":"resign","issuer":"demo"}   a signer key is compromised and replaced: every answer is signed anew
//   now
//   -> {"ok":true}
//   {"do":"status"}  -> {"ok":true,"issuers":[...],"clock":{"state":"trusted","may_sign":true,"why":""}}
//   {"do":"clock"}  -> {"ok":true,"clock":{...}}   and, with "accept":true, the operator's word that the
//   clock is right as it is now (D-10)
// What is wrong with a line is answered {"ok":false,"error":"field: ..."}. "id", when given, comes back.
class Control {
  public:
    struct Hooks {
        std::function<void()> on_change;  // after events were made durable
        // For the counters. Null: the ledger failed.
        std::function<void(ledger::Action, const ledger::EventAnswer*)> on_event;
        std::function<Status(const std::string& issuer)> issue_last_crl;
        std::function<void(const std::string& issuer)> resign;
        std::function<std::string()> status;  // a JSON array
        std::function<ClockGuard::Reading()> clock;
        std::function<Status(uid_t operator_)> accept_clock;
    };
    // Runs a thread of its own. `users`: who may connect besides root and ourselves.
    static Result<std::unique_ptr<Control>> open(const std::filesystem::path& socket,
                                                 std::vector<uid_t> users, std::vector<FedIssuer> issuers,
                                                 ledger::Ledger& ledger, Feeds& feeds, CrlGate& gate,
                                                 Hooks hooks, const Clock& clock);
    ~Control();

    struct State;

  private:
    explicit Control(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// The operator's import, by kind, on the feeds' thread. `crl_path` says which of several CRLs it is.
Result<ledger::ImportReport> run_import(ledger::Ledger& ledger, CrlGate& gate, const FedIssuer& issuer,
                                        const std::string& kind, const std::filesystem::path& path,
                                        const std::string& crl_path, UtcTime now);
std::string report_to_json(const ledger::ImportReport& report);

}  // namespace eightbells::signer

#endif
