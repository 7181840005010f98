#ifndef EIGHTBELLS_RESPONDER_WATCH_REVOCATIONS_H
#define EIGHTBELLS_RESPONDER_WATCH_REVOCATIONS_H

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "responder/base/result.h"
#include "responder/base/serial.h"
#include "responder/watch/history.h"
#include "responder/watch/prober.h"

namespace eightbells::watch {

// Names a certificate in ledger and status without its serial number: SHA-256 in hex over "issuer LF serial".
std::string reference_of(const std::string& issuer, const Serial& serial);

// Revocations that somebody announces in a file, one JSON object a line, added at its end:
//   {"issuer":"demo","serial":"0A1B2C","time":"2026-11-22T06:40:00Z"}
// so that their way outside can be timed (D-02, D-03). A missing file announces none.
class Revocations {
  public:
    Revocations(std::filesystem::path file, std::vector<std::string> issuers);

    // What was added since the last look and is not older than a day, less what `history` has seen by all
    // methods. Lines that make no sense are named in `faults`, each once.
    std::vector<Awaited> look(const History& history, UtcTime now, std::vector<std::string>& faults);

  private:
    Result<Awaited> read_line(std::string_view line) const;

    std::filesystem::path file_;
    std::vector<std::string> issuers_;
    std::size_t read_ = 0;  // octets, up to a line's end
    bool too_large_said_ = false;
};

}  // namespace eightbells::watch

#endif
