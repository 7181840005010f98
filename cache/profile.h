#ifndef EIGHTBELLS_CACHE_PROFILE_H
#define EIGHTBELLS_CACHE_PROFILE_H

#include "cache/page.h"
#include "responder/ocsp/answer.h"

namespace eightbells::cache {

// The stored form of an AnswerProfile; its SHA-256 is the profile's name.
Bytes encode_profile(const ocsp::AnswerProfile& profile);
Result<ocsp::AnswerProfile> parse_profile(ByteView bytes);

}  // namespace eightbells::cache

#endif
