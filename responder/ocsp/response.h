#ifndef EIGHTBELLS_RESPONDER_OCSP_RESPONSE_H
#define EIGHTBELLS_RESPONDER_OCSP_RESPONSE_H

#include <cstdint>
#include <optional>
#include <vector>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/base/status.h"
#include "responder/ocsp/answer.h"
#include "responder/ocsp/cert_id.h"

namespace eightbells::ocsp {

// What a signed answer says, read back from its bytes: our own signer's output is hostile until checked, and
// so is what a front gets over the private call. Borrows from the response's bytes.
struct ParsedSingle {
    CertIdView cert_id;
    bool unknown = false;
    CertStatus status;  // invalidity_date filled from singleExtensions where present
    UtcTime this_update{};
    UtcTime next_update{};  // absent nextUpdate is refused (B-14)
    std::optional<UtcTime> archive_cutoff;
    ByteView extensions;  // the Extension TLVs, concatenated; may be empty
};
struct ParsedResponse {
    ResponseStatus status = ResponseStatus::internal_error;  // the rest only when successful
    ByteView response_data;                                  // TLV: what the signature covers
    ByteView responder_key_hash;                             // byKey (B-03); byName is refused
    UtcTime produced_at{};
    std::vector<ParsedSingle> singles;
    std::optional<ByteView> nonce;
    ByteView signature_algorithm;  // AlgorithmIdentifier TLV
    ByteView signature;            // BIT STRING octets
    std::vector<ByteView> certificates;
};

// Strict DER of exactly the shapes that we send (group B); anything else is an error that names the field.
Result<ParsedResponse> parse_response(ByteView der);

}  // namespace eightbells::ocsp

#endif
