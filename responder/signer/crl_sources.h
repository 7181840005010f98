#ifndef EIGHTBELLS_RESPONDER_SIGNER_CRL_SOURCES_H
#define EIGHTBELLS_RESPONDER_SIGNER_CRL_SOURCES_H

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "responder/signer/crl_gate.h"

namespace eightbells::signer {

// Watches the files and folders in which a CA puts its CRLs, by looking, and offers what is new to the gate.
//
// A file that cannot be read as a CRL may be in the middle of being written: it is looked at again, and
// refused only when it has stood still for limits::crl_settles. One that the gate refuses is offered again
// now and then, as the refusal may pass (a date in the future, an issuer's base that comes later). Of a
// folder the newest by cRLNumber is taken; where the gate refuses it, the next that is newer than what is
// served. Older ones lie there rightly and are passed over. When nothing in a folder is wrong any more what
// is served is offered once more, which ends the alarm. One thread.
class CrlSources {
  public:
    // What was taken up, for the log and the metrics.
    using Taken = std::function<void(const FedIssuer&, const ledger::ImportReport&)>;
    CrlSources(const std::vector<FedIssuer>& issuers, CrlGate& gate, Taken taken, const Clock& clock);

    // One look at everything; true when something was taken up.
    bool look_once();

  private:
    enum class State { fresh, unreadable, refused, done };
    struct Seen {
        struct ::stat facts {};  // as it was when it was last looked into
        State state = State::fresh;
        std::chrono::steady_clock::time_point since{};  // it has been so
        std::chrono::steady_clock::time_point again{};  // refused: not before this
        Bytes number;                                   // its cRLNumber; empty: not read
    };
    struct Source {
        const FedIssuer* issuer = nullptr;
        config::ImportedCrl crl;
        std::map<std::filesystem::path, Seen> files;  // one, unless it is a folder
        bool well = true;  // a folder in which nothing was wrong when it was last looked at
    };
    bool look(Source& source);
    bool look_at_file(Source& source, const std::filesystem::path& file);
    bool look_at_folder(Source& source);
    std::optional<CrlGate::Offer> read(Source& source, const std::filesystem::path& file, Seen& seen);
    bool due(const Source& source, const std::filesystem::path& file, Seen& seen);
    bool offer(Source& source, const std::filesystem::path& file, Seen& seen);
    void unreadable(Source& source, Seen& seen, const CrlGate::Offer& offer, const Error& why);

    CrlGate& gate_;
    Taken taken_;
    const Clock& clock_;
    std::vector<Source> sources_;
};

}  // namespace eightbells::signer

#endif
