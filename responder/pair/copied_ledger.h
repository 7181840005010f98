#ifndef EIGHTBELLS_RESPONDER_PAIR_COPIED_LEDGER_H
#define EIGHTBELLS_RESPONDER_PAIR_COPIED_LEDGER_H

#include <filesystem>
#include <functional>

#include "responder/base/descriptor.h"
#include "responder/crypto/digest.h"

namespace eightbells::pair {

// A whole ledger on its way from one signer to the other.

// Reads `file` piece by piece; the digest of all of it.
Result<crypto::Sha256Digest> for_each_piece(const std::filesystem::path& file,
                                            const std::function<Status(Bytes)>& take);

// Where a ledger is kept that another took the place of.
std::filesystem::path set_aside(const std::filesystem::path& ledger);

// The receiving end: pieces go into a file beside the ledger, and only what came whole takes its place.
class CopiedLedger {
  public:
    static Result<CopiedLedger> begin(const std::filesystem::path& ledger);
    Status add(ByteView octets);
    // Durable, and in the ledger's place. The ledger must be closed. What lay there is kept beside it as
    // "<ledger>.set-aside", in place of what was set aside before: it may hold what only this signer knew.
    Status install(const crypto::Sha256Digest& digest);

  private:
    CopiedLedger(std::filesystem::path ledger, Descriptor file)
        : ledger_(std::move(ledger)), file_(std::move(file)) {}
    std::filesystem::path ledger_;
    Descriptor file_;
    crypto::Sha256 sha256_;
};

}  // namespace eightbells::pair

#endif
