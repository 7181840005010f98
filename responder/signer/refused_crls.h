#ifndef EIGHTBELLS_RESPONDER_SIGNER_REFUSED_CRLS_H
#define EIGHTBELLS_RESPONDER_SIGNER_REFUSED_CRLS_H

#include <filesystem>
#include <string>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"

namespace eightbells::signer {

// A folder with the CRLs that were refused, for whoever wants to know why: <issuer>-<digest>.crl as it came,
// and <issuer>-<digest>.txt with when, where and why. Bounded (limits::refused_crls, refused_crl_octets): the
// oldest leave, and of a large one only the beginning is kept, as the text says. One thread.
class RefusedCrls {
  public:
    explicit RefusedCrls(std::filesystem::path folder) : folder_(std::move(folder)) {}

    struct Refusal {
        std::string issuer;  // its name in the configuration
        std::string path;    // URL path
        std::string place;   // file or URL that it came from
        std::string reason;
        UtcTime at{};
    };
    // The same octets again only get a new text. An error is the disk's; the refusal stands all the same.
    Status keep(ByteView octets, const Refusal& refusal);

  private:
    void drop_oldest() const;
    std::filesystem::path folder_;
};

}  // namespace eightbells::signer

#endif
