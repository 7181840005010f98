#ifndef EIGHTBELLS_RESPONDER_FRONT_CRL_FILE_H
#define EIGHTBELLS_RESPONDER_FRONT_CRL_FILE_H

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cache/replica.h"
#include "responder/base/clock.h"
#include "responder/base/result.h"
#include "responder/http/exchange.h"

namespace eightbells::front {

// A CRL as it is served: the open file and the facts of its headers, which are read from its own bytes so
// that they can never belong to another CRL. Immutable. The file stays open as long as a connection sends
// from it, whatever happens to its name.
struct CrlFile {
    std::string path;  // URL path
    cache::Digest digest{};
    std::uint64_t size = 0;  // octets
    http::EntityTag etag{};  // the first 16 octets of the digest, which is SHA-256 of the whole DER
    UtcTime this_update{};
    std::optional<UtcTime> next_update;
    std::shared_ptr<const http::BodyFile> file;
};

// Opens a CRL that the replica holds; its digest has been checked there. The file's size must be as signed.
Result<std::shared_ptr<const CrlFile>> open_crl(const cache::StoredCrl& stored);

}  // namespace eightbells::front

#endif
