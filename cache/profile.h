#ifndef EIGHTBELLS_CACHE_PROFILE_H
#define EIGHTBELLS_CACHE_PROFILE_H

#include "cache/page.h"
#include "responder/ocsp/answer.h"

namespace eightbells::cache {

// The stored form of an AnswerProfile; its SHA-256 is the profile's name. An error that names the field where
// the form cannot hold it: hashes of another size than cert_id_hash has, no AlgorithmIdentifier, more than
// limits::profile_octets in all.
Result<Bytes> encode_profile(const ocsp::AnswerProfile& profile);
// Structure only, and that each DER part is one well-formed element (single_extensions: a row of them).
Result<ocsp::AnswerProfile> parse_profile(ByteView bytes);

}  // namespace eightbells::cache

#endif
