#ifndef EIGHTBELLS_RESPONDER_SIGNER_CRL_VERSIONS_H
#define EIGHTBELLS_RESPONDER_SIGNER_CRL_VERSIONS_H

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "responder/crl/crl.h"

namespace eightbells::signer {

// The newest CRL that was ever taken for each issuer and path: number and time only rise, whatever becomes of
// the CRL itself or of the page file (F-04, F-23). A JSON file of 200 octets a CRL; one thread.
class CrlVersions {
  public:
    // A file that cannot be read is an error: without it an old CRL might pass for a new one.
    static Result<CrlVersions> load(std::filesystem::path file);

    std::optional<crl::CrlVersion> of(const std::string& issuer, const std::string& path) const;
    // Durable when it returns.
    Status note(const std::string& issuer, const std::string& path, const crl::CrlVersion& version);

  private:
    explicit CrlVersions(std::filesystem::path file) : file_(std::move(file)) {}
    std::filesystem::path file_;
    std::map<std::pair<std::string, std::string>, crl::CrlVersion> versions_;
};

}  // namespace eightbells::signer

#endif
