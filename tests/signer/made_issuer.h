#ifndef EIGHTBELLS_TESTS_SIGNER_MADE_ISSUER_H
#define EIGHTBELLS_TESTS_SIGNER_MADE_ISSUER_H

#include <filesystem>
#include <string>

#include "responder/config/config.h"

namespace eightbells::tests {

// A folder that goes with the object.
class Folder {
  public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

// A CA and its delegated signer, made by the openssl command in `folder`: issuer.pem, signer.pem, signer.key.
// Valid from now on the real clock; `signer_days` is the delegate's life. `signer_key`: as `openssl genpkey
// -algorithm` takes it.
config::Issuer make_issuer(const std::filesystem::path& folder, int signer_days = 60,
                           const std::string& signer_key = "EC -pkeyopt ec_paramgen_curve:P-256");

}  // namespace eightbells::tests

#endif
