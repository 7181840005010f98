#ifndef EIGHTBELLS_RESPONDER_PROGRAMS_COMMANDS_H
#define EIGHTBELLS_RESPONDER_PROGRAMS_COMMANDS_H

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/store.h"
#include "responder/base/clock.h"
#include "responder/config/config.h"
#include "responder/crypto/certificate.h"
#include "responder/ocsp/cert_id.h"

// The operator's commands (`eightbells ...`). Each prints for a person and returns the process's exit code.
namespace eightbells::programs {

// The signer, a front and, where an issuer is watched, the watch as separate processes, started again when
// they end, until SIGTERM or SIGINT. SIGHUP: all of them anew, with the configuration as the file is then,
// and without a request that fails (supervisor.h).
int run(const config::Config& config);

struct EventArguments {
    std::string action;  // "revoke", "hold", "release", "correct"
    std::string serial;
    std::string issuer;  // empty: the only one
    std::string reason;
    std::string time;
    std::string invalidity_date;
    std::string source;
    std::optional<std::uint64_t> sequence;
};
int send_event(const config::Config& config, const EventArguments& arguments);

struct ImportArguments {
    std::string kind;
    std::string path;
    std::string issuer;
    std::string crl_path;
};
int import(const config::Config& config, const ImportArguments& arguments);
int status(const config::Config& config);
int resign(const config::Config& config, const std::string& issuer);
int lead(const config::Config& config);  // the order to the signer of a pair that follows
// What the signer thinks of the clock; `accept`: the operator's word that it is right as it is now (D-10).
int clock(const config::Config& config, bool accept);
// The CA's own key is compromised: every certificate is revoked. `confirm` must be the issuer's name.
int compromise(const config::Config& config, const std::string& issuer, const std::string& confirm,
               const std::string& time);

// The issuer's last CRL: no other comes after it (F-18).
int last_crl(const config::Config& config, const std::string& issuer);

struct ShowArguments {
    std::string serial;
    std::string issuer;
    std::string hash = "sha256";
    bool der = false;  // the answer's bytes to standard output, nothing else
};
int show(const config::Config& config, const ShowArguments& arguments, const Clock& clock);

// Reads the whole store as a stranger would and checks every byte and every signature.
int verify(const config::Config& config, const Clock& clock);

// The availability report of a month out of outage ledgers; needs no configuration. `ledgers`: folders of
// watches, or files that are copies of a ledger; not empty when making.
struct ReportArguments {
    std::string month;  // "2026-11"
    std::vector<std::string> ledgers;
    std::string out = ".";
    std::string vantage;               // empty: all ledgers merged
    std::string file;                  // the report that is to be verified
    std::vector<std::string> anchors;  // files of signed heads that were kept elsewhere
    std::string key;                   // whose signature it has to be: hex, or the file watch-key.pub
};
int make_report(const ReportArguments& arguments, const Clock& clock);
int verify_report(const ReportArguments& arguments);

// --- shared by the commands
// ------------------------------------------------------------------------------------------

// The configured issuer of this name (empty: the only one), with its certificate read; prints what is wrong.
struct NamedIssuer {
    config::Issuer settings;
    crypto::IssuerIdentity identity;
};
std::optional<NamedIssuer> find_issuer(const config::Config& config, const std::string& name);
// The certificate of a configured issuer, as its file has it.
Result<crypto::Certificate> ca_certificate(const config::Issuer& issuer);
// The store that fronts read, and the store keys that they trust; prints what is wrong.
std::unique_ptr<cache::Store> open_store(const config::Config& config);
std::optional<std::vector<cache::StorePublicKey>> trusted_keys(const config::Config& config);

}  // namespace eightbells::programs

#endif
